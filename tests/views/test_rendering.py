"""One answer in every form: terminal, notebook, JSON, CSV and schema show the same figures."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.records import record

from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.units import (
    COUNT,
    DATE,
    DIFFICULTY,
    FRACTION,
    HASHRATE,
    UNIX_TIME,
    USD_PER_BTC,
    USD_PER_KWH,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.data import csv_cell, csv_text, json_text, jsonable
from hashcanary.views.schema import all_views, schema_of
from hashcanary.views.table import Column, Table
from hashcanary.views.terminal import UNLIMITED, longest_word, plain, rendered
from hashcanary.views.text import SIMULATED, cell

if TYPE_CHECKING:
    from collections.abc import Sequence

# 3 February 2026, 04:41:22 UTC
INSTANT = 1_770_093_682
COLUMNS = (
    Column("rig", "machine", definition="its name"),
    Column("day", "day", DATE, spare=1),
    Column("price", "price", USD_PER_BTC, limits="of draws", level=0.9, spare=2),
    Column("share", "share", FRACTION, signed=True, spare=3),
    Column("secret", "not for people", COUNT, hidden=True),
    Column("remark", "remark", optional=True),
)
ROWS = (
    ("S21", INSTANT, Interval(74_771.0, 55_187.0, 102_957.0), -0.141, 7, None),
    ("M60", INSTANT + 86_400, Interval(50_000.0, 40_000.0, 60_000.0), 0.0312, 8, ""),
)
MADE = View(
    "made",
    "made up",
    "What is made up?",
    facts=(Column("now", "now", UNIX_TIME), Column("p", "p", FRACTION, limits="exact")),
    tables={"main": COLUMNS, "other": (Column("n", "n", COUNT),)},
    more={"missing": "what was not known", "simulated": "whether it is"},
)


def table(
    rows: Sequence[object] = ROWS,
    *,
    empty: str = "Nothing there.",
    shown: Sequence[object] | None = None,
) -> Table:
    return Table("main", "Main", COLUMNS, rows, note="A note.", empty=empty, shown=shown)


def answer(main: Table | None = None, **fields: Any) -> Answer:
    tables = (main or table(), Table("other", "", MADE.tables["other"], [(1,)]))
    return Answer(MADE, record(), "A title", tables, **fields)


def terminal(shown: Table, width: int = UNLIMITED) -> list[str]:
    return plain(rendered("", shown, ()), width).splitlines()


# --- terminal ----------------------------------------------------------------------------------


def test_a_terminal_shows_the_cells_of_columns_that_people_see() -> None:
    lines = terminal(table())
    assert len(lines) == 5
    for row, line in zip(ROWS, lines[3:], strict=True):
        words = re.split(r"\s{3,}", line.strip())
        assert words == [cell(row[place], COLUMNS[place]) for place in range(4)]
    assert "not for people" not in lines[0] + lines[1]
    # a column that may be left out where no row has a value
    assert "remark" not in lines[0] + lines[1]
    assert "USD/BTC" in lines[1]


def test_an_optional_column_is_seen_where_one_row_has_a_value() -> None:
    lines = terminal(table([(*ROWS[0][:5], "odd"), ROWS[1]]))
    assert "remark" in lines[0] + lines[1]
    assert lines[3].endswith("odd")
    assert lines[4].endswith("–")


def test_numbers_stand_right_and_words_left() -> None:
    lines = terminal(table())
    starts = [line.index(word) for line, word in zip(lines[3:], ("S21", "M60"), strict=True)]
    assert starts == [0, 0]
    assert lines[3].index("−14.1%") + len("−14.1%") == lines[4].index("+3.1%") + len("+3.1%")


def test_spare_columns_go_first_where_there_is_no_room_and_are_named() -> None:
    every = [len(line) for line in terminal(table())]
    whole = max(every)
    assert not any("omitted" in line for line in terminal(table(), whole))
    lines = terminal(table(), whole - 1)
    assert lines[-1] == "Columns omitted at this width: share."
    assert max(map(len, lines[:-1])) <= whole - 1
    assert "74,771" in lines[3]
    narrow = " ".join(terminal(table(), 19)).split("width: ")[1]
    assert narrow == "day, price, share."


def test_words_break_before_columns_that_are_not_spare_go() -> None:
    columns = (Column("what", "what"), Column("n", "number", COUNT))
    made = Table("t", "", columns, [("some words that are many", 12)])
    lines = terminal(made, 20)
    assert not any("omitted" in line for line in lines)
    assert max(map(len, lines)) <= 20
    assert " ".join(lines).count("12") == 1
    last = terminal(made, 8)
    assert "number" in " ".join(last).split("width:")[1]


def test_of_no_rows_what_the_table_says_of_that() -> None:
    assert terminal(table([])) == ["Nothing there."]
    assert terminal(table([], empty="")) == []
    assert terminal(table(shown=[])) == ["Nothing there."]


def test_rows_for_people_stand_in_place_of_all() -> None:
    lines = terminal(table(shown=ROWS[1:]))
    assert len(lines) == 4
    assert lines[-1].startswith("M60")


def test_lines_keep_their_indent_where_they_break() -> None:
    lines = plain(rendered("", None, ("first", "  second " + "word " * 20)), 40).splitlines()
    assert lines[0] == "first"
    assert all(line.startswith("  ") for line in lines[1:])
    assert len(lines) > 3
    assert max(map(len, lines)) <= 40


def test_no_markup_and_no_control_character_comes_from_data() -> None:
    evil = "[bold]x[/bold]\x1b[31m"
    made = Table("t", "", (Column("w", "w"),), [(evil,)], note="")
    text = plain(rendered(evil, made, (evil,)), 80)
    assert text.count("[bold]x[/bold]") == 3
    assert "\x1b" not in text
    assert text.count("\\x1b[31m") == 3


@pytest.mark.parametrize(
    ("texts", "longest"), [(["a bcd", "ef"], 3), ([], 0), (["x" * 99], 24), ([""], 0)]
)
def test_the_longest_word_of_a_column(texts: list[str], longest: int) -> None:
    assert longest_word(texts) == longest


# --- notebook ----------------------------------------------------------------------------------


def cells_of(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [[unescape(each) for each in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]


def test_a_notebook_shows_the_same_cells_as_a_terminal() -> None:
    page = answer(sentences=("It costs < 5.",))._repr_html_()
    found = cells_of(page)[1:]
    for row, shown in zip(ROWS, found, strict=True):
        assert shown[:4] == [cell(row[place], COLUMNS[place]) for place in range(4)]
    assert "<strong>A title</strong>" in page
    assert "<p>It costs &lt; 5.</p>" in page
    assert "<p>A note.</p>" in page
    assert "price<br><small>USD/BTC</small>" in page
    assert "not for people" not in page
    assert page.count("<script") == page.count("<style") == 0


def test_numbers_of_a_notebook_stand_right() -> None:
    page = answer()._repr_html_()
    head = re.findall(r"<th( [^>]*)?>(.*?)</th>", page)
    sides = {re.split("<br>", title)[0]: "right" in side for side, title in head}
    assert sides == {"machine": False, "day": False, "price": True, "share": True, "remark": False}


def test_a_long_table_is_cut_in_the_middle() -> None:
    rows = [(str(place), *ROWS[0][1:]) for place in range(1_034)]
    page = answer(table(rows))._repr_html_()
    names = [row[0] for row in cells_of(page) if len(row) > 1]
    assert names == [*map(str, range(10)), *map(str, range(1_024, 1_034))]
    assert "… 1,014 more rows" in page
    whole = answer(table(rows[:20]))._repr_html_()
    assert "more rows" not in whole
    assert len(cells_of(whole)) == 21


def test_text_from_outside_is_escaped_in_a_notebook() -> None:
    page = answer(table([("<script>x</script>\u202e", *ROWS[0][1:])]))._repr_html_()
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert answer(table([]))._repr_html_().count("Nothing there.") == 1


# --- JSON and CSV ------------------------------------------------------------------------------


def test_a_document_has_a_line_a_key_and_a_line_a_row() -> None:
    text = json_text(answer(facts={"now": INSTANT, "p": 0.25}).to_dict())
    document = json.loads(text)
    assert document["now"] == "2026-02-03T04:41:22Z"
    assert (document["p_fraction"], document["p_fraction_low"]) == (0.25, None)
    rows = [line for line in text.splitlines() if line.startswith('    {"rig"')]
    assert [json.loads(line.rstrip(",")) for line in rows] == document["rows"]
    assert document["rows"][0]["price_usd_per_btc_high"] == 102_957.0
    assert document["rows"][0]["secret"] == 7
    keys = re.findall(r'^  "(\w+)":', text, re.MULTILINE)
    assert keys == list(document)
    assert text.endswith("}\n")


def test_facts_that_are_not_known_of_are_not_described() -> None:
    document = answer(facts={"now": INSTANT}).to_dict()
    assert [field["key"] for field in document["fields"]] == ["now"]
    assert "p_fraction" not in document
    assert "fields" not in answer().to_dict()
    assert "sentences" not in answer().to_dict()
    assert answer(sentences=("One.",)).to_dict()["sentences"] == ["One."]


@pytest.mark.parametrize(
    ("value", "plain_value"),
    [
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (1.5, 1.5),
        (True, True),
        (None, None),
        (Path("/a/b"), "/a/b"),
        (b"\x00\xff", "00ff"),
        ({1: math.nan}, {"1": None}),
        ((1, (2.5, math.inf)), [1, [2.5, None]]),
        (np.float64(0.5), 0.5),
    ],
)
def test_what_json_cannot_hold_becomes_null_or_text(value: object, plain_value: object) -> None:
    found = jsonable(value)
    assert found == plain_value
    assert type(found) is type(plain_value) or isinstance(value, np.float64)
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (math.nan, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (0.1, "0.1"),
        (np.float64(0.1), "0.1"),
        (-2.5, "-2.5"),
        ("plain", "plain"),
        ("=SUM(A1)", "'=SUM(A1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("a\x1bb", "a\\x1bb"),
        (("a", 1), '["a", 1]'),
    ],
)
def test_a_cell_of_csv(value: object, text: str) -> None:
    assert csv_cell(value) == text


def test_csv_has_limits_beside_values_and_every_row() -> None:
    made = table([*ROWS, ("x", None, None, math.nan, None, "a,b")], shown=ROWS[:1])
    first, second, third = csv.DictReader(io.StringIO(csv_text(made)))
    assert list(first) == [
        *("rig", "day", "price_usd_per_btc", "price_usd_per_btc_low", "price_usd_per_btc_high"),
        *("share_fraction", "secret", "remark"),
    ]
    assert (first["day"], second["day"]) == ("2026-02-03", "2026-02-04")
    assert float(first["price_usd_per_btc_low"]) == 55_187.0
    assert third["price_usd_per_btc"] == third["share_fraction"] == third["day"] == ""
    assert third["remark"] == "a,b"


# --- answers and views -------------------------------------------------------------------------


def test_simulated_history_is_named_first_in_every_form() -> None:
    made = Answer(MADE, record(simulated=True), "A title", (table(),), sentences=("One.",))
    assert made.simulated
    assert made.shown[2] == [SIMULATED, "A note.", "One."]
    assert "SIMULATED" in made.text()
    assert "SIMULATED" in made._repr_html_()
    assert made.to_dict()["simulated"] is True
    assert not answer().simulated
    bare = Answer(MADE, None, "", more={"simulated": True})
    assert bare.simulated
    assert bare.shown == ("", None, [SIMULATED])
    assert "provenance" not in bare.to_dict()


def test_people_may_be_shown_another_table_than_the_main_one() -> None:
    made = answer(read="other")
    shown = made.shown[1]
    assert shown is not None
    assert shown.key == "other"
    assert made.to_dict()["shown"] == "main"
    assert made.named().key == "main"
    with pytest.raises(UsageError, match="one of none"):
        Answer(MADE, None, "").named("main")


def test_a_view_puts_the_table_that_was_asked_for_in_front() -> None:
    assert MADE.ordered("other") == ["other", "main"]
    assert MADE.ordered("main") == ["main", "other"]
    with pytest.raises(UsageError, match="one of main, other") as raised:
        MADE.ordered("third")
    assert "Leave it out for main" in str(raised.value)


def test_facts_are_read_off_what_was_computed() -> None:
    class Computed:
        now = INSTANT
        p = Interval(0.5, 0.25, 0.75)

    assert MADE.facts_of(Computed()) == {"now": INSTANT, "p": Computed.p}


def test_every_view_has_a_command_of_its_own_and_a_question() -> None:
    views = all_views()
    assert len(views) >= 25
    assert len({view.name for view in views.values()}) == len(views)
    for command, view in views.items():
        assert view.command == command
        assert view.question.endswith("?")
        keys = [key for column in view.facts for key in column.keys]
        assert len(keys) == len(set(keys)), command
        assert not set(keys) & set(view.more), command
        for name, columns in view.tables.items():
            of_rows = [key for column in columns for key in column.keys]
            assert len(of_rows) == len(set(of_rows)), (command, name)


def test_limits_have_a_kind_and_every_level_is_a_probability() -> None:
    for view in all_views().values():
        for column in (*view.facts, *(each for rows in view.tables.values() for each in rows)):
            described = column.described()
            assert (described["interval"] is None) == (len(column.keys) == 1)
            level = described["level"]
            assert level is None or (isinstance(level, float) and 0 < level < 1)


def test_a_schema_allows_the_document_and_nothing_else() -> None:
    from jsonschema import Draft202012Validator

    schema = schema_of(MADE)
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    document = json.loads(json_text(answer(facts={"now": INSTANT, "p": 0.25}).to_dict()))
    assert valid.is_valid(document)
    assert not valid.is_valid(document | {"surplus": 1})
    assert not valid.is_valid({key: each for key, each in document.items() if key != "rows"})
    assert not valid.is_valid(document | {"shown": "third"})
    wrong = [dict(row, day=5) for row in document["rows"]]
    assert not valid.is_valid(document | {"rows": wrong})
    short = [{key: value for key, value in row.items() if key != "rig"} for row in wrong]
    assert not valid.is_valid(document | {"rows": short})


def test_a_schema_says_what_each_key_means() -> None:
    schema = schema_of(MADE)
    properties = schema["properties"]
    assert properties["missing"]["description"] == "what was not known"
    assert properties["now"] == {
        "description": "now",
        "type": ["string", "null"],
        "format": "date-time",
    }
    rows = properties["rows"]["items"]["anyOf"]
    assert rows[0]["properties"]["rig"]["description"] == "its name"
    assert rows[0]["properties"]["day"]["format"] == "date"
    assert rows[0]["properties"]["price_usd_per_btc_low"]["type"] == ["number", "null"]
    assert rows[1]["required"] == ["n"]
    assert properties["shown"] == {"enum": ["main", "other"]}
    assert schema["required"] == ["columns", "rows"]
    bare = schema_of(View("x", "x", "?"))
    assert bare["required"] == []
    assert "rows" not in bare["properties"]
    open_rows = schema_of(View("x", "x", "?", tables={"t": COLUMNS[:1]}, open_rows=True))
    assert open_rows["properties"]["rows"]["items"]["additionalProperties"] is True
    assert "shown" not in open_rows["properties"]


def test_keys_of_units_that_people_read_with_prefixes() -> None:
    assert Column("x", "x", HASHRATE).key == "x_hashes_per_second"
    assert Column("x", "x", DIFFICULTY).key == "x_ratio_to_difficulty_one"
    assert Column("price_usd_per_kwh", "x", USD_PER_KWH).key == "price_usd_per_kwh"
