"""Exact confidence intervals of hashrates and of their ratios, all at 95%.

Blocks are found by a Poisson process whose rate per hash is fixed by the target. So over a fixed
time the number of blocks is Poisson, and over a fixed number of blocks the work-weighted time is
Gamma. Where the target changed within a window, blocks weigh differently.

References: F. Garwood, Biometrika 28 (1936) 437-442 (Poisson mean); M. P. Fay and E. J. Feuer,
Statistics in Medicine 16 (1997) 791-801 (weighted sums of Poisson counts; equal to Garwood's
where all weights are equal); C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413
(the share of one of two Poisson counts).

SciPy's special functions take most of a second to import, so they are imported where used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.metrics.gamma_quantile import gamma_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2

POISSON = (
    "95% confidence, exact (Garwood; by Fay and Feuer where the target changed within the window)"
)
GAMMA = "95% confidence, exact (Gamma, for a fixed number of blocks)"

INDEPENDENT_RATIO = (
    "95% confidence for the ratio of two rates; takes their windows as independent, which is "
    "conservative where they overlap, and does not allow for the peak having been picked as the "
    "largest, so that luck alone makes falls"
)


def weighted_poisson(total: Floats, squares: Floats, largest: Floats) -> tuple[Floats, Floats]:
    """Limits of the expected sum of block works, from the sum that was seen in a fixed time.

    total, squares, largest: (n,) sum, sum of squares and maximum of the works of the blocks of
    each window, in hashes; where a window has no block, ``largest`` is the work one would have
    had. Returns low and high (n,), hashes; NaN where an input is.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        low = _of_moments(total, squares, TAIL)
        high = _of_moments(total + largest, squares + largest**2, 1 - TAIL)
    return np.where(total == 0, 0.0, low), high


def _of_moments(mean: Floats, variance: Floats, level: float) -> Floats:
    """Quantile of the gamma distribution with this mean and variance."""
    return gamma_quantile(mean**2 / variance, level) * (variance / mean)


def fixed_count(intervals: Floats, scaled_time: Floats) -> tuple[Floats, Floats]:
    """Limits of the hashrate from n block intervals, in H/s.

    intervals: (n,) number of intervals; scaled_time: (n,) sum of interval over work, s a hash.
    The rate times ``scaled_time`` is Gamma(intervals, 1).
    """
    return (
        gamma_quantile(intervals, TAIL) / scaled_time,
        gamma_quantile(intervals, 1 - TAIL) / scaled_time,
    )


def rate_ratio(
    first: Floats, first_blocks: Floats, second: Floats, second_blocks: Floats
) -> tuple[Floats, Floats]:
    """Limits of the ratio of two hashrates, each measured over a fixed time of its own.

    first, second: (n,) estimates, in any one unit; first_blocks, second_blocks: (n,) the
    (effective) number of blocks each rests on. Given the sum of two independent Poisson counts,
    one of them is binomial: Clopper and Pearson's limits of its share, turned into a ratio.
    """
    from scipy.special import betaincinv

    with np.errstate(invalid="ignore", divide="ignore"):
        exposures = (second_blocks / second) / (first_blocks / first)
        low = betaincinv(first_blocks, second_blocks + 1, TAIL)
        high = betaincinv(first_blocks + 1, second_blocks, 1 - TAIL)
        return exposures * low / (1 - low), exposures * high / (1 - high)


def fixed_count_ratio(
    first: Floats, first_intervals: Floats, second: Floats, second_intervals: Floats
) -> tuple[Floats, Floats]:
    """Limits of the ratio of two hashrates, each measured over a fixed number of intervals.

    first, second: (n,) unbiased estimates (n - 1) / sum of scaled times. The ratio of two Gamma
    variates is that of a Beta variate to its complement.
    """
    from scipy.special import betaincinv

    times = (second_intervals - 1) / second / ((first_intervals - 1) / first)
    low = betaincinv(first_intervals, second_intervals, TAIL)
    high = betaincinv(first_intervals, second_intervals, 1 - TAIL)
    return times * low / (1 - low), times * high / (1 - high)
