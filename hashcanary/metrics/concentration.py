"""How concentrated mining is, from blocks counted by pool, with 95% intervals.

Blocks of a window are multinomial over the pools, given their number. ``unknown`` blocks are
counted in the whole, and taken as found each by another miner: they concentrate nothing, so that
every figure here is the least that the labels allow.

References: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413 (limits of a share);
E. H. Simpson, Nature 163 (1949) 688 (the unbiased index, its variance).

SciPy's special functions take most of a second to import, so they are imported where used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.metrics.intervals import TAIL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_NORMAL = 1.959963984540054  # 97.5% point of the standard normal distribution

SHARE = "95% confidence, exact (Clopper and Pearson)"
LARGEST = (
    "95% confidence for the share of the pool that came out largest, exact (Clopper and Pearson); "
    "does not allow for its having been picked as the largest"
)
HHI = "95% confidence, by Simpson's variance of the index, on a logarithmic scale"
NAKAMOTO = (
    "95% confidence, by exact binomial limits (Clopper and Pearson) of the share of the k largest; "
    "where pools next to the middle are nearly equal, the upper limit is low more often than said"
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
    (1 - index) / (blocks - 1). NaN where there are fewer than two blocks.
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
    few = total < 2
    return tuple(np.where(few, np.nan, one) for one in (index, low, high))  # type: ignore[return-value]


def nakamoto(pools: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """The fewest known pools that together found more than half of the blocks, and its limits.

    pools: (n, pools); total: (n,). Lower limit: the fewest pools whose share may be above a half;
    it holds in at least 97.5% of windows, for no choice of pools had more blocks than the k
    largest. Upper limit: the fewest whose share is above a half beyond luck. NaN where even all
    known pools are not (the upper limit alone where they are, but not beyond luck).
    """
    largest = np.cumsum(-np.sort(-pools, axis=1), axis=1)
    maybe, surely = majority(total)
    return (
        _fewest(largest, total // 2 + 1),
        _fewest(largest, maybe),
        _fewest(largest, surely),
    )


def majority(total: Ints) -> tuple[Ints, Ints]:
    """Of ``total`` blocks how many may be, and how many surely are, a share above a half.

    The first counts whose exact 95% limits hold more than a half, and lie above a half.
    """
    from scipy.special import betainc

    sizes, place = np.unique(total, return_inverse=True)
    # the least s with P(at least s of n at a half) below 2.5%, by bisection
    low, high = sizes // 2, sizes + 1
    while np.any(high - low > 1):
        middle = (low + high) // 2
        beyond = betainc(np.maximum(middle, 1), sizes - middle + 1, 0.5) < TAIL
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    surely = high[place]
    return np.maximum(total - surely + 1, 0), surely


def _fewest(largest: Ints, needed: Ints) -> Floats:
    """The first k at which the k largest have the needed blocks; NaN where they never do."""
    if largest.shape[1] == 0:
        return np.full(needed.size, np.nan)
    reached = largest >= needed[:, None]
    return np.where(reached.any(axis=1), np.argmax(reached, axis=1) + 1.0, np.nan)
