"""The stated numbers of cost models: ``cost_assumptions.toml``, a user's file over it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp
from typing import TYPE_CHECKING

from hashcanary.economics.costs.model import SIGMAS
from hashcanary.economics.errors import BadFigures
from hashcanary.economics.power.prices import CHEAPEST, DEAREST
from hashcanary.errors import UsageError
from hashcanary.stated import Place, read_document
from hashcanary.units import FRACTION, RATIO, USD_PER_KWH, Unit

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = {unit.suffix: unit for unit in (USD_PER_KWH, FRACTION, RATIO)}
_LIMITS = {"usd_per_kwh": (CHEAPEST, DEAREST), "fraction": (0.0, 5.0), "ratio": (0.01, 100.0)}
_WIDEST = 2.0


@dataclass(frozen=True, slots=True)
class Assumption:
    """A stated number. median in ``unit``; spread: sd of its logarithm; stated: Unix seconds."""

    name: str
    title: str
    unit: Unit
    median: float
    spread: float
    stated: int
    source: str

    @property
    def band(self) -> tuple[float, float]:
        """Where 90% of what it may be lies, in ``unit``."""
        wide = exp(SIGMAS * self.spread)
        return self.median / wide, self.median * wide


def read_assumptions(path: Path | None = None) -> dict[str, Assumption]:
    """The built-in assumptions by name, those of a file in place of them. Raises BadFigures."""
    found = _read(None)
    if path is not None:
        document = read_document("hashcanary.economics.costs", _FILE, path, BadFigures)
        document.only(*found)
        found |= _read(path)
    return found


def with_power_price(
    assumptions: dict[str, Assumption], usd_per_kwh: float
) -> dict[str, Assumption]:
    """Every price of power replaced by one exact price. Raises UsageError where it is none."""
    if not CHEAPEST <= usd_per_kwh <= DEAREST:
        raise UsageError(
            argument="--power-price",
            expected=f"USD per kWh, a number from {CHEAPEST:g} to {DEAREST:g}",
            found=usd_per_kwh,
            remedy="50 USD/MWh are 0.05 USD/kWh.",
        )
    return {
        name: replace(one, median=usd_per_kwh, spread=0.0, stated=0, source="as given")
        if one.unit is USD_PER_KWH
        else one
        for name, one in assumptions.items()
    }


_FILE = "cost_assumptions.toml"


def _read(path: Path | None) -> dict[str, Assumption]:
    document = read_document("hashcanary.economics.costs", _FILE, path, BadFigures)
    return {name: _assumption(name, document.part(name)) for name in document.table}


def _assumption(name: str, place: Place) -> Assumption:
    place.only("title", "unit", "median", "spread", "stated", "source")
    unit = place.text("unit")
    if unit not in _UNITS:
        raise place.bad("unit", f"one of {', '.join(_UNITS)}", unit)
    return Assumption(
        name,
        place.text("title"),
        _UNITS[unit],
        place.number("median", *_LIMITS[unit]),
        place.number("spread", 0.0, _WIDEST),
        place.day("stated", 0),
        place.text("source"),
    )
