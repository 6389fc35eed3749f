"""What a feed is told of the lake before it is asked for what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.facts import DAILY_REFERENCE, TABLES
from hashcanary.sources.feed import Held

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from hashcanary.store.held_headers import HeldHeaders
    from hashcanary.store.lake import Lake


def held_of(lake: Lake, headers: HeldHeaders) -> Held:
    """What a lake holds, as feeds ask for it; headers: its header tree."""

    def heights_with(source: str, column: str = "height") -> NDArray[np.int64]:
        names = dict.fromkeys(("height", "hash", "source", column))
        rows = lake.frame("blocks", list(names)).filter(
            pl.col("source").str.starts_with(source), pl.col(column).is_not_null()
        )
        return _of_the_active_chain(rows, headers.active)["height"].unique().sort().to_numpy()

    def last_known(table: str, *subject: object) -> int | None:
        columns = TABLES[table].subject[: len(subject)]
        same = [pl.col(name) == value for name, value in zip(columns, subject, strict=True)]
        rows = lake.frame(table, ["known_at"], pl.all_horizontal(same) if same else None)
        newest = rows["known_at"].max()
        return newest if isinstance(newest, int) else None

    def active_from(height: int) -> pl.DataFrame:
        return headers.active.filter(pl.col("height") >= height)

    def daily_from(day: date) -> pl.DataFrame:
        return lake.frame(DAILY_REFERENCE.name, where=pl.col("day") >= day)

    tip = headers.tip
    return Held(
        network=lake.network,
        locator=headers.locator(lake.network.genesis.hash),
        tip_height=None if tip is None else tip.height,
        height_of=headers.height_of,
        heights_with=heights_with,
        last_known=last_known,
        active_from=active_from,
        daily_from=daily_from,
    )


def _of_the_active_chain(rows: pl.DataFrame, active: pl.DataFrame) -> pl.DataFrame:
    """Rows about blocks, without those of a block that another one has displaced."""
    beside = rows.join(
        active.select("height", active_hash="hash"), on="height", how="left", maintain_order="left"
    )
    displaced = (pl.col("hash") != pl.col("active_hash")).fill_null(value=False)
    return beside.filter(~displaced)
