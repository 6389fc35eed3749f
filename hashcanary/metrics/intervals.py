"""Exact confidence intervals of hashrates and of their ratios, all at 95%.

Blocks are found by a Poisson process whose rate per hash is fixed by the target. So over a fixed
time the number of blocks is Poisson, and over a fixed number of blocks the work-weighted time is
Gamma. Where the target changed within a window, blocks weigh differently.

References: F. Garwood, Biometrika 28 (1936) 437-442 (Poisson mean); M. P. Fay and E. J. Feuer,
Statistics in Medicine 16 (1997) 791-801 (weighted sums of Poisson counts; equal to Garwood's
where all weights are equal); C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404-413
(the share of one of two Poisson counts).

Gamma quantiles of whole columns: standardised, (quantile - a) / sqrt(a), the quantile of shape a is
a smooth function of 1 / sqrt(a), which ends at the normal quantile (Cornish and Fisher's
expansion). For shapes from 16 to 100,000, which days to months of blocks have, a Chebyshev series
through SciPy's own quantiles stands for it, within 1e-14 of the quantile. Any other goes to SciPy,
whose special functions take a sixth of a second to import, so they are imported where used.
"""

from __future__ import annotations

import numpy as np

from hashcanary.arrays import Floats

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2

_LEAST, _MOST = 16.0, 1e5
_ENDS = (_MOST**-0.5, _LEAST**-0.5)
# by level: coefficients of the standardised quantile, fitted through 24 nodes
_SERIES = {
    TAIL: (
        *(-1.836386202883928, 0.12169909104177168, 1.0770262822334604e-3, -4.2665552466059614e-5),
        *(-1.5681421997974622e-6, -6.554954348828049e-8, -1.8029812766390488e-9),
        *(1.239898724971301e-11, 4.679051734298428e-12, 3.9557321072867757e-13, 2.1e-14),
    ),
    1 - TAIL: (
        *(2.075487561454836, 0.11107417506548413, -1.4821488373403327e-3, -2.55023368869148e-5),
        *(6.566589444717198e-7, -2.5450243095631976e-8, 1.3364869671954706e-9),
        *(-2.013684693387004e-11, 3.2855086796561477e-13, -7.1e-15),
    ),
}

POISSON = (
    "95% confidence, exact (Garwood; by Fay and Feuer where the target changed within the window)"
)
GAMMA = "95% confidence, exact (Gamma, for a fixed number of blocks)"

INDEPENDENT_RATIO = (
    "95% confidence for the ratio of two rates; takes their windows as independent, which is "
    "conservative where they overlap, and does not allow for the peak having been picked as the "
    "largest, so that luck alone makes falls"
)


def gamma_quantile(shape: Floats, level: float) -> Floats:
    """Quantiles of Gamma(shape, 1) at ``level``, (n,) like ``shape``; NaN where not above 0."""
    series = _SERIES.get(level)
    inside = (shape >= _LEAST) & (shape <= _MOST) & (series is not None)
    root = np.sqrt(np.where(inside, shape, _LEAST))
    quantile: Floats = np.full(shape.shape, np.nan)
    if series is not None:
        low, high = _ENDS
        unit = (2 / root - (low + high)) / (high - low)
        quantile = root * (root + np.polynomial.chebyshev.chebval(unit, series))
    other = ~inside & (shape > 0)
    if other.any():
        from scipy.special import gammainccinv, gammaincinv

        rest = shape[other]
        quantile[other] = gammaincinv(rest, level) if level < 0.5 else gammainccinv(rest, 1 - level)
    quantile[~inside & ~other] = np.nan
    return quantile


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
