"""How often luck alone shows a worst window: scan statistics of blocks found at a constant rate.

Whoever looks for the worst window finds one: what luck does must be asked of all windows that
could have been picked. Two forms, both closed or next to it:

- ``some_window``: the chance that some window of a length, placed anywhere in a span, holds k
  blocks or fewer. S. E. Alm's approximation (Sequential Analysis 2, 1983; J. Glaz, J. Naus and
  S. Wallenstein, Scan Statistics, 2001) turned to few instead of many: the windows that fall to k
  are counted, less those that soon fall to it again; at k = 0, the longest gap, it is exact to the
  first order.
- ``some_drawdown``: the chance that a mean over a window falls by a fraction below its highest so
  far.
  The highest so far is followed as it rises from record to record, each record and each dip below
  it by rates of the same kind (for means of several rows with D. Siegmund's correction for time in
  steps: Sequential Analysis, 1985, section 10.3).

Their errors are bounded by simulation in ``tests/inference/luck/test_scan.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Law = Literal["time", "blocks"]

# levels of the highest so far, in standard deviations, and steps of time in which it is followed
_LEVELS = np.linspace(-4.0, 8.5, 160)
_STEPS = 60
# a score beyond this has no probability that a float could hold
_FARTHEST = 37.0


def in_one_window(count: int, expected: Floats) -> Floats:
    """Probability that a window holds ``count`` blocks or fewer where ``expected`` are, any shape.

    It is as well the probability that ``count`` + 1 blocks take longer than the window.
    """
    from scipy.special import gammaincc

    found: Floats = gammaincc(count + 1.0, np.asarray(expected))
    return found


def some_window(count: int, expected: Floats, lengths: float) -> Floats:
    """Probability that some window in a span of ``lengths`` windows holds ``count`` or fewer.

    expected: blocks a window holds on average, any shape. The same is the probability that some
    ``count`` + 1 consecutive blocks take longer than the window.
    """
    none = np.exp(-clumps(count, expected) * max(lengths - 1.0, 0.0))
    found: Floats = 1.0 - (1.0 - in_one_window(count, expected)) * none
    return found


def clumps(count: int, expected: Floats) -> Floats:
    """How often, in the time of a window, windows begin to hold ``count`` blocks or fewer."""
    from scipy.special import gammaln

    mean = np.maximum(np.asarray(expected, dtype=np.float64), 1e-12)
    # nearer to the mean there are no separate falls to count: it is as often as where most begin
    most = np.floor(mean - (1.0 + np.sqrt(1.0 + 4.0 * mean)) / 2) + 1.0
    k = np.clip(np.minimum(float(count), most), 0.0, None)
    exact = np.exp(k * np.log(mean) - mean - gammaln(k + 1.0))
    found: Floats = mean * exact * np.clip(1.0 - k / mean, 0.0, 1.0)
    return found


def some_drawdown(depth: Floats, blocks: Floats, rows: Floats, window: Floats, law: Law) -> Floats:
    """Probability (q,) that within ``rows`` rows a mean falls by ``depth`` below its highest.

    depth: (q,) fraction, above 0; blocks: (q,) that one window's rate rests on; window: (q,) rows
    in the mean, 1 where rows share no block. law: windows of a fixed time, whose blocks are
    Poisson, or of a fixed number of blocks, whose time is Gamma.
    """
    n = np.asarray(blocks, dtype=np.float64)[:, None]
    level = np.maximum(1.0 + _LEVELS[None, :] / np.sqrt(n), 1e-9)
    deep = np.asarray(depth, dtype=np.float64)[:, None]
    # counts are whole: on average the highest and the dip below it are rounded down by a half
    dip = level * (1.0 - deep) - (deep / 2 / n if law == "time" else 0.0)
    up, down = _score_above(level, n, law), -_score_above(np.maximum(dip, 1e-9), n, law)
    wide = np.asarray(window, dtype=np.float64)[:, None]
    record, fall = _crossings(up, wide), _crossings(down, wide)
    alive = np.diff(_normal(up), axis=1, prepend=0.0)
    ends = np.geomspace(1.0, np.maximum(np.asarray(rows, dtype=np.float64), 2.0), _STEPS)
    spent = np.diff(ends, axis=0, prepend=0.0)
    spent[0] -= 1.0
    for step in spent:
        # half of the dips, then the records, then the other half: second order in the step
        half = np.exp(-fall * step[:, None] / 2)
        highest = np.cumsum(alive * half, axis=1) * np.exp(-record * step[:, None])
        alive = np.diff(highest, axis=1, prepend=0.0) * half
    found: Floats = np.clip(1.0 - alive.sum(axis=1), 0.0, 1.0)
    return found


def _score_above(level: Floats, blocks: Floats, law: Law) -> Floats:
    """The normal score of a window's rate: how many sd above the mean ``level`` lies."""
    from scipy.special import gammainc, gammaincc, ndtri

    if law == "blocks":
        above, below = gammainc(blocks, blocks / level), gammaincc(blocks, blocks / level)
    else:
        above = gammainc(level * blocks + 1.0, blocks)
        below = gammaincc(level * blocks + 1.0, blocks)
    # of the two tails the smaller one is the exact one
    score = np.where(above < below, -ndtri(above), ndtri(below))
    found: Floats = np.clip(score, -_FARTHEST, _FARTHEST)
    return found


def _crossings(score: Floats, window: Floats) -> Floats:
    """How often a row a window's mean goes beyond a score that it was not beyond before."""
    from scipy.special import log_ndtr

    alone: Floats = -log_ndtr(score)
    # the mean of rows comes back again and again: only so many of its visits begin a new one
    u = np.maximum(score, 1.0)
    hazard = np.exp(-u * u / 2 - log_ndtr(-u)) / np.sqrt(2 * np.pi)
    begins = hazard * (u + hazard) / 2 * _overshoot(hazard * np.sqrt(2 / window)) / window
    return np.where(window > 1.0, alone * np.minimum(begins, 1.0), alone)


def _overshoot(x: Floats) -> Floats:
    """Siegmund's correction for a level that is crossed in steps."""
    half = x / 2
    density = np.exp(-half * half / 2) / np.sqrt(2 * np.pi)
    found: Floats = (2 / x) * (_normal(half) - 0.5) / (half * _normal(half) + density)
    return found


def _normal(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))
