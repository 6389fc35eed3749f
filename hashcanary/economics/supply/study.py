"""Who is under water, and who goes next: the supply curve of a record, as figures with bands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import Moved, band_of, moved_by
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.hash_economics import STALE_DAYS, hash_economics
from hashcanary.economics.machines.fleet import History, draw_fleets
from hashcanary.economics.machines.rigs import Catalogue, read_rigs
from hashcanary.economics.power.prices import PowerPrices, power_mix, read_power_prices
from hashcanary.economics.priors import parameter_units
from hashcanary.economics.supply.curve import HashMarket, Supply, market_at, supply_curve
from hashcanary.interval import Interval
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.store.record import Record

# number of fleets
DRAWS = 10_000
_READ = ("hashprice", "hashprice.subsidy", "hashrate.sma30", "price")
# of the hashprice now: where the curve is told
_CURVE = np.exp(np.linspace(np.log(0.3), np.log(2.5), 45))
# rigs with less of the fleet are not told one by one
_LEAST_SHARE = 0.01
_TERA_IN_EXA = 1e6


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A hashprice, and the price of bitcoin at which it is that with difficulty and fees in bitcoin
    as now. paying: fraction of what ran when hashrate was highest; paying_ehs: EH/s.
    """

    hashprice_usd_per_phs_day: float
    price_usd_per_btc: float
    paying: Interval
    paying_ehs: Interval


@dataclass(frozen=True, slots=True)
class RigPoint:
    """A rig of the fleet. share: of the hashrate that runs, a fraction; off_at: hashprice at which
    it pays for the network's median power, and the price of bitcoin then; under_water: fraction of
    its machines that the hashprice now does not pay.
    """

    name: str
    j_per_th: Interval
    share: Interval
    off_at_usd_per_phs_day: Interval
    off_at_usd_per_btc: Interval
    under_water: Interval


@dataclass(frozen=True, slots=True)
class SupplyStudy:
    """All that is told. under_water, under_water_mean: fraction of what runs; room_ehs: the same,
    EH/s; elasticity: percent of hashrate a percent of hashprice, at the margin; lacks: what was not
    known.
    """

    market: HashMarket
    price_usd_per_btc: float
    supply: Supply
    under_water: Interval
    under_water_mean: float
    room_ehs: Interval
    elasticity: Interval
    network_j_per_th: Interval
    power_usd_per_kwh: Interval
    curve: tuple[CurvePoint, ...]
    rigs: tuple[RigPoint, ...]
    levers: tuple[Moved, ...]
    lacks: tuple[str, ...]


def study_supply(
    record: Record,
    catalogue: Catalogue | None = None,
    prices: PowerPrices | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 1,
) -> SupplyStudy:
    """The supply curve as known at the record's moment, with 95% bands of the draws.

    Hashprice is that of the moment; what machines earned before it is told by the days' metric.
    Raises NoRigYet, TooFewDaysForFleet, NoHashprice.
    """
    catalogue = read_rigs() if catalogue is None else catalogue
    prices = read_power_prices() if prices is None else prices
    history, _, lacks = history_of(record)
    moment = _moment(record, history)
    days, now = market_at(history, moment), hash_economics(record)
    assert now.day is not None
    assert now.price_usd_per_btc is not None
    market = replace(
        days, day=now.day, hashprice_usd_per_phs_day=now.hashprice_usd_per_phs_day.value
    )
    fleets = draw_fleets(catalogue, history, moment, draws, seed)
    mix = power_mix(prices, moment, record.daily)
    supply = supply_curve(fleets, market, mix, seed)
    return _told(supply, now.price_usd_per_btc, (*lacks, *mix.notes))


def _moment(record: Record, history: History) -> int:
    """Unix seconds: --at, else the end of the last day that has a hashprice."""
    if record.at is not None:
        return record.at
    seen = np.flatnonzero(np.isfinite(history.hashprice_usd_per_phs_day))
    if seen.size == 0:
        raise NoHashprice(days=STALE_DAYS, at=record.at_text, found="none")
    return int(history.time[seen[-1]]) + DAY


