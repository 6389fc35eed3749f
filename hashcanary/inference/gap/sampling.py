"""Draws of what happened in the last year: falls by cause, rises, and the level that they leave.

Falls of each cause begin at the rates, and look as, ``causes.toml`` says; what speaks for a cause
on a day, such as margins and the month, makes its rate greater on that day. Chains of their own
random numbers, from no fall at all, are run side by side (``kernel.py``).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.inference.errors import BadStatement
from hashcanary.inference.explain.causes import DEPTHS, REAL, depth_prior
from hashcanary.inference.filter.bank import YEAR
from hashcanary.inference.gap.kernel import (
    BEGIN,
    CAUSE,
    DEPTH,
    FALLS,
    NORMALS,
    UNIFORMS,
    Model,
    draw_levels,
    gains_of,
    guide_births,
    missing_part,
    missing_parts,
    new_chain,
    run_chain,
)
from hashcanary.inference.gap.seen import DAYS
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator
from hashcanary.stated import read_document

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.arrays import Floats, Ints
    from hashcanary.inference.explain.causes import Cause, Causes, LogNormal
    from hashcanary.inference.gap.seen import Seen

# a rise among the causes
RISE = "rise"
KINDS = (*REAL, RISE)
# a level that is not known beforehand
_VAGUE = 3.0
_SEED = 20_210_703
CHAINS, _MOST_CHAINS = 32, 4096


class Effort(NamedTuple):
    """Of each chain: steps before anything is kept, steps after, and draws that are kept."""

    settling: int = 2000
    steps: int = 2000
    kept: int = 16


# of a moment that nothing is known about yet; of one a day after another
FRESH, FOLLOWING = Effort(), Effort(settling=200, steps=400)


@dataclass(frozen=True, slots=True)
class Rise:
    """How often hashrate rises faster than it grows, how far and over how many days."""

    a_year: float
    depth: LogNormal
    fall: LogNormal


@dataclass(frozen=True, slots=True)
class Background:
    """What is ordinary: see ``background.toml``. Of the log rate, a day."""

    wanders: Floats
    growth: float
    growth_sd: float
    growth_drift: float
    rise: Rise

    def moves(self) -> Floats:
        """Variances a day of level and growth, and of both beforehand: (wanders, 4)."""
        rest = [self.growth_drift**2, _VAGUE**2, self.growth_sd**2]
        return np.array([[wander**2, *rest] for wander in self.wanders])


def read_background(path: Path | None = None) -> Background:
    """The background of a file, the built-in one without. Raises BadStatement."""
    from hashcanary.inference.explain.causes import log_normal

    document = read_document("hashcanary.inference.gap", "background.toml", path, BadStatement)
    rise = document.part(RISE)
    return Background(
        np.array(document.numbers("wander_a_day", 4, 1e-5, 0.1)),
        document.number("growth_a_year", -5.0, 5.0) / YEAR,
        document.number("growth_spread", 0.01, 10.0) / YEAR,
        document.number("growth_drift", 1e-3, 10.0) / YEAR / YEAR**0.5,
        Rise(
            rise.number("a_year", 0.0, 365.0),
            log_normal(rise.part("depth"), 0.9),
            log_normal(rise.part("fall_days"), 3660.0),
        ),
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a cause beside the blocks' times.

    log_factor: (causes, days) log of how many times likelier a beginning is on a day than the
    causes' rates say, the last day that of the last block. place: (days,) which table holds for
    what begins on a day; log_likelihood: (places, causes, depths) by log depth, the first zeros.
    """

    log_factor: Floats
    place: Ints
    log_likelihood: Floats

    @classmethod
    def none(cls) -> Evidence:
        """Nothing beside the blocks' times."""
        return cls(
            np.zeros((len(REAL), DAYS)),
            np.zeros(DAYS, dtype=np.int64),
            np.zeros((1, len(REAL), DEPTHS.size)),
        )


@dataclass(frozen=True, slots=True)
class Draws:
    """Equally likely accounts of the last year, (m,) of them.

    now: Unix seconds of the last block; time: (n,) days before it at which windows are half over,
    0 for the last entry, now. falls: (m, FALLS, 7) as ``kernel.py`` has them, count: (m,) how many;
    level: (m, n) log of H/s but for the falls; missing: (m, FALLS, n) log that each takes away.
    """

    now: float
    time: Floats
    falls: Floats
    count: Ints
    level: Floats
    missing: Floats

    @property
    def log_rate(self) -> Floats:
        """Log of the hashrate in H/s, (m, n)."""
        return np.asarray(self.level - self.missing.sum(axis=1))

    @property
    def cause(self) -> Ints:
        """Index in KINDS of each fall, (m, FALLS); -1 where there is none."""
        there = np.arange(FALLS)[None, :] < self.count[:, None]
        return np.where(there, self.falls[:, :, CAUSE].astype(np.int64), -1)


