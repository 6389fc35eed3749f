"""The one place commands print from: JSON, CSV and tables, and what they never emit."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashcanary.cli.output import Column, Table, emit, emit_json, people_cell
from hashcanary.units import FRACTION, HASHRATE
from hashcanary.views.data import csv_cell
from hashcanary.views.text import harmless

NAN = float("nan")


def table(*rows: dict[str, object], **options: object) -> Table:
    columns = [Column("time", "day"), Column("value", "value", HASHRATE), Column("why", "why")]
    return Table(columns, rows, **options)


def test_json_holds_null_where_a_float_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"a": NAN, "rows": [{"x": float("inf"), "y": [NAN, 1.5]}], "b": {"c": -NAN}})
    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=pytest.fail) == {
        "a": None,
        "rows": [{"x": None, "y": [None, 1.5]}],
        "b": {"c": None},
    }


def test_json_keeps_integers_exact(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"work": 2**80 + 1, "float": 0.1 + 0.2})
    found = json.loads(capsys.readouterr().out)
    assert found == {"work": 1208925819614629174706177, "float": 0.30000000000000004}


def test_csv_names_units_and_leaves_missing_cells_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit(table({"time": "2026-02-03", "value": None, "why": "no blocks"}, {"value": 1e20}), "csv")
    out = capsys.readouterr().out
    rows = list(csv.reader(io.StringIO(out)))
    assert rows == [
        ["time", "value_hashes_per_second", "why"],
        ["2026-02-03", "", "no blocks"],
        ["", "1e+20", ""],
    ]


def test_json_says_the_unit_of_every_column_that_has_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit(table({"value": 1e20}, document={"units": {"price": "usd"}, "at": "latest"}), "json")
    found = json.loads(capsys.readouterr().out)
    assert found["units"] == {"price": "usd", "value": "hashes_per_second"}
    emit(Table([Column("why", "why")], [{"why": "none"}]), "json")
    assert "units" not in json.loads(capsys.readouterr().out)


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
    emit(table({"time": "\x1b[2Jevil\x07[bold]x[/bold]"}), "people")
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\\x1b[2Jevil\\x07[bold]x[/bold]" in out


def test_people_read_prefixes_and_signs() -> None:
    assert people_cell(9.877e20, Column("v", "v", HASHRATE)) == "987.7 EH/s"
    assert people_cell(-0.1234, Column("v", "v", FRACTION)) == "-12.34%"
    assert people_cell(None, Column("v", "v", HASHRATE)) == "-"
    assert people_cell(1234567, Column("v", "v")) == "1,234,567"
    assert people_cell(False, Column("v", "v")) == "no"


def test_people_see_the_last_rows_and_data_have_all(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"time": f"day-{n}"} for n in range(10)]
    emit(table(*rows, people_rows=rows[-2:]), "people")
    out = capsys.readouterr().out
    assert "day-9" in out
    assert "day-7" not in out
    emit(table(*rows, people_rows=rows[-2:]), "json")
    assert len(json.loads(capsys.readouterr().out)["rows"]) == 10


def test_a_column_without_values_is_not_shown_to_people(
    capsys: pytest.CaptureFixture[str],
) -> None:
    columns = [Column("a", "first"), Column("b", "second", optional=True)]
    emit(Table(columns, [{"a": 1, "b": None}]), "people")
    assert "second" not in capsys.readouterr().out
    emit(Table(columns, [{"a": 1, "b": None}, {"a": 1, "b": "x"}]), "people")
    assert "second" in capsys.readouterr().out


def test_nothing_is_cut_where_no_terminal_sets_a_width(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = "a-very-long-file-name-" * 12
    emit(table({"time": long, "value": 1.0, "why": long}), "people")
    assert capsys.readouterr().out.count(long) == 2
