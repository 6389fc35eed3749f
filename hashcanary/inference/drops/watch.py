"""Alarms that the hashrate fell, block by block, at a stated rate of false ones.

Ordinary is luck, a wandering level and its growth, as the bank of models learns them at each edge
between bins. Falls that come back within days are no part of it: no model here has a transient, or
a storm a month would soon be as ordinary as the weather.

An alarm means: the blocks since some moment of the last 30 days took longer than luck, the ordinary
wander of the hashrate, and its growth explain. The wander and the growth are what the bank of
models has learned of them by that moment, and the level before is what it
believed then. Falls of every size are watched for at once (the mixture Shiryaev-Roberts statistic
of ``kernel.py``).

After an alarm the level is learned anew from the fall on, and the next alarm is a further fall.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.chain.networks import Network
from hashcanary.inference.filter.bank import Bank, Model, run_bank, weights_of
from hashcanary.inference.filter.observations import (
    BIN,
    BINS_PER_DAY,
    VOUCHERS,
    Blocks,
    Columns,
    Observations,
    must_retarget,
    observe,
)

# variance of the log rate after an alarm: the level is to be learned from the drop on
_AFRESH = 0.25


def _wandering() -> Bank:
    wanders = (0.0008, 0.0015, 0.003, 0.005, 0.008, 0.012)
    growths = ((0.0, 1.0), (0.4, 1.0), (3.0, 0.1))
    return Bank(
        tuple(
            Model(wander, 0.0, 0.0, growth, 0.004, prior)
            for wander, (growth, prior) in product(wanders, growths)
        ),
        forgetting=0.9995,
        sharpness=2.5,
    )


ORDINARY = _wandering()


@dataclass(frozen=True, slots=True)
class Edges(Columns):
    """Settled edges, ascending: what is known where each span ends.

    height; clock: seconds per hash; spans: (e, 4) as the bank takes them; change: of the price;
    states: (e, m, 6) of the bank; beliefs: (e, 6), see ``beliefs_of``.
    """

    height: Ints
    clock: Floats
    spans: Floats
    change: Floats
    states: Floats
    beliefs: Floats

    def rows(self) -> Floats:
        """What the compiled scan takes, (e, 8): height, clock, belief."""
        return np.column_stack((self.height, self.clock, self.beliefs))


def beliefs_of(bank: Bank, states: Floats, change: Floats) -> Floats:
    """What the weighted models together believe at edges, (e, 6): the first two moments.

    Log rate, its variance, wander variance a bin, drift a bin, its variance, covariance of both.
    """
    weights, level = weights_of(states[:, :, 5]), states[:, :, 0]
    rows = bank.rows()
    drift = rows[None, :, 3] + rows[None, :, 4] * change[:, None]
    mean, mean_drift = (weights * level).sum(axis=1), (weights * drift).sum(axis=1)
    off, off_drift = level - mean[:, None], drift - mean_drift[:, None]
    return np.stack(
        (
            mean,
            (weights * (states[:, :, 2] + off**2)).sum(axis=1),
            weights @ rows[:, 0],
            mean_drift,
            (weights * off_drift**2).sum(axis=1),
            (weights * off * off_drift).sum(axis=1),
        ),
        axis=1,
    )


def afresh(edges: Edges, bank: Bank, place: int) -> Edges:
    """The edges from ``place`` on as the bank sees them when it no longer knows the level there."""
    from hashcanary.inference.filter.kernels import run_forward

    states = edges.states.copy()
    states[place, :, 2] += _AFRESH
    later = edges.spans[place + 1 :]
    if later.shape[0]:
        kept = np.empty((later.shape[0], len(bank.models), 6))
        run_forward(
            later,
            bank.rows(),
            bank.settings(),
            states[place].copy(),
            kept,
            np.empty(later.shape[0]),
        )
        states[place + 1 :] = kept
    return replace(edges, states=states, beliefs=beliefs_of(bank, states, edges.change))


BLOCKS_A_YEAR = 52_560
# what is watched for: the part lost, each size as likely as the others before anything is seen
FALLS = (0.04, 0.07, 0.12, 0.20, 0.33, 0.50)
# a start further back is not looked for: the rate may have gone anywhere since
REACH = 30 * BINS_PER_DAY
# the bound on false alarms is not tight: they come as often as is said at this part of it, times a
# power of the years between them, in a world whose rate never changes, and less often in one that
# wanders (benchmarks/drop_detection.py)
_TIGHTNESS, _POWER, _TIGHTEST = 0.52, -0.18, 0.38
# blocks taken in at once; sums of seconds per hash lose digits where the rate grew much
_CHUNK = 4032


def _ages() -> Ints:
    """Edges back at which a start is looked for: all of two days, then ever fewer."""
    parts = ((1, 17, 1), (18, 33, 2), (36, 65, 4), (72, 129, 8), (144, REACH + 1, 16))
    return np.concatenate([np.arange(*part, dtype=np.int64) for part in parts])


_AGES = _ages()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, as known at its block.

    height: of that block; statistic: log of what passed the threshold; start, start_low,
    start_high: heights of the last block before the fall: median and 95% interval. starts: heights
    of edges that were looked at, ascending; beliefs: what was believed of the rate at each, (e, 6),
    see ``kernel.shape_and_time``. From start_high on the level was learned anew.
    """

    height: int
    statistic: float
    start: int
    start_low: int
    start_high: int
    starts: Ints
    beliefs: Floats


