"""Stretches of the chain: how many blocks they have, and how often luck alone shows a worst one.

Whoever looks for the worst window finds one: what luck does must be asked of all windows that
could have been picked. Two forms, both closed or next to it:

- ``some_window``: the chance that some window of a length, placed anywhere in a span, holds k
  blocks or fewer. S. E. Alm's approximation (Sequential Analysis 2, 1983; J. Glaz, J. Naus and
  S. Wallenstein, Scan Statistics, 2001) turned to few instead of many: the windows that fall to k
  are counted, less those that soon fall to it again; at k = 0, the longest gap, it is exact to the
  first order.
- ``some_drawdown``: the chance that a mean over a window falls by a fraction below its highest so
  far.
  The highest so far is followed as it rises from record to record, each record and each dip below
  it by rates of the same kind (for means of several rows with D. Siegmund's correction for time in
  steps: Sequential Analysis, 1985, section 10.3).

Their errors are bounded by simulation in ``tests/inference/luck/test_scan.py``.

A stretch is bounded by two blocks or by two moments. Between two blocks the count is fixed and the
time is measured, with what the clocks of the two headers add. Between two moments the time is fixed
and the blocks whose header says a time inside are counted: clocks that err independently of each
other move blocks over both bounds and leave a Poisson count Poisson (the displacement theorem:
J. F. C. Kingman, Poisson Processes, 1993, section 5.5), so nothing is added.

``exposure`` is the time over the work of a block, summed over the targets that held: times a
hashrate it is the expected number of blocks. Only blocks at which the target changed need be known
inside a stretch between two blocks; across a gap in heights, the blocks that are missing count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.chain.networks import Network
from hashcanary.inference.errors import WindowNotKnown
from hashcanary.inference.filter.observations import (
    FEWEST,
    SHORTEST,
    VOUCHERS,
    Blocks,
    must_retarget,
    repaired,
)
from hashcanary.moments import iso_time

Law = Literal["time", "blocks"]

# levels of the highest so far, in standard deviations, and steps of time in which it is followed
_LEVELS = np.linspace(-4.0, 8.5, 160)
_STEPS = 60
# a score beyond this has no probability that a float could hold
_FARTHEST = 37.0


def in_one_window(count: int, expected: Floats) -> Floats:
    """Probability that a window holds ``count`` blocks or fewer where ``expected`` are, any shape.

    It is as well the probability that ``count`` + 1 blocks take longer than the window.
    """
    from scipy.special import gammaincc

    found: Floats = gammaincc(count + 1.0, np.asarray(expected))
    return found


def some_window(count: int, expected: Floats, lengths: float) -> Floats:
    """Probability that some window in a span of ``lengths`` windows holds ``count`` or fewer.

    expected: blocks a window holds on average, any shape. The same is the probability that some
    ``count`` + 1 consecutive blocks take longer than the window.
    """
    none = np.exp(-clumps(count, expected) * max(lengths - 1.0, 0.0))
    found: Floats = 1.0 - (1.0 - in_one_window(count, expected)) * none
    return found


def clumps(count: int, expected: Floats) -> Floats:
    """How often, in the time of a window, windows begin to hold ``count`` blocks or fewer."""
    from scipy.special import gammaln

    mean = np.maximum(np.asarray(expected, dtype=np.float64), 1e-12)
    # nearer to the mean there are no separate falls to count: it is as often as where most begin
    most = np.floor(mean - (1.0 + np.sqrt(1.0 + 4.0 * mean)) / 2) + 1.0
    k = np.clip(np.minimum(float(count), most), 0.0, None)
    exact = np.exp(k * np.log(mean) - mean - gammaln(k + 1.0))
    found: Floats = mean * exact * np.clip(1.0 - k / mean, 0.0, 1.0)
    return found


def some_drawdown(depth: Floats, blocks: Floats, rows: Floats, window: Floats, law: Law) -> Floats:
    """Probability (q,) that within ``rows`` rows a mean falls by ``depth`` below its highest.

    depth: (q,) fraction, above 0; blocks: (q,) that one window's rate rests on; window: (q,) rows
    in the mean, 1 where rows share no block. law: windows of a fixed time, whose blocks are
    Poisson, or of a fixed number of blocks, whose time is Gamma.
    """
    n = np.asarray(blocks, dtype=np.float64)[:, None]
    level = np.maximum(1.0 + _LEVELS[None, :] / np.sqrt(n), 1e-9)
    deep = np.asarray(depth, dtype=np.float64)[:, None]
    # counts are whole: on average the highest and the dip below it are rounded down by a half
    dip = level * (1.0 - deep) - (deep / 2 / n if law == "time" else 0.0)
    up, down = _score_above(level, n, law), -_score_above(np.maximum(dip, 1e-9), n, law)
    wide = np.asarray(window, dtype=np.float64)[:, None]
    record, fall = _crossings(up, wide), _crossings(down, wide)
    alive = np.diff(_normal(up), axis=1, prepend=0.0)
    ends = np.geomspace(1.0, np.maximum(np.asarray(rows, dtype=np.float64), 2.0), _STEPS)
    spent = np.diff(ends, axis=0, prepend=0.0)
    spent[0] -= 1.0
    for step in spent:
        # half of the dips, then the records, then the other half: second order in the step
        half = np.exp(-fall * step[:, None] / 2)
        highest = np.cumsum(alive * half, axis=1) * np.exp(-record * step[:, None])
        alive = np.diff(highest, axis=1, prepend=0.0) * half
    found: Floats = np.clip(1.0 - alive.sum(axis=1), 0.0, 1.0)
    return found


def _score_above(level: Floats, blocks: Floats, law: Law) -> Floats:
    """The normal score of a window's rate: how many sd above the mean ``level`` lies."""
    from scipy.special import gammainc, gammaincc, ndtri

    if law == "blocks":
        above, below = gammainc(blocks, blocks / level), gammaincc(blocks, blocks / level)
    else:
        above = gammainc(level * blocks + 1.0, blocks)
        below = gammaincc(level * blocks + 1.0, blocks)
    # of the two tails the smaller one is the exact one
    score = np.where(above < below, -ndtri(above), ndtri(below))
    found: Floats = np.clip(score, -_FARTHEST, _FARTHEST)
    return found


