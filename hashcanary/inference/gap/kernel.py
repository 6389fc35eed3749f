"""The compiled sampler of falls: any number of them in a year of windows, by Metropolis-Hastings.

The log rate is a level that wanders and grows, less the falls. Of the level the likelihood is
Gaussian, so it is integrated out: what is seen, and the shape of each fall, are whitened by one
pass of a Kalman filter whose gains depend on the wander alone. Given its shape, a fall's depth
enters the likelihood as a quadratic; it is summed over a grid of depths, and drawn from that sum
after each step. So a step compares shapes, not guesses of a depth, and few are wasted.

Steps: a fall is born or dies (Green, Biometrika 82, 1995: reversible jump), changes its begin, its
shape or its cause, or the level wanders by another amount. Half of the births are proposed on any
day, half on days on which a typical fall would explain what is seen: a storm of a day, months ago,
is found in hundreds of steps and not in tens of thousands. Random numbers are given, so many a
step: what a chain draws depends on its own numbers alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

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
# which part of the births is proposed where it would explain something, and the least and the most
# log of how likely a day is, so that days that explain all alike are tried alike
_GUIDED, _DULL, _CLEAR = 0.5, -8.0, 3.0
# levels of a cause's law at which shapes are tried there
_TRIED = (-0.7, 0.7)
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
    begin, fallen = fall[BEGIN], fall[BEGIN] + fall[FALL]
    turn = fallen + fall[HOLD]
    over = turn + fall[BACK]
    for i in range(start.size):
        # most windows lie whole before it, at its bottom or after it
        if end[i] <= begin:
            out[i] = 0.0
        elif start[i] >= fallen and end[i] <= turn:
            out[i] = 1.0
        elif start[i] >= over:
            out[i] = 1.0 - fall[RETURNED]
        else:
            lost = _ramp(end[i], begin, fall[FALL]) - _ramp(start[i], begin, fall[FALL])
            if end[i] > turn:
                back = _ramp(end[i], turn, fall[BACK]) - _ramp(start[i], turn, fall[BACK])
                lost -= fall[RETURNED] * back
            out[i] = lost / (end[i] - start[i])


@compiled
def missing_parts(falls: Floats, count: Ints, start: Floats, end: Floats, out: Floats) -> None:
    """Log that each fall of each draw takes away over each window: (m, FALLS, n), zeros before."""
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
    level, first = 0.0, 0
    # what does not grow stays at 0 until something is there: a shape before its fall
    while growth == 0.0 and first < values.size and values[first] == 0.0:
        out[first] = 0.0
        first += 1
    for i in range(first, values.size):
        level += growth * step[i]
        error = values[i] - level
        out[i] = error * gains[i, 2]
        level += gains[i, 0] * error
        growth += gains[i, 1] * error


@compiled
def _products(white: Floats, rest: Floats) -> tuple[float, float]:
    """Sums of white times rest and of white squared, four at a time: each waits for none before."""
    a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    whole = white.size - white.size % 4
    for i in range(0, whole, 4):
        a += white[i] * rest[i]
        b += white[i + 1] * rest[i + 1]
        c += white[i + 2] * rest[i + 2]
        d += white[i + 3] * rest[i + 3]
        e += white[i] * white[i]
        f += white[i + 1] * white[i + 1]
        g += white[i + 2] * white[i + 2]
        h += white[i + 3] * white[i + 3]
    for i in range(whole, white.size):
        a += white[i] * rest[i]
        e += white[i] * white[i]
    return (a + b) + (c + d), (e + f) + (g + h)


@compiled
def _depths(
    white: Floats, rest: Floats, sign: float, prior: Floats, grid: Floats, out: Floats
) -> float:
    """Log of the sum over depths of prior times likelihood against no fall; of each one in ``out``.

    white: the fall's shape, rest: what is seen but for it, both whitened.
    """
    slope, curve = _products(white, rest)
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
def _draw_shape(
    cause: int, laws: Floats, normals: Floats, uniform: float, first: int, fall: Floats
) -> None:
    """A shape of a cause from its law: from the fall (0), or from how long it holds (1) on."""
    fall[CAUSE] = cause
    for j in range(first, 3):
        fall[FALL + j] = math.exp(laws[cause, 2 * j] + laws[cause, 2 * j + 1] * normals[1 + j])
    least, most = laws[cause, LEAST], laws[cause, MOST]
    fall[RETURNED] = least + (most - least) * uniform


@compiled
def _log_shape(fall: Floats, laws: Floats, first: int) -> float:
    """Log density of what ``_draw_shape`` draws, in logs of days; but for a constant."""
    law = laws[int(fall[CAUSE])]
    if fall[RETURNED] < law[LEAST] or fall[RETURNED] > law[MOST]:
        return _NEVER
    total = 0.0 if law[MOST] == law[LEAST] else -math.log(law[MOST] - law[LEAST])
    for j in range(first, 3):
        off = (math.log(fall[FALL + j]) - law[2 * j]) / law[2 * j + 1]
        total -= 0.5 * off * off + math.log(law[2 * j + 1])
    return total


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
    if u[4] < 0.78:
        fall[CAUSE] = other
        return 0.0
    # of a fall that still holds nothing is seen of how long it will: that goes with the cause
    first = 1 if u[4] < 0.9 else 0
    middle, back = fall[BEGIN] + fall[FALL] / 2, _log_shape(fall, laws, first)
    _draw_shape(other, laws, z, u[6], first, fall)
    if first == 0 and u[7] < 0.5:
        fall[BEGIN] = middle - fall[FALL] / 2
    return back - _log_shape(fall, laws, first)


class Model(NamedTuple):
    """What all chains share.

    start, end, step: (n,) of windows, days, the last ending at 0; days since the middle before.
    seen: (n,) log rate less a level near it. gains: (wanders, n, 3) as ``gains_of`` gives. growth:
    of the log rate a day, beforehand. laws: (causes, 9); grid: (d,) log depths; log_depth:
    (places, causes, d) log weights of depths; log_rate: (causes, days) of beginnings a day; place:
    (days,) which of log_depth holds for what begins on that day. guided: (causes * days,) summed
    chances of each day as the begin of a guided birth; log_birth: (causes, days) log density a day
    of all births, as ``guide_births`` fills both.
    """

    start: Floats
    end: Floats
    step: Floats
    seen: Floats
    gains: Floats
    growth: float
    laws: Floats
    grid: Floats
    log_depth: Floats
    log_rate: Floats
    place: Ints
    guided: Floats
    log_birth: Floats


class Chain(NamedTuple):
    """One chain between two steps, changed in place.

    falls: (FALLS, 7); state: (2,) how many there are, and which wander. white: (FALLS, n) shapes of
    the falls and rest: (n,) what is seen but for them, whitened; the others are room to work in.
    """

    falls: Floats
    state: Ints
    white: Floats
    rest: Floats
    other: Floats
    shape: Floats
    new: Floats
    fall: Floats
    weights: Floats
    old_weights: Floats


def new_chain(model: Model, falls: Floats, state: Ints) -> Chain:
    """A chain that holds these falls; they and the state are changed by its steps."""
    size, grid = model.seen.size, model.grid.size
    rest, other, shape, new = (np.empty(size) for _ in range(4))
    weights, old_weights = np.empty(grid), np.empty(grid)
    white = np.zeros((FALLS, size))
    return Chain(falls, state, white, rest, other, shape, new, np.empty(7), weights, old_weights)


@compiled
def _whiten_all(model: Model, chain: Chain) -> None:
    """Shapes and what is seen but for the falls, under the chain's wander."""
    gains = model.gains[chain.state[1]]
    whiten(model.seen, model.step, gains, model.growth, chain.rest)
    for k in range(chain.state[0]):
        missing_part(chain.falls[k], model.start, model.end, chain.shape)
        whiten(chain.shape, model.step, gains, 0.0, chain.white[k])
        for i in range(chain.rest.size):
            chain.rest[i] += chain.falls[k, DEPTH] * chain.white[k, i]


