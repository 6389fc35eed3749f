"""Which pools lost, and what that says of the cause.

Blocks of the four weeks before a drop give each pool's share; blocks found while more than half of
the loss was missing are compared with it. If one region lost, a pool's share falls with the part of
its hashrate that stands there; if all lost alike, shares stay but for differences between miners.
Where pools' machines stand is uncertain, and shares move by themselves: both are averaged over, so
that counts are Dirichlet-multinomial (overdispersed) around what each hypothesis expects.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Ints
from hashcanary.inference.explain.margins import Missing
from hashcanary.inference.filter.observations import Blocks
from hashcanary.interval import Interval
from hashcanary.metrics.intervals import rate_ratio
from hashcanary.moments import DAY
from hashcanary.sources.pools.pool_lists import UNKNOWN, built_in

if TYPE_CHECKING:
    from hashcanary.inference.explain.causes import Cause, Causes, PoolRegions
    from hashcanary.store.record import Record

BEFORE_DAYS = 28.0
# part of the blocks of a window that must have a label, and blocks that it must have
LABELLED, FEWEST = 0.9, 12
# pools of fewer blocks than this in both windows together are counted as one
_SMALL = 12
# how freely shares move by themselves, the size of a Dirichlet law: over a day, and days over which
# that halves; rounded from all of 2020 to 2025, 2 to 45 days against the 28 before
_DRIFT, _DRIFT_DAYS = 900.0, 20.0
# how freely they move in a world that is not like these pages
_SILENT_DRIFT = 40.0
# machines of one region differ in whether they stop, pools in how old their machines are
_INSIDE, _ALIKE = (6.0, 1.0), 4.0
_DRAWS = 96
_MOST_LOST = 0.97
_SEED = 20_210_626
# mean log losses at which the likelihoods are tabled
LOSSES = np.concatenate(([0.0], np.geomspace(0.004, 1.5, 27)))


@dataclass(frozen=True, slots=True)
class PoolCounts:
    """Blocks by pool, (pools,), before a drop and while it was low.

    names: ``unknown`` first, which stands for small pools too. before_days, after_days: length of
    the windows. harder: work of a block in the second over one in the first. list: of labels.
    """

    names: tuple[str, ...]
    before: Ints
    after: Ints
    before_days: float
    after_days: float
    harder: float
    list: str


@dataclass(frozen=True, slots=True)
class PoolLoss:
    """A pool's relative change of hashrate, -0.4 for a drop by 40%; NaN with no block before."""

    pool: str
    name: str
    before: int
    after: int
    change: Interval


@dataclass(frozen=True, slots=True)
class RegionLoss:
    """A region's share of hashrate before the drop and of the loss: medians."""

    region: str
    share: Interval
    loss: Interval


@dataclass(frozen=True, slots=True)
class PoolTables:
    """Log likelihoods of the pools' blocks by mean log loss ``LOSSES``, (27 or so,).

    alike: if all lost alike; regions: by the region that lost. luck, silent: numbers.
    """

    luck: float
    silent: float
    alike: Floats
    regions: dict[str, Floats]


class LowTime(NamedTuple):
    """When a drop began, and when more than half of it was missing; Unix seconds."""

    start: float
    low_from: float
    low_to: float


def count_pools(record: Record, blocks: Blocks, drop: LowTime) -> PoolCounts | Missing:
    """Blocks by pool before and while the hashrate was low, or what is missing."""
    if record.pool_list is None or record.pool_labels.height == 0:
        return Missing("pools", "no labels")
    low_to = min(drop.low_to, drop.low_from + 45 * DAY)
    begin = min(drop.start, drop.low_from)
    spans = ((begin - BEFORE_DAYS * DAY, begin), (drop.low_from, low_to))
    time = np.maximum.accumulate(blocks.time)
    found, works, days = [], [], []
    for since, until in spans:
        inside = (time > since) & (time <= until)
        heights, work = blocks.height[inside], blocks.work[inside]
        chosen = pl.col("height").is_between(*heights[[0, -1]]) if heights.size else pl.lit(False)
        known = record.pool_labels.filter(chosen)["pool"].to_list()
        if len(known) < max(FEWEST, LABELLED * heights.size):
            return Missing("pools", "few labels", since, until, len(known), heights.size)
        if heights[-1] - heights[0] + 1 != heights.size:
            return Missing("pools", "gaps", since, until)
        found.append(known)
        works.append(float(work.mean()))
        days.append((until - since) / DAY)
    return _tabled(found, days, works[1] / works[0], record.pool_list)


def _tabled(found: list[list[str]], days: list[float], harder: float, name: str) -> PoolCounts:
    canonical = built_in().canonical()
    slugs = [[canonical.get(one, one) for one in part] for part in found]
    size: dict[str, int] = {}
    for slug in (*slugs[0], *slugs[1]):
        size[slug] = size.get(slug, 0) + 1
    large = sorted(slug for slug, count in size.items() if count >= _SMALL and slug != UNKNOWN)
    names = (UNKNOWN, *large)
    place = {slug: at for at, slug in enumerate(names)}
    counts = [
        np.bincount([place.get(slug, 0) for slug in part], minlength=len(names)).astype(np.int64)
        for part in slugs
    ]
    return PoolCounts(names, counts[0], counts[1], days[0], days[1], harder, name)


