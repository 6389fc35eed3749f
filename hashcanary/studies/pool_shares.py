"""Shares of the pools that are largest now, day by day back through the record.

A day's share is that of all blocks of the last N days: measured ones (``metrics/pool_days.py``),
every one of them, else there is no share. Limits are exact ones of a binomial proportion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.metrics import concentration
from hashcanary.sources.pools.pool_lists import built_in
from hashcanary.studies.pools import measured_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PoolShares:
    """Shares of the blocks of ``days`` days, fractions of 1.

    time: (n,) Unix seconds, the starts of consecutive days; a row is about the days up to the end
    of its own. pools, names: the largest at the end, the largest first. share, low, high: (n,
    pools), NaN where a day of the window is not measured; unknown: (n,) of no known pool.
    """

    days: int
    time: Ints
    pools: tuple[str, ...]
    names: tuple[str, ...]
    share: Floats
    low: Floats
    high: Floats
    unknown: Floats


def pool_shares(record: Record, days: int = 30, most: int = 5) -> PoolShares:
    """Shares of at most ``most`` pools. Raises NoPoolLabels."""
    found = measured_days(record, days)
    summed, whole = _windows(found.blocks.counts(), found.measured, days)
    summed, whole = summed[: found.end], whole[: found.end]
    first = int(np.argmax(whole))
    summed, whole = summed[first:], whole[first:]
    slugs = found.blocks.names
    # the largest first, of equal ones by name; the first of all, ``unknown``, is no pool
    order = sorted(range(1, len(slugs)), key=lambda at: (-summed[-1, at], slugs[at]))
    chosen = [at for at in order if summed[-1, at] > 0][:most]
    total = np.where(whole, summed.sum(axis=1), 0)
    low, high = concentration.share_limits(summed[:, chosen], total[:, None])
    shown = built_in().names()
    with np.errstate(invalid="ignore", divide="ignore"):
        share, unknown = summed[:, chosen] / total[:, None], summed[:, 0] / total
    return PoolShares(
        days=days,
        time=found.starts[first : found.end],
        pools=tuple(slugs[at] for at in chosen),
        names=tuple(shown.get(slugs[at], slugs[at]) for at in chosen),
        share=np.where(whole[:, None], share, np.nan),
        low=low,
        high=high,
        unknown=np.where(whole, unknown, np.nan),
    )


def _windows(
    counts: Ints, measured: NDArray[np.bool_], days: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """Blocks by pool in the ``days`` days up to each day, and whether all of them are measured."""
    counts = np.where(measured[:, None], counts, 0)
    sums = np.cumsum(counts, axis=0)
    holes = np.cumsum(~measured)
    before, holes_before = np.zeros_like(sums), np.zeros_like(holes)
    before[days:], holes_before[days:] = sums[:-days], holes[:-days]
    rows = np.arange(measured.size)
    return sums - before, (holes == holes_before) & (rows + 1 >= days)
