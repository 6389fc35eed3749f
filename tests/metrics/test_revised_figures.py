"""A vendor's figure that was revised: known since then, in the place of the one it revises."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from support.records import closes, record, vendor_rows

from hashcanary.metrics.engine import metrics_of
from hashcanary.store.record import Record

DAY = 86_400
START = 1_704_067_200
LATE = START + 9 * DAY
FIGURES = {"BlkCnt": 144.0, "DiffMean": 1e12, "IssTotNtv": 900.0, "PriceUSD": 100.0}


def revision(revised: dict[str, float], at: int | None = None) -> Record:
    """Five days of a vendor's figures; those of the third were revised at LATE."""
    rows, first = [], []
    for number in range(5):
        known = START + (number + 1) * DAY
        for series, value in FIGURES.items():
            late = number == 2 and series in revised and (at is None or at >= LATE)
            figure = revised[series] if late else value
            rows.append((START // DAY + number, series, figure, LATE if late else known))
            first.append(known)
    daily = vendor_rows(rows).with_columns(first_known_at=pl.Series(first))
    candles = closes([("btcusd", DAY, START + number * DAY, 99.0) for number in range(5)])
    return record(daily=daily, candles=candles, at=at or LATE)


def day(found: Record, *columns: str) -> dict[int, tuple[float | None, ...]]:
    names = [column.removesuffix(".known_at") for column in columns]
    frame = metrics_of(found).frame("day", dict.fromkeys(names)).select("time", *columns)
    return {(row[0] - START) // DAY: row[1:] for row in frame.rows()}


@pytest.mark.parametrize("series", ["BlkCnt", "DiffMean", "IssTotNtv"])
def test_a_day_that_rests_on_a_revised_figure_is_known_since_the_revision(series: str) -> None:
    revised = revision({series: FIGURES[series] / 2})
    name = {"BlkCnt": "count", "DiffMean": "difficulty_mean", "IssTotNtv": "issuance_btc"}[series]
    columns = (f"blocks.{name}", f"blocks.{name}.known_at")
    found = day(revised, *columns)
    assert found[2] == (FIGURES[series] / 2, LATE)
    others = day(revision({}), *columns)
    assert others[2] == (FIGURES[series], START + 3 * DAY)
    assert {at: told for at, told in found.items() if at != 2} == {
        at: told for at, told in others.items() if at != 2
    }


def test_before_the_revision_the_first_figures_stand() -> None:
    columns = ("blocks.count", "blocks.count.known_at", "price.usd", "price.usd.known_at")
    before = day(revision({"BlkCnt": 72.0, "PriceUSD": 50.0}, LATE - 1), *columns)
    assert before[2] == (144.0, START + 3 * DAY, 100.0, START + 3 * DAY)


def test_a_revised_price_still_goes_before_a_candle_that_was_known_no_sooner() -> None:
    found = day(revision({"PriceUSD": 50.0}), "price.usd", "price.usd.known_at")
    assert found[2] == (50.0, LATE)
    assert found[3] == (100.0, START + 4 * DAY)


def test_metrics_of_a_revised_day_are_known_since_the_revision() -> None:
    result = metrics_of(revision({"BlkCnt": 72.0}))
    rows = {row["time"]: row for row in result["hashrate.day"].rows.iter_rows(named=True)}
    plain = metrics_of(revision({}))["hashrate.day"].rows
    was = {row["time"]: row for row in plain.iter_rows(named=True)}
    third = START + 2 * DAY
    assert rows[third]["value"] == pytest.approx(was[third]["value"] / 2, rel=1e-12)
    assert rows[third]["known_at"] == LATE
    assert rows[third + DAY]["known_at"] == third + 2 * DAY


def test_without_a_first_moment_a_figure_is_known_when_it_says() -> None:
    whole = revision({})
    assert day(
        replace(whole, daily=whole.daily.drop("first_known_at")), "price.usd.known_at"
    ) == day(whole, "price.usd.known_at")
