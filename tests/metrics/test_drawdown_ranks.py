"""Drawdowns on small series done by hand, and against a plain walk over every row."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from hashcanary.metrics import intervals
from hashcanary.metrics.catalogue.drawdown import fall_from_peak

DAY = 86_400


def drawdown(rates: list[float | None], blocks: float = 144.0) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "time": [row * DAY for row in range(len(rates))],
            "rate": rates,
            "blocks": [blocks] * len(rates),
        },
        schema_overrides={"rate": pl.Float64},
    )
    return fall_from_peak("rate", "blocks", intervals.rate_ratio)(frame)


RATES = [10.0, 8.0, 9.0, 10.0, 5.0, 20.0, 19.0, 4.0, 12.0, 30.0, 29.0, 28.5, 18.0]


def test_fall_is_from_the_running_peak() -> None:
    falls = drawdown(RATES)["value"]
    expected = [0, -0.2, -0.1, 0, -0.5, 0, -0.05, -0.8, -0.4, 0, -1 / 30, -0.05, -0.4]
    assert falls.to_list() == pytest.approx(expected)


def test_the_peak_is_the_latest_row_that_reached_it() -> None:
    peaks = (drawdown(RATES)["peak_time"] // DAY).to_list()
    assert peaks == [0, 0, 0, 3, 3, 5, 5, 5, 5, 9, 9, 9, 9]


def test_depth_is_the_deepest_so_far_and_never_of_later_rows() -> None:
    depths = drawdown(RATES)["depth"].to_list()
    assert depths[:5] == [None, pytest.approx(-0.2), pytest.approx(-0.2), None, -0.5]
    assert depths[6:9] == pytest.approx([-0.05, -0.8, -0.8])


def test_rank_is_among_the_drawdowns_so_far() -> None:
    found = drawdown(RATES)
    assert found["rank"].to_list() == [
        *(None, 1, 1),
        *(None, 1),
        *(None, 3, 1, 1),
        *(None, 4, 4, 3),
    ]
    assert found["drawdowns"].to_list() == [0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4]


def test_deepest_since_is_the_latest_row_at_least_as_deep() -> None:
    since = drawdown(RATES)["deepest_since"]
    days = [None if at is None else at // DAY for at in since]
    assert days == [None, None, 1, None, None, None, 4, None, 7, None, 8, 8, 8]


def test_the_last_bit_of_a_sum_makes_no_drawdown() -> None:
    same = math.nextafter(1.0, 0.0)
    found = drawdown([1.0, same, 0.5])
    assert found["value"].to_list() == [0.0, 0.0, -0.5]
    assert found["peak_time"].to_list() == [0, DAY, DAY]
    assert found["drawdowns"].to_list() == [0, 0, 1]


def test_missing_rows_stay_missing_and_the_peak_outlives_them() -> None:
    found = drawdown([10.0, None, 8.0])
    assert found["value"].to_list() == [0.0, None, pytest.approx(-0.2)]
    assert found["peak_time"].to_list() == [0, None, 0]
    assert drawdown([None, None])["value"].to_list() == [None, None]


def test_at_its_peak_a_rate_is_compared_with_itself() -> None:
    top = drawdown(RATES).filter(pl.col("value") == 0)
    assert set(top["low"]) == set(top["high"]) == {0.0}


def test_a_fall_within_luck_has_limits_on_both_sides_of_nothing() -> None:
    lucky = drawdown([10.0, 8.0], blocks=144.0)
    assert lucky["low"][1] < -0.2 < 0 < lucky["high"][1]
    real = drawdown([10.0, 8.0], blocks=4320.0)
    assert real["low"][1] < -0.2 < real["high"][1] < 0


@pytest.mark.parametrize("seed", range(5))
def test_ranks_and_dates_are_those_of_a_plain_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = np.exp(np.cumsum(rng.normal(0.003, 0.05, 400))).round(3).tolist()
    found = drawdown(rates)
    past: list[float] = []
    deepest, peak = 0.0, rates[0]
    for row, rate in enumerate(rates):
        if rate >= peak:
            past += [deepest] if deepest < 0 else []
            deepest, peak = 0.0, rate
        fall = round(rate / peak - 1, 12)
        deepest = min(deepest, fall)
        here = found.row(row, named=True)
        assert here["value"] == fall
        if fall < 0:
            assert here["depth"] == deepest
            assert here["rank"] == 1 + sum(one < deepest for one in past)
            deeper = [at for at in range(row) if found["value"][at] <= fall]
            assert here["deepest_since"] == (deeper[-1] * DAY if deeper else None)
