"""The report for a terminal, by rich: plain text, no markup taken from data."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table as RichTable
from rich.text import Text

from hashcanary.report.document import Figure, Ledger, Report, Section
from hashcanary.report.render.words import facts_line, figure_bounds, figure_value
from hashcanary.views.table import Table
from hashcanary.views.terminal import longest_word, table_parts
from hashcanary.views.text import SIMULATED, period

_STYLES = {
    "calm": "bold green",
    "stressed": "bold yellow",
    "recovering": "bold yellow",
    "curtailed": "bold red",
    "capitulating": "bold red",
    "exiting": "bold red",
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
    head = report.head
    return [
        Text(head.state.upper(), style=_STYLES.get(head.state, "bold")),
        Text(head.headline, style="bold"),
        *(Padding(Text(sentence), (0, 0, 0, 2)) for sentence in head.sentences),
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
    drawn.add_column("", min_width=longest_word(figure.label for figure in figures))
    drawn.add_column("value", justify="right", no_wrap=True)
    drawn.add_column("interval", min_width=longest_word(map(figure_bounds, figures)))
    drawn.add_column("when")
    drawn.add_column("source", min_width=longest_word(figure.source for figure in figures))
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
    parts += table_parts(table, SHOWN_ROWS)
    left = len(table.rows) - SHOWN_ROWS
    if left > 0:
        parts.append(Text(f"and {left} more: the page and --json have them all", style="dim"))
    if table.note:
        parts.append(Text(table.note, style="dim"))
    return parts


def _foot(report: Report) -> str:
    end = " SIMULATED." if report.simulated else ""
    return f"hashcanary {report.code_version}. The same again: {report.command}.{end}"
