"""What speaks for a cause beside the times of blocks: months, margins, the price of power, pools.

Of each day: how many times likelier what it shows is where a fall of a cause begins on it than where
none does (``causes.toml``). Evidence of each kind is worth nothing in some worlds: its likelihood is
mixed with one that does not depend on the cause, as ``silent`` says. What is missing says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.inference.explain.causes import REAL, Normal2
from hashcanary.inference.explain.margins import PRICE, Missing, squeeze
from hashcanary.inference.gap.sampling import DAYS
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.economics.machines.fleet import History
    from hashcanary.inference.explain.causes import Causes, PoolRegions
    from hashcanary.inference.explain.margins import Machines
    from hashcanary.store.record import Record

# how much wider than ordinary margins and power prices are in a world not like these pages
_WIDE = 2.0
# days before one that say what a hash usually earns, and the fewest of them that do
USUAL_DAYS, _FEWEST_USUAL = 60, 30
# days around a begin whose mean hashprice counts: those before it too, as machines are switched off
# after the price fell
_AROUND = (-2, 7)
# days apart at which machines and power are drawn anew; between them their break-even is interpolated
_APART = 76
# days from a begin of which the dearest power counts
_POWER_DAYS = 5
_LEAST_PRICE = 1.0


@dataclass(frozen=True, slots=True)
class Margins:
    """What a hash earned, (days,), the last one that of the last block; NaN where not known.

    hashprice, usual: around a day and over the 60 days before it; break_even: what pays for the
    network's mean machine; all USD/PH/s/day. break_even_log_sd: of the log of the last.
    """

    hashprice: Floats
    usual: Floats
    break_even: Floats
    break_even_log_sd: float

    @property
    def log_margin(self) -> Floats:
        """Log of what a hash earns over what its mean machine costs to run."""
        return np.asarray(np.log(self.hashprice / self.break_even))

    @property
    def log_change(self) -> Floats:
        """Log of what a hash earns over what it did in the 60 days before."""
        return np.asarray(np.log(self.hashprice / self.usual))


def days_before(now: float) -> Floats:
    """Numbers, from 1970, of the UTC days in which each day before ``now`` began, (days,)."""
    return np.floor(now / DAY - DAYS + np.arange(DAYS)).astype(np.int64)


def season_factors(causes: Causes, now: float) -> Floats:
    """Of the months, (causes, days)."""
    months = [datetime.fromtimestamp(int(day) * DAY, UTC).month - 1 for day in days_before(now)]
    seasons = np.array([cause.season[months] for cause in causes.real])
    return np.asarray(np.log((1 - causes.silent) * 12 * seasons + causes.silent))


def margins_of(history: History, now: float, given: Machines) -> Margins | Missing:
    """Margins on each of the last days, or what is missing.

    history: of hashprice; given: the machines there are, and what power costs.
    """
    days = days_before(now)
    wide = np.arange(days[0] - USUAL_DAYS, days[-1] + 1 + _AROUND[1])
    at = np.minimum(np.searchsorted(history.time, wide * DAY), history.time.size - 1)
    known = history.time[at] == wide * DAY
    value = np.where(known, history.hashprice_usd_per_phs_day[at], np.nan)
    usual, usual_known = _running(value, USUAL_DAYS)
    usual = np.where(usual_known >= _FEWEST_USUAL, usual, np.nan)
    around, around_known = _running(value, _AROUND[1] - _AROUND[0])
    place = np.arange(DAYS) + USUAL_DAYS
    hashprice = np.where(around_known > 0, around, np.nan)[place + _AROUND[1]]
    if not np.isfinite(hashprice * usual[place]).any():
        return Missing("hashprice", "no hashprice")
    moments, found = [], []
    for back in range(0, DAYS, _APART):
        moment = int(now) - back * DAY
        one = squeeze(history, moment, 1.0, 1.0, given)
        if isinstance(one, Missing):
            if not found:
                return one
            break
        moments.append(-back)
        found.append(one)
    logs = [np.log(one.break_even_usd_per_phs_day.value) for one in found]
    at_days = np.interp(np.arange(DAYS) - DAYS + 1, moments[::-1], logs[::-1])
    return Margins(hashprice, usual[place], np.exp(at_days), found[0].break_even_log_sd)


def _running(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Mean of the known of the ``size`` values before each, and how many are known."""
    there = np.isfinite(values)
    summed = np.concatenate(([0.0], np.cumsum(np.where(there, values, 0.0))))
    counted = np.concatenate(([0.0], np.cumsum(there)))
    start = np.maximum(np.arange(values.size + 1) - size, 0)
    count = counted - counted[start]
    with np.errstate(invalid="ignore"):
        return (summed - summed[start]) / np.where(count > 0, count, np.nan), count


