"""The hash supply curve: how much hashrate pays for its power at each hashprice, with a band.

A machine's cost is what its power costs: J/TH x 24 h x USD/kWh x PUE x (1 + overhead) over what the
pool leaves, in USD/PH/s/day. The fleet's machines and the network's power prices are draws
(``fleet``, ``power_prices``); the curve of a draw is the distribution of cost over its hashrate.

Machines that the last months did not pay are gone: a draw's costs end at the mean hashprice of the
last 2 to 12 months times a tolerance. A fall of the hashrate since its highest 30-day mean of a
year took, for a part that nobody knows, the dearest of them; the rest (weather, bans, moves) took
dear and cheap alike. What is left above today's hashprice is under water and still runs.

A scenario may have capacity leave for good, such as a site that hosts AI: what leaves is a part of
what runs. It does not come back at any hashprice, unlike machines that are idle because they did
not pay. Nobody knows whose sites leave: ``proportional`` takes dear and cheap machines alike,
``dearest`` those that cost most to run, ``cheapest`` those that cost least, such as sites with the
best power. The truth lies between the last two.

Differs from the real options of Fu et al. in that a machine is off as soon as it loses money for
long; from Noda et al. in that the elasticity follows from costs and is not fitted to hashrate.

What follows for those who stay when a part leaves for good: the price, and fees in bitcoin, are
held, so that all machines together earn what they earned. Once the difficulty has adjusted,
hashprice x hashrate is unchanged, and with nobody coming back the difficulty is (1 - x) of what it
was and the hashprice 1 / (1 - x). Idle machines, the dearest of those that ran when the hashrate
was highest, come back where the higher hashprice pays for them, which takes some of it away: the
answer is the fixed point, one in each draw of the supply curve. Not modelled: machines that the
curve counts as gone for longer than the last months, new orders, and the price's own answer. Those
under water run on, as they did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from hashcanary.arrays import Floats, Singles
from hashcanary.economics.draws import band_of
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.hash_economics import STALE_DAYS
from hashcanary.economics.machines.fleet import HOURS, Fleets, History
from hashcanary.economics.power.prices import CHEAPEST, DEAREST, PowerDraws, PowerMix, draw_power
from hashcanary.economics.priors import Prior, read_priors
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.random import Purpose, generator

Selection = Literal["proportional", "dearest", "cheapest"]
SELECTIONS: tuple[str, ...] = get_args(Selection)
# fraction; more than that leaves no network to speak of
MOST = 0.95


@dataclass(frozen=True, slots=True)
class LeftForGood:
    """A part of what runs that left, and which. fraction: 0 to 0.95. Raises UsageError."""

    fraction: float = 0.0
    selection: Selection = "proportional"

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= MOST:
            raise UsageError(
                argument="--left-for-good",
                expected=f"a share of the hashrate from 0% to {MOST:.0%}",
                found=f"{self.fraction:.4g}",
                remedy="Write 5% or 0.05.",
            )
        if self.selection not in SELECTIONS:
            raise UsageError(
                argument="selection",
                expected=f"one of {', '.join(SELECTIONS)}",
                found=self.selection,
                remedy="Omit it for proportional.",
            )

    def gone(self, paying: Floats, running: Floats) -> Floats:
        """How much of the cheapest machines left: fraction of what ran at the highest, (draws,).

        paying: fraction of what ran at the highest that those cheapest are; running: fraction of it
        that ran before; the dearest rest was idle.
        """
        there = np.minimum(paying, running)
        if self.selection == "proportional":
            return np.asarray(self.fraction * there)
        if self.selection == "dearest":
            return np.maximum(there - running * (1.0 - self.fraction), 0.0)
        return np.minimum(there, running * self.fraction)


NONE_LEFT = LeftForGood()


# of the grid of log cost
_STEP = 0.04
# so many draws are convolved at once: what is in between takes memory
_ROWS = 1024
_YEAR_DAYS = 365
# the margin: what a fall of so much in the logarithm of hashprice takes
_MARGIN = 0.1
# percent of hashrate a percent of hashprice, a ratio, and its standard error: Noda, Okumura and
# Hashimoto, SSRN 3410460, October to December 2018
LITERATURE_ELASTICITY, LITERATURE_ERROR = 0.45, 0.057


@dataclass(frozen=True, slots=True)
class HashMarket:
    """What is known of the moment. day: of the hashprice, Unix seconds of its start.

    hashprice_usd_per_phs_day: of the last day that has one; of now where a study is of now
    (``hash_economics``). hashrate_ths: 30-day mean; peak_ths: the highest of a year; history: days
    up to the moment.
    """

    day: int
    hashprice_usd_per_phs_day: float
    hashrate_ths: float
    peak_ths: float
    history: History

    @property
    def idle(self) -> float:
        """The fraction of the highest 30-day mean that is gone."""
        return 1.0 - self.hashrate_ths / self.peak_ths


def market_at(history: History, moment: int) -> HashMarket:
    """The last known hashprice and hashrate. moment: Unix seconds. Raises NoHashprice."""
    known = history.known_by(moment)
    price = known.hashprice_usd_per_phs_day
    seen = np.flatnonzero(np.isfinite(price) & (price > 0))
    rates = np.flatnonzero(np.isfinite(known.hashrate_ths))
    if seen.size == 0 or rates.size == 0 or moment - known.time[seen[-1]] > STALE_DAYS * DAY:
        last = iso_day(int(known.time[seen[-1]])) if seen.size else "none"
        raise NoHashprice(days=STALE_DAYS, at=iso_day(moment), found=last)
    at = int(seen[-1])
    year = known.hashrate_ths[max(int(rates[-1]) + 1 - _YEAR_DAYS, 0) :]
    return HashMarket(
        int(known.time[at]),
        float(price[at]),
        float(known.hashrate_ths[rates[-1]]),
        float(np.nanmax(year)),
        known,
    )


@dataclass(frozen=True, slots=True)
class Supply:
    """The curve of each draw.

    log_cost: (size,), grid of the log of USD/PH/s/day; below: (draws, size), the fraction of all
    machines whose cost is no more, before the dearest left; limit_log: (draws,), where costs end,
    log of USD/PH/s/day; base_log: (rigs, draws), log of a rig's cost at 1 USD/kWh; left: (draws,),
    the dearest fraction that left since the hashrate was highest; log_power_median: (draws,), log
    of USD/kWh; parameters: by name, (draws,), each in the unit of ``priors.parameter_units``.
    """

    fleets: Fleets
    market: HashMarket
    power: PowerMix
    paid: PowerDraws
    log_cost: Floats
    below: Singles
    limit_log: Floats
    base_log: Singles
    left: Floats
    log_power_median: Floats
    parameters: dict[str, Floats]
    left_for_good: LeftForGood = NONE_LEFT

    def paying(self, hashprice_usd_per_phs_day: float | Floats) -> Floats:
        """The fraction of what ran when hashrate was highest that pays at a hashprice: (draws,).

        One hashprice, or each draw's own. Rises with hashprice in every draw, from 0 to 1.
        """
        at = np.log(hashprice_usd_per_phs_day)
        paying = self._raw(np.minimum(at, self.limit_log)) / self._raw(self.limit_log)
        # what left for good pays at no hashprice
        return np.asarray(paying - self.left_for_good.gone(paying, 1.0 - self.left))

    def under_water(self, hashprice_usd_per_phs_day: float | Floats) -> Floats:
        """The fraction of what runs now whose cost is above a hashprice, or each draw's own."""
        gone = self.left_for_good.fraction * (1.0 - self.left)
        paying = self.paying(hashprice_usd_per_phs_day)
        dear = np.maximum(1.0 - paying - self.left - gone, 0.0)
        return np.asarray(dear / (1.0 - self.left - gone))

    def elasticity(self, hashprice_usd_per_phs_day: float) -> Floats:
        """Percent of paying hashrate lost a percent of hashprice, over a 10% fall: (draws,)."""
        now = np.log(np.maximum(self.paying(hashprice_usd_per_phs_day), 1e-6))
        lower = self.paying(hashprice_usd_per_phs_day * np.exp(-_MARGIN))
        return np.asarray((now - np.log(np.maximum(lower, 1e-6))) / _MARGIN)

    def rig_under_water(self, rig: int, hashprice_usd_per_phs_day: float) -> Floats:
        """The fraction of a rig's machines, of those not gone, that a hashprice does not pay."""
        ends = np.stack(
            [np.full_like(self.limit_log, np.log(hashprice_usd_per_phs_day)), self.limit_log],
            axis=1,
        )
        ends[:, 0] = np.minimum(ends[:, 0], ends[:, 1])
        below = self.paid.below(ends - self.base_log[rig][:, None])
        return np.asarray(1.0 - below[:, 0] / np.maximum(below[:, 1], 1e-6), dtype=np.float64)

    def rig_cost(self, rig: int) -> Floats:
        """Hashprice at which a rig at the network's median power price pays, USD/PH/s/day."""
        return np.asarray(np.exp(self.base_log[rig] + self.log_power_median), dtype=np.float64)

    def _raw(self, at: Floats) -> Floats:
        """``below`` at a log cost a draw, linear between points of the grid."""
        place = np.clip((at - self.log_cost[0]) / _STEP, 0, self.log_cost.size - 1.001)
        index = place.astype(np.int64)
        part = place - index
        rows = np.arange(self.below.shape[0])
        low, high = self.below[rows, index], self.below[rows, index + 1]
        return np.asarray(np.maximum(low + part * (high - low), 1e-9), dtype=np.float64)


