"""How complete the lake is: what each table holds, where it has gaps, where sources disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.header_times import median_time_past
from hashcanary.moments import DAY, iso_day, iso_time
from hashcanary.sources.facts import (
    BLOCKS,
    CANDLES,
    COMPANIES,
    DAILY_REFERENCE,
    EVENTS,
    HEADERS,
    POOL_LABELS,
    TABLES,
)
from hashcanary.store.recording import active_headers, all_headers, rows_about_blocks
from hashcanary.store.resolve import Resolved, resolve, taken_first

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.sources.facts import FactTable
    from hashcanary.store.lake import Lake

_TAKEN = "__taken"
_ROUNDING = 1e-12
EVENTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SeriesStatus:
    """One series of a table: of blocks there is one, of candles one a market and interval.

    first, last: as people write them; ranges: the stretches without a gap, ``(first, last)``;
    missing: how many blocks, candles or days lie in the gaps.
    """

    name: str
    rows: int
    first: str
    last: str
    ranges: tuple[tuple[str, str], ...]
    missing: int


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table. rows: all that are stored; sources: rows by source; last_known_at: Unix seconds
    of the newest fact; disagreements: facts on which sources differ.
    """

    name: str
    title: str
    version: int
    rows: int
    sources: dict[str, int]
    last_known_at: int | None
    series: tuple[SeriesStatus, ...]
    disagreements: int


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two sources on one fact; which value is taken, and which is not.

    where: a height, or a day or candle with its series.
    """

    table: str
    where: str
    fact: str
    taken: str
    taken_source: str
    other: str
    other_source: str


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How far a live source came. time: Unix seconds of the last commit that moved its cursor;
    reached: the newest fact of that commit, as people write it.
    """

    name: str
    time: int
    reached: str


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """The whole lake at one version. time: Unix seconds of the newest load, None before any.

    chain: the heights of which time and target are known, out of all tables together; None where
    there are none. stale: headers that are not on the active chain. feeds: by name. events: the
    newest rows of EVENTS, the newest last.
    """

    home: str
    network: str
    simulated: bool
    version: int
    time: int | None
    chain: SeriesStatus | None
    tables: tuple[TableStatus, ...]
    stale: int
    disagreements: tuple[Disagreement, ...]
    feeds: tuple[FeedStatus, ...] = ()
    events: tuple[dict[str, object], ...] = ()


def status(lake: Lake) -> LakeStatus:
    """How complete a lake is. Raises LakeDamaged when a file cannot be read."""
    headers = all_headers(lake)
    chain = active_headers(headers)
    resolved = resolve(chain.drop("prev_hash"), rows_about_blocks(lake), lake.network)
    placed = resolved.blocks.filter(pl.col("time").is_not_null(), pl.col("bits").is_not_null())
    heights = placed["height"]
    found = _block_disagreements(resolved)
    found += _differing(lake, DAILY_REFERENCE, ("value",))
    found += _differing(lake, CANDLES, ("open", "high", "low", "close", "volume"))
    found += _differing(lake, COMPANIES, ("value",))
    counts = {name: sum(one.table == name for one in found) for name in TABLES}
    return LakeStatus(
        home=str(lake.home),
        network=lake.network.name,
        simulated=lake.simulated,
        version=lake.version,
        time=lake.manifest.time or None,
        chain=_stretches("chain", heights, 1, "{:,}".format) if len(heights) else None,
        tables=tuple(_table(lake, table, counts[table.name]) for table in TABLES.values()),
        stale=headers.height - chain.height,
        disagreements=tuple(found),
        feeds=tuple(
            FeedStatus(name, state.time, state.reached)
            for name, state in sorted(lake.manifest.feeds.items())
        ),
        events=tuple(lake.frame("events").tail(EVENTS_SHOWN).to_dicts()),
    )


def _table(lake: Lake, table: FactTable, disagreements: int) -> TableStatus:
    state = lake.manifest.tables.get(table.name)
    rows = lake.frame(table.name, ["source", "known_at"])
    by_source = rows.group_by("source").len().sort("source").iter_rows()
    newest = rows["known_at"].max()
    return TableStatus(
        name=table.name,
        title=table.title,
        version=-1 if state is None else state.version,
        rows=rows.height,
        sources=dict(by_source),
        last_known_at=newest if isinstance(newest, int) else None,
        series=tuple(_series(lake, table)),
        disagreements=disagreements,
    )


def _series(lake: Lake, table: FactTable) -> list[SeriesStatus]:
    if table in (EVENTS, POOL_LABELS):
        return []  # no series: an event comes when it comes, a label stands beside its block
    if table in (HEADERS, BLOCKS):
        heights = lake.frame(table.name, ["height", "time"]).drop_nulls()["height"]
        return [_stretches("blocks", heights, 1, "{:,}".format)] if len(heights) else []
    if table is CANDLES:
        rows = lake.frame(table.name, ["market", "interval", "open_time"])
        markets = rows.partition_by("market", "interval", as_dict=True)
        return [
            _stretches(f"{market}, {span} s", part["open_time"], int(span), iso_time)
            for (market, span), part in sorted(markets.items())
        ]
    if table is COMPANIES:
        return _company_series(lake)
    rows = lake.frame(table.name, ["vendor", "series", "day"]).with_columns(
        pl.col("day").cast(pl.Datetime("us")).dt.epoch("s")
    )
    series = rows.partition_by("vendor", "series", as_dict=True)
    return [
        _stretches(f"{vendor}, {name}", part["day"], DAY, iso_day)
        for (vendor, name), part in sorted(series.items())
    ]


