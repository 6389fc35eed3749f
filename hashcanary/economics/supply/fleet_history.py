"""The fleet through time: by day, how much of it was under water and how much had to be sold.

What runs is told by what its power costs. In a draw of the supply curve machines up to the limit of
the last months' hashprice are there, less the dearest that left: the rest runs. A cost is hashprice
at which a machine pays, USD/PH/s/day.

The supply curve is drawn on the first day of every month, as ``study_supply`` would then; a day
takes the month's curve with its own hashprice, what has left by then, and the mean hashprice of the
last months. Nothing of a day rests on what came after it: later days change none.

Fleets and prices are priors stated later (``priors``); prices of power that were published only
after a day stand in where nothing was known, and ``hindsight`` says on which days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints, Singles
from hashcanary.economics.draws import BAND
from hashcanary.economics.errors import NoHashprice, NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import Asked, FleetDrawer, History
from hashcanary.economics.machines.rigs import Catalogue, read_rigs
from hashcanary.economics.power.prices import GRID_SERIES, PowerPrices, power_mix, read_power_prices
from hashcanary.economics.supply.curve import Supply, SupplyDrawer, market_at
from hashcanary.moments import DAY, day_start

# a smaller fraction is rounding: the curve is of single precision
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Running:
    """The distribution of cost over what runs, in each draw.

    log_cost: (size,), an even grid of the log of USD/PH/s/day; below, bill: (draws, size), the
    fraction of all machines whose cost is no more, and the sum of their costs, USD/PH/s/day of all;
    top_log: (..., draws), log of the dearest cost that runs; part: (..., draws), the fraction of
    all machines that runs. Leading axes are days, where there are any.
    """

    log_cost: Floats
    below: Singles
    bill: Floats
    top_log: Floats
    part: Floats

    @classmethod
    def of(
        cls, supply: Supply, limit_log: Floats | None = None, left: Floats | None = None
    ) -> Running:
        """What runs of a supply curve.

        limit_log, left: (days, draws), as in ``Supply``, where they are those of other days. What a
        scenario takes out for good is not taken out here.
        """
        limit = supply.limit_log if limit_log is None else limit_log
        gone = supply.left if left is None else left
        # nothing dearer than the highest limit is there in any draw
        step = supply.log_cost[1] - supply.log_cost[0]
        size = max(int((limit.max() - supply.log_cost[0]) / step) + 3, 2)
        cost, below = supply.log_cost[:size], supply.below[:, :size]
        # all machines that are not too dear; of these the dearest left
        there = _at(cost, below, limit)
        part = np.maximum(there, _LEAST) * (1.0 - gone)
        top = np.where(gone > 0, _where(cost, below, part), limit)
        return cls(cost, below, _bill(cost, below), np.minimum(top, limit), part)

    def share(self, usd_per_phs_day: Floats | float) -> Floats:
        """The fraction of what runs whose cost is no more: (..., draws)."""
        at = np.minimum(np.log(usd_per_phs_day), self.top_log)
        return np.minimum(_at(self.log_cost, self.below, at) / self.part, 1.0)

    def above(self, usd_per_phs_day: Floats | float) -> Floats:
        """The fraction of what runs whose cost is more: (..., draws)."""
        rest = 1.0 - self.share(usd_per_phs_day)
        return np.where(rest > _LEAST, rest, 0.0)

    def cost(self, usd_per_phs_day: Floats | float) -> Floats:
        """What the machines whose cost is no more cost together: (..., draws).

        USD a day over PH/s of all that runs; over ``share`` it is their mean cost.
        """
        at = np.minimum(np.log(usd_per_phs_day), self.top_log)
        return self._bill_at(at) / self.part

    def capped(self, usd_per_phs_day: Floats | float) -> Floats:
        """Mean of cost over what runs, each cost as a fraction of one and no more than 1.

        What share of what it mines a machine must sell where the hashprice is that: (..., draws).
        """
        paying = self.cost(usd_per_phs_day) / usd_per_phs_day
        # rounding of single precision, where no machine pays
        return np.minimum(paying + 1.0 - self.share(usd_per_phs_day), 1.0)

    def capped_below(self, usd_per_phs_day: Floats | float, cap_usd_per_phs_day: Floats) -> Floats:
        """Sum of cost over the machines whose cost is no more than one: a fraction, (..., draws).

        Each cost counts as a fraction of the cap, (..., draws), and no more than 1; over all
        machines it is ``capped``.
        """
        cap = cap_usd_per_phs_day
        paying = self.cost(np.minimum(usd_per_phs_day, cap)) / cap
        beyond = np.maximum(self.share(usd_per_phs_day) - self.share(cap), 0.0)
        return np.asarray(paying + beyond, dtype=np.float64)

    def _bill_at(self, at: Floats) -> Floats:
        """Within a cell of the grid machines are spread evenly over the log of cost."""
        step = self.log_cost[1] - self.log_cost[0]
        index, _ = _cell(self.log_cost, at)
        rows = np.arange(self.below.shape[0])
        mass = self.below[rows, index + 1].astype(np.float64) - self.below[rows, index]
        inside = np.exp(np.maximum(at, self.log_cost[0])) - np.exp(self.log_cost[index])
        return np.asarray(self.bill[rows, index] + mass * inside / step, dtype=np.float64)


def must_sell(
    running: Running, hashprice_usd_per_phs_day: Floats | float, parameters: dict[str, Floats]
) -> Floats:
    """The fraction of coins mined that must be sold to pay for power alone: (..., draws).

    parameters: of the curve, by name, (draws,): pool_fee, overhead, fractions. A cost holds the
    pool's fee and overheads that end with the machine; power is what it is without them. A machine
    can sell what the pool leaves of its coins and no more.
    """
    whole = hashprice_usd_per_phs_day * (1.0 + parameters["overhead"])
    return np.asarray((1.0 - parameters["pool_fee"]) * running.capped(whole), dtype=np.float64)


def _bill(log_cost: Floats, below: Singles) -> Floats:
    """The sum of costs up to each point of the grid: (draws, size)."""
    cost = np.exp(log_cost)
    mean = np.diff(cost) / np.diff(log_cost)
    mass = np.diff(below.astype(np.float64), axis=1)
    first = below[:, :1].astype(np.float64) * cost[0]
    return np.concatenate((first, first + np.cumsum(mass * mean, axis=1)), axis=1)


def _cell(log_cost: Floats, at: Floats) -> tuple[Ints, Floats]:
    """The cell of the grid that a log cost lies in, and where in it, 0 to 1."""
    step = log_cost[1] - log_cost[0]
    place = np.clip((at - log_cost[0]) / step, 0.0, log_cost.size - 1.001)
    index = place.astype(np.int64)
    return index, place - index


def _at(log_cost: Floats, below: Singles, at: Floats) -> Floats:
    """``below`` at a log cost a draw, linear between points of the grid: (..., draws)."""
    index, inside = _cell(log_cost, at)
    rows = np.arange(below.shape[0])
    low = below[rows, index].astype(np.float64)
    return np.asarray(low + inside * (below[rows, index + 1] - low), dtype=np.float64)


def _where(log_cost: Floats, below: Singles, level: Floats) -> Floats:
    """The log cost at which ``below`` reaches a level: (..., draws)."""
    draws, size = below.shape
    rows = np.arange(draws)
    # rows one after the other, far enough apart that all of them rise as one
    whole = (below.astype(np.float64) + 2.0 * rows[:, None]).ravel()
    reached = np.searchsorted(whole, level + 2.0 * rows) - rows * size
    index = np.clip(reached, 1, size - 1) - 1
    low, high = below[rows, index].astype(np.float64), below[rows, index + 1].astype(np.float64)
    inside = np.clip((level - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    step = log_cost[1] - log_cost[0]
    return np.asarray(log_cost[index] + inside * step, dtype=np.float64)


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
    for power alone. Each is the mean of the draws, low and high the ends of 95% of them;
    must_sell_drawn: fraction too, (days, draws), a draw being one world on all days. hindsight:
    whether a price of power stands in that was published later.
    """

    time: Ints
    hashprice_usd_per_phs_day: Floats
    under_water: Floats
    under_water_low: Floats
    under_water_high: Floats
    must_sell: Floats
    must_sell_low: Floats
    must_sell_high: Floats
    must_sell_drawn: Singles
    hindsight: Bools
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
    hindsight = np.zeros(days.size, dtype=np.bool_)
    asked = _asked(history, days, market, fleets)
    for (month, _), fleet in zip(asked, fleets.together(one for _, one in asked), strict=True):
        mix = power_mix(prices, fleet.moment, grids)
        hindsight[month] = bool(mix.notes)
        supply = curves.at(fleet, market_at(history, fleet.moment), mix)
        known = month[market.known[days[month]]]
        since = int(np.searchsorted(history.time, fleet.moment - DAY))
        drawn[:, known] = _month(supply, market, days[known], since)
    return FleetHistory(
        history.time[days],
        history.hashprice_usd_per_phs_day[days],
        *_summary(drawn[0]),
        *_summary(drawn[1]),
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

    known: Bools
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
