"""What is assumed of fleets and of the cost of running one: priors, each with its reason.

All are judgement. None was fitted and no likelihood of published points is used; but
``preference``, ``sale``, ``cooled`` and the spread of ``efficiency`` were set once with published
efficiencies of the network (July 2018, May 2023, mid 2024) in view: they check the model less than
if they had not been seen.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from hashcanary.arrays import Floats, Singles
from hashcanary.units import (
    DAYS,
    FRACTION,
    J_PER_TH,
    PER_YEAR,
    RATIO,
    USD_PER_KWH,
    YEARS,
    Unit,
)


@dataclass(frozen=True, slots=True)
class Prior:
    """A positive quantity, log-normal: its median in ``unit``, the sd of its logarithm, and why."""

    median: float
    spread: float
    meaning: str
    reason: str
    unit: Unit = RATIO

    def draw(self, normal: Floats) -> Singles:
        """Its values, in ``unit``. normal: standard deviations off, (draws,)."""
        return np.asarray(self.median * np.exp(self.spread * normal), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FleetPriors:
    """What is assumed of fleets; all judgement, with what it was judged from.

    popularity_spread: sd of the log; makers, other_makers, cooled: what is shipped of a rig, as a
    ratio to what would be of Bitmain's, or of an air-cooled one.
    """

    life: Prior = Prior(
        5.0,
        0.20,
        "years after release at which e^-1 of a rig's machines are left",
        "CBECI counts rigs for five years; the S9 of 2016 ran past 2021",
        YEARS,
    )
    sale: Prior = Prior(
        1.3,
        0.30,
        "years over which sales of a rig fade",
        "successors come every 12 to 18 months",
        YEARS,
    )
    ramp: Prior = Prior(
        0.35,
        0.40,
        "years until sales of a rig are in full flow",
        "delivery in monthly batches",
        YEARS,
    )
    preference: Prior = Prior(
        1.0,
        0.50,
        "power of efficiency in what buyers choose",
        "efficient rigs are wanted more, and priced so",
    )
    gross: Prior = Prior(
        0.20,
        0.50,
        "hashrate shipped a year, of the network's, whatever the price",
        "makers' foundry contracts run a year ahead",
        PER_YEAR,
    )
    scrap: Prior = Prior(
        0.6,
        0.50,
        "rate a year at which machines that do not pay are scrapped",
        "idle machines are sold on or kept for months: S9s came back in 2020 and 2021",
        PER_YEAR,
    )
    efficiency: Prior = Prior(
        1.0,
        0.08,
        "real efficiency over nameplate, all rigs together",
        "firmware and under-clocking make it better, heat and age worse",
    )
    # of a rig's own popularity and of its own efficiency, spreads of the logarithm
    popularity_spread: float = 0.8
    # how much less makers other than Bitmain ship of a rig: MINE-MATCH, May 2023: three of
    # Bitmain's rigs have 76% of the hashrate
    makers: tuple[tuple[str, float], ...] = (("Bitmain", 1.0), ("MicroBT", 0.4), ("Canaan", 0.2))
    other_makers: float = 0.2
    # hydro and immersion rigs need a hall of their own
    cooled: float = 0.35

    @property
    def named(self) -> dict[str, Prior]:
        """The log-normal ones by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: one for name, one in found.items() if isinstance(one, Prior)}


@dataclass(frozen=True, slots=True)
class SupplyPriors:
    """What is assumed of machines' costs and owners; all judgement, and what it was judged from."""

    pue: Prior = Prior(
        1.05,
        0.025,
        "power of the site over power of the machines",
        "air cooling 1.02 to 1.08, hydro and immersion 1.02 to 1.15",
    )
    overhead: Prior = Prior(
        0.06,
        0.6,
        "other costs that end when a machine is off, over its power",
        "Cambridge, 2025: 55.5 USD/MWh all-in against 45 for power; most of the rest stays",
        FRACTION,
    )
    pool_fee: Prior = Prior(
        0.015,
        0.4,
        "part that the pool keeps",
        "listed fees of 0 to 4%, large miners less",
        FRACTION,
    )
    patience: Prior = Prior(
        150.0,
        0.5,
        "days whose mean hashprice must pay a machine, or it is gone",
        "sites are given up after months, not days",
        DAYS,
    )
    tolerance: Prior = Prior(
        1.05, 0.10, "cost over that mean at which it is gone", "hedges, hopes and contracts"
    )

    @property
    def named(self) -> dict[str, Prior]:
        """By name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def parameter_units() -> dict[str, Unit]:
    """The unit of every parameter of a supply curve, by its name in ``Supply.parameters``."""
    fleet = {f"fleet.{name}": one.unit for name, one in FleetPriors().named.items()}
    return {
        **fleet,
        **{name: one.unit for name, one in SupplyPriors().named.items()},
        "economic_part": FRACTION,
        "power_level": USD_PER_KWH,
        "network_j_per_th": J_PER_TH,
    }
