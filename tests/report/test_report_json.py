"""The report as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from hashcanary.report.build import build_report
from hashcanary.report.document import Report
from hashcanary.report.render.document_json import as_json, json_text
from hashcanary.store.record import Record


def test_the_same_record_gives_the_same_bytes(simulated_record: Record) -> None:
    assert json_text(build_report(simulated_record)) == json_text(build_report(simulated_record))


def test_it_is_strict_json_and_says_that_it_is_simulated(simulated_report: Report) -> None:
    document = json.loads(json_text(simulated_report))
    assert document["simulated"] is True
    assert document["tip"]["time"].endswith("Z")


def test_a_real_report_is_not_marked(simulated_report: Report) -> None:
    assert as_json(replace(simulated_report, simulated=False))["simulated"] is False


def test_every_figure_has_a_unit_and_a_value_or_a_reason(simulated_report: Report) -> None:
    document = as_json(simulated_report)
    figures = [figure for section in document["sections"] for figure in section["figures"]]
    for figure in figures:
        assert figure["unit"]
        assert figure["value"] is not None or figure["missing"]


def test_tables_are_rows_by_column_with_units(simulated_report: Report) -> None:
    document = as_json(simulated_report)
    table = next(t for t in document["sections"][0]["tables"] if t["key"] == "drawdowns")
    column = table["columns"][-2]
    assert (column["key"], column["unit"], column["level"]) == (
        "drawdown_fraction",
        "fraction",
        0.95,
    )
    row = table["rows"][3]
    assert row["smoothing"] == "30-day mean"
    assert row["drawdown_fraction_low"] <= row["drawdown_fraction"] <= row["drawdown_fraction_high"]
    assert len(row["peak"]) == len("2026-02-03")
    assert row["luck_years"] > 0
