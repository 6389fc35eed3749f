"""The exact run length of a CUSUM of exponential intervals."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from support.run_length import (
    optimal_delay,
    reference,
    run_length,
    threshold_for,
)


def by_series(drop: float, threshold: float, rate: float) -> float:
    """The same by inverting the Laplace transform: an alternating sum, in many digits.

    v = u - 1 has the transform l / (s (s - l + l exp(-s k))), expanded in powers of exp(-s k).
    """
    with localcontext() as context:
        context.prec = 120
        k, rate_ = Decimal(reference(drop)), Decimal(rate)
        end = Decimal(threshold) / Decimal(drop) + k
        total, power = Decimal(1), 0
        while power * k < end:
            time = end - power * k
            part, term = Decimal(0), Decimal(1)
            # the inverse of 1 / (s (s - l)^(j+1)) is the integral of t^j exp(l t) / j!
            for i in range(power + 1):
                part += (-1) ** (power - i) * term / rate_ ** (power - i + 1)
                term *= time / (i + 1)
            part = (rate_ * time).exp() * part + (-1) ** (power + 1) / rate_ ** (power + 1)
            total += rate_ * (-rate_) ** power * part
            power += 1
        return float(total)


@pytest.mark.parametrize("drop", [0.05, 0.1, 0.2, 0.4, 0.8])
@pytest.mark.parametrize("threshold", [0.3, 2.0, 5.0])
def test_the_run_length_is_that_of_the_series_in_many_digits(drop: float, threshold: float) -> None:
    for rate in (1.0, 1 - drop):
        expected = by_series(drop, threshold, rate)
        assert run_length(drop, threshold, rate) == pytest.approx(expected, rel=1e-9)


def test_with_no_room_below_the_threshold_the_first_long_interval_alarms() -> None:
    # at a threshold of zero the alarm is one interval above k: its chance is exp(-k)
    assert run_length(0.3, 0.0) == pytest.approx(math.exp(reference(0.3)), rel=1e-12)


@pytest.mark.parametrize(("drop", "rate"), [(0.2, 1.0), (0.2, 0.8), (0.5, 1.0)])
def test_simulated_runs_are_as_long(drop: float, rate: float) -> None:
    threshold = 2.5
    rng = np.random.default_rng(11)
    level, length = np.zeros(20_000), np.zeros(20_000)
    running = np.ones(20_000, dtype=bool)
    while running.any():
        step = drop * rng.exponential(1 / rate, running.sum()) + math.log1p(-drop)
        level[running] = np.maximum(level[running] + step, 0.0)
        length[running] += 1
        running &= level < threshold
    error = length.std() / length.size**0.5
    assert abs(length.mean() - run_length(drop, threshold, rate)) < 4 * error


@pytest.mark.parametrize("blocks", [4_380.0, 52_560.0, 262_800.0])
def test_the_threshold_gives_the_run_length_asked_for(blocks: float) -> None:
    for drop in (0.04, 0.1, 0.4):
        assert run_length(drop, threshold_for(drop, blocks)) == pytest.approx(blocks, rel=1e-9)


def test_larger_falls_are_seen_sooner_and_rarer_alarms_later() -> None:
    by_size = [optimal_delay(drop, 52_560.0) for drop in (0.05, 0.1, 0.2, 0.4)]
    assert by_size == sorted(by_size, reverse=True)
    assert optimal_delay(0.1, 262_800.0) > optimal_delay(0.1, 52_560.0)


@pytest.mark.parametrize("drop", [0.0, 1.0, -0.2, 2.0])
def test_what_is_no_fall_is_refused(drop: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        reference(drop)


def test_more_alarms_than_one_interval_allows_are_refused() -> None:
    with pytest.raises(ValueError, match="expected more than"):
        threshold_for(0.5, 2.0)
