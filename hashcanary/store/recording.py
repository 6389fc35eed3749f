"""Builds a Record: everything known at a moment, out of a version of the lake.

1. The header tree is cut: a header is known from the greatest time along its branch on.
2. The active chain is chosen among what is left.
3. Facts are resolved to one row a height (``resolve.py``).
4. Rows are known from the running maximum of their times on, and cut once more: a prefix.

So a block of a branch that won later is not there before, and what the moment sees does not
depend on anything after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from hashcanary.chain.header_times import MEDIAN_SPAN, median_time_past
from hashcanary.sources.facts import CANDLES, COMPANIES, DAILY_REFERENCE, POOL_LABELS, FactTable
from hashcanary.store import active_chain, pool_labels
from hashcanary.store.errors import NoSuchBlock
from hashcanary.store.record import COMPANY_COLUMNS, Record, UnreadBlocks
from hashcanary.store.resolve import FACTS, believed, deciding, of_several, taken, taken_first
from hashcanary.version import __version__

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network
    from hashcanary.moments import Moment
    from hashcanary.store.lake import Lake

# so many epochs are resolved at once
_EPOCHS = 64
NEEDED = tuple(fact for fact in FACTS if fact != "subsidy")
_OF_CHAIN = ("time", "bits", "median_time_past", "total_fee")


def record_of(lake: Lake, moment: Moment | None = None, pool_list: str | None = None) -> Record:
    """Everything known at a moment (None: all the lake holds).

    pool_list: by which list of pools blocks are labelled; None: see ``pool_labels.py``.
    The chain is read at once, all else at its first use; the files of all of it are checked at
    once. Raises NoSuchBlock when the moment is a height whose block is not known, UnknownPoolList,
    LakeDamaged.
    """
    at, tip = None if moment is None else moment.time, None
    if moment is not None and moment.height is not None:
        at, tip = _known_at_height(_chain(lake, _OF_CHAIN, None), moment), moment.height
    chain = _chain(lake, _OF_CHAIN, at, tip)
    tables = (DAILY_REFERENCE, CANDLES, COMPANIES)
    for table in (*tables, POOL_LABELS):
        lake.check(table.name)
    chosen = cache(partial(pool_labels.chosen_list, lake, pool_list))
    if pool_list is not None:
        chosen()

    def labels() -> pl.DataFrame:
        rows = pool_labels.of_list(lake, chosen())
        return pool_labels.of_chain(
            rows, lambda: active_headers(all_headers(lake), at), chain["height"]
        )

    daily, candles, companies = (cache(partial(one_source, lake, one, at)) for one in tables)

    def sources() -> set[str]:
        rows = (taken(one, lake.frame(one.name, deciding(one)), at) for one in tables)
        return sources_of(chain, *rows)

    blocks = UnreadBlocks(chain, partial(_chain, lake, NEEDED, at, tip))
    parts = Parts(blocks, daily, candles, companies, labels, chosen, sources)
    return as_record(lake, moment, at, parts)


class Parts(NamedTuple):
    """What a record is made of, each of it with its ``source``; all but blocks read by a call.

    pool_labels: those of the blocks by pool_list; sources: of all others' rows.
    """

    blocks: pl.DataFrame | UnreadBlocks
    daily: Callable[[], pl.DataFrame]
    candles: Callable[[], pl.DataFrame]
    companies: Callable[[], pl.DataFrame]
    pool_labels: Callable[[], pl.DataFrame]
    pool_list: Callable[[], str | None]
    sources: Callable[[], set[str]]


def sources_of(*parts: pl.DataFrame) -> set[str]:
    """The sources that rows come from."""
    return {source for part in parts for source in part["source"].unique()}


def as_record(lake: Lake, moment: Moment | None, at: int | None, parts: Parts) -> Record:
    """A record of its parts."""
    return Record(
        at=at,
        at_text="latest" if moment is None else moment.text,
        network=lake.network,
        simulated=lake.simulated,
        blocks=parts.blocks,
        daily=lambda: parts.daily().drop("source"),
        candles=lambda: parts.candles().drop("source"),
        provenance=lambda: _provenance(lake, parts),
        pool_labels=lambda: parts.pool_labels().select("height", "pool"),
        pool_list=parts.pool_list,
        companies=lambda: parts.companies().select(list(COMPANY_COLUMNS)),
    )


def all_headers(lake: Lake) -> pl.DataFrame:
    """The header tree, ascending by height: the columns ``active_chain.COLUMNS``, ``source``."""
    return lake.frame("headers", [*active_chain.COLUMNS, "source"])


def rows_about_blocks(lake: Lake, facts: Sequence[str] = FACTS) -> pl.DataFrame:
    """What sources say of blocks beside headers: ``height``, ``hash``, ``source``, ``facts``."""
    return lake.frame("blocks", ["height", "hash", "source", *facts])


def active_headers(headers: pl.DataFrame, at: int | None = None) -> pl.DataFrame:
    """The active chain among the headers known at a moment (None: among all).

    headers: the columns ``active_chain.COLUMNS``, ascending by height.
    """
    if not active_chain.is_forked(headers["height"]):
        return headers
    if at is not None:
        headers = headers.filter(active_chain.known_at(headers) <= at)
    return headers.filter(active_chain.active(headers))


def _chain(
    lake: Lake, facts: Sequence[str], at: int | None, tip: int | None = None
) -> pl.DataFrame:
    """One row a height with time and bits, cut at a moment and a height; see ``rows_of_record``."""
    rows = whole_chain(_chosen(lake, at), rows_about_blocks(lake, facts), lake.network)
    known = rows if at is None else rows.filter(pl.col("known_at") <= at)
    # blocks after the tip may share its known_at, for their header times may be earlier
    return known if tip is None else known.filter(pl.col("height") <= tip)


def _chosen(lake: Lake, at: int | None) -> pl.DataFrame:
    """The active headers known at a moment; what links them is read only where they fork."""
    columns = [name for name in active_chain.COLUMNS if name != "prev_hash"]
    headers = lake.frame("headers", [*columns, "source"])
    if not active_chain.is_forked(headers["height"]):
        return headers
    return active_headers(all_headers(lake), at).drop("prev_hash")


def whole_chain(chosen: pl.DataFrame, blocks: pl.DataFrame, network: Network) -> pl.DataFrame:
    """``rows_of_record``, some epochs at a time: what is in between takes memory.

    chosen, blocks: ascending by height.
    """
    size = _EPOCHS * network.retarget_interval
    top = max((int(rows["height"][-1]) for rows in (chosen, blocks) if rows.height), default=0)
    edges = pl.Series(range(0, top + size + 1, size), dtype=pl.Int64)
    places = [rows["height"].search_sorted(edges).to_list() for rows in (chosen, blocks)]
    parts: list[pl.DataFrame] = []
    before: pl.DataFrame | None = None
    for (first, last), (start, end) in zip(*map(pairwise, places), strict=True):
        rows = rows_of_record(chosen[first:last], blocks[start:end], network, before)
        parts.append(rows)
        before = pl.concat([*([] if before is None else [before]), rows]).tail(MEDIAN_SPAN - 1)
    del chosen, blocks, before
    # one column after the other, so that it lies in memory twice and never all of them
    return pl.DataFrame(
        [
            pl.concat([part.drop_in_place(name) for part in parts], rechunk=True)
            for name in parts[0].columns
        ]
    )


def rows_of_record(
    chosen: pl.DataFrame,
    blocks: pl.DataFrame,
    network: Network,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Rows of Record.blocks, with the facts that are given.

    chosen: active headers; blocks: all rows about blocks.
    before: rows of a record below these, when these are not all; epochs are not cut in two.
    """
    rows = believed(chosen, blocks, network)
    rows = rows.filter(pl.col("time").is_not_null(), pl.col("bits").is_not_null())
    earlier = rows.clear() if before is None else before.tail(MEDIAN_SPAN - 1)
    nearby = pl.concat([earlier.select("time", "height"), rows.select("time", "height")])
    median, known = median_time_past(nearby["time"].to_numpy(), nearby["height"].to_numpy())
    median, known = median[earlier.height :], known[earlier.height :]
    latest = None if before is None else before["known_at"].max()
    rows = rows.with_columns(
        pl.max_horizontal(pl.col("time").cum_max(), pl.lit(latest, pl.Int64)).alias("known_at"),
        pl.coalesce("median_time_past", pl.when(pl.Series(known)).then(pl.Series(median))).alias(
            "median_time_past"
        ),
    )
    facts = [fact for fact in NEEDED if fact in rows.columns]
    return rows.select("height", *facts, "source", "known_at")


