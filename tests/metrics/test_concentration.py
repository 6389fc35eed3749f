"""Concentration against hand-made cases, brute force, and as often right as it says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.metrics.concentration import hhi, nakamoto, share_limits

TODAY = (0.29, 0.166, 0.117, 0.107, 0.106, 0.046, 0.042, 0.035, 0.018, 0.017, 0.012, 0.01)
SHARES = {
    "as in 2026": TODAY,
    "three above a half by a hair": (0.3, 0.2, 0.105, 0.104, 0.1, 0.09, 0.05),
    "four equal": (0.25, 0.25, 0.25, 0.2),
    "ten equal": (0.1,) * 10,
    "a majority of one": (0.52, 0.2, 0.1, 0.05),
}
PATHS = 3000


def drawn(shares: tuple[float, ...], blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of blocks by known pool; the rest of the shares is unknown."""
    rng = np.random.default_rng(7)
    counts = rng.multinomial(blocks, (*shares, 1 - sum(shares)), PATHS)
    return counts[:, :-1], np.full(PATHS, blocks)


def held(low: np.ndarray, truth: float, high: np.ndarray) -> float:
    return float(((low <= truth) & (truth <= np.where(np.isnan(high), np.inf, high))).mean())


def test_the_index_of_ten_blocks_by_hand() -> None:
    # 6 and 4 of 10 blocks: (6 x 5 + 4 x 3) / (10 x 9); with 5 unknown more: 42 / (15 x 14)
    value, low, high = hhi(np.array([[6, 4], [6, 4]]), np.array([10, 15]))
    assert value == pytest.approx([42 / 90, 42 / 210])
    assert np.all(low < value)
    assert np.all(value < high)


def test_limits_of_the_index_by_hand() -> None:
    # shares 0.6 and 0.4 of 10: squares 0.52, cubes 0.28; Simpson's variance is
    # (4 x 8 x (0.28 - 0.52^2) + 2 x (0.52 - 0.52^2)) / 90 = 0.00896, times apart by
    # exp(1.96 x 0.09466 / 0.46667) = 1.48818
    _, low, high = hhi(np.array([[6, 4], [3, 1]]), np.array([10, 4]))
    assert (low[0], high[0]) == pytest.approx((0.313582, 0.694484), rel=2e-5)
    # of 4 blocks 3 and 1: 0.5 and 2.83 times more, but no index is above one
    assert (low[1], high[1]) == pytest.approx((0.5 / 2.8281, 1.0), rel=1e-3)


@pytest.mark.parametrize(
    # Pascal's row of 20: P(X <= 5) = 2.07%, P(X <= 6) = 5.8%, P(X >= 15) = 2.07%,
    # P(X >= 16) = 0.591%, P(X >= 17) = 0.129%
    ("pools", "low", "high"),
    [
        ([6, 6, 6], 1, 3),
        ([5, 5, 5], 2, None),
        ([15], 1, None),  # 2.5% / 2
        ([16], 1, 1),
        ([8, 8], 1, 2),  # 2.5% / 4
        ([8, 7], 1, None),
        ([8, 8, 1], 1, 3),  # 2.5% / 4 / 3 for two of three, 2.5% / 8 for all
        ([20], 1, 1),
        ([10, 10], 1, 2),
    ],
)
def test_limits_of_the_coefficient_by_hand(pools: list[int], low: int, high: int | None) -> None:
    _, lower, upper = nakamoto(np.array([pools]), np.array([20]))
    assert lower[0] == low
    assert (None if np.isnan(upper[0]) else upper[0]) == high


def test_windows_are_judged_each_by_itself() -> None:
    rows = [[0, 0, 0], [51, 30, 19], [10, 10, 10], [30, 20, 20]]
    value, _, _ = nakamoto(np.array(rows), np.array([0, 100, 100, 100]))
    assert np.array_equal(value, [np.nan, 1.0, np.nan, 3.0], equal_nan=True)


