"""Says who mined the blocks whose coinbase is known, by a list of pools, and keeps which list.

A label is known with its block: the coinbase tells, and the list is a definition, as a metric's
is. So labelling again by another list changes no fact and takes nothing back: labels of each list
stand side by side, and each labelling is a version of the lake.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import POOL_LABELS
from hashcanary.sources.pools.attribution import attribute
from hashcanary.sources.pools.pool_lists import UNKNOWN
from hashcanary.store.errors import NoCoinbases
from hashcanary.store.manifest import LoadedFile

if TYPE_CHECKING:
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake, Transaction

KIND = "pool-list"
_NEEDED = ("height", "hash", "coinbase_script", "coinbase_outputs", "source", "time", "known_at")


@dataclass(frozen=True, slots=True)
class Labelling:
    """What labelling gave. lake: as it is afterwards; list: the label of the list; blocks: with a
    known coinbase; new: labelled now; unknown: of these without a pool.
    """

    lake: Lake
    list: str
    blocks: int
    new: int
    unknown: int


def label(lake: Lake, pools: PoolList, now: int | None = None) -> Labelling:
    """Label every block whose coinbase is known and that has no label by this list yet.

    now: Unix seconds written beside the version, the clock's when None. Raises NoCoinbases where
    the lake knows none, LakeBusy, LakeFull, LakeNotWritable, LakeDamaged.
    """
    with lake.writing() as transaction:
        coinbases = _coinbases(transaction.base)
        if coinbases.is_empty():
            raise NoCoinbases(home=lake.home)
        rows = add_labels(transaction, pools, coinbases)
        heights = rows["height"].to_list()
        loaded = LoadedFile(
            path=pools.name,
            sha256=pools.digest,
            kind=KIND,
            rows=coinbases.height,
            new=rows.height,
            first=f"block {heights[0]:,}" if heights else "",
            last=f"block {heights[-1]:,}" if heights else "",
        )
        after = transaction.publish([loaded], int(time.time()) if now is None else now)
    unknown = int((rows["pool"] == UNKNOWN).sum())
    return Labelling(after, pools.label, coinbases.height, rows.height, unknown)


def add_labels(transaction: Transaction, pools: PoolList, coinbases: pl.DataFrame) -> pl.DataFrame:
    """Put the missing labels of these blocks into a transaction; gives the rows that were added.

    coinbases: rows of table ``blocks``, with its columns.
    """
    first, last = coinbases["height"].min(), coinbases["height"].max()
    wanted = (pl.col("list") == pools.label) & pl.col("height").is_between(first, last)
    done = transaction.base.frame("pool_labels", ["height", "hash"], wanted)
    fresh = coinbases.join(done, on=["height", "hash"], how="anti", nulls_equal=True)
    rows = labels_of(fresh, pools)
    if rows.height:
        transaction.append("pool_labels", rows)
    return rows


def labels_of(coinbases: pl.DataFrame, pools: PoolList) -> pl.DataFrame:
    """Rows of ``pool_labels`` for rows of table ``blocks`` whose coinbase is known.

    Of several sources of one block the one whose name comes first is cited: they hold the same
    bytes, for the block's hash stands for them.
    """
    known = coinbases.filter(pl.col("coinbase_script").is_not_null()).sort(
        "height", "hash", "source", nulls_last=True
    )
    known = known.unique(["height", "hash"], keep="first", maintain_order=True)
    found = attribute(known["coinbase_script"], known["coinbase_outputs"], pools)
    return known.select(
        "height",
        "hash",
        found["pool"],
        found["evidence"],
        pl.lit(pools.label).alias("list"),
        "source",
        pl.coalesce("known_at", "time").alias("known_at"),
    ).select(list(POOL_LABELS.schema))


def _coinbases(lake: Lake) -> pl.DataFrame:
    return lake.frame("blocks", _NEEDED, pl.col("coinbase_script").is_not_null()).unique(
        ["height", "hash"], keep="first", maintain_order=True
    )