def _known_at_height(chain: pl.DataFrame, moment: Moment) -> int:
    row = chain.filter(pl.col("height") == moment.height)
    if row.is_empty():
        heights = chain["height"]
        known = "none"
        if len(heights):
            gaps = ", with gaps" if heights[-1] - heights[0] >= len(heights) else ""
            known = f"{heights[0]:,} to {heights[-1]:,}{gaps}"
        raise NoSuchBlock(height=moment.text, known=known)
    return int(row["known_at"].item())


def one_source(lake: Lake, table: FactTable, at: int | None = None) -> pl.DataFrame:
    """A table with one row for each subject, cut at a moment.

    Of a daily series also ``first_known_at``: when the day's first value was known. Of company
    reports also ``restated``: whether another value was published before.
    """
    rows = lake.frame(table.name)
    if table is DAILY_REFERENCE:
        return taken(table, _with_first(rows), at)
    if table is not COMPANIES:
        return taken(table, rows, at)
    return _with_restated(taken(table, rows, at), rows)


def _with_first(rows: pl.DataFrame) -> pl.DataFrame:
    places = of_several(DAILY_REFERENCE, rows)
    first = rows["known_at"].to_numpy().copy()
    subject = list(DAILY_REFERENCE.subject)
    first[places.to_numpy()] = rows[places].select(pl.col("known_at").min().over(subject))[
        "known_at"
    ]
    return rows.with_columns(first_known_at=pl.Series(first))


def _with_restated(chosen: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Whether an earlier publication, as real or simulated as the one taken, has another value."""
    if rows.is_empty():
        return rows.with_columns(restated=pl.lit(value=False))
    same = [*COMPANIES.subject, "simulated"]
    # of one day's publication only what counts: a slip that was corrected restates nothing
    told = taken_first(COMPANIES, rows).unique([*same, "known_at"], keep="first")
    before = chosen.select(*same, "known_at", "value").join(told, on=same, suffix="_before")
    other = before.filter(
        pl.col("known_at_before") < pl.col("known_at"), pl.col("value_before") != pl.col("value")
    )
    again = other.select(COMPANIES.subject).unique().with_columns(restated=pl.lit(value=True))
    found = chosen.join(again, on=COMPANIES.subject, how="left", maintain_order="left")
    return found.with_columns(pl.col("restated").fill_null(value=False))


def _provenance(lake: Lake, parts: Parts) -> dict[str, object]:
    """What a record rests on: the lake's version, its tables', the sources of its rows."""
    tables = {name: state.version for name, state in sorted(lake.manifest.tables.items())}
    labels = parts.pool_list()
    return {
        "lake_version": lake.version,
        "tables": tables,
        "sources": sorted(parts.sources()),
        "code_version": __version__,
        **({} if labels is None else {"pool_list": labels}),
    }
