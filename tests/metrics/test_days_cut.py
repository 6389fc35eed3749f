"""Days cut from small chains made by hand: which blocks, from when on final, across which gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.metrics.inputs import BASE_INPUTS
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
EASY, HARD = 0x1D00FFFF, 0x1C7FFF80  # difficulty 1 and 2
WORK_OF_EASY = 0x100010001
NOON = DAY // 2

BLOCK_COLUMNS = ("height", "time", "bits", "median_time_past", "total_fee")


def chain(
    times: Sequence[int], first: int = 0, bits: int | Sequence[int] = EASY, fee: int | None = 0
) -> pl.DataFrame:
    heights = np.arange(first, first + len(times))
    return blocks_at(heights.tolist(), times, bits, fee)


def blocks_at(
    heights: Sequence[int],
    times: Sequence[int],
    bits: int | Sequence[int] = EASY,
    fee: int | None = 0,
) -> pl.DataFrame:
    median, known = median_time_past(np.array(times), np.array(heights))
    frame = pl.DataFrame({"height": heights, "time": times}, schema_overrides={"time": pl.Int64})
    return frame.with_columns(
        bits=pl.lit(bits, dtype=pl.Int64) if isinstance(bits, int) else pl.Series(bits),
        median_time_past=pl.when(pl.Series(known)).then(pl.Series(median)),
        total_fee=pl.lit(fee, dtype=pl.Int64),
        known_at=pl.col("time").cum_max(),
    )


def daily(rows: Sequence[tuple[int, str, float]], delay: int = 0) -> pl.DataFrame:
    """Vendor rows of (day since 1970, series, value), known ``delay`` seconds after midnight."""
    return pl.DataFrame(
        [
            {
                "day": day,
                "vendor": "coinmetrics",
                "series": series,
                "value": value,
                "known_at": (day + 1) * DAY + delay,
            }
            for day, series, value in rows
        ],
        schema={
            "day": pl.Int32,
            "vendor": pl.String,
            "series": pl.String,
            "value": pl.Float64,
            "known_at": pl.Int64,
        },
    ).with_columns(pl.col("day").cast(pl.Date))


def candles(rows: Sequence[tuple[str, int, int, float]]) -> pl.DataFrame:
    """Rows of (market, interval, open time, close)."""
    return pl.DataFrame(
        rows,
        schema={
            "market": pl.String,
            "interval": pl.Int64,
            "open_time": pl.Int64,
            "close": pl.Float64,
        },
        orient="row",
    ).with_columns(known_at=pl.col("open_time") + pl.col("interval"))


def record(
    blocks: pl.DataFrame | None = None,
    days: pl.DataFrame | None = None,
    prices: pl.DataFrame | None = None,
    at: int | None = None,
) -> Record:
    tables = (
        chain([]) if blocks is None else blocks,
        daily([]) if days is None else days,
        candles([]) if prices is None else prices,
    )
    if at is not None:
        tables = tuple(table.filter(pl.col("known_at") <= at) for table in tables)
    return Record(at, "a moment", MAIN, False, *tables)


def days_of(given: Record) -> pl.DataFrame:
    return metrics_of(given).frame("day", BASE_INPUTS["day"])


def epochs_of(given: Record) -> pl.DataFrame:
    return metrics_of(given).frame("epoch", BASE_INPUTS["epoch"])


def row(given: Record, day: int) -> dict[str, object]:
    return days_of(given).row(by_predicate=pl.col("time") == day * DAY, named=True)


def every_hour(first_day: int, days: float, offset: int = 0) -> list[int]:
    start = first_day * DAY
    return list(range(start + offset, int(start + days * DAY), 3600))


def test_a_day_counts_the_blocks_of_its_header_times() -> None:
    made = record(chain(every_hour(100, 4)))
    assert row(made, 101)["blocks.count"] == 24
    assert row(made, 101)["blocks.work"] == 24 * WORK_OF_EASY
    assert row(made, 101)["blocks.issuance_btc"] == 24 * 50


def test_a_block_whose_header_time_runs_backwards_counts_on_its_own_day() -> None:
    times = every_hour(100, 4)
    at = times.index(102 * DAY)
    times[at] -= 1800  # mined first on day 102, stamped on day 101: above its parent's median
    made = record(chain(times))
    assert row(made, 101)["blocks.count"] == 25
    assert row(made, 102)["blocks.count"] == 23


def test_by_median_time_past_a_day_is_five_blocks_later() -> None:
    times = every_hour(100, 4)
    made = record(chain(times, bits=[EASY] * 53 + [HARD] * (len(times) - 53)))
    # the median of eleven hourly blocks is the time of the sixth, so height 53 opens day 102
    assert row(made, 102)["mtp.difficulty_mean"] == pytest.approx(2.0)
    assert row(made, 101)["mtp.difficulty_mean"] == 1.0
    assert row(made, 101)["blocks.difficulty_mean"] == 1.0
    assert row(made, 102)["blocks.difficulty_mean"] < 2.0


def test_a_day_is_final_once_median_time_past_has_reached_its_end() -> None:
    times = every_hour(100, 2.3)
    made = record(chain(times))
    # the sixth block after the midnight block has the midnight block's time as its median
    assert row(made, 100)["blocks.count.known_at"] == 101 * DAY + 5 * 3600
    assert row(made, 101)["blocks.count.known_at"] == 102 * DAY + 5 * 3600


def test_the_last_day_is_absent_until_it_is_final() -> None:
    times = every_hour(100, 2.3)
    blocks = chain(times)
    final_at = 102 * DAY + 5 * 3600
    assert row(record(blocks, at=final_at - 1), 101)["blocks.count"] is None
    assert row(record(blocks, at=final_at), 101)["blocks.count"] == 24
    assert row(record(blocks), 102)["blocks.count"] is None


def test_a_chain_from_genesis_counts_its_first_day_and_days_without_blocks() -> None:
    times = [1000, *every_hour(3, 2)]
    made = record(chain(times))
    assert [row(made, day)["blocks.count"] for day in (0, 1, 2, 3)] == [1, 0, 0, 24]
    # the target at the time bounds the rate of an empty day
    assert row(made, 1)["blocks.work_max"] == WORK_OF_EASY
    assert row(made, 1)["blocks.last_height"] == 0


def test_before_the_genesis_block_there_is_no_day_to_count() -> None:
    vendor = daily([(98, "PriceUSD", 1.0)])
    made = record(chain(every_hour(100, 3)), vendor)
    assert [row(made, day)["blocks.count"] for day in (98, 99, 100)] == [None, None, 24]


def test_the_first_day_of_a_run_that_begins_inside_it_is_not_measured() -> None:
    made = record(chain(every_hour(100, 4, offset=NOON), first=5000))
    assert row(made, 100)["blocks.count"] is None
    assert row(made, 101)["blocks.count"] == 24


def test_a_run_that_begins_within_two_hours_before_midnight_could_miss_a_block_of_the_day() -> None:
    late = record(chain(every_hour(100, 4, offset=DAY - 3600), first=5000))
    assert row(late, 101)["blocks.count"] is None
    # by median time past nothing before the run can reach the day once the median is known
    early = record(chain(every_hour(100, 4, offset=NOON - 3600), first=5000))
    assert row(early, 101)["blocks.count"] == 24
    assert row(early, 101)["mtp.count"] == 24


def test_a_gap_ends_the_day_it_falls_into_and_begins_anew_after_it() -> None:
    times = every_hour(100, 8)
    whole = chain(times, first=5000)
    gap = whole.filter(~pl.col("height").is_between(5060, 5100))
    made = record(blocks_at(gap["height"].to_list(), gap["time"].to_list()))
    counts = {day: row(made, day)["blocks.count"] for day in range(100, 107)}
    assert counts == {100: None, 101: 24, 102: None, 103: None, 104: None, 105: 24, 106: 24}


def test_lone_blocks_of_an_epoch_list_measure_no_day() -> None:
    lone = blocks_at([0, 2016, 4032], [0, 14 * DAY, 28 * DAY])
    made = days_of(record(lone))
    assert made["blocks.count"].drop_nulls().to_list() == []


def test_a_vendors_day_stands_in_from_its_own_midnight_where_no_block_is_known() -> None:
    vendor = daily([(200, "BlkCnt", 144.0), (200, "DiffMean", 2.0), (200, "IssTotNtv", 7200.0)])
    made = row(record(chain(every_hour(100, 4)), vendor), 200)
    assert made["blocks.count"] == 144
    assert made["blocks.count.vendor"] is True
    assert made["blocks.count.known_at"] == 201 * DAY
    assert made["blocks.issuance_btc"] == 7200
    # exact work, which is larger than difficulty x 2^32
    assert made["blocks.work"] == pytest.approx(144 * 2 * WORK_OF_EASY, rel=1e-9)
    assert made["blocks.work_max"] == pytest.approx(2 * WORK_OF_EASY, rel=1e-9)
    assert made["blocks.last_height"] is None


def test_blocks_have_a_day_to_settle_before_the_vendor_stands_in_for_good() -> None:
    vendor = daily([(101, "BlkCnt", 1.0), (101, "DiffMean", 1.0)])
    settled = row(record(chain(every_hour(100, 4)), vendor), 101)
    assert (settled["blocks.count"], settled["blocks.count.vendor"]) == (24, False)
    broken = chain(every_hour(100, 1.8))
    unsettled = row(record(broken, vendor), 101)
    assert (unsettled["blocks.count"], unsettled["blocks.count.vendor"]) == (1, True)
    assert unsettled["blocks.count.known_at"] == 103 * DAY
    # and nothing is said before
    assert row(record(broken, vendor, at=103 * DAY - 1), 101)["blocks.count"] is None


def test_a_vendor_that_counts_no_block_gives_nothing_to_rest_on() -> None:
    vendor = daily([(200, "BlkCnt", 0.0)])
    assert row(record(chain(every_hour(100, 4)), vendor), 200)["blocks.count"] is None


def test_a_vendors_figure_known_late_is_late() -> None:
    rows = [(200, "BlkCnt", 144.0), (200, "DiffMean", 2.0)]
    made = record(chain(every_hour(100, 4)), daily(rows, delay=5 * DAY))
    assert row(made, 200)["blocks.count.known_at"] == 206 * DAY


def test_fees_are_the_blocks_where_all_are_known_else_the_vendors_and_say_so() -> None:
    times = every_hour(100, 4)
    vendor = daily([(day, "FeeTotNtv", 9.0) for day in range(100, 104)], delay=DAY)
    known = row(record(chain(times, fee=50_000_000), vendor), 101)
    assert (known["blocks.fees_btc"], known["blocks.fees_btc.vendor"]) == (12.0, False)
    partly = chain(times, fee=50_000_000).with_columns(
        total_fee=pl.when(pl.col("height") != 30).then("total_fee")
    )
    vendors = row(record(partly, vendor), 101)
    assert (vendors["blocks.fees_btc"], vendors["blocks.fees_btc.vendor"]) == (9.0, True)
    assert vendors["blocks.count.vendor"] is False
    assert vendors["blocks.fees_btc.known_at"] == 103 * DAY
    assert row(record(partly), 101)["blocks.fees_btc"] is None


def test_the_difficulty_of_a_day_is_its_mean_and_its_last_blocks() -> None:
    times = every_hour(100, 3)
    bits = [EASY] * 30 + [HARD] * (len(times) - 30)
    made = row(record(chain(times, bits=bits)), 101)
    assert made["blocks.difficulty_last"] == pytest.approx(2.0)
    assert made["blocks.difficulty_mean"] == pytest.approx((6 + 18 * 2) / 24)
    assert made["blocks.work_max"] == pytest.approx(2 * WORK_OF_EASY, rel=1e-4)


def test_cores_lookup_takes_the_widest_of_121_header_times() -> None:
    times = every_hour(100, 8)
    times[100] -= 5 * 3600 // 2
    made = row(record(chain(times)), 106)
    assert made["blocks.last_height"] == 167
    assert made["blocks.core_work"] == 120 * WORK_OF_EASY
    assert made["blocks.core_seconds"] == 120 * 3600
    near_genesis = row(record(chain(times)), 101)
    assert near_genesis["blocks.core_work"] == 47 * WORK_OF_EASY
    after_a_gap = row(record(chain(times, first=5000)), 102)
    assert after_a_gap["blocks.core_work"] is None


def test_prices_come_from_the_vendor_then_spot_then_swaps_and_never_from_shares() -> None:
    day = 20_000
    markets = {
        "btcusdt_perp_1h": (3600, 31.0),
        "btcusdt_spot_1h": (3600, 21.0),
        "btcusdt_spot_daily": (DAY, 20.0),
        "riot_stock_daily": (DAY, 1.0),
        "cme_btc_front_month_daily": (DAY, 2.0),
        "BTC-USD-quarterly": (DAY, 3.0),
        "ethusdt_spot": (DAY, 4.0),
    }
    rows = [
        (market, interval, (day + 1) * DAY - interval, close)
        for market, (interval, close) in markets.items()
    ]

    def price(kept: list[tuple[str, int, int, float]]) -> object:
        return row(record(days=daily([(day, "AdrActCnt", 5.0)]), prices=candles(kept)), day)[
            "price.usd"
        ]

    assert price(rows) == 20.0
    assert price([one for one in rows if "spot_daily" not in one[0]]) == 21.0
    assert price([one for one in rows if "btcusdt_spot" not in one[0]]) == 31.0
    assert price([one for one in rows if "btcusdt" not in one[0]]) is None
    vendor = record(days=daily([(day, "PriceUSD", 10.0)]), prices=candles(rows))
    assert row(vendor, day)["price.usd"] == 10.0
    assert row(vendor, day)["price.usd.known_at"] == (day + 1) * DAY


def test_a_price_that_stood_first_stays() -> None:
    day = 20_000
    spot = candles([("btcusdt_spot", DAY, day * DAY, 20.0)])
    late = record(days=daily([(day, "PriceUSD", 10.0)], delay=60), prices=spot)
    assert row(late, day)["price.usd"] == 20.0


def test_a_candle_that_does_not_end_at_midnight_is_no_days_close() -> None:
    noon = candles([("btcusdt_spot", 3600, 20_000 * DAY + NOON, 20.0)])
    assert row(record(prices=noon), 20_000)["price.usd"] is None


def test_rows_run_without_a_hole_from_the_first_day_to_the_last() -> None:
    vendor = daily([(300, "PriceUSD", 10.0)])
    times = days_of(record(chain(every_hour(100, 2)), vendor))["time"]
    assert (times.diff().drop_nulls() == DAY).all()
    assert (times[0], times[-1]) == (100 * DAY, 300 * DAY)


def test_every_declared_base_input_is_a_column_with_its_clock_and_basis() -> None:
    metrics = metrics_of(record(chain(every_hour(100, 40)), daily([(140, "BlkCnt", 5.0)])))
    for grain, inputs in BASE_INPUTS.items():
        for name, base in inputs.items():
            frame = metrics.frame(grain, [name])
            follows = {"known_at": pl.Int64(), "vendor": pl.Boolean(), "missing": pl.String()}
            assert {key: frame[f"{name}.{key}"].dtype for key in follows} == follows
            assert all((base.title, base.clock.rule, base.reason))


def test_an_empty_record_says_so() -> None:
    for name in ("hashrate.day", "price", "difficulty.epoch"):
        with pytest.raises(NothingToMeasure, match="block or daily rows known at a moment"):
            metrics_of(record())[name]


def test_epochs_know_their_ends_only_once_the_last_block_is_there() -> None:
    times = list(range(0, 2016 * 600, 600))
    whole = record(chain([*times, 2016 * 600]))
    first, second = epochs_of(whole).rows(named=True)
    assert (first["epoch.last_height"], first["epoch.span"]) == (2015, 2015 * 600)
    assert first["epoch.span.known_at"] == 2015 * 600
    assert first["epoch.work"] == 2015 * WORK_OF_EASY
    assert second["epoch.span"] is None
    assert second["epoch.previous_difficulty"] == 1.0


def test_an_epoch_needs_its_two_ends_and_not_what_lies_between() -> None:
    ends = blocks_at([0, 2015, 2016, 6048], [0, 1_200_000, 1_200_600, 5_000_000])
    rows = epochs_of(record(ends)).rows(named=True)
    assert [row["epoch.first_height"] for row in rows] == [0, 2016, 6048]
    assert rows[0]["epoch.span"] == 1_200_000
    assert rows[2]["epoch.previous_difficulty"] is None
