"""A run of headers under validation: what precedes it, where it stands, how its parts are named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Preceding:
    """What is known of the headers directly before a run, ascending; the last one is its parent.

    height, hash (32 bytes, printed order): those of the parent. times (Unix seconds) and bits: (k,)
    of the last k headers, the parent's last; the last 2016 are enough for every rule, none is
    allowed.
    """

    height: int
    hash: bytes
    times: NDArray[np.int64]
    bits: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Places:
    """Names headers in messages: by index in the run, and by height once that is known."""

    first_height: int | None

    def at(self, index: int) -> str:
        """``header 5 of the run (height 80006)``; indexes count from 0."""
        if self.first_height is None:
            return f"header {index} of the run (height unknown)"
        return f"header {index} of the run (height {self.first_height + index})"


@dataclass(frozen=True, slots=True)
class History:
    """Heights, times and bits of a run with what is known before it put in front.

    heights: consecutive; before: how many rows stand before the run's first header.
    """

    heights: NDArray[np.int64]
    times: NDArray[np.int64]
    bits: NDArray[np.int64]
    before: int

    @classmethod
    def of(
        cls,
        times: NDArray[np.int64],
        bits: NDArray[np.int64],
        first_height: int,
        preceding: Preceding | None,
    ) -> History:
        """Put the preceding times and bits, if any, before those of the run."""
        before = 0 if preceding is None else len(preceding.times)
        if preceding is not None and before:
            times = np.concatenate((preceding.times, times))
            bits = np.concatenate((preceding.bits, bits))
        start = first_height - before
        return cls(np.arange(start, start + len(times), dtype=np.int64), times, bits, before)

    @property
    def places(self) -> Places:
        """Names for the rows of this history, the run's first header being number 0."""
        return Places(int(self.heights[0]) + self.before)
