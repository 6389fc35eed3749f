"""The steps of the compiled filter against integrals over a wandering level and a transient."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from hashcanary.inference.filter.kernels import all_left, left_of, signal_mean, step_gain

# variance of the wander a bin, of the transient, and its rate of return a bin
Q2, SU2, RATE = 0.003, 0.02, 0.7
# variance of the level, covariance, variance of the transient at a step's start
A, C, B = 0.05, -0.004, 0.013
LONG = (1.5, 4.0, 30.0)


def test_a_transient_dies_away_by_its_rate_and_a_model_without_one_has_none() -> None:
    assert left_of(2.0, SU2, RATE) == pytest.approx(math.exp(-1.4))
    assert left_of(2.0, 0.0, RATE) == 0.0
    models = np.array([[Q2, SU2, RATE, 0, 0, 0], [Q2, 0.0, RATE, 0, 0, 0]])
    left = np.full(2, np.nan)
    all_left(3.0, models, left)
    assert left == pytest.approx([math.exp(-2.1), 0.0])


@pytest.mark.parametrize("step", [0.4, 1.0])
def test_a_bin_observes_the_rate_at_its_end(step: float) -> None:
    phi = math.exp(-RATE * step)
    assert signal_mean(step, phi, 0.01, RATE, SU2, 47.0, 0.3) == pytest.approx(47.01 + phi * 0.3)
    level, cross = A + Q2 * step, phi * C
    transient = phi**2 * B + SU2 * (1 - phi**2)
    gain = step_gain(step, phi, Q2, SU2, RATE, A, C, B)
    assert gain == pytest.approx((level + 2 * cross + transient, level + cross, cross + transient))


@pytest.mark.parametrize("step", LONG)
def test_a_long_span_observes_its_mean(step: float) -> None:
    phi = math.exp(-RATE * step)
    drift = 0.05

    def expected(t: float) -> float:
        return 47.0 + drift * t / step + 0.3 * math.exp(-RATE * t)

    mean = quad(expected, 0, step)[0] / step
    assert signal_mean(step, phi, drift, RATE, SU2, 47.0, 0.3) == pytest.approx(mean, rel=1e-10)
    # without a transient there is the level alone
    assert signal_mean(step, 0.0, drift, RATE, 0.0, 47.0, 0.3) == pytest.approx(47.0 + drift / 2)


@pytest.mark.parametrize("step", LONG)
def test_the_covariances_of_a_long_span_are_integrals(step: float) -> None:
    phi = math.exp(-RATE * step)

    def left(t: float) -> float:
        return math.exp(-RATE * t)

    def level(s: float, t: float) -> float:
        """Covariance of what the level wanders by two moments."""
        return Q2 * min(s, t)

    def transient(s: float, t: float) -> float:
        """Covariance of what is new in the transient at two moments."""
        return SU2 * (left(abs(s - t)) - left(s + t))

    held = quad(left, 0, step)[0] / step

    def twice(covariance: object) -> float:
        assert callable(covariance)
        # symmetric: twice the triangle, where neither has a kink
        area = dblquad(covariance, 0, step, lambda s: 0.0, lambda s: s, epsabs=1e-12)[0]
        return float(2 * area / step**2)

    def once(covariance: object) -> float:
        assert callable(covariance)
        return float(quad(lambda s: covariance(s, step), 0, step, epsabs=1e-12)[0] / step)

    signal = A + 2 * held * C + held**2 * B + twice(level) + twice(transient)
    expected = (
        signal,
        A + held * C + once(level),
        phi * (C + held * B) + once(transient),
    )
    assert step_gain(step, phi, Q2, SU2, RATE, A, C, B) == pytest.approx(expected, rel=1e-7)


def test_a_span_of_a_model_without_a_transient_has_the_level_alone() -> None:
    step = 6.0
    signal, level, other = step_gain(step, 0.0, Q2, 0.0, 0.0, A, 0.0, 0.0)
    assert signal == pytest.approx(A + Q2 * step / 3)
    assert level == pytest.approx(A + Q2 * step / 2)
    assert other == 0.0
