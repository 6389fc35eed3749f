"""What the network's machines take for a hash, by day: the one place that says so to cost models.

A prior until something knows the fleet better: hashrate added in the last three years (rises of the
highest difficulty so far) is put to work at the efficiency of the rigs first sold in the year and a
half before; hashrate added earlier is gone. A day uses only what was on sale and mined by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.cost_model import Floats
    from hashcanary.economics.rigs import Rig

    Ints = NDArray[np.int64]

DEFINITION = (
    "hashrate added in the last 3 years, as the highest difficulty so far rose, at the geometric "
    "mean efficiency of the catalogue's rigs first sold in the 18 months before each rise"
)
_ADDED_DAYS = 1096
_SOLD_SECONDS = 1.5 * 365.25 * DAY
# of the log: what one rig, as the only one known, may be off from those in use
_FEW_RIGS = 0.5


def network_efficiency(
    time: Floats, difficulty: Floats, rigs: tuple[Rig, ...]
) -> tuple[Floats, Floats]:
    """J/TH by day, and the sd of its logarithm that comes of few rigs; NaN before the first rig.

    time: Unix seconds of days' starts, ascending without a hole; difficulty: NaN where not known.
    """
    sold, known = _sold(time, rigs)
    highest = np.fmax.accumulate(difficulty)
    added = np.diff(np.nan_to_num(highest), prepend=0.0)
    added[np.isnan(sold)] = 0.0
    weight, total = _window(added), _window(added * np.nan_to_num(sold))
    with np.errstate(invalid="ignore", divide="ignore"):
        efficiency = np.where(weight > 0, total / weight, sold)
        spread = _FEW_RIGS / np.sqrt(known)
    return efficiency, np.where(np.isfinite(efficiency), spread, np.nan)


def _sold(time: Floats, rigs: tuple[Rig, ...]) -> tuple[Floats, Floats]:
    """Geometric mean J/TH of rigs first sold in 18 months, the last one that stood without any;
    and how many rigs came out within the days that ``_ADDED_DAYS`` cover.
    """
    released = np.array([rig.released for rig in rigs], dtype=np.float64)
    order = np.argsort(released, kind="stable")
    logs = np.log([rig.efficiency_j_per_th for rig in rigs])[order]
    sums = np.concatenate([[0.0], np.cumsum(logs)])
    to = np.searchsorted(released[order], time, side="right")
    since = np.searchsorted(released[order], time - _SOLD_SECONDS, side="right")
    # where nothing came out for long, the newest rig there is
    since = np.minimum(since, np.maximum(to - 1, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.exp((sums[to] - sums[since]) / (to - since))
    early = np.searchsorted(released[order], time - _ADDED_DAYS * DAY - _SOLD_SECONDS, side="right")
    many = np.maximum(to - early, 1).astype(np.float64)
    return np.where(to > 0, mean, np.nan), many


def _window(values: Floats) -> Floats:
    """Sum over the last ``_ADDED_DAYS`` rows, or those there are.

    Differences of running sums would lose the small early values: what a window holds is never
    small against what came before it, since the highest difficulty only rises.
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(1, values.size + 1)
    window: Floats = sums[at] - sums[np.maximum(at - _ADDED_DAYS, 0)]
    return window
