"""What speaks for a cause beside the times of blocks: months, margins, the price of power, pools.

Of each day: how many times likelier what it shows is where a fall of a cause begins on it than
where none does (``causes.toml``). Evidence of each kind is worth nothing in some worlds: its
likelihood is mixed with one that does not depend on the cause, as ``silent`` says. What is missing
says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.supply.study import history_of
from hashcanary.inference.explain.causes import REAL, Normal2
from hashcanary.inference.explain.margins import PRICE, Missing, Squeeze, squeeze
from hashcanary.inference.gap.seen import DAYS
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints
    from hashcanary.inference.explain.causes import Causes, PoolRegions
    from hashcanary.inference.explain.margins import Machines
    from hashcanary.store.record import Record

# how much wider than ordinary margins and power prices are in a world not like these pages
_WIDE = 2.0
# days before one that say what is usual, and the fewest of them that do
USUAL_DAYS, _FEWEST_USUAL = 60, 30
# days after a begin of which the lowest hashprice, the mean of three days, counts: a fall goes on
# while margins do
_AFTER = 14
# days apart at which machines and their power are drawn anew
_APART = 30
# days from a begin of which the dearest power counts; a price below this is as good as free
_POWER_DAYS, _LEAST_PRICE = 5, 1.0


class Circumstances:
    """Hashprice, what machines cost to run and the price of power, on each day of a record."""

    def __init__(self, record: Record, regions: PoolRegions, given: Machines) -> None:
        """given: the machines there are, and what power costs."""
        self._history = history_of(record)[0]
        self._given = given
        self._squeezed: dict[int, Squeeze | Missing] = {}
        rows = record.daily.filter(pl.col("series") == PRICE).select(
            "vendor", "value", day=pl.col("day").cast(pl.Int32).cast(pl.Int64)
        )
        self._power = {
            region: rows.filter(vendor=vendor).sort("day")
            for vendor, region in sorted(regions.power.items())
            if vendor in rows["vendor"]
        }

    def margins(self, now: float) -> tuple[Floats, Floats, float] | Missing:
        """Logs of the least that a hash earns in the two weeks after a begin over what its mean
        machine costs to run, and over what it earned in the 60 days before: (days,) each, the last
        that of ``now``, NaN where not known. Also the uncertainty of the first. Or what is missing.
        """
        days = days_before(now)
        wide = np.arange(days[0] - USUAL_DAYS, days[-1] + 1)
        time, hashprice = self._history.time, self._history.hashprice_usd_per_phs_day
        at = np.minimum(np.searchsorted(time, wide * DAY), time.size - 1)
        # nothing that came later than now
        value = np.where(time[at] == wide * DAY, hashprice[at], np.nan)
        value[-1] = np.nan
        usual = _running(value, np.arange(DAYS), np.arange(DAYS) + USUAL_DAYS, _FEWEST_USUAL)
        place = np.arange(wide.size)
        mean = _running(value, np.maximum(place - 1, 0), np.minimum(place + 2, wide.size), 1)
        padded = np.append(mean, np.full(_AFTER, np.nan))
        later = [padded[USUAL_DAYS - 1 + day :][:DAYS] for day in range(_AFTER + 2)]
        lowest = np.fmin.reduce(later)
        if not np.isfinite(lowest * usual).any():
            return Missing("hashprice", "no hashprice")
        grid = np.arange(days[0] // _APART, days[-1] // _APART + 1) * _APART
        squeezed = [self._squeeze(int(day)) for day in grid]
        known = [
            (day, one) for day, one in zip(grid, squeezed, strict=True) if isinstance(one, Squeeze)
        ]
        if not known:
            return next(one for one in squeezed if isinstance(one, Missing))
        costs = [np.log(one.break_even_usd_per_phs_day.value) for _, one in known]
        log_cost = np.interp(days, [day for day, _ in known], costs)
        log = np.log(lowest)
        return log - log_cost, log - np.log(usual), known[-1][1].break_even_log_sd

    def _squeeze(self, day: int) -> Squeeze | Missing:
        if day not in self._squeezed:
            self._squeezed[day] = squeeze(self._history, day * DAY, 1.0, 1.0, self._given)
        return self._squeezed[day]

    def power(self, now: float) -> dict[str, Floats]:
        """By region, logs of the dearest power of five days over its median of the 60 before.

        (days,) each, NaN where not known; only regions of which a price is known.
        """
        days = days_before(now)
        found = {}
        for region, rows in self._power.items():
            wide = pl.DataFrame({"day": np.arange(days[0] - USUAL_DAYS, days[-1])})
            price = wide.join(rows, on="day", how="left", maintain_order="left")["value"]
            price = price.extend_constant(None, _POWER_DAYS)
            usual = price.rolling_median(USUAL_DAYS, min_samples=_FEWEST_USUAL).shift(1)
            dearest = price.reverse().rolling_max(_POWER_DAYS, min_samples=1).reverse()
            ratio = dearest.clip(_LEAST_PRICE).log() - usual.clip(_LEAST_PRICE).log()
            values = ratio.to_numpy()[USUAL_DAYS : USUAL_DAYS + DAYS]
            if np.isfinite(values).any():
                found[region] = values
        return found

    def factors(self, now: float, causes: Causes) -> dict[str, Floats]:
        """Log factors of each kind of evidence there is, (causes, days) each."""
        found = {"season": season_factors(causes, now)}
        margins = self.margins(now)
        if not isinstance(margins, Missing):
            found["hashprice"] = margin_factors(causes, *margins)
        power = [power_factors(causes, *one) for one in self.power(now).items()]
        if power:
            # regions speak of one storm: the loudest counts
            loudest = np.abs(np.array(power)).max(axis=1).argmax(axis=0)
            found["power"] = np.array(power)[loudest, :, np.arange(DAYS)].T
        return found


def days_before(now: float) -> Ints:
    """Numbers, from 1970, of the UTC days in which each day before ``now`` began, (days,)."""
    return np.asarray(np.floor(now / DAY - DAYS + np.arange(DAYS)).astype(np.int64))


def _running(values: Floats, start: Ints, stop: Ints, fewest: int) -> Floats:
    """Means of the known values from ``start`` to before ``stop``; NaN where fewer are known."""
    there = np.isfinite(values)
    summed = np.concatenate(([0.0], np.cumsum(np.where(there, values, 0.0))))
    counted = np.concatenate(([0], np.cumsum(there)))
    count = counted[stop] - counted[start]
    total = summed[stop] - summed[start]
    mean = np.full(total.size, np.nan)
    np.divide(total, count, out=mean, where=count >= fewest)
    return mean


def season_factors(causes: Causes, now: float) -> Floats:
    """Of the months, (causes, days)."""
    days = days_before(now)
    seasons = np.array([[cause.season_at(day * DAY) for day in days] for cause in causes.real])
    return np.asarray(np.log((1 - causes.silent) * seasons + causes.silent))


def margin_factors(causes: Causes, margin: Floats, change: Floats, log_sd: float) -> Floats:
    """Of margins, (causes, days)."""
    usual = causes.luck.margin
    wide = Normal2(usual.mean, (usual.sd[0] * _WIDE, usual.sd[1] * _WIDE), usual.correlation)
    known = np.isfinite(margin) & np.isfinite(change)
    at = np.where(known, margin, 0.0), np.where(known, change, 0.0)
    own = [cause.looks.margin.log_density(at, log_sd) for cause in causes.real]
    plain, vague = usual.log_density(at, log_sd), wide.log_density(at, log_sd)
    found = _mixed(np.array(own), plain, vague, causes.silent)
    return np.where(known, found, 0.0)


def power_factors(causes: Causes, region: str, ratios: Floats) -> Floats:
    """Of the price of power in one region, (causes, days); a storm may have been in another."""
    mean, sd = causes.luck.power
    known = np.isfinite(ratios)
    ratios = np.where(known, ratios, mean)
    plain = causes.luck.power_log_density(ratios)
    own = []
    for cause in causes.real:
        there = cause.regional * cause.regions.get(region, 0.0) if cause.regional else 1.0
        here = np.log(max(there, 1e-12)) + cause.looks.power_log_density(ratios)
        own.append(np.logaddexp(here, np.log1p(-min(there, 1 - 1e-12)) + plain))
    vague = -0.5 * ((ratios - mean) / (_WIDE * sd)) ** 2 - np.log(_WIDE * sd * np.sqrt(2 * np.pi))
    return np.where(known, _mixed(np.array(own), plain, vague, causes.silent), 0.0)


def _mixed(own: Floats, plain: Floats, vague: Floats, silent: float) -> Floats:
    """Log factors against no fall, (causes, days)."""
    with_silent = np.logaddexp(np.log1p(-silent) + own, np.log(silent) + vague)
    without = np.logaddexp(np.log1p(-silent) + plain, np.log(silent) + vague)
    return np.asarray(with_silent - without)


def summed(factors: dict[str, Floats]) -> Floats:
    """All kinds together, (causes, days)."""
    return np.asarray(np.sum([*factors.values(), np.zeros((len(REAL), DAYS))], axis=0))