@dataclass(frozen=True, slots=True)
class Watch:
    """A watch between two blocks; ``advance`` gives the next one.

    false_alarm_blocks: one false alarm in so many blocks; sizes: (2, j) parts that are left after a
    fall, and the weight of each; statistic: log of it at the last block,
    -inf where nothing speaks of a drop; settled_height: of the last settled edge; edges: of the
    last 30 days; tail: the last blocks, from those that vouch for that edge on; tail_clock: of the
    first of them, seconds per hash; run_first: first height of its unbroken run; earliest: no
    start is looked for before this height; alarms: so far.
    """

    network: Network
    false_alarm_blocks: float
    bank: Bank
    sizes: Floats
    statistic: float
    settled_height: int
    edges: Edges
    tail: Blocks
    tail_clock: float
    run_first: int
    earliest: int
    alarms: tuple[Alarm, ...]

    @property
    def threshold(self) -> float:
        """What the statistic must reach."""
        years = self.false_alarm_blocks / BLOCKS_A_YEAR
        part: float = max(_TIGHTNESS * years**_POWER, _TIGHTEST)
        return self.false_alarm_blocks * part


def years_between(statistic: float) -> float:
    """Years between two false alarms at a threshold of exp(``statistic``)."""
    bound = float(np.exp(min(statistic, 600.0))) / BLOCKS_A_YEAR
    return float(min((bound / _TIGHTNESS) ** (1 / (1 + _POWER)), bound / _TIGHTEST))


def new_watch(
    network: Network,
    false_alarm_blocks: float = BLOCKS_A_YEAR,
    bank: Bank = ORDINARY,
    falls: tuple[float, ...] = FALLS,
) -> Watch:
    """The watch before the first block. Raises NoRetargets where blocks are not worked for.

    bank: what is ordinary; its models have no transient (ValueError). falls: the parts lost that
    are watched for.
    """
    must_retarget(network)
    if any(model.transient_sd for model in bank.models) or false_alarm_blocks < BIN:
        raise ValueError(f"expected models without a transient and at least {BIN} blocks")
    ints, floats = np.empty(0, dtype=np.int64), np.empty(0)
    edges = Edges(
        ints,
        floats,
        np.empty((0, 4)),
        floats,
        np.empty((0, len(bank.models), 6)),
        np.empty((0, 6)),
    )
    return Watch(
        network=network,
        false_alarm_blocks=false_alarm_blocks,
        bank=bank,
        sizes=np.stack((1 - np.array(falls), np.full(len(falls), 1 / len(falls)))),
        statistic=-np.inf,
        settled_height=-1,
        edges=edges,
        tail=Blocks.none(),
        tail_clock=0.0,
        run_first=0,
        earliest=-1,
        alarms=(),
    )


def advance(watch: Watch, blocks: Blocks) -> Watch:
    """The watch after more blocks, one or many: the same after each, however they are cut.

    Raises ValueError when they do not stand above the last one.
    """
    heights = np.concatenate((watch.tail.height[-1:], blocks.height))
    if (np.diff(heights) <= 0).any():
        raise ValueError(f"expected ascending blocks above {heights[0]}")
    for start in range(0, blocks.height.size, _CHUNK):
        watch = _taken_in(watch, blocks.part(start, start + _CHUNK))
    return watch


def _taken_in(watch: Watch, new: Blocks) -> Watch:
    tail = watch.tail
    known = tail.joined(new)
    clock = watch.tail_clock + clock_of(known)
    rows = block_rows(known, clock, watch.run_first if tail.height.size else None)
    seen = observe(known, watch.network)
    seen = seen.where(seen.settled & (seen.first >= watch.settled_height))
    watch = replace(watch, edges=_grown(watch, known, clock, seen))
    watch = _scanned(watch, rows, tail.height.size)
    keep = max(int(seen.index[-1]) - VOUCHERS, 0) if seen.size else 0
    edges = watch.edges.part(max(watch.edges.height.size - REACH - 2, 0))
    # clocks are differences: counted from the oldest that is kept, they keep their digits
    base = float(edges.clock[0]) if edges.clock.size else float(clock[keep])
    return replace(
        watch,
        settled_height=int(seen.height[-1]) if seen.size else watch.settled_height,
        edges=replace(edges, clock=edges.clock - base),
        tail=known.part(keep),
        tail_clock=float(clock[keep]) - base,
        run_first=int(rows[keep, 3]),
    )


