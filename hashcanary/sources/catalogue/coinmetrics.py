"""Coin Metrics' daily community CSV: one row a UTC day, one column a series."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hashcanary.sources.facts import Parsed
from hashcanary.sources.files.daily import COINMETRICS_VENDOR, checked_series, is_text, parse_daily
from hashcanary.sources.files.tables import Field, has, read_matching, resolve
from hashcanary.sources.source import Content, Options, Probe, Source

KIND = "coinmetrics"
_TIME = Field("time", ("date",), required=True)
_ASSET = Field("asset")
_OWN_NAMES = tuple(
    Field(name)
    for name in (
        *("AdrActCnt", "BlkCnt", "BlkSizeByte", "CapMrktCurUSD", "CapMVRVCur", "CapRealUSD"),
        *("DiffMean", "FeeTotNtv", "FeeTotUSD", "HashRate", "IssTotNtv", "IssTotUSD", "PriceUSD"),
        *("ReferenceRateUSD", "SplyCur", "TxCnt", "TxTfrCnt", "TxTfrValAdjUSD"),
    )
)


def recognise(probe: Probe) -> bool:
    """Whether a table has a time and at least three series under Coin Metrics' names."""
    return has(probe.columns, _TIME) == 1 and has(probe.columns, *_OWN_NAMES) >= 3


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``daily_reference``, one for each series and day that has a value.

    Coin Metrics' day is the UTC day by median time past.
    """
    table = read_matching(content, KIND, lambda columns: _wanted(content, columns))
    if table.has("asset"):
        what = "the asset btc in every row"
        table.refuse(table.texts("asset", what).ne_missing("btc"), "asset", what)
    names = [name for name in table.frame.columns if name not in ("time", "asset")]
    words = [name for name in names if is_text(table.frame[name])]
    wide = pl.DataFrame(
        [table.days("time").alias("day")]
        + [checked_series(table, name) for name in names if name not in words]
    )
    notes = [*table.notes, *([f"columns of words not kept: {', '.join(words)}"] if words else [])]
    return parse_daily(KIND, table, wide, COINMETRICS_VENDOR, content.source, notes)


def _wanted(content: Content, columns: Sequence[str]) -> dict[str, str]:
    known = resolve(content, KIND, columns, (_TIME, _ASSET))
    return {column: known.get(column, column) for column in columns if column}


COINMETRICS = Source(
    kind=KIND,
    title="Coin Metrics daily series",
    reads="CSV with a column time (UTC days) and one column a series, such as PriceUSD, HashRate",
    recognise=recognise,
    parse=parse,
)
