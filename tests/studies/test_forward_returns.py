"""Forward returns: what is measured, what is missing and why, and how much evidence it is."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from hashcanary.interval import clopper_pearson
from hashcanary.moments import DAY, day_start
from hashcanary.studies.forward_returns import (
    DailyPrices,
    base_rate,
    forward_return,
    forward_returns,
    non_overlapping,
    summarise,
)

FIRST = day_start(date(2024, 1, 1)) // DAY


def prices(values: list[float | None]) -> DailyPrices:
    days = [(FIRST + index) * DAY for index in range(len(values))]
    return DailyPrices(
        pl.DataFrame(
            {"time": days, "value": values}, schema={"time": pl.Int64, "value": pl.Float64}
        )
    )


def test_return_runs_from_the_days_price_to_that_of_the_horizon() -> None:
    result = forward_return(prices([100.0, 110.0, 150.0]), FIRST, 2)
    assert result.value == pytest.approx(0.5)
    assert result.missing is None


def test_a_horizon_that_is_not_over_says_when_it_will_be() -> None:
    result = forward_return(prices([100.0, 110.0]), FIRST, 30)
    assert result.value is None
    assert result.missing == "ends on 2024-01-31, after the last price (2024-01-02)"


def test_missing_prices_are_named_and_not_carried_over() -> None:
    series = prices([100.0, None, 120.0])
    assert forward_return(series, FIRST, 1).missing == "no price on 2024-01-02"
    assert forward_return(series, FIRST + 1, 1).missing == "no price on 2024-01-02"
    assert forward_return(series, FIRST - 5, 1).missing == "no price on 2023-12-27"


def test_no_prices_at_all_gives_reasons_and_no_numbers() -> None:
    series = prices([])
    assert [r.value for r in forward_returns(series, FIRST)] == [None] * 4
    summary = summarise(series, [FIRST], 30)
    assert (summary.events, summary.measured, summary.independent) == (1, 0, 0)
    assert (summary.mean, summary.rose, summary.base_share) == (None, None, None)


def test_windows_that_touch_do_not_overlap() -> None:
    assert non_overlapping([0, 10, 29, 30, 59, 60], 30) == [0, 3, 5]
    assert non_overlapping([], 30) == []


def test_summary_counts_evidence_apart_from_events() -> None:
    # doubles every 10 days: every return over 10 days is +100%
    series = prices([float(2 ** (day / 10)) for day in range(101)])
    days = [FIRST + day for day in (0, 1, 2, 10, 20, 95)]
    summary = summarise(series, days, 10)
    assert (summary.events, summary.measured, summary.positive) == (6, 5, 5)
    assert summary.independent == 3
    assert summary.mean == pytest.approx(1.0)
    assert summary.median == pytest.approx(1.0)
    assert summary.rose is not None
    assert summary.rose.value == 1.0
    # all of 3: the lower bound solves p^3 = 0.025
    assert summary.rose.ends == (pytest.approx(0.025 ** (1 / 3)), 1.0)
    assert summary.base_share == 1.0
    # 91 starting days hold the starts 0, 10, ..., 90
    assert summary.base_independent == 10


def test_order_of_the_days_does_not_matter() -> None:
    series = prices([float(value) for value in np.linspace(1, 9, 80)])
    days = [FIRST + day for day in (40, 0, 12)]
    assert summarise(series, days, 10) == summarise(series, sorted(days), 10)


def test_base_rate_is_missing_on_a_record_shorter_than_the_horizon() -> None:
    assert base_rate(prices([1.0, 2.0]), 5) == (None, 0)


def test_base_rate_is_missing_where_no_two_prices_lie_a_horizon_apart() -> None:
    assert base_rate(prices([1.0, None, None, 2.0]), 2) == (None, 0)


def test_base_rate_counts_days_that_rose() -> None:
    share, windows = base_rate(prices([1.0, 2.0, 1.0, None, 3.0]), 1)
    assert share == 0.5
    assert windows == 2


def test_exact_interval_is_that_of_r() -> None:
    # R documentation of binom.test(682, 682 + 243): 95 percent confidence interval
    assert clopper_pearson(682, 925) == pytest.approx((0.7076683, 0.7654066), abs=5e-8)


def test_exact_interval_at_none_and_all() -> None:
    # closed forms: 1 - (alpha / 2)^(1 / n), and its mirror image
    bound = 1 - 0.025 ** (1 / 10)
    assert clopper_pearson(0, 10) == (0.0, pytest.approx(bound))
    assert clopper_pearson(10, 10) == (pytest.approx(1 - bound), 1.0)