def margin_factors(causes: Causes, margins: Margins) -> Floats:
    """Of margins, (causes, days)."""
    usual, added = causes.luck.margin, margins.break_even_log_sd
    wide = Normal2(usual.mean, (usual.sd[0] * _WIDE, usual.sd[1] * _WIDE), usual.correlation)
    at = margins.log_margin, margins.log_change
    plain = usual.log_density(at, added)
    own = [cause.looks.margin.log_density(at, added) for cause in causes.real]
    return _mixed(np.array(own), plain, wide.log_density(at, added), causes.silent)


def power_ratios(record: Record, vendor: str, now: float) -> Floats:
    """Log of the dearest power of five days over its median of the 60 days before, (days,).

    NaN where it is not known.
    """
    days = days_before(now)
    wide = pl.DataFrame({"day": np.arange(days[0] - USUAL_DAYS, days[-1] + _POWER_DAYS)})
    rows = record.daily.filter(pl.col("vendor") == vendor, pl.col("series") == PRICE).select(
        "value", day=pl.col("day").cast(pl.Int32).cast(pl.Int64)
    )
    price = wide.join(rows, on="day", how="left", maintain_order="left")["value"]
    usual = price.rolling_median(USUAL_DAYS, min_samples=_FEWEST_USUAL).shift(1)
    dearest = price.reverse().rolling_max(_POWER_DAYS, min_samples=1).reverse()
    ratio = dearest.clip(_LEAST_PRICE).log() - usual.clip(_LEAST_PRICE).log()
    return ratio.to_numpy()[USUAL_DAYS : USUAL_DAYS + DAYS]


def power_factors(causes: Causes, ratios: Floats, region: str) -> Floats:
    """Of the price of power in one region, (causes, days); a storm may have been in another."""
    mean, sd = causes.luck.power
    plain = causes.luck.power_log_density(ratios)
    own = []
    for cause in causes.real:
        there = cause.regional * cause.regions.get(region, 0.0) if cause.regional else 1.0
        here = np.log(max(there, 1e-12)) + cause.looks.power_log_density(ratios)
        own.append(np.logaddexp(here, np.log1p(-min(there, 1 - 1e-12)) + plain))
    wide = -0.5 * ((ratios - mean) / (_WIDE * sd)) ** 2 - np.log(_WIDE * sd * np.sqrt(2 * np.pi))
    return _mixed(np.array(own), plain, wide, causes.silent)


def _mixed(own: Floats, plain: Floats, wide: Floats, silent: float) -> Floats:
    """Log factors against no fall, (causes, days); 0 where nothing is known."""
    with_silent = np.logaddexp(np.log1p(-silent) + own, np.log(silent) + wide)
    without = np.logaddexp(np.log1p(-silent) + plain, np.log(silent) + wide)
    return np.nan_to_num(with_silent - without, nan=0.0)


def factors_by_day(
    record: Record,
    now: float,
    causes: Causes,
    regions: PoolRegions,
    margins: Margins | Missing,
) -> dict[str, Floats]:
    """Log factors of each kind of evidence there is, (causes, days) each."""
    found = {"season": season_factors(causes, now)}
    if isinstance(margins, Margins):
        found["hashprice"] = margin_factors(causes, margins)
    power = [
        power_factors(causes, ratios, region)
        for vendor, region in sorted(regions.power.items())
        if np.isfinite(ratios := power_ratios(record, vendor, now)).any()
    ]
    if power:
        # vendors speak of one storm: the loudest counts
        loudest = np.abs(np.array(power)).max(axis=1).argmax(axis=0)
        found["power"] = np.array(power)[loudest, :, np.arange(DAYS)].T
    return found


def summed(factors: dict[str, Floats]) -> Floats:
    """All kinds together, (causes, days)."""
    return np.sum([*factors.values(), np.zeros((len(REAL), DAYS))], axis=0)
