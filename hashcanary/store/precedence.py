"""Which of several rows is taken for a candle, a vendor's daily figure or a company's.

A file that was fetched again reaches further and may revise its last rows, which were provisional
when the older one was made; a service that was asked again may have revised a day. So, among rows
about the same thing that were known at the moment asked for:

1. the source whose rows of that market or series reach furthest, in all the lake;
2. of those, the one whose name comes first;
3. of one source, the row that became known last.

A company restates what it published: the newest publication counts from its own day on. Of what
was published on one day, a later ``revision`` of the user's counts first, then the rules above. A
simulated figure never stands before a real one.

Whatever is not taken stays in the table, and ``status`` lists it.
"""

from __future__ import annotations

import polars as pl

from hashcanary.sources.facts import CANDLES, COMPANIES, DAILY_REFERENCE, FactTable

# per table: the columns that name a series, and the one that says how far it reaches
_SERIES = {
    CANDLES.name: (("market", "interval"), "open_time"),
    DAILY_REFERENCE.name: (("vendor", "series"), "day"),
    COMPANIES.name: (("company",), "period_end"),
}
# what decides between rows about one thing, and which of it is taken greatest first
_ORDER = ("reach", "source", "known_at")
_ORDERS = {
    COMPANIES.name: ("simulated", "known_at", "revision", "reach", "source", "source_url", "value")
}
_GREATEST = ("reach", "known_at", "revision")


def taken_first(table: FactTable, rows: pl.DataFrame, at: int | None = None) -> pl.DataFrame:
    """All rows known at a moment (None: all), those about one thing side by side, the one that is
    taken in front.

    rows: of CANDLES, DAILY_REFERENCE or COMPANIES, all that the lake holds.
    """
    series, place = _SERIES[table.name]
    reach = pl.col(place).max().over([*series, "source"]).alias("reach")
    order = [*table.subject, *_ORDERS.get(table.name, _ORDER)]
    descending = [name in _GREATEST for name in order]
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
