"""The compiled part of drop detection against integrals, moments and a scan in plain Python."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import gamma

from hashcanary.inference.drops.kernel import evidence_at, log_evidence, scan, shape_and_time
from hashcanary.inference.filter.observations import BIN, VOUCHERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WORK = 1e23
# the part that a fall leaves, and the weight of that size
SIZES = np.array([[0.9, 0.7, 0.5], [0.5, 0.3, 0.2]])
# log rate, its variance, wander variance a bin, drift a bin, its variance, covariance of both
BELIEF = np.array([math.log(2e20), 4e-4, 1e-5, 2e-3, 3e-7, 5e-6])


def test_the_span_is_in_units_of_its_mean_block() -> None:
    # so many seconds a hash as 30 blocks of 600 s take at 2e20 H/s, were every block 1e23 hashes
    blocks, elapsed = 30.0, 30 * 600 / WORK
    _, time = shape_and_time(BELIEF, blocks, WORK, elapsed)
    # the rate grows by the drift, on average for half of the bins
    growth = math.exp(2e-3 * (blocks / BIN) / 2)
    assert time == pytest.approx(elapsed * 2e20 * growth, rel=1e-12)


def test_the_shape_is_that_of_the_mean_rate_over_the_span() -> None:
    bins, steps = 20, 400
    # the mean over the span of level + wander + drift: its variance out of the parts' covariances
    when = (np.arange(bins * steps) + 0.5) / steps
    wander = 1e-5 * np.minimum.outer(when[::8], when[::8]).mean()
    drift = when.mean()
    expected = 4e-4 + wander + 2 * 5e-6 * drift + 3e-7 * drift**2
    seconds = bins * BIN * 600.0
    # a header's clock is off by 300 s, at both ends
    expected += 2 * (300 / seconds) ** 2
    shape, _ = shape_and_time(BELIEF, float(bins * BIN), WORK, seconds / WORK)
    assert 1 / shape == pytest.approx(expected, rel=1e-3)


def test_a_clock_that_ran_backwards_took_no_time_and_is_off_by_its_error() -> None:
    shape, time = shape_and_time(BELIEF, 6.0, WORK, -500 / WORK)
    assert time == 0.0
    bins = 6 / BIN
    variance = 4e-4 + bins * (1e-5 / 3 + 5e-6) + 3e-7 * bins**2 / 4 + 2
    assert 1 / shape == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize(
    ("shape", "blocks", "time"), [(25.0, 12.0, 20.0), (400.0, 40.0, 70.0), (3.0, 2.0, 0.5)]
)
def test_bayes_factors_are_the_ratio_of_integrals_over_the_rate(
    shape: float, blocks: float, time: float
) -> None:
    prior = gamma(shape, scale=1 / shape)

    def likelihood(part: float) -> float:
        def weighted(rate: float) -> float:
            return float(prior.pdf(rate) * (part * rate) ** blocks * math.exp(-part * rate * time))

        whole = quad(weighted, 0, 30, points=(0.5, 1, 2), epsabs=0, epsrel=1e-10, limit=400)
        return float(whole[0])

    out = np.empty(3)
    total = log_evidence(shape, blocks, time, SIZES, out)
    ratios = [math.log(likelihood(part) / likelihood(1.0)) for part in SIZES[0]]
    assert out == pytest.approx(np.array(ratios) + np.log(SIZES[1]), abs=1e-7)
    assert total == pytest.approx(logsumexp(out), rel=1e-12)


def test_evidence_beyond_every_threshold_is_cut() -> None:
    out = np.empty(3)
    total = log_evidence(1e9, 100.0, 5_000.0, SIZES, out)
    # n log p + (1 - p) x is 489 for the first size, and above 500 for the others
    first = 100 * math.log(0.9) + 0.1 * 5_000
    assert out[0] == pytest.approx(first + math.log(0.5), rel=1e-4)
    assert out[1:] == pytest.approx(500 + np.log(SIZES[1, 1:]), rel=1e-12)
    assert total == pytest.approx(logsumexp([out[0], 500 + math.log(0.3 + 0.2)]), rel=1e-12)


def test_evidence_of_one_block_and_size_is_that_of_the_span_before_it() -> None:
    block = np.array([140.0, 90_000 / WORK, WORK, 0.0])
    edges = np.array([[100.0, 60_000 / WORK, *BELIEF], [118.0, 75_000 / WORK, *BELIEF]])
    out = np.empty((2, 3))
    evidence_at(block, edges, SIZES, out)
    for row, (height, clock) in zip(out, edges[:, :2], strict=True):
        # the newest block is not counted, its clock stands in for the one before
        blocks = 140 - height - 1
        shape, time = shape_and_time(BELIEF, blocks, WORK, block[1] - clock)
        expected = np.empty(3)
        log_evidence(shape, blocks, time, SIZES, expected)
        assert row == pytest.approx(expected, rel=1e-12)


def mined(seed: int, slow_from: int, gap_at: int | None = None) -> tuple[Floats, Floats]:
    """240 blocks of 500 s, from one of them on twice as slow; an edge every BIN blocks."""
    rng = np.random.default_rng(seed)
    height = np.arange(1_000, 1_240, dtype=np.float64)
    means = np.where(np.arange(240) < slow_from, 500.0, 1_000.0)
    clock = np.cumsum(rng.exponential(means)) / WORK
    first = np.full(240, 1_000.0)
    if gap_at is not None:
        first[gap_at:] = 1_000.0 + gap_at
    blocks = np.column_stack((height, clock, np.full(240, WORK), first))
    at = np.arange(0, 240, BIN)
    beliefs = np.tile([math.log(WORK / 500), 4e-3, 1e-5, 0.0, 0.0, 0.0], (at.size, 1))
    return blocks, np.column_stack((height[at], clock[at], beliefs))


def plainly(
    blocks: Floats, edges: Floats, earliest: int, ages: list[int], threshold: float
) -> tuple[int, list[float]]:
    """Alarm and statistics, as the docstring of ``scan`` has them."""
    found: list[float] = []
    for place, (height, now, work, first) in enumerate(blocks):
        known = [edge for edge in edges if edge[0] + VOUCHERS <= height]
        total, behind = 0.0, 0
        for age in ages:
            if age > len(known):
                break
            edge = known[-age]
            if edge[0] < max(first, earliest):
                break
            since = height - edge[0] - 1
            shape, time = shape_and_time(edge[2:], since, work, now - edge[1])
            if time > since:
                # an edge stands for those between it and the one before, BIN blocks each
                total += math.exp(log_evidence(shape, since, time, SIZES, np.empty(3))) * (
                    (age - behind) * BIN
                )
            behind = age
        found.append(math.log(total) if total else -math.inf)
        if total >= threshold:
            return place, found
    return -1, found


AGES = [1, 2, 3, 5, 8, 12]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("earliest", "gap_at", "threshold"),
    [(0, None, math.inf), (0, None, 500.0), (1_090, None, 500.0), (0, 100, 500.0)],
)
def test_a_scan_is_the_sum_over_starts(
    seed: int, earliest: int, gap_at: int | None, threshold: float
) -> None:
    blocks, edges = mined(seed, slow_from=120, gap_at=gap_at)
    statistic = np.full(240, np.nan)
    ages = np.array(AGES, dtype=np.int64)
    alarm = scan(0, blocks, edges, earliest, ages, SIZES, threshold, statistic)
    expected, statistics = plainly(blocks, edges, earliest, AGES, threshold)
    assert alarm == expected
    assert (alarm == -1) == math.isinf(threshold)
    seen = statistic[: len(statistics)]
    assert seen == pytest.approx(np.array(statistics), rel=1e-9)
    assert np.isnan(statistic[len(statistics) :]).all()
    assert np.isfinite(statistics).any()
    if alarm >= 0:
        # within half a day of blocks after the rate halved
        assert alarm < 120 + 72


def test_a_scan_goes_on_where_it_is_told_to() -> None:
    blocks, edges = mined(1, slow_from=120)
    whole, rest = np.full(240, np.nan), np.full(240, np.nan)
    ages = np.array(AGES, dtype=np.int64)
    scan(0, blocks, edges, 0, ages, SIZES, np.inf, whole)
    assert scan(100, blocks, edges, 0, ages, SIZES, np.inf, rest) == -1
    assert np.isnan(rest[:100]).all()
    assert rest[100:] == pytest.approx(whole[100:], rel=1e-12)


def test_an_alarm_is_raised_at_the_threshold_itself() -> None:
    blocks, edges = mined(2, slow_from=120)
    statistic = np.full(240, np.nan)
    ages = np.array(AGES, dtype=np.int64)
    scan(0, blocks, edges, 0, ages, SIZES, np.inf, statistic)
    _, statistics = plainly(blocks, edges, 0, AGES, math.inf)
    place = int(np.flatnonzero(np.array(statistics) > math.log(50.0))[0])
    just = math.exp(statistics[place])
    for threshold, later in ((just * (1 - 1e-9), 0), (just * (1 + 1e-9), 1)):
        alarm = scan(0, blocks, edges, 0, ages, SIZES, threshold, np.empty(240))
        assert (alarm > place) == bool(later)


def test_blocks_that_came_fast_say_nothing() -> None:
    blocks, edges = mined(5, slow_from=240)
    # twice as fast as believed
    edges[:, 2] -= math.log(2)
    statistic = np.zeros(240)
    ages = np.array([1], dtype=np.int64)
    assert scan(0, blocks, edges, 0, ages, SIZES, 1e9, statistic) == -1
    assert np.isneginf(statistic[:VOUCHERS]).all()
    assert np.isneginf(statistic).mean() > 0.9
