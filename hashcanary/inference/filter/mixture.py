"""Weighted normal distributions of a log rate: quantiles, in closed form but for one root."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.compiling import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# the central bands everything is given in, and the quantiles that bound them
BANDS = (0.50, 0.80, 0.95)
LEVELS = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
# how well a model knows its own variance: the logarithm of the factor it is off by is normal with
# this standard deviation (set on epochs before 2024), taken at three points of Gauss and Hermite
SPREAD = 0.6
SHARES = np.array([1 / 6, 2 / 3, 1 / 6])
_POINTS = np.exp(SPREAD * np.array([-math.sqrt(3), 0.0, math.sqrt(3)]))
FACTORS = _POINTS / (SHARES @ _POINTS)
# models lighter than this move no quantile that anyone could see
LIGHT = 1e-5


def spread(weights: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """Normals (..., m), each as three (..., 3 m) of the same mean and, together, variance.

    A rate that mostly wanders less than its variance says, and at times far more, is more peaked
    and has longer tails than a normal.
    """
    return (
        np.concatenate([weights * share for share in SHARES], axis=-1),
        np.concatenate([mean] * SHARES.size, axis=-1),
        np.concatenate([variance * factor for factor in FACTORS], axis=-1),
    )


def quantiles(weights: Floats, mean: Floats, variance: Floats, levels: Floats) -> Floats:
    """Quantiles (n, k) at ``levels`` (k,) of n mixtures of m normals, each given as (n, m)."""
    out = np.empty((weights.shape[0], levels.size))
    _quantiles(weights, mean, np.sqrt(variance), levels, LIGHT, out)
    return out


def below(weights: Floats, mean: Floats, variance: Floats, at: Floats) -> Floats:
    """Probability (k,) that one mixture of (m,) normals lies below each of ``at`` (k,)."""
    from scipy.special import ndtr

    return np.asarray(weights @ ndtr((at[None, :] - mean[:, None]) / np.sqrt(variance)[:, None]))


@compiled
def _quantiles(
    weights: Floats, mean: Floats, sd: Floats, levels: Floats, light: float, out: Floats
) -> None:
    """Newton's steps inside a shrinking bracket, from each level's neighbour below."""
    for i in range(weights.shape[0]):
        heavy = np.flatnonzero(weights[i] > light * weights[i].max())
        w, m, s = weights[i][heavy], mean[i][heavy], sd[i][heavy]
        w = w / w.sum()
        lowest, highest = (m - 9.0 * s).min(), (m + 9.0 * s).max()
        guess = (w * m).sum()
        for j in range(levels.size):
            low, high = lowest, highest
            for _ in range(100):
                mass, density = 0.0, 0.0
                for k in range(w.size):
                    z = (guess - m[k]) / s[k]
                    mass += w[k] * 0.5 * math.erfc(-z * 0.7071067811865476)
                    density += w[k] * math.exp(-0.5 * z * z) / s[k] * 0.3989422804014327
                if mass > levels[j]:
                    high = guess
                else:
                    low = guess
                error = mass - levels[j]
                following = guess - error / density if density > 0.0 else low
                if not low < following < high:
                    following = 0.5 * (low + high)
                if abs(following - guess) < 1e-10:
                    break
                guess = following
            out[i, j] = guess
