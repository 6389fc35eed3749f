"""Mines a simulated chain: exponential work, consensus retargets, header times by the rules.

1. Each block needs an exponential number of hashes whose mean is its exact expected work.
2. The hashrate path says when that many hashes had been done: the block's arrival.
3. A miner's clock writes the header time: the arrival plus the clock's error, moved up where the
   median-time-past rule forbids it.
4. Every 2016 blocks consensus sets the next target from header times, as on the main network:
   2015 intervals, the clamp, the truncation to compact form.

No proof of work is done or claimed: there are no hashes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.chain.header_times import MEDIAN_SPAN, rolling_median_11
from hashcanary.chain.networks import MAIN, RETARGET_INTERVAL, Network
from hashcanary.chain.retarget import next_bits
from hashcanary.chain.targets import block_work
from hashcanary.random import Purpose, generator
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.paths import HashratePath

# a node turns away a header this much ahead of its clock
FUTURE_LIMIT = 7200


@dataclass(frozen=True, slots=True)
class Clocks:
    """How far header times are from arrivals.

    noise: standard deviation of honest times, seconds; wrong: fraction of blocks whose time is
    off evenly within ``wrong_range``, seconds.
    """

    noise: float
    wrong: float
    wrong_range: tuple[float, float]

    def offsets(self, seed: int, epoch: int) -> Floats:
        """Seconds to add to the arrivals of an epoch; within what a node accepts."""
        draws = generator(seed, Purpose.CLOCKS, epoch)
        offsets = draws.normal(0.0, self.noise, RETARGET_INTERVAL)
        odd = draws.random(RETARGET_INTERVAL) < self.wrong
        off = draws.uniform(*self.wrong_range, RETARGET_INTERVAL)
        return np.asarray(np.clip(np.where(odd, off, offsets), -FUTURE_LIMIT, FUTURE_LIMIT))


@dataclass(frozen=True, slots=True)
class MinedChain:
    """A simulated active chain, one entry a block.

    first_height: of the first block; times: header times, Unix seconds; bits: compact targets;
    arrivals: when blocks were found, Unix seconds with fractions.
    """

    first_height: int
    times: Ints
    bits: Ints
    arrivals: Floats


def mine(
    path: HashratePath,
    *,
    first_height: int,
    first_bits: int,
    start_time: int,
    seed: int,
    clocks: Clocks | None = None,
    network: Network = MAIN,
) -> MinedChain:
    """Mine from ``start_time`` until the hashrate path ends.

    first_height: a multiple of 2016; first_bits: compact target of the first epoch; clocks: None
    writes each arrival into the header. Raises UnusableScenario when the height is not aligned.
    """
    if first_height < 0 or first_height % RETARGET_INTERVAL:
        raise UnusableScenario(
            what="first height",
            expected="a multiple of 2016",
            found=first_height,
            remedy=f"Take {first_height // RETARGET_INTERVAL * RETARGET_INTERVAL}.",
        )
    bits, done, epoch = first_bits, 0.0, 0
    times: list[Ints] = []
    arrivals: list[Floats] = []
    all_bits: list[int] = []
    while done < path.total:
        draws = generator(seed, Purpose.BLOCKS, epoch).standard_exponential(RETARGET_INTERVAL)
        hashes = done + np.cumsum(draws) * float(block_work(bits))
        found = start_time + path.when(hashes[hashes <= path.total])
        offsets = clocks.offsets(seed, epoch)[: found.size] if clocks else np.zeros(found.size)
        before = times[-1][-MEDIAN_SPAN:] if times else np.empty(0, dtype=np.int64)
        written = header_times(found + offsets, before)
        times.append(written)
        arrivals.append(found)
        all_bits.append(bits)
        if found.size < RETARGET_INTERVAL:
            break
        bits = next_bits(bits, int(written[0]), int(written[-1]), network)
        done = float(hashes[-1])
        epoch += 1
    counts = [part.size for part in times]
    return MinedChain(
        first_height,
        np.concatenate(times),
        np.repeat(np.array(all_bits, dtype=np.int64), counts),
        np.concatenate(arrivals),
    )


def header_times(wished: Floats, before: Ints) -> Ints:
    """Whole-second header times: the wished ones, each later than its median time past.

    before: up to 11 header times of the blocks before. A block's time depends on earlier ones
    alone, so repeating the rule on all at once until nothing moves gives what miners, one after
    another, would have written.
    """
    times = np.floor(wished).astype(np.int64)
    while times.size:
        earliest = median_times_past(np.concatenate((before, times)))[before.size :] + 1
        moved = np.maximum(times, earliest)
        if np.array_equal(moved, times):
            break
        times = moved
    return times


def median_times_past(times: Ints) -> Ints:
    """Median time past before each block: of the 11 header times before it, fewer at the start.

    The first block's, which has none before it, is one second before it.
    """
    medians = np.empty_like(times)
    medians[:1] = times[:1] - 1
    for place in range(1, min(MEDIAN_SPAN, times.size)):
        medians[place] = np.sort(times[:place])[place // 2]
    medians[MEDIAN_SPAN:] = rolling_median_11(times[:-1])
    return medians
