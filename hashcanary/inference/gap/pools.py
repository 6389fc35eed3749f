"""Who lost while the hashrate was low: what pools' blocks say of the causes of the drops of a year.

Drops are found by the times of blocks first. For each that is likely and deep enough, the blocks of
each pool while it was low are compared with those before it (``explain/pool_loss.py``), and what
they say of each cause and depth holds for falls that begin about when it did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.inference.explain.causes import DEPTHS, REAL
from hashcanary.inference.explain.margins import Missing
from hashcanary.inference.explain.pool_loss import (
    LOSSES,
    LowTime,
    PoolCounts,
    by_loss,
    count_pools,
    pool_tables,
)
from hashcanary.inference.gap.gap import common_falls
from hashcanary.inference.gap.kernel import BEGIN, DEPTH
from hashcanary.inference.gap.seen import DAYS
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.inference.explain.causes import Causes, PoolRegions
    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.store.record import Record

# how probable and how deep (log) a drop must be for its pools to be looked at, and how many are
_LIKELY, _DEEP, _MOST = 0.5, 0.03, 5
# days by which a fall may begin before or after the drop's 95% limits and still be it
_BESIDE = 1.0
_TAILS = (0.025, 0.975)


class PoolEvidence(NamedTuple):
    """place: (days,) which of log_likelihood, (places, causes, depths), holds for what begins then;
    the first is zeros. counts: blocks by pool of each drop that was looked at, by its place;
    missing: of those whose pools are not known.
    """

    place: Ints
    log_likelihood: Floats
    counts: dict[int, PoolCounts]
    missing: tuple[Missing, ...]


def pool_evidence(
    record: Record, blocks: Blocks, draws: Draws, causes: Causes, regions: PoolRegions
) -> PoolEvidence:
    """What pools' blocks say of the drops that the draws have in common."""
    place = np.zeros(DAYS, dtype=np.int64)
    tables, counts, missing = [np.zeros((len(REAL), DEPTHS.size))], {}, []
    for chosen in _deepest(draws):
        low, part = low_time(draws, chosen)
        found = count_pools(record, blocks, low)
        if isinstance(found, Missing):
            missing.append(found)
            continue
        begin = np.quantile(draws.falls[:, :, BEGIN][chosen], _TAILS)
        first, last = np.floor(begin + DAYS + np.array((-_BESIDE, _BESIDE))).astype(np.int64)
        about = place[max(first, 0) : last + 1]
        about[about == 0] = len(tables)
        counts[len(tables)] = found
        tables.append(_by_depth(found, causes, regions, low.start, part))
    return PoolEvidence(place, np.array(tables), counts, tuple(missing))


def _deepest(draws: Draws) -> list[Bools]:
    """The drops whose pools are looked at, those that miss most first."""
    found = []
    for chosen in common_falls(draws):
        depth = float(np.median(draws.falls[:, :, DEPTH][chosen]))
        if chosen.any(axis=1).mean() >= _LIKELY and depth >= _DEEP:
            found.append((depth, chosen))
    found.sort(key=lambda one: -one[0])
    return [chosen for _, chosen in found[:_MOST]]


def low_time(draws: Draws, chosen: Bools) -> tuple[LowTime, float]:
    """When a drop was low, and which part of its depth was missing then, on average."""
    path = draws.missing[chosen].mean(axis=0)
    at = draws.now + draws.time * DAY
    low = np.flatnonzero(path > path.max() / 2)
    begin = draws.now + float(np.median(draws.falls[:, :, BEGIN][chosen])) * DAY
    low_from = max(float(at[max(low[0] - 1, 0)] + at[low[0]]) / 2, begin)
    low_to = float(at[min(low[-1] + 1, at.size - 1)] + at[low[-1]]) / 2
    depth = float(draws.falls[:, :, DEPTH][chosen].mean())
    return LowTime(begin, low_from, low_to), float(path[low].mean()) / depth


def _by_depth(
    counts: PoolCounts, causes: Causes, regions: PoolRegions, start: float, part: float
) -> Floats:
    """Log likelihood of each cause against their mean, by depth, (causes, depths).

    Where pools' machines stand is known roughly: they tell causes apart, and the times of blocks
    tell better whether hashrate was lost, and how much.
    """
    tables = pool_tables(counts, regions, causes, start)
    quiet = np.log(causes.silent) + tables.silent
    lost = np.log1p(-causes.silent) + np.array([by_loss(cause, tables) for cause in causes.real])
    told = [np.interp(DEPTHS * part, LOSSES, one) for one in np.logaddexp(lost, quiet)]
    return np.asarray(told - np.logaddexp.reduce(told, axis=0) + np.log(len(REAL)))
