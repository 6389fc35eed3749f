"""The hashrate of the last days against that before a drop, and how rarely luck alone does that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import HeightNotKnown, WindowNotKnown
from hashcanary.inference.luck.luck import REFERENCE_BLOCKS, window_luck
from hashcanary.inference.luck.windows import between_blocks, between_times, blocks_before
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network
    from hashcanary.inference.explain.profile import DropProfile
    from hashcanary.inference.filter.observations import Blocks, Observations

LAST_DAYS, BEFORE_DAYS = 3.0, 14.0
_SHORTEST = 0.5


@dataclass(frozen=True, slots=True)
class RecentChange:
    """Relative change of the hashrate and its 95% limits, NaN where too few blocks are known.

    days: how long the last window is; blocks: in it; once_in_years: how long one waits for a window
    as poor by luck alone, NaN where that cannot be told.
    """

    days: float
    change: Interval
    blocks: int
    once_in_years: float


def recent_change(
    blocks: Blocks, network: Network, seen: Observations, drop: DropProfile
) -> RecentChange:
    """Of the last three days, fewer where the drop began less long ago, against the time before."""
    wanted = max(min(LAST_DAYS * DAY, drop.now - drop.start), _SHORTEST * DAY)
    last = float(np.maximum.reduce(blocks.time))
    try:
        window = between_times(blocks, network, last - wanted, last)
        since = between_blocks(blocks, network, drop.height, int(blocks.height[-1]))
        reference = blocks_before(blocks, network, since, REFERENCE_BLOCKS)
        found = window_luck(blocks, network, window, reference=reference)
    except (WindowNotKnown, HeightNotKnown):
        return _across_gaps(seen, drop, wanted)
    change = Interval(found.change, found.low, found.high)
    return RecentChange(wanted / DAY, change, window.blocks, found.once_in_years)


def _across_gaps(seen: Observations, drop: DropProfile, wanted: float) -> RecentChange:
    """From spans between known blocks: the ratio of two Gamma variates is an F variate."""
    from scipy.special import betaincinv

    now, nan = float(seen.time[-1]), float("nan")
    # a span may be longer than the window that is wanted: the last one at least
    last = seen.where(seen.start_time >= min(now - wanted, float(seen.start_time[-1])))
    begun = min(drop.start, float(last.start_time[0]))
    before = seen.where((seen.time <= begun) & (seen.time > begun - BEFORE_DAYS * DAY))
    blocks, usual = int(last.count.sum()), int(before.count.sum())
    days = float(last.seconds.sum()) / DAY
    if usual == 0:
        return RecentChange(days, Interval.exact(nan), blocks, nan)
    ratio = (last.work.sum() / last.seconds.sum()) / (before.work.sum() / before.seconds.sum())
    share = betaincinv(blocks, usual, np.array([0.5, 0.025, 0.975]))
    change = Interval(*(ratio * (share / blocks) / ((1 - share) / usual) - 1).tolist())
    return RecentChange(days, change, blocks, nan)
