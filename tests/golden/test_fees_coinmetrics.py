"""Daily fees from block stats against Coin Metrics, and what it says about their day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.moments import day_start

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record

WINTER_2025 = day_start(date(2025, 8, 12))


def beside_coinmetrics(results: Metrics, record: Record, name: str) -> pl.DataFrame:
    """Rows computed from blocks alone, with the vendor's figure of the same day."""
    theirs = record.daily.filter(series="FeeTotNtv").select(
        time=pl.col("day").cast(pl.Int64) * 86_400, theirs="value"
    )
    ours = results[name].rows.filter(basis="blocks").drop_nulls("value")
    return ours.join(theirs, on="time").with_columns(
        equal=(pl.col("value") - pl.col("theirs")).abs() < 5e-9
    )


def test_fees_by_median_time_past_are_coin_metrics_on_172_of_173_days(
    real_results: Metrics, real_record: Record
) -> None:
    days = beside_coinmetrics(real_results, real_record, "fees.mtp_btc")
    last_run = days.filter(pl.col("time") >= WINTER_2025)
    assert (last_run.height, last_run["equal"].sum()) == (173, 172)


def test_fees_by_median_time_past_are_coin_metrics_in_every_run_of_block_stats(
    real_results: Metrics, real_record: Record
) -> None:
    days = beside_coinmetrics(real_results, real_record, "fees.mtp_btc")
    paid = days.filter(pl.col("theirs") > 0)
    assert paid.height > 440
    assert (~paid["equal"]).sum() <= 1


def test_fees_by_header_time_are_not(real_results: Metrics, real_record: Record) -> None:
    days = beside_coinmetrics(real_results, real_record, "fees.btc")
    last_run = days.filter(pl.col("time") >= WINTER_2025)
    assert last_run.height > 170
    assert last_run["equal"].sum() == 0


def test_fees_of_a_week_are_those_luxor_reported(real_results: Metrics) -> None:
    # Hashrate Index roundup of Monday 12 January 2026: 17 BTC of fees over the past week
    week = real_results["fees.btc"].rows.filter(
        pl.col("time").is_between(day_start(date(2026, 1, 5)), day_start(date(2026, 1, 11)))
    )
    assert week.height == 7
    assert week["value"].sum() == pytest.approx(17, abs=0.5)


def test_fee_share_of_january_2026_is_between_the_quoted_bounds(real_results: Metrics) -> None:
    january = pl.col("time").is_between(day_start(date(2026, 1, 1)), day_start(date(2026, 1, 31)))
    fees = real_results["fees.btc"].rows.filter(january)["value"].sum()
    reward = real_results["revenue.btc"].rows.filter(january)["value"].sum()
    assert 0.005 < fees / reward < 0.008
    daily = real_results["fees.share"].rows.filter(january)["value"]
    ratio = real_results["fees.to_subsidy"].rows.filter(january)["value"]
    assert ((ratio - daily / (1 - daily)).abs() < 1e-12).all()


def test_fees_rest_on_the_vendor_where_blocks_do_not_show_them_and_say_so(
    real_results: Metrics,
) -> None:
    day = day_start(date(2024, 4, 20))
    row = real_results["fees.btc"].rows.filter(time=day)
    assert row["basis"].to_list() == ["vendor"]
    # the press put the fees of the halving day at 1,258 BTC; the vendor's day is an hour earlier
    assert row["value"][0] == pytest.approx(1258, rel=0.05)
