"""How concentrated mining is, from blocks counted by pool, with 95% intervals.

Blocks of a window are multinomial over the pools, given their number. ``unknown`` blocks are
counted in the whole, and taken as found each by another miner: they concentrate nothing, so that
every figure here is the least that the labels allow.

References: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413 (limits of a share);
E. H. Simpson, Nature 163 (1949) 688 (the unbiased index, its variance).

SciPy's special functions take most of a second to import, so they are imported where used.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.metrics.intervals import TAIL

_NORMAL = 1.959963984540054  # 97.5% point of the standard normal distribution

SHARE = "95% confidence, exact (Clopper and Pearson)"
LARGEST = (
    "95% confidence for the share of the pool that came out largest, exact (Clopper and Pearson); "
    "does not allow for its having been picked as the largest"
)
HHI = "95% confidence, by Simpson's variance of the index, on a logarithmic scale"
NAKAMOTO = (
    "at least 95% confidence, by exact binomial tests of the share of the k largest, the upper "
    "limit corrected for their having been picked"
)


def share_limits(count: Ints | Floats, total: Ints | Floats) -> tuple[Floats, Floats]:
    """Exact limits of a share: ``count`` of ``total`` blocks, arrays of one shape."""
    from scipy.special import betaincinv

    with np.errstate(invalid="ignore"):
        low = np.where(count > 0, betaincinv(count, total - count + 1, TAIL), 0.0)
        high = np.where(count < total, betaincinv(count + 1, total - count, 1 - TAIL), 1.0)
    nothing = total <= 0
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def hhi(pools: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """The unbiased Herfindahl-Hirschman index, from 0 to 1, and its limits.

    pools: (n, pools) blocks of each known pool; total: (n,) all blocks. Two blocks drawn without
    putting back are of one pool with this probability; shares squared and summed are more by
    (1 - index) / (blocks - 1). NaN where there are fewer than two blocks; limits of 0 and 1 where
    no pool found two.
    """
    n, size = pools.astype(np.float64), total.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        index = (n * (n - 1)).sum(axis=1) / (size * (size - 1))
        share = n / size[:, None]
        square, cube = (share**2).sum(axis=1), (share**3).sum(axis=1)
        variance = (4 * (size - 2) * (cube - square**2) + 2 * (square - square**2)) / (
            size * (size - 1)
        )
        factor = np.exp(_NORMAL * np.sqrt(np.maximum(variance, 0)) / index)
        low, high = index / factor, np.minimum(index * factor, 1.0)
    # where no pool found two blocks, next to nothing is known
    low, high = np.where(index == 0, 0.0, low), np.where(index == 0, 1.0, high)
    few = total < 2
    return tuple(np.where(few, np.nan, one) for one in (index, low, high))  # type: ignore[return-value]


def nakamoto(pools: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """The fewest known pools that together found more than half of the blocks, and its limits.

    pools: (n, pools); total: (n,). Lower limit: the fewest pools whose share may be above a half
    (exact binomial test at 2.5%); no choice of pools had more blocks than the k largest, so that
    it holds. Upper limit: the fewest whose share surely is. There the k were picked as the
    largest, so the test of k of m pools is at 2.5% / 2^k / (m choose k): over all choices of all
    sizes together it errs in at most 2.5% of windows. NaN where even all known pools are not
    above a half (the upper limit alone where they are, but not beyond luck).
    """
    from scipy.special import betainc, comb

    largest = np.cumsum(-np.sort(-pools, axis=1), axis=1)
    present = (pools > 0).sum(axis=1)

    def above(found: Ints, of: Ints, k: int, among: Ints) -> Bools:
        return 2 * found > of

    def maybe(found: Ints, of: Ints, k: int, among: Ints) -> Bools:
        fewer = np.minimum(found, of - 1)  # all of them: surely
        at_most: Bools = betainc(of - fewer, fewer + 1, 0.5) >= TAIL
        either: Bools = at_most | (found == of)
        return either

    def surely(found: Ints, of: Ints, k: int, among: Ints) -> Bools:
        at_least: Bools = betainc(found, of - found + 1, 0.5) < TAIL * 0.5**k / comb(among, k)
        return at_least

    tests = (above, maybe, surely)
    value, low, high = (_fewest(largest, total, present, test) for test in tests)
    low = np.where(np.isnan(value), np.nan, low)
    return value, low, high


def _fewest(
    largest: Ints, total: Ints, present: Ints, test: Callable[[Ints, Ints, int, Ints], Bools]
) -> Floats:
    """The first k at which the blocks of the k largest pass a test; NaN where they never do."""
    fewest = np.full(total.size, np.nan)
    rows = np.flatnonzero(present > 0)
    for k in range(1, largest.shape[1] + 1):
        rows = rows[present[rows] >= k]
        passed = test(largest[rows, k - 1], total[rows], k, present[rows])
        fewest[rows[passed]] = k
        rows = rows[~passed]
        if not rows.size:
            break
    return fewest
