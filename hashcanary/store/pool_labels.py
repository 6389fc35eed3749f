"""Which labels a record has: those of one list, of the blocks on its chain.

Labels of two lists are never mixed in one series: the step from one to the other would look like
pools gaining and losing. Unless the user names a list, it is the one that labels most of the newest
month of labelled blocks; of those the one with most blocks; of those the one whose name comes last,
which of two editions is the newer. So a few blocks labelled while following do not take the place
of a longer history. That choice is one of definition, the same for every moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import POOL_LABELS
from hashcanary.store.errors import UnknownPoolList

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake

_COLUMNS = ("height", "hash", "pool", "source")

# the blocks of a month: the list that labels most of the newest ones is taken
RECENT = 30 * 144


@dataclass(frozen=True, slots=True)
class PoolLabels:
    """Labels by one list (None: there is none): ``height``, ``hash``, ``pool``, ``source``."""

    list: str | None
    rows: pl.DataFrame

    def of_chain(self, active: pl.DataFrame, heights: pl.Series) -> PoolLabels:
        """One label a height: of the block on the active chain, else one that names no block.

        active: the active chain's ``height`` and ``hash``; heights: the blocks wanted.
        """
        rows = self.rows.filter(pl.col("height").is_in(heights.implode()))
        if not rows["hash"].is_null().all():
            known = active.select("height", active="hash")
            rows = rows.join(known, on="height", how="left", maintain_order="left")
            rows = rows.filter((pl.col("hash") == pl.col("active")).fill_null(value=True))
        if rows["height"].n_unique() < rows.height:
            rows = rows.sort("height", "hash", "source", nulls_last=True)
            rows = rows.unique("height", keep="first", maintain_order=True)
        return PoolLabels(self.list, rows.select(_COLUMNS))


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


def of_list(lake: Lake, asked: str | None = None) -> PoolLabels:
    """All labels by one list, ascending by height.

    asked: a list's whole name, or the part before its ``@`` where only one has it; None: the one
    that is taken. Raises UnknownPoolList.
    """
    none = pl.DataFrame(schema={name: POOL_LABELS.schema[name] for name in _COLUMNS})
    if POOL_LABELS.name not in lake.manifest.tables and asked is None:
        return PoolLabels(None, none)
    lists = pool_lists(lake)["list"].to_list()
    chosen = lists[0] if asked is None else _named(lists, asked)
    wanted = pl.col("list") == chosen
    return PoolLabels(chosen, lake.frame(POOL_LABELS.name, _COLUMNS, wanted))


def _named(lists: list[str], asked: str) -> str:
    found = [name for name in lists if asked in (name, name.rpartition("@")[0])]
    if len(found) != 1:
        raise UnknownPoolList(known=", ".join(lists) or "none so far", name=asked)
    return found[0]
