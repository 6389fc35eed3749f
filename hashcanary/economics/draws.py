"""Answers over draws of the priors: their bands, and what each assumption moves of them.

Which input a figure's spread comes from is told by Shapley effects of independent inputs. The
variance that a set of inputs explains alone is that of the mean given them; an input's part is
what it adds to it, averaged over the orders in which inputs may be told. Parts sum to one also
where inputs act together (Owen 2014; Song, Nelson and Staum 2016). Each set's variance is estimated
by drawing the other inputs anew (Sobol's pick-freeze), with both means and variances pooled (Janon
et al. 2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hashcanary.arrays import Floats, Ints
    from hashcanary.units import Unit


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


# relative spread below which a figure is the same in every draw, but for rounding
_STILL = 1e-6


def variance_parts(
    names: Sequence[str],
    outcome: Callable[[dict[str, Ints]], Floats],
    draws: int,
    random: np.random.Generator,
) -> dict[str, float]:
    """Each input's fraction of the variance of ``outcome``, by name; all 0 where it hardly varies.

    outcome: (draws,) of a figure, given which draw, (draws,), of each input to take. With 10,000
    draws a part is known to about 0.01; one that comes out below 0 by chance is 0, and the others
    share the rest.
    """
    own = np.arange(draws)
    anew = {name: random.permutation(draws) for name in names}
    whole = outcome(dict.fromkeys(names, own))
    if whole.std() <= _STILL * np.abs(whole).max():
        return dict.fromkeys(names, 0.0)
    explained: dict[frozenset[str], float] = {frozenset(): 0.0, frozenset(names): 1.0}
    for size in range(1, len(names)):
        for told in combinations(names, size):
            same = {name: own if name in told else anew[name] for name in names}
            explained[frozenset(told)] = _explained(whole, outcome(same))
    parts = {name: max(_part(name, names, explained), 0.0) for name in names}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()}


def _explained(one: Floats, other: Floats) -> float:
    """The fraction of the variance that what two samples share explains."""
    mean = (one.mean() + other.mean()) / 2
    variance = ((one**2).mean() + (other**2).mean()) / 2 - mean**2
    return float(((one * other).mean() - mean**2) / variance)


def _part(name: str, names: Sequence[str], explained: dict[frozenset[str], float]) -> float:
    """What an input adds, averaged over orders."""
    others = [one for one in names if one != name]
    total = 0.0
    for size in range(len(names)):
        weight = 1 / (len(names) * comb(len(names) - 1, size))
        for told in combinations(others, size):
            before = frozenset(told)
            total += weight * (explained[before | {name}] - explained[before])
    return total
