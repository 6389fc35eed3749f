"""Where a value stands among the days before it: nothing later is ever looked at.

A rank is the part of the days before that are lower, and half of those that are equal (mid-rank):
what is tied, as days at which the hashrate is at its peak are, stands in the middle of its ties.
"""

from __future__ import annotations

from bisect import insort
from math import isfinite
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
    place = np.outer(np.arange(-1, values.size), quantiles)
    low = place.astype(np.int64)
    part = (place - low).tolist()
    pairs = np.stack([low, np.minimum(low + 1, np.arange(-1, values.size)[:, None])], 2).tolist()
    seen: list[float] = []
    cuts: list[list[float]] = []
    nothing = [float("nan")] * len(quantiles)
    for value in values.tolist():
        count = len(seen)
        cuts.append(
            [
                seen[at] + over * (seen[above] - seen[at])
                for (at, above), over in zip(pairs[count], part[count], strict=True)
            ]
            if count >= fewest
            else nothing
        )
        if isfinite(value):
            insort(seen, value)
    return np.array(cuts).reshape(values.size, len(quantiles)).T


def lower_before(values: Floats) -> NDArray[np.int64]:
    """How many of the days before are lower: (k, n) for k columns (k, n) without NaN, at once.

    A tree of counts over ranks (P. Fenwick, Software: Practice and Experience 24, 1994) a column.
    """
    many, size = values.shape
    order = np.argsort(values, axis=1, kind="stable")
    rank = np.empty((many, size), dtype=np.int64)
    # equal values share the rank of their first
    ordered = np.take_along_axis(values, order, axis=1)
    again = np.diff(ordered, axis=1, prepend=-np.inf) == 0
    first = np.maximum.accumulate(np.where(again, 0, np.arange(1, size + 1)), axis=1)
    np.put_along_axis(rank, order, first, axis=1)
    tree = np.zeros((size + 1, many), dtype=np.int32)
    rows = np.arange(many)
    found = np.empty((many, size), dtype=np.int64)
    steps = size.bit_length()
    for day in range(size):
        at, count = rank[:, day] - 1, np.zeros(many, dtype=np.int64)
        for _ in range(steps):
            # nothing is ever counted at place 0
            count += tree[at, rows]
            at = at & (at - 1)
        found[:, day] = count
        at = rank[:, day].copy()
        for _ in range(steps):
            inside = at <= size
            tree[np.minimum(at, size), rows] += inside
            at = np.where(inside, at + (at & -at), at)
    return found
