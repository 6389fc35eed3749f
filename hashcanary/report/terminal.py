"""The report for a terminal, by rich: plain text, no markup taken from data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from hashcanary.report.document import Ledger, Table
from hashcanary.report.wording import (
    cell,
    facts_line,
    figure_bounds,
    figure_value,
    period,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hashcanary.report.document import Case, Figure, Report, Section

SIMULATED = "SIMULATED: invented history, to show the report. Nothing here is Bitcoin's."
_STYLES: dict[Case, str] = {
    "unknown": "bold",
    "calm": "bold green",
    "luck": "bold",
    "drawdown": "bold red",
    "capitulation": "bold red",
    "recovery": "bold yellow",
}
# a terminal shows the latest; the page and JSON have every row
SHOWN_ROWS = 12


def render_terminal(report: Report) -> RenderableType:
    """The report as a renderable: ``console.print(render_terminal(report))``."""
    parts: list[RenderableType] = [_head(report), Text(), *_verdict(report)]
    for number, section in enumerate(report.sections, 1):
        parts += [Text(), *_section(number, section, simulated=report.simulated)]
    parts += [Text(), Text(_foot(report), style="dim")]
    return Group(*parts)


def _head(report: Report) -> RenderableType:
    lines: list[RenderableType] = [
        Text(f"hashcanary · {report.title} · {report.network}", style="bold"),
        Text(facts_line(report), style="dim"),
    ]
    if report.simulated:
        lines.insert(0, Text(SIMULATED, style="bold red"))
    return Group(*lines)


def _verdict(report: Report) -> list[RenderableType]:
    verdict = report.verdict
    return [
        Text(verdict.stamp.upper(), style=_STYLES[verdict.case]),
        Text(verdict.headline, style="bold"),
        *(Padding(Text(sentence), (0, 0, 0, 2)) for sentence in verdict.sentences),
    ]


def _section(number: int, section: Section, *, simulated: bool) -> list[RenderableType]:
    title = f"{number} {section.title}" + (" · SIMULATED" if simulated else "")
    parts: list[RenderableType] = [Rule(Text(title, style="bold"), align="left", style="dim")]
    if section.lead:
        parts += [Text(section.lead), Text()]
    for part in section.parts:
        if isinstance(part, Ledger):
            parts += [Text(part.title, style="bold"), _ledger(part.figures), Text()]
        elif isinstance(part, Table):
            parts += [*_table(part), Text()]
    parts += [Text(note, style="dim") for note in section.notes]
    return parts


def _ledger(figures: tuple[Figure, ...]) -> RenderableType:
    drawn = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    drawn.add_column("")
    drawn.add_column("value", justify="right", no_wrap=True)
    drawn.add_column("interval", no_wrap=True)
    drawn.add_column("when")
    drawn.add_column("rests on")
    for figure in figures:
        if figure.value is None:
            why = Text(f"missing: {figure.missing}", style="italic dim")
            drawn.add_row(Text(figure.label), "–", "", "", why)
            continue
        drawn.add_row(
            Text(figure.label),
            Text(figure_value(figure), style="bold"),
            Text(figure_bounds(figure), style="dim"),
            Text(period(figure.since, figure.until)),
            Text(figure.source, style="dim"),
        )
    return drawn


def _table(table: Table) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(table.title, style="bold")] if table.title else []
    if not table.rows:
        return [*parts, Text(table.empty, style="dim")]
    if table.reference:
        return [*parts, Text("in the page and in --json", style="dim")]
    shown = [index for index, column in enumerate(table.columns) if not column.minor]
    headed = any(column.title for column in table.columns)
    drawn = RichTable(
        box=SIMPLE_HEAD if headed else None, show_edge=False, pad_edge=False, show_header=headed
    )
    for column in (table.columns[index] for index in shown):
        numeric = column.kind in {"number", "estimate"}
        fixed = numeric or column.kind == "day"
        drawn.add_column(
            Text(column.title), justify="right" if numeric else "left", no_wrap=fixed and headed
        )
    for row in table.rows[:SHOWN_ROWS]:
        drawn.add_row(*(Text(cell(row[index], table.columns[index])) for index in shown))
    parts.append(drawn)
    left = len(table.rows) - SHOWN_ROWS
    if left > 0:
        parts.append(Text(f"and {left} more: the page and --json have them all", style="dim"))
    if table.note:
        parts.append(Text(table.note, style="dim"))
    return parts


def _foot(report: Report) -> str:
    end = " SIMULATED." if report.simulated else ""
    return f"hashcanary {report.code_version}. The same again: {report.command}.{end}"
