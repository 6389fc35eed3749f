"""Limits hold as often as they say, on simulated blocks of known hashrate; edges do not break."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2, gamma

from hashcanary.metrics.catalogue import blocks, hashrate
from hashcanary.metrics.intervals import (
    TAIL,
    fixed_count,
    fixed_count_ratio,
    gamma_quantile,
    rate_ratio,
    weighted_poisson,
)

DAY = 86_400
PATHS = 20_000


@pytest.mark.parametrize("level", [TAIL, 1 - TAIL, 0.3])
def test_gamma_quantiles_of_columns_are_scipys(level: float) -> None:
    shapes = np.concatenate([np.geomspace(0.3, 1e7, 4001), [16.0, 1e5, 144.0]])
    assert gamma_quantile(shapes, level) == pytest.approx(gamma.ppf(level, shapes), rel=1e-12)


def test_gamma_quantiles_of_no_shape_are_missing() -> None:
    found = gamma_quantile(np.array([np.nan, 0.0, -1.0, 144.0]), 0.025)
    assert np.isnan(found).tolist() == [True, True, True, False]


def share(low: np.ndarray, truth: float, high: np.ndarray) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(840_000)


@pytest.mark.parametrize("ratio", [0.9, 1.0, 1.12, 2.0])
def test_limits_across_a_retarget_hold_at_least_as_often_as_they_say(
    ratio: float, rng: np.random.Generator
) -> None:
    before, after = rng.poisson(80, PATHS), rng.poisson(64 / ratio, PATHS)
    total = before + after * ratio
    low, high = weighted_poisson(total, before + after * ratio**2, np.full(PATHS, max(1.0, ratio)))
    held = share(low, 80 + 64, high)
    assert 0.948 < held < 0.98


def test_limits_of_a_fixed_number_of_blocks_hold_as_often_as_they_say(
    rng: np.random.Generator,
) -> None:
    count = np.full(PATHS, 144.0)
    low, high = fixed_count(count, rng.gamma(144, 1.0, PATHS))
    assert share(low, 1.0, high) == pytest.approx(0.95, abs=0.006)


def test_limits_of_a_ratio_hold_as_often_as_they_say(rng: np.random.Generator) -> None:
    first, second = rng.poisson(98, PATHS) * 1.0, rng.poisson(140, PATHS) * 1.0
    low, high = rate_ratio(first, first, second, second)
    assert 0.945 < share(low, 98 / 140, high) < 0.97


def test_limits_of_a_ratio_of_epochs_hold_as_often_as_they_say(rng: np.random.Generator) -> None:
    count = np.full(PATHS, 2015.0)
    first, second = (2014 / rng.gamma(2015, 1 / rate, PATHS) for rate in (0.8, 1.0))
    low, high = fixed_count_ratio(first, count, second, count)
    assert share(low, 0.8, high) == pytest.approx(0.95, abs=0.006)


def day(works: list[list[float]]) -> pl.DataFrame:
    """Days with blocks of the given works."""
    return pl.DataFrame(
        {
            "blocks.work": [float(sum(one)) for one in works],
            "blocks.work_squared": [float(sum(work**2 for work in one)) for one in works],
            "blocks.work_max": [float(max(one, default=5.0)) for one in works],
        }
    )


def test_hashrate_of_a_day_is_work_over_time() -> None:
    found = hashrate.mean_rate("blocks", 1)(day([[5.0] * 144]))
    assert found["value"].item() == 144 * 5 / DAY
    assert found["effective_blocks"].item() == 144


def test_hashrate_over_days_is_of_the_windows_totals() -> None:
    found = hashrate.mean_rate("blocks", 3)(day([[5.0] * 100, [5.0] * 150, [10.0] * 80]))
    assert found["value"].to_list() == [None, None, pytest.approx((1250 + 800) / (3 * DAY))]
    # 2050^2 / (250 x 25 + 80 x 100): blocks of unequal work say less than their number
    assert found["effective_blocks"][2] == pytest.approx(2050**2 / 14_250)


def test_a_day_without_blocks_has_a_hashrate_of_nothing_bounded_from_above() -> None:
    found = hashrate.mean_rate("blocks", 1)(day([[]]))
    assert (found["value"].item(), found["low"].item()) == (0.0, 0.0)
    # Garwood's upper limit of no event is 3.689
    assert found["high"].item() == pytest.approx(3.689 * 5 / DAY, rel=1e-3)
    assert found["effective_blocks"].item() == 0


def test_a_missing_day_leaves_its_windows_missing() -> None:
    frame = pl.concat([day([[5.0] * 9] * 4), day([[5.0]]).select(pl.all().replace(5.0, None))])
    frame = pl.concat([frame, day([[5.0] * 9] * 3)])
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) != 4).then(pl.all()))
    found = hashrate.mean_rate("blocks", 3)(frame)
    assert found["value"].is_null().to_list() == [True, True, *[False] * 2, *[True] * 3, False]
    assert found["low"].is_null().to_list() == found["value"].is_null().to_list()


def test_the_estimate_over_an_epoch_is_unbiased(rng: np.random.Generator) -> None:
    rate, work, intervals = 1e6, 4.3e9, 50.0
    spans = rng.gamma(intervals, work / rate, PATHS)
    frame = pl.DataFrame({"epoch.span": spans}).with_columns(
        pl.lit(intervals).alias("epoch.intervals"), pl.lit(work).alias("epoch.block_work")
    )
    estimate = hashrate.epoch_rate(frame)["value"].mean()
    assert estimate == pytest.approx(rate, rel=3 * 0.15 / np.sqrt(PATHS))


def test_the_mean_interval_of_a_day_has_the_counts_limits() -> None:
    found = blocks.day_interval(pl.DataFrame({"blocks.count": [144.0, 0.0, None]}))
    assert found["value"].to_list() == [600.0, None, None]
    assert found["low"].to_list() == [pytest.approx(600 / 1.177, rel=1e-3), None, None]
    assert found["high"].to_list() == [pytest.approx(600 / 0.843, rel=1e-3), None, None]


def test_the_mean_interval_of_an_epoch_rests_on_2015_intervals() -> None:
    frame = pl.DataFrame({"epoch.span": [1_361_485.0], "epoch.intervals": [2015.0]})
    found = blocks.epoch_interval(frame)
    assert found["value"].item() == pytest.approx(675.67, abs=0.01)
    assert found["low"].item() < found["value"].item() < found["high"].item()


def test_mean_intervals_of_days_have_garwoods_limits() -> None:
    counts = [144, 1, 98, 0]
    made = blocks.day_interval(pl.DataFrame({"blocks.count": counts}))
    for row, count in zip(made.rows(named=True), counts, strict=True):
        if count:
            assert row["value"] == pytest.approx(86_400 / count)
            # F. Garwood (1936): half a chi-squared variate of 2 n, of 2 n + 2 degrees of freedom
            assert row["high"] == pytest.approx(86_400 * 2 / chi2.ppf(0.025, 2 * count), rel=1e-6)
            assert row["low"] == pytest.approx(
                86_400 * 2 / chi2.ppf(0.975, 2 * count + 2), rel=1e-6
            )
        else:
            assert row["value"] is None


def test_mean_intervals_of_epochs_have_the_gammas_limits() -> None:
    frame = pl.DataFrame({"epoch.span": [1_209_000, 1_300_000], "epoch.intervals": [2015, 2015]})
    for row, span in zip(
        blocks.epoch_interval(frame).rows(named=True), (1_209_000, 1_300_000), strict=True
    ):
        assert row["value"] == pytest.approx(span / 2015)
        assert row["low"] == pytest.approx(2 * span / chi2.ppf(0.975, 2 * 2015), rel=1e-6)
        assert row["high"] == pytest.approx(2 * span / chi2.ppf(0.025, 2 * 2015), rel=1e-6)


def test_blocks_are_counted_as_they_stand() -> None:
    frame = pl.DataFrame({"mtp.count": [3, None], "epoch.first_height": [0, 2016]})
    assert blocks.BLOCKS_PER_MTP_DAY.compute(frame)["value"].to_list() == [3, None]
    ends = frame.with_columns(pl.Series("epoch.last_height", [2015, 4031]))
    assert blocks.BLOCKS_PER_EPOCH.compute(ends)["value"].to_list() == [2016, 2016]
