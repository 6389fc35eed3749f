"""What a record shows of the hashrate over the year before a moment, as windows of time.

A window of given length holds a number of blocks that is a Poisson variate: of n blocks of known
work the log rate is ``digamma(n) - log n + log(work / seconds)``, its variance trigamma(n). UTC
days come first, from blocks or from a vendor's daily figures where blocks are not known; the last
two weeks are cut into quarters of a day where their blocks are known, and end at the last block.
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
    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.store.record import Record

# the year whose highest level counts, and days before it that show what was usual
YEAR_DAYS, LEAD_DAYS = 365, 90
DAYS = YEAR_DAYS + LEAD_DAYS
# days at the end that are cut finer, and into what
_FINE_DAYS, _FINE = 14, DAY // 4
# days without which nothing is told, and how recent the last must be
FEWEST_DAYS, RECENT_DAYS = 30, 3


@dataclass(frozen=True, slots=True)
class Seen(Columns):
    """Windows, ascending, (n,) each.

    start, end: Unix seconds; log_rate: of H/s; variance: of ``log_rate``; vendor: whether it rests
    on a vendor's daily figures.
    """

    start: Floats
    end: Floats
    log_rate: Floats
    variance: Floats
    vendor: Bools

    @classmethod
    def of(cls, start: Floats, end: Floats, blocks: Floats, work: Floats, vendor: Bools) -> Seen:
        """Windows in which so many blocks came, of so many hashes together."""
        from scipy.special import digamma, polygamma

        rate = digamma(blocks) - np.log(blocks) + np.log(work / (end - start))
        return cls(start, end, rate, np.asarray(polygamma(1, blocks)), vendor)


class Sightings:
    """All windows of a record, from which those before any of its moments are cut."""

    def __init__(self, record: Record) -> None:
        """Raises NoRetargets where blocks are not worked for, NothingToMeasure."""
        must_retarget(record.network)
        days = metrics_of(record).frame("day", ["blocks.count", "blocks.work"])
        start = days["time"].to_numpy().astype(np.float64)
        blocks, work = floats(days, "blocks.count"), floats(days, "blocks.work")
        vendor = days["blocks.work.vendor"].fill_null(value=False).to_numpy()
        known = np.isfinite(work) & (blocks >= FEWEST)
        at = start[known]
        self._known_at = days["blocks.work.known_at"].to_numpy()[known]
        self._daily = Seen.of(at, at + DAY, blocks[known], work[known], vendor[known])
        self._height = record.chain["height"].to_numpy()
        self._time = record.chain["time"].to_numpy()
        self._latest = np.maximum.accumulate(self._time) if self._time.size else self._time
        self._bits = record.chain["bits"].to_numpy()

    def until(self, moment: float | None = None) -> Seen:
        """The windows of the 455 days before ``moment``, Unix seconds; None: before the last block.

        Raises TooFewToExplain where they do not suffice.
        """
        stop = self._time.size
        if moment is not None:
            stop = int(np.searchsorted(self._latest, moment, side="right"))
        daily = self._daily
        if moment is not None:
            daily = daily.where(self._known_at <= moment)
        last = self._last_blocks(stop, float(daily.end[-1]) if daily.end.size else 0.0)
        found = daily
        if last is not None:
            found = daily.where(daily.end <= last.start[0]).joined(last)
        now = float(found.end[-1]) if found.end.size else 0.0
        found = found.where(found.start >= now - DAYS * DAY)
        covered = float((found.end - found.start).sum()) / DAY
        fresh = moment is None or now >= moment - RECENT_DAYS * DAY
        if covered < FEWEST_DAYS or not fresh:
            raise TooFewToExplain(
                expected=f"{FEWEST_DAYS:g}",
                at=iso_time(int(now if moment is None else moment)),
                recent=f"{RECENT_DAYS:g}",
                found=f"{covered:.1f} days up to {iso_time(int(now))}",
            )
        return found

    def _last_blocks(self, stop: int, daily_end: float) -> Seen | None:
        """Quarters of days up to a block, where all blocks in them are known."""
        if stop == 0 or self._latest[stop - 1] < daily_end - DAY:
            return None
        tip = float(self._latest[stop - 1])
        first = (np.ceil(tip / _FINE) - _FINE_DAYS * DAY / _FINE) * _FINE
        begin = int(np.searchsorted(self._latest[:stop], first))
        height = self._height[begin:stop]
        whole = height[-1] - height[0] + 1 == height.size
        if not whole or begin == 0 or height[0] != self._height[begin - 1] + 1:
            return None
        return _quarters(self._time[begin:stop], self._bits[begin:stop], first, tip)


def windows_of(blocks: Blocks, edges: Floats, kept: tuple[float, ...] = ()) -> Seen:
    """Windows of blocks between ascending ``edges`` (n,), Unix seconds, whose blocks are all known.

    What holds too few blocks to tell goes with the window before it, but for the edges ``kept``.
    """
    latest = np.maximum.accumulate(blocks.time)
    at = np.searchsorted(latest, edges, side="right")
    at, edges = _long_enough(at, edges, kept)
    start, end = at[:-1], at[1:]
    count = end - start
    # the blocks that found a window's first and last one are of consecutive heights
    before, last = np.maximum(start - 1, 0), np.maximum(end - 1, 0)
    whole = (start > 0) & (blocks.height[last] - blocks.height[before] == last - before)
    work = np.append(0.0, np.cumsum(blocks.work))
    known = whole & (count > 0)
    # a gap may begin right after the last block, so that nobody can tell how many came after it
    following = np.minimum(end, blocks.height.size - 1)
    known &= blocks.height[following] - blocks.height[last] <= 1
    return Seen.of(
        edges[:-1][known],
        edges[1:][known],
        count[known].astype(np.float64),
        (work[end] - work[start])[known],
        np.zeros(int(known.sum()), dtype=np.bool_),
    )


def _long_enough(at: Ints, edges: Floats, kept: tuple[float, ...]) -> tuple[Ints, Floats]:
    """Edges, and how many blocks come before each, without those that leave a window too few."""
    chosen = [0]
    for place in range(1, edges.size):
        few = at[place] - at[chosen[-1]] < FEWEST
        if few and edges[chosen[-1]] not in kept and len(chosen) > 1:
            chosen.pop()
        elif few and edges[place] not in kept:
            continue
        chosen.append(place)
    return at[chosen], edges[chosen]


def _quarters(time: Ints, bits: Ints, first: float, tip: float) -> Seen:
    place = np.clip((time - first) // _FINE, 0, None).astype(np.int64)
    size = int(place.max()) + 1
    blocks = np.bincount(place, minlength=size).astype(np.float64)
    work = np.bincount(place, weights=work_float64_column(bits), minlength=size)
    # what is too short to tell goes with what comes before it
    joined, begun, held = np.zeros(size, dtype=np.int64), [0], 0.0
    for at in range(size):
        if held >= FEWEST and blocks[at:].sum() >= FEWEST:
            begun.append(at)
            held = 0.0
        held += blocks[at]
        joined[at] = len(begun) - 1
    start = first + _FINE * np.array(begun, dtype=np.float64)
    return Seen.of(
        start,
        np.append(start[1:], tip),
        np.asarray(np.bincount(joined, weights=blocks), dtype=np.float64),
        np.asarray(np.bincount(joined, weights=work), dtype=np.float64),
        np.zeros(start.size, dtype=np.bool_),
    )
