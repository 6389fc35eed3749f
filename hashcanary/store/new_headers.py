"""Headers from a feed at the lake's door: placed by their parents, checked by the rules.

They are looked up in the header tree that is held in memory, so the cost goes by how many come,
not by how many there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import HEADERS
from hashcanary.store import active_chain
from hashcanary.store.chain_rules import check_rules, reach
from hashcanary.store.errors import Unanchored
from hashcanary.store.merging import without_repeats
from hashcanary.store.placing import ANCHOR_SCHEMA, network_anchors, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.store.held_headers import HeldHeaders
    from hashcanary.store.lake import Lake


def placed_and_checked(
    lake: Lake, held: HeldHeaders, rows: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """The rows for ``headers`` with their heights, one a hash.

    rows: those of one commit, by table; rows about blocks tell heights too. Raises Misplaced,
    Unanchored, BrokenRule, ConflictingFacts.
    """
    headers = rows[HEADERS.name]
    told = [network_anchors(lake.network), held.places_of(headers["hash"])]
    told.append(held.places_of(headers["prev_hash"]))
    if "blocks" in rows:
        told.append(rows["blocks"].select("hash", "height"))
    named = headers.with_columns(file="source")
    try:
        heights = place(named, _anchors(told))
    except Unanchored:
        # only rows about blocks that the lake holds may tell
        heights = place(named, _anchors([*told, lake.frame("blocks", ["hash", "height"])]))
    placed = without_repeats(HEADERS, headers.with_columns(heights), "headers")
    _check_beside_held(lake, held, placed)
    return placed


def _anchors(told: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([frame.select(list(ANCHOR_SCHEMA)) for frame in told]).drop_nulls()


def _check_beside_held(lake: Lake, held: HeldHeaders, placed: pl.DataFrame) -> None:
    columns = [*active_chain.COLUMNS, "source"]
    new = placed.select(columns).filter(pl.Series(held.rows_of(placed["hash"]) < 0))
    if new.is_empty():
        return
    least = new["height"].to_numpy().min() - reach(lake.network)
    before = held.frame.filter(pl.col("height") >= int(least)).with_columns(
        source=pl.lit("the lake")
    )
    both = pl.concat(
        [new.with_columns(new=pl.lit(value=True)), before.with_columns(new=pl.lit(value=False))]
    )
    check_rules(both.sort("height"), lake.network)
