"""Years drawn as the stated priors say, with their truth; in windows, without a chain."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from hashcanary.inference.explain.causes import DEPTHS, REAL, depth_prior, read_causes
from hashcanary.inference.gap.kernel import APART, BEGIN, CAUSE, DEPTH, FALLS, SIGN, missing_part
from hashcanary.inference.gap.sampling import KINDS, Draws, laws_of, read_background
from hashcanary.inference.gap.seen import DAYS, YEAR_DAYS, Seen
from hashcanary.moments import DAY

Floats = NDArray[np.float64]
NOW = 1_700_000_000.0
_BLOCKS_A_DAY = 144


@dataclass(frozen=True, slots=True)
class World:
    """seen: its windows; truth: what happened, as one draw. below: fraction that the rate is below
    its highest level of the year.

    shares: what the falls of each of REAL take away of that level; rest: of it, what is left.
    """

    seen: Seen
    truth: Draws
    below: float
    shares: dict[str, float]

    @property
    def rest(self) -> float:
        return self.below - sum(self.shares.values())


def drawn_world(seed: int) -> World:
    """Falls and rises at their rates, a level that wanders and grows, and blocks that are found."""
    rng = np.random.default_rng([2_011, seed])
    start, end = _edges()
    middle = np.append((start + end) / 2, 0.0)
    level = _level(middle, rng)
    falls = _falls(rng)
    ends = (np.append(start, -1e-6), np.append(end, 0.0))
    missing = np.zeros((len(falls), middle.size))
    for at, fall in enumerate(falls):
        missing_part(fall, *ends, missing[at])
        missing[at] *= fall[DEPTH]
    log_rate = level - missing.sum(axis=0)
    year = np.flatnonzero(middle >= -YEAR_DAYS)
    top = int(year[np.argmax(log_rate[year])])
    fallen = float(log_rate[top] - log_rate[-1])
    below = float(-np.expm1(-fallen))
    per_log = below / fallen if fallen > 0 else 1.0
    shares = dict.fromkeys(REAL, 0.0)
    for fall, path in zip(falls, missing, strict=True):
        name = KINDS[int(fall[CAUSE])]
        if name in shares:
            shares[name] += float(path[-1] - path[top]) * per_log
    seen = _seen(start, end, level[:-1], log_rate[:-1], rng)
    return World(seen, _as_draw(middle, falls, level, missing), below, shares)


def _as_draw(time: Floats, falls: list[Floats], level: Floats, missing: Floats) -> Draws:
    """What happened, but for falls that came back whole long ago where there are too many."""
    chosen = sorted(range(len(falls)), key=lambda at: -falls[at][BEGIN])[:FALLS]
    held, path = np.zeros((1, FALLS, 7)), np.zeros((1, FALLS, time.size))
    for place, at in enumerate(chosen):
        held[0, place], path[0, place] = falls[at], missing[at]
    # what is left out stays in the level
    rest = missing.sum(axis=0) - path[0].sum(axis=0)
    unit = np.log(DAY / 1e18)
    log = level - rest - unit
    return Draws(NOW, time, held, np.array([len(chosen)]), log[None, :], path)


def _edges() -> tuple[Floats, Floats]:
    edges = np.concatenate((np.arange(-DAYS, -14.0), np.arange(-14.0, 0.01, 0.25)))
    return edges[:-1], edges[1:]


def _level(middle: Floats, rng: np.random.Generator) -> Floats:
    given = read_background()
    wander = rng.choice(given.wanders)
    step = np.diff(middle, prepend=middle[0])
    growth = given.growth + given.growth_sd * rng.standard_normal()
    growth = growth + given.growth_drift * np.cumsum(np.sqrt(step) * rng.standard_normal(step.size))
    before = np.append(growth[:1], growth[:-1])
    return np.cumsum(before * step + wander * np.sqrt(step) * rng.standard_normal(step.size))


def _falls(rng: np.random.Generator) -> list[Floats]:
    causes, rise = read_causes(), read_background().rise
    laws = laws_of(causes, read_background())
    found = []
    for at, one in enumerate((*causes.real, rise)):
        begun: list[float] = []
        for begin in np.sort(rng.uniform(-DAYS, 0.0, rng.poisson(one.a_year * DAYS / 365.25))):
            if begun and begin - begun[-1] < APART:
                continue
            begun.append(begin)
            fall = np.zeros(7)
            fall[CAUSE], fall[BEGIN] = at, begin
            for which in range(3):
                median, spread = laws[at, 2 * which : 2 * which + 2]
                fall[2 + which] = np.exp(median + spread * rng.standard_normal())
            fall[5] = rng.uniform(*laws[at, 6:8])
            fall[DEPTH] = laws[at, SIGN] * rng.choice(DEPTHS, p=np.exp(depth_prior(one.depth)))
            found.append(fall)
    return found


def _seen(
    start: Floats, end: Floats, level: Floats, log_rate: Floats, rng: np.random.Generator
) -> Seen:
    # the work of a block follows the level, as the difficulty does
    work = np.exp(level) * DAY / _BLOCKS_A_DAY * 1e18
    expected = _BLOCKS_A_DAY * (end - start) * np.exp(log_rate - level)
    blocks = np.maximum(rng.poisson(expected), 6).astype(np.float64)
    vendor = np.zeros(start.size, dtype=np.bool_)
    return Seen.of(NOW + start * DAY, NOW + end * DAY, blocks, blocks * work, vendor)


def least_held(size: int, level: float, chance: float) -> int:
    """So many of ``size`` bands hold, but with that chance, where ``level`` of them should."""
    below, held = 0.0, -1
    while below < chance:
        held += 1
        below += comb(size, held) * level**held * (1 - level) ** (size - held)
    return held
