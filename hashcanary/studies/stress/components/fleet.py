"""How much of the running hashrate is underwater, and how much must be sold to pay for power."""

from __future__ import annotations

import polars as pl

from hashcanary.studies.stress.component import COMMON, Component, Sources, of_fleet
from hashcanary.units import FRACTION


def underwater(sources: Sources) -> pl.DataFrame:
    """The fraction of the running hashrate whose cost is above the hashprice."""
    return of_fleet(sources, "under_water")


UNDERWATER = Component(
    name="underwater",
    title="Fleet underwater",
    unit=FRACTION,
    stress="high",
    definition="part of the hashrate that runs whose cost of running is above the hashprice of the "
    "day; mean of the draws of fleets, power prices and owners",
    source="hashcanary: docs/supply.md",
    why="the tail of the miners, where price over cost tells of their mean: few are underwater "
    "while prices fall through a wide margin, then many at once. A part of a whole, with no trend "
    "of its own: unprofitable machines are switched off",
    compute=underwater,
    uncertainty="cost of the fleet",
    band="95% of the draws",
)


def selling(sources: Sources) -> pl.DataFrame:
    """The fraction of the coins mined that must be sold."""
    return of_fleet(sources, "must_sell")


SELLING = Component(
    name="selling",
    title="Forced selling",
    unit=FRACTION,
    stress="high",
    definition="part of the coins mined that must be sold to pay for the power of the machines "
    "that run, each up to all it mines; mean of the draws",
    source="hashcanary: docs/selling.md",
    why="what stress does to others: forced supply. No sale is observed: it follows from margins, "
    "and goes with price over cost turned upside down, so that the two are nearly one evidence "
    "counted twice; their group's weight holds it in",
    compute=selling,
    uncertainty="cost of the fleet",
    shared=COMMON,
    band="95% of the draws",
)
