"""The one place commands print from: JSON, CSV and tables, and what they never emit."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.cli.output import show
from hashcanary.units import HASHRATE
from hashcanary.views.answer import Answer, View
from hashcanary.views.data import csv_cell, json_text
from hashcanary.views.table import Column, Table
from hashcanary.views.text import harmless

NAN = float("nan")


COLUMNS = (
    Column("time", "day"),
    Column("value", "value", HASHRATE),
    Column("why", "why", optional=True),
)


def answer(
    *rows: tuple[object, ...], shown: tuple[tuple[object, ...], ...] | None = None
) -> Answer:
    view = View("made_up", "made up", "?", tables={"rows": COLUMNS})
    return Answer(view, None, "Title", (Table("rows", "", COLUMNS, rows, shown=shown),))


def test_json_holds_null_where_a_float_is_no_number() -> None:
    text = json_text({"a": NAN, "rows": [{"x": float("inf"), "y": [NAN, 1.5]}], "b": {"c": -NAN}})
    assert json.loads(text, parse_constant=pytest.fail) == {
        "a": None,
        "rows": [{"x": None, "y": [None, 1.5]}],
        "b": {"c": None},
    }


def test_json_keeps_integers_exact() -> None:
    document = {"work": 2**80 + 1, "float": 0.1 + 0.2}
    assert json.loads(json_text(document)) == {
        "work": 1208925819614629174706177,
        "float": 0.30000000000000004,
    }


def test_csv_names_units_and_leaves_missing_cells_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(answer(("2026-02-03", None, "no blocks"), (None, 1e20, None)), "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [
        ["time", "value_hashes_per_second", "why"],
        ["2026-02-03", "", "no blocks"],
        ["", "1e+20", ""],
    ]


def test_numbers_of_numpy_are_plain_numbers_in_csv() -> None:
    assert csv_cell(np.float64(0.25)) == "0.25"
    assert csv_cell(np.float64("nan")) == ""


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_from_a_file_starts_a_formula(text: str) -> None:
    assert csv_cell(text).startswith("'")


def test_negative_numbers_stay_numbers_in_csv() -> None:
    assert csv_cell(-0.125) == "-0.125"
    assert csv_cell(True) == "true"
    assert csv_cell(NAN) == ""


@given(st.text())
def test_harmless_text_holds_no_control_and_no_reordering_character(text: str) -> None:
    found = harmless(text)
    assert found.isprintable()
    assert not set(found) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f")
    if text.isascii() and text.isprintable():
        assert found == text


def test_escape_sequences_in_names_are_shown_not_sent(capsys: pytest.CaptureFixture[str]) -> None:
    show(answer(("\x1b[2Jevil\x07[bold]x[/bold]", None, None)), "people")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\\x1b[2Jevil\\x07[bold]x[/bold]" in out


def test_people_see_the_rows_meant_for_them_and_data_have_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tuple((f"day-{n}", None, None) for n in range(10))
    show(answer(*rows, shown=rows[-2:]), "people")
    out = capsys.readouterr().out
    assert "day-9" in out
    assert "day-7" not in out
    # a column without values is not shown to people
    assert "why" not in out
    show(answer(*rows, shown=rows[-2:]), "json")
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 10


def test_nothing_is_cut_where_no_terminal_sets_a_width(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = "a-very-long-file-name-" * 12
    show(answer((long, 1.0, long)), "people")
    assert capsys.readouterr().out.count(long) == 2
