"""How much of the running hashrate is underwater."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.studies.stress.component import Component
from hashcanary.studies.stress.fleet_days import of_fleet
from hashcanary.units import FRACTION

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.studies.stress.component import Sources


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
