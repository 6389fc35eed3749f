"""Curtailment in the block times themselves: hours in which miners of Texas switch off.

Blocks of one day have nearly one difficulty and one hashrate, so that a day compares its own hours:
blocks of the afternoon over blocks of the night, by the clock of Texas. Where machines stop in
summer afternoons, when power is dear and the peaks that set next year's bills are near, the ratio
falls below 1. A clock that is wrong by hours shows what chance and other habits make of it.

Header times are off by minutes, sometimes by an hour or two (consensus allows that): windows of
four hours lose a little of a true deficit at their edges, and gain none. Intervals come from
resampled weeks, which keep what neighbouring days have in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.power.prices import GRID_SERIES as PRICE
from hashcanary.economics.power.prices import read_power_prices
from hashcanary.interval import Interval
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator
from hashcanary.studies.errors import NoWholeDays

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.economics.power.prices import PowerPrices
    from hashcanary.store.record import Record

CLOCK = "America/Chicago"
# local hours of an afternoon and of a night that are compared, and months of summer
AFTERNOON, NIGHT, SUMMER = (15, 19), (1, 5), (6, 7, 8, 9)
# by how many hours placebo clocks are wrong
SHIFTS = tuple(range(3, 22))
# usual days: USD/MWh, and how far around a day they count
QUIET, AROUND_DAYS = 40.0, 14
BANDS = ((40.0, 60.0), (60.0, 100.0), (100.0, 250.0), (250.0, float("inf")))
# price from which on machines that pay the day's price begin to be off, USD/MWh, and days without
# which nothing is said of them
DEAR, _FEWEST_DEAR = 60.0, 5
_FEWEST_DAYS, _FEWEST_BLOCKS = 30, 200
_WORLDS, _SEED = 2000, 20_220_711
_TAILS = (0.025, 0.975)
_HOURS = 24
_KIND = "95% of resampled weeks"


@dataclass(frozen=True, slots=True)
class YearHours:
    """Hashrate of afternoons over that of nights, less 1, in one year.

    afternoons: weekdays of summer; weekends: of summer; others: weekdays of the other months; None
    where too few days are known. days: weekdays of summer. p_placebo: part of clocks that are wrong
    by hours, the true one among them, which show a deficit as large; None with ``afternoons``.
    """

    year: int
    days: int
    afternoons: Interval | None
    weekends: Interval | None
    others: Interval | None
    p_placebo: float | None


@dataclass(frozen=True, slots=True)
class PriceDays:
    """Days on which power cost from ``low`` to below ``high``, USD/MWh.

    change: of the hashrate from that of quiet days of the two weeks around, a fraction.
    """

    low: float
    high: float
    days: int
    change: Interval


@dataclass(frozen=True, slots=True)
class CurtailmentStudy:
    """years: ascending; prices: none where the record has no price of power; vendor: whose.

    placebos: by shift of the clock in hours, 0 for the true one, the deficit of summer weekdays of
    the years from ``since`` on; since: first year with a deficit beyond chance, None where none is.
    exposed: part of the hashrate of the vendor's region that was off on dear days, and share: the
    region's part of the world's, by the file of power prices; None where too few days are known.
    """

    years: tuple[YearHours, ...]
    prices: tuple[PriceDays, ...]
    vendor: str
    since: int | None
    placebos: dict[int, float]
    exposed: Interval | None
    share: float | None


def curtailment_study(record: Record, power: PowerPrices | None = None) -> CurtailmentStudy:
    """What the record's block times say of curtailment. power: where the hashrate stands, the
    built-in file without. Raises NoWholeDays, BadFigures, NothingToMeasure.
    """
    hours = _hours(record)
    if hours.count.shape[0] < _FEWEST_DAYS:
        raise NoWholeDays(
            expected=f"{_FEWEST_DAYS}", at=record.at_text, found=f"{hours.count.shape[0]}"
        )
    years = tuple(_year(hours, int(year)) for year in np.unique(hours.year))
    beyond = [one.year for one in years if one.afternoons is not None and one.afternoons.high < 0]
    since = beyond[0] if beyond else None
    chosen = hours.weekdays & hours.summer
    if since is not None:
        chosen &= hours.year >= since
    shifts = (0, *SHIFTS)
    placebos = (
        {one: _ratio(hours.shifted(one)[chosen]) - 1 for one in shifts} if chosen.any() else {}
    )
    vendor, prices, lost = _by_price(record)
    share = None if lost is None else _share(vendor, record, power or read_power_prices())
    exposed = None if lost is None or share is None else lost.scaled(1 / share)
    return CurtailmentStudy(years, prices, vendor, since, placebos, exposed, share)


def _share(vendor: str, record: Record, power: PowerPrices) -> float | None:
    """Part of the world's hashrate in the region of a vendor of power prices; None if not known."""
    region = next((one.region for one in power.grids if one.vendor == vendor), None)
    moment = record.at or int(record.chain["time"].max())  # type: ignore[arg-type]
    known = [one for one in power.shares if one.known <= moment]
    return known[-1].of.get(region) if region is not None and known else None