@compiled
def _whiten_new(model: Model, chain: Chain) -> None:
    """The shape of the fall that is proposed, into ``new``."""
    missing_part(chain.fall, model.start, model.end, chain.shape)
    whiten(chain.shape, model.step, model.gains[chain.state[1]], 0.0, chain.new)


@compiled
def _day(fall: Floats, days: int) -> int:
    """Which day of the table of rates a fall begins on."""
    day: int = min(max(math.floor(fall[BEGIN] + days), 0), days - 1)
    return day


@compiled
def _summed(model: Model, white: Floats, rest: Floats, fall: Floats, out: Floats) -> float:
    """``_depths`` of a fall, with the log of its rate."""
    cause, day = int(fall[CAUSE]), _day(fall, model.place.size)
    prior = model.log_depth[model.place[day], cause]
    rate: float = model.log_rate[cause, day]
    return rate + _depths(white, rest, model.laws[cause, SIGN], prior, model.grid, out)


@compiled
def guide_births(model: Model, wander: int) -> None:
    """Fill ``guided`` and ``log_birth``: where a fall, if it were the only one, would be likely.

    They depend on what is seen and not on a chain, so any chain that uses them draws the same law.
    """
    causes, days, size = model.laws.shape[0], model.place.size, model.seen.size
    gains, fall, weights = model.gains[wander], np.zeros(7), np.empty(model.grid.size)
    rest, shape, white = np.empty(size), np.empty(size), np.empty(size)
    whiten(model.seen, model.step, gains, model.growth, rest)
    total = 0.0
    for cause in range(causes):
        law = model.laws[cause]
        fall[CAUSE], fall[RETURNED] = cause, 0.5 * (law[LEAST] + law[MOST])
        for day in range(days):
            fall[BEGIN] = day + 0.5 - days
            chance = 0.0
            for level in _TRIED:
                for j in range(3):
                    fall[FALL + j] = math.exp(law[2 * j] + level * law[2 * j + 1])
                missing_part(fall, model.start, model.end, shape)
                whiten(shape, model.step, gains, 0.0, white)
                score = _summed(model, white, rest, fall, weights)
                chance += math.exp(min(max(score, _DULL), _CLEAR))
            total += chance
            model.guided[cause * days + day] = total
            model.log_birth[cause, day] = chance
    for cause in range(causes):
        for day in range(days):
            chance = _GUIDED * model.log_birth[cause, day] / total
            model.log_birth[cause, day] = math.log(chance + (1 - _GUIDED) / (causes * days))
    for at in range(causes * days):
        model.guided[at] /= total


