"""Median time past: the median of a block's time and the ten before it.

``sorted(times)[n // 2]`` as in Bitcoin Core ``GetMedianTimePast``: n is 11, fewer at the start of
the chain. Header times may run backwards; median time past never does.

The rolling median of 11 is taken by forgetful selection: hold seven values, drop the least and the
greatest, add one more, until the median remains; each step runs over whole columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEDIAN_SPAN = 11


def rolling_median_11(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Median of each 11 consecutive times of a (n,) column: (n - 10,), or empty.

    Raises ValueError for times that no header can hold (below 0 or above 2^32 - 1).
    """
    if len(times) and not 0 <= int(times.min()) <= int(times.max()) < 1 << 32:
        raise ValueError("expected header times from 0 to 2^32 - 1, found one outside")
    narrow = times.astype(np.uint32)
    count = max(len(times) - MEDIAN_SPAN + 1, 0)
    shifted = [narrow[offset : offset + count] for offset in range(MEDIAN_SPAN)]
    held, waiting = shifted[:7], shifted[7:]
    while len(held) > 1:
        held = _without_extremes(held)
        if waiting:
            held.append(waiting.pop())
    return held[0].astype(np.int64)


def _without_extremes(columns: list[NDArray[np.uint32]]) -> list[NDArray[np.uint32]]:
    """Drop, row by row, the least and the greatest of the given columns."""
    least, rest = columns[0], []
    for column in columns[1:]:
        rest.append(np.maximum(least, column))
        least = np.minimum(least, column)
    greatest, kept = rest[0], []
    for column in rest[1:]:
        kept.append(np.minimum(greatest, column))
        greatest = np.maximum(greatest, column)
    return kept


def median_time_past(
    times: NDArray[np.int64], heights: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Median time past of each of n blocks in ascending height, and where it is known.

    times: header times, Unix seconds; heights: strictly ascending, gaps allowed. Known where the
    ten blocks before are among those given, or where all blocks from genesis on are. Where it is
    not known the value is 0 and must not be used.
    """
    size = len(times)
    values = np.zeros(size, np.int64)
    known = np.zeros(size, np.bool_)
    back = MEDIAN_SPAN - 1
    if size > back:
        values[back:] = rolling_median_11(times)
        known[back:] = heights[back:] - heights[:-back] == back
    for index in range(min(back, size)):
        if int(heights[index]) == index:
            values[index] = np.sort(times[: index + 1])[(index + 1) // 2]
            known[index] = True
    values[~known] = 0
    return values, known
