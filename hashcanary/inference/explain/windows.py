"""The windows of blocks by which a drop in hashrate is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import NoBlocksToObserve, TooFewToExplain
from hashcanary.inference.filter.observations import observe
from hashcanary.moments import DAY, iso_time

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.inference.filter.observations import Blocks, Observations

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# days back that a drop is looked for, and days before them that show what was usual
REACH, LEAD = 100.0, 40.0
# days of blocks without which nothing is explained, and how recent some must be
FEWEST_DAYS, RECENT_DAYS = 20.0, 16.0
_FINE, _COARSE = 0.25, 1.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Mean log rates over windows of time, ascending.

    now: Unix seconds of the last block. start, end: days before it, so that the last window ends
    near 0; first, last: heights of the edges; log_rate: of H/s; variance: of it, from the blocks'
    luck and the clocks; blocks: how many each rests on.
    """

    now: float
    start: Floats
    end: Floats
    first: Ints
    last: Ints
    log_rate: Floats
    variance: Floats
    blocks: Ints

    @property
    def middle(self) -> Floats:
        """The middles of the windows, days."""
        return (self.start + self.end) / 2


def observed(blocks: Blocks, network: Network, reach: float = REACH) -> Observations:
    """What the blocks show from which drops of the last ``reach`` days are judged.

    Raises NoBlocksToObserve, TooFewToExplain.
    """
    if blocks.height.size < 2:
        raise NoBlocksToObserve(found=blocks.height.size, at="that moment")
    last = float(blocks.time.max())
    since = last - (reach + LEAD) * DAY
    seen = observe(blocks.part(int(np.argmax(blocks.time >= since))), network)
    seen = seen.where(seen.count > 0)
    covered = (last - float(seen.start_time[0])) / DAY if seen.size else 0.0
    fresh = (last - float(seen.time[-1])) / DAY if seen.size else np.inf
    if covered < FEWEST_DAYS or fresh > RECENT_DAYS:
        raise TooFewToExplain(
            expected=f"{FEWEST_DAYS:g}",
            at=iso_time(int(last)),
            recent=f"{RECENT_DAYS:g}",
            found=f"{int(seen.count.sum())} blocks of {covered:.1f} days",
        )
    return seen


def windows(seen: Observations, fine: tuple[float, float] = (np.inf, -np.inf)) -> Windows:
    """The spans put together: six hours each between the moments ``fine``, a day elsewhere.

    fine: days before the last block, the earlier (the smaller) first.
    """
    now = float(seen.time[-1])
    end = (seen.time - now) / DAY
    near = (end >= fine[0]) & (end <= fine[1])
    length = np.where(near, _FINE, _COARSE) * DAY
    group, held, begun = np.zeros(seen.size, dtype=np.int64), -1, -np.inf
    for at in range(seen.size):
        apart = at == 0 or seen.height[at - 1] != seen.first[at] or near[at] != near[at - 1]
        if apart or seen.time[at] - begun > length[at] * 1.01:
            held, begun = held + 1, float(seen.start_time[at])
        group[at] = held
    return _joined(seen, group, now)


def _joined(seen: Observations, group: Ints, now: float) -> Windows:
    from scipy.special import digamma, polygamma

    count = np.bincount(group, weights=seen.count)
    seconds = np.bincount(group, weights=seen.seconds)
    work = np.bincount(group, weights=seen.work)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], seen.size) - 1
    # what the clocks of a window's two ends add, as its first and last span have it
    clock = (seen.variance - polygamma(1, seen.count)) * seen.seconds**2
    ends = (clock[first] + clock[last]) / 2 / seconds**2
    return Windows(
        now=now,
        start=(seen.start_time[first] - now) / DAY,
        end=(seen.time[last] - now) / DAY,
        first=seen.first[first],
        last=seen.height[last],
        log_rate=digamma(count) - np.log(count) + np.log(work / seconds),
        variance=polygamma(1, count) + np.maximum(ends, 0.0),
        blocks=count.astype(np.int64),
    )
