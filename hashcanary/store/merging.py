"""Puts new rows beside stored ones, so that the order of loads does not matter.

Rows are one fact where their key is the same. A column that one of them leaves null is filled by
the other; two different values of one source are a conflict. The same header may come from many
files: its source is then the least of their names, whichever was loaded first.

Within a transaction new rows are appended to a table, known ones filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.store.errors import ConflictingFacts

if TYPE_CHECKING:
    from hashcanary.sources.facts import FactTable
    from hashcanary.store.lake import Transaction


_HERE = "__here"
_OLD = "__old"
_TURN = "__turn"


@dataclass(frozen=True, slots=True)
class Merged:
    """new: rows whose key was not stored; changed: stored rows with what was filled in."""

    new: pl.DataFrame
    changed: pl.DataFrame


def merge(table: FactTable, stored: pl.DataFrame, incoming: pl.DataFrame, place: str) -> Merged:
    """Split ``incoming`` into what is new and what changes stored rows.

    Both frames have the table's columns. Raises ConflictingFacts, naming ``place``.
    """
    incoming = without_repeats(table, incoming, place)
    if stored.is_empty():
        return Merged(incoming, incoming.clear())
    key = list(table.key)
    both = incoming.join(
        stored.with_columns(pl.lit(value=True).alias(_HERE)),
        on=key,
        how="left",
        suffix=_OLD,
        nulls_equal=True,
        maintain_order="left",
    )
    new = both.filter(pl.col(_HERE).is_null()).select(list(table.schema))
    known = both.filter(pl.col(_HERE).is_not_null())
    return Merged(new, _filled(table, known, place))


def without_repeats(table: FactTable, rows: pl.DataFrame, place: str) -> pl.DataFrame:
    """One row a key. Raises ConflictingFacts where two rows of a key differ."""
    key = list(table.key)
    if rows.select(key).n_unique() == rows.height:
        return rows
    turned = rows.with_columns(pl.int_range(pl.len()).over(key).alias(_TURN))
    layers = turned.partition_by(_TURN, include_key=True, maintain_order=True)
    kept, *rest = (layer.drop(_TURN) for layer in sorted(layers, key=lambda one: one[_TURN][0]))
    for layer in rest:
        kept = with_changes(table, kept, merge(table, kept, layer, place).changed)
    return kept


def with_changes(table: FactTable, stored: pl.DataFrame, changed: pl.DataFrame) -> pl.DataFrame:
    """Stored rows, those of ``changed`` in their place."""
    if changed.is_empty():
        return stored
    rest = stored.join(changed, on=list(table.key), how="anti", nulls_equal=True)
    return pl.concat([rest, changed])


def _filled(table: FactTable, known: pl.DataFrame, place: str) -> pl.DataFrame:
    """Rows stored already that gain something by the incoming ones."""
    values = [name for name in table.schema if name not in table.key and name != "source"]
    gains = []
    for name in values:
        new, old = pl.col(name), pl.col(name + _OLD)
        against = known.filter(new != old)
        if against.height:
            raise _conflict(table, against, name, place)
        gains.append(old.is_null() & new.is_not_null())
    filled = [pl.coalesce(name + _OLD, name).alias(name) for name in values]
    if "source" not in table.key:
        gains.append(pl.col("source") < pl.col("source" + _OLD))
        filled.append(pl.min_horizontal("source", "source" + _OLD).alias("source"))
    return known.filter(pl.any_horizontal(gains)).with_columns(filled).select(list(table.schema))


def _conflict(table: FactTable, against: pl.DataFrame, column: str, place: str) -> ConflictingFacts:
    first = against.sort(table.key).row(0, named=True)
    return ConflictingFacts(
        place=place,
        column=column,
        new=first[column],
        old=first[column + _OLD],
        count=against.height,
        key=", ".join(f"{name} {_shown(first[name])}" for name in table.key),
    )


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


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
