"""Falls that no block shows yet: what a drop by economics or an exit would do to a wait.

The bank's models know of ordinary wander, of transients and of shocks. Machines that leave within
days and stay away are none of them, and without these the difficulty falls below the forecast's
lowest quantiles too often. They begin as often, and are as deep, as ``explain/causes.toml`` states
for the two causes that last; curtailments are over within days, which the transients cover. One may
come at any moment of the time ahead, or have begun in the days before, of which blocks say little.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import expm1

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.inference.explain.causes import LogNormal, read_causes

LASTING = ("economics", "exit")
# days before the last block of which blocks say little; set on epochs before 2024
UNSEEN_DAYS = 4.0
_YEAR = 365.25
# a law stands for as many equal parts of it, by their means
_PARTS, _FINE = 4, 20
_DEEPEST = 0.95


@dataclass(frozen=True, slots=True)
class Falls:
    """Laws of one lasting fall, each of equally likely logarithms of what a wait grows by.

    a_year: falls a year. whole: in force all the time ahead; some: from a moment in it on, with
    the share of the time that follows it in ``after``.
    """

    a_year: float
    whole: Floats
    some: Floats

    def probability(self, days: float) -> float:
        """That one or more begin within so many days."""
        return -expm1(-self.a_year * days / _YEAR)


@cache
def lasting_falls() -> Falls:
    """The falls of the built-in causes."""
    causes = [one for one in read_causes().real if one.name in LASTING]
    rates = [one.a_year for one in causes]
    whole, some, weights = [], [], []
    for cause, rate in zip(causes, rates, strict=True):
        depth = _depths(cause.depth)
        share = (np.arange(_FINE) + 0.5) / _FINE
        whole.append(-np.log1p(-depth))
        some.append(-np.log1p(-np.outer(depth, share)).ravel())
        weights.append(rate / sum(rates))
    return Falls(sum(rates), _grouped(whole, weights), _grouped(some, weights))


def _depths(law: LogNormal) -> Floats:
    return np.minimum(law.at((np.arange(_FINE) + 0.5) / _FINE), _DEEPEST)


def _grouped(laws: list[Floats], weights: list[float]) -> Floats:
    """The mixture of laws as ``_PARTS`` equally likely values: the means of its quarters."""
    values = np.concatenate(laws)
    weight = np.concatenate(
        [np.full(one.size, part / one.size) for one, part in zip(laws, weights, strict=True)]
    )
    order = np.argsort(values)
    ends = np.concatenate(([0.0], np.cumsum(weight[order])))
    mass = np.concatenate(([0.0], np.cumsum(weight[order] * values[order])))
    at = np.interp(np.linspace(0.0, ends[-1], _PARTS + 1), ends, mass)
    return np.asarray(np.diff(at) * _PARTS)
