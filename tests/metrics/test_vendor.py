"""Which vendor's row, and which market's close, stands for a day, and since when."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from support.records import record

from hashcanary.metrics.chain_columns import NEVER, ChainColumns, chain_columns
from hashcanary.metrics.vendor import (
    VendorDays,
    daily_price,
    since_revised,
    vendor_series,
    vendor_turn,
)

DAY = 86_400
FIRST = 20_000
STARTS = (FIRST + np.arange(3)) * DAY
ENDS = STARTS + DAY


def daily(*rows: tuple[int, float | None, int], **columns: str) -> pl.DataFrame:
    """A series by (number of the day among STARTS, value, seconds it was known after its end)."""
    return pl.DataFrame(
        {
            "day": [date(1970, 1, 1) + timedelta(FIRST + day) for day, _, _ in rows],
            "vendor": columns.get("vendor", "coinmetrics"),
            "series": columns.get("series", "PriceUSD"),
            "value": pl.Series([value for _, value, _ in rows], dtype=pl.Float64),
            "known_at": [(FIRST + day + 1) * DAY + late for day, _, late in rows],
        }
    )


def candles(*rows: tuple[str, int, int, float, int]) -> pl.DataFrame:
    """Candles by (market, interval, seconds from the first day to its end, close, delay)."""
    ends = [FIRST * DAY + end for _, _, end, _, _ in rows]
    return pl.DataFrame(
        {
            "market": [market for market, *_ in rows],
            "interval": [interval for _, interval, *_ in rows],
            "open_time": [end - row[1] for end, row in zip(ends, rows, strict=True)],
            "close": [close for *_, close, _ in rows],
            "known_at": [end + row[4] for end, row in zip(ends, rows, strict=True)],
        },
        schema_overrides={"interval": pl.Int64, "open_time": pl.Int64, "known_at": pl.Int64},
    )


def live_until(*times: int) -> ChainColumns:
    """A chain of blocks known at these moments."""
    blocks = pl.DataFrame(
        {
            "height": range(len(times)),
            "time": times,
            "bits": [0x1D00FFFF] * len(times),
            "median_time_past": times,
            "total_fee": [0] * len(times),
            "known_at": times,
        },
        schema_overrides=dict.fromkeys(
            ("time", "median_time_past", "known_at", "total_fee"), pl.Int64
        ),
    )
    return chain_columns(record(blocks, daily(), candles()))


def values(days: VendorDays) -> list[float | None]:
    return [None if np.isnan(value) else value for value in days.value.tolist()]


def test_a_series_stands_on_its_days_and_what_lies_around_them_is_left() -> None:
    rows = daily((-1, 9.0, 0), (0, 1.0, 0), (2, 3.0, 50), (3, 9.0, 0))
    series = vendor_series(rows, "PriceUSD", STARTS)
    assert values(series) == [1.0, None, 3.0]
    assert series.known_at.tolist() == [ENDS[0], NEVER, ENDS[2] + 50]
    assert series.first.tolist() == series.known_at.tolist()


def test_a_figure_said_to_be_known_within_its_day_is_known_at_the_days_end() -> None:
    series = vendor_series(daily((1, 5.0, -3600)), "PriceUSD", STARTS)
    assert series.known_at.tolist() == [NEVER, ENDS[1], NEVER]


def test_a_revised_figure_keeps_the_moment_of_its_first() -> None:
    rows = daily((1, 5.0, 9 * DAY)).with_columns(first_known_at=pl.lit(int(ENDS[1]) + 7))
    series = vendor_series(rows, "PriceUSD", STARTS)
    assert series.known_at[1] == ENDS[1] + 9 * DAY
    assert series.first[1] == ENDS[1] + 7


@pytest.mark.parametrize(
    "rows",
    [
        daily((0, None, 0)),
        daily((0, 1.0, 0), vendor="another"),
        daily((0, 1.0, 0), series="BlkCnt"),
        daily(),
    ],
    ids=["null", "another vendor's", "another series", "none"],
)
def test_what_is_no_figure_of_the_series_gives_nothing(rows: pl.DataFrame) -> None:
    series = vendor_series(rows, "PriceUSD", STARTS)
    assert values(series) == [None] * 3
    assert series.known_at.tolist() == series.first.tolist() == [NEVER] * 3


def test_no_days_give_no_figures() -> None:
    assert vendor_series(daily((0, 1.0, 0)), "PriceUSD", STARTS[:0]).value.size == 0
    price, known_at = daily_price(
        daily((0, 1.0, 0)), candles(("btcusd", DAY, DAY, 2.0, 0)), STARTS[:0]
    )
    assert price.size == known_at.size == 0


@pytest.mark.parametrize(
    ("blocks", "waited"),
    [
        # a block known 24 hours before the day's end is no longer live, a second later it is
        ([0], 0),
        ([1], DAY),
        ([0, DAY // 2], DAY),
        # one known at the day's end still counts, what was known after it does not
        ([DAY], DAY),
        ([DAY + 1], 0),
        ([0, DAY + 1], 0),
        ([], 0),
    ],
)
def test_blocks_have_a_day_more_where_the_chain_was_live_in_the_last_24_hours(
    blocks: list[int], waited: int
) -> None:
    chain = live_until(*(FIRST * DAY + known for known in blocks))
    turn = vendor_turn(chain, STARTS[:1], ENDS[:1])
    assert turn.tolist() == [ENDS[0] + waited]


def test_the_vendor_is_waited_for_and_may_never_come() -> None:
    chain = live_until(int(STARTS[0]) + 1)
    vendor_known_at = np.array([ENDS[0] + 3 * DAY, NEVER, ENDS[2] + 5])
    turn = vendor_turn(chain, STARTS, vendor_known_at)
    assert turn.tolist() == [ENDS[0] + 3 * DAY, NEVER, ENDS[2] + 5]


def test_a_day_is_known_since_the_last_revision_of_a_figure_it_may_use() -> None:
    turn = np.array([100, 100, 100, 100])

    def figures(first: list[int], known_at: list[int]) -> VendorDays:
        return VendorDays(np.zeros(4), np.array(known_at), np.array(first))

    count = figures(first=[90, 100, 101, 90], known_at=[150, 160, 170, 95])
    issued = figures(first=[90, 90, 90, 200], known_at=[140, 180, 120, 210])
    assert since_revised(turn, [count, issued]).tolist() == [150, 180, 120, 100]


def test_the_market_that_was_known_first_gives_the_price() -> None:
    price, known_at = daily_price(
        daily((0, 10.0, 60), (1, 11.0, 60), (2, 12.0, 60)),
        candles(
            ("btcusd", DAY, 0, 1.0, 0),
            ("btcusd", DAY, DAY, 2.0, 59),
            ("btcusd", DAY, 2 * DAY, 3.0, 60),
            ("btcusd", DAY, 3 * DAY, 4.0, 61),
            ("btcusd", DAY, 4 * DAY, 5.0, 0),
        ),
        STARTS,
    )
    assert price.tolist() == [2.0, 11.0, 12.0]
    assert known_at.tolist() == [ENDS[0] + 59, ENDS[1] + 60, ENDS[2] + 60]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("btcusdt_perp", DAY, 5), ("btcusdt", DAY, 6)),
        (("btcusdt", 3600, 5), ("btcusdt_perp", DAY, 5)),
        (("xbt-usd", DAY, 5), ("btc-usd", 3600, 5)),
        (("btcusd", DAY, 5), ("btcusdt", DAY, 5)),
    ],
    ids=["known sooner", "spot before swap", "longer before shorter", "by name"],
)
def test_of_two_closes_of_a_day_the_first_in_precedence_is_taken(
    first: tuple[str, int, int], second: tuple[str, int, int]
) -> None:
    rows = [
        (market, interval, DAY, close, delay)
        for close, (market, interval, delay) in ((1.0, first), (2.0, second))
    ]
    for ordered in (rows, rows[::-1]):
        price, known_at = daily_price(daily(), candles(*ordered), STARTS)
        assert price[0] == 1.0
        assert known_at[0] == ENDS[0] + 5


@pytest.mark.parametrize("market", ["btcusd", "exchange_XBT/USDT_1d", "btc-usdc", "BTC_USD_swap"])
def test_markets_of_bitcoin_against_dollars_give_a_price(market: str) -> None:
    price, _ = daily_price(daily(), candles((market, DAY, DAY, 7.0, 0)), STARTS)
    assert price[0] == 7.0


@pytest.mark.parametrize(
    ("market", "interval", "end"),
    [
        ("btceur", DAY, DAY),
        ("wbtcusd", DAY, DAY),
        ("btcusdx", DAY, DAY),
        ("cme_btcusd", DAY, DAY),
        ("btcusd_inverse", DAY, DAY),
        ("btcusd", 7 * DAY, DAY),
        ("btcusd", 3600, DAY + 3600),
    ],
)
def test_other_markets_longer_candles_and_other_hours_give_none(
    market: str, interval: int, end: int
) -> None:
    price, known_at = daily_price(daily(), candles((market, interval, end, 7.0, 0)), STARTS)
    assert np.isnan(price).all()
    assert (known_at == NEVER).all()


def test_a_close_said_to_be_known_before_its_candle_ends_is_known_at_its_end() -> None:
    _, known_at = daily_price(daily(), candles(("btcusd", DAY, DAY, 7.0, -60)), STARTS)
    assert known_at[0] == ENDS[0]


def test_another_vendors_price_counts_where_nothing_was_known_before() -> None:
    mine = daily((0, 10.0, 0), (1, 11.0, 9 * DAY))
    others = daily(*((at, 20.0 + at, DAY) for at in range(3)), vendor="glassnode")
    value, known_at = daily_price(pl.concat([mine, others]), record().candles, STARTS)
    # on the second day the other vendor was first, and a later word does not change it
    assert value.tolist() == [10.0, 21.0, 22.0]
    assert known_at.tolist() == [ENDS[0], ENDS[1] + DAY, ENDS[2] + DAY]