def supply_curve(
    fleets: Fleets,
    market: HashMarket,
    power: PowerMix,
    seed: int = 1,
    priors: Mapping[str, Prior] | None = None,
    left_for_good: LeftForGood = NONE_LEFT,
) -> Supply:
    """The curve of each draw of ``fleets``. The same seed gives the same bytes.

    left_for_good: a part of what runs that has left since, and pays at no hashprice.
    """
    drawer = SupplyDrawer(fleets.shares.shape[1], seed, priors)
    return replace(drawer.at(fleets, market, power), left_for_good=left_for_good)


class SupplyDrawer:
    """Curves at many moments: what the same power prices give is drawn once.

    At each moment the same bytes as ``supply_curve``.
    """

    def __init__(
        self, draws: int, seed: int = 1, priors: Mapping[str, Prior] | None = None
    ) -> None:
        self._draws, self._seed = draws, seed
        self._values = _drawn(priors or read_priors().supply, draws, seed)
        # from four times the cheapest power to half of the dearest
        self._log_price = np.arange(np.log(CHEAPEST * 4), np.log(DEAREST / 2) + _STEP, _STEP)
        self._paid: tuple[PowerMix, PowerDraws, Singles] | None = None

    def at(self, fleets: Fleets, market: HashMarket, power: PowerMix) -> Supply:
        """The curve of each draw of ``fleets``, of as many draws."""
        values = self._values
        paid, price_below = self._prices(power)
        factor = values["pue"] * (1.0 + values["overhead"]) / (1.0 - values["pool_fee"])
        base = np.log(HOURS * fleets.efficiency_j_per_th) + np.log(factor).astype(np.float32)
        first, below = _convolve(fleets.shares, base, price_below)
        grid = first + self._log_price[0] + _STEP * np.arange(below.shape[1])
        limit = np.log(_mean_of_last(market, values["patience"]) * values["tolerance"])
        left = values["economic_part"] * market.idle
        log_median = paid.log_network_median()
        parameters = {
            **{f"fleet.{name}": one for name, one in fleets.parameters.items()},
            **values,
            "power_level": np.exp(log_median),
            "network_j_per_th": fleets.network_j_per_th,
        }
        return Supply(
            fleets, market, power, paid, grid, below, limit, base, left, log_median, parameters
        )

    def _prices(self, power: PowerMix) -> tuple[PowerDraws, Singles]:
        if self._paid is None or self._paid[0] != power:
            paid = draw_power(power, self._draws, self._seed)
            self._paid = power, paid, paid.below(self._log_price)
        return self._paid[1:]