class Sampler:
    """Chains over what was seen up to one moment; each call of ``draw`` carries them on."""

    def __init__(
        self, seen: Seen, causes: Causes, background: Background, chains: int = CHAINS
    ) -> None:
        """Chains that hold no fall yet."""
        self.now = float(seen.end[-1])
        start, end = (seen.start - self.now) / DAY, (seen.end - self.now) / DAY
        self._middle = (start + end) / 2
        self._near = float(np.median(seen.log_rate[: max(seen.log_rate.size // 40, 5)]))
        steps = np.diff(self._middle, prepend=self._middle[:1])
        self._windows = np.column_stack((start, end, steps, seen.log_rate - self._near))
        self._variance = seen.variance
        self._causes, self._background = causes, background
        self._moves = background.moves()
        self._gains = np.empty((self._moves.shape[0], start.size, 3))
        for moves, gains in zip(self._moves, self._gains, strict=True):
            gains_of(steps, self._variance, moves, gains)
        self._laws = laws_of(causes, background)
        self._falls = np.zeros((chains, FALLS, 7))
        self._state = np.zeros((chains, 2), dtype=np.int64)
        self._state[:, 1] = np.arange(chains) % self._moves.shape[0]
        self._calls = 0

    def after(self, seen: Seen) -> Sampler:
        """The chains at a later moment, from where these are: falls stay where they were."""
        later = Sampler(seen, self._causes, self._background, self._state.shape[0])
        passed = (later.now - self.now) / DAY
        later._state[:, 1] = self._state[:, 1]
        for at, held in enumerate(self._state[:, 0]):
            falls = self._falls[at, :held].copy()
            falls[:, BEGIN] -= passed
            falls = falls[falls[:, BEGIN] >= -DAYS]
            later._falls[at, : len(falls)] = falls
            later._state[at, 0] = len(falls)
        later._calls = self._calls
        return later

    def draw(self, evidence: Evidence, effort: Effort) -> Draws:
        """Carry the chains on and keep draws of them."""
        model = self._model(evidence)

        def run(at: int) -> tuple[Floats, Ints, Floats]:
            random = generator(_SEED, Purpose.FALLS, self._calls * _MOST_CHAINS + at)
            chain = new_chain(model, self._falls[at], self._state[at])
            kept, state = np.zeros((effort.kept, FALLS, 7)), np.zeros((effort.kept, 2), np.int64)
            for steps, count in ((effort.settling, 0), (effort.steps, effort.kept)):
                uniforms = random.random((steps, UNIFORMS))
                normals = random.standard_normal((steps, NORMALS))
                run_chain(model, chain, uniforms, normals, kept[:count], state[:count])
            return kept, state, self._levels(kept, state, random)

        with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as side_by_side:
            parts = list(side_by_side.map(run, range(self._state.shape[0])))
        self._calls += 1
        falls, state, level = (np.concatenate(part) for part in zip(*parts, strict=True))
        return self._draws(falls, state[:, 0], level)

    def _model(self, evidence: Evidence) -> Model:
        rise, real = self._background.rise, self._causes.real
        depths = [*(cause.depth for cause in real), rise.depth]
        log_depth = np.array([depth_prior(one) for one in depths])
        likelihood = np.zeros((evidence.log_likelihood.shape[0], len(KINDS), DEPTHS.size))
        likelihood[:, : len(REAL)] = evidence.log_likelihood
        a_year = np.array([*(cause.a_year for cause in real), rise.a_year])
        log_rate = np.repeat(np.log(np.maximum(a_year, 1e-12) / YEAR)[:, None], DAYS, axis=1)
        log_rate[: len(REAL)] += evidence.log_factor
        start, end, step, log_rate_seen = np.ascontiguousarray(self._windows.T)
        model = Model(
            start,
            end,
            step,
            log_rate_seen,
            self._gains,
            self._background.growth,
            self._laws,
            DEPTHS,
            log_depth + likelihood,
            log_rate,
            evidence.place,
            np.empty(len(KINDS) * DAYS),
            np.empty((len(KINDS), DAYS)),
        )
        guide_births(model, self._moves.shape[0] // 2)
        return model

    def _draws(self, falls: Floats, count: Ints, level: Floats) -> Draws:
        # the last entry is now: the end of the last window
        starts = np.append(self._windows[:, 0], -1e-6)
        ends = np.append(self._windows[:, 1], 0.0)
        missing = np.zeros((*falls.shape[:2], ends.size))
        missing_parts(falls, count, starts, ends, missing)
        return Draws(self.now, np.append(self._middle, 0.0), falls, count, level, missing)

    def _levels(self, falls: Floats, state: Ints, random: np.random.Generator) -> Floats:
        size = self._windows.shape[0]
        levels = np.empty((falls.shape[0], size + 1))
        start, end = self._windows[:, 0].copy(), self._windows[:, 1].copy()
        part = np.empty(size)
        for draw, (held, wander) in enumerate(state):
            windows = self._windows.copy()
            for fall in falls[draw, :held]:
                missing_part(fall, start, end, part)
                windows[:, 3] += fall[DEPTH] * part
            moves, normals = self._moves[wander], random.standard_normal((size, 2))
            out = levels[draw, :size]
            growth = self._background.growth
            draw_levels(windows, self._variance, moves, growth, normals, out)
            # from the middle of the last window to its end the level wanders on
            ahead = random.standard_normal() * float(np.sqrt(-self._middle[-1] * moves[0]))
            levels[draw, size] = out[-1] + ahead
        return levels + self._near


def laws_of(causes: Causes, background: Background) -> Floats:
    """The laws of shapes of KINDS as ``kernel.py`` takes them, (kinds, 9)."""
    return np.array([*map(_law, causes.real), _rise_law(background.rise)])


def _law(cause: Cause) -> list[float]:
    logs = [
        number
        for one in (cause.fall, cause.hold, cause.back)
        for number in (float(np.log(one.median)), one.spread)
    ]
    return [*logs, *cause.returns, 1.0]


def _rise_law(rise: Rise) -> list[float]:
    # what rises stays: how long it holds and comes back are numbers that nothing depends on
    return [float(np.log(rise.fall.median)), rise.fall.spread, 5.0, 0.1, 5.0, 0.1, 0.0, 0.0, -1.0]
