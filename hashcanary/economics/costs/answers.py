"""The cost of a coin as known at a moment: every definition side by side, and what moves it."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.costs.history import OWN, cost_history
from hashcanary.economics.costs.model import LEVEL
from hashcanary.economics.errors import NoCost
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.costs.history import Effect, ModelCosts
    from hashcanary.economics.costs.model import CostModel
    from hashcanary.economics.costs.stated import Assumed, StatedFigure
    from hashcanary.store.record import Record

# a price further from the day of a cost than difficulty stays is not compared with it
STALE_DAYS = 16
_COST = "cost_usd_per_btc"
_BAND = (_COST, "low_usd_per_btc", "high_usd_per_btc")


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What one assumption does to a model: USD a BTC with it at its low and its high end.

    stated: the assumption, None for what is uncertain in the model itself.
    """

    model: str
    assumption: str
    title: str
    stated: StatedFigure | None
    usd_per_btc_at_low: float
    usd_per_btc_at_high: float

    @property
    def swing(self) -> float:
        """The higher of the two costs over the lower one, a ratio."""
        ends = self.usd_per_btc_at_low, self.usd_per_btc_at_high
        return max(ends) / min(ends)


@dataclass(frozen=True, slots=True)
class CostAnswer:
    """A model's cost on ``day`` with its 90% band, and the newest price over it.

    day: the newest whose cost is known, Unix seconds of its start. cost: USD/BTC. price_to_cost: a
    ratio, None where price and cost lie too far apart. assumptions: as stated for the day;
    hindsight: those that were first stated later. missing: why there is no cost; all else is empty
    then.
    """

    model: CostModel
    day: int | None = None
    cost: Interval | None = None
    price_to_cost: Interval | None = None
    assumptions: tuple[StatedFigure, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    missing: str | None = None

    @property
    def hindsight(self) -> tuple[StatedFigure, ...]:
        """The assumptions that were first stated after the day."""
        end = 0 if self.day is None else self.day + DAY
        return tuple(each for each in self.assumptions if each.stated > end)


@dataclass(frozen=True, slots=True)
class CostAnswers:
    """All definitions, the lowest cost first.

    price_usd: the newest price; price_day: Unix seconds of its day's start; both None where none is
    known. at: Unix seconds up to which anything was used.
    """

    answers: tuple[CostAnswer, ...]
    price_usd: float | None
    price_day: int | None
    history: tuple[ModelCosts, ...]
    at: int


def cost_answers(record: Record, models: tuple[CostModel, ...], assumed: Assumed) -> CostAnswers:
    """What each model says as known at the record's moment.

    Raises NoCost where none says anything, BadCostModel, NothingToMeasure.
    """
    history = cost_history(record, models, assumed)
    price, price_day = _newest_price(history[0].days)
    answers = tuple(
        sorted(
            (_answer(one, price, price_day) for one in history),
            key=lambda answer: (answer.cost is None, answer.cost and answer.cost.value),
        )
    )
    if all(answer.cost is None for answer in answers):
        first = answers[0]
        raise NoCost(at=record.at_text, model=first.model.name, found=first.missing)
    at = int(history[0].days["time"][-1]) + DAY if record.at is None else record.at
    return CostAnswers(answers, price, price_day, history, at)


def _newest_price(days: pl.DataFrame) -> tuple[float | None, int | None]:
    known = days.filter(pl.col("price_usd").is_not_null())
    if known.is_empty():
        return None, None
    return float(known["price_usd"][-1]), int(known["time"][-1])


def _answer(costs: ModelCosts, price: float | None, price_day: int | None) -> CostAnswer:
    model, days = costs.model, costs.days
    rows = np.flatnonzero(days[_COST].is_not_null().to_numpy())
    if rows.size == 0:
        # the last day is seldom whole: what most days lack says more
        return CostAnswer(model, missing=str(days["missing"].mode().sort()[0]))
    row = int(rows[-1])
    day = int(days["time"][row])
    value, low, high = (nan if days[name][row] is None else days[name][row] for name in _BAND)
    cost = Interval(value, low, high, f"central {LEVEL:.0%}", LEVEL)
    near = price is not None and price_day is not None and abs(price_day - day) <= STALE_DAYS * DAY
    moves = [_sensitivity(costs, effect, row) for effect in costs.effects]
    return CostAnswer(
        model,
        day,
        cost,
        cost.map(lambda usd_per_btc: (price or nan) / usd_per_btc) if near else None,
        costs.assumptions(row),
        tuple(sorted(moves, key=lambda move: -move.swing)),
    )


def _sensitivity(costs: ModelCosts, effect: Effect, row: int) -> Sensitivity:
    return Sensitivity(
        costs.model.name,
        effect.name,
        effect.title,
        None if effect.title == OWN else costs.stated[effect.name].on(row),
        float(effect.at_low[row]),
        float(effect.at_high[row]),
    )


def by_swing(answers: Sequence[CostAnswer]) -> list[Sensitivity]:
    """Every assumption of every model, that which moves its model most first."""
    every = [move for answer in answers for move in answer.sensitivities]
    return sorted(every, key=lambda move: -move.swing)
