"""Answers in a notebook: main table and sentences as HTML, without a script or a style sheet."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from hashcanary.views.text import cell, harmless, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.views.table import Cell, Column, Table

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
