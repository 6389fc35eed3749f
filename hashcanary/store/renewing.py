"""The newest record of a lake that grows: only what changed is built again.

Every version says from which height on it altered headers and rows about blocks. Below that, and
below the first block at which the active chain differs, a record's rows are what they were, since
nothing in them looks ahead but the bits of an epoch:

1. The lowest of those heights is taken, and from it the start of its epoch.
2. Rows from there on are resolved again, behind the last rows before them.
3. They take the place of the old record's.

Where a version does not say, the whole record is built. Either way it equals that of ``record_of``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import CANDLES, COMPANIES, DAILY_REFERENCE, POOL_LABELS, FactTable
from hashcanary.store import active_chain, pool_labels
from hashcanary.store.held import UNKNOWN, HeldHeaders
from hashcanary.store.manifest import read_version
from hashcanary.store.record import Record
from hashcanary.store.recording import (
    NEEDED,
    Parts,
    all_headers,
    as_record,
    one_source,
    rows_about_blocks,
    rows_of_record,
    sources_of,
    whole_chain,
)

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake

_UNCHANGED = 1 << 62
_HEADERS = [*active_chain.COLUMNS, "source"]


@dataclass(frozen=True, slots=True)
class _Built:
    """What a record was made of, at one version of the lake."""

    lake: Lake
    headers: HeldHeaders
    chain: pl.DataFrame
    daily: pl.DataFrame
    candles: pl.DataFrame
    companies: pl.DataFrame
    labels: pl.DataFrame
    pool_list: str | None


class Recorder:
    """Gives the record of a lake, version after version."""

    def __init__(self) -> None:
        self._built: _Built | None = None

    def record(self, lake: Lake) -> Record:
        """All that a lake holds: what ``record_of(lake)`` gives. Raises LakeDamaged."""
        built = self._built
        cut = None if built is None else _altered_from(built.lake, lake)
        if built is None or cut is None:
            built = _whole(lake)
        elif lake.version != built.lake.version:
            built = _renewed(built, lake, cut)
        self._built = built
        parts = Parts(
            built.chain,
            lambda: built.daily,
            lambda: built.candles,
            lambda: built.companies,
            lambda: pool_labels.of_chain(
                built.labels, lambda: built.headers.active, built.chain["height"]
            ),
            lambda: built.pool_list,
            lambda: sources_of(built.chain, built.daily, built.candles, built.companies),
        )
        return as_record(lake, None, None, parts)


def _altered_from(before: Lake, after: Lake) -> int | None:
    """The least height of altered rows between two versions; None where that is not told."""
    if before.home != after.home or before.version > after.version:
        return None
    least = _UNCHANGED
    for version in range(before.version + 1, after.version + 1):
        states = read_version(after.home, version).tables
        for name in ("headers", "blocks"):
            state = states.get(name)
            if state is None or not state.log:
                continue
            if state.changed_from is None:
                return None
            least = min(least, state.changed_from)
    return least


def _whole(lake: Lake) -> _Built:
    headers = HeldHeaders.of(lake)
    told = all_headers(lake).drop("prev_hash")
    chosen = told.join(headers.active.select("hash"), on="hash", how="semi", maintain_order="left")
    chain = whole_chain(chosen, rows_about_blocks(lake, NEEDED), lake.network)
    daily, candles = one_source(lake, DAILY_REFERENCE), one_source(lake, CANDLES)
    companies, pools = one_source(lake, COMPANIES), pool_labels.chosen_list(lake)
    labels = pool_labels.of_list(lake, pools)
    return _Built(lake, headers, chain, daily, candles, companies, labels, pools)


def _renewed(built: _Built, lake: Lake, altered: int) -> _Built:
    headers, parted = built.headers, _UNCHANGED
    if not _same_files(built.lake, lake, "headers"):
        rows = lake.frame("headers", list(active_chain.COLUMNS), pl.col("height") >= altered)
        fresh = rows.filter(pl.Series(headers.rows_of(rows["hash"]) == UNKNOWN))
        headers = headers.extended(fresh)
        parted = _first_difference(built.headers.active, headers.active)
    chain = built.chain
    first = min(altered, parted)
    if first < _UNCHANGED:
        chain = _from_height(built, headers, lake, first)
    labels, pools = built.labels, built.pool_list
    if not _same_files(built.lake, lake, POOL_LABELS.name):
        pools = pool_labels.chosen_list(lake)
        labels = pool_labels.of_list(lake, pools)
    return _Built(
        lake,
        headers,
        chain,
        _kept(built.lake, lake, DAILY_REFERENCE, built.daily),
        _kept(built.lake, lake, CANDLES, built.candles),
        _kept(built.lake, lake, COMPANIES, built.companies),
        labels,
        pools,
    )


def _from_height(built: _Built, headers: HeldHeaders, lake: Lake, first: int) -> pl.DataFrame:
    """The record's chain, built again from the epoch of a height on."""
    start = first - first % lake.network.retarget_interval
    above = pl.col("height") >= start
    told = lake.frame("headers", _HEADERS, above).drop("prev_hash")
    active = headers.active.filter(above).select("hash")
    chosen = told.join(active, on="hash", how="semi", maintain_order="left")
    blocks = lake.frame("blocks", ["height", "hash", "source", *NEEDED], above)
    kept = built.chain.head(int(built.chain["height"].search_sorted(start)))
    return pl.concat([kept, rows_of_record(chosen, blocks, lake.network, kept)], rechunk=True)


def _first_difference(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """The first height at which two active chains differ."""
    shared = min(one.height, other.height)
    apart = (one["hash"].head(shared) != other["hash"].head(shared)).arg_max()
    if shared and apart is not None and one["hash"][apart] != other["hash"][apart]:
        return min(int(one["height"][apart]), int(other["height"][apart]))
    rest = (one if one.height > other.height else other)["height"].slice(shared, 1)
    return int(rest[0]) if len(rest) else _UNCHANGED


def _same_files(before: Lake, after: Lake, table: str) -> bool:
    one, other = (lake.manifest.tables.get(table) for lake in (before, after))
    return (one.active if one else {}) == (other.active if other else {})


def _kept(before: Lake, after: Lake, table: FactTable, rows: pl.DataFrame) -> pl.DataFrame:
    """A table's rows, read again only where its files are others."""
    return rows if _same_files(before, after, table.name) else one_source(after, table)
