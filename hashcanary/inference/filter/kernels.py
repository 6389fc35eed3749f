"""The compiled recursions of the filter bank: one pass forward, all models at once.

A model's state is a level x (random walk with drift) and a transient u (Ornstein-Uhlenbeck); the
log of the hashrate is their sum. Within a bin the rate is that of its end; over a longer span the
log rate that is observed is its mean over the span, exact for the model: its covariances with both
ends are those of the integrated walk and of the integrated Ornstein-Uhlenbeck process.

The compiler is numba, imported only where a filter runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np

from hashcanary.arrays import Floats

Gain = tuple[float, float, float]


Function = TypeVar("Function", bound="Callable[..., object]")


def compiled(function: Function) -> Function:
    """The function compiled to machine code on its first call, kept on disk for the next run."""
    from numba import njit

    return cast("Function", njit(cache=True, nogil=True)(function))


_LOG_2PI = float(np.log(2 * np.pi))
# log weights below the best one's, and parts of a mixture, that move nothing
_LIGHTEST, _NOTHING = -30.0, 1e-9
# above this variance of a log rate its skewness says nothing any more
_VAGUE_VARIANCE = 0.3
# a span longer than this, in bins, tells of years rather than of days: it moves the models, but
# says nothing about which of them forecasts the days ahead
LONGEST_SCORED = 8.0


@compiled
def log_density(error: float, variance: float) -> float:
    """Log density of an observed log rate that is off by ``error``, at that predictive variance.

    The time of n blocks is a Gamma variate, so its log is skewed: that of a log Gamma of the same
    mean and variance, whose shape is 1 / v + 1 / 2 - v / 12 (Abramowitz and Stegun 6.4.12
    inverted). Where the rate itself is vague, a normal.
    """
    if variance > _VAGUE_VARIANCE:
        return float(-0.5 * (_LOG_2PI + np.log(variance) + error * error / variance))
    shape = 1.0 / variance + 0.5 - variance / 12.0
    # digamma and log Gamma of the shape, Abramowitz and Stegun 6.3.18 and 6.1.41
    log_shape, inverse = np.log(shape), 1.0 / shape
    log_gamma = log_shape - inverse * (0.5 + inverse / 12.0) - error
    whole = (shape - 0.5) * log_shape - shape + 0.5 * _LOG_2PI
    whole += inverse * (1.0 / 12.0 - inverse * inverse / 360.0)
    return float(shape * log_gamma - np.exp(log_gamma) - whole)


@compiled
def step_gain(
    step: float, phi: float, q2: float, su2: float, inv_tau: float, a: float, c: float, b: float
) -> Gain:
    """Covariances with the signal of a step, before its observation.

    phi: what is left of u at its end (``left_of``); a, c, b: var x, cov xu, var u at its start.
    Gives var of the signal, and cov with it of x and u at the end.
    """
    z = step * inv_tau
    if step <= 1.0:
        end_a, end_c = a + q2 * step, phi * c
        end_b = phi * phi * b + su2 * (1.0 - phi * phi)
        return end_a + 2.0 * end_c + end_b, end_a + end_c, end_c + end_b
    held, mean_u = 0.0, 0.0
    if su2 > 0.0:
        held = (1.0 - phi) / z
        mean_u = su2 * 2.0 * (z - 1.0 + phi) / (z * z) - held * held * su2
    signal = a + 2.0 * held * c + held * held * b + q2 * step / 3.0 + max(mean_u, 0.0)
    return (
        signal,
        a + held * c + q2 * step / 2.0,
        phi * c + phi * held * b + su2 * held * (1.0 - phi),
    )


@compiled
def left_of(step: float, su2: float, inv_tau: float) -> float:
    """What is left of a transient at a step's end."""
    return float(np.exp(-step * inv_tau)) if su2 > 0.0 else 0.0


@compiled
def all_left(step: float, models: Floats, left: Floats) -> None:
    """``left_of`` of every model, into ``left``."""
    for k in range(models.shape[0]):
        left[k] = left_of(step, models[k, 1], models[k, 2])


@compiled
def signal_mean(
    step: float, phi: float, drift: float, inv_tau: float, su2: float, x: float, u: float
) -> float:
    """Expected log rate that a step observes, from the state at its start."""
    if step <= 1.0:
        return x + drift + phi * u
    held = (1.0 - phi) / (step * inv_tau) if su2 > 0.0 else 0.0
    return x + drift / 2.0 + held * u


