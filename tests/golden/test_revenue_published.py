"""Issuance, revenue, hashvalue and thermocap of the real record against published figures."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.moments import day_start

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record


def on(results: Metrics, name: str, day: date) -> float:
    rows = results[name].rows.filter(time=day_start(day))
    assert rows.height == 1
    value = rows["value"][0]
    assert isinstance(value, float)
    return value


def test_issuance_in_dollars_is_coin_metrics(real_results: Metrics, real_record: Record) -> None:
    theirs = real_record.daily.filter(series="IssTotUSD").select(
        time=pl.col("day").cast(pl.Int64) * 86_400, theirs="value"
    )
    ours = real_results["issuance.usd"].rows.filter(basis="blocks").drop_nulls("value")
    ratio = (both := ours.join(theirs, on="time"))["value"] / both["theirs"] - 1
    assert both.height > 3500
    # a day by median time past is the same blocks shifted by five: counts differ only where
    # header times run backwards over midnight
    assert (ratio.abs() < 1e-9).mean() > 0.99
    assert ratio.abs().mean() < 1e-4


def test_hashvalue_is_luxors_of_12_january_2026(real_results: Metrics) -> None:
    # Hashrate Index roundup: 0.00043143 BTC per PH/s per day on that Monday, fees over 144 blocks
    assert on(real_results, "hashvalue", date(2026, 1, 11)) == pytest.approx(0.00043143, rel=0.002)
    assert on(real_results, "hashvalue.subsidy", date(2026, 1, 11)) == pytest.approx(
        0.00042919, rel=1e-4
    )
    # and $39.53 per PH/s per day at its moment's price of $91,132
    hashprice = on(real_results, "hashprice", date(2026, 1, 12))
    assert hashprice * 91_132 / on(real_results, "price", date(2026, 1, 12)) == pytest.approx(
        39.53, rel=0.01
    )


def test_hashvalue_of_the_epoch_before_is_luxors(real_results: Metrics) -> None:
    # same roundup: 0.00042676 a week before, at difficulty 148.26T
    assert on(real_results, "hashvalue", date(2026, 1, 4)) == pytest.approx(0.00042676, rel=0.003)


def test_realised_hashprice_agrees_with_the_difficulty_form(real_results: Metrics) -> None:
    # the number of blocks cancels: what remains is that 2^32 is short of exact work by 1.5e-5
    both = (
        real_results["hashprice"]
        .rows.select("time", form="value")
        .join(real_results["hashprice.realised"].present(), on="time")
        .drop_nulls("form")
    )
    assert both.height > 5000
    assert ((both["value"] / both["form"] - 1).abs() < 1e-4).all()
    assert ((both["low"] < both["value"]) & (both["value"] < both["high"])).all()


def test_revenue_of_the_storm_is_what_the_press_reported(real_results: Metrics) -> None:
    # CoinDesk, 2026-01-31, from CryptoQuant: from about $45 million on January 22 to $28 million
    # two days later
    assert on(real_results, "revenue.usd", date(2026, 1, 22)) == pytest.approx(45e6, rel=0.02)
    assert on(real_results, "revenue.usd", date(2026, 1, 24)) == pytest.approx(28e6, rel=0.03)


def test_puell_marks_the_lows_the_press_named(real_results: Metrics) -> None:
    # Glassnode's chart: below 0.5 at the lows of December 2018 and of late 2022,
    # above 4 at the tops of late 2013 and December 2017
    assert on(real_results, "puell", date(2018, 12, 7)) < 0.5
    assert on(real_results, "puell", date(2022, 11, 21)) < 0.5
    assert on(real_results, "puell", date(2013, 11, 30)) > 4
    assert on(real_results, "puell", date(2017, 12, 17)) > 4


def test_thermocap_never_falls_and_fees_only_add(real_results: Metrics) -> None:
    plain = real_results["thermocap"].present()
    with_fees = real_results["thermocap.with_fees"].present()
    assert (plain["value"].diff().drop_nulls() >= 0).all()
    joined = plain.join(with_fees, on="time", suffix="_fees")
    assert (joined["value_fees"] >= joined["value"]).all()
    # 3,439,200 BTC had been issued when the first price was paid, by Coin Metrics' count
    assert plain["unpriced_btc"][-1] == pytest.approx(3_439_200, rel=1e-4)


def test_supply_is_the_schedules(real_results: Metrics) -> None:
    # block 840,000 was mined early on 2024-04-20: 19,687,500 BTC before it, 3.125 a block since
    before = on(real_results, "supply.btc", date(2024, 4, 19))
    after = on(real_results, "supply.btc", date(2024, 4, 20))
    assert before < 19_687_500 < after
    assert (after - 19_687_500) % 3.125 == 0


def test_pow_floor_follows_its_formula_at_147t(real_results: Metrics) -> None:
    # about 47,156 USD at a mean difficulty of 147T and full issuance
    value = on(real_results, "pow_floor", date(2026, 2, 1))
    assert value == pytest.approx(47_156, rel=0.03)
