"""A vendor's figure that was revised: known since then, in the place of the one it revises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.metrics.engine import metrics_of
from hashcanary.store.record import Record

DAY = 86_400
FIRST = date(2024, 1, 1)
START = 1_704_067_200
LATE = START + 9 * DAY
FIGURES = {"BlkCnt": 144.0, "DiffMean": 1e12, "IssTotNtv": 900.0, "PriceUSD": 100.0}


def record(revised: dict[str, float], at: int | None = None) -> Record:
    """Five days of a vendor's figures; those of the third were revised at LATE."""
    rows = []
    for number in range(5):
        known = START + (number + 1) * DAY
        for series, value in FIGURES.items():
            late = number == 2 and series in revised and (at is None or at >= LATE)
            rows.append(
                {
                    "day": FIRST + timedelta(number),
                    "vendor": "coinmetrics",
                    "series": series,
                    "value": revised[series] if late else value,
                    "known_at": LATE if late else known,
                    "first_known_at": known,
                }
            )
    daily = pl.DataFrame(rows).filter(pl.col("known_at") <= (at or LATE))
    blocks = pl.DataFrame(
        schema={
            "height": pl.Int64,
            "time": pl.Int64,
            "bits": pl.Int64,
            "median_time_past": pl.Int64,
            "total_fee": pl.Int64,
            "known_at": pl.Int64,
        }
    )
    ends = np.arange(1, 6) * DAY + START
    candles = pl.DataFrame(
        {
            "market": ["btcusd"] * 5,
            "interval": [DAY] * 5,
            "open_time": ends - DAY,
            "close": [99.0] * 5,
            "known_at": ends,
        }
    ).filter(pl.col("known_at") <= (at or LATE))
    return Record(at, str(at), MAIN, False, blocks, daily, candles)


def day(found: Record, *columns: str) -> dict[int, tuple[float | None, ...]]:
    names = [column.removesuffix(".known_at") for column in columns]
    frame = metrics_of(found).frame("day", dict.fromkeys(names)).select("time", *columns)
    return {(row[0] - START) // DAY: row[1:] for row in frame.rows()}


@pytest.mark.parametrize("series", ["BlkCnt", "DiffMean", "IssTotNtv"])
def test_a_day_that_rests_on_a_revised_figure_is_known_since_the_revision(series: str) -> None:
    revised = record({series: FIGURES[series] / 2})
    name = {"BlkCnt": "count", "DiffMean": "difficulty_mean", "IssTotNtv": "issuance_btc"}[series]
    columns = (f"blocks.{name}", f"blocks.{name}.known_at")
    found = day(revised, *columns)
    assert found[2] == (FIGURES[series] / 2, LATE)
    others = day(record({}), *columns)
    assert others[2] == (FIGURES[series], START + 3 * DAY)
    assert {at: told for at, told in found.items() if at != 2} == {
        at: told for at, told in others.items() if at != 2
    }


def test_before_the_revision_the_first_figures_stand() -> None:
    columns = ("blocks.count", "blocks.count.known_at", "price.usd", "price.usd.known_at")
    before = day(record({"BlkCnt": 72.0, "PriceUSD": 50.0}, LATE - 1), *columns)
    assert before[2] == (144.0, START + 3 * DAY, 100.0, START + 3 * DAY)


def test_a_revised_price_still_goes_before_a_candle_that_was_known_no_sooner() -> None:
    found = day(record({"PriceUSD": 50.0}), "price.usd", "price.usd.known_at")
    assert found[2] == (50.0, LATE)
    assert found[3] == (100.0, START + 4 * DAY)


def test_metrics_of_a_revised_day_are_known_since_the_revision() -> None:
    result = metrics_of(record({"BlkCnt": 72.0}))
    rows = {row["time"]: row for row in result["hashrate.day"].rows.iter_rows(named=True)}
    plain = metrics_of(record({}))["hashrate.day"].rows
    was = {row["time"]: row for row in plain.iter_rows(named=True)}
    third = START + 2 * DAY
    assert rows[third]["value"] == pytest.approx(was[third]["value"] / 2, rel=1e-12)
    assert rows[third]["known_at"] == LATE
    assert rows[third + DAY]["known_at"] == third + 2 * DAY


def test_without_a_first_moment_a_figure_is_known_when_it_says() -> None:
    whole = record({})
    assert day(
        replace(whole, daily=whole.daily.drop("first_known_at")), "price.usd.known_at"
    ) == day(whole, "price.usd.known_at")
