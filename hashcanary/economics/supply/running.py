"""What runs now, by what its power costs: shares of the hashrate, and bills, below any cost.

In a draw of the supply curve machines up to the limit of the last months' hashprice are there, less
the dearest that left: the rest runs. A cost is hashprice at which a machine pays, USD/PH/s/day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.supply.curve import Supply

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]

# a smaller fraction is rounding: the curve is of single precision
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Running:
    """The distribution of cost over what runs, in each draw.

    log_cost: (size,), an even grid of the log of USD/PH/s/day; below, bill: (draws, size), the
    fraction of all machines whose cost is no more, and the sum of their costs, USD/PH/s/day of all;
    top_log: (..., draws), log of the dearest cost that runs; part: (..., draws), the fraction of
    all machines that runs. Leading axes are days, where there are any.
    """

    log_cost: Floats
    below: Singles
    bill: Floats
    top_log: Floats
    part: Floats

    @classmethod
    def of(
        cls, supply: Supply, limit_log: Floats | None = None, left: Floats | None = None
    ) -> Running:
        """What runs of a supply curve.

        limit_log, left: (days, draws), as in ``Supply``, where they are those of other days. What a
        scenario takes out for good is not taken out here.
        """
        limit = supply.limit_log if limit_log is None else limit_log
        gone = supply.left if left is None else left
        # nothing dearer than the highest limit is there in any draw
        step = supply.log_cost[1] - supply.log_cost[0]
        size = max(int((limit.max() - supply.log_cost[0]) / step) + 3, 2)
        cost, below = supply.log_cost[:size], supply.below[:, :size]
        # all machines that are not too dear; of these the dearest left
        there = _at(cost, below, limit)
        part = np.maximum(there, _LEAST) * (1.0 - gone)
        top = np.where(gone > 0, _where(cost, below, part), limit)
        return cls(cost, below, _bill(cost, below), np.minimum(top, limit), part)

    def share(self, usd_per_phs_day: Floats | float) -> Floats:
        """The fraction of what runs whose cost is no more: (..., draws)."""
        at = np.minimum(np.log(usd_per_phs_day), self.top_log)
        return np.minimum(_at(self.log_cost, self.below, at) / self.part, 1.0)

    def above(self, usd_per_phs_day: Floats | float) -> Floats:
        """The fraction of what runs whose cost is more: (..., draws)."""
        rest = 1.0 - self.share(usd_per_phs_day)
        return np.where(rest > _LEAST, rest, 0.0)

    def cost(self, usd_per_phs_day: Floats | float) -> Floats:
        """What the machines whose cost is no more cost together: (..., draws).

        USD a day over PH/s of all that runs; over ``share`` it is their mean cost.
        """
        at = np.minimum(np.log(usd_per_phs_day), self.top_log)
        return self._bill_at(at) / self.part

    def capped(self, usd_per_phs_day: Floats | float) -> Floats:
        """Mean of cost over what runs, each cost as a fraction of one and no more than 1.

        What share of what it mines a machine must sell where the hashprice is that: (..., draws).
        """
        paying = self.cost(usd_per_phs_day) / usd_per_phs_day
        # rounding of single precision, where no machine pays
        return np.minimum(paying + 1.0 - self.share(usd_per_phs_day), 1.0)

    def capped_below(self, usd_per_phs_day: Floats | float, cap_usd_per_phs_day: Floats) -> Floats:
        """Sum of cost over the machines whose cost is no more than one: a fraction, (..., draws).

        Each cost counts as a fraction of the cap, (..., draws), and no more than 1; over all
        machines it is ``capped``.
        """
        cap = cap_usd_per_phs_day
        paying = self.cost(np.minimum(usd_per_phs_day, cap)) / cap
        beyond = np.maximum(self.share(usd_per_phs_day) - self.share(cap), 0.0)
        return np.asarray(paying + beyond, dtype=np.float64)

    def _bill_at(self, at: Floats) -> Floats:
        """Within a cell of the grid machines are spread evenly over the log of cost."""
        step = self.log_cost[1] - self.log_cost[0]
        index, _ = _cell(self.log_cost, at)
        rows = np.arange(self.below.shape[0])
        mass = self.below[rows, index + 1].astype(np.float64) - self.below[rows, index]
        inside = np.exp(np.maximum(at, self.log_cost[0])) - np.exp(self.log_cost[index])
        return np.asarray(self.bill[rows, index] + mass * inside / step, dtype=np.float64)


def must_sell(
    running: Running, hashprice_usd_per_phs_day: Floats | float, parameters: dict[str, Floats]
) -> Floats:
    """The fraction of coins mined that must be sold to pay for power alone: (..., draws).

    parameters: of the curve, by name, (draws,): pool_fee, overhead, fractions. A cost holds the
    pool's fee and overheads that end with the machine; power is what it is without them. A machine
    can sell what the pool leaves of its coins and no more.
    """
    whole = hashprice_usd_per_phs_day * (1.0 + parameters["overhead"])
    return np.asarray((1.0 - parameters["pool_fee"]) * running.capped(whole), dtype=np.float64)


def _bill(log_cost: Floats, below: Singles) -> Floats:
    """The sum of costs up to each point of the grid: (draws, size)."""
    cost = np.exp(log_cost)
    mean = np.diff(cost) / np.diff(log_cost)
    mass = np.diff(below.astype(np.float64), axis=1)
    first = below[:, :1].astype(np.float64) * cost[0]
    return np.concatenate((first, first + np.cumsum(mass * mean, axis=1)), axis=1)


def _cell(log_cost: Floats, at: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The cell of the grid that a log cost lies in, and where in it, 0 to 1."""
    step = log_cost[1] - log_cost[0]
    place = np.clip((at - log_cost[0]) / step, 0.0, log_cost.size - 1.001)
    index = place.astype(np.int64)
    return index, place - index


def _at(log_cost: Floats, below: Singles, at: Floats) -> Floats:
    """``below`` at a log cost a draw, linear between points of the grid: (..., draws)."""
    index, inside = _cell(log_cost, at)
    rows = np.arange(below.shape[0])
    low = below[rows, index].astype(np.float64)
    return np.asarray(low + inside * (below[rows, index + 1] - low), dtype=np.float64)


def _where(log_cost: Floats, below: Singles, level: Floats) -> Floats:
    """The log cost at which ``below`` reaches a level: (..., draws)."""
    draws, size = below.shape
    rows = np.arange(draws)
    # rows one after the other, far enough apart that all of them rise as one
    whole = (below.astype(np.float64) + 2.0 * rows[:, None]).ravel()
    reached = np.searchsorted(whole, level + 2.0 * rows) - rows * size
    index = np.clip(reached, 1, size - 1) - 1
    low, high = below[rows, index].astype(np.float64), below[rows, index + 1].astype(np.float64)
    inside = np.clip((level - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
    step = log_cost[1] - log_cost[0]
    return np.asarray(log_cost[index] + inside * step, dtype=np.float64)