def _company_series(lake: Lake) -> list[SeriesStatus]:
    """Of each company the days that its reports cover."""
    rows = lake.frame(COMPANIES.name, ["company", "period_start", "period_end"])
    each = pl.date_ranges("period_start", "period_end").alias("day")
    found = []
    for (company,), part in sorted(rows.partition_by("company", as_dict=True).items()):
        days = part.unique().select(each).explode("day")["day"]
        seconds = days.cast(pl.Datetime("us")).dt.epoch("s")
        found.append(replace(_stretches(company, seconds, DAY, iso_day), rows=part.height))
    return found


def _stretches(name: str, places: pl.Series, step: int, show: Callable[[int], str]) -> SeriesStatus:
    """A series by its places: heights, or times ``step`` seconds apart."""
    once = places.unique().sort()
    at = once.to_numpy()
    breaks = np.flatnonzero(np.diff(at) > step)
    starts = at[np.append(0, breaks + 1)].tolist()
    ends = at[np.append(breaks, len(at) - 1)].tolist()
    missing = sum(
        (after - before) // step - 1 for before, after in zip(ends, starts[1:], strict=False)
    )
    return SeriesStatus(
        name=name,
        rows=len(places),
        first=show(starts[0]),
        last=show(ends[-1]),
        ranges=tuple((show(start), show(end)) for start, end in zip(starts, ends, strict=True)),
        missing=missing,
    )


def _block_disagreements(resolved: Resolved) -> list[Disagreement]:
    rows = pl.concat([resolved.disagreements(), _median_times(resolved)]).sort("height", "fact")
    return _listed(rows.with_columns(table=pl.lit("blocks"), where="height"))


def _median_times(resolved: Resolved) -> pl.DataFrame:
    """Median times that a source gives, where the times taken give another.

    Beside two sources that differ on a time it tells which of them a node saw.
    """
    timed = resolved.blocks.filter(pl.col("time").is_not_null())
    median, known = median_time_past(timed["time"].to_numpy(), timed["height"].to_numpy())
    counted = timed.select("height", counted=pl.Series(median)).filter(pl.Series(known))
    given = resolved.claims.select("height", "median_time_past", "source").drop_nulls()
    both = given.join(counted, on="height")
    return both.filter(pl.col("median_time_past") != pl.col("counted")).select(
        "height",
        pl.lit("median_time_past").alias("fact"),
        pl.col("median_time_past").cast(pl.String).alias("taken"),
        pl.col("source").alias("taken_source"),
        pl.col("counted").cast(pl.String).alias("other"),
        pl.lit("counted from the times taken").alias("other_source"),
    )


def _differing(lake: Lake, table: FactTable, values: tuple[str, ...]) -> list[Disagreement]:
    """Where the row that is taken and another source's differ, value by value."""
    key = list(table.subject)
    rows = taken_first(table, lake.frame(table.name))
    several = rows.filter(pl.struct(key).is_duplicated())
    several = several.filter(_newest(table, key))
    if several.is_empty():
        return []
    first = several.group_by(key, maintain_order=True).first()
    both = several.join(first, on=key, suffix=_TAKEN).filter(
        pl.col("source") != pl.col("source" + _TAKEN)
    )
    lists = [
        both.filter(_apart(pl.col(value), pl.col(value + _TAKEN))).select(
            pl.lit(table.name).alias("table"),
            pl.concat_str(key, separator=" ").alias("where"),
            pl.lit(value).alias("fact"),
            pl.col(value + _TAKEN).cast(pl.String).alias("taken"),
            pl.col("source" + _TAKEN).alias("taken_source"),
            pl.col(value).cast(pl.String).alias("other"),
            pl.col("source").alias("other_source"),
        )
        for value in values
    ]
    return _listed(pl.concat(lists).sort("where", "fact", "other_source"))


def _newest(table: FactTable, key: list[str]) -> pl.Expr:
    """What a source revised it no longer says; nor does anyone say what a company restated."""
    if table is not COMPANIES:
        return pl.col("known_at") == pl.col("known_at").max().over([*key, "source"])
    # the row that is taken stands first
    alike = ("simulated", "known_at", "revision")
    return pl.all_horizontal(pl.col(name) == pl.col(name).first().over(key) for name in alike)


def _apart(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether two reals differ by more than decimals that were rounded on their way."""
    return (one - other).abs() > _ROUNDING * pl.max_horizontal(one.abs(), other.abs())


def _listed(rows: pl.DataFrame) -> list[Disagreement]:
    names = ("table", "where", "fact", "taken", "taken_source", "other", "other_source")
    return [Disagreement(*map(str, row)) for row in rows.select(names).iter_rows()]
