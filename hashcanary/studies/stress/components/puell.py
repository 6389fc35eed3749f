"""The Puell multiple: what the network's new coins are worth against their year."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.studies.stress.component import COLUMNS, Component
from hashcanary.units import RATIO

if TYPE_CHECKING:
    from hashcanary.studies.stress.component import Sources

_METRIC, _COUNTED = "puell", "hashrate.day"


def puell(sources: Sources) -> pl.DataFrame:
    """The multiple, with the limits that luck in the day's number of blocks gives it."""
    day = sources.metrics[_COUNTED].rows.select(
        below=pl.col("low") / pl.col("value"), above=pl.col("high") / pl.col("value")
    )
    rows = sources.metrics[_METRIC].rows
    return rows.with_columns(
        low=rows["value"] * day["below"], high=rows["value"] * day["above"]
    ).select(COLUMNS)


PUELL = Component(
    name="puell",
    title="Puell multiple",
    unit=RATIO,
    stress="low",
    definition="puell: the day's new coins in USD / their mean of 365 days",
    source="D. Puell, 2019",
    why="revenue of the whole network against its year, whatever the number of machines: falling "
    "prices and halvings enter, growth of the network does not, which tells it from hashprice",
    compute=puell,
    uncertainty="luck of a day's blocks",
    band="95%, exact: the day's number of blocks",
)