def _drawn(priors: Mapping[str, Prior], draws: int, seed: int) -> dict[str, Floats]:
    random = generator(seed, Purpose.MARKET)
    normal = random.standard_normal((len(priors), draws))
    values = {
        name: prior.draw(off).astype(np.float64)
        for (name, prior), off in zip(priors.items(), normal, strict=True)
    }
    values["pue"] = np.maximum(values["pue"], 1.0)
    values["pool_fee"] = np.minimum(values["pool_fee"], 0.2)
    values["economic_part"] = random.random(draws)
    return values


def _mean_of_last(market: HashMarket, days: Floats) -> Floats:
    """Mean hashprice of the last ``days`` days of each draw, USD/PH/s/day."""
    price = market.history.hashprice_usd_per_phs_day
    price = price[np.isfinite(price)][::-1]
    mean = np.cumsum(price) / np.arange(1, price.size + 1)
    return np.asarray(mean[np.clip(days.astype(np.int64), 1, price.size) - 1])


def _convolve(shares: Singles, base: Singles, below: Singles) -> tuple[float, Singles]:
    """The distribution of base + log price over shares.

    shares, base: (rigs, draws); below: (draws, size), the distribution of log price on a grid of
    ``_STEP``. Gives where the grid of base begins, and (draws, size of both).
    """
    from scipy import fft

    draws = shares.shape[1]
    # what is not there does not widen the grid
    there = (shares > 1e-6).any(axis=1)
    shares, base = shares[there], base[there]
    first = float(base.min()) - _STEP
    place = (base - np.float32(first)) / np.float32(_STEP)
    size = int(place.max()) + 2
    whole = size + below.shape[1]
    length = fft.next_fast_len(whole, real=True)
    total = np.empty((draws, whole), np.float32)
    for start in range(0, draws, _ROWS):
        rows = slice(start, start + _ROWS)
        weights = _weights(shares[:, rows], place[:, rows], size)
        density = np.diff(below[rows], axis=1, prepend=np.float32(0.0))
        both = fft.rfft(weights.astype(np.float32), length) * fft.rfft(density, length)
        summed = np.cumsum(np.maximum(fft.irfft(both, length)[:, :whole], 0.0), axis=1)
        total[rows] = summed / summed[:, -1:]
    return first, total


