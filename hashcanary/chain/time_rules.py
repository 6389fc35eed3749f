"""Time rules of headers.

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

    from hashcanary.chain.networks import Network
    from hashcanary.chain.run import History

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
    median: NDArray[np.int64],
    median_known: NDArray[np.bool_],
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


def _first(history: History, wrong: NDArray[np.bool_]) -> int | None:
    wrong[: history.before] = False
    return int(np.argmax(wrong)) if wrong.any() else None


def _wrong(history: History, row: int, expected: str) -> WrongTime:
    place = history.places.at(row - history.before)
    return WrongTime(place=place, expected=expected, found=int(history.times[row]))


def _notes(history: History, median_known: NDArray[np.bool_]) -> tuple[str, ...]:
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
