"""RSI(14) in Wilder's smoothing, against the worked example that textbooks and sites share."""

from __future__ import annotations

import polars as pl
import pytest

from hashcanary.metrics.catalogue.rsi import rsi14

CLOSES = [
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439,
    46.2122, 46.2521, 45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672,
    43.4205, 42.6628, 43.1314,
]  # fmt: skip
EXPECTED = [
    70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38, 54.71, 50.42, 39.99,
    41.46, 41.87, 45.46, 37.30, 33.08, 37.77,
]  # fmt: skip


def rsi_of(closes: list[float | None]) -> list[float | None]:
    frame = pl.DataFrame({"price.usd": closes}, schema={"price.usd": pl.Float64})
    return rsi14(frame)["value"].to_list()


def test_matches_the_worked_example_to_two_decimals() -> None:
    values = rsi_of([*CLOSES])
    assert values[:14] == [None] * 14
    assert values[14:] == pytest.approx(EXPECTED, abs=0.005)


def test_restarts_after_a_gap_in_prices() -> None:
    values = rsi_of([*CLOSES, None, *CLOSES])
    after = values[len(CLOSES) + 1 :]
    assert values[len(CLOSES)] is None
    assert after[:14] == [None] * 14
    assert after[14:] == pytest.approx(EXPECTED, abs=0.005)


def test_begins_with_the_first_price() -> None:
    values = rsi_of([None, None, *CLOSES])
    assert values[16:] == pytest.approx(EXPECTED, abs=0.005)


def test_is_one_hundred_when_prices_only_rise_and_none_when_they_stand() -> None:
    assert rsi_of([float(day) for day in range(20)])[14:] == [100.0] * 6
    assert rsi_of([5.0] * 20) == [None] * 20
