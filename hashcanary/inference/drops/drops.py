"""Falls of the hashrate in a record: when they began, when it was known, how deep, until when.

``watch.py`` raises the alarms, each from what was known at its block. What is said of a drop here
uses all blocks of the record: its alarm stays where it was, its start, depth and end become surer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.drops.watch import (
    BLOCKS_A_YEAR,
    REACH,
    advance,
    block_rows,
    clock_of,
    edge_clock,
    evidence,
    new_watch,
    quantile_places,
    years_between,
)
from hashcanary.inference.errors import NothingObserved
from hashcanary.inference.filter.observations import BIN, VOUCHERS, blocks_of, observe

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints
    from hashcanary.chain.networks import Network
    from hashcanary.inference.drops.watch import Alarm, Watch
    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.store.record import Record

# blocks after an end by which the return is judged, and the fewest that tell of an end
_AFTER, _FEWEST_AFTER = 432, 144
# sizes of falls, fine enough to give an interval; each factor of two as likely as another
_FINE = np.stack((1 - np.geomspace(0.01, 0.95, 240), np.full(240, 1 / 240)))


@dataclass(frozen=True, slots=True)
class Drop:
    """One fall.

    start, start_low, start_high: heights of the last block before it, median and 95% interval;
    alarm: height at which it was known; end: height until which the evidence of it grew, None where
    less than a day has passed since, up to the last block. *_time: of these blocks' headers, Unix
    seconds. depth, depth_low, depth_high: part of the hashrate lost on average from start to end,
    median and 95% interval.
    level: H/s before it. returned: whether more than half of it had come back in the three days
    after its end, None where too few blocks are known. luck_years: luck and ordinary wander alone
    look as much like a drop at most once in so many years.
    """

    start: int
    start_low: int
    start_high: int
    start_time: int
    start_low_time: int
    start_high_time: int
    alarm: int
    alarm_time: int
    end: int | None
    end_time: int | None
    depth: float
    depth_low: float
    depth_high: float
    level: float
    returned: bool | None
    luck_years: float

    @property
    def delay(self) -> int:
        """Blocks from its start to its alarm."""
        return self.alarm - self.start


@dataclass(frozen=True, slots=True)
class DropList:
    """The drops of a record, ascending.

    years: one false alarm in so many, as asked; runs: first and last heights of the unbroken runs
    of blocks that were watched: drops across the gaps between them cannot be seen. luck_years_now:
    how rarely luck alone looks as much like a fall as the last blocks do, 0 where nothing speaks of
    one.
    """

    drops: tuple[Drop, ...]
    years: float
    runs: tuple[tuple[int, int], ...]
    luck_years_now: float

    @property
    def watched(self) -> int:
        """Blocks that were watched."""
        return sum(last - first + 1 for first, last in self.runs)

    @property
    def false_alarms(self) -> float:
        """Alarms that luck alone would have raised, at most, on average."""
        return self.watched / (self.years * BLOCKS_A_YEAR)


def find_drops(record: Record, years: float = 1.0) -> DropList:
    """The drops of a record at one false alarm in ``years``.

    Raises NoBlocksToObserve, NothingObserved, NoRetargets.
    """
    return drops_of(blocks_of(record), record.network, years)


def drops_of(blocks: Blocks, network: Network, years: float = 1.0) -> DropList:
    """The drops that ``blocks`` show at one false alarm in ``years``.

    Raises NothingObserved where no rate can be read from them, NoRetargets.
    """
    watch = advance(new_watch(network, years * BLOCKS_A_YEAR), blocks)
    if not watch.edges.height.size:
        raise NothingObserved(expected=BIN + VOUCHERS + 1, height=int(blocks.height[-1]))
    return DropList(
        drops=_described(blocks, watch),
        years=years,
        runs=_watched(blocks.height),
        luck_years_now=years_between(watch.statistic),
    )


def _watched(height: Ints) -> tuple[tuple[int, int], ...]:
    """First and last heights of the runs long enough for a start and an alarm."""
    parts = np.split(height, np.flatnonzero(np.diff(height) > 1) + 1)
    return tuple((int(one[0]), int(one[-1])) for one in parts if one.size > BIN + VOUCHERS)


def _described(blocks: Blocks, watch: Watch) -> tuple[Drop, ...]:
    # a drop is looked at until the next one begins
    limits = [max(following.start, alarm.height) for alarm, following in pairwise(watch.alarms)]
    limits.append(int(blocks.height[-1]))
    return tuple(
        _describe(_around(blocks, watch, alarm, limit))
        for alarm, limit in zip(watch.alarms, limits, strict=False)
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """The blocks around an alarm as the compiled functions take them.

    times: (n,) header times; rows: (n, 4) of blocks; edges: (e, 8) where the drop may have begun;
    sizes: (2, j) that it may have; at: index of the alarm's block; stop: of the last block looked
    at for this drop; known_to_end: whether that is not the last that is known.
    """

    times: Ints
    rows: Floats
    edges: Floats
    sizes: Floats
    at: int
    stop: int
    known_to_end: bool

    def evidence(self, row: int, sizes: Floats) -> Floats:
        """Log Bayes factors (e, j) at a row, for each start and size."""
        return evidence(self.rows[row], self.edges, sizes)

    def time(self, height: float) -> int:
        """Header time of a block, Unix seconds."""
        return int(self.times[int(np.searchsorted(self.rows[:, 0], height))])


def _around(blocks: Blocks, watch: Watch, alarm: Alarm, limit: int) -> _Around:
    """limit: height up to which the drop is looked at, if 30 days and its run reach it."""
    at = blocks.find(alarm.height)
    gaps = np.flatnonzero(np.diff(blocks.height[at:]) > 1)
    run_end = at + int(gaps[0]) if gaps.size else blocks.height.size - 1
    until = min(at + REACH * BIN, run_end, int(np.searchsorted(blocks.height, limit)))
    first = max(blocks.find(int(alarm.starts[0])) - VOUCHERS, 0)
    known = blocks.part(first, min(until + _AFTER, run_end) + 1)
    clock = clock_of(known)
    seen = observe(known, watch.network)
    seen = seen.where(np.isin(seen.height, alarm.starts))
    return _Around(
        times=known.time,
        rows=block_rows(known, clock),
        edges=np.column_stack((alarm.starts, edge_clock(known, clock, seen), alarm.beliefs)),
        sizes=watch.sizes,
        at=at - first,
        stop=until - first,
        known_to_end=until < blocks.height.size - 1,
    )


def _describe(near: _Around) -> Drop:
    looks = np.append(np.arange(near.at, near.stop, BIN), near.stop)
    seen = [
        float(np.logaddexp.reduce(near.evidence(look, near.sizes), axis=None)) for look in looks
    ]
    best = int(np.argmax(seen))
    peak = int(looks[best])
    joint = near.evidence(peak, _FINE)
    low, median, high = quantile_places(np.logaddexp.reduce(joint, axis=1))
    start, start_low, start_high = (int(near.edges[one, 0]) for one in (median, low, high))
    depths = quantile_places(np.logaddexp.reduce(joint, axis=0))
    depth_low, depth, depth_high = (float(1 - _FINE[0, one]) for one in depths)
    ended = near.known_to_end or near.stop - peak >= _FEWEST_AFTER
    end, alarm = int(near.rows[peak, 0]), int(near.rows[near.at, 0])
    return Drop(
        start=start,
        start_low=start_low,
        start_high=start_high,
        start_time=near.time(start),
        start_low_time=near.time(start_low),
        start_high_time=near.time(start_high),
        alarm=alarm,
        alarm_time=near.time(alarm),
        end=end if ended else None,
        end_time=near.time(end) if ended else None,
        depth=depth,
        depth_low=depth_low,
        depth_high=depth_high,
        level=float(np.exp(near.edges[median, 2])),
        returned=_returned(near, peak, median, depth) if ended else None,
        luck_years=years_between(seen[best] + math.log(BIN)),
    )


def _returned(near: _Around, row: int, edge: int, depth: float) -> bool | None:
    """Whether the rate of the three days after a row made up for more than half of the fall."""
    last = min(row + _AFTER, near.rows.shape[0] - 1)
    if last - row < _FEWEST_AFTER:
        return None
    elapsed = near.rows[last, 1] - near.rows[row, 1]
    return bool((last - row) / (elapsed * np.exp(near.edges[edge, 2])) > 1 - depth / 2)