def test_one_pool_that_finds_everything_has_an_index_of_one() -> None:
    assert np.concatenate(hhi(np.array([[12]]), np.array([12]))) == pytest.approx([1, 1, 1])


def test_fewer_than_two_blocks_have_no_index() -> None:
    assert np.isnan(np.concatenate(hhi(np.array([[1], [0]]), np.array([1, 0])))).all()


@pytest.mark.parametrize(
    ("pools", "total", "fewest"),
    [
        ([30, 20, 20, 10], 100, 3),
        ([50, 30, 20], 100, 2),  # a half is not more than a half
        ([51, 30, 19], 100, 1),
        ([20, 20], 100, None),  # the known pools have no majority
        ([0, 0], 0, None),
    ],
)
def test_the_coefficient_by_hand(pools: list[int], total: int, fewest: int | None) -> None:
    value, low, _ = nakamoto(np.array([pools]), np.array([total]))
    assert (None if np.isnan(value[0]) else value[0]) == fewest
    assert np.isnan(low[0]) == (fewest is None)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=7), st.integers(0, 40))
def test_the_coefficient_is_that_of_every_choice_tried(pools: list[int], unknown: int) -> None:
    total = sum(pools) + unknown
    value, low, high = (float(one[0]) for one in nakamoto(np.array([pools]), np.array([total])))
    tried = [
        size
        for size in range(1, len(pools) + 1)
        if any(2 * sum(some) > total for some in combinations(pools, size))
    ]
    assert value == tried[0] if tried else np.isnan(value)
    if tried:
        assert 1 <= low <= value
        assert np.isnan(high) or value <= high <= len(pools)


@pytest.mark.parametrize(
    # 95% limits of Clopper and Pearson in every table of the binomial
    ("count", "total", "low", "high"),
    [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1)],
)
def test_limits_of_a_share(count: int, total: int, low: float, high: float) -> None:
    found = np.concatenate(share_limits(np.array([count]), np.array([total])))
    assert found == pytest.approx([low, high], abs=5e-5)


@pytest.mark.parametrize("blocks", [144, 1008, 4320])
def test_the_index_is_unbiased_and_its_limits_hold_as_often_as_they_say(blocks: int) -> None:
    pools, total = drawn(TODAY, blocks)
    truth = sum(share**2 for share in TODAY)
    value, low, high = hhi(pools, total)
    assert value.mean() == pytest.approx(truth, abs=4 * value.std() / np.sqrt(PATHS))
    assert held(low, truth, high) == pytest.approx(0.95, abs=0.015)
    # the plain sum of squares is too large by (1 - index) / blocks
    plain = ((pools / blocks) ** 2).sum(axis=1).mean()
    assert plain - truth > 0.5 * (1 - truth) / blocks


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize("blocks", [144, 1008, 4320])
def test_limits_of_the_coefficient_hold_at_least_as_often_as_they_say(
    shares: tuple[float, ...], blocks: int
) -> None:
    pools, total = drawn(shares, blocks)
    largest = np.cumsum(sorted(shares, reverse=True))
    truth = int(np.argmax(largest > 0.5 + 1e-12)) + 1
    value, low, high = nakamoto(pools, total)
    # a window whose known pools have no majority by luck makes no claim
    claimed = ~np.isnan(value)
    assert held(low[claimed], truth, high[claimed]) > 0.945


@pytest.mark.parametrize("share", [0.003, 0.05, 0.3])
def test_limits_of_a_share_hold_at_least_as_often_as_they_say(share: float) -> None:
    counts = np.random.default_rng(11).binomial(1008, share, 20_000)
    low, high = share_limits(counts, np.full(counts.size, 1008))
    assert 0.947 < held(low, share, high) < 0.995


def test_where_no_pool_found_two_blocks_the_index_may_be_anything() -> None:
    value, low, high = hhi(np.array([[1, 1, 0]]), np.array([4]))
    assert (value[0], low[0], high[0]) == (0.0, 0.0, 1.0)
