"""The fleet through time: by day, how much of it was under water and how much had to be sold.

The supply curve is drawn on the first day of every month, as ``study_supply`` would then; a day
takes the month's curve with its own hashprice, what has left by then, and the mean hashprice of the
last months. Nothing of a day rests on what came after it: later days change none.

Fleets and prices are priors stated later (``priors``); prices of power that were published only
after a day stand in where nothing was known, and ``hindsight`` says on which days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.draws import BAND
from hashcanary.economics.errors import NoHashprice, NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import FleetDrawer, History
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import GRID_SERIES, power_mix, read_power_prices
from hashcanary.economics.supply.curve import Supply, SupplyDrawer, market_at
from hashcanary.economics.supply.running import Running, must_sell
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.machines.fleet import Asked
    from hashcanary.economics.machines.rigs import Catalogue
    from hashcanary.economics.power.prices import PowerPrices

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# the first day on which every region's price of power could be known; of the rigs of before 2016
# only four are listed, all from memory
FIRST_DAY = day_start(date(2017, 1, 1))
# number of fleets a month
DRAWS = 256
_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class FleetHistory:
    """Columns by day, (days,), ascending; NaN where a day's hashprice or hashrate is not known.

    time: Unix seconds at which the day begins; all is as known at its end. under_water,
    under_water_low, under_water_high: fraction of what runs whose cost is above the hashprice;
    must_sell, must_sell_low, must_sell_high: fraction of the coins mined that must be sold to pay
    for power alone; network_j_per_th: of what runs, drawn once a month. Each is the mean of the
    draws, low and high the ends of 95% of them; must_sell_drawn: fraction too, (days, draws), a
    draw being one world on all days. hindsight: whether a price of power stands in that was
    published later.
    """

    time: Ints
    hashprice_usd_per_phs_day: Floats
    under_water: Floats
    under_water_low: Floats
    under_water_high: Floats
    must_sell: Floats
    must_sell_low: Floats
    must_sell_high: Floats
    network_j_per_th: Floats
    network_j_per_th_low: Floats
    network_j_per_th_high: Floats
    must_sell_drawn: NDArray[np.float32]
    hindsight: NDArray[np.bool_]
    draws: int
    seed: int


def fleet_history(
    history: History,
    catalogue: Catalogue | None = None,
    prices: PowerPrices | None = None,
    daily: pl.DataFrame | None = None,
    *,
    first: int = FIRST_DAY,
    draws: int = DRAWS,
    seed: int = 1,
) -> FleetHistory:
    """The days of a history from one on.

    first: Unix seconds; daily: the record's daily series, for grids' prices of power. The same seed
    gives the same bytes; a month's first day equals ``supply_curve`` at its end with the same draws
    and seed.
    """
    catalogue = read_rigs() if catalogue is None else catalogue
    prices = read_power_prices() if prices is None else prices
    days = np.flatnonzero(history.time >= first)
    grids = None if daily is None else daily.filter(pl.col("series") == GRID_SERIES)
    market = _Days.of(history)
    fleets, curves = FleetDrawer(catalogue, draws, seed), SupplyDrawer(draws, seed)
    drawn = np.full((2, days.size, draws), np.nan)
    network = np.full((3, days.size), np.nan)
    hindsight = np.zeros(days.size, dtype=np.bool_)
    asked = _asked(history, days, market, fleets)
    for (month, _), fleet in zip(asked, fleets.together(one for _, one in asked), strict=True):
        mix = power_mix(prices, fleet.moment, grids)
        hindsight[month] = bool(mix.notes)
        supply = curves.at(fleet, market_at(history, fleet.moment), mix)
        known = month[market.known[days[month]]]
        since = int(np.searchsorted(history.time, fleet.moment - DAY))
        drawn[:, known] = _month(supply, market, days[known], since)
        network[:, known] = _summary(supply.fleets.network_j_per_th[None])
    under, sold = _summary(drawn[0]), _summary(drawn[1])
    return FleetHistory(
        history.time[days],
        history.hashprice_usd_per_phs_day[days],
        *(under[0], under[1], under[2]),
        *(sold[0], sold[1], sold[2]),
        *(network[0], network[1], network[2]),
        drawn[1].astype(np.float32),
        hindsight,
        draws,
        seed,
    )


@dataclass(frozen=True, slots=True)
class _Days:
    """All days of a history, known or not.

    known: hashprice and hashrate are; idle: the part of the highest 30-day mean of a year that is
    gone; prices: the known hashprices; upto: how many of them are known by the end of a day.
    """

    known: NDArray[np.bool_]
    hashprice: Floats
    idle: Floats
    prices: Floats
    upto: Ints

    @classmethod
    def of(cls, history: History) -> _Days:
        price, rate = history.hashprice_usd_per_phs_day, history.hashrate_ths
        priced = np.isfinite(price)
        before = np.full(_YEAR_DAYS - 1, -np.inf)
        rates = np.concatenate((before, np.where(np.isfinite(rate), rate, -np.inf)))
        peak = np.lib.stride_tricks.sliding_window_view(rates, _YEAR_DAYS).max(axis=1)
        known = priced & (np.nan_to_num(price) > 0) & np.isfinite(rate)
        idle = 1.0 - np.where(known, rate, 1.0) / np.where(known, peak, 1.0)
        return cls(known, price, idle, price[priced], np.cumsum(priced))

    def mean_of_last(self, days: Ints, span: Ints, since: int) -> Floats:
        """Mean of the last ``span`` (draws,) known hashprices of each day: (days, draws).

        since: place of a day no later than ``days``: sums begin near it, as hashprices of long ago
        are a million times higher.
        """
        end = self.upto[days]
        begin = max(int(self.upto[since] - span.max()) - 1, 0)
        total = np.concatenate(([0.0], np.cumsum(self.prices[begin : end.max()])))
        end = (end - begin)[:, None]
        start = np.maximum(end - span, 0)
        return np.asarray((total[end] - total[start]) / (end - start), dtype=np.float64)


def _asked(
    history: History, days: Ints, market: _Days, fleets: FleetDrawer
) -> list[tuple[Ints, Asked]]:
    """The months that can be told: places of their days, and what the first one's fleet needs."""
    found = []
    for month in _months(history.time[days]):
        moment = _first_of(history.time[days[month]]) + DAY
        if not market.known[days[month]].any():
            continue
        try:
            market_at(history, moment)
            found.append((month, fleets.asked(history, moment)))
        except (NoRigYet, TooFewDaysForFleet, NoHashprice):
            continue
    return found


