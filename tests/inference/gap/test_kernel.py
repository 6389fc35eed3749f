"""The compiled sampler against integrals, covariances and enumeration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from hashcanary.inference.gap.kernel import (
    BACK,
    BEGIN,
    CAUSE,
    DEPTH,
    FALL,
    FALLS,
    HOLD,
    NORMALS,
    RETURNED,
    UNIFORMS,
    Model,
    draw_levels,
    gains_of,
    guide_births,
    missing_part,
    new_chain,
    run_chain,
    whiten,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

STEP = np.array([0.0, 1.0, 1.0, 3.0, 0.5])
VARIANCE = np.array([0.02, 0.01, 0.03, 0.01, 0.05])
MOVES = np.array([0.004, 0.0003, 0.5, 0.01])
GROWTH = 0.01


def _fall(
    cause: float = 0,
    begin: float = -5.0,
    fall: float = 2.0,
    hold: float = 1.0,
    back: float = 4.0,
    returned: float = 0.5,
    depth: float = 0.3,
) -> Floats:
    values = np.zeros(7)
    for at, value in zip(
        (CAUSE, BEGIN, FALL, HOLD, BACK, RETURNED, DEPTH),
        (cause, begin, fall, hold, back, returned, depth),
        strict=True,
    ):
        values[at] = value
    return values


def _part_at(fall: Floats, day: float) -> float:
    """The part of a fall that is missing at a moment, as the words say it."""
    since = day - fall[BEGIN]
    down = np.clip(since / fall[FALL], 0, 1)
    up = np.clip((since - fall[FALL] - fall[HOLD]) / fall[BACK], 0, 1)
    return float(down - fall[RETURNED] * up)


@pytest.mark.parametrize("begin", [-9.3, -5.0, -2.2, -0.3])
def test_the_missing_part_is_the_mean_of_a_ramp_down_and_a_ramp_back(begin: float) -> None:
    fall = _fall(begin=begin)
    start = np.array([-10.0, -7.0, -4.5, -2.0, -0.25])
    end = np.append(start[1:], 0.0)
    found = np.empty(start.size)
    missing_part(fall, start, end, found)
    kinks = np.cumsum([fall[BEGIN], fall[FALL], fall[HOLD], fall[BACK]])
    for at in range(start.size):
        inside = kinks[(kinks > start[at]) & (kinks < end[at])]
        area = quad(lambda day: _part_at(fall, day), start[at], end[at], points=[*inside] or None)[
            0
        ]
        assert found[at] == pytest.approx(area / (end[at] - start[at]), abs=1e-9)


def _covariances() -> tuple[Floats, Floats, Floats]:
    """Covariance of the level at the windows, and of what is seen, from the model in words."""
    count = STEP.size
    shocks = []  # (variance, effect on each level)
    shocks.append((MOVES[2], np.ones(count)))
    shocks.append((MOVES[3], np.cumsum(STEP)))
    for at in range(count):
        later = (np.arange(count) >= at).astype(float)
        shocks.append((MOVES[0] * STEP[at], later))
        since = np.cumsum(np.where(np.arange(count) > at, STEP, 0.0))
        shocks.append((MOVES[1] * STEP[at], since))
    level = sum(variance * np.outer(effect, effect) for variance, effect in shocks)
    return level, level + np.diag(VARIANCE), GROWTH * np.cumsum(STEP)


def test_whitened_values_have_the_likelihood_of_the_whole_covariance() -> None:
    _, covariance, mean = _covariances()
    values = np.array([0.3, -0.2, 0.5, 0.1, 0.9])
    gains, white = np.empty((5, 3)), np.empty(5)
    gains_of(STEP, VARIANCE, MOVES, gains)
    whiten(values, STEP, gains, GROWTH, white)
    found = np.log(gains[:, 2]).sum() - 0.5 * white @ white - 2.5 * np.log(2 * np.pi)
    assert found == pytest.approx(multivariate_normal(mean, covariance).logpdf(values))


def test_levels_are_drawn_from_their_law_given_what_is_seen() -> None:
    level, covariance, mean = _covariances()
    values = np.array([0.3, -0.2, 0.5, 0.1, 0.9])
    gain = level @ np.linalg.inv(covariance)
    expected = mean + gain @ (values - mean)
    spread = level - gain @ level
    windows = np.column_stack((np.cumsum(STEP) - 1, np.cumsum(STEP), STEP, values))
    rng = np.random.default_rng(5)
    drawn = np.empty((20_000, 5))
    for out in drawn:
        draw_levels(windows, VARIANCE, MOVES, GROWTH, rng.standard_normal((5, 2)), out)
    error = np.sqrt(np.diag(spread) / len(drawn))
    assert (np.abs(drawn.mean(axis=0) - expected) < 4.5 * error).all()
    assert np.cov(drawn.T) == pytest.approx(spread, abs=0.06 * spread.max())


def _small_model(log_rate: float) -> Model:
    """Ten days, one cause whose shape hardly varies, three depths."""
    start = np.arange(-10.0, 0.0)
    rng = np.random.default_rng(3)
    seen = rng.normal(0.0, 0.05, 10)
    seen[6:] -= 0.12
    gains = np.empty((1, 10, 3))
    step = np.append(0.0, np.ones(9))
    gains_of(step, np.full(10, 0.05**2), np.array([1e-4, 1e-12, 1.0, 1e-6]), gains[0])
    tiny = 1e-3
    laws = np.array([[np.log(0.5), tiny, np.log(50.0), tiny, 0.0, tiny, 0.5, 0.5, 1.0]])
    grid = np.array([0.05, 0.1, 0.2])
    log_depth = np.log(np.array([0.5, 0.3, 0.2]))[None, None]
    place, rates = np.zeros(10, dtype=np.int64), np.full((1, 10), log_rate)
    model = Model(
        start,
        start + 1,
        step,
        seen,
        gains,
        0.0,
        laws,
        grid,
        log_depth,
        rates,
        place,
        np.empty(10),
        np.empty((1, 10)),
    )
    guide_births(model, 0)
    return model


def _likelihood(model: Model, falls: list[tuple[float, float]]) -> float:
    seen, white = model.seen.copy(), np.empty(10)
    for begin, depth in falls:
        part = np.empty(10)
        fall = _fall(begin=begin, fall=0.5, hold=50.0, back=1.0, returned=0.5)
        missing_part(fall, model.start, model.end, part)
        seen += depth * part
    whiten(seen, model.step, model.gains[0], 0.0, white)
    return float(-0.5 * white @ white)


def test_the_chain_agrees_with_enumeration_of_no_fall_and_of_one() -> None:
    rate = 0.02
    model = _small_model(np.log(rate))
    none = _likelihood(model, [])
    begins = np.linspace(-10, 0, 401)[:-1] + 10 / 800
    weights = np.array(
        [
            [
                np.exp(_likelihood(model, [(begin, depth)]) - none) * share
                for depth, share in zip(model.grid, (0.5, 0.3, 0.2), strict=True)
            ]
            for begin in begins
        ]
    )
    one = rate * weights.sum() * 10 / begins.size
    falls, state = np.zeros((FALLS, 7)), np.zeros(2, dtype=np.int64)
    chain = new_chain(model, falls, state)
    rng, steps, kept = np.random.default_rng(8), 400_000, 40_000
    held, states = np.zeros((kept, FALLS, 7)), np.zeros((kept, 2), dtype=np.int64)
    uniforms, normals = rng.random((steps, UNIFORMS)), rng.standard_normal((steps, NORMALS))
    run_chain(model, chain, uniforms, normals, held, states)
    count = states[:, 0]
    single = held[count == 1, 0]
    # of draws with at most one fall, as that is what was enumerated
    assert (count == 1).sum() / (count <= 1).sum() == pytest.approx(one / (1 + one), abs=0.02)
    expected = (weights.sum(axis=1) @ begins) / weights.sum()
    assert single[:, BEGIN].mean() == pytest.approx(expected, abs=0.1)
    depths = weights.sum(axis=0) / weights.sum()
    found = [(single[:, DEPTH] == depth).mean() for depth in model.grid]
    assert found == pytest.approx(depths, abs=0.03)


def test_falls_of_one_cause_stand_apart() -> None:
    model = _small_model(np.log(50.0))
    falls, state = np.zeros((FALLS, 7)), np.zeros(2, dtype=np.int64)
    rng = np.random.default_rng(9)
    held, states = np.zeros((500, FALLS, 7)), np.zeros((500, 2), dtype=np.int64)
    numbers = rng.random((50_000, UNIFORMS)), rng.standard_normal((50_000, NORMALS))
    run_chain(model, new_chain(model, falls, state), *numbers, held, states)
    assert (states[:, 0] == 2).any()
    for draw in held[states[:, 0] == 2]:
        assert abs(draw[0, BEGIN] - draw[1, BEGIN]) >= 6
