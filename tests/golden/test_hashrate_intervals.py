"""Limits of hashrate against published tables of exact Poisson, gamma and binomial limits."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.metrics.intervals import (
    fixed_count,
    fixed_count_ratio,
    rate_ratio,
    weighted_poisson,
)

DIFFICULTY_148T = 6.367e23


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(
    ("blocks", "low", "high"),
    [
        (98, -0.188, 0.219),
        (108, -0.180, 0.207),
        (144, -0.157, 0.177),
        (1008, -0.061, 0.064),
        (2016, -0.043, 0.045),
    ],
)
def test_limits_of_a_fixed_time_relative_to_the_count(blocks: int, low: float, high: float) -> None:
    work = DIFFICULTY_148T
    found = weighted_poisson(one(blocks * work), one(blocks * work**2), one(work))
    expected = [blocks * work * (1 + low), blocks * work * (1 + high)]
    assert np.concatenate(found) == pytest.approx(expected, rel=6e-4)


@pytest.mark.parametrize(("count", "low", "high"), [(144, 0.8433, 1.1698), (2016, 0.9568, 1.0441)])
def test_limits_of_a_fixed_number_of_blocks(count: int, low: float, high: float) -> None:
    # with n intervals that add up to a scaled time of n, the rate of most likelihood is 1
    found = np.concatenate(fixed_count(one(count), one(count)))
    assert found == pytest.approx([low, high], abs=5e-5)


@pytest.mark.parametrize(
    # Garwood's table as printed in E. S. Pearson and H. O. Hartley, Biometrika Tables, table 40
    ("count", "low", "high"),
    [(0, 0.0, 3.69), (1, 0.0253, 5.57), (5, 1.62, 11.67), (10, 4.80, 18.39), (20, 12.22, 30.89)],
)
def test_limits_of_few_blocks_are_garwoods_table(count: int, low: float, high: float) -> None:
    found = np.concatenate(weighted_poisson(one(count), one(count), one(1.0)))
    assert found == pytest.approx([low, high], abs=5e-3)


def test_limits_of_unequal_weights_are_those_published_for_fay_and_feuers_example() -> None:
    # Down syndrome by maternal age, fifth and later births (Stark and Mantell 1966, Fleiss 1981
    # table 14.4), the example of Fay and Feuer 1997; limits as R's dsrTest prints them
    cases = np.array([0, 8, 63, 112, 262, 295])
    births = np.array([327, 30_666, 123_419, 149_919, 104_088, 34_392])
    standard = np.array([319_933, 931_318, 786_511, 488_235, 237_863, 61_313])
    weights = standard / (births * standard.sum()) * 1e5
    rate = float((weights * cases).sum())
    assert rate == pytest.approx(75.52901, abs=5e-6)
    low, high = weighted_poisson(
        one(rate), one(float((weights**2 * cases).sum())), one(weights.max())
    )
    assert (low[0], high[0]) == pytest.approx((67.70212, 188.30017), abs=5e-6)


@pytest.mark.parametrize(
    # Clopper and Pearson's limits of a share, as tables of the binomial print them
    ("first", "second", "low", "high"),
    [(5, 5, 0.1871, 0.8129), (9, 1, 0.5550, 0.9975)],
)
def test_limits_of_a_ratio_are_clopper_and_pearsons(
    first: int, second: int, low: float, high: float
) -> None:
    found = np.concatenate(rate_ratio(one(first), one(first), one(second), one(second)))
    assert found / (1 + found) == pytest.approx([low, high], abs=5e-5)


def test_limits_of_a_ratio_of_gamma_rates_are_fishers_f() -> None:
    # 97.5% point of F with 20 and 20 degrees of freedom: 2.464 in every table
    first, second = one(10.0), one(10.0)
    low, high = fixed_count_ratio(one(1.0), first, one(1.0), second)
    assert high[0] == pytest.approx(2.464, abs=5e-4)
    assert low[0] == pytest.approx(1 / 2.464, abs=1e-4)
