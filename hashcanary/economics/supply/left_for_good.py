"""Capacity that leaves mining for good, such as a site that hosts AI: a scenario parameter.

What leaves is a part of what runs. It does not come back at any hashprice, unlike machines that are
idle because they did not pay. Nobody knows whose sites leave: ``proportional`` takes dear and cheap
machines alike, ``dearest`` those that cost most to run, ``cheapest`` those that cost least, such
as sites with the best power. The truth lies between the last two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Selection = Literal["proportional", "dearest", "cheapest"]
SELECTIONS: tuple[str, ...] = get_args(Selection)
# fraction; more than that leaves no network to speak of
MOST = 0.95


@dataclass(frozen=True, slots=True)
class LeftForGood:
    """A part of what runs that left, and which. fraction: 0 to 0.95. Raises UsageError."""

    fraction: float = 0.0
    selection: Selection = "proportional"

    def __post_init__(self) -> None:
        if not 0.0 <= self.fraction <= MOST:
            raise UsageError(
                argument="--left-for-good",
                expected=f"a share of the hashrate from 0% to {MOST:.0%}",
                found=f"{self.fraction:.4g}",
                remedy="Write 5% or 0.05.",
            )
        if self.selection not in SELECTIONS:
            raise UsageError(
                argument="selection",
                expected=f"one of {', '.join(SELECTIONS)}",
                found=self.selection,
                remedy="Omit it for proportional.",
            )

    def gone(self, paying: Floats, running: Floats) -> Floats:
        """How much of the cheapest machines left: fraction of what ran at the highest, (draws,).

        paying: fraction of what ran at the highest that those cheapest are; running: fraction of it
        that ran before; the dearest rest was idle.
        """
        there = np.minimum(paying, running)
        if self.selection == "proportional":
            return np.asarray(self.fraction * there)
        if self.selection == "dearest":
            return np.maximum(there - running * (1.0 - self.fraction), 0.0)
        return np.minimum(there, running * self.fraction)


NONE_LEFT = LeftForGood()