@compiled
def _place_birth(model: Model, u: Floats, z: Floats, fall: Floats) -> None:
    """The cause, begin and shape of a fall that may be born."""
    causes, days = model.laws.shape[0], model.place.size
    cause, begin = int(u[4] * causes), -days * u[5]
    if u[7] < _GUIDED:
        at = min(int(np.searchsorted(model.guided, u[7] / _GUIDED)), causes * days - 1)
        cause, begin = at // days, at % days + u[5] - days
    _draw_shape(cause, model.laws, z, u[6], 0, fall)
    fall[BEGIN] = begin


@compiled
def _stands_apart(fall: Floats, chain: Chain, but: int) -> bool:
    """Whether no other fall of its cause, ``but`` for one, begins about when it does.

    What speaks for a cause, such as dear power, does so for days: it is to count once.
    """
    for k in range(chain.state[0]):
        near = abs(chain.falls[k, BEGIN] - fall[BEGIN]) < APART
        if k != but and chain.falls[k, CAUSE] == fall[CAUSE] and near:
            return False
    return True


@compiled
def _without(chain: Chain, k: int) -> None:
    """What is seen without a fall, into ``other``."""
    for i in range(chain.rest.size):
        chain.other[i] = chain.rest[i] - chain.falls[k, DEPTH] * chain.white[k, i]


@compiled
def _with(model: Model, chain: Chain, k: int, log_weights: Floats, uniform: float) -> None:
    """Draw the depth of a fall by weights, and add it to ``other``, into ``rest``."""
    sign = model.laws[int(chain.falls[k, CAUSE]), SIGN]
    depth = sign * model.grid[_picked(log_weights, uniform)]
    chain.falls[k, DEPTH] = depth
    for i in range(chain.rest.size):
        chain.rest[i] = chain.other[i] + depth * chain.white[k, i]


