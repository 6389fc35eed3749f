"""The verdict's thresholds against luck itself: Poisson blocks of a network that never changes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hashcanary.report.verdict import DEEPER_THAN_LUCK, INVERTED_DAYS

PATHS, DAYS, WARM = 1500, 790, 365


def mean_of_days(rate: NDArray[np.float64], days: int) -> NDArray[np.float64]:
    total = np.cumsum(rate, axis=1)
    return (total[:, days:] - total[:, :-days]) / days


@pytest.fixture(scope="module")
def constant() -> NDArray[np.float64]:
    """Hashrate by day, in units of its true and constant value."""
    return np.random.default_rng(7).poisson(144, (PATHS, DAYS)) / 144


def test_luck_goes_deeper_than_the_threshold_on_about_one_day_in_fifty(
    constant: NDArray[np.float64],
) -> None:
    mean = mean_of_days(constant, 30)
    fall = (mean / np.maximum.accumulate(mean, axis=1) - 1)[:, WARM:]
    share = float((fall < -DEEPER_THAN_LUCK).mean())
    assert 0.012 < share < 0.030
    assert -0.039 < float(np.median(fall)) < -0.033


def test_luck_inverts_the_ribbons_eleven_times_a_year_and_under_three_times_for_a_week() -> None:
    growth = np.exp(np.log(1.3) / 365 * np.arange(DAYS))
    rate = np.random.default_rng(8).poisson(144, (PATHS, DAYS)) / 144 * growth
    inverted = mean_of_days(rate, 30)[:, 30:] < mean_of_days(rate, 60)
    edges = np.diff(inverted.astype(np.int8), axis=1, prepend=0, append=0)
    starts, ends = np.nonzero(edges == 1), np.nonzero(edges == -1)
    lengths = ends[1] - starts[1]
    years = PATHS * inverted.shape[1] / 365
    assert 2.2 < float((lengths >= INVERTED_DAYS).sum()) / years < 3.0
    assert 9.5 < float(lengths.size) / years < 12.0