def _crossings(score: Floats, window: Floats) -> Floats:
    """How often a row a window's mean goes beyond a score that it was not beyond before."""
    from scipy.special import log_ndtr

    alone: Floats = -log_ndtr(score)
    # the mean of rows comes back again and again: only so many of its visits begin a new one
    u = np.maximum(score, 1.0)
    hazard = np.exp(-u * u / 2 - log_ndtr(-u)) / np.sqrt(2 * np.pi)
    begins = hazard * (u + hazard) / 2 * _overshoot(hazard * np.sqrt(2 / window)) / window
    return np.where(window > 1.0, alone * np.minimum(begins, 1.0), alone)


def _overshoot(x: Floats) -> Floats:
    """Siegmund's correction for a level that is crossed in steps."""
    half = x / 2
    density = np.exp(-half * half / 2) / np.sqrt(2 * np.pi)
    found: Floats = (2 / x) * (_normal(half) - 0.5) / (half * _normal(half) + density)
    return found


def _normal(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


# a node takes no header from further ahead, so a later block can still say an earlier time by this
FUTURE_LIMIT = 7200


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks found in a time.

    law: whether the ``blocks`` or the ``time`` was fixed. first, last: heights of the block before
    the first one counted, and of the last one counted; start, end: Unix seconds; blocks: found;
    exposure: blocks expected at 1 H/s; clock: standard deviation, seconds, of what the clocks of
    its ends add to the time; at_tip: whether later blocks can still move its end. lacks: in words.
    """

    law: Law
    first: int
    last: int
    start: float
    end: float
    blocks: int
    exposure: float
    clock: float
    at_tip: bool
    lacks: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end - self.start

    @property
    def rate(self) -> float:
        """Hashrate in H/s, unbiased: for a fixed count one block less is divided by the time."""
        counted = self.blocks - 1 if self.law == "blocks" else self.blocks
        return max(counted, 0) / self.exposure


def between_blocks(blocks: Blocks, network: Network, first: int, last: int) -> Stretch:
    """The stretch after block ``first`` up to block ``last``.

    Raises NoRetargets, HeightNotKnown where either is not known, WindowNotKnown where they do not
    ascend, or where a block at which the target changed between them is not known.
    """
    must_retarget(network)
    begin, end = blocks.at(first), blocks.at(last)
    if last <= first:
        raise WindowNotKnown(first, last, "a later block than the first", f"block {last}")
    at, works = _segments(blocks, network, begin, end)
    times, clocks = _clocks(blocks, at)
    count = last - first
    measured = float(times[-1] - times[0])
    shortest = SHORTEST * network.target_spacing * count
    lacks = _few(count)
    exposure = float((np.maximum(np.diff(times), 0.0) / works).sum())
    if measured < shortest:
        lacks.append(f"times that can be: {count} blocks are said to have taken {measured:.0f} s")
        exposure = shortest / float(works[-1])
    return Stretch(
        law="blocks",
        first=first,
        last=last,
        start=float(times[0]),
        end=float(times[-1]),
        blocks=count,
        exposure=exposure,
        clock=float(np.hypot(clocks[0], clocks[-1])),
        at_tip=blocks.height.size - 1 - end < VOUCHERS,
        lacks=tuple(lacks),
    )


def between_times(blocks: Blocks, network: Network, start: float, end: float) -> Stretch:
    """The stretch of the blocks whose header says ``start`` or later, and earlier than ``end``.

    Raises NoRetargets; WindowNotKnown where it does not lie within the known blocks, or a gap in
    heights lies at one of its ends, so that nobody can tell how many blocks are inside.
    """
    must_retarget(network)
    inside = _count_inside(blocks, start, end)
    lowest, highest = _outside(blocks, start, end)
    at, works = _segments(blocks, network, lowest, highest)
    times, _ = _clocks(blocks, at)
    edges = np.clip(np.maximum.accumulate(times), start, end)
    edges[0], edges[-1] = start, end
    lacks = []
    if end > settled_until(blocks):
        lacks.append("blocks to come that may still say a time in this window")
    return Stretch(
        law="time",
        first=int(blocks.height[lowest]),
        last=int(blocks.height[highest]),
        start=float(start),
        end=float(end),
        blocks=inside,
        exposure=float((np.diff(edges) / works).sum()),
        clock=0.0,
        at_tip=bool(lacks),
        lacks=tuple(lacks),
    )


def settled_until(blocks: Blocks) -> float:
    """The moment before which no block to come can say its time: the median time past, Unix s."""
    recent = np.sort(blocks.time[-VOUCHERS:])
    return float(recent[recent.size // 2])


def blocks_before(blocks: Blocks, network: Network, window: Stretch, count: int) -> Stretch:
    """The ``count`` blocks that lead up to ``window``, or those of them that are known.

    Raises WindowNotKnown where fewer than 6 are, and what ``between_blocks`` raises.
    """
    end = blocks.find(window.first)
    gaps = np.flatnonzero(np.diff(blocks.height[: end + 1]) > 1)
    # from the block wished for; where the target is not known all the way, from the last gap on
    wished = int(np.searchsorted(blocks.height, window.first - count))
    for begin in (wished, int(gaps[-1]) + 1 if gaps.size else 0):
        found = int(window.first - blocks.height[begin])
        if found < FEWEST:
            continue
        try:
            stretch = between_blocks(blocks, network, int(blocks.height[begin]), window.first)
        except WindowNotKnown:
            continue
        if found >= count:
            return stretch
        lacks = f"{count - found} of the {count} blocks before it that it is compared with"
        return replace(stretch, lacks=(*stretch.lacks, lacks))
    raise WindowNotKnown(
        start=_said(window.start),
        end=_said(window.end),
        expected=f"{FEWEST} known blocks or more before it, to compare it with",
        found="fewer",
    )


def _segments(blocks: Blocks, network: Network, begin: int, end: int) -> tuple[Ints, Floats]:
    """Indices (k + 1,) of the ends and of each epoch's last block between; work (k,) of a block.

    Raises WindowNotKnown where such a block, or any of its next epoch, is not known.
    """
    size = network.retarget_interval
    first, last = int(blocks.height[begin]), int(blocks.height[end])
    turns = np.arange(first // size * size + size - 1, last, size, dtype=np.int64)
    turns = turns[turns > first]
    at = np.searchsorted(blocks.height, turns)
    known = blocks.height[np.minimum(at, blocks.height.size - 1)] == turns
    if not known.all():
        missing = int(turns[~known][0])
        raise WindowNotKnown(
            start=f"block {first}",
            end=f"block {last}",
            expected=f"block {missing}, the last before a retarget",
            found="no such block",
        )
    edges = np.concatenate(([begin], at, [end])).astype(np.int64)
    # the block after an edge is worked for with the target that holds up to the next edge
    return edges, blocks.work[edges[1:]]


def _clocks(blocks: Blocks, at: Ints) -> tuple[Floats, Floats]:
    """Times of blocks as their neighbours bear them out, and the clocks' standard deviations."""
    # neighbours within reach are all that is looked at
    low = max(int(at[0]) - VOUCHERS, 0)
    high = min(int(at[-1]) + VOUCHERS + 1, blocks.height.size)
    height = blocks.height[low:high]
    run = np.cumsum(np.diff(height, prepend=height[:1]) > 1, dtype=np.int64)
    return repaired(blocks.time[low:high], run, at - low)


def _count_inside(blocks: Blocks, start: float, end: float) -> int:
    """Blocks with a time inside, those in gaps that lie wholly inside counted by their heights."""
    if not start < end:
        raise WindowNotKnown(_said(start), _said(end), "an end after the start", "none")
    if not blocks.height.size or end > float(blocks.time.max()) or start < float(blocks.time[0]):
        found = "no blocks"
        if blocks.height.size:
            found = f"blocks from {_said(float(blocks.time[0]))} to {_said(blocks.time.max())}"
        raise WindowNotKnown(_said(start), _said(end), "blocks before and after it", found)
    gaps = np.flatnonzero(np.diff(blocks.height) > 1)
    before, after = blocks.time[gaps], blocks.time[gaps + 1]
    within = (before >= start + FUTURE_LIMIT) & (after < end - FUTURE_LIMIT)
    apart = (after < start - FUTURE_LIMIT) | (before >= end + FUTURE_LIMIT)
    unclear = ~within & ~apart
    if unclear.any():
        first = int(blocks.height[gaps[unclear][0]])
        raise WindowNotKnown(
            start=_said(start),
            end=_said(end),
            expected="every block near its ends",
            found=f"none after block {first} up to {int(blocks.height[gaps[unclear][0] + 1])}",
        )
    missing = np.diff(blocks.height)[gaps[within]] - 1
    return int(((blocks.time >= start) & (blocks.time < end)).sum() + missing.sum())


def _outside(blocks: Blocks, start: float, end: float) -> tuple[int, int]:
    """Indices of the last block before the window and of the first one after it."""
    highest = np.maximum.accumulate(blocks.time)
    lowest = np.minimum.accumulate(blocks.time[::-1])[::-1]
    before = int(np.searchsorted(highest, start, side="left")) - 1
    after = int(np.searchsorted(lowest, end, side="left"))
    return max(before, 0), min(after, blocks.time.size - 1)


def _few(count: int) -> list[str]:
    return [f"blocks: {count} say next to nothing"] if count < FEWEST else []


def _said(time: float) -> str:
    return iso_time(round(time))