@dataclass(frozen=True, slots=True)
class _Hours:
    """Blocks by local day and hour: count (days, 24); year, week, weekdays, summer (days,)."""

    count: Floats
    year: Ints
    week: Ints
    weekdays: Bools
    summer: Bools

    def shifted(self, hours: int) -> Floats:
        """Blocks of afternoons and nights by a clock that is so many hours behind, (days, 2)."""
        parts = []
        for first, last in (AFTERNOON, NIGHT):
            at = (np.arange(first, last) + hours) % _HOURS
            parts.append(self.count[:, at].sum(axis=1))
        return np.stack(parts, axis=1)


def _hours(record: Record) -> _Hours:
    """Of local days whose blocks are all known."""
    chain = record.chain.select("height", "time")
    height, time = chain["height"].to_numpy(), np.maximum.accumulate(chain["time"].to_numpy())
    local = pl.from_epoch(pl.Series(time)).dt.replace_time_zone("UTC").dt.convert_time_zone(CLOCK)
    day = local.dt.date().cast(pl.Int32).to_numpy().astype(np.int64)
    hour = local.dt.hour().to_numpy().astype(np.int64)
    if day.size == 0:
        empty = np.empty(0, dtype=np.int64)
        none = empty.astype(bool)
        return _Hours(np.empty((0, _HOURS)), empty, empty, none, none)
    first = int(day[0])
    count = np.zeros((int(day[-1]) - first + 1, _HOURS))
    np.add.at(count, (day - first, hour), 1.0)
    # a day with a gap beside any of its blocks is not whole, nor are the first and the last
    whole = count.sum(axis=1) > 0
    whole[[0, -1]] = False
    gaps = np.flatnonzero(np.diff(height) != 1)
    for at in gaps:
        whole[int(day[at]) - first : int(day[at + 1]) - first + 1] = False
    days = np.flatnonzero(whole) + first
    dates = pl.Series(days.astype(np.int32)).cast(pl.Date)
    return _Hours(
        count[whole],
        dates.dt.year().to_numpy().astype(np.int64),
        (days + 3) // 7,
        dates.dt.weekday().to_numpy() <= 5,
        np.isin(dates.dt.month().to_numpy(), SUMMER),
    )


def _year(hours: _Hours, year: int) -> YearHours:
    inside, blocks = hours.year == year, hours.shifted(0)
    chosen = inside & hours.weekdays & hours.summer
    afternoons = _interval(blocks[chosen], hours.week[chosen], year)
    p_placebo = None
    if afternoons is not None:
        wrong = [_ratio(hours.shifted(shift)[chosen]) - 1 for shift in SHIFTS]
        p_placebo = (1 + sum(one <= afternoons.value for one in wrong)) / (1 + len(wrong))
    weekends = inside & ~hours.weekdays & hours.summer
    others = inside & hours.weekdays & ~hours.summer
    return YearHours(
        year,
        int(chosen.sum()),
        afternoons,
        _interval(blocks[weekends], hours.week[weekends], year),
        _interval(blocks[others], hours.week[others], year),
        p_placebo,
    )


