"""The watch for falls on simulated chains: false alarms, delays, and how right its intervals are.

Here nothing is told to it: the rate before the fall, its wander and its growth are learned from the
chain, whose clocks are partly wrong. SIMULATED, all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from support.worlds import START, world_chain, world_path

from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.drops.drops import drops_of
from hashcanary.inference.drops.watch import (
    BLOCKS_A_YEAR,
    FALLS,
    ORDINARY,
    Watch,
    advance,
    new_watch,
)
from hashcanary.inference.filter.bank import Bank, Model
from hashcanary.inference.filter.observations import Blocks
from hashcanary.simulation.paths import HashratePath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.simulation.mining import MinedChain

    Floats = NDArray[np.float64]

# days of learning before a fall, and days after it in which it is waited for
LEARNING, WAITED = 500, 60
_DAY = 86_400.0
_AT_ONCE = 500
# what `worlds.py` says of the growing world, for a detector that is told it: 0.4% a day, 60% a year
TOLD = Bank((Model(0.004 / 8**0.5, 0.0, 0.0, 0.6, 0.0),), forgetting=0.9995)


@dataclass(frozen=True, slots=True)
class Detector:
    """What is ordinary, and which falls are watched for."""

    bank: Bank = ORDINARY
    falls: tuple[float, ...] = FALLS


def blocks_from(chain: MinedChain) -> Blocks:
    """The blocks of a chain; no price is known."""
    size = chain.times.size
    heights = np.arange(chain.first_height, chain.first_height + size, dtype=np.int64)
    return Blocks(heights, chain.times, work_float64_column(chain.bits), np.full(size, np.nan))


def false_alarms(
    world: str, detector: Detector, years: float, chains: int, length: int = 5
) -> tuple[float, float, float]:
    """Alarms a year at one false alarm in ``years``, on chains without a fall.

    Also the standard error, from how the chains differ, and the years of blocks watched.
    """
    alarms, watched = [], 0
    for seed in range(1000, 1000 + chains):
        blocks = blocks_from(world_chain(world_path(world, 365 * length, seed), seed))
        fresh = new_watch(MAIN, years * BLOCKS_A_YEAR, detector.bank, detector.falls)
        first = 300 * 144
        after = advance(fresh, blocks)
        alarms.append(sum(one.height >= blocks.height[first] for one in after.alarms))
        watched += blocks.height.size - first
    total = watched / BLOCKS_A_YEAR
    return sum(alarms) / total, float(np.std(alarms, ddof=1) * chains**0.5) / total, total


def fallen(world: str, seed: int, drop: float) -> tuple[Blocks, int, Floats]:
    """A chain whose rate falls by a part after LEARNING days, the index of the first block after.

    Also the time of each block from then on, in units of ten minutes since the fall.
    """
    path = world_path(world, LEARNING + WAITED, seed)
    at = (LEARNING + np.random.default_rng([seed, 7]).uniform(-1, 0)) * _DAY
    times = np.union1d(path.times, [at, at + 1.0])
    rates = np.interp(times, path.times, path.rates) * np.where(times > at, 1 - drop, 1.0)
    chain = world_chain(HashratePath(times, rates), seed)
    first = int(np.searchsorted(chain.arrivals, START + at))
    return blocks_from(chain), first, (chain.arrivals[first:] - START - at) / 600


def learned(blocks: Blocks, detector: Detector) -> Watch:
    """The watch after blocks in which no fall was looked for but at their end."""
    quiet = new_watch(MAIN, 1e300, detector.bank, detector.falls)
    last = blocks.height.size - _AT_ONCE
    # looking takes time, and finds nothing that is wanted before the end
    blind = advance(replace(quiet, earliest=int(blocks.height[-1])), blocks.part(0, last))
    return advance(replace(blind, earliest=-1), blocks.part(last))


def delays(
    world: str,
    detector: Detector,
    drops: tuple[float, ...],
    years: tuple[float, ...],
    runs: int,
) -> Floats:
    """Blocks and time (drops, years, runs, 2) from a fall to the alarm; else what was waited.

    NaN where the statistic was already above the threshold before the fall.
    """
    out = np.full((len(drops), len(years), runs, 2), np.nan)
    for run in range(runs):
        before: Watch | None = None
        for each, drop in enumerate(drops):
            blocks, first, time = fallen(world, run, drop)
            # until the fall all chains of a run are the same
            before = before or learned(blocks.part(0, first), detector)
            for place, apart in enumerate(years):
                asked = replace(before, false_alarm_blocks=apart * BLOCKS_A_YEAR)
                if before.statistic < np.log(asked.threshold):
                    out[each, place, run] = _waited(asked, blocks.part(first), time)
    return out


def _waited(watch: Watch, blocks: Blocks, time: Floats) -> tuple[float, float]:
    """Blocks and time to the first alarm in ``blocks``, or all of them."""
    # the first alarm is all that is wanted: a few days at once
    for start in range(0, time.size, _AT_ONCE):
        watch = advance(watch, blocks.part(start, start + _AT_ONCE))
        if watch.alarms:
            last = watch.alarms[0].height - int(blocks.height[0])
            return last + 1, float(time[last])
    return time.size, float(time[-1])


def coverage(drop: float, runs: int) -> tuple[Floats, int]:
    """How often the 95% intervals of start and depth hold the truth, and of how many alarms."""
    held = []
    for run in range(runs):
        blocks, first, _ = fallen("steady", 5000 + run, drop)
        found = drops_of(blocks.part(0, first + 10 * 144), MAIN).drops
        truth = int(blocks.height[first]) - 1
        near = [one for one in found if one.alarm > truth]
        if near:
            one = near[0]
            # starts are edges: a fall between two of them is held by the nearer
            start = one.start_low - 18 <= truth <= one.start_high + 18
            held.append((start, one.depth_low <= drop <= one.depth_high))
    return np.mean(held, axis=0), len(held)
