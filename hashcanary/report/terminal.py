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
    from collections.abc import Iterable

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

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
# between two columns, and the longest word that is kept whole
_GAP, _WIDEST = 3, 24


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
    drawn.add_column("", min_width=_longest_word(figure.label for figure in figures))
    drawn.add_column("value", justify="right", no_wrap=True)
    drawn.add_column("interval", min_width=_longest_word(map(figure_bounds, figures)))
    drawn.add_column("when")
    drawn.add_column("rests on", min_width=_longest_word(figure.source for figure in figures))
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
    parts.append(_Fitting(table))
    left = len(table.rows) - SHOWN_ROWS
    if left > 0:
        parts.append(Text(f"and {left} more: the page and --json have them all", style="dim"))
    if table.note:
        parts.append(Text(table.note, style="dim"))
    return parts


class _Fitting:
    """A table without the minor columns and, where a terminal is narrow, without the last ones."""

    def __init__(self, table: Table) -> None:
        shown = [at for at, column in enumerate(table.columns) if not column.minor]
        self._columns = [table.columns[at] for at in shown]
        self._rows = [
            [cell(row[at], table.columns[at]) for at in shown] for row in table.rows[:SHOWN_ROWS]
        ]
        self._headed = any(column.title for column in table.columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        least = [self._least(place) for place in range(len(self._columns))]
        count = len(least)
        while count > 1 and sum(least[:count]) + _GAP * (count - 1) > options.max_width:
            count -= 1
        wanted = [self._wanted(place) for place in range(count)]
        room = options.max_width - _GAP * (count - 1)
        yield self._drawn(_widths(least[:count], wanted, room))
        if count < len(least):
            left = ", ".join(column.title for column in self._columns[count:])
            yield Text(f"too narrow for: {left}", style="dim")

    def _least(self, place: int) -> int:
        """Figures and dates stay whole; words may break over lines, at their spaces."""
        cells, column = [row[place] for row in self._rows], self._columns[place]
        whole = column.kind in {"number", "estimate", "day"}
        return max(
            max(map(len, cells)) if whole else _longest_word(cells), _longest_word([column.title])
        )

    def _wanted(self, place: int) -> int:
        """What a column takes if nothing breaks but its heading."""
        return max(self._least(place), *(len(row[place]) for row in self._rows))

    def _drawn(self, widths: list[int]) -> RichTable:
        drawn = RichTable(
            box=SIMPLE_HEAD if self._headed else None,
            show_edge=False,
            pad_edge=False,
            show_header=self._headed,
        )
        for column, width in zip(self._columns, widths, strict=False):
            numeric = column.kind in {"number", "estimate"}
            drawn.add_column(
                Text(column.title), justify="right" if numeric else "left", width=width
            )
        for row in self._rows:
            drawn.add_row(*map(Text, row[: len(widths)]))
        return drawn


def _widths(least: list[int], wanted: list[int], room: int) -> list[int]:
    """Widths between the least and the wanted ones that fill the room, the narrowest fed first."""
    widths = list(least)
    for _ in range(room - sum(least)):
        short = [at for at, width in enumerate(widths) if width < wanted[at]]
        if not short:
            break
        widths[min(short, key=lambda at: widths[at])] += 1
    return widths


def _longest_word(texts: Iterable[str]) -> int:
    """Length of the longest word, so far as a column can hold it."""
    return min(max((len(word) for text in texts for word in text.split()), default=0), _WIDEST)


def _foot(report: Report) -> str:
    end = " SIMULATED." if report.simulated else ""
    return f"hashcanary {report.code_version}. The same again: {report.command}.{end}"
