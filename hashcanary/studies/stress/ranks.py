"""Where a value stands among the days before it: nothing later is ever looked at.

A rank is the part of the days before that are lower, and half of those that are equal (mid-rank):
what is tied, as days at which the hashrate is at its peak are, stands in the middle of its ties.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def ranks_before(values: Floats, asked: Floats, window: int, fewest: int) -> Floats:
    """Rank of what is asked on each day among the values of the days before it.

    values: (n,), NaN where not known; asked: (n, k); window: days looked back over, 0 for all;
    fewest: known days among them, 1 or more. Returns (n, k) fractions, NaN where ``asked`` is or
    fewer are known.
    """
    found = np.full(asked.shape, np.nan)
    seen = np.empty(values.size)  # the known values of the window, ascending, in its first ``size``
    size = 0
    known = np.isfinite(values)
    for day in range(values.size):
        gone = day - window - 1
        if window and gone >= 0 and known[gone]:
            at = int(seen[:size].searchsorted(values[gone]))
            seen[at : size - 1] = seen[at + 1 : size]
            size -= 1
        if day and known[day - 1]:
            at = int(seen[:size].searchsorted(values[day - 1]))
            seen[at + 1 : size + 1] = seen[at:size]
            seen[at] = values[day - 1]
            size += 1
        if size >= fewest:
            inside = seen[:size]
            lower = inside.searchsorted(asked[day])
            up_to = inside.searchsorted(asked[day], side="right")
            found[day] = (lower + up_to) / (2.0 * size)
    found[~np.isfinite(asked)] = np.nan
    return found


def cuts_before(values: Floats, quantiles: Sequence[float], fewest: int) -> Floats:
    """Quantiles, by linear interpolation, of all values before each day: (q, n).

    values: (n,), NaN where not known. NaN until ``fewest`` are known.
    """
    seen: list[float] = []
    cuts = np.full((len(quantiles), values.size), np.nan)
    for day, value in enumerate(values.tolist()):
        if len(seen) >= fewest:
            for row, quantile in enumerate(quantiles):
                place = quantile * (len(seen) - 1)
                low = int(place)
                high = min(low + 1, len(seen) - 1)
                cuts[row, day] = seen[low] + (place - low) * (seen[high] - seen[low])
        if np.isfinite(value):
            insort(seen, value)
    return cuts
