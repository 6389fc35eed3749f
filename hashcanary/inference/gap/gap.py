"""The gap: how far the hashrate is below its highest level of the last year, and what makes it up.

Each draw has its own highest level and its own present one. The log of one over the other is the
sum of what each fall took since, less what came back, and of what the level and rises did; in parts
of the highest level these are shared out by the logarithmic mean (Ang, Energy Policy 32, 2004,
LMDI-I: it leaves no rest and does not depend on an order). So parts add up in each draw, and so do
their means, which are the figures given.

A drop is what falls of many draws have in common: their middles lie together. What it was caused by
is counted over the draws; where no cause has ``ENOUGH``, it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.inference.explain.causes import REAL
from hashcanary.inference.gap.kernel import BEGIN, FALL
from hashcanary.inference.gap.sampling import KINDS, RISE
from hashcanary.inference.gap.seen import YEAR_DAYS
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.inference.gap.sampling import Draws

# a cause less probable than this is not named
ENOUGH = 0.6
UNKNOWN = "unknown"
GROWTH = "growth"
# a drop is told of where this part of the draws have it
LEAST = 0.25
# middles of one drop lie within so many days, or half the time it took to fall
_APART = 3.0
# drops that are told of at most, and the width in days of what their middles are looked for by
_MOST, _WIDTH = 12, 2.0
_TAILS = (0.025, 0.975)
KIND = "95% of what the blocks and stated priors leave possible"


@dataclass(frozen=True, slots=True)
class Drop:
    """What falls of many draws have in common.

    probability: that it is real, more than noise and ordinary wander. causes: probability of each
    of REAL, given that it is. cause: the one of them that has ENOUGH, or UNKNOWN. begin: Unix
    seconds; days: over which it fell; depth: fraction of the hashrate lost at its deepest;
    returned: fraction of the loss that has come back, all given that it is real. share: fraction of
    the highest level that it takes away now and did not then, on average over all draws.
    """

    probability: float
    causes: Mapping[str, float]
    cause: str
    begin: Interval
    days: Interval
    depth: Interval
    returned: Interval
    share: Interval


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the hashrate is below the highest level of the last year.

    now: Unix seconds of the last block. rate, peak: H/s; peak_time: Unix seconds; below: fraction.
    drops: ascending by begin; scattered: what falls that belong to none take away; growth: what the
    level and rises did since, below 0 where they made up for falls. The shares of drops, scattered
    and growth add up to ``below.value``. causes: what all falls of a cause take away, whichever
    drop they belong to; these and growth add up to it too.
    """

    now: float
    rate: Interval
    peak: Interval
    peak_time: Interval
    below: Interval
    drops: tuple[Drop, ...]
    scattered: Interval
    growth: Interval
    causes: Mapping[str, Interval]


class Parts(NamedTuple):
    """The gap of each draw. top: (m,) index of the time of its highest level; below: (m,) fraction;
    share: (m, FALLS) fraction of that level which each fall takes away now and did not then;
    by_cause: (m, causes) the same of all falls of a cause.
    """

    top: Ints
    below: Floats
    share: Floats
    by_cause: Floats


def parts_of(draws: Draws) -> Parts:
    """The gap of each draw, taken apart."""
    rate = draws.log_rate
    year = np.flatnonzero(draws.time >= -YEAR_DAYS)
    top = year[np.argmax(rate[:, year], axis=1)]
    every = np.arange(rate.shape[0])
    fallen = rate[every, top] - rate[:, -1]
    below = -np.expm1(-fallen)
    per_log = np.divide(below, fallen, out=np.ones_like(below), where=fallen > 1e-9)
    lost = draws.missing[:, :, -1] - draws.missing[every, :, top]
    share = np.where(_falling(draws), lost * per_log[:, None], 0.0)
    by_cause = [np.where(draws.cause == at, share, 0.0).sum(axis=1) for at in range(len(REAL))]
    return Parts(top, below, share, np.stack(by_cause, axis=1))


def _falling(draws: Draws) -> Bools:
    return np.asarray((draws.cause >= 0) & (draws.cause != KINDS.index(RISE)))


