"""Tables and answers for a terminal, by rich: plain text, no markup taken from data."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from hashcanary.views.text import cell, harmless, heading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hashcanary.views.table import Column, Row, Table

# between two columns, and the longest word that is kept whole
_GAP, _WIDEST = 3, 24
# beyond any table: where no terminal sets a width
UNLIMITED = 10_000


def rendered(title: str, table: Table | None, lines: Sequence[str]) -> RenderableType:
    """An answer as a renderable: title, table, lines under it."""
    parts: list[RenderableType] = [Text(harmless(title), style="bold")] if title else []
    if table is not None:
        parts += table_parts(table)
    return Group(*parts, *map(note_line, lines))


def plain(answer: RenderableType, width: int) -> str:
    """A renderable as text without colours or trailing blanks."""
    out = Console(
        file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False, no_color=True
    )
    with out.capture() as captured:
        out.print(answer)
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def note_line(note: str) -> RenderableType:
    """A line under a table; broken over lines it keeps its indent."""
    indent = len(note) - len(note.lstrip(" "))
    return Padding(Text(harmless(note.strip()), style="dim" if indent else ""), (0, 0, 0, indent))


def table_parts(table: Table, most: int | None = None) -> list[RenderableType]:
    """A table's rows as people see them, of them the first ``most``; a line where it has none."""
    rows = table.rows if table.shown is None else table.shown
    if not rows:
        return [Text(harmless(table.empty), style="dim")] if table.empty else []
    return [_Fitting(table, rows[:most])]


class _Fitting:
    """A table without its spare columns where there is no room for them."""

    def __init__(self, table: Table, rows: Sequence[Row]) -> None:
        columns = list(table.columns)
        cells = [table.cells(row) for row in rows]
        places = [
            place
            for place, column in enumerate(columns)
            if not column.hidden
            and not (column.optional and all(row[place] in (None, "") for row in cells))
        ]
        self._columns = [columns[place] for place in places]
        self._rows = [[cell(row[place], columns[place]) for place in places] for row in cells]
        self._headed = any(column.title for column in columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        seen, least = self._seen(options.max_width)
        wanted = [max(least[place], *(len(row[place]) for row in self._rows)) for place in seen]
        room = options.max_width - _GAP * (len(seen) - 1)
        yield self._drawn(seen, _widths([least[place] for place in seen], wanted, room))
        omitted = [column.title for place, column in enumerate(self._columns) if place not in seen]
        if omitted:
            text = f"Columns omitted at this width: {', '.join(omitted)}."
            yield Text(harmless(text), style="dim")

    def _seen(self, width: int) -> tuple[list[int], list[int]]:
        """The columns there is room for, and the least width of each.

        Spare columns go first; then words break at their spaces; then the last columns go.
        """
        seen = list(range(len(self._columns)))
        least = [self._least(place, breaks=self._columns[place].wide) for place in seen]
        while self._width(seen, least) > width:
            place = max(seen, key=lambda each: self._columns[each].spare)
            if not self._columns[place].spare:
                break
            seen.remove(place)
        else:
            return seen, least
        least = [
            self._least(place, breaks=not column.numeric and column.unit is None)
            for place, column in enumerate(self._columns)
        ]
        while len(seen) > 1 and self._width(seen, least) > width:
            seen.pop()
        return seen, least

    @staticmethod
    def _width(seen: Sequence[int], least: Sequence[int]) -> int:
        return sum(least[place] for place in seen) + _GAP * (len(seen) - 1)

    def _least(self, place: int, *, breaks: bool) -> int:
        """The least width of a column. breaks: whether its cells may break, at their spaces."""
        cells, column = [row[place] for row in self._rows], self._columns[place]
        inside = longest_word(cells) if breaks else max(map(len, cells))
        return max(inside, longest_word(heading(column)))

    def _drawn(self, seen: Sequence[int], widths: Sequence[int]) -> RichTable:
        drawn = RichTable(
            box=SIMPLE_HEAD if self._headed else None,
            show_edge=False,
            pad_edge=False,
            show_header=self._headed,
        )
        for place, width in zip(seen, widths, strict=True):
            column = self._columns[place]
            drawn.add_column(
                _head(column),
                justify="right" if column.numeric else "left",
                width=width,
                overflow="fold",
            )
        for row in self._rows:
            drawn.add_row(*(Text(row[place]) for place in seen))
        return drawn


def _head(column: Column) -> Text:
    title, unit = heading(column)
    return Text(f"{title}\n{unit}" if unit and title else unit or title)


def _widths(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Widths between the least and the wanted ones that fill the room, the narrowest fed first."""
    widths = list(least)
    for _ in range(room - sum(least)):
        short = [at for at, width in enumerate(widths) if width < wanted[at]]
        if not short:
            break
        widths[min(short, key=lambda at: widths[at])] += 1
    return widths


def longest_word(texts: Iterable[str]) -> int:
    """Length of the longest word, so far as a column can hold it."""
    return min(max((len(word) for text in texts for word in text.split()), default=0), _WIDEST)
