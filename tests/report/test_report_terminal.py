"""The report on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import polars as pl
import pytest
from rich.console import Console

from hashcanary.report.build import build_report
from hashcanary.report.document import Report
from hashcanary.report.render.terminal import render_terminal
from hashcanary.store.record import Record
from hashcanary.views.text import cell


def text_of(report: Report, width: int = 100) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(render_terminal(report))
    return out.getvalue()


def test_it_says_the_verdict_and_every_chapter(simulated_report: Report) -> None:
    text = text_of(simulated_report, 200)
    assert simulated_report.head.headline in text
    for section in simulated_report.sections:
        assert section.title in text


def test_simulated_history_says_so_at_the_top_in_every_chapter_and_at_the_end(
    simulated_report: Report,
) -> None:
    text = text_of(simulated_report)
    assert text.startswith("SIMULATED")
    assert text.count("· SIMULATED") == len(simulated_report.sections)
    assert text.rstrip().endswith("SIMULATED.")
    real = text_of(replace(simulated_report, simulated=False))
    assert "· SIMULATED" not in real


def test_no_line_is_wider_than_the_terminal(simulated_report: Report) -> None:
    for width in (80, 100, 140):
        assert max(map(len, text_of(simulated_report, width).splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_figures_and_dates_stay_whole_or_are_named_as_left_out(
    simulated_report: Report, width: int
) -> None:
    shown = text_of(simulated_report, width)
    lines = {" ".join(line.split()) for line in shown.splitlines()}
    words = " ".join(shown.split())
    for section in simulated_report.sections:
        for table in (each for each in section.tables if each.rows and not each.reference):
            cells = table.cells(table.rows[0])
            for value, column in zip(cells, table.columns, strict=True):
                if column.unit is None or column.hidden:
                    continue
                whole = any(cell(value, column) in line for line in lines)
                assert whole or column.title in words.split("omitted at this width:", 1)[1]


def test_names_from_files_cannot_steer_the_terminal(simulated_record: Record) -> None:
    hostile = "\x1b]0;owned\x07[bold]market\u202e"
    candles = simulated_record.candles.with_columns(market=pl.lit(hostile))
    text = text_of(build_report(replace(simulated_record, candles=candles)), 200)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert "[bold]market" in text
