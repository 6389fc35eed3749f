"""Chapter 6: sources, completeness and definitions."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.moments import DAY
from hashcanary.report.document import Section, conventions
from hashcanary.units import COUNT
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import count, day, harmless, minute
from hashcanary.views.verdict import MEANINGS

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading
    from hashcanary.store.record import Record

# fewer blocks in a row than this are crumbs within a gap
_RUN = 144
_METRICS = (
    "hashrate.sma30",
    "hashrate.epoch",
    "drawdown.sma30",
    "ribbon.state",
    "ribbon.buy_state",
    "difficulty.change",
    "hashprice",
    "hashprice.realised",
    "hashvalue",
    "fees.share",
    "puell",
)


def basis(record: Record, reading: Reading, command: str) -> Section:
    """Sources, completeness, conventions, definitions, and how to get the same again."""
    return Section(
        key="basis",
        short="Sources",
        title="Sources and definitions",
        lead=_lead(reading),
        parts=(
            _sources(record),
            _gaps(record),
            _definitions(reading),
            _facts("conventions", "Conventions", conventions()),
            _facts("states", "What the verdict's states mean", tuple(MEANINGS.items())),
            _facts("again", "How to reproduce this report", _again(record, command)),
        ),
    )


def _lead(reading: Reading) -> str:
    rows = reading.metrics["hashrate.day"].present()
    if rows.height == 0:
        return "No day in the record has a hashrate."
    first, last = rows["time"][0], rows["time"][-1]
    by_blocks = int((rows["basis"] == "blocks").sum())
    by_vendor = rows.height - by_blocks
    absent = (last - first) // DAY + 1 - rows.height
    text = f"Hashrate is computed from blocks on {count(by_blocks, 'day')}"
    if by_vendor:
        text += f" and from a vendor's daily figures on {by_vendor:,}"
    if absent:
        text += f"; {count(absent, 'day')} between them are missing"
    else:
        text += "; none between them is missing"
    return f"{text}. The record covers {day(first)} to {day(last)}."


def _sources(record: Record) -> Table:
    rows: list[tuple[Cell, ...]] = []
    blocks = record.chain.group_by("source", maintain_order=True).agg(
        pl.len(), pl.col("height").min().alias("low"), pl.col("height").max().alias("high")
    )
    for source, rows_of, low, high in blocks.sort("low", "source").iter_rows():
        span = f"height {low:,} to {high:,}"
        rows.append(("blocks", harmless(str(source)), span, rows_of))
    daily = record.daily.group_by("vendor").agg(
        pl.col("series").n_unique(),
        pl.len(),
        pl.col("day").min().alias("low"),
        pl.col("day").max().alias("high"),
    )
    for vendor, series, rows_of, low, high in daily.sort("vendor").iter_rows():
        span = f"{low:%Y-%m-%d} to {high:%Y-%m-%d}, {series} series"
        rows.append(("a vendor's daily series", harmless(str(vendor)), span, rows_of))
    candles = record.candles.group_by("market", "interval").agg(
        pl.len(), pl.col("open_time").min().alias("low"), pl.col("open_time").max().alias("high")
    )
    for market, seconds, rows_of, low, high in candles.sort("market", "interval").iter_rows():
        span = f"{day(low)} to {day(high)}, {_every(seconds)}"
        rows.append(("candles", harmless(str(market)), span, rows_of))
    return Table(
        key="sources",
        title="Sources",
        columns=(
            Column("kind", "what"),
            Column("source", "from"),
            Column("span", "span"),
            Column("rows", "rows", COUNT),
        ),
        rows=tuple(rows),
        empty="The record is empty.",
    )


def _every(seconds: int) -> str:
    for length, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % length == 0:
            return (
                f"every {count(seconds // length, word)}" if seconds > length else f"every {word}"
            )
    return f"every {seconds} s"


def _gaps(record: Record) -> Table:
    """Ranges of heights in which fewer than ``_RUN`` blocks in a row are known."""
    runs = (
        record.chain.with_columns(run=(pl.col("height") - pl.int_range(pl.len())))
        .group_by("run", maintain_order=True)
        .agg(
            pl.col("height").first().alias("first"),
            pl.col("height").last().alias("last"),
            pl.col("time").first().alias("since"),
            pl.col("time").last().alias("until"),
        )
    )
    whole = runs.filter(pl.col("last") - pl.col("first") >= _RUN)
    rows: list[tuple[Cell, ...]] = []
    for before, after in pairwise(whole.iter_rows(named=True)):
        low, high = before["last"] + 1, after["first"] - 1
        inside = int(record.chain["height"].is_between(low, high).sum())
        span = f"{day(before['until'])} to {day(after['since'])}"
        rows.append((f"{low:,} to {high:,}", high - low + 1 - inside, inside, span))
    return Table(
        key="gaps",
        title="Gaps in the blocks",
        columns=(
            Column("heights", "heights"),
            Column("missing", "blocks missing", COUNT),
            Column("known", "known inside", COUNT),
            Column("span", "between"),
        ),
        rows=tuple(rows),
        note="Gaps are not filled in. Most single blocks known inside them are the first of an "
        "epoch, which gives the difficulty.",
        empty=f"None: {count(record.chain.height, 'block')}, without a gap.",
    )


def _definitions(reading: Reading) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in _METRICS:
        metric = reading.metric(name)
        rows.append(
            (name, metric.definition, metric.interval or "none: not an estimate", metric.source)
        )
    return Table(
        key="definitions",
        title="Definitions",
        columns=(
            Column("metric", "metric"),
            Column("definition", "definition"),
            Column("interval", "interval"),
            Column("source", "from"),
        ),
        rows=tuple(rows),
        reference=True,
        note="`hashcanary metric list` lists the metrics, `hashcanary metric show NAME` prints "
        "one.",
    )


def _facts(key: str, title: str, pairs: tuple[tuple[str, str], ...]) -> Table:
    return Table(
        key=f"facts_{key}", title=title, columns=(Column("what", ""), Column("how", "")), rows=pairs
    )


def _again(record: Record, command: str) -> tuple[tuple[str, str], ...]:
    tables = record.provenance.get("tables", {})
    versions = (
        ", ".join(f"{name} {version}" for name, version in tables.items())
        if isinstance(tables, dict)
        else ""
    )
    lake = record.provenance.get("lake_version", "unknown")
    code = record.provenance.get("code_version", "unknown")
    blocks = record.chain
    tip = (
        f"height {blocks['height'][-1]:,}, {minute(blocks['time'][-1])}"
        if blocks.height
        else "no block"
    )
    return (
        ("Command", command),
        ("Network", record.network.name + (", SIMULATED" if record.simulated else "")),
        ("As known at", harmless(record.at_text)),
        ("Last block", tip),
        ("Lake version", harmless(f"{lake} ({versions})")),
        ("Written by", harmless(f"hashcanary {code}")),
    )
