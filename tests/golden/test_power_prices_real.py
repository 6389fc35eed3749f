"""ERCOT's real prices, loaded with the whole folder: what computes with them, and what must not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from statistics import median
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.inference.explain.causes import read_pool_regions
from hashcanary.inference.explain.margins import power_at
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

MOMENT = day_start(date(2026, 2, 4))


def _utc_means(path: Path) -> dict[date, float]:
    """Day-ahead means of UTC days with 24 hours, by the standard library alone."""
    hours: dict[date, list[float]] = {}
    texas = ZoneInfo("America/Chicago")
    for day, ends, price, _ in pl.read_parquet(path).iter_rows():
        begin = datetime(day.year, day.month, day.day, ends - 1, tzinfo=texas)
        hours.setdefault(begin.astimezone(UTC).date(), []).append(price)
    return {day: sum(given) / 24 for day, given in hours.items() if len(given) == 24}


def test_the_network_pays_the_median_of_the_grids_last_30_days(
    real_record: Record, real_data: Path
) -> None:
    means = _utc_means(real_data / "power" / "ercot_hb_west_hourly.parquet")
    last = [price for day, price in means.items() if 0 < (date(2026, 2, 4) - day).days <= 30]
    assert len(last) == 30
    prices = read_power_prices()
    (grid,) = prices.grids
    mix = power_mix(prices, MOMENT, real_record.daily)
    (part,) = [one for one in mix.parts if "ercot" in one.title]
    assert part.usd_per_kwh == pytest.approx(median(last) / 1000 + grid.adder)


def test_what_was_known_then_gives_the_same_as_all_that_is_known_now(
    real_record: Record, cut: Cut
) -> None:
    then, prices = cut(real_record, MOMENT), read_power_prices()
    assert power_mix(prices, MOMENT, then.daily) == power_mix(prices, MOMENT, real_record.daily)
    regions, fall = read_pool_regions(), day_start(date(2026, 1, 24))
    whole = power_at(real_record, regions, fall)
    assert str(power_at(then, regions, fall)) == str(whole)
    # the dear day is the third: a record that ends before it does not have it
    before = power_at(cut(real_record, day_start(date(2026, 1, 26))), regions, fall)
    assert before[0].highest < whole[0].highest
    assert whole[0].day == day_start(date(2026, 1, 26))


def test_prices_of_power_beyond_the_blocks_do_not_lengthen_what_is_measured(
    real_record: Record, real_results: Metrics
) -> None:
    power = real_record.daily.filter(vendor="ercot")
    last = real_results.frame("day")["time"].max()
    assert isinstance(last, int)
    assert last < day_start(date(2026, 2, 7))
    assert power["day"].max() == date(2026, 3, 17)
    assert last % DAY == 0