@compiled
def _birth(model: Model, chain: Chain, u: Floats, z: Floats) -> None:
    held, fall = chain.state[0], chain.fall
    if held == FALLS:
        return
    _place_birth(model, u, z, fall)
    if not _stands_apart(fall, chain, -1):
        return
    _whiten_new(model, chain)
    gained = _summed(model, chain.new, chain.rest, fall, chain.weights)
    asked = model.log_birth[int(fall[CAUSE]), _day(fall, model.place.size)]
    if math.log(u[1]) < gained - asked - math.log(held + 1.0):
        chain.falls[held], chain.white[held] = fall, chain.new
        chain.other[:] = chain.rest
        _with(model, chain, held, chain.weights, u[2])
        chain.state[0] = held + 1


@compiled
def _death(model: Model, chain: Chain, u: Floats) -> None:
    held = chain.state[0]
    if held == 0:
        return
    k = int(u[4] * held)
    fall = chain.falls[k]
    _without(chain, k)
    gained = _summed(model, chain.white[k], chain.other, fall, chain.weights)
    asked = model.log_birth[int(fall[CAUSE]), _day(fall, model.place.size)]
    if math.log(u[1]) < asked + math.log(held) - gained:
        chain.rest[:] = chain.other
        chain.falls[k], chain.white[k] = chain.falls[held - 1], chain.white[held - 1]
        chain.state[0] = held - 1


@compiled
def _change(model: Model, chain: Chain, u: Floats, z: Floats) -> None:
    """Another begin, shape or cause of a fall; its depth is drawn anew in any case."""
    if chain.state[0] == 0:
        return
    k, fall = int(u[3] * chain.state[0]), chain.fall
    fall[:] = chain.falls[k]
    asked = _proposed(fall, model.laws, u, z)
    density = _log_shape(fall, model.laws, 0)
    inside = -model.place.size <= fall[BEGIN] <= 0.0
    if asked <= _NEVER or density <= _NEVER or not inside or not _stands_apart(fall, chain, k):
        return
    _without(chain, k)
    _whiten_new(model, chain)
    gained = asked + density - _log_shape(chain.falls[k], model.laws, 0)
    gained -= _summed(model, chain.white[k], chain.other, chain.falls[k], chain.old_weights)
    gained += _summed(model, chain.new, chain.other, fall, chain.weights)
    if math.log(u[1]) < gained:
        chain.falls[k], chain.white[k] = fall, chain.new
        _with(model, chain, k, chain.weights, u[2])
    else:
        _with(model, chain, k, chain.old_weights, u[2])


@compiled
def _wander(model: Model, chain: Chain, u: Floats) -> None:
    """Another wander of the level."""
    before, after = chain.state[1], int(u[3] * model.gains.shape[0])
    if before == after:
        return
    chain.new[:] = model.seen
    for k in range(chain.state[0]):
        missing_part(chain.falls[k], model.start, model.end, chain.shape)
        for i in range(chain.new.size):
            chain.new[i] += chain.falls[k, DEPTH] * chain.shape[i]
    whiten(chain.new, model.step, model.gains[after], model.growth, chain.other)
    gained = 0.0
    for i in range(chain.rest.size):
        gained += 0.5 * (chain.rest[i] * chain.rest[i] - chain.other[i] * chain.other[i])
        gained += math.log(model.gains[after, i, 2] / model.gains[before, i, 2])
    if math.log(u[1]) < gained:
        chain.state[1] = after
        _whiten_all(model, chain)


@compiled
def run_chain(
    model: Model, chain: Chain, uniforms: Floats, normals: Floats, kept: Floats, kept_state: Ints
) -> None:
    """Steps of one chain, as many as there are numbers for.

    uniforms, normals: (steps, 8), (steps, 4). kept: (k, FALLS, 7), kept_state: (k, 2): what it
    holds at k moments, the last after the last step.
    """
    _whiten_all(model, chain)
    steps, saved = uniforms.shape[0], kept.shape[0]
    every = steps // max(saved, 1)
    for at in range(steps):
        u, z = uniforms[at], normals[at]
        if u[0] < _JUMPS:
            if u[3] < 0.5:
                _birth(model, chain, u, z)
            else:
                _death(model, chain, u)
        elif u[0] < 1 - _WANDERS:
            _change(model, chain, u, z)
        else:
            _wander(model, chain, u)
        left = steps - 1 - at
        if left % every == 0 and left // every < saved:
            place = saved - 1 - left // every
            kept[place, : chain.state[0]] = chain.falls[: chain.state[0]]
            kept_state[place] = chain.state


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