def gap_of(draws: Draws) -> Gap:
    """The gap that the draws show at their last block."""
    parts, rate, found = parts_of(draws), draws.log_rate, drops_of(draws)
    share = parts.share
    left = np.logical_and.reduce([~mask for mask, _ in found] or [np.ones_like(share, np.bool_)])
    return Gap(
        now=draws.now,
        rate=_median(np.exp(rate[:, -1])),
        peak=_median(np.exp(rate[np.arange(rate.shape[0]), parts.top])),
        peak_time=_median(draws.now + draws.time[parts.top] * DAY),
        below=_mean(parts.below),
        drops=tuple(drop for _, drop in found),
        scattered=_mean(np.where(left, share, 0.0).sum(axis=1)),
        growth=_mean(parts.below - share.sum(axis=1)),
        causes=dict(zip(REAL, map(_mean, parts.by_cause.T), strict=True)),
    )


def drops_of(draws: Draws) -> list[tuple[Bools, Drop]]:
    """Drops that draws have in common, ascending by begin, with the falls that are each of them:
    (m, FALLS), one a draw at most.
    """
    share = parts_of(draws).share
    found = [(chosen, _drop(draws, chosen, share)) for chosen in common_falls(draws)]
    return sorted(found, key=lambda one: one[1].begin.value)


def common_falls(draws: Draws) -> list[Bools]:
    """Which falls make up each drop that is told of, (m, FALLS) each, one a draw at most."""
    left = _falling(draws)
    found: list[Bools] = []
    while len(found) < _MOST:
        chosen = _most_common(draws, left)
        if chosen is None:
            break
        left &= ~chosen
        found.append(chosen)
    return found


def _most_common(draws: Draws, left: Bools) -> Bools | None:
    """Which falls, one a draw at most, are the drop that most draws have; None if few have one."""
    begin, days = draws.falls[:, :, BEGIN], draws.falls[:, :, FALL]
    middle = begin + days / 2
    if not left.any():
        return None
    at = np.floor(middle / _WIDTH).astype(np.int64)
    least, draw = at[left].min(), np.nonzero(left)[0]
    # a draw counts once in each place, and a little beside it
    counts = np.zeros((at[left].max() - least + 3, left.shape[0]), dtype=np.bool_)
    for beside in (0, 1, 2):
        counts[at[left] - least + beside, draw] = True
    place = int(counts.sum(axis=1).argmax())
    near = np.abs(at - least + 1 - place) <= 1
    centre = float(np.median(middle[left & near]))
    off = np.abs(middle - centre)
    same = left & (off <= np.maximum(_APART, days / 2))
    nearest = np.where(same, off, np.inf).argmin(axis=1)
    chosen = np.zeros_like(left)
    every = np.arange(left.shape[0])
    chosen[every, nearest] = same[every, nearest]
    return chosen if chosen.any(axis=1).mean() >= LEAST else None


def _drop(draws: Draws, chosen: Bools, share: Floats) -> Drop:
    falls, cause = draws.falls[chosen], draws.cause[chosen]
    depth = draws.missing[chosen]
    deepest, now = depth.max(axis=1), depth[:, -1]
    returned = 1 - np.divide(now, deepest, out=np.ones_like(now), where=deepest > 0)
    causes = {name: float((cause == at).mean()) for at, name in enumerate(REAL)}
    leading = max(causes, key=lambda name: causes[name])
    return Drop(
        probability=float(chosen.any(axis=1).mean()),
        causes=causes,
        cause=leading if causes[leading] >= ENOUGH else UNKNOWN,
        begin=_median(draws.now + falls[:, BEGIN] * DAY),
        days=_median(falls[:, FALL]),
        depth=_median(-np.expm1(-deepest)),
        returned=_median(returned),
        share=_mean(np.where(chosen, share, 0.0).sum(axis=1)),
    )


def _mean(values: Floats) -> Interval:
    low, high = np.quantile(values, _TAILS).tolist()
    return Interval(float(values.mean()), low, high, KIND)


def _median(values: Floats) -> Interval:
    low, middle, high = np.quantile(values, (_TAILS[0], 0.5, _TAILS[1])).tolist()
    return Interval(middle, low, high, KIND)
