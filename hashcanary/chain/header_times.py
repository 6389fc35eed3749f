"""Header times: median time past, and the rules that a header's time must keep.

Median time past: the median of a block's time and the ten before it.

``sorted(times)[n // 2]`` as in Bitcoin Core ``GetMedianTimePast``: n is 11, fewer at the start of
the chain. Header times may run backwards; median time past never does.

The rolling median of 11 is taken by forgetful selection: hold seven values, drop the least and the
greatest, add one more, until the median remains; each step runs over whole columns.

Time rules of headers.

A header's time must be later than the median time past of its parent. A node takes no header more
than two hours ahead of its own clock; here the present is an argument, never read. Under BIP94 an
epoch's first header may be at most 600 s earlier than its parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.errors import WrongTime

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.arrays import Bools, Ints
    from hashcanary.chain.headers import History
    from hashcanary.chain.networks import Network


MEDIAN_SPAN = 11


def rolling_median_11(times: Ints) -> Ints:
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


def median_time_past(times: Ints, heights: Ints) -> tuple[Ints, Bools]:
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


MAX_AHEAD = 7200
"""Seconds that a header's time may be ahead of the present."""
MAX_TIMEWARP = 600
"""Seconds that an epoch's first header may be earlier than its parent under BIP94."""


def latest_time(now: int) -> int:
    """The greatest time, Unix seconds, that a node takes at ``now``."""
    return now + MAX_AHEAD


def check_times(
    history: History,
    network: Network,
    median: Ints,
    median_known: Bools,
    now: int | None,
) -> tuple[str, ...]:
    """Raise WrongTime for the run's first header that breaks a time rule.

    median, median_known: of ``median_time_past`` over the history. Returns notes on the headers
    whose parent's median time past is not known.
    """
    times = history.times
    early = np.zeros(len(times), np.bool_)
    early[1:] = median_known[:-1] & (times[1:] <= median[:-1])
    row = _first(history, early)
    if row is not None:
        raise _wrong(history, row, f"later than the median time past, {int(median[row - 1])}")
    if network.bip94:
        warped = np.zeros(len(times), np.bool_)
        warped[1:] = times[1:] < times[:-1] - MAX_TIMEWARP
        row = _first(history, warped & (history.heights % network.retarget_interval == 0))
        if row is not None:
            bound = int(times[row - 1]) - MAX_TIMEWARP
            raise _wrong(history, row, f"of at least {bound}, 600 s before its parent (BIP94)")
    if now is not None:
        row = _first(history, times > latest_time(now))
        if row is not None:
            raise _wrong(history, row, f"of at most {latest_time(now)}, two hours ahead of now")
    return _notes(history, median_known)


def _first(history: History, wrong: Bools) -> int | None:
    wrong[: history.before] = False
    return int(np.argmax(wrong)) if wrong.any() else None


def _wrong(history: History, row: int, expected: str) -> WrongTime:
    place = history.places.at(row - history.before)
    return WrongTime(place=place, expected=expected, found=int(history.times[row]))


def _notes(history: History, median_known: Bools) -> tuple[str, ...]:
    """A note on the stretch at the start where a parent's median time past is not known."""
    told = np.concatenate(([int(history.heights[0]) == 0], median_known[:-1]))
    untold = np.flatnonzero(~told[history.before :])
    if not len(untold):
        return ()
    first = int(history.heights[history.before])
    return (
        f"time rule of heights {first} to {first + int(untold[-1])}: "
        "fewer than 11 headers before them are in the run",
    )
