"""Hashrate from block headers against the daily hashrate that Coin Metrics publishes.

Coin Metrics: blocks x mean difficulty x 2^32 / 86400, by days of median time past. hashcanary
counts exact work, which is larger by 65536/65535; nothing else differs.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.moments import day_start

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record

EXACT_WORK = 65536 / 65535
TERA, EXA = 1e12, 1e18


def on(results: Metrics, name: str, day: date) -> dict[str, object]:
    return results[name].rows.row(by_predicate=pl.col("time") == day_start(day), named=True)


def beside_coinmetrics(
    results: Metrics, record: Record, name: str, first: date, last: date
) -> pl.DataFrame:
    """Days that rest on blocks, with how far the vendor's figure is from ours, relatively."""
    theirs = record.daily.filter(series="HashRate").select(
        time=pl.col("day").cast(pl.Int64) * 86_400, theirs=pl.col("value") * TERA
    )
    days = results[name].present().filter(basis="blocks").join(theirs, on="time")
    return days.filter(pl.col("time").is_between(day_start(first), day_start(last))).with_columns(
        off=(pl.col("value") / EXACT_WORK / pl.col("theirs") - 1).abs()
    )


def test_every_day_from_2020_to_2026_is_coin_metrics(
    real_results: Metrics, real_record: Record
) -> None:
    days = beside_coinmetrics(
        real_results, real_record, "hashrate.mtp_day", date(2020, 1, 1), date(2026, 2, 2)
    )
    assert days.height == 2225
    # they print ten digits from late 2024 on
    assert days["off"].max() < 1e-8


def test_every_day_of_the_first_years_with_headers_is_coin_metrics(
    real_results: Metrics, real_record: Record
) -> None:
    days = beside_coinmetrics(
        real_results, real_record, "hashrate.mtp_day", date(2009, 1, 9), date(2015, 1, 21)
    )
    assert days.height > 1400
    assert days["off"].max() < 1e-12


def test_by_header_time_the_vendors_day_is_another_on_one_day_in_thirteen(
    real_results: Metrics, real_record: Record
) -> None:
    days = beside_coinmetrics(
        real_results, real_record, "hashrate.day", date(2020, 1, 1), date(2026, 2, 2)
    )
    assert days.height == 2224
    assert (days["off"] > 1e-6).sum() == 165


def test_first_day_of_mining(real_results: Metrics) -> None:
    first = on(real_results, "hashrate.mtp_day", date(2009, 1, 9))
    assert first["value"] == pytest.approx(9.44495122962963e-7 * TERA * EXACT_WORK, rel=1e-12)
    assert on(real_results, "blocks.per_mtp_day", date(2009, 1, 9))["value"] == 19


def test_last_day_of_2025(real_results: Metrics) -> None:
    last = on(real_results, "hashrate.mtp_day", date(2025, 12, 31))
    # 133 blocks at difficulty 148258433855481.3; the printed figure is 1.2e-9 below their product
    assert last["value"] == pytest.approx(980.205573 * EXA * EXACT_WORK, rel=2e-9)
    assert last["value"] == pytest.approx(133 * 148258433855481.3 * 2**32 / 86_400 * EXACT_WORK)
    assert last["effective_blocks"] == pytest.approx(133)


def test_the_storm_day_had_98_blocks(real_results: Metrics) -> None:
    day = date(2026, 1, 24)
    assert on(real_results, "blocks.per_day", day)["value"] == 98
    hashrate = on(real_results, "hashrate.day", day)
    value, low, high = hashrate["value"], hashrate["low"], hashrate["high"]
    assert isinstance(value, float)
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert (low / value - 1, high / value - 1) == pytest.approx((-0.188, 0.219), abs=6e-4)


def test_cores_estimate_is_higher_by_one_interval_in_119(real_results: Metrics) -> None:
    both = (
        real_results["hashrate.core120"]
        .present()
        .select("time", core="value")
        .join(real_results["hashrate.day"].present().select("time", "value"), on="time")
        .filter(pl.col("time") >= day_start(date(2020, 1, 1)))
    )
    assert both.height > 2200
    # against the unbiased mean of the days around, luck averages out and the bias is left
    ratio = (both["core"] / both["value"].rolling_mean(7, center=True)).drop_nulls().mean()
    assert ratio == pytest.approx(120 / 119, abs=0.006)