def _ratio(blocks: Floats) -> float:
    first, second = blocks.sum(axis=0)
    return float(first / second) if second else float("nan")


def _interval(blocks: Floats, week: Ints, step: int) -> Interval | None:
    """Afternoons over nights, less 1, with limits from resampled weeks; None of too few days."""
    if blocks.shape[0] < _FEWEST_DAYS or blocks.sum() < _FEWEST_BLOCKS:
        return None
    names, place = np.unique(week, return_inverse=True)
    sums = np.zeros((names.size, 2))
    np.add.at(sums, place, blocks)
    resampled = sums[_drawn(names.size, step)].sum(axis=1)
    low, high = np.quantile(resampled[:, 0] / resampled[:, 1] - 1, _TAILS).tolist()
    return Interval(_ratio(blocks) - 1, low, high, _KIND)


def _by_price(record: Record) -> tuple[str, tuple[PriceDays, ...], Interval | None]:
    """Days by the price of power, of the vendor that has most days."""
    rows = record.daily.filter(series=PRICE).drop_nulls("value")
    if rows.is_empty():
        return "", (), None
    vendor = str(rows["vendor"].mode().sort()[0])
    own = rows.filter(vendor=vendor)
    days = metrics_of(record).frame("day", ["hashrate.day"])
    times = days["time"].to_numpy() // DAY
    first = int(times[0])
    rate = floats(days, "hashrate.day")
    price = np.full(rate.size, np.nan)
    at = own["day"].cast(pl.Int32).to_numpy().astype(np.int64) - first
    inside = (at >= 0) & (at < price.size)
    price[at[inside]] = own["value"].to_numpy()[inside]
    change = _against_quiet(rate, price)
    found = []
    for low, high in BANDS:
        one = np.flatnonzero((price >= low) & (price < high) & np.isfinite(change))
        if one.size:
            found.append(PriceDays(low, high, one.size, _mean(change[one], one // 7, int(low))))
    dear = np.flatnonzero((price >= DEAR) & np.isfinite(change))
    exposed = None
    if dear.size >= _FEWEST_DEAR:
        exposed = _mean(change[dear], dear // 7, int(DEAR)).scaled(-1)
    return vendor, tuple(found), exposed


def _against_quiet(rate: Floats, price: Floats) -> Floats:
    """Each day's hashrate over the mean of quiet days of the two weeks around, less 1."""
    quiet = np.isfinite(rate) & (price < QUIET)
    found = np.full(rate.size, np.nan)
    for day in np.flatnonzero(np.isfinite(price) & np.isfinite(rate)):
        first = max(int(day) - AROUND_DAYS, 0)
        near = slice(first, int(day) + AROUND_DAYS + 1)
        chosen = quiet[near].copy()
        chosen[int(day) - first] = False
        if chosen.sum() >= _FEWEST_DEAR:
            found[day] = rate[day] / rate[near][chosen].mean() - 1
    return found


def _drawn(size: int, step: int) -> Ints:
    """Places of weeks, resampled: (worlds, size)."""
    return generator(_SEED, Purpose.WEEKS, step).integers(0, size, (_WORLDS, size))


def _mean(values: Floats, week: Ints, step: int) -> Interval:
    """A mean with limits from resampled weeks, and the luck of each day's blocks at least."""
    names, place = np.unique(week, return_inverse=True)
    total, count = np.bincount(place, values), np.bincount(place)
    drawn = _drawn(names.size, step)
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.quantile(means, _TAILS).tolist()
    # few weeks hardly differ: a day of 144 blocks is off by a twelfth
    luck = 1.96 / 12 / values.size**0.5
    mean = float(values.mean())
    return Interval(mean, min(low, mean - luck), max(high, mean + luck), _KIND)