def history_of(record: Record) -> tuple[History, dict[int, float], tuple[str, ...]]:
    """Days of the record; bitcoin's price in USD by day's start; what was not known.

    Where a day's fees are not known its hashprice is the subsidy's alone, and that is said.
    """
    from hashcanary.metrics.engine import metrics_of

    frame = metrics_of(record).frame("day", _READ)
    whole, subsidy, rate, dollars = (floats(frame, name) for name in _READ)
    days = frame["time"].to_numpy().astype(np.int64)
    price = np.where(np.isfinite(whole), whole, subsidy)
    bare = np.isfinite(price) & ~np.isfinite(whole)
    lacks: tuple[str, ...] = ()
    if bare[-400:].any():
        lacks = (
            f"fees of {int(bare[-400:].sum())} of the last 400 days are not known: their hashprice "
            "is the subsidy's, a few percent low",
        )
    by_day = dict(zip(days.tolist(), dollars.tolist(), strict=True))
    return History(days, rate / 1e12, price), by_day, lacks


def _told(supply: Supply, price: float, lacks: tuple[str, ...]) -> SupplyStudy:
    market = supply.market
    now = market.hashprice_usd_per_phs_day
    under = supply.under_water(now)
    curve = []
    for ratio in _CURVE.tolist():
        paying = supply.paying(now * ratio)
        peak = market.peak_ths / _TERA_IN_EXA
        curve.append(
            CurvePoint(now * ratio, price * ratio, band_of(paying), band_of(paying * peak))
        )
    return SupplyStudy(
        market=market,
        price_usd_per_btc=price,
        supply=supply,
        under_water=band_of(under),
        under_water_mean=float(under.mean()),
        room_ehs=band_of(under * market.hashrate_ths / _TERA_IN_EXA),
        elasticity=band_of(supply.elasticity(now)),
        network_j_per_th=band_of(supply.fleets.network_j_per_th),
        power_usd_per_kwh=band_of(np.exp(supply.log_power_median)),
        curve=tuple(curve),
        rigs=_rigs(supply, price),
        levers=moved_by(MEANINGS, supply.parameters, under, parameter_units()),
        lacks=lacks,
    )


def _rigs(supply: Supply, price: float) -> tuple[RigPoint, ...]:
    """The rigs of the fleet, those that go first on top."""
    fleets, now = supply.fleets, supply.market.hashprice_usd_per_phs_day
    found = []
    for at, rig in enumerate(fleets.rigs):
        share = fleets.running[at].astype(np.float64)
        if share.mean() < _LEAST_SHARE:
            continue
        cost = supply.rig_cost(at)
        found.append(
            RigPoint(
                rig.name,
                band_of(fleets.efficiency_j_per_th[at].astype(np.float64)),
                band_of(share),
                band_of(cost),
                band_of(cost / now * price),
                band_of(supply.rig_under_water(at, now)),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.off_at_usd_per_phs_day.value))


# of a supply curve's parameters, as people read them
MEANINGS = {
    "power_level": "power price of the network, USD/kWh",
    "network_j_per_th": "the fleet's efficiency, J/TH",
    "economic_part": "part of the hashrate gone since its peak that was the dearest",
    "patience": "days whose mean hashprice must pay a machine",
    "tolerance": "cost over that mean at which it is gone, ratio",
    "pue": "power of the site over the machines', ratio",
    "overhead": "other costs that end when off, of power, fraction",
    "pool_fee": "pool's fee, fraction",
    "fleet.life": "life of a rig, years",
    "fleet.sale": "years over which sales of a rig fade",
    "fleet.preference": "buyers' preference for efficiency, power",
    "fleet.gross": "hashrate shipped a year, fraction",
    "fleet.scrap": "scrapping of what does not pay, a year",
}
