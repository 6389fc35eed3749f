"""Quantiles of the gamma distribution for whole columns of shapes at once.

1. Standardised, (quantile - a) / sqrt(a), the quantile of shape a is a smooth function of
   1 / sqrt(a), which ends at the normal quantile (Cornish and Fisher's expansion).
2. For shapes from 16 to 100,000, which days to months of blocks have, one Chebyshev series through
   SciPy's own quantiles stands for it, within 1e-14 of the quantile, at a tenth of the cost.
3. Any other shape goes to SciPy itself.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEAST, MOST = 16.0, 1e5
_NODES = 24
_ENDS = (MOST**-0.5, LEAST**-0.5)


def gamma_quantile(shape: Floats, level: float) -> Floats:
    """Quantiles of Gamma(shape, 1) at ``level``, (n,) like ``shape``; NaN where not above 0."""
    inside = (shape >= LEAST) & (shape <= MOST)
    root = np.sqrt(np.where(inside, shape, LEAST))
    quantile: Floats = root * (
        root + np.polynomial.chebyshev.chebval(_unit(1 / root), _series(level))
    )
    other = ~inside & (shape > 0)
    if other.any():
        quantile[other] = _by_scipy(shape[other], level)
    quantile[~inside & ~other] = np.nan
    return quantile


def _unit(inverse_root: Floats) -> Floats:
    """The series' variable, from -1 to 1."""
    low, high = _ENDS
    unit: Floats = (2 * inverse_root - (low + high)) / (high - low)
    return unit


@cache
def _series(level: float) -> Floats:
    """Chebyshev coefficients of the standardised quantile, fitted through as many nodes."""
    low, high = _ENDS
    unit = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    root = 1 / ((unit * (high - low) + low + high) / 2)
    standardised = _by_scipy(root**2, level) / root - root
    series: Floats = np.polynomial.chebyshev.chebfit(unit, standardised, _NODES - 1)
    return series


def _by_scipy(shape: Floats, level: float) -> Floats:
    # SciPy's special functions take most of a second to import
    from scipy.special import gammainccinv, gammaincinv

    quantile: Floats = gammaincinv(shape, level) if level < 0.5 else gammainccinv(shape, 1 - level)
    return quantile
