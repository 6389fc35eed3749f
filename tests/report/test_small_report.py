"""A report of one chapter made by hand: its figures and cells in page, terminal and JSON alike."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from html import unescape

import pytest
from rich.console import Console

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.charts import CHARTS
from hashcanary.report.document import (
    Dataset,
    Figure,
    Ledger,
    Report,
    Section,
    Series,
    Term,
)
from hashcanary.report.render.document_json import as_json, json_text
from hashcanary.report.render.html import BundleJob, Html, join, render_html, tag
from hashcanary.report.render.terminal import SHOWN_ROWS, render_terminal
from hashcanary.report.render.words import (
    as_known,
    extent,
    facts_line,
    figure_bounds,
    figure_value,
    own_window,
    starting_window,
)
from hashcanary.units import (
    COUNT,
    DATE,
    FRACTION,
    HASHRATE,
    PROBABILITY,
    STATE,
    USD,
    USD_PER_PHS_DAY,
)
from hashcanary.views.table import Column, Table
from hashcanary.views.text import cell
from hashcanary.views.verdict import Head

# 1 February 2026
NOON = 1_769_904_000
RATE = Figure(
    "hashrate.sma30",
    "30-day mean",
    9.5e20,
    HASHRATE,
    NOON - 30 * DAY,
    NOON,
    9.1e20,
    9.9e20,
    "95% confidence",
    "blocks",
    term="hashrate",
)
PRICE = Figure("price", "price", None, USD, missing="no price of the last days <7>")
COLUMNS = (
    Column("pool", "pool"),
    Column("day", "day", DATE),
    Column("change", "change", FRACTION, limits="exact", points=True),
    Column("blocks", "blocks", COUNT),
    Column("slug", "slug", hidden=True),
)
ROWS = [
    ("<b>one</b>", NOON, Interval(0.018, -0.01, 0.046), 1_234, "one"),
    ("two", NOON - DAY, Interval(-0.05, -0.06, -0.04), 12, "two"),
]


def section(table: Table) -> Section:
    parts = Ledger("l", "Hashrate", (RATE, PRICE)), table
    return Section("now", "Now", "What is happening?", "It is calm.", parts, ("A note.",))


def made(
    rows: list[tuple[object, ...]] | None = None, *, simulated: bool = False, drawn: bool = False
) -> Report:
    table = Table(
        "changes",
        "Changes",
        COLUMNS,
        ROWS if rows is None else rows,
        note="Under it.",
        empty="No pool.",
        drawn=drawn,
    )
    return Report(
        title="Report",
        network="main",
        simulated=simulated,
        at_text="2026-02-01",
        as_of=NOON,
        tip_height=934_800,
        tip_time=NOON + 3600,
        head=Head(
            "calm",
            "Nothing falls.",
            ("Hashrate is at its peak.",),
            {"state": "calm", "quote": "Nothing falls (hashcanary)."},
            None,
        ),
        sections=(section(table),),
        glossary=(Term("hashrate", "hashrate", "hashes a second"),),
        datasets=tuple(Dataset(key, [], ()) for key in ("day", "epoch", "capitulation")),
        code_version="1.2.3",
        command="hashcanary report --at 2026-02-01",
        provenance={"lake_version": 3},
    )


def terminal(report: Report, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(render_terminal(report))
    return out.getvalue()


@pytest.fixture(scope="module")
def page(bundle: BundleJob) -> str:
    return render_html(made(drawn=True), bundle)


def words(page: str) -> str:
    body = re.sub(r"<(script|style)[^>]*>.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "value", "limits"),
    [
        (RATE, "950.0 EH/s", "95%: 910.0 to 990.0"),
        (PRICE, "–", ""),
        (replace(RATE, value="inverted", unit=STATE, low=None, high=None), "inverted", ""),
        (replace(RATE, value=0.999, unit=PROBABILITY, low=None, high=None), ">99%", ""),
        # what is not estimated is known to two decimals
        (replace(RATE, value=0.01234, unit=FRACTION, low=None, high=None), "1.23%", ""),
        (
            replace(RATE, value=0.1, unit=FRACTION, low=0.05, high=0.2),
            "10.0%",
            "95%: 5.0% to 20.0%",
        ),
        (
            replace(RATE, value=38.7, unit=USD_PER_PHS_DAY, low=30.0, high=45.0, level=0.9),
            "38.70 USD/PH/s/day",
            "90%: 30.00 to 45.00",
        ),
    ],
)
def test_a_figures_value_and_limits_as_people_read_them(
    figure: Figure, value: str, limits: str
) -> None:
    assert figure_value(figure) == value
    assert figure_bounds(figure) == limits


def test_the_line_of_facts_says_as_known_when_and_up_to_which_block() -> None:
    report = made()
    assert facts_line(report) == (
        "as known at 2026-02-01 · last full day 31 Jan 2026 · block 934,800, 1 Feb 2026, 01:00 UTC"
    )
    bare = replace(report, as_of=None, tip_height=None, at_text="latest")
    assert facts_line(bare) == as_known(bare) == "latest"


def test_the_first_window_is_two_years_or_what_there_is() -> None:
    assert extent(made()) is starting_window(made()) is None
    short, long = ([NOON + DAY * at for at in range(days)] for days in (10, 1_000))
    for times, start in ((short, short[0]), (long, long[-1] + DAY - 730 * DAY)):
        days = Dataset("day", times, (Series("price", "price", USD, [1.0] * len(times)),))
        report = replace(made(), datasets=(days,))
        assert extent(report) == (times[0], times[-1] + DAY)
        assert starting_window(report) == (start, times[-1] + DAY)


def test_a_chart_of_its_own_window_shows_all_of_its_data() -> None:
    rate = Dataset("rate", [NOON, NOON + DAY, NOON + 3 * DAY], ())
    report = replace(made(), datasets=(*made().datasets, rate))
    assert own_window(report, CHARTS["outlook"]) == (NOON, NOON + 3 * DAY)
    assert own_window(report, CHARTS["hashrate"]) is None
    empty = replace(made(), datasets=(Dataset("rate", [], ()),))
    assert own_window(empty, CHARTS["outlook"]) is None


def test_datasets_and_columns_are_found_by_name_or_not_at_all() -> None:
    assert made().dataset("epoch").key == "epoch"
    with pytest.raises(KeyError, match="nowhere"):
        made().dataset("nowhere")
    with pytest.raises(KeyError, match="nothing"):
        Dataset("day", [], (Series("price", "price", USD, []),)).column("nothing")


# --- terminal ----------------------------------------------------------------------------------


def test_a_terminal_has_verdict_figures_reasons_tables_and_notes() -> None:
    text = " ".join(terminal(made(), 200).split())
    for said in (
        "CALM",
        "Nothing falls.",
        "1 What is happening?",
        "It is calm.",
        "950.0 EH/s 95%: 910.0 to 990.0 2 to 31 Jan 2026 blocks",
        "missing: no price of the last days <7>",
        "<b>one</b> 1 Feb 2026 +1.8 (−1.0 to +4.6) 1,234",
        "Under it.",
        "A note.",
        "hashcanary 1.2.3. The same again: hashcanary report --at 2026-02-01.",
    ):
        assert said in text
    assert "SIMULATED" not in text
    assert " slug" not in text


def test_a_terminal_shows_the_first_rows_and_counts_the_others() -> None:
    rows = [(f"pool {place}", NOON, None, place, "") for place in range(SHOWN_ROWS + 3)]
    text = terminal(made(rows))
    assert f"pool {SHOWN_ROWS - 1} " in text
    assert f"pool {SHOWN_ROWS} " not in text
    assert "and 3 more" in text
    assert "more: the page" not in terminal(made(rows[:SHOWN_ROWS]))


def test_a_table_without_rows_says_so_and_one_for_reference_is_named() -> None:
    assert "No pool." in terminal(made([]))
    report = made()
    table = replace(report.sections[0].tables[0], reference=True)
    text = terminal(replace(report, sections=(section(table),)))
    assert "in the page and in --json" in text
    assert "two" not in text


# --- JSON --------------------------------------------------------------------------------------


def test_json_has_every_figure_with_its_unit_and_its_instants() -> None:
    document = as_json(made())
    assert document["complete_to"] == "2026-02-01T00:00:00Z"
    assert document["tip"] == {"height": 934_800, "time": "2026-02-01T01:00:00Z"}
    assert document["verdict"] == {"state": "calm", "quote": "Nothing falls (hashcanary)."}
    (chapter,) = document["sections"]
    rate, price = chapter["figures"]
    assert (rate["value"], rate["low"], rate["high"]) == (9.5e20, 9.1e20, 9.9e20)
    assert (rate["unit"], rate["interval"]) == ("hashes_per_second", "95% confidence")
    assert (rate["since"], rate["until"]) == ("2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z")
    assert rate["missing"] is None
    assert (price["value"], price["missing"]) == (None, PRICE.missing)
    assert price["source"] is price["interval"] is None
    (table,) = chapter["tables"]
    assert table["rows"][0]["change_fraction_high"] == 0.046
    assert table["rows"][1]["day"] == "2026-01-31"
    assert table["rows"][1]["slug"] == "two"
    assert (table["note"], table["empty"]) == ("Under it.", None)
    assert as_json(made([]))["sections"][0]["tables"][0]["empty"] == "No pool."
    assert document["glossary"] == [{"word": "hashrate", "meaning": "hashes a second"}]
    assert document["provenance"] == {"lake_version": 3}


def test_json_holds_no_nan_and_ends_in_a_newline() -> None:
    report = made()
    broken = replace(RATE, value=math.nan, low=-math.inf)
    ledger = Ledger("l", "L", (broken,))
    chapter = replace(report.sections[0], parts=(ledger,))
    text = json_text(replace(report, sections=(chapter,), at_text="é"))
    assert "NaN" not in text
    assert "Infinity" not in text
    assert "é" in text
    assert text.endswith("}\n")


# --- the page ----------------------------------------------------------------------------------


def test_a_page_has_the_same_figures_and_cells_as_a_terminal(page: str) -> None:
    text = words(page)
    for said in ("Nothing falls.", "It is calm.", "950.0 EH/s", "910.0 to 990.0", PRICE.missing):
        assert said in text
    for row in ROWS:
        for value, column in zip(row, COLUMNS, strict=True):
            if not column.hidden:
                assert cell(value, column) in text
    assert "percentage points" in text
    assert "<b>one</b>" not in page
    assert "hashes a second" in text


def test_an_estimate_is_drawn_on_one_scale_with_zero(page: str) -> None:
    drawn = re.findall(r'<svg aria-hidden="true">(.*?)</svg>', page)
    assert len(drawn) == 2
    # from the lowest limit, −6 points, to the highest, 4.6
    low, high = -0.06, 0.046

    def along(value: float) -> str:
        return f"{(value - low) / (high - low) * 100:.2f}%"

    for svg, (_, _, estimate, *_) in zip(drawn, ROWS, strict=True):
        assert isinstance(estimate, Interval)
        lines = re.findall(r'x1="([^"]+)" x2="([^"]+)"', svg)
        assert lines[0] == (along(0.0), along(0.0))
        assert lines[1] == (along(estimate.low), along(estimate.high))
        assert re.findall(r'cx="([^"]+)"', svg) == [along(estimate.value)]
    assert "−6 to +5; the line is zero" in words(page)


def test_a_table_that_is_not_drawn_has_no_picture(bundle: BundleJob) -> None:
    plain = render_html(made(), bundle)
    assert '<svg aria-hidden="true">' not in plain
    nothing = render_html(made([("x", NOON, None, 1, "")], drawn=True), bundle)
    assert '<svg aria-hidden="true">' not in nothing


def test_a_long_table_has_a_switch_that_needs_no_script(bundle: BundleJob) -> None:
    rows = [(f"pool {place}", NOON, None, place, "") for place in range(40)]
    text = render_html(made(rows), bundle)
    assert 'id="all-changes"' in text
    assert "show all 40" in text
    more = re.findall(r'<tr class="more">', text)
    assert 0 < len(more) < 40
    assert "show all" not in render_html(made(rows[:5]), bundle)


def test_an_element_escapes_what_is_no_html() -> None:
    assert tag("p", "a < b", Html("<br>"), class_="x") == '<p class="x">a &lt; b<br></p>'
    assert tag("input", type="checkbox", id="a", checked=True, name=None) == (
        '<input type="checkbox" id="a" checked>'
    )
    assert tag("a", "x", href='"quoted"', data_way=3, hidden=False) == (
        '<a href="&quot;quoted&quot;" data-way="3">x</a>'
    )
    assert join("<", Html("<i>"), "&") == "&lt;<i>&amp;"
