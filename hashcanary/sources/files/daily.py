"""Vendors' daily series: from one column a series to one row a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.moments import DAY, iso_day
from hashcanary.sources.facts import DAILY_REFERENCE, Coverage, Facts, Parsed
from hashcanary.sources.files.columns import missing_ranges, settle

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.sources.files.columns import Table

COINMETRICS_VENDOR = "coinmetrics"
_ABOVE_ZERO = ("PriceUSD", "PriceBTC", "ReferenceRateUSD")
_NEVER_BELOW_ZERO = ("AdrActCnt", "Blk", "Cap", "Diff", "Fee", "HashRate", "Iss", "Sply", "TxCnt")


def is_text(values: pl.Series) -> bool:
    """Whether a column holds words and no number at all, and so is no series."""
    if values.dtype.is_numeric() or values.dtype == pl.Null:
        return False
    given = values.drop_nulls()
    if given.dtype != pl.String:
        return True
    return len(given) > 0 and given.str.strip_chars().cast(pl.Float64, strict=False).is_null().all()


def parse_daily(
    kind: str,
    table: Table,
    wide: pl.DataFrame,
    vendor: str,
    source: str,
    notes: Iterable[str] = (),
) -> Parsed:
    """Facts of a frame with ``day`` and one Float64 column a series, row for row as ``table``.

    A day is known when it is over: at 00:00 UTC of the next. Days without a value give no row.
    """
    once, settled = settle(table, wide, ("day",))
    series = [name for name in once.columns if name != "day"]
    rows = (
        once.unpivot(series, index="day", variable_name="series", value_name="value")
        .drop_nulls("value")
        .with_columns(
            vendor=pl.lit(vendor),
            source=pl.lit(source),
            known_at=pl.col("day").cast(pl.Datetime("us")).dt.epoch("s") + DAY,
        )
        .select(list(DAILY_REFERENCE.schema))
    )
    empty = [name for name in series if once[name].null_count() == once.height]
    if empty:
        settled = (*settled, f"columns without a value: {', '.join(empty)}")
    coverage = _coverage(once["day"], rows.height, (*notes, *settled))
    return Parsed(kind, (Facts(DAILY_REFERENCE, rows),), coverage)


def checked_series(table: Table, name: str) -> pl.Series:
    """A series of Coin Metrics as Float64, null where it has no value.

    Each value is one that its name allows. Raises BadValue.
    """
    values = table.reals(name, null=True)
    if name in _ABOVE_ZERO:
        table.refuse(values <= 0, name, "a price above zero, or nothing")
    if name.startswith(_NEVER_BELOW_ZERO):
        table.refuse(values < 0, name, "a number not below zero, or nothing")
    return values.alias(name)


def _coverage(days: pl.Series, rows: int, notes: tuple[str, ...]) -> Coverage:
    starts = days.cast(pl.Datetime("us")).dt.epoch("s")
    gaps = tuple(
        iso_day(first) if first == last else f"{iso_day(first)} to {iso_day(last)}"
        for first, last in missing_ranges(starts, DAY)
    )
    return Coverage(rows, iso_day(starts[0]), iso_day(starts[-1]), gaps, notes)
