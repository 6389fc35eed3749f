"""Records made by hand, as a lake would give them; what is not given is empty or null."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.moments import DAY, day_start
from hashcanary.sources.facts import CANDLES, DAILY_REFERENCE
from hashcanary.sources.files.company_figures import BY_NAME
from hashcanary.store.record import COMPANY_COLUMNS, POOL_LABEL_COLUMNS, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    Report = tuple[str, str, tuple[date, date], float]

EASY = 0x1D00FFFF  # difficulty 1
_SCHEMAS = {
    "blocks": {
        **dict.fromkeys(("height", "time", "bits", "median_time_past", "total_fee"), pl.Int64()),
        **dict.fromkeys(("tx_count", "size", "weight"), pl.Int64()),
        "source": pl.String(),
        "known_at": pl.Int64(),
    },
    "daily": {name: kind for name, kind in DAILY_REFERENCE.schema.items() if name != "source"},
    "candles": {name: kind for name, kind in CANDLES.schema.items() if name != "source"},
}


def record(
    blocks: pl.DataFrame | None = None,
    daily: pl.DataFrame | None = None,
    candles: pl.DataFrame | None = None,
    *,
    at: int | None = None,
    **columns: Any,
) -> Record:
    """A record; ``at``: of what was known then. columns: any other field of a record."""
    tables = {}
    for name, frame in (("blocks", blocks), ("daily", daily), ("candles", candles)):
        rows = pl.DataFrame() if frame is None else frame
        absent = {key: kind for key, kind in _SCHEMAS[name].items() if key not in rows.columns}
        rows = rows.with_columns(pl.lit(None, kind).alias(key) for key, kind in absent.items())
        tables[name] = rows.clear() if frame is None else rows
        if at is not None:
            tables[name] = tables[name].filter(pl.col("known_at") <= at)
    text = "latest" if at is None else str(at)
    fields = {"at": at, "at_text": text, "network": MAIN, "simulated": False}
    return Record(**(fields | tables | columns))


def blocks_at(
    heights: Sequence[int],
    times: Sequence[int],
    bits: int | Sequence[int] = EASY,
    fee: int | None = 0,
) -> pl.DataFrame:
    """Blocks by height and header time, each with ``fee`` satoshis of fees."""
    median, known = median_time_past(np.array(times), np.array(heights))
    frame = pl.DataFrame({"height": heights, "time": times}, schema_overrides={"time": pl.Int64})
    return frame.with_columns(
        bits=pl.lit(bits, dtype=pl.Int64) if isinstance(bits, int) else pl.Series(bits),
        median_time_past=pl.when(pl.Series(known)).then(pl.Series(median)),
        total_fee=pl.lit(fee, dtype=pl.Int64),
        known_at=pl.col("time").cum_max(),
    )


def chain(
    times: Sequence[int], first: int = 0, bits: int | Sequence[int] = EASY, fee: int | None = 0
) -> pl.DataFrame:
    """Blocks from a height on, by header time."""
    return blocks_at(range(first, first + len(times)), times, bits, fee)


def labelled(times: Sequence[int], pools: Sequence[str | None], *, simulated: bool) -> Record:
    """A chain from height 0; ``pools``: the label of each block, None where it has none."""
    labels = {"height": range(len(pools)), "pool": pools}
    return record(
        chain(times),
        simulated=simulated,
        pool_labels=pl.DataFrame(labels, schema=POOL_LABEL_COLUMNS).drop_nulls(),
        pool_list="test@0",
    )


def vendor_rows(rows: Iterable[tuple[int, str, float, int]]) -> pl.DataFrame:
    """A vendor's rows of (days since 1970, series, value, Unix second known at)."""
    names = ("day", "series", "value", "known_at")
    schema = {name: _SCHEMAS["daily"][name] for name in names} | {"day": pl.Int32()}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(pl.col("day").cast(pl.Date), vendor=pl.lit("coinmetrics"))


def closes(rows: Iterable[tuple[str, int, int, float]]) -> pl.DataFrame:
    """Candles of (market, seconds, Unix second of the open, close), known when they close."""
    names = ("market", "interval", "open_time", "close")
    schema = {name: _SCHEMAS["candles"][name] for name in names}
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(known_at=pl.col("open_time") + pl.col("interval"))


def reports(
    rows: Iterable[Report], *, simulated: Sequence[str] = (), delay: int = 2 * DAY
) -> pl.DataFrame:
    """Company reports of (company, figure, first and last day, value in the figure's own unit).

    simulated: companies whose reports are; delay: seconds from the last day's midnight to
    publication.
    """
    columns = [
        {
            "company": company,
            "figure": figure,
            "period_start": first,
            "period_end": last,
            "value": round(Fraction(str(value)) * 10 ** BY_NAME[figure].decimals),
            "unit": BY_NAME[figure].unit,
            "simulated": company in simulated,
            "source_url": f"https://{company}.example",
            "known_at": day_start(last) + delay,
            "restated": False,
        }
        for company, figure, (first, last), value in rows
    ]
    return pl.DataFrame(columns, schema=COMPANY_COLUMNS)


def reported(rows: Iterable[Report], *, simulated: Sequence[str] = ()) -> Record:
    """A record of company reports alone: no blocks, no prices."""
    return record(companies=reports(rows, simulated=simulated))
