"""What is assumed of fleets and of running one: ``priors.toml``, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from hashcanary.arrays import Floats, Singles
from hashcanary.economics.errors import BadFigures
from hashcanary.stated import Place, read_document
from hashcanary.units import FRACTION, J_PER_TH, RATIO, USD_PER_KWH, Unit, known_units


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
class Priors:
    """What is assumed of fleets, and of machines' costs and owners (supply), by name.

    popularity_spread: sd of the log; makers, other_makers, cooled: what is shipped of a rig, as a
    ratio to what would be of Bitmain's, or of an air-cooled one.
    """

    fleet: Mapping[str, Prior]
    supply: Mapping[str, Prior]
    popularity_spread: float
    makers: Mapping[str, float]
    other_makers: float
    cooled: float


@cache
def read_priors() -> Priors:
    """The priors that come with hashcanary."""
    document = read_document("hashcanary.economics", "priors.toml", None, BadFigures)
    shipped = document.part("shipped")
    makers = shipped.part("makers")
    return Priors(
        _named(document.part("fleet")),
        _named(document.part("supply")),
        shipped.number("popularity_spread", 0.0, 2.0),
        {maker: makers.number(maker, 0.0, 1.0) for maker in makers.table},
        shipped.number("other_makers", 0.0, 1.0),
        shipped.number("cooled", 0.0, 1.0),
    )


def _named(place: Place) -> dict[str, Prior]:
    return {name: _prior(place.part(name)) for name in place.table}


def _prior(place: Place) -> Prior:
    units = known_units()
    return Prior(
        place.number("median", 1e-6, 1e6),
        place.number("spread", 0.0, 2.0),
        place.text("meaning"),
        place.text("reason"),
        units[place.one_of("unit", units)],
    )


def parameter_units() -> dict[str, Unit]:
    """The unit of every parameter of a supply curve, by its name in ``Supply.parameters``."""
    priors = read_priors()
    return {
        **{f"fleet.{name}": one.unit for name, one in priors.fleet.items()},
        **{name: one.unit for name, one in priors.supply.items()},
        "economic_part": FRACTION,
        "power_level": USD_PER_KWH,
        "network_j_per_th": J_PER_TH,
    }
