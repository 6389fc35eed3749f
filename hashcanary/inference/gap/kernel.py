"""The compiled sampler of falls: any number of them in a year of windows, by Metropolis-Hastings.

The log rate is a level that wanders and grows, less the falls. Of the level the likelihood is
Gaussian, so it is integrated out: what is seen, and the shape of each fall, are whitened by one pass
of a Kalman filter whose gains depend on the wander alone. Given its shape, a fall's depth enters the
likelihood as a quadratic; it is summed over a grid of depths, and drawn from that sum after each
step. So a step compares shapes, not guesses of a depth, and few are wasted.

Steps: a fall is born or dies (Green, Biometrika 82, 1995: reversible jump), changes its begin, its
shape or its cause, or the level wanders by another amount. Random numbers are given, so many a
step: what a chain draws depends on its own numbers alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.kernels import compiled

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints

# columns of a fall: index of its cause; its begin, days; how long it falls, holds and comes back,
# days; the part that comes back; its log depth, below 0 for a rise
CAUSE, BEGIN, FALL, HOLD, BACK, RETURNED, DEPTH = range(7)
# columns of a cause's law: medians' logs and log spreads of fall, hold and back; least and most of
# what comes back; 1 for a fall, -1 for a rise
LEAST, MOST, SIGN = 6, 7, 8
# falls that one draw may hold, and days within which two of one cause are one
FALLS, APART = 12, 6.0
# numbers that a step uses
UNIFORMS, NORMALS = 8, 4
# which part of the steps tries a birth or death, and which another wander
_JUMPS, _WANDERS = 0.3, 0.03
_NEVER = -1e300


@compiled
def _ramp(at: float, begin: float, length: float) -> float:
    """Integral up to ``at`` of a ramp from 0 at ``begin`` to 1 ``length`` later."""
    phase = (at - begin) / length
    if phase <= 0.0:
        return 0.0
    inside = min(phase, 1.0)
    return length * (phase - inside * (1.0 - inside / 2.0))


@compiled
def missing_part(fall: Floats, start: Floats, end: Floats, out: Floats) -> None:
    """Part of a fall that is missing, on average over each window (n,): 0 before it, 1 at most."""
    begin = fall[BEGIN]
    turn = begin + fall[FALL] + fall[HOLD]
    for i in range(start.size):
        out[i] = 0.0
        if end[i] <= begin:
            continue
        lost = _ramp(end[i], begin, fall[FALL]) - _ramp(start[i], begin, fall[FALL])
        if end[i] > turn and fall[RETURNED] > 0.0:
            back = _ramp(end[i], turn, fall[BACK]) - _ramp(start[i], turn, fall[BACK])
            lost -= fall[RETURNED] * back
        out[i] = lost / (end[i] - start[i])


@compiled
def missing_parts(falls: Floats, count: Ints, start: Floats, end: Floats, out: Floats) -> None:
    """Log that each fall of each draw takes away over each window, (m, FALLS, n), zeros beforehand."""
    for i in range(falls.shape[0]):
        for k in range(count[i]):
            missing_part(falls[i, k], start, end, out[i, k])
            out[i, k] *= falls[i, k, DEPTH]


@compiled
def gains_of(step: Floats, variance: Floats, moves: Floats, out: Floats) -> None:
    """Gains of the filter of the level and its growth, and 1 / sd of each innovation: (n, 3).

    step: days since the window before; moves: variance a day of the level and of the growth, and
    that of both before anything is seen.
    """
    level, both, growth = moves[2], 0.0, moves[3]
    for i in range(step.size):
        level += 2 * step[i] * both + step[i] * step[i] * growth + moves[0] * step[i]
        both += step[i] * growth
        growth += moves[1] * step[i]
        total = level + variance[i]
        gain, gain_growth = level / total, both / total
        out[i, 0], out[i, 1], out[i, 2] = gain, gain_growth, 1 / math.sqrt(total)
        growth -= gain_growth * both
        both -= gain * both
        level -= gain * level


@compiled
def whiten(values: Floats, step: Floats, gains: Floats, growth: float, out: Floats) -> None:
    """Innovations of values in units of their standard deviation, from a level of 0 on."""
    level = 0.0
    for i in range(values.size):
        level += growth * step[i]
        error = values[i] - level
        out[i] = error * gains[i, 2]
        level += gains[i, 0] * error
        growth += gains[i, 1] * error


@compiled
def _depths(
    white: Floats, rest: Floats, sign: float, prior: Floats, grid: Floats, out: Floats
) -> float:
    """Log of the sum over depths of prior times likelihood against no fall; of each one in ``out``.

    white: the fall's shape, rest: what is seen but for it, both whitened.
    """
    slope, curve = 0.0, 0.0
    for i in range(white.size):
        slope += white[i] * rest[i]
        curve += white[i] * white[i]
    top = _NEVER
    for j in range(grid.size):
        depth = sign * grid[j]
        out[j] = prior[j] - depth * slope - 0.5 * depth * depth * curve
        top = max(top, out[j])
    total = 0.0
    for j in range(grid.size):
        total += math.exp(out[j] - top)
    return top + math.log(total)


@compiled
def _picked(log_weights: Floats, uniform: float) -> int:
    """An index drawn by log weights."""
    top = log_weights.max()
    total = 0.0
    for one in log_weights:
        total += math.exp(one - top)
    left = uniform * total
    for j in range(log_weights.size):
        left -= math.exp(log_weights[j] - top)
        if left <= 0.0:
            return j
    return log_weights.size - 1


@compiled
def _draw_shape(cause: int, laws: Floats, normals: Floats, uniform: float, fall: Floats) -> None:
    """A shape of a cause from its law."""
    fall[CAUSE] = cause
    for j in range(3):
        fall[FALL + j] = math.exp(laws[cause, 2 * j] + laws[cause, 2 * j + 1] * normals[1 + j])
    least, most = laws[cause, LEAST], laws[cause, MOST]
    fall[RETURNED] = least + (most - least) * uniform


@compiled
def _log_shape(fall: Floats, laws: Floats) -> float:
    """Log density of a fall's shape by its cause's law, in logs of days; but for a constant."""
    law = laws[int(fall[CAUSE])]
    if fall[RETURNED] < law[LEAST] or fall[RETURNED] > law[MOST]:
        return _NEVER
    total = 0.0 if law[MOST] == law[LEAST] else -math.log(law[MOST] - law[LEAST])
    for j in range(3):
        off = (math.log(fall[FALL + j]) - law[2 * j]) / law[2 * j + 1]
        total -= 0.5 * off * off + math.log(law[2 * j + 1])
    return total


@compiled
def _day(fall: Floats, first: float, days: int) -> int:
    """Which day of the table of rates a fall begins on."""
    return min(max(int(math.floor(fall[BEGIN] - first)), 0), days - 1)


@compiled
def _stands_apart(fall: Floats, falls: Floats, held: int, but: int) -> bool:
    """Whether no other fall of its cause, ``but`` for one, begins about when it does.

    What speaks for a cause, such as dear power, does so for days: it is to count once.
    """
    for k in range(held):
        near = abs(falls[k, BEGIN] - fall[BEGIN]) < APART
        if k != but and falls[k, CAUSE] == fall[CAUSE] and near:
            return False
    return True


@compiled
def run_chain(
    windows: Floats,
    gains: Floats,
    growth: float,
    laws: Floats,
    grid: Floats,
    log_depth: Floats,
    log_rate: Floats,
    place: Ints,
    uniforms: Floats,
    normals: Floats,
    falls: Floats,
    state: Ints,
    every: int,
    kept: Floats,
    kept_state: Ints,
) -> None:
    """Steps of one chain; its state is changed in place.

    windows: (n, 4) start, end, days since the middle before, log rate less a level near it; the
    last window ends at 0. gains: (wanders, n, 3) as ``gains_of`` gives. growth: of the log rate a
    day, beforehand. laws: (causes, 9); grid: (d,) log depths. log_rate: (causes, days) of
    beginnings a day; place: (days,) which of log_depth, (places, causes, d), holds for what begins
    on that day. uniforms, normals: (steps, 8), (steps, 4). falls: (FALLS, 7); state: (2,) how many
    there are, and which wander. kept: (k, FALLS, 7), kept_state: (k, 2): every so many steps.
    """
    count, size, days = windows.shape[0], laws.shape[0], log_rate.shape[1]
    start, end, step, seen = (
        windows[:, 0].copy(),
        windows[:, 1].copy(),
        windows[:, 2].copy(),
        windows[:, 3],
    )
    first = -float(days)
    white, rest, other = np.zeros((FALLS, count)), np.empty(count), np.empty(count)
    shape, new, next_fall = np.empty(count), np.empty(count), np.empty(7)
    weights, old_weights = np.empty(grid.size), np.empty(grid.size)
    held, wander, saved = state[0], state[1], 0
    whiten(seen, step, gains[wander], growth, rest)
    for k in range(held):
        missing_part(falls[k], start, end, shape)
        whiten(shape, step, gains[wander], 0.0, white[k])
        rest += falls[k, DEPTH] * white[k]
    for at in range(uniforms.shape[0]):
        u, z = uniforms[at], normals[at]
        accept = math.log(u[1])
        if u[0] < _JUMPS:
            even = math.log(days * size)
            if u[3] < 0.5:
                if held < FALLS:
                    cause = int(u[4] * size)
                    _draw_shape(cause, laws, z, u[6], next_fall)
                    next_fall[BEGIN] = first * u[5]
                    apart = _stands_apart(next_fall, falls, held, -1)
                    day = _day(next_fall, first, days)
                    missing_part(next_fall, start, end, shape)
                    whiten(shape, step, gains[wander], 0.0, new)
                    sign = laws[cause, SIGN]
                    gained = _depths(new, rest, sign, log_depth[place[day], cause], grid, weights)
                    gained += log_rate[cause, day] + even - math.log(held + 1.0)
                    if apart and accept < gained:
                        next_fall[DEPTH] = sign * grid[_picked(weights, u[2])]
                        falls[held], white[held] = next_fall, new
                        rest += next_fall[DEPTH] * new
                        held += 1
            elif held > 0:
                k = int(u[4] * held)
                cause, day = int(falls[k, CAUSE]), _day(falls[k], first, days)
                other[:] = rest - falls[k, DEPTH] * white[k]
                prior = log_depth[place[day], cause]
                gained = _depths(white[k], other, laws[cause, SIGN], prior, grid, weights)
                if accept < math.log(held) - gained - log_rate[cause, day] - even:
                    rest[:] = other
                    held -= 1
                    falls[k], white[k] = falls[held], white[held]
        elif u[0] < 1 - _WANDERS:
            if held > 0:
                k = int(u[3] * held)
                next_fall[:] = falls[k]
                asked = _proposed(next_fall, laws, u, z)
                density = _log_shape(next_fall, laws)
                inside = first <= next_fall[BEGIN] <= 0.0
                inside &= _stands_apart(next_fall, falls, held, k)
                if asked > _NEVER and density > _NEVER and inside:
                    cause, day = int(falls[k, CAUSE]), _day(falls[k], first, days)
                    cause2, day2 = int(next_fall[CAUSE]), _day(next_fall, first, days)
                    sign = laws[cause, SIGN]
                    other[:] = rest - falls[k, DEPTH] * white[k]
                    missing_part(next_fall, start, end, shape)
                    whiten(shape, step, gains[wander], 0.0, new)
                    before = log_depth[place[day], cause]
                    gained = -_depths(white[k], other, sign, before, grid, old_weights)
                    after = log_depth[place[day2], cause2]
                    gained += _depths(new, other, sign, after, grid, weights)
                    gained += density - _log_shape(falls[k], laws) + asked
                    if accept < gained + log_rate[cause2, day2] - log_rate[cause, day]:
                        falls[k], white[k] = next_fall, new
                        falls[k, DEPTH] = sign * grid[_picked(weights, u[2])]
                    else:
                        falls[k, DEPTH] = sign * grid[_picked(old_weights, u[2])]
                    rest[:] = other + falls[k, DEPTH] * white[k]
        else:
            wander2 = int(u[3] * gains.shape[0])
            new[:] = seen
            for k in range(held):
                missing_part(falls[k], start, end, shape)
                new += falls[k, DEPTH] * shape
            whiten(new, step, gains[wander2], growth, other)
            gained = 0.0
            for i in range(count):
                gained += 0.5 * (rest[i] * rest[i] - other[i] * other[i])
                gained += math.log(gains[wander2, i, 2] / gains[wander, i, 2])
            if wander2 != wander and accept < gained:
                wander = wander2
                rest[:] = other
                for k in range(held):
                    missing_part(falls[k], start, end, shape)
                    whiten(shape, step, gains[wander], 0.0, white[k])
        if (at + 1) % every == 0 and saved < kept.shape[0]:
            kept[saved, :held] = falls[:held]
            kept_state[saved, 0], kept_state[saved, 1] = held, wander
            saved += 1
    state[0], state[1] = held, wander


@compiled
def _proposed(fall: Floats, laws: Floats, u: Floats, z: Floats) -> float:
    """Change a fall in place; log of how likely the way back is over the way there.

    Of densities in logs of days, as those of ``_log_shape``.
    """
    cause = int(fall[CAUSE])
    sign = laws[cause, SIGN]
    if u[4] < 0.35:
        far = 0.1 if u[5] < 0.3 else (0.7 if u[5] < 0.7 else 4.0)
        fall[BEGIN] += far * z[0]
        if u[6] < 0.3:
            fall[FALL] *= math.exp(0.5 * z[1])
        return 0.0
    if u[4] < 0.7:
        far = 0.2 if u[5] < 0.5 else 0.8
        which = int(u[6] * 4)
        if which == 3:
            fall[RETURNED] += 0.3 * far * z[0]
            return 0.0
        longer = fall[FALL + which] * math.exp(far * z[0])
        if which == 0 and u[7] < 0.5:
            # its middle stays where it is
            fall[BEGIN] += (fall[FALL] - longer) / 2
        fall[FALL + which] = longer
        return 0.0
    other = int(u[5] * laws.shape[0])
    if laws[other, SIGN] != sign:
        return _NEVER
    if u[4] < 0.85:
        fall[CAUSE] = other
        return 0.0
    middle, back = fall[BEGIN] + fall[FALL] / 2, _log_shape(fall, laws)
    _draw_shape(other, laws, z, u[6], fall)
    if u[7] < 0.5:
        fall[BEGIN] = middle - fall[FALL] / 2
    return back - _log_shape(fall, laws)


@compiled
def draw_levels(
    windows: Floats,
    variance: Floats,
    moves: Floats,
    growth: float,
    normals: Floats,
    out: Floats,
) -> None:
    """One draw of the level at the middle of each window, given what was seen without the falls.

    windows: (n, 4) as of ``run_chain``, the falls added back; variance: (n,) of what is seen;
    moves: (4,) as ``gains_of`` takes them; normals: (n, 2). Filtered forwards, drawn backwards.
    """
    count = windows.shape[0]
    kept = np.empty((count, 5))
    x, g = 0.0, growth
    level, both, slope = moves[2], 0.0, moves[3]
    for i in range(count):
        step = windows[i, 2]
        x += g * step
        level += 2 * step * both + step * step * slope + moves[0] * step
        both += step * slope
        slope += moves[1] * step
        total = level + variance[i]
        gain, gain_growth = level / total, both / total
        error = windows[i, 3] - x
        x += gain * error
        g += gain_growth * error
        slope -= gain_growth * both
        both -= gain * both
        level -= gain * level
        kept[i, 0], kept[i, 1], kept[i, 2], kept[i, 3], kept[i, 4] = x, g, level, both, slope
    drawn_growth = 0.0
    for i in range(count - 1, -1, -1):
        x, g, level, both, slope = kept[i, 0], kept[i, 1], kept[i, 2], kept[i, 3], kept[i, 4]
        if i < count - 1:
            # given the level and growth drawn of the next window
            step = windows[i + 1, 2]
            pxx = level + 2 * step * both + step * step * slope + moves[0] * step
            pxg, pgg = both + step * slope, slope + moves[1] * step
            error, error_growth = out[i + 1] - (x + g * step), drawn_growth - g
            cross, cross_growth = level + step * both, both + step * slope
            det = pxx * pgg - pxg * pxg
            a, b = (cross * pgg - both * pxg) / det, (both * pxx - cross * pxg) / det
            c = (cross_growth * pgg - slope * pxg) / det
            d = (slope * pxx - cross_growth * pxg) / det
            x += a * error + b * error_growth
            g += c * error + d * error_growth
            level -= a * cross + b * both
            new_both = both - (a * cross_growth + b * slope)
            slope -= c * cross_growth + d * slope
            both = new_both
        deviation = math.sqrt(max(level, 1e-18))
        out[i] = x + deviation * normals[i, 0]
        left = max(slope - both * both / max(level, 1e-18), 1e-24)
        drawn_growth = g + both / deviation * normals[i, 0] + math.sqrt(left) * normals[i, 1]
