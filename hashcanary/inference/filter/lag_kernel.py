"""What two moments of the same filter share: the compiled joint law of two sums of log rates.

It goes back as ``kernels.run_back`` does, which keeps its own lines for the speed of the whole
record; ``tests/inference/filter/test_comparison.py`` holds the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.kernels import compiled, left_of, signal_mean, step_gain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Back = tuple[float, float, float, float, float, float, float, float, float]


@compiled
def back_step(spans: Floats, models: Floats, kept: Floats, i: int, k: int) -> Back:
    """What is known of the start of step ``i`` in model ``k``, given its end.

    Gives x, u, var x, cov, var u of the start given the step's observation, and J (2, 2) by rows:
    s(t-1|T) = s(t-1|t) + J (s(t|T) - s(t|t)), J = cov(s(t-1), s(t) | t) / var(s(t) | t), which
    holds for observations of the whole step too (Rauch, Tung and Striebel's form is its case).
    """
    y, noise, step = spans[i, 0], spans[i, 1], spans[i, 2]
    q2, su2, inv_tau = models[k, 0], models[k, 1], models[k, 2]
    x, u = kept[i - 1, k, 0], kept[i - 1, k, 1]
    a, c, b = kept[i - 1, k, 2], kept[i - 1, k, 3], kept[i - 1, k, 4]
    drift = (models[k, 3] + models[k, 4] * spans[i, 3]) * step
    phi = left_of(step, su2, inv_tau)
    signal, kx, ku, jx, ju = step_gain(step, phi, q2, su2, inv_tau, a, c, b)
    # start and end, and the covariance between them, after this step's observation
    xx, xu, ux, uu = a, phi * c, c, phi * b
    if not np.isnan(y):
        total = signal + noise
        error = y - signal_mean(step, phi, drift, inv_tau, su2, x, u)
        x, u = x + jx / total * error, u + ju / total * error
        xx, xu = xx - jx * kx / total, xu - jx * ku / total
        ux, uu = ux - ju * kx / total, uu - ju * ku / total
        a, c, b = a - jx * jx / total, c - jx * ju / total, b - ju * ju / total
    ea, ec, eb = kept[i, k, 2], kept[i, k, 3], kept[i, k, 4]
    if su2 <= 0.0:
        # a model without a transient: there is only a level to know of
        return x, u, a, c, b, xx / ea, 0.0, 0.0, 0.0
    det = ea * eb - ec * ec
    return (
        x,
        u,
        a,
        c,
        b,
        (xx * eb - xu * ec) / det,
        (xu * ea - xx * ec) / det,
        (ux * eb - uu * ec) / det,
        (uu * ea - ux * ec) / det,
    )


@compiled
def run_back_sums(
    spans: Floats,
    models: Floats,
    kept: Floats,
    weight: Floats,
    earliest: int,
    mean: Floats,
    joint: Floats,
) -> None:
    """Joint law of two weighted sums of the log rate at step ends, given everything.

    spans, models, kept: as ``run_forward`` took and left them. weight: (2, n), of each step's end;
    earliest: the first step that has one. mean: (m, 2); joint: (m, 3) variance of the first sum,
    covariance, variance of the second. What two moments share is accounted for exactly: going back,
    cov(s(t-1), later sums) = J cov(s(t), later sums).
    """
    last = spans.shape[0] - 1
    cov = np.zeros((2, 2))
    for k in range(models.shape[0]):
        x, u = kept[last, k, 0], kept[last, k, 1]
        a, c, b = kept[last, k, 2], kept[last, k, 3], kept[last, k, 4]
        mean[k], joint[k] = 0.0, 0.0
        # of the level (0) and the transient (1) with either sum of what comes later
        cov[:] = 0.0
        for i in range(last, earliest - 1, -1):
            signal = a + 2.0 * c + b
            first, second = weight[0, i], weight[1, i]
            with_first, with_second = cov[0, 0] + cov[1, 0], cov[0, 1] + cov[1, 1]
            mean[k, 0] += first * (x + u)
            mean[k, 1] += second * (x + u)
            joint[k, 0] += first * (first * signal + 2.0 * with_first)
            joint[k, 1] += first * second * signal + first * with_second + second * with_first
            joint[k, 2] += second * (second * signal + 2.0 * with_second)
            for r in range(2):
                cov[0, r] += weight[r, i] * (a + c)
                cov[1, r] += weight[r, i] * (c + b)
            if i == earliest:
                break
            x0, u0, a0, c0, b0, g11, g12, g21, g22 = back_step(spans, models, kept, i, k)
            for r in range(2):
                level, transient = cov[0, r], cov[1, r]
                cov[0, r] = g11 * level + g12 * transient
                cov[1, r] = g21 * level + g22 * transient
            dx, du = x - kept[i, k, 0], u - kept[i, k, 1]
            da, dc, db = a - kept[i, k, 2], c - kept[i, k, 3], b - kept[i, k, 4]
            x, u = x0 + g11 * dx + g12 * du, u0 + g21 * dx + g22 * du
            a = a0 + g11 * g11 * da + 2.0 * g11 * g12 * dc + g12 * g12 * db
            c = c0 + g11 * g21 * da + (g11 * g22 + g12 * g21) * dc + g12 * g22 * db
            b = b0 + g21 * g21 * da + 2.0 * g21 * g22 * dc + g22 * g22 * db