def pool_tables(
    counts: PoolCounts, regions: PoolRegions, causes: Causes, time: float
) -> PoolTables:
    """What the counts say under each hypothesis. time: of the drop, Unix seconds."""
    rng = np.random.default_rng(_SEED)
    share = (counts.before + 0.5) / (counts.before + 0.5).sum()
    size = float(counts.before.sum())
    drift = 1 / ((1 + counts.after_days / _DRIFT_DAYS) / _DRIFT + 1 / size)
    lost = -np.expm1(-LOSSES)
    exposed = exposures(counts, regions, time, _DRAWS, rng)
    inside = rng.beta(*_INSIDE, _DRAWS)
    by_region = {}
    for at, region in enumerate(regions.regions):
        part = exposed[:, :, at]
        there = part @ share
        stopped = np.minimum(inside[:, None] * lost / there[:, None], _MOST_LOST)
        left = 1 - stopped[:, :, None] * part[:, None, :]
        by_region[region] = _mean_density(counts.after, share * left, drift)
    unlike = rng.gamma(_ALIKE, 1 / _ALIKE, (_DRAWS, share.size))
    left = np.maximum(1 - lost[None, :, None] * unlike[:, None, :], 1 - _MOST_LOST)
    alike = _mean_density(counts.after, share * left, drift)
    flat = share[None, None, :]
    return PoolTables(
        luck=float(_mean_density(counts.after, flat, drift)[0]),
        silent=float(_mean_density(counts.after, flat, _SILENT_DRIFT)[0]),
        alike=alike,
        regions=by_region,
    )


def exposures(
    counts: PoolCounts, regions: PoolRegions, time: float, draws: int, rng: np.random.Generator
) -> Floats:
    """Parts of each pool's hashrate in each region, (draws, pools, regions), as they may be."""
    parts, sure = regions.table(counts.names, time)
    rest = np.maximum(1 - parts.sum(axis=1, keepdims=True), 0.0)
    alpha = np.concatenate((parts, rest), axis=1) * sure[:, None] + 0.02
    drawn = rng.gamma(alpha, 1.0, (draws, *alpha.shape)) + 1e-12
    return np.asarray((drawn / drawn.sum(axis=2, keepdims=True))[:, :, :-1])


def _mean_density(after: Ints, left: Floats, drift: float) -> Floats:
    """Log density of counts, averaged over draws: ``left`` (draws, losses, pools), unscaled."""
    from scipy.special import gammaln

    alpha = drift * left / left.sum(axis=2, keepdims=True)
    total = float(after.sum())
    terms = (gammaln(alpha + after) - gammaln(alpha) - gammaln(after + 1.0)).sum(axis=2)
    scale = gammaln(drift) + gammaln(total + 1) - gammaln(drift + total)
    return log_sum(terms + scale, (0,)) - float(np.log(left.shape[0]))


def pool_losses(counts: PoolCounts) -> tuple[PoolLoss, ...]:
    """Each pool's change, the greatest loss of blocks first."""
    names = built_in().names()
    before = counts.before / counts.before_days
    after = counts.after * counts.harder / counts.after_days
    blocks = [np.maximum(part, 1e-9).astype(np.float64) for part in (counts.after, counts.before)]
    scale = [counts.harder / counts.after_days, 1 / counts.before_days]
    low, high = rate_ratio(blocks[0] * scale[0], blocks[0], blocks[1] * scale[1], blocks[1])
    rows = [
        PoolLoss(
            slug,
            "other and unknown pools" if slug == UNKNOWN else names.get(slug, slug),
            int(counts.before[at]),
            int(counts.after[at]),
            Interval(float(after[at] / before[at] - 1), float(low[at] - 1), float(high[at] - 1))
            if before[at]
            else Interval.exact(nan),
        )
        for at, slug in enumerate(counts.names)
    ]
    lost = {row.pool: float(after[at] - before[at]) for at, row in enumerate(rows)}
    return tuple(sorted(rows, key=lambda row: (lost[row.pool], row.pool)))


def region_losses(counts: PoolCounts, regions: PoolRegions, time: float) -> tuple[RegionLoss, ...]:
    """Each region's share of hashrate before and of the loss, were each pool's loss spread over
    its regions as its machines are. Empty where no loss is sure.
    """
    rng = np.random.default_rng(_SEED)
    draws = 2000
    shape = (draws, len(counts.names))
    before = rng.gamma(counts.before + 0.5, 1 / counts.before_days, shape)
    after = rng.gamma(counts.after + 0.5, counts.harder / counts.after_days, shape)
    exposed = exposures(counts, regions, time, draws, rng)
    lost = before - after
    total = lost.sum(axis=1)
    if (total <= 0).mean() > 0.025:
        return ()
    tails = (0.5, 0.025, 0.975)
    found = []
    for at, region in enumerate(regions.regions):
        part = exposed[:, :, at]
        share = (before * part).sum(axis=1) / before.sum(axis=1)
        loss = (lost * part).sum(axis=1) / np.where(total > 0, total, np.nan)
        found.append(
            RegionLoss(
                region,
                Interval(*np.quantile(share, tails).tolist()),
                Interval(*np.nanquantile(loss, tails).tolist()),
            )
        )
    return tuple(found)


def by_loss(cause: Cause, tables: PoolTables) -> Floats:
    """Log likelihood of pools' blocks by mean loss, (LOSSES,): one region lost, or all alike."""
    found = np.full(LOSSES.size, -np.inf)
    if cause.regional < 1:
        found = np.log1p(-cause.regional) + tables.alike
    total = sum(cause.regions.values())
    for region, share in cause.regions.items():
        if share and cause.regional:
            part = np.log(cause.regional * share / total) + tables.regions[region]
            found = np.logaddexp(found, part)
    return found


def log_sum(values: Floats, axis: tuple[int, ...]) -> Floats:
    """Log of the sum of exponentials over axes."""
    most = values.max(axis=axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(values - most).sum(axis=axis, keepdims=True)) + most
    return np.asarray(np.squeeze(total, axis=axis))