@compiled
def blend(state: Floats, k: int, part: float, other: Floats) -> None:
    """Make row k of ``state`` a mixture: ``part`` of (5,) moments ``other``, the rest its own."""
    dx, du = state[k, 0] - other[0], state[k, 1] - other[1]
    rest = 1.0 - part
    state[k, 2] = rest * state[k, 2] + part * other[2] + part * rest * dx * dx
    state[k, 3] = rest * state[k, 3] + part * other[3] + part * rest * dx * du
    state[k, 4] = rest * state[k, 4] + part * other[4] + part * rest * du * du
    state[k, 0] -= part * dx
    state[k, 1] -= part * du


@compiled
def change_regime(state: Floats, groups: int, enter: float, end: float) -> None:
    """Let each model enter or leave a shock, with the chances given; ``state`` changes in place.

    The last ``groups`` rows are shocks; row k belongs to group k modulo ``groups``. Each regime
    keeps one normal: the mixture that flows into it, by its moments (the interacting multiple
    model of Blom and Bar-Shalom, IEEE Trans. Automatic Control 33, 1988).
    """
    calm = state.shape[0] - groups
    mean, shock = np.empty(5), np.empty(5)
    for g in range(groups):
        s = calm + g
        top = state[s, 5]
        for k in range(g, calm, groups):
            top = max(top, state[k, 5])
        weight_of_shock = np.exp(state[s, 5] - top)
        whole = 0.0
        mean[:] = 0.0
        for k in range(g, calm, groups):
            # a weight that moves nothing may be left out of what flows into the shock
            if state[k, 5] - top > _LIGHTEST:
                weight = np.exp(state[k, 5] - top)
                whole += weight
                for j in range(2):
                    mean[j] += weight * state[k, j]
                mean[2] += weight * (state[k, 2] + state[k, 0] * state[k, 0])
                mean[3] += weight * (state[k, 3] + state[k, 0] * state[k, 1])
                mean[4] += weight * (state[k, 4] + state[k, 1] * state[k, 1])
        if whole == 0.0:
            continue
        for j in range(5):
            mean[j] /= whole
        mean[2] -= mean[0] * mean[0]
        mean[3] -= mean[0] * mean[1]
        mean[4] -= mean[1] * mean[1]
        shock[:] = state[s, :5]
        # every model of the group takes the same part of the shock, by its weight
        stays, comes = 1.0 - enter, end * weight_of_shock / whole
        moved = np.log(stays + comes)
        for k in range(g, calm, groups):
            if comes > _NOTHING:
                blend(state, k, comes / (stays + comes), shock)
            state[k, 5] += moved
        total = (1.0 - end) * weight_of_shock + enter * whole
        blend(state, s, enter * whole / total, mean)
        state[s, 5] = top + np.log(total)


@compiled
def run_forward(
    spans: Floats,
    models: Floats,
    settings: Floats,
    state: Floats,
    kept: Floats,
    scores: Floats,
) -> None:
    """Filter n steps through m models; ``state`` is changed in place.

    spans: (n, 4) observed log rate (NaN: none), its variance, length in bins, covariate. models:
    (m, 6) q2, su2, 1/tau, growth, response to the covariate, per bin, and log prior. state: (m, 6)
    x, u, var x, cov, var u, log weight. kept: (n, m, 6) the state after each step, or (0, m, 6) to
    keep nothing. scores: (n,) log predictive density of the mixture.
    settings: (5,) forgetting, sharpness, groups of shocks (0 for none), and the rates a bin at
    which a model enters and leaves one.
    """
    forgetting, sharpness, groups = settings[0], settings[1], int(settings[2])
    count = models.shape[0]
    likelihood, left = np.empty(count), np.empty(count)
    y, noise, step, covariate = spans[:, 0], spans[:, 1], spans[:, 2], spans[:, 3]
    for i in range(y.size):
        fade = forgetting ** step[i]
        if i == 0 or step[i] != step[i - 1]:
            all_left(step[i], models, left)
        if groups:
            chance = 1.0 - np.exp(-settings[3:] * step[i])
            change_regime(state, groups, chance[0], chance[1])
        for k in range(count):
            q2, su2, inv_tau = models[k, 0], models[k, 1], models[k, 2]
            drift = (models[k, 3] + models[k, 4] * covariate[i]) * step[i]
            x, u, a, c, b = state[k, 0], state[k, 1], state[k, 2], state[k, 3], state[k, 4]
            phi = left[k]
            signal, kx, ku = step_gain(step[i], phi, q2, su2, inv_tau, a, c, b)
            expected = signal_mean(step[i], phi, drift, inv_tau, su2, x, u)
            x, u = x + drift, phi * u
            a, c, b = a + q2 * step[i], phi * c, phi * phi * b + su2 * (1.0 - phi * phi)
            likelihood[k] = 0.0
            if not np.isnan(y[i]):
                total = signal + noise[i]
                error = y[i] - expected
                likelihood[k] = log_density(error, total)
                x, u = x + kx / total * error, u + ku / total * error
                a, c, b = a - kx * kx / total, c - kx * ku / total, b - ku * ku / total
            state[k, 0], state[k, 1], state[k, 2], state[k, 3], state[k, 4] = x, u, a, c, b
        top, whole, mixed = -np.inf, 0.0, 0.0
        for k in range(count):
            top = max(top, likelihood[k])
        for k in range(count):
            prior = models[k, 5]
            state[k, 5] = prior + fade * (state[k, 5] - prior)
            weight = np.exp(state[k, 5])
            whole += weight
            mixed += weight * np.exp(likelihood[k] - top)
            if step[i] <= LONGEST_SCORED:
                state[k, 5] += sharpness * likelihood[k]
        scores[i] = top + np.log(mixed / whole)
        best = state[:, 5].max()
        for k in range(count):
            state[k, 5] -= best
        if kept.shape[0]:
            for k in range(count):
                for j in range(6):
                    kept[i, k, j] = state[k, j]


