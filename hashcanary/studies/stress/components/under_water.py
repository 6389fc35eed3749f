"""How much of what runs does not earn what its power costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.studies.stress.component import Component
from hashcanary.studies.stress.fleet_days import of_fleet
from hashcanary.units import FRACTION

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.studies.stress.component import Sources


def under_water(sources: Sources) -> pl.DataFrame:
    """The fraction of the running hashrate whose cost is above the hashprice."""
    return of_fleet(sources, "under_water")


UNDER_WATER = Component(
    name="under_water",
    title="Fleet under water",
    unit=FRACTION,
    stress="high",
    definition="part of the hashrate that runs whose cost of running is above the hashprice of the "
    "day; mean of the draws of fleets, power prices and owners",
    source="hashcanary: docs/supply.md",
    why="the tail of the miners, where price over cost tells of their mean: few are under water "
    "while prices fall through a wide margin, then many at once. A part of a whole, with no trend "
    "of its own: machines that do not pay are switched off",
    compute=under_water,
    uncertainty="cost of the fleet",
    band="95% of the draws",
)
