"""What each assumption moves of an answer: the sensitivity table of a study over draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hashcanary.units import Unit

    Floats = NDArray[np.float64]

_PARTS = 5


@dataclass(frozen=True, slots=True)
class Moved:
    """An assumption. low, high: ends of its middle 60%, in the unit of its meaning; at_low,
    at_high: mean answer, in the unit of the answer, among draws that have it in its lowest and in
    its highest fifth; part: of the answer's variance, a fraction; unit: of low and high; source: of
    the assumption.
    """

    name: str
    meaning: str
    low: float
    high: float
    at_low: float
    at_high: float
    part: float
    unit: Unit
    source: str = ""


def moved_by(
    meanings: Mapping[str, str],
    parameters: Mapping[str, Floats],
    answer: Floats,
    units: Mapping[str, Unit],
    sources: Mapping[str, str] | None = None,
) -> tuple[Moved, ...]:
    """What each of ``meanings`` moves of ``answer``, the most first.

    parameters: by name, (draws,), each in the unit of its meaning; answer: in any unit, (draws,).
    units, sources: of the parameters, by name.
    """
    spread = float(answer.var())
    found = []
    for name, meaning in meanings.items():
        values = parameters[name]
        order = np.argsort(values, kind="stable")
        means = np.array([part.mean() for part in np.array_split(answer[order], _PARTS)])
        # what the mean of fifths varies by beyond what chance gives draws of no effect
        chance = spread * _PARTS / answer.size
        part = max(float(means.var()) - chance, 0.0) / spread if spread > 0 else 0.0
        low, high = np.quantile(values, (1 / _PARTS, 1 - 1 / _PARTS))
        found.append(
            Moved(
                name,
                meaning,
                float(low),
                float(high),
                float(means[0]),
                float(means[-1]),
                part,
                units[name],
                (sources or {}).get(name, ""),
            )
        )
    return tuple(sorted(found, key=lambda one: -abs(one.at_high - one.at_low)))
