"""What the next retarget does to hashprice and to who is under water, as distributions.

Draws of the day after it (``hashprice_ahead``) meet the draws of the supply curve
(``economics.supply``) one to one. They are taken as independent: the difficulty's are the luck of
the blocks to come and what the last days leave open of the rate, the curve's are what nobody
publishes of machines and power. Both rest on the same hashrate, the curve on its 30-day mean. What
links them, machines that stop because they are under water, is in neither; so the share under water
is given too for the most harmful and the most helpful dependence there could be.

The curve is today's: who has gone for good, and who waits how long, does not change until then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.economics.draws import band_of, variance_parts
from hashcanary.economics.machines.fleet import HOURS
from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.retarget.hashprice_ahead import Ahead, Basis, hashprice_ahead
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from hashcanary.economics.supply.curve import Supply
    from hashcanary.economics.supply.study import SupplyStudy
    from hashcanary.inference.retarget.forecast import RetargetForecast

_TERA_IN_EXA = 1e6
_KILO = 1000.0
# share that cannot stop at once without the chain all but stopping
_NEARLY_ALL = 0.95
INPUTS = ("difficulty", "price", "fees", "curve")


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A figure's distribution: (7,) values at ``bank.LEVELS``, and its mean, in one unit."""

    values: Floats
    mean: float

    @property
    def median(self) -> float:
        """In the figure's unit."""
        return float(self.values[LEVELS.size // 2])


@dataclass(frozen=True, slots=True)
class Then:
    """The first whole day after the retarget, at a price that is held or one that moves.

    under_water: fraction of what runs now; gain: fraction more than today's, in each draw;
    response: hashrate that pays then over that which pays now, less one, a fraction; rises:
    probability that it is above 0; falls: probability that it is below. back_ehs: of it machines
    that stand still now. by_elasticity: fraction, the response as the elasticity at the margin
    gives it.
    """

    hashprice_usd_per_phs_day: Quantiles
    under_water: Quantiles
    under_water_ehs: Quantiles
    gain: Quantiles
    revenue_usd_per_mwh: Quantiles
    response: Quantiles
    response_ehs: Quantiles
    back_ehs: Quantiles
    rises: float
    falls: float
    by_elasticity: Quantiles


@dataclass(frozen=True, slots=True)
class RigAfter:
    """A rig of the fleet at the network's median power price, before and after, price held.

    off_at_*: price of bitcoin at which it just pays. pays_now, pays_after, pays_moving: probability
    that it does; moving: after, with the price uncertain, None where that cannot be said.
    """

    name: str
    j_per_th: Interval
    off_at_now_usd_per_btc: Interval
    off_at_after_usd_per_btc: Interval
    pays_now: float
    pays_after: float
    pays_moving: float | None

    @property
    def crosses(self) -> bool:
        """Whether it is likelier than not to pay on one side of the retarget only."""
        return (self.pays_now > 0.5) != (self.pays_after > 0.5)


@dataclass(frozen=True, slots=True)
class Stopped:
    """If all that is under water stopped at the forecast's block. change: of the difficulty, a
    fraction; later_days: how much later the retarget would be.
    """

    change: Quantiles
    later_days: Quantiles


@dataclass(frozen=True, slots=True)
class AfterRetarget:
    """What follows from a forecast, a supply curve (``study``) and a basis.

    change: of the difficulty, a fraction, as forecast. hashprice_now_usd_per_phs_day: at the
    difficulty in force, its band the fees'. running_ehs: hashrate that runs. under_water_now:
    fraction of it. days: from the price's day to the first whole one after the retarget.
    offset_usd_per_btc: the price at which hashprice after equals hashprice now, fees as now.
    moving: None where it cannot be said how the price moves. worst, best: fraction under water,
    price held, where harder difficulty meets the draws with the most, or with the least, under
    water. hashprice_parts, under_water_parts: by input, fraction of the variance of log hashprice
    and of the share under water with the price moving.
    """

    forecast: RetargetForecast
    study: SupplyStudy
    basis: Basis
    change: Quantiles
    hashprice_now_usd_per_phs_day: Interval
    running_ehs: float
    under_water_now: Quantiles
    under_water_now_ehs: Quantiles
    revenue_now_usd_per_mwh: Quantiles
    days: Quantiles
    offset_usd_per_btc: Quantiles
    held: Then
    moving: Then | None
    worst: Quantiles
    best: Quantiles
    rigs: tuple[RigAfter, ...]
    stopped: Stopped | None
    hashprice_parts: dict[str, float]
    under_water_parts: dict[str, float]
    lacks: tuple[str, ...]
    draws: int


def after_retarget(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis, seed: int = 1
) -> AfterRetarget:
    """What ``forecast`` does to the curve of ``study``; as many draws as the curve has.

    Nothing is computed anew of the two. The same seed gives the same bytes.
    """
    supply = study.supply
    draws = supply.left.size
    ahead = hashprice_ahead(forecast, basis, draws, seed)
    now = basis.now
    under = supply.under_water(now.value)
    running = supply.market.hashrate_ths / _TERA_IN_EXA
    held, moved = ahead.held, ahead.moved
    return AfterRetarget(
        forecast=forecast,
        study=study,
        basis=basis,
        change=Quantiles(forecast.change, float(ahead.change.mean())),
        hashprice_now_usd_per_phs_day=now,
        running_ehs=running,
        under_water_now=quantiles_of(under),
        under_water_now_ehs=quantiles_of(under * running),
        revenue_now_usd_per_mwh=quantiles_of(_revenue(supply, now.value)),
        days=quantiles_of(ahead.steps.astype(np.float64)),
        offset_usd_per_btc=_offset(ahead),
        held=_then(supply, now.value, held),
        moving=None if moved is None else _then(supply, now.value, moved),
        worst=_paired(supply, under, held, harmful=True),
        best=_paired(supply, under, held, harmful=False),
        rigs=_rigs(study, basis, now.value, held, moved),
        stopped=_stopped(ahead, under),
        hashprice_parts=_hashprice_parts(ahead, seed),
        under_water_parts=_under_water_parts(supply, ahead, seed),
        lacks=tuple(dict.fromkeys((*basis.lacks, *forecast.lacks, *study.lacks))),
        draws=draws,
    )


def quantiles_of(draws: Floats) -> Quantiles:
    """Of an array of draws, in the unit of them. draws: in any unit."""
    return Quantiles(np.quantile(draws, LEVELS), float(draws.mean()))


def _offset(ahead: Ahead) -> Quantiles:
    """P x D after / D now, and what a halving in between takes; exact at each level."""
    basis = ahead.basis
    fees = basis.fees_now_btc
    scale = (basis.subsidy_btc + fees) / (basis.subsidy_after_btc + fees)
    price = basis.price_usd_per_btc * scale / basis.now_ratio
    return Quantiles(price * (1 + ahead.forecast.change), price * (1 + float(ahead.change.mean())))


def _then(supply: Supply, now: float, hashprice: Floats) -> Then:
    market = supply.market
    under, before = supply.under_water(hashprice), supply.under_water(now)
    pays, paid = supply.paying(hashprice), supply.paying(now)
    running, peak = market.hashrate_ths / _TERA_IN_EXA, market.peak_ths / _TERA_IN_EXA
    response = pays / paid - 1.0
    runs = 1.0 - supply.left
    back = np.maximum(pays, runs) - np.maximum(paid, runs)
    return Then(
        hashprice_usd_per_phs_day=quantiles_of(hashprice),
        under_water=quantiles_of(under),
        under_water_ehs=quantiles_of(under * running),
        gain=quantiles_of(under - before),
        revenue_usd_per_mwh=quantiles_of(_revenue(supply, hashprice)),
        response=quantiles_of(response),
        response_ehs=quantiles_of((pays - paid) * peak),
        back_ehs=quantiles_of(np.maximum(back, 0.0) * peak),
        rises=float((response > 0).mean()),
        falls=float((response < 0).mean()),
        by_elasticity=quantiles_of(supply.elasticity(now) * np.log(hashprice / now)),
    )


def _revenue(supply: Supply, hashprice: float | Floats) -> Floats:
    """USD a MWh of a site with the machines that run, after the pool's fee."""
    values = supply.parameters
    mwh = HOURS / _KILO * supply.fleets.network_j_per_th * values["pue"]
    return np.asarray(hashprice * (1.0 - values["pool_fee"]) / mwh)


def _paired(supply: Supply, under: Floats, hashprice: Floats, *, harmful: bool) -> Quantiles:
    """Share under water where ranks of hashprice go with those of today's share, or against."""
    order = np.argsort(under, kind="stable")
    # the most under water meets the lowest hashprice, or the highest
    ranked = np.sort(hashprice)[::-1] if harmful else np.sort(hashprice)
    met = np.empty_like(hashprice)
    met[order] = ranked
    return quantiles_of(supply.under_water(met))


def _rigs(
    study: SupplyStudy, basis: Basis, now: float, held: Floats, moved: Floats | None
) -> tuple[RigAfter, ...]:
    """The rigs that the study tells of, in its order."""
    supply, price = study.supply, basis.price_usd_per_btc
    places = {rig.name: at for at, rig in enumerate(supply.fleets.rigs)}
    found = []
    for one in study.rigs:
        cost = supply.rig_cost(places[one.name])
        found.append(
            RigAfter(
                one.name,
                one.j_per_th,
                band_of(cost / now * price),
                band_of(cost / held * price),
                float((cost <= now).mean()),
                float((cost <= held).mean()),
                None if moved is None else float((cost <= moved).mean()),
            )
        )
    return tuple(found)


def _stopped(ahead: Ahead, under: Floats) -> Stopped | None:
    """None where the epoch's last block is there, or where hardly anything might run any more."""
    left = ahead.forecast.needed - ahead.forecast.intervals
    if left <= 0 or float(np.quantile(under, LEVELS[-1])) > _NEARLY_ALL:
        return None
    under = np.minimum(under, _NEARLY_ALL)
    waits = ahead.waits / (1.0 - under)
    later = (waits - ahead.waits) * (left + 1) / left
    return Stopped(quantiles_of(ahead.forecast.span.change_after(waits)), quantiles_of(later / DAY))


def _hashprice_parts(ahead: Ahead, seed: int) -> dict[str, float]:
    """Of the variance of log hashprice; empty where the price cannot move."""
    if ahead.moves is None:
        return {}
    return variance_parts(
        INPUTS[:3],
        lambda order: np.log(_rearranged(ahead, order)),
        ahead.steps.size,
        generator(seed, Purpose.VARIANCE_PARTS),
    )


def _under_water_parts(supply: Supply, ahead: Ahead, seed: int) -> dict[str, float]:
    """Of the variance of the share under water; empty where the price cannot move."""
    if ahead.moves is None:
        return {}

    def outcome(order: dict[str, Ints]) -> Floats:
        hashprice, curve = _rearranged(ahead, order), order["curve"]
        # a curve's own row is asked at the hashprice that its new place has
        asked = np.empty_like(hashprice)
        asked[curve] = hashprice
        return supply.under_water(asked)[curve]

    draws = ahead.steps.size
    return variance_parts(INPUTS, outcome, draws, generator(seed, Purpose.VARIANCE_PARTS))


def _rearranged(ahead: Ahead, order: dict[str, Ints]) -> Floats:
    """Hashprice where each input is of a draw of its own."""
    assert ahead.moves is not None
    luck = order["difficulty"]
    mixed = replace(
        ahead,
        change=ahead.change[luck],
        steps=ahead.steps[luck],
        fees_btc=ahead.fees_btc[order["fees"]],
        moves=ahead.moves[order["price"]],
    ).moved
    assert mixed is not None
    return mixed
