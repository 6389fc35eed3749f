"""What the network's machines take for a hash, by day: the one place that says so to cost models.

Fleets of ``fleet.py`` are drawn every 30 days, at moments that are the same in every record; a day
takes the last of them at its end, so that nothing known later is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import FleetDrawer, History
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.economics.machines.fleet import Asked, Fleets, Floats
    from hashcanary.economics.machines.rigs import Catalogue

DEFINITION = (
    "fleets drawn every 30 days from rigs on sale, hashrate and hashprice known by then; median "
    "of the network's J/TH"
)
STEP_DAYS = 30
_DRAWS, _SEED = 300, 1
_TERA = 1e12
# of the log: what one rig, the only one known, may be off those that nobody listed; of n, 1/sqrt(n)
_UNLISTED, _LISTED_SECONDS = 0.3, 3 * 365.25 * DAY


def network_efficiency(
    time: Floats, hashrate: Floats, hashprice: Floats, catalogue: Catalogue
) -> tuple[Floats, Floats]:
    """J/TH by day and the sd of its logarithm; NaN before the first rig, or without hashrate.

    time: Unix seconds of days' starts, ascending without a hole; hashrate: 30-day mean, H/s;
    hashprice: USD/PH/s/day; NaN where not known.
    """
    history = History(time.astype(np.int64), hashrate / _TERA, hashprice)
    step = (time + DAY) // (STEP_DAYS * DAY)
    values, spread = np.full((2, time.size), np.nan)
    drawer = FleetDrawer(catalogue, _DRAWS, _SEED)
    moments = (int(at) * STEP_DAYS * DAY for at in np.unique(step))
    asked = [one for at in moments if (one := _asked(drawer, history, at)) is not None]
    for fleets in drawer.together(asked):
        days = step == fleets.moment // (STEP_DAYS * DAY)
        values[days], spread[days] = _told(fleets)
    return values, spread


def _asked(drawer: FleetDrawer, history: History, moment: int) -> Asked | None:
    # a fleet before there were two days to see says nothing
    if moment <= history.time[0]:
        return None
    try:
        return drawer.asked(history, moment)
    except (NoRigYet, TooFewDaysForFleet):
        return None


def _told(fleets: Fleets) -> tuple[float, float]:
    logs = np.log(fleets.network_j_per_th)
    listed = sum(fleets.moment - rig.released < _LISTED_SECONDS for rig in fleets.rigs)
    unlisted = _UNLISTED / np.sqrt(max(listed, 1))
    return float(np.exp(np.median(logs))), float(np.hypot(np.std(logs), unlisted))
