"""What an answer holds, declared once, and the answer itself: tables, facts and sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from hashcanary.errors import UsageError
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import SIMULATED, cell, harmless, heading

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.store.record import Record


def one_of(
    argument: str,
    value: str | None,
    choices: Iterable[str],
    remedy: str = "Omit it for the default.",
) -> None:
    """Raise UsageError for a value that is none of the choices."""
    known = tuple(choices)
    if value not in known:
        expected = f"one of {', '.join(known)}"
        raise UsageError(argument=argument, expected=expected, found=value, remedy=remedy)


def only_of_history(start: int | None, end: int | None, what: str, *, history: bool) -> None:
    """Raise UsageError for bounds without the history that they are of. what: is had without."""
    if (start is not None or end is not None) and not history:
        raise UsageError(
            argument="--start and --end",
            expected="--history with them",
            found="none",
            remedy=f"--at gives {what} as known at a moment.",
        )


@dataclass(frozen=True, slots=True)
class View:
    """What an answer holds, declared once: docs, JSON Schema and every rendering follow from it.

    name: the method of the API; command: of the command line. facts: figures beside the rows, at
    the top of the JSON document. tables: columns of each table, the first one the main one. more:
    keys of the document that hold lists or words, with what they mean. open_rows: rows may have
    further columns, which ``columns`` describes.
    """

    name: str
    command: str
    question: str
    facts: tuple[Column, ...] = ()
    tables: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)
    open_rows: bool = False

    def facts_of(self, result: object, known: Mapping[str, Cell] | None = None) -> dict[str, Cell]:
        """Every fact: those known beside, the others read off what was computed.

        An optional one that is not known is left out.
        """
        given = known or {}
        cells = {
            column.name: given[column.name] if column.name in given else column.cell(result, 0)
            for column in self.facts
        }
        absent = {column.name for column in self.facts if column.optional}
        return {
            name: value for name, value in cells.items() if value is not None or name not in absent
        }

    def columns(self, table: str, *names: str) -> tuple[Column, ...]:
        """Columns of one of its tables by name, in the order asked for."""
        by_name = {column.name: column for column in self.tables[table]}
        return tuple(by_name[name] for name in names)

    def ordered(self, first: str) -> list[str]:
        """The names of its tables, ``first`` in front. Raises UsageError for one there is not."""
        one_of("--show", first, self.tables, f"Leave it out for {next(iter(self.tables))}.")
        return [first, *(key for key in self.tables if key != first)]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question as known at a moment.

    facts: by the names of ``view.facts``. tables: the one that was asked for first. more: by the
    keys of ``view.more``. sentences: what a reader needs, without the tables. result: what was
    computed, for charts. read: the table that people are shown, None for the main one.
    """

    view: View
    record: Record | None
    title: str
    tables: tuple[Table, ...] = ()
    facts: Mapping[str, Cell] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)
    sentences: Sequence[str] = ()
    notes: Sequence[str] = ()
    result: Any = None
    read: str | None = None

    @property
    def simulated(self) -> bool:
        """Whether it is about simulated history; every rendering says so."""
        if self.record is None:
            return bool(self.more.get("simulated"))
        return self.record.simulated

    def named(self, key: str | None = None) -> Table:
        """The table called ``key``, the main one for None. Raises UsageError."""
        by_key = {table.key: table for table in self.tables}
        if key is None and self.tables:
            return self.tables[0]
        one_of("table", key, by_key or ("none",), "Omit it for the main table.")
        return by_key[str(key)]

    def table(self, key: str | None = None) -> pl.DataFrame:
        """A table as a Polars frame, its columns as in JSON; the main one for None."""
        return self.named(key).frame()

    def to_dict(self) -> dict[str, Any]:
        """The JSON document of the command, as plain values."""
        document: dict[str, Any] = {}
        if self.record is not None:
            document |= {
                "at": self.record.at_text,
                "network": self.record.network.name,
                "simulated": self.record.simulated,
            }
        known = [column for column in self.view.facts if column.name in self.facts]
        for column in known:
            document |= column.data(self.facts[column.name])
        document |= self.more
        if self.sentences:
            document["sentences"] = list(self.sentences)
        if known:
            document["fields"] = [column.described() for column in known]
        if self.tables:
            main = self.tables[0]
            if len(self.view.tables) > 1:
                document["shown"] = main.key
            document |= {"columns": main.described(), "rows": main.records()}
        if self.record is not None:
            document["provenance"] = self.record.provenance
        return document

    @property
    def shown(self) -> tuple[str, Table | None, list[str]]:
        """What people are shown: title, table and lines under it."""
        table = self.named(self.read) if self.tables else None
        lines = [SIMULATED] if self.simulated else []
        if table is not None and table.note:
            lines.append(table.note)
        return self.title, table, [*lines, *self.sentences, *self.notes]

    def text(self, width: int = 80) -> str:
        """The answer as the command prints it, without colours, ``width`` characters wide."""
        from hashcanary.views.terminal import plain, rendered

        return plain(rendered(*self.shown), width)

    def _repr_html_(self) -> str:
        return page_part(*self.shown)


# rows a notebook shows of a long table, from both ends
_MOST = 20


def page_part(title: str, table: Table | None, lines: Sequence[str]) -> str:
    """An answer as a piece of HTML; text is escaped."""
    parts = [f"<p><strong>{_text(title)}</strong></p>"] if title else []
    if table is not None:
        parts.append(_table(table))
    parts += [f"<p>{_text(line)}</p>" for line in lines]
    return f"<div>{''.join(parts)}</div>"


def _text(text: str) -> str:
    return escape(harmless(text.strip()))


def _table(table: Table) -> str:
    rows = table.rows if table.shown is None else table.shown
    if not rows:
        return f"<p>{_text(table.empty)}</p>"
    seen = [(place, column) for place, column in enumerate(table.columns) if not column.hidden]
    head = "".join(f"<th{_side(column)}>{_head(column)}</th>" for _, column in seen)
    half = _MOST // 2
    cut = len(rows) > _MOST
    body = [_row(table.cells(row), seen) for row in (rows[:half] if cut else rows)]
    if cut:
        body.append(f'<tr><td colspan="{len(seen)}">… {len(rows) - _MOST:,} more rows</td></tr>')
        body += [_row(table.cells(row), seen) for row in rows[-half:]]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _row(cells: Sequence[Cell], seen: Sequence[tuple[int, Column]]) -> str:
    shown = (
        f"<td{_side(column)}>{escape(cell(cells[place], column))}</td>" for place, column in seen
    )
    return f"<tr>{''.join(shown)}</tr>"


def _head(column: Column) -> str:
    title, unit = heading(column)
    return f"{_text(title)}<br><small>{_text(unit)}</small>" if unit else _text(title)


def _side(column: Column) -> str:
    return ' style="text-align:right"' if column.numeric else ""
