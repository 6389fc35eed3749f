"""Which of several rows is taken for a candle or a vendor's daily figure.

A file that was fetched again reaches further and may revise its last rows, which were provisional
when the older one was made; a service that was asked again may have revised a day. So, among rows
about the same thing that were known at the moment asked for:

1. the source whose rows of that market or series reach furthest, in all the lake;
2. of those, the one whose name comes first;
3. of one source, the row that became known last.

Whatever is not taken stays in the table, and ``status`` lists it.
"""

from __future__ import annotations

import polars as pl

from hashcanary.sources.facts import CANDLES, DAILY_REFERENCE, FactTable

# per table: the columns that name a series, and the one that says how far it reaches
_SERIES = {
    CANDLES.name: (("market", "interval"), "open_time"),
    DAILY_REFERENCE.name: (("vendor", "series"), "day"),
}


def taken_first(table: FactTable, rows: pl.DataFrame, at: int | None = None) -> pl.DataFrame:
    """All rows known at a moment (None: all), those about one thing side by side, the one that is
    taken in front.

    rows: of CANDLES or DAILY_REFERENCE, all that the lake holds.
    """
    series, place = _SERIES[table.name]
    reach = pl.col(place).max().over([*series, "source"]).alias("reach")
    order = [*table.subject, "reach", "source", "known_at"]
    descending = [name in ("reach", "known_at") for name in order]
    rows = rows.with_columns(reach)
    known = rows if at is None else rows.filter(pl.col("known_at") <= at)
    return known.sort(order, descending=descending).drop("reach")


def taken(table: FactTable, rows: pl.DataFrame, at: int | None = None) -> pl.DataFrame:
    """One row for each subject: the one that is taken among those known at a moment (None: all)."""
    if not rows.select(pl.struct(table.subject).is_duplicated().any()).item():
        return rows if at is None else rows.filter(pl.col("known_at") <= at)
    ordered = taken_first(table, rows, at)
    again = [pl.col(name) == pl.col(name).shift(1) for name in table.subject]
    return ordered.filter(~pl.all_horizontal(again).fill_null(value=False))
