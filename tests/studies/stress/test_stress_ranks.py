"""Ranks among the days before, against counting by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.studies.stress.gauge import cuts_before, ranks_before


def brute(values: np.ndarray, asked: np.ndarray, window: int, fewest: int) -> np.ndarray:
    found = np.full(asked.shape, np.nan)
    for day in range(values.size):
        before = values[max(day - window, 0) if window else 0 : day]
        before = before[np.isfinite(before)]
        if before.size < fewest:
            continue
        for column, one in enumerate(asked[day]):
            if np.isfinite(one):
                lower, equal = (before < one).sum(), (before == one).sum()
                found[day, column] = (lower + equal / 2) / before.size
    return found


def test_ranks_by_hand() -> None:
    values = np.array([1.0, 3.0, 2.0, 3.0, 0.0, 3.0])
    found = ranks_before(values, values[:, None], window=0, fewest=2)[:, 0]
    # 2 among 1, 3; 3 among 1, 2, 3 (itself tied: half); 0 below all four; 3 among 0 1 2 3 3
    expected = [np.nan, np.nan, 1 / 2, (2 + 1 / 2) / 3, 0.0, (3 + 2 / 2) / 5]
    np.testing.assert_allclose(found, expected)


def test_a_window_forgets() -> None:
    values = np.array([9.0, 1.0, 1.0, 5.0])
    # of the two days before the last: both 1
    assert ranks_before(values, values[:, None], window=2, fewest=1)[3, 0] == 1.0
    assert ranks_before(values, values[:, None], window=3, fewest=1)[3, 0] == pytest.approx(2 / 3)


@pytest.mark.parametrize("window", [0, 1, 7, 60, 500])
@pytest.mark.parametrize("fewest", [1, 5, 40])
def test_ranks_equal_counting(window: int, fewest: int) -> None:
    rng = np.random.default_rng([window, fewest])
    values = np.round(rng.normal(size=300), 1)  # many are equal
    values[rng.random(300) < 0.2] = np.nan
    asked = np.stack([values, values + 0.1, np.round(rng.normal(size=300), 1)], axis=1)
    found = ranks_before(values, asked, window, fewest)
    np.testing.assert_allclose(found, brute(values, asked, window, fewest), rtol=0, atol=1e-15)


def test_later_days_change_no_rank() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=400)
    whole = ranks_before(values, values[:, None], 100, 30)
    for end in (150, 299):
        early = ranks_before(values[:end], values[:end, None], 100, 30)
        np.testing.assert_array_equal(early, whole[:end])


def test_cuts_are_quantiles_of_the_days_before() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=200)
    values[rng.random(200) < 0.3] = np.nan
    quantiles = (0.0, 0.5, 0.8, 0.95, 1.0)
    found = cuts_before(values, quantiles, fewest=20)
    for day in range(200):
        before = values[:day][np.isfinite(values[:day])]
        if before.size < 20:
            assert np.isnan(found[:, day]).all()
        else:
            np.testing.assert_allclose(found[:, day], np.quantile(before, quantiles), rtol=1e-12)
