"""What a chain's times and targets are cut into, and what wrong clocks and gaps do to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hashcanary.chain.networks import MAIN
from hashcanary.inference.filter.observations import BIN, Blocks, observe

WORK = 4.0e9
FIRST = 2016 * 100


def chain(times: np.ndarray, first: int = FIRST) -> Blocks:
    size = times.size
    heights = np.arange(first, first + size, dtype=np.int64)
    return Blocks(heights, times.astype(np.int64), np.full(size, WORK), np.full(size, np.nan))


def steady(count: int, first: int = FIRST) -> Blocks:
    return chain(1_600_000_000 + 600 * np.arange(count), first)


def pick(blocks: Blocks, keep: np.ndarray) -> Blocks:
    return Blocks(blocks.height[keep], blocks.time[keep], blocks.work[keep], blocks.change[keep])


def test_bins_of_eighteen_end_at_multiples_of_eighteen() -> None:
    seen = observe(steady(2016 + 10), MAIN)
    assert (seen.height[:-1] % BIN == 0).all()
    assert seen.size == 2016 // BIN + 1
    assert seen.height[-1] == FIRST + 2025
    assert seen.count[-1] == 9


def test_a_bins_log_rate_and_variance_are_those_of_a_log_gamma_variate() -> None:
    seen = observe(steady(200), MAIN)
    law = stats.loggamma(BIN)
    # log(sum of 18 exponentials) has the mean and variance scipy gives of loggamma(18)
    assert seen.log_rate[3] == pytest.approx(law.mean() - np.log(BIN * 600 / WORK))
    clocks = 2 * 300.0**2 / (BIN * 600) ** 2
    assert seen.variance[3] == pytest.approx(law.var() + clocks)


def test_the_tip_of_fewer_than_six_blocks_says_nothing() -> None:
    seen = observe(steady(18 * 4 + 1 + 5), MAIN)
    assert seen.count[-1] == 0
    assert np.isnan(seen.log_rate[-1])
    assert observe(steady(18 * 4 + 1 + 6), MAIN).count[-1] == 6


def test_a_gap_inside_an_epoch_is_observed_as_one_span() -> None:
    blocks = steady(400)
    with_gap = pick(blocks, (blocks.height < FIRST + 60) | (blocks.height >= FIRST + 300))
    seen = observe(with_gap, MAIN)
    across = int(np.flatnonzero(seen.first == FIRST + 59)[0])
    assert seen.height[across] == FIRST + 300
    assert seen.count[across] == 241
    assert seen.step[across] == pytest.approx(241 / 18)
    assert seen.work[across] / seen.seconds[across] == pytest.approx(WORK / 600, rel=1e-3)


def test_a_gap_of_unknown_work_is_not_observed() -> None:
    blocks = steady(2016 * 4)
    with_gap = pick(blocks, (blocks.height < FIRST + 60) | (blocks.height >= FIRST + 6000))
    seen = observe(with_gap, MAIN)
    across = int(np.flatnonzero(seen.first == FIRST + 59)[0])
    assert seen.count[across] == 0
    assert seen.step[across] == pytest.approx((6000 - 59) / 18)


def test_across_a_retarget_each_block_counts_with_its_own_work() -> None:
    blocks = steady(2016 + 30)
    work = np.where(blocks.height >= FIRST + 2016, 3 * WORK, WORK)
    seen = observe(replace(blocks, work=work), MAIN)
    across = int(np.flatnonzero(seen.height == FIRST + 2016)[0])
    assert seen.work[across] == pytest.approx(17 * WORK + 3 * WORK)


@pytest.mark.parametrize("off", [7200, -3600])
def test_one_wrong_clock_at_an_edge_hardly_moves_two_bins(off: int) -> None:
    blocks = steady(400)
    times = blocks.time.copy()
    edge = int(np.flatnonzero(blocks.height % BIN == 0)[8])
    times[edge] += off
    right, wrong = observe(blocks, MAIN), observe(replace(blocks, time=times), MAIN)
    at = int(np.flatnonzero(right.index == edge)[0])
    # 7200 s of 10800 would be a rate off by 40 and by 200%; two neighbours' times bound it
    assert abs(wrong.time[at] - right.time[at]) <= 1200
    assert (wrong.variance[at : at + 2] > right.variance[at : at + 2]).all()
    others = np.ones(right.size, dtype=bool)
    others[at : at + 2] = False
    np.testing.assert_array_equal(wrong.log_rate[others], right.log_rate[others])


def test_equal_and_disordered_times_give_finite_wide_observations() -> None:
    rng = np.random.default_rng(3)
    flat = chain(np.full(200, 1_600_000_000))
    disordered = chain(1_600_000_000 + rng.permutation(200) * 600)
    for blocks in (flat, disordered):
        seen = observe(blocks, MAIN)
        some = seen.count > 0
        assert np.isfinite(seen.log_rate[some]).all()
        assert (seen.variance[some] > 0).all()
    assert (observe(flat, MAIN).variance > 1).all()


def test_the_log_rate_is_unbiased_and_its_variance_right_on_simulated_blocks() -> None:
    rng = np.random.default_rng(11)
    arrivals = 1_600_000_000 + np.cumsum(rng.exponential(600, 18 * 4000))
    seen = observe(chain(arrivals + rng.normal(0, 60, arrivals.size)), MAIN)
    error = seen.log_rate[:-1] - np.log(WORK / 600)
    assert abs(error.mean()) < 4 * error.std() / error.size**0.5
    assert error.var() <= seen.variance[:-1].mean() * 1.05
    assert error.var() >= seen.variance[:-1].mean() * 0.90


@pytest.mark.parametrize(("after", "settled"), [(10, False), (11, True), (17, True)])
def test_an_edge_is_settled_when_eleven_blocks_stand_after_it(after: int, settled: bool) -> None:
    seen = observe(steady(18 * 4 + 1 + after), MAIN)
    last = int(np.flatnonzero(seen.height == FIRST + 72)[0])
    assert bool(seen.settled[last]) == settled
    assert seen.settled[:last].all()
    # the tip itself never is
    assert not seen.settled[-1]


def test_before_a_gap_everything_is_settled() -> None:
    blocks = steady(400)
    kept = (blocks.height <= FIRST + 75) | (blocks.height >= FIRST + 300)
    seen = observe(pick(blocks, kept), MAIN)
    before = seen.height <= FIRST + 75
    assert seen.settled[before].all()
    across = int(np.flatnonzero(seen.first == FIRST + 75)[0])
    # the span over the gap ends at the first block of the new run, with others after it
    assert seen.height[across] == FIRST + 300
    assert seen.settled[across]
    few = (blocks.height <= FIRST + 75) | (
        blocks.height.clip(FIRST + 300, FIRST + 310) == blocks.height
    )
    tip = observe(pick(blocks, few), MAIN)
    # ten blocks after it: one of them may still tell another time
    assert not tip.settled[int(np.flatnonzero(tip.height == FIRST + 300)[0])]
