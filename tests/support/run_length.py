"""How long a CUSUM of block intervals runs before its alarm: exact, and the optimum of detection.

Intervals in units of their mean before a change are exponential with rate 1, after a fall by a part
d with rate 1 - d. The CUSUM that knows d adds log(1 - d) + d x for each; divided by d it is
``y <- max(0, y + x - k)``, k = -log(1 - d) / d, with its alarm above H. Its mean run length L(y)
solves a Fredholm equation of the second kind (Page 1954), which for exponential x is a
differential equation with a delay (compare Vardeman and Ray, Technometrics 27, 1985):

    L(y) = 1 + u(H + k) - u(y),   u' = lambda (u + 1 - u(y - k)),   u = 1 up to 0.

No detector with as few false alarms has a smaller worst mean delay (Moustakides 1986).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Chebyshev points a step of the delay: the solution is analytic within each, so to rounding
_POINTS = 28


def reference(drop: float) -> float:
    """The allowance k of the CUSUM for a fall by a part ``drop`` (0 < drop < 1)."""
    if not 0 < drop < 1:
        raise ValueError(f"expected a part between 0 and 1, found {drop}")
    return -math.log1p(-drop) / drop


def run_length(drop: float, threshold: float, rate: float = 1.0) -> float:
    """Mean number of blocks from a CUSUM at zero to its alarm.

    drop: the part it watches for; threshold: of the sum of log likelihood ratios, above zero;
    rate: of the intervals, 1 with no change, 1 - drop after the one it watches for.
    """
    k = reference(drop)
    return _solution(k, rate, threshold / drop + k)


def threshold_for(drop: float, blocks: float) -> float:
    """The threshold at which a false alarm comes once in ``blocks`` on average."""
    from scipy.optimize import brentq

    def miss(threshold: float) -> float:
        return math.log(run_length(drop, threshold) / blocks)

    if run_length(drop, 0.0) >= blocks:
        raise ValueError(f"expected more than {run_length(drop, 0.0):.2f} blocks, found {blocks}")
    return float(brentq(miss, 0.0, math.log(blocks) + 1.0, xtol=1e-12, rtol=1e-12))


def optimal_delay(drop: float, blocks: float) -> float:
    """The smallest worst mean delay, blocks, at one false alarm in ``blocks`` (Lorden's sense)."""
    return run_length(drop, threshold_for(drop, blocks), 1.0 - drop)


def _solution(k: float, rate: float, at: float) -> float:
    """The solution u at ``at``, by steps of the delay k, each solved at Chebyshev points."""
    points, slopes = _chebyshev(_POINTS)
    places = k * (points + 1) / 2
    system = slopes * (2 / k) - rate * np.eye(_POINTS)
    system[0] = 0.0
    system[0, 0] = 1.0
    inverse = np.linalg.inv(system)
    before = np.ones(_POINTS)
    steps = max(math.ceil(at / k) - 1, 0)
    for _ in range(steps + 1):
        wanted = rate * (1.0 - before)
        wanted[0] = before[-1]
        before = inverse @ wanted
    return _between(places, before, at - steps * k)


def _chebyshev(count: int) -> tuple[Floats, Floats]:
    """Points from -1 to 1, and the matrix that differentiates through them (Trefethen 2000)."""
    points = -np.cos(np.pi * np.arange(count) / (count - 1))
    ends = np.ones(count)
    ends[[0, -1]] = 2.0
    ends *= (-1.0) ** np.arange(count)
    apart = points[:, None] - points[None, :] + np.eye(count)
    slopes = np.outer(ends, 1 / ends) / apart
    return points, slopes - np.diag(slopes.sum(axis=1))


def _between(places: Floats, values: Floats, at: float) -> float:
    """The polynomial through Chebyshev points, at one place (barycentric)."""
    apart = at - places
    if (nearest := np.flatnonzero(np.abs(apart) < 1e-14 * places[-1])).size:
        return float(values[nearest[0]])
    weights = (-1.0) ** np.arange(places.size)
    weights[[0, -1]] /= 2
    weights = weights / apart
    return float(weights @ values / weights.sum())