def clock_of(blocks: Blocks) -> Floats:
    """Seconds per hash (n,) from the first block to each, by header times."""
    ticks = np.diff(blocks.time, prepend=blocks.time[:1]) / blocks.work
    return np.cumsum(ticks)


def edge_clock(blocks: Blocks, clock: Floats, seen: Observations) -> Floats:
    """Seconds per hash (e,) at the ends of spans, by their repaired times."""
    repaired = seen.time - blocks.time[seen.index]
    return np.asarray(clock[seen.index] + repaired / blocks.work[seen.index])


def block_rows(blocks: Blocks, clock: Floats, run_first: int | None = None) -> Floats:
    """What the compiled scan takes, (n, 4): height, seconds per hash, work, first of the run.

    run_first: of the run that the first block is in, where that is not the first of it.
    """
    gaps = np.diff(blocks.height, prepend=blocks.height[:1]) > 1
    run = np.cumsum(gaps, dtype=np.int64)
    first = blocks.height[0] if run_first is None else run_first
    firsts = np.concatenate(([first], blocks.height[gaps]))
    now = clock + (_vouched(blocks.time, run) - blocks.time) / blocks.work
    return np.column_stack((blocks.height, now, blocks.work, firsts[run]))


def _grown(watch: Watch, known: Blocks, clock: Floats, seen: Observations) -> Edges:
    """The edges with those that are newly settled."""
    old = watch.edges
    if not old.height.size:
        # before anything is observed there is nothing to believe
        first = np.flatnonzero(seen.count)
        if not first.size:
            return old
        seen = seen.where(np.arange(seen.size) >= first[0])
    if not seen.size:
        return old
    state = old.states[-1] if old.height.size else None
    kept = run_bank(seen, watch.bank, state=state, keep=True).kept
    change = np.nan_to_num(known.change[seen.index])
    return old.joined(
        Edges(
            seen.height,
            edge_clock(known, clock, seen),
            seen.spans(),
            change,
            kept,
            beliefs_of(watch.bank, kept, change),
        )
    )


def _vouched(times: Ints, run: Ints) -> Floats:
    """The second latest of a block's and the 10 header times before it; its own where none is."""
    at = np.arange(times.size)[:, None] - np.arange(VOUCHERS)[None, :]
    inside = np.maximum(at, 0)
    near = np.where(
        (at >= 0) & (run[inside] == run[:, None]), times[inside].astype(np.float64), -np.inf
    )
    second = np.partition(near, -2, axis=1)[:, -2]
    return np.where(np.isfinite(second), second, times)


def _scanned(watch: Watch, blocks: Floats, start: int) -> Watch:
    """The watch with the alarms of the blocks from index ``start`` on; blocks: as ``scan``'s."""
    from hashcanary.inference.drops.kernel import scan

    statistic = np.full(blocks.shape[0], -np.inf)
    at = start
    while True:
        rows, earliest = watch.edges.rows(), watch.earliest
        at = scan(at, blocks, rows, earliest, _AGES, watch.sizes, watch.threshold, statistic)
        if at < 0:
            return replace(watch, statistic=float(statistic[-1]))
        watch = _alarmed(watch, blocks[at], float(statistic[at]))
        at += 1


def _alarmed(watch: Watch, block: Floats, statistic: float) -> Watch:
    """The watch after an alarm at a block: the level is learned anew from the drop on."""
    edges, height = watch.edges, int(block[0])
    floor = max(int(block[3]), watch.earliest)
    first = int(np.searchsorted(edges.height, floor))
    stop = int(np.searchsorted(edges.height, height - VOUCHERS, side="right"))
    looked_at = edges.part(max(stop - REACH, first), stop)
    # each edge is as likely as another before anything is seen
    seen = evidence(block, looked_at.rows(), watch.sizes)
    low, median, high = quantile_places(np.logaddexp.reduce(seen, axis=1))
    alarm = Alarm(
        height,
        statistic,
        int(looked_at.height[median]),
        int(looked_at.height[low]),
        int(looked_at.height[high]),
        looked_at.height,
        looked_at.beliefs,
    )
    return replace(
        watch,
        edges=afresh(edges, watch.bank, stop - looked_at.height.size + high),
        earliest=alarm.start_high,
        alarms=(*watch.alarms, alarm),
    )


def evidence(block: Floats, rows: Floats, sizes: Floats) -> Floats:
    """Log Bayes factors (e, j) of a drop since each edge, of each size; as ``scan`` takes them."""
    from hashcanary.inference.drops.kernel import evidence_at

    out = np.empty((rows.shape[0], sizes.shape[1]))
    evidence_at(block, rows, sizes, out)
    return out


def quantile_places(log_weights: Floats) -> tuple[int, int, int]:
    """The places of the 2.5, 50 and 97.5% points of a distribution given by log weights (k,)."""
    share = np.cumsum(np.exp(log_weights - log_weights.max()))
    low, median, high = np.searchsorted(share, np.array([0.025, 0.5, 0.975]) * share[-1])
    return int(low), int(median), int(high)
