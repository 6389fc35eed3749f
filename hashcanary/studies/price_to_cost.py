"""What the price did after it fell below a cost of a coin, by every definition of cost.

A spell begins on the day on which a model first said so, as it was known then, after 30 days on
which it did not. Days on which a model's constants were hindsight are left out. Returns are of
``forward_returns.py``: windows that do not overlap, beside what any day would have given.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.moments import DAY
from hashcanary.studies.errors import NoCostDays
from hashcanary.studies.forward_returns import HORIZONS, DailyPrices, ForwardSummary, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.economics.costs.stated import StatedFigure

BELOW, TENTH = "below cost", "lowest tenth"
RULES = {
    BELOW: "price below the model's cost",
    TENTH: "price over cost below nine tenths of the days seen so far, 730 or more of them",
}
QUIET_DAYS = 30
_FEWEST_SEEN = 730
_TENTH = 0.1


@dataclass(frozen=True, slots=True)
class AfterCost:
    """What followed one model's spells by one rule.

    known_days: days with price and cost and without hindsight; in_state: those of them on which the
    rule held, in_state_band: at the ends of the cost's band, the fewer first; began: day numbers
    (Unix seconds // 86,400) on which a spell was first known; now: whether it held on the newest
    day; after: one summary a horizon; assumptions: what the newest cost assumes.
    """

    model: str
    rule: str
    known_days: int
    in_state: int
    in_state_band: tuple[int, int]
    began: tuple[int, ...]
    now: bool
    after: tuple[ForwardSummary, ...]
    assumptions: tuple[StatedFigure, ...]


def after_costs(history: Sequence[ModelCosts]) -> tuple[AfterCost, ...]:
    """Each model by each rule. Raises NoCostDays where no model has a day with price and cost."""
    found = []
    for costs in history:
        days = costs.days.filter(
            pl.col("price_to_cost").is_not_null(), ~pl.col("hindsight")
        ).select("time", "known_at", "price_to_cost", "price_to_cost_low", "price_to_cost_high")
        if days.is_empty():
            continue
        # any day is any day since the model has a cost: earlier years rose more often
        since = pl.col("time") >= int(days["time"][0])
        prices = DailyPrices(costs.days.filter(since).select("time", value="price_usd"))
        ratio, low, high = (days[f"price_to_cost{end}"].to_numpy() for end in ("", "_low", "_high"))
        for rule, holds in ((BELOW, below_cost), (TENTH, lowest_tenth)):
            state = holds(ratio)
            counts = sorted(int(holds(one).sum()) for one in (ratio, low, high))
            rows = spells(days["time"].to_numpy() // DAY, state)
            began = tuple(int(days["known_at"][int(row)]) // DAY for row in rows)
            found.append(
                AfterCost(
                    costs.model.name,
                    rule,
                    days.height,
                    int(state.sum()),
                    (counts[0], counts[-1]),
                    began,
                    bool(state[-1]),
                    tuple(summarise(prices, began, horizon) for horizon in HORIZONS),
                    costs.assumptions(costs.days.height - 1),
                )
            )
    if not found:
        raise NoCostDays(found=str(history[0].days["missing"].drop_nulls().first()))
    return tuple(found)


def below_cost(ratio: Floats) -> Bools:
    """Whether price over cost is below 1."""
    return ratio < 1


def lowest_tenth(ratio: Floats) -> Bools:
    """Whether each value is below nine tenths of all before it; not before enough are seen."""
    seen: list[float] = []
    state = np.zeros(ratio.size, dtype=np.bool_)
    for row, value in enumerate(ratio.tolist()):
        if row >= _FEWEST_SEEN:
            state[row] = bisect_left(seen, value) < _TENTH * row
        insort(seen, value)
    return state


def spells(day: Ints, state: Bools) -> list[int]:
    """Rows at which a state begins after ``QUIET_DAYS`` days (day numbers, ascending) without it.

    What stood before the first row is not known: a state that holds on it begins nowhere.
    """
    begin: list[int] = []
    last = int(day[0]) if day.size else 0
    for row in np.flatnonzero(state).tolist():
        if int(day[row]) - last > QUIET_DAYS:
            begin.append(row)
        last = int(day[row])
    return begin