def _month(supply: Supply, market: _Days, days: Ints, since: int) -> tuple[Floats, Floats]:
    """Fractions under water and to be sold, of days that one curve answers: each (days, draws).

    since: place of the month's first day, whichever of its days are asked for.
    """
    parameters = supply.parameters
    span = np.maximum(parameters["patience"].astype(np.int64), 1)
    limit = np.log(market.mean_of_last(days, span, since) * parameters["tolerance"])
    left = parameters["economic_part"] * market.idle[days][:, None]
    running = Running.of(supply, limit, left)
    hashprice = market.hashprice[days][:, None]
    return running.above(hashprice), must_sell(running, hashprice, parameters)


def _summary(drawn: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean of the draws of each day, and the ends of their band: (days, draws) to (days,)."""
    low, high = np.quantile(drawn, BAND, axis=1)
    return drawn.mean(axis=1), low, high


def _months(time: Ints) -> list[Ints]:
    """Places of the days of each month."""
    if time.size == 0:
        return []
    month = time.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return np.split(np.arange(time.size), np.flatnonzero(np.diff(month)) + 1)


def _first_of(time: Ints) -> int:
    """Unix seconds at which the month of the first of days begins."""
    day = datetime.fromtimestamp(int(time[0]), UTC)
    return day_start(day.date().replace(day=1))
