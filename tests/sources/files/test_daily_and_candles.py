"""Vendors' daily series and candles."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from hashcanary.errors import UsageError
from hashcanary.sources.catalogue.candles import market_of
from hashcanary.sources.errors import BadValue, MissingOption
from hashcanary.sources.facts import CANDLES, DAILY_REFERENCE
from hashcanary.sources.files.reading import read
from hashcanary.sources.source import Options

Write = Callable[[str, str | bytes], Path]
HEADER = "date,open,high,low,close,volume\n"


def _daily(days: list[date]) -> str:
    return HEADER + "".join(f"{day},10,12,9,11,3\n" for day in days)


def _days(first: str, count: int, weekdays: set[int]) -> list[date]:
    start = date.fromisoformat(first)
    all_days = [start + timedelta(days=step) for step in range(count)]
    return [day for day in all_days if day.isoweekday() in weekdays]


def _midnight(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_daily_value_is_known_when_its_day_is_over(write: Write) -> None:
    text = (
        "time,asset,PriceUSD,HashRate,TxCnt\n2024-01-01,btc,42000.5,5e8,\n2024-01-03,btc,,6e8,7\n"
    )
    parsed = read(write("cm.csv", text))
    frame = parsed.facts[0].frame
    assert frame.schema == DAILY_REFERENCE.schema
    assert sorted(frame.select("day", "series", "value").rows()) == [
        (date(2024, 1, 1), "HashRate", 5e8),
        (date(2024, 1, 1), "PriceUSD", 42000.5),
        (date(2024, 1, 3), "HashRate", 6e8),
        (date(2024, 1, 3), "TxCnt", 7.0),
    ]
    assert frame["known_at"].max() == _midnight("2024-01-04")
    assert parsed.coverage.gaps == ("2024-01-02",)


def test_real_daily_values_are_those_of_the_file(real_data: Path) -> None:
    path = real_data / "daily" / "coinmetrics_btc_20200101_20260205.csv"
    frame = read(path).facts[0].frame
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for series in ("PriceUSD", "HashRate", "FeeTotNtv", "NVT_Tx_Basis"):
        theirs = [float(row[series]) for row in rows if row[series]]
        ours = frame.filter(pl.col("series") == series).sort("day")["value"].to_list()
        assert ours == theirs
    # Coin Metrics' hashrate of 2025-12-31: 133 blocks at difficulty 148258433855481.3.
    known = frame.filter(series="HashRate", day=date(2025, 12, 31))["value"].item()
    assert known == pytest.approx(133 * 148258433855481.3 * 2**32 / 86400 / 1e12, rel=1e-8)


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"], 3600),
        (["2024-01-01 00:00:00", "2024-01-01 00:15:00"], 900),
        (["2024-01-01T01:00:00+01:00", "2024-01-01T02:00:00+01:00"], 3600),
        (["1704067200", "1704070800"], 3600),
        (["1704067200000", "1704070800000"], 3600),
        (["2024-01-01", "2024-01-02"], 86400),
    ],
)
def test_times_in_any_usual_form_mean_the_same_moment(
    times: list[str], interval: int, write: Write
) -> None:
    rows = "".join(f"{time},10,12,9,11,3\n" for time in times)
    frame = read(write("c.csv", HEADER.replace("date", "timestamp") + rows)).facts[0].frame
    assert frame.schema == CANDLES.schema
    assert frame["open_time"][0] == _midnight("2024-01-01")
    assert frame["interval"].to_list() == [interval] * 2
    assert frame["known_at"].to_list() == (frame["open_time"] + interval).to_list()


def test_a_market_is_named_by_the_user_or_the_file(write: Write) -> None:
    path = write("btcusd_spot.csv", _daily(_days("2024-01-01", 3, {1, 2, 3})))
    assert read(path).facts[0].frame["market"][0] == "btcusd_spot"
    assert any("named after the file" in note for note in read(path).coverage.notes)
    named = read(path, None, Options(market="BTC-USD"))
    assert named.facts[0].frame["market"][0] == "BTC-USD"


def test_a_single_candle_needs_its_interval_said(write: Write) -> None:
    path = write("c.csv", HEADER + "2024-01-01,10,12,9,11,3\n")
    with pytest.raises(MissingOption, match="--interval"):
        read(path)
    assert read(path, None, Options(interval=86400)).facts[0].frame["interval"][0] == 86400


def test_an_interval_that_the_spacing_denies_is_refused(write: Write) -> None:
    path = write("c.csv", _daily(_days("2024-01-01", 3, {1, 2, 3})))
    with pytest.raises(BadValue, match=r"line 3.*multiples of 5 days"):
        read(path, None, Options(interval=5 * 86400))
    for wrong in (0, -3600):
        with pytest.raises(UsageError, match="--interval"):
            read(path, None, Options(interval=wrong))


def test_days_of_rest_are_no_gaps_but_a_missing_working_day_is(write: Write) -> None:
    days = _days("2024-01-01", 28, {1, 2, 3, 4, 5})
    days.remove(date(2024, 1, 15))  # a Monday
    coverage = read(write("stock.csv", _daily(days))).coverage
    assert coverage.gaps == ("2024-01-15",)
    assert any("no candles on Saturday, Sunday" in note for note in coverage.notes)


def test_a_missing_day_of_a_market_that_never_rests_is_a_gap(write: Write) -> None:
    days = _days("2024-01-01", 28, {1, 2, 3, 4, 5, 6, 7})
    del days[10:12]
    assert read(write("spot.csv", _daily(days))).coverage.gaps == ("2024-01-11 to 2024-01-12",)


def test_sessions_dated_by_their_evening_are_known_a_day_later(write: Write) -> None:
    parsed = read(write("cme.csv", _daily(_days("2024-01-01", 28, {7, 1, 2, 3, 4}))))
    frame = parsed.facts[0].frame
    assert (frame["known_at"] - frame["open_time"]).unique().to_list() == [2 * 86400]
    assert any("evening" in note for note in parsed.coverage.notes)


def test_real_cme_closes_are_those_of_the_day_after_their_date(real_data: Path) -> None:
    """The spot market says which day a CME candle closed on: its close is nearer to the next day's
    prices than to the date it bears.
    """
    cme = read(real_data / "ohlcv" / "cme_btc_front_month_daily.csv").facts[0].frame
    spot = read(real_data / "ohlcv" / "btcusdt_spot_daily.csv").facts[0].frame
    closes = dict(spot.select("open_time", "close").iter_rows())
    same, following = [], []
    for opened, close in cme.select("open_time", "close").iter_rows():
        same.append(abs(math.log(close / closes[opened])))
        following.append(abs(math.log(close / closes.get(opened + 86400, closes[opened]))))
    assert sorted(following)[len(following) // 2] < sorted(same)[len(same) // 2] / 2


def test_real_markets_without_rest_have_no_gaps(real_data: Path) -> None:
    for name, interval in (
        ("btcusdt_perp_1h.parquet", 3600),
        ("btcusdt_perp_15m.parquet", 900),
        ("btcusdt_spot_daily.csv", 86400),
    ):
        parsed = read(real_data / "ohlcv" / name)
        assert parsed.coverage.gaps == ()
        assert parsed.facts[0].frame["interval"].unique().to_list() == [interval]


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("BTC-USD.csv", "BTC-USD"),
        ("BTC-USD (1).csv", "BTC-USD"),
        ("BTC-USD (12) - Copy.csv", "BTC-USD"),
        ("Copy of btcusd_1d.parquet", "btcusd_1d"),
        ("btcusd copy 2.csv", "btcusd"),
        ("(1).csv", "(1)"),
        ("BTC (perpetual).csv", "BTC (perpetual)"),
    ],
)
def test_a_second_download_is_of_the_same_market(name: str, market: str) -> None:
    assert market_of(name) == market
