"""The hash ribbons: does the hashrate of the last month lie below that of two months."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.studies.stress.component import COLUMNS, Component
from hashcanary.units import FRACTION

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.studies.stress.component import Sources

_METRIC = "ribbon.oscillator"


def ribbon(sources: Sources) -> pl.DataFrame:
    """The oscillator with its exact limits."""
    return sources.metrics[_METRIC].rows.select(COLUMNS)


RIBBON = Component(
    name="ribbon",
    title="Hash ribbon",
    unit=FRACTION,
    stress="low",
    definition="ribbon.oscillator: hashrate.sma30 / hashrate.sma60 - 1",
    source="C. Edwards, Hash Ribbons, 2019",
    why="how fast machines leave: a ratio of two means of the same blocks, so it has no level that "
    "drifts; the growth it is measured against slows over the years, hence four years, not all",
    compute=ribbon,
    uncertainty="luck of two months' blocks",
    band="95%, exact: last 30 days against the 30 before",
)
