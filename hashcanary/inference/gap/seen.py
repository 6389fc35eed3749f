"""What the record shows of the hashrate over the last year, as windows of time.

A window of given length holds a number of blocks that is a Poisson variate: of n blocks of known
work the log rate is ``digamma(n) - log n + log(work / seconds)`` with variance trigamma(n). UTC days
come first, from blocks or from a vendor's daily figures where blocks are not known; the last two
weeks are cut into quarters of a day where their blocks are known, and end at the last block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.errors import TooFewToExplain
from hashcanary.inference.filter.observations import FEWEST, Columns, must_retarget
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY, iso_time

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Floats
    from hashcanary.store.record import Record

# the year whose highest level counts, and days before it that show what was usual
YEAR_DAYS, LEAD_DAYS = 365, 90
# days at the end that are cut finer, and into what
_FINE_DAYS, _FINE = 14, DAY // 4
# days without which nothing is told, and how recent the last must be
FEWEST_DAYS, RECENT_DAYS = 30, 3


@dataclass(frozen=True, slots=True)
class Seen(Columns):
    """Windows, ascending, (n,) each.

    start, end: Unix seconds; blocks: found in it; log_rate: of H/s; variance: of ``log_rate``;
    vendor: whether it rests on a vendor's daily figures.
    """

    start: Floats
    end: Floats
    blocks: Floats
    log_rate: Floats
    variance: Floats
    vendor: Bools


def seen_in(record: Record) -> Seen:
    """The windows of the record's last 455 days.

    Raises NoRetargets, TooFewToExplain where they do not suffice.
    """
    must_retarget(record.network)
    days = metrics_of(record).frame("day", ["blocks.count", "blocks.work"])
    start = days["time"].to_numpy().astype(np.float64)
    blocks, work = floats(days, "blocks.count"), floats(days, "blocks.work")
    vendor = days["blocks.work.vendor"].fill_null(value=False).to_numpy()
    known = np.isfinite(work) & (blocks >= FEWEST)
    daily = _windows(start[known], start[known] + DAY, blocks[known], work[known], vendor[known])
    last = _last_blocks(record, float(daily.end[-1]) if daily.start.size else 0.0)
    found = daily.where(daily.end <= last.start[0]).joined(last) if last.start.size else daily
    now = float(found.end[-1]) if found.start.size else 0.0
    found = found.where(found.start >= now - (YEAR_DAYS + LEAD_DAYS) * DAY)
    covered = float((found.end - found.start).sum()) / DAY
    if covered < FEWEST_DAYS:
        raise TooFewToExplain(
            expected=f"{FEWEST_DAYS:g}",
            at=iso_time(int(now)),
            recent=f"{RECENT_DAYS:g}",
            found=f"{covered:.1f} days",
        )
    return found


def _last_blocks(record: Record, daily_end: float) -> Seen:
    """Quarters of days up to the last block, where the blocks of all of them are known."""
    chain = record.chain
    time = chain["time"].to_numpy().astype(np.float64)
    none = np.empty(0)
    nothing = _windows(none, none, none, none, np.empty(0, dtype=np.bool_))
    if not time.size or time.max() < daily_end:
        return nothing
    tip = float(time.max())
    first = (np.ceil(tip / _FINE) - _FINE_DAYS * DAY / _FINE) * _FINE
    late = time >= first
    height = chain["height"].to_numpy()[late]
    if not late.any() or height[-1] - height[0] + 1 != height.size or (time[~late] > first).any():
        return nothing
    return _quarters(time[late], chain["bits"].to_numpy()[late].astype(np.int64), first, tip)


def _quarters(time: Floats, bits: Floats, first: float, tip: float) -> Seen:
    place = ((time - first) // _FINE).astype(np.int64)
    size = int(place.max()) + 1
    blocks = np.bincount(place, minlength=size).astype(np.float64)
    work = np.bincount(place, weights=work_float64_column(bits), minlength=size)
    start = first + _FINE * np.arange(size)
    end = np.minimum(start + _FINE, tip)
    # what is too short to tell goes with the one before
    starts, joined = [], np.zeros(size, dtype=np.int64)
    held = 0.0
    for at in range(size):
        if at == 0 or (held >= FEWEST and blocks[at:].sum() >= FEWEST):
            starts.append(at)
            held = 0.0
        held += blocks[at]
        joined[at] = len(starts) - 1
    return _windows(
        start[starts],
        np.append(start[starts[1:]], end[-1]),
        np.bincount(joined, weights=blocks),
        np.bincount(joined, weights=work),
        np.zeros(len(starts), dtype=np.bool_),
    )


def _windows(start: Floats, end: Floats, blocks: Floats, work: Floats, vendor: Bools) -> Seen:
    from scipy.special import digamma, polygamma

    rate = digamma(blocks) - np.log(blocks) + np.log(work / (end - start))
    return Seen(start, end, blocks, rate, np.asarray(polygamma(1, blocks)), vendor)
