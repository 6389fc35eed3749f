"""The hashrate behind a simulated chain, and when the network has done a given number of hashes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hashcanary.simulation.errors import UnusableScenario

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HashratePath:
    """Hashrate over time, linear between its nodes.

    times: seconds since the start of the history, ascending, the first 0; rates: H/s at those
    moments. Raises UnusableScenario on fewer than two nodes, unordered times, or a rate that is
    not positive.
    """

    times: Floats
    rates: Floats
    done: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ordered = self.times.size > 1 and self.times[0] == 0 and (np.diff(self.times) > 0).all()
        if not ordered or self.rates.shape != self.times.shape or not (self.rates > 0).all():
            raise UnusableScenario(
                what="hashrate path",
                expected="two or more ascending times from 0, each with a positive rate",
                found=f"{self.times.size} times and {self.rates.size} rates",
                remedy="Correct the scenario.",
            )
        hashes = np.diff(self.times) * (self.rates[1:] + self.rates[:-1]) / 2
        object.__setattr__(self, "done", np.concatenate(([0.0], np.cumsum(hashes))))

    @property
    def total(self) -> float:
        """Hashes done by the end of the path."""
        return float(self.done[-1])

    def when(self, hashes: Floats) -> Floats:
        """Seconds since the start at which each number of ``hashes`` was done.

        The inverse of the integral of the rate, exact between nodes. ``hashes`` must not exceed
        ``total``.
        """
        cell = np.clip(np.searchsorted(self.done, hashes, side="right") - 1, 0, self.times.size - 2)
        width = self.times[cell + 1] - self.times[cell]
        rate = self.rates[cell]
        slope = (self.rates[cell + 1] - rate) / width
        rest = hashes - self.done[cell]
        # root of slope/2 s^2 + rate s = rest, in the form that is stable for slope near 0
        root = np.sqrt(np.maximum(rate * rate + 2 * slope * rest, 0.0))
        return np.asarray(self.times[cell] + np.minimum(2 * rest / (rate + root), width))


def constant(rate: float, seconds: float) -> HashratePath:
    """The same rate, H/s, for ``seconds``."""
    return HashratePath(np.array([0.0, seconds]), np.array([rate, rate]))
