"""Adds rows to a table within a transaction: new ones are appended, known ones filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.store.merging import merge, with_changes

if TYPE_CHECKING:
    from hashcanary.sources.facts import FactTable
    from hashcanary.store.lake import Transaction

_RANGED = {
    "headers": "height",
    "blocks": "height",
    "candles": "open_time",
    "daily_reference": "day",
    "events": "time",
    "pool_labels": "height",
    "companies": "known_at",
}


def add_rows(transaction: Transaction, table: FactTable, rows: pl.DataFrame) -> pl.DataFrame:
    """Merge rows into a table; gives those that were not stored. Raises ConflictingFacts."""
    stored = transaction.base.frame(table.name, where=_near(table, rows))
    merged = merge(table, stored, rows, f"table {table.name}")
    del stored
    if not merged.changed.is_empty():
        whole = with_changes(table, transaction.base.frame(table.name), merged.changed)
        altered = pl.concat([merged.changed, merged.new])
        transaction.replace(table.name, pl.concat([whole, merged.new]), altered)
    elif not merged.new.is_empty():
        transaction.append(table.name, merged.new)
    return merged.new


def _near(table: FactTable, rows: pl.DataFrame) -> pl.Expr:
    """A range in which every stored row lies that can have the key of an incoming one."""
    column = _RANGED[table.name]
    near = pl.col(column).is_between(rows[column].min(), rows[column].max())
    return near | pl.col(column).is_null() if rows[column].has_nulls() else near
