"""Answers over draws of the priors: their bands, and what each assumption moves of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hashcanary.units import Unit

    Floats = NDArray[np.float64]


# where the band of draws begins and ends, probability
BAND = (0.025, 0.975)
BAND_TEXT = "95% of draws of the priors"
_PARTS = 5


def band_of(draws: Floats) -> Interval:
    """Of an array over draws, in the unit of the draws."""
    low, value, high = (float(one) for one in np.quantile(draws, (BAND[0], 0.5, BAND[1])))
    return Interval(value, low, high, BAND_TEXT)


def mean_band(draws: Floats) -> Interval:
    """The mean of an array over draws, with the ends of 95% of them; in the unit of the draws.

    Means of parts add up to the mean of their sum, which medians do not.
    """
    low, high = (float(one) for one in np.quantile(draws, BAND))
    return Interval(float(draws.mean()), low, high, BAND_TEXT)


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
