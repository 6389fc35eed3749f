"""Tables as data: keys with units, limits, days, frames, and what no key may hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pytest

from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.units import COUNT, DATE, FRACTION, HASHRATE, STATE, UNIX_TIME, USD_PER_PHS_DAY
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table, limited

# 3 Feb 2026, 04:41:22 UTC, by `date -u -d 2026-02-03T04:41:22Z +%s`
INSTANT = 1_770_093_682


@dataclass
class _Row:
    hashprice: Interval | float | None
    day: int


def test_a_key_is_name_and_unit_and_limits_have_two_more() -> None:
    column = Column("hashprice", "hashprice", USD_PER_PHS_DAY, limits="of draws")
    assert column.keys == (
        "hashprice_usd_per_phs_day",
        "hashprice_usd_per_phs_day_low",
        "hashprice_usd_per_phs_day_high",
    )
    assert Column("share", "share", FRACTION).keys == ("share_fraction",)


@pytest.mark.parametrize("unit", [None, COUNT, DATE, UNIX_TIME, STATE])
def test_counts_words_and_times_have_no_unit_in_their_key(unit: object) -> None:
    assert Column("blocks", "blocks", unit).key == "blocks"  # type: ignore[arg-type]


def test_a_bare_column_leaves_its_unit_to_the_document() -> None:
    assert Column("value", "value", HASHRATE, bare=True).key == "value"


def test_rows_may_be_objects_mappings_and_tuples() -> None:
    columns = (Column("hashprice", "h", USD_PER_PHS_DAY, limits="x"), Column("day", "d", DATE))
    figure = Interval(35.0, 30.0, 40.0)
    rows = [_Row(figure, INSTANT), {"hashprice": figure, "day": INSTANT}, (figure, INSTANT)]
    expected = {
        "hashprice_usd_per_phs_day": 35.0,
        "hashprice_usd_per_phs_day_low": 30.0,
        "hashprice_usd_per_phs_day_high": 40.0,
        "day": "2026-02-03",
    }
    assert Table("t", "", columns, rows).records() == [expected] * 3


def test_a_value_without_known_limits_has_null_ends() -> None:
    column = Column("share", "share", FRACTION, limits="x")
    assert list(column.data(0.5).values()) == [0.5, None, None]
    assert list(column.data(None).values()) == [None, None, None]
    assert limited(0.5, None, None) == 0.5
    assert limited(None, 0.1, 0.2) is None
    assert limited(0.15, 0.1, 0.2) == Interval(0.15, 0.1, 0.2)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_no_cell_holds_nan_or_infinity(value: float) -> None:
    assert Column("share", "share", FRACTION).data(value) == {"share_fraction": None}


def test_instants_are_iso_8601_in_utc() -> None:
    assert Column("at", "at", UNIX_TIME).data(INSTANT) == {"at": "2026-02-03T04:41:22Z"}


def test_a_frame_has_dates_instants_and_numbers_even_where_all_are_missing() -> None:
    columns = (
        Column("day", "day", DATE),
        Column("at", "at", UNIX_TIME),
        Column("share", "share", FRACTION, limits="x"),
        Column("word", "word"),
    )
    frame = Table(
        "t", "", columns, [(INSTANT, INSTANT, None, "a"), (None, None, None, "b")]
    ).frame()
    assert frame.schema["day"] == pl.Date
    assert frame["day"].to_list() == [date(2026, 2, 3), None]
    assert frame["at"].to_list() == [datetime(2026, 2, 3, 4, 41, 22, tzinfo=UTC), None]
    assert frame.schema["share_fraction_high"] == pl.Float64
    assert set(frame.columns) == {"day", "at", "word", *columns[2].keys}


def test_an_empty_table_keeps_its_columns() -> None:
    frame = Table("t", "", (Column("day", "day", DATE), Column("n", "n", COUNT)), []).frame()
    assert frame.columns == ["day", "n"]
    assert frame.height == 0


VIEW = View(
    "made_up",
    "made up",
    "?",
    facts=(Column("share", "share", FRACTION, limits="of draws", level=0.9),),
    tables={"first": (Column("n", "n", COUNT),), "second": (Column("word", "word"),)},
    more={"missing": "what was not known"},
)


def _answer() -> Answer:
    tables = (
        Table("first", "", VIEW.tables["first"], [(1,), (2,)]),
        Table("second", "", VIEW.tables["second"], [("a",)]),
    )
    facts = {"share": Interval(0.5, 0.25, 0.75)}
    return Answer(VIEW, None, "Title", tables, facts, {"missing": []}, ["It is half."])


def test_a_document_has_facts_rows_and_what_their_columns_mean() -> None:
    document = _answer().to_dict()
    assert document["share_fraction_low"] == 0.25
    assert document["rows"] == [{"n": 1}, {"n": 2}]
    assert document["shown"] == "first"
    assert document["columns"][0]["key"] == "n"
    (field,) = document["fields"]
    assert (field["interval"], field["level"], field["unit"]) == ("of draws", 0.9, "fraction")


def test_a_table_is_asked_for_by_name_and_another_name_is_refused() -> None:
    answer = _answer()
    assert answer.table().height == 2
    assert answer.table("second")["word"].to_list() == ["a"]
    with pytest.raises(UsageError, match="first, second"):
        answer.table("third")