@compiled
def rate_covariance(
    weight: Floats, lengths: Floats, model: Floats, state: Floats, out: Floats
) -> None:
    """Covariance (2, 2) of two weighted sums of future log rates, into ``out``.

    weight: (2, j), of each future bin; lengths: (j,) bins; model: (6,); state: (6,).
    """
    q2, su2, inv_tau = model[0], model[1], model[2]
    a, c, b = state[2], state[3], state[4]
    out[:] = 0.0
    level, transient = np.zeros(2), np.zeros(2)
    for j in range(lengths.size - 1, -1, -1):
        phi = np.exp(-lengths[j] * inv_tau) if su2 > 0.0 else 0.0
        level += weight[:, j]
        transient += weight[:, j]
        for s in range(2):
            for r in range(2):
                out[s, r] += level[s] * level[r] * q2 * lengths[j]
                out[s, r] += transient[s] * transient[r] * su2 * (1.0 - phi * phi)
        transient *= phi
    for s in range(2):
        for r in range(2):
            out[s, r] += level[s] * level[r] * a + transient[s] * transient[r] * b
            out[s, r] += (level[s] * transient[r] + level[r] * transient[s]) * c


@compiled
def remaining(
    counts: Floats,
    lengths: Floats,
    state: Floats,
    models: Floats,
    covariate: float,
    out: Floats,
) -> None:
    """Sums over the blocks to come, for each of m models.

    counts: (2, j) blocks of each future bin that belong to the first and to the second sum;
    lengths: (j,) bins each lasts. out: (m, 7): log of the seconds per hash of work of either sum
    along the median path; variance of the log rate in the first, in the second, and the covariance
    of both; variance, relative, that the blocks' own luck adds to either.
    """
    bins = lengths.size
    weight, rate = np.zeros((2, bins)), np.zeros((2, 2))
    for k in range(models.shape[0]):
        now = state[k, 0] + state[k, 1]
        x, u = state[k, 0], state[k, 1]
        for j in range(bins):
            x += (models[k, 3] + models[k, 4] * covariate) * lengths[j]
            u *= np.exp(-lengths[j] * models[k, 2])
            weight[:, j] = counts[:, j] * np.exp(now - x - u)
        for s in range(2):
            total = weight[s].sum()
            if total > 0.0:
                weight[s] /= total
            out[k, s] = np.log(total) - now if total > 0.0 else -np.inf
            out[k, 5 + s] = (weight[s] ** 2 / np.maximum(counts[s], 1.0)).sum()
        rate_covariance(weight, lengths, models[k], state[k], rate)
        out[k, 2], out[k, 3], out[k, 4] = rate[0, 0], rate[1, 1], rate[0, 1]


@compiled
def mixture_quantiles(
    weights: Floats, mean: Floats, sd: Floats, levels: Floats, light: float, out: Floats
) -> None:
    """Quantiles (n, k) of n mixtures of normals into ``out``, models lighter than ``light`` of the
    heaviest left out: Newton's steps inside a shrinking bracket, from each level's neighbour below.
    """
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
