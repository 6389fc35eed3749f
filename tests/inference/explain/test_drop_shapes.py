"""The shapes of falls and their likelihoods, against dense algebra and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import loggamma, lognorm, multivariate_normal

from hashcanary.inference.explain.causes import read_causes
from hashcanary.inference.explain.profile import locate_drop, log_sum, weighted_quantiles
from hashcanary.inference.explain.shapes import (
    DEPTHS,
    REACH,
    WANDERS,
    Background,
    Shapes,
    Windows,
    depth_prior,
    draw_near,
    windows,
)

CAUSES = read_causes()


def _shapes(*rows: tuple[float, float, float, float, float]) -> Shapes:
    columns = np.array(rows).T
    return Shapes(*columns, log_weight=np.zeros(len(rows)))


def _seen(count: int = 30) -> Windows:
    rng = np.random.default_rng(3)
    end = np.arange(1 - count, 1, dtype=np.float64)
    ints = np.arange(count, dtype=np.int64)
    return Windows(
        now=0.0,
        start=end - 1,
        end=end,
        first=ints,
        last=ints + 1,
        log_rate=46 + rng.normal(0, 0.1, count),
        variance=rng.uniform(0.005, 0.02, count),
        blocks=np.full(count, 144),
    )


def test_the_mean_of_a_shape_over_a_window_is_that_of_its_path() -> None:
    shape = _shapes((20.0, 3.0, 4.0, 5.0, 0.7), (6.0, 10.0, 2.0, 1.0, 0.9))
    start, end = np.array([-25.0, -19.0, -12.0, -4.0]), np.array([-18.0, -18.5, -8.0, 0.0])
    for row, (age, fall, hold, back, returned) in enumerate(
        [(20.0, 3.0, 4.0, 5.0, 0.7), (6.0, 10.0, 2.0, 1.0, 0.9)]
    ):
        for column in range(4):
            t = np.linspace(start[column], end[column], 200_001)
            path = np.clip((t + age) / fall, 0, 1)
            path -= returned * np.clip((t + age - fall - hold) / back, 0, 1)
            expected = np.trapezoid(path, t) / (end[column] - start[column])
            assert shape.over(start, end)[row, column] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("until", [None, 11])
def test_likelihoods_are_those_of_a_dense_normal_law(until: int | None) -> None:
    seen = _seen()
    background = Background(seen)
    shapes = _shapes((12.0, 3.0, 4.0, 5.0, 0.7))
    found = background.fit(shapes.over(seen.start, seen.end), until)
    days = seen.middle - seen.start[0]
    usual = np.average(seen.log_rate, weights=1 / seen.variance)
    for at, wander in enumerate(WANDERS):
        # level, growth and an independent step a bin of three hours
        covariance = 1.0 + np.outer(days, days) * (0.8 / 365.25) ** 2
        covariance += wander**2 * 8 * np.minimum.outer(days, days) + np.diag(seen.variance)
        mean = usual + 0.4 / 365.25 * days
        stop = slice(0, until)
        for depth in (0, 20, 47):
            fallen = mean - DEPTHS[depth] * shapes.over(seen.start, seen.end)[0]
            law = multivariate_normal(fallen[stop], covariance[stop, stop])
            assert found[at, 0, depth] == pytest.approx(law.logpdf(seen.log_rate[stop]))
        law = multivariate_normal(mean[stop], covariance[stop, stop])
        assert background.luck(until)[at] == pytest.approx(law.logpdf(seen.log_rate[stop]))


def test_draws_near_a_place_weigh_what_the_prior_gives_it() -> None:
    cause = CAUSES.real[1]
    rng = np.random.default_rng(5)
    age = 0.25 * (REACH / 0.25) ** rng.random(2_000_000)
    fall = lognorm(cause.fall.spread, scale=cause.fall.median).rvs(age.size, random_state=rng)
    middle = age - fall / 2
    expected = ((middle > 4) & (middle < 9)).mean()
    shapes = draw_near(cause, (4.0, 9.0), REACH)
    assert np.exp(shapes.log_weight).sum() == pytest.approx(expected, rel=0.02)
    assert np.exp(log_sum(depth_prior(cause.depth), (0,))) == pytest.approx(1.0)


def test_depths_have_the_median_that_is_stated() -> None:
    for cause in CAUSES.real:
        share = np.exp(depth_prior(cause.depth))
        lost = -np.expm1(-weighted_quantiles(DEPTHS, share, np.array([0.5]))[0])
        assert lost == pytest.approx(cause.depth.median, rel=0.03)


def test_windows_hold_all_blocks_once_and_are_fine_where_asked(chains: object) -> None:
    from hashcanary.chain.networks import MAIN
    from hashcanary.inference.explain.shapes import observed

    blocks = chains.blocks_from(chains.mined("stormy", 150, 3))  # type: ignore[attr-defined]
    seen = observed(blocks, MAIN)
    fine = windows(seen, (-10.0, -5.0))
    assert fine.blocks.sum() == seen.count.sum()
    assert (fine.start[1:] == fine.end[:-1]).all()
    near = (fine.start > -9.5) & (fine.end < -5.5)
    length = fine.end - fine.start
    assert length[near].max() < 0.6 < np.median(length[~near])
    total = np.sum(np.exp(fine.log_rate) * length) / length.sum()
    assert total == pytest.approx(seen.work.sum() / seen.seconds.sum(), rel=0.02)


@pytest.mark.parametrize("fine", [(-10.0, -5.0), (np.inf, -np.inf)])
@pytest.mark.parametrize("gap", [False, True])
def test_windows_are_as_long_as_they_may_be(
    chains: object, fine: tuple[float, float], gap: bool
) -> None:
    from hashcanary.chain.networks import MAIN
    from hashcanary.inference.explain.shapes import observed

    blocks = chains.blocks_from(chains.mined("stormy", 60, 3))  # type: ignore[attr-defined]
    seen = observed(blocks, MAIN)
    if gap:
        seen = seen.where((np.arange(seen.size) < 200) | (np.arange(seen.size) > 290))
    whole = windows(seen, fine)
    begins = np.searchsorted(seen.first, whole.first)
    ends = np.append(begins[1:], seen.size)
    now = seen.time[-1]
    assert (whole.now, whole.end[-1]) == (now, 0.0)
    # from one window to the next: a gap, another length, or no more room
    near = ((seen.time - now) / 86_400 >= fine[0]) & ((seen.time - now) / 86_400 <= fine[1])
    for at, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        part = seen.where((np.arange(seen.size) >= begin) & (np.arange(seen.size) < end))
        longest = (0.25 if near[begin] else 1.0) * 86_400 * 1.01
        start = seen.start_time[begin]
        assert part.time[-1] - start <= longest or part.size == 1
        assert (part.first[1:] == part.height[:-1]).all()
        assert (near[begin:end] == near[begin]).all()
        if end < seen.size and near[end] == near[begin] and seen.first[end] == part.height[-1]:
            assert seen.time[end] - start > longest
        count = part.count.sum()
        rate = part.work.sum() / part.seconds.sum()
        law = loggamma(count)
        assert whole.blocks[at] == count
        assert whole.log_rate[at] == pytest.approx(law.mean() - np.log(count) + np.log(rate))
        clocks = (part.variance - loggamma(part.count).var()) * part.seconds**2
        expected = law.var() + (clocks[0] + clocks[-1]) / 2 / part.seconds.sum() ** 2
        assert whole.variance[at] == pytest.approx(expected)
        assert whole.start[at] == pytest.approx((start - now) / 86_400)
        assert whole.end[at] == pytest.approx((part.time[-1] - now) / 86_400)
        assert (whole.first[at], whole.last[at]) == (part.first[0], part.height[-1])


def test_a_fall_needs_twenty_days_of_blocks_the_last_of_sixteen_days_ago() -> None:
    from hashcanary.chain.networks import MAIN
    from hashcanary.inference.errors import NoBlocksToObserve, TooFewToExplain
    from hashcanary.inference.explain.shapes import observed
    from hashcanary.inference.filter.observations import Blocks

    def steady(days: float, pause: float = 0.0) -> Blocks:
        """Blocks every ten minutes; with a pause, one more, of a later epoch."""
        size = round(days * 144) + 1
        heights = np.arange(size)
        times = 1_600_000_000 + 600 * np.arange(size)
        if pause:
            heights = np.append(heights, heights[-1] + 3 * 2016)
            times = np.append(times, times[-1] + round(pause * 86_400))
        return Blocks(heights, times, np.full(heights.size, 1e20), np.full(heights.size, np.nan))

    assert observed(steady(20.0), MAIN).count.sum() == 2880
    for few in (steady(19.9), steady(30.0, pause=16.1)):
        with pytest.raises(TooFewToExplain):
            observed(few, MAIN)
    assert observed(steady(30.0, pause=15.9), MAIN).count.sum() == 4320
    # of what is long ago only the last 140 days count
    assert observed(steady(200.0), MAIN).count.sum() == pytest.approx(140 * 144, abs=18)
    with pytest.raises(NoBlocksToObserve):
        observed(steady(0.0), MAIN)


def test_a_storm_is_found_where_it_was() -> None:
    from support.stress_worlds import stress_world

    from hashcanary.chain.networks import MAIN
    from hashcanary.inference.explain.shapes import observed
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.moments import DAY

    found = 0
    deep = [
        one for one in (stress_world("curtailment", seed) for seed in range(60)) if one.depth > 0.25
    ]
    for world in deep:
        record = world.known_at(world.start + 12 * DAY)
        place = locate_drop(observed(blocks_of(record), MAIN), CAUSES)
        found += place.low - 2 < 12 < place.high + 2.5
    assert len(deep) >= 4
    assert found >= len(deep) - 1


def test_a_cause_that_the_blocks_rule_out_is_next_to_impossible_and_no_fault() -> None:
    from support.stress_worlds import stress_world

    from hashcanary.chain.networks import MAIN
    from hashcanary.inference.explain.attribution import drop_factors, pool_factors
    from hashcanary.inference.explain.pool_loss import LOSSES, PoolTables
    from hashcanary.inference.explain.profile import Place, fit_causes, profile_of
    from hashcanary.inference.explain.shapes import observed
    from hashcanary.inference.filter.observations import blocks_of
    from hashcanary.moments import DAY

    world = stress_world("luck", 1)
    seen = observed(blocks_of(world.known_at(world.start + DAY)), MAIN)
    # half over in two months from now: only what falls for months can be under way
    fine, luck, fitted = fit_causes(seen, CAUSES, Place(-60.0, -59.5, {}))
    early, later = drop_factors(luck, fitted)
    assert early["curtailment"] < -500
    assert early["exit"] > -50
    assert all(np.isfinite(one) for one in (*early.values(), *later.values()))
    drop = profile_of(fine, fitted, np.array([0.0, 0.0, 1.0]))
    assert 0 < drop.depth.low < drop.depth.value < drop.depth.high < 1
    flat = np.zeros(LOSSES.size)
    tables = PoolTables(
        0.0, 0.0, flat, {"china": flat, "north-america": flat, "central-asia": flat}
    )
    found = pool_factors(tables, fitted, CAUSES, (-1.0, 0.0))
    for factor in found.factors.values():
        assert factor == pytest.approx(0.0, abs=1e-6)