def _weights(shares: Singles, place: Singles, size: int) -> Floats:
    """Shares at fractional places of a grid, (rigs, draws) each: (draws, size)."""
    draws = shares.shape[1]
    index = place.astype(np.int64)
    part = place - index
    cell = index + size * np.arange(draws)[None, :]
    weights = np.bincount(
        np.concatenate((cell.ravel(), (cell + 1).ravel())),
        weights=np.concatenate(((shares * (1 - part)).ravel(), (shares * part).ravel())),
        minlength=draws * size,
    )
    return np.asarray(weights.reshape(draws, size), np.float64)


_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class AfterExit:
    """Of each answer the median and the band of draws.

    difficulty_change_alone, hashprice_change_alone: fractions, exact, with nobody coming back;
    difficulty_change, hashprice_change: fractions, with those who do; returned: fraction of the
    hashrate before; underwater_before, underwater, underwater_before_mean, underwater_mean:
    fractions of what runs; hashrate_ehs: what runs after, EH/s.
    """

    left: LeftForGood
    difficulty_change_alone: float
    hashprice_change_alone: float
    difficulty_change: Interval
    hashprice_change: Interval
    hashprice_usd_per_phs_day: Interval
    returned: Interval
    underwater_before: Interval
    underwater: Interval
    underwater_before_mean: float
    underwater_mean: float
    hashrate_ehs: Interval


def after_exit(supply: Supply, left: LeftForGood) -> AfterExit:
    """What follows where ``left`` of what runs leaves, from today's hashprice and hashrate."""
    now = supply.market.hashprice_usd_per_phs_day
    runs, back = settled(supply, left)
    ratio = 1.0 / (runs + back)
    stays = replace(supply, left_for_good=left)
    # what came back pays, so that it makes the others a smaller part of what runs
    before = supply.under_water(now)
    after = stays.under_water(now * ratio) * runs / (runs + back)
    ehs = supply.market.hashrate_ths / 1e6
    alone = 1.0 - left.fraction
    return AfterExit(
        left,
        -left.fraction,
        1.0 / alone - 1.0,
        band_of(runs + back - 1.0),
        band_of(ratio - 1.0),
        band_of(now * ratio),
        band_of(back),
        band_of(before),
        band_of(after),
        float(before.mean()),
        float(after.mean()),
        band_of((runs + back) * ehs),
    )


def settled(supply: Supply, left: LeftForGood) -> tuple[float, Floats]:
    """What still runs and what came back to it: fractions of the hashrate before, (draws,).

    At those, hashprice x hashrate is what it was. By halving: the more hashprice, the more comes
    back, so that there is one answer in each draw.
    """
    now, before = supply.market.hashprice_usd_per_phs_day, 1.0 - supply.left
    runs = 1.0 - left.fraction
    # machines that would pay today and are idle all the same stay idle
    paid = np.maximum(supply.paying(now), before)

    def returned(ratio: Floats) -> Floats:
        return np.asarray(np.maximum(supply.paying(now * ratio) - paid, 0.0) / before)

    low, high = np.ones_like(before), np.full_like(before, 1.0 / runs)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = middle * (runs + returned(middle)) > 1.0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    # what came back is what keeps revenue as it was, even where the curve is steep
    return runs, np.asarray(np.maximum(2.0 / (low + high) - runs, 0.0))
