"""The report as a plain dict for JSON: the same report gives the same bytes.

The columns that charts draw are not in it: ``hashcanary metric show NAME --json`` gives them, and
``charts`` names which.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hashcanary.moments import iso_time
from hashcanary.report.charts import Chart, charts_of
from hashcanary.views.data import jsonable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.report.document import Figure, Report, Section
    from hashcanary.views.table import Table

FORMAT = 1


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values; times are ISO 8601 in UTC, units stand beside values."""
    return {
        "report": report.title,
        "format": FORMAT,
        "simulated": report.simulated,
        "network": report.network,
        "at": report.at_text,
        "complete_to": _time(report.as_of),
        "tip": {"height": report.tip_height, "time": _time(report.tip_time)},
        "verdict": report.head.document,
        "sections": [_section(section, charts_of(report)) for section in report.sections],
        "glossary": [{"word": term.word, "meaning": term.meaning} for term in report.glossary],
        "provenance": report.provenance,
        "code_version": report.code_version,
        "command": report.command,
    }


def json_text(report: Report) -> str:
    """The report as indented JSON, ending in a newline."""
    return json.dumps(as_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else iso_time(seconds)


def _section(section: Section, charts: Mapping[str, Chart]) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "lead": section.lead,
        "figures": [_figure(figure) for figure in section.figures],
        "tables": [_table(table) for table in section.tables],
        "charts": [
            {
                "name": name,
                "title": charts[name].title,
                "description": charts[name].description,
                "columns": list(charts[name].columns),
            }
            for name in section.charts
        ],
        "notes": list(section.notes),
    }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.key,
        "label": figure.label,
        "value": jsonable(figure.value),
        "unit": figure.unit.suffix,
        "low": jsonable(figure.low),
        "high": jsonable(figure.high),
        "interval": figure.interval or None,
        "since": _time(figure.since),
        "until": _time(figure.until),
        "source": figure.source or None,
        "missing": figure.missing or None,
        "note": figure.note or None,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "key": table.key,
        "title": table.title,
        "columns": table.described(),
        "rows": table.records(),
        "note": table.note or None,
        "empty": table.empty if not table.rows else None,
    }
