"""Labels of who mined a block: by which list they are made, and which of them a record has.

A record has the labels of one list, of the blocks on its chain. Labels of two lists are never mixed
in one series: the step from one to the other would look like pools gaining and losing. Unless the
user names a list, it is the one that labels most of the newest month of labelled blocks; of those
the one with most blocks; of those the one whose name comes last, which of two editions is the
newer. So a few blocks labelled while following do not take the place of a longer history. That
choice is one of definition, the same for every moment.

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
from hashcanary.store.errors import NoCoinbases, UnknownPoolList
from hashcanary.store.manifest import LoadedFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake, Transaction


_COLUMNS = ("height", "hash", "pool", "source")

# the blocks of a month: the list that labels most of the newest ones is taken
RECENT = 30 * 144


def of_chain(
    labels: pl.DataFrame, active: Callable[[], pl.DataFrame], heights: pl.Series
) -> pl.DataFrame:
    """One label a height: of the block on the active chain, else one that names no block.

    labels: by one list; active: gives the active chain's ``height`` and ``hash``, where a label
    names a block; heights: the blocks wanted.
    """
    rows = labels.filter(pl.col("height").is_in(heights.implode()))
    if not rows["hash"].is_null().all():
        known = active().select("height", active="hash")
        rows = rows.join(known, on="height", how="left", maintain_order="left")
        rows = rows.filter((pl.col("hash") == pl.col("active")).fill_null(value=True))
    if rows["height"].n_unique() < rows.height:
        rows = rows.sort("height", "hash", "source", nulls_last=True)
        rows = rows.unique("height", keep="first", maintain_order=True)
    return rows.select(_COLUMNS)


def pool_lists(lake: Lake) -> pl.DataFrame:
    """The lists that labelled blocks, the one that is taken first.

    Columns: ``list``, ``blocks`` (how many have a label by it), ``first``, ``last`` (heights).
    """
    rows = lake.frame(POOL_LABELS.name, ["height", "list"])
    recent = pl.col("height") > pl.col("height").max() - RECENT
    return (
        rows.with_columns(recent=recent)
        .group_by("list")
        .agg(
            blocks=pl.col("height").n_unique(),
            first=pl.col("height").min(),
            last=pl.col("height").max(),
            recent=pl.col("height").filter("recent").n_unique(),
        )
        .sort("recent", "blocks", "list", descending=True)
        .drop("recent")
    )


def chosen_list(lake: Lake, asked: str | None = None) -> str | None:
    """The list whose labels are taken; None where there are none.

    asked: a list's whole name, or the part before its ``@`` where only one has it; None: the one
    that labels most of late. Raises UnknownPoolList.
    """
    if asked is not None:
        return _named(pool_lists(lake)["list"].to_list(), asked)
    heights = lake.frame(POOL_LABELS.name, ["height"])["height"].to_numpy()
    if not heights.size:
        return None

    def blocks(list_name: str) -> int:
        of_list = pl.col("list") == list_name
        return lake.frame(POOL_LABELS.name, ["height"], of_list)["height"].n_unique()

    recent = pl.col("height") > int(heights[-1]) - RECENT
    rows = lake.frame(POOL_LABELS.name, ["height", "list"], recent)
    counts = rows.group_by("list").agg(recent=pl.col("height").n_unique())
    most: list[str] = counts.filter(pl.col("recent") == pl.col("recent").max())["list"].to_list()
    return most[0] if len(most) == 1 else max(most, key=lambda name: (blocks(name), name))


def of_list(lake: Lake, chosen: str | None) -> pl.DataFrame:
    """Labels by a list, ascending by height: ``height``, ``hash``, ``pool``, ``source``."""
    if chosen is None:
        return pl.DataFrame(schema={name: POOL_LABELS.schema[name] for name in _COLUMNS})
    return lake.frame(POOL_LABELS.name, _COLUMNS, pl.col("list") == chosen)


def _named(lists: list[str], asked: str) -> str:
    found = [name for name in lists if asked in (name, name.rpartition("@")[0])]
    if len(found) != 1:
        raise UnknownPoolList(known=", ".join(lists) or "none so far", name=asked)
    return found[0]


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
    from hashcanary.sources.pools.pool_lists import UNKNOWN

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
    # what attributes blocks is imported by whoever does
    from hashcanary.sources.pools.attribution import attribute

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
