"""The hashrate of the last days against that before a fall, from counts of blocks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.inference.fall import Drop
    from hashcanary.inference.observations import Observations

LAST_DAYS, BEFORE_DAYS = 3.0, 14.0
_SHORTEST = 0.5


@dataclass(frozen=True, slots=True)
class RecentChange:
    """Relative change of the hashrate, median and 95% limits, NaN where too few blocks are known.

    days: how long the last window is; blocks, before: that the two windows rest on.
    """

    days: float
    change: float
    low: float
    high: float
    blocks: int
    before: int


def recent_change(seen: Observations, drop: Drop) -> RecentChange:
    """Of the last three days, fewer where the fall began less long ago, against two weeks before.

    The ratio of two Gamma variates is an F variate (J. Bain and M. Engelhardt, 1992): exact for
    rates that are constant in each window.
    """
    from scipy.special import betaincinv

    now = float(seen.time[-1])
    wanted = max(min(LAST_DAYS, (now - drop.start) / DAY), _SHORTEST)
    # a span may be longer than the window that is wanted: the last one at least
    last = seen.where(seen.start_time >= min(now - wanted * DAY, seen.start_time[-1]))
    begun = min(drop.start, float(last.start_time[0]))
    before = seen.where((seen.time <= begun) & (seen.time > begun - BEFORE_DAYS * DAY))
    blocks, usual = int(last.count.sum()), int(before.count.sum())
    days = float(last.seconds.sum()) / DAY
    if usual == 0:
        nan = float("nan")
        return RecentChange(days, nan, nan, nan, blocks, usual)
    ratio = (last.work.sum() / last.seconds.sum()) / (before.work.sum() / before.seconds.sum())
    level = np.array([0.5, 0.025, 0.975])
    share = betaincinv(blocks, usual, level)
    middle, low, high = ratio * (share / blocks) / ((1 - share) / usual) - 1
    return RecentChange(days, float(middle), float(low), float(high), blocks, usual)
