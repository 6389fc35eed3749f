"""What every command prints with: one table shown to people, as JSON or as CSV.

Data go to stdout, everything else to stderr. JSON holds no NaN and is the same bytes for the same
data. Text that came from files is made harmless: control characters are shown, not sent to the
terminal, and a CSV cell cannot start a spreadsheet formula.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TextIO

from hashcanary.views.data import csv_cell, csv_text, json_text
from hashcanary.views.text import harmless

if TYPE_CHECKING:
    import argparse

    from rich.console import Console, RenderableType
    from rich.table import Table as RichTable

    from hashcanary.units import Unit
    from hashcanary.views.answer import Answer

Format = Literal["people", "json", "csv"]
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its key in JSON, its title, its unit if its values are numbers of one.

    wide: it may break over lines. optional: people see it only where some row has a value;
    data_only: people never see it. people: how people read a value that is not null. spare: left
    out where the terminal is too narrow for all, the greatest first; 0: never.
    """

    key: str
    title: str
    unit: Unit | None = None
    wide: bool = False
    optional: bool = False
    data_only: bool = False
    people: Callable[[object], str] | None = None
    spare: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with the columns they have; ``notes`` are lines shown to people under it.

    document: what JSON says beside ``rows``; people_rows: the rows people are shown, None for
    all of them. CSV and JSON always have every row.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    title: str = ""
    notes: Sequence[str] = ()
    document: Mapping[str, object] = field(default_factory=dict)
    people_rows: Sequence[Row] | None = None


def format_of(args: argparse.Namespace) -> Format:
    """The form of output the user asked for."""
    if args.json:
        return "json"
    return "csv" if args.csv else "people"


def emit(table: Table, how: Format) -> None:
    """Write a table to stdout in the form the user asked for."""
    if how == "json":
        emit_json({**table.document, **_units(table), "rows": table.rows})
    elif how == "csv":
        _emit_csv(table)
    else:
        _emit_people(table)


def show(answer: Answer, how: Format) -> None:
    """Write an answer to stdout in the form the user asked for."""
    if how == "json":
        sys.stdout.write(json_text(answer.to_dict()))
    elif how == "csv":
        sys.stdout.write(csv_text(answer.tables[0]))
    else:
        from hashcanary.views.terminal import UNLIMITED, rendered

        out = console(sys.stdout)
        if out.is_terminal:
            out.print(rendered(*answer.shown))
        else:
            # nothing is cut where no terminal sets a limit, and nothing is padded
            out.width = UNLIMITED
            print_trimmed(out, rendered(*answer.shown))


def _units(table: Table) -> dict[str, object]:
    """The units of the rows' numbers by key, beside those that the document has of its own."""
    stated = table.document.get("units", {})
    found = dict(stated) if isinstance(stated, Mapping) else {}
    found |= {column.key: column.unit.suffix for column in table.columns if column.unit}
    return {"units": found} if found else {}


def _emit_csv(table: Table) -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([csv_header(column) for column in table.columns])
    for row in table.rows:
        writer.writerow([csv_cell(row.get(column.key)) for column in table.columns])


def emit_json(document: Mapping[str, object]) -> None:
    """Write one JSON object."""
    sys.stdout.write(json_text(document))


def csv_header(column: Column) -> str:
    """A column's name with its unit: ``value_hashes_per_second``."""
    return f"{column.key}_{column.unit.suffix}" if column.unit else column.key


def people_cell(value: object, column: Column) -> str:
    """A cell as people read it."""
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if column.people is not None:
        return harmless(column.people(value))
    if isinstance(value, (list, tuple)):
        return "; ".join(people_cell(item, column) for item in value) or "-"
    return (
        _people_number(value, column) if isinstance(value, (int, float)) else harmless(str(value))
    )


def _people_number(value: float, column: Column) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    unit = column.unit
    if unit is None or (isinstance(value, int) and not unit.prefixed and not unit.percent):
        return f"{value:,} {unit.symbol}" if unit and unit.symbol else f"{value:,}"
    return unit.people(value)


def _emit_people(table: Table) -> None:
    from rich.text import Text

    out = console(sys.stdout)
    if table.title:
        out.print(Text(harmless(table.title)), style="bold")
    rows = table.rows if table.people_rows is None else table.people_rows
    if rows:
        _print_rows(out, table.columns, rows)
    for note in table.notes:
        print_note(out, note)


def print_note(out: Console, note: str) -> None:
    """A line for people; a terminal breaks it with its indent kept, elsewhere it stays whole."""
    from rich.padding import Padding
    from rich.text import Text

    if not out.is_terminal:
        out.file.write(harmless(note) + "\n")
        return
    indent = len(note) - len(note.lstrip(" "))
    hanging = Padding(Text(harmless(note.strip())), (0, 0, 0, indent))
    out.print(hanging, style="dim" if indent else "")


def _print_rows(out: Console, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    seen = [column for column in columns if _is_seen(column, rows)]
    drawn = _drawn(seen, rows)
    if not out.is_terminal:
        # nothing is cut where no terminal sets a limit, and nothing is padded
        out.width = max(out.width, _width(out, drawn))
        print_trimmed(out, drawn)
        return
    left_out: list[str] = []
    while _width(out, drawn) > out.width and (spare := max(seen, key=lambda c: c.spare)).spare:
        seen.remove(spare)
        left_out.append(spare.title)
        drawn = _drawn(seen, rows)
    out.print(drawn)
    if left_out:
        print_note(out, f"No room here for: {', '.join(reversed(left_out))}.")


def print_trimmed(out: Console, drawn: RenderableType) -> None:
    """Print to what is no terminal: without the blanks that fill lines up."""
    with out.capture() as captured:
        out.print(drawn)
    out.file.writelines(line.rstrip() + "\n" for line in captured.get().splitlines())


def _width(out: Console, drawn: RichTable) -> int:
    """The width at which a table shows whole."""
    return out.measure(drawn, options=out.options.update(max_width=10_000)).maximum


def _drawn(columns: Sequence[Column], rows: Sequence[Row]) -> RichTable:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for column in columns:
        numbers = any(isinstance(row.get(column.key), (int, float)) for row in rows)
        drawn.add_column(
            Text(column.title),
            justify="right" if numbers else "left",
            no_wrap=not column.wide,
            overflow="fold",
        )
    for row in rows:
        drawn.add_row(*(Text(people_cell(row.get(column.key), column)) for column in columns))
    return drawn


def _is_seen(column: Column, rows: Sequence[Row]) -> bool:
    if column.data_only:
        return False
    return not column.optional or any(row.get(column.key) not in (None, "", []) for row in rows)


def console(stream: TextIO) -> Console:
    """A rich console that prints text as it is: no markup, no emoji, no guessed colours."""
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)


def say(text: str) -> None:
    """A line for people on stderr."""
    sys.stderr.write(harmless(text) + "\n")
