"""The cost of a coin as known at a moment: every definition side by side, and what moves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.costs.history import OWN, cost_history
from hashcanary.economics.errors import NoCost
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.costs.history import Effect, ModelCosts
    from hashcanary.economics.costs.model import CostModel
    from hashcanary.economics.costs.stated import Assumed
    from hashcanary.store.record import Record
    from hashcanary.units import Unit

# a price further from the day of a cost than difficulty stays is not compared with it
STALE_DAYS = 16
_LOW, _COST, _HIGH = "low_usd_per_btc", "cost_usd_per_btc", "high_usd_per_btc"


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What one assumption does to a model: USD a BTC with it at its low and its high end.

    low, middle, high: of the assumption, in ``unit``; all None for what is uncertain in the model
    itself. swing: high of the two costs over the low one, a ratio.
    """

    model: str
    assumption: str
    title: str
    unit: Unit | None
    low: float | None
    middle: float | None
    high: float | None
    usd_per_btc_at_low: float
    usd_per_btc_at_high: float
    swing: float


@dataclass(frozen=True, slots=True)
class CostAnswer:
    """What a model says: USD a BTC on ``day`` with 90% band, and the newest price over it.

    day: the newest whose cost is known, Unix seconds of its start. low, high: of the cost, USD/BTC.
    ratio, ratio_low, ratio_high: price over cost, a ratio, None where price and cost lie too far
    apart. rests_on: what people read beside it, every assumption with its
    band. missing: why there is no cost; the figures are None then.
    """

    model: CostModel
    rests_on: str
    day: int | None = None
    usd_per_btc: float | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    hindsight: tuple[str, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    missing: str | None = None


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

    @property
    def spread_of_definitions(self) -> tuple[CostAnswer, CostAnswer] | None:
        """The models with the lowest and the highest cost; None with fewer than two."""
        known = [one for one in self.answers if one.usd_per_btc is not None]
        if len(known) < 2:
            return None
        known.sort(key=lambda one: one.usd_per_btc or 0.0)
        return known[0], known[-1]


def cost_answers(record: Record, models: tuple[CostModel, ...], assumed: Assumed) -> CostAnswers:
    """What each model says as known at the record's moment.

    Raises NoCost where none says anything, BadCostModel, NothingToMeasure.
    """
    history = cost_history(record, models, assumed)
    price, price_day = _newest_price(history[0].days)
    answers = tuple(
        sorted(
            (_answer(one, price, price_day) for one in history),
            key=lambda one: (one.usd_per_btc is None, one.usd_per_btc),
        )
    )
    if all(one.usd_per_btc is None for one in answers):
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
        reason = str(days["missing"].mode().sort()[0])
        return CostAnswer(model, rests_on=model.rests_on, missing=reason)
    row = int(rows[-1])
    day = int(days["time"][row])
    cost, low, high = (_float(days[name][row]) for name in (_COST, _LOW, _HIGH))
    near = price_day is not None and abs(price_day - day) <= STALE_DAYS * DAY
    compared = price if near else None
    later = tuple(
        f"{one.title}: first stated {iso_day(one.stated)}"
        for one in costs.stated.values()
        if one.stated > day + DAY
    )
    moves = [_sensitivity(costs, one, row) for one in costs.effects]
    return CostAnswer(
        model,
        costs.rests_on(row, 1)[0],
        day,
        cost,
        _finite(low),
        _finite(high),
        ratio=None if compared is None else compared / cost,
        ratio_low=None if compared is None else _finite(compared / high),
        ratio_high=None if compared is None else _finite(compared / low),
        hindsight=later,
        sensitivities=tuple(sorted(moves, key=lambda one: -one.swing)),
    )


def _float(value: float | None) -> float:
    return float("nan") if value is None else value


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _sensitivity(costs: ModelCosts, effect: Effect, row: int) -> Sensitivity:
    at_low, at_high = float(effect.at_low[row]), float(effect.at_high[row])
    swing = max(at_low, at_high) / min(at_low, at_high)
    if effect.title == OWN:
        return Sensitivity(
            costs.model.name, effect.name, OWN, None, None, None, None, at_low, at_high, swing
        )
    stated = costs.stated[effect.name]
    low, middle, high = stated.band(row)
    return Sensitivity(
        costs.model.name,
        effect.name,
        effect.title,
        stated.unit,
        low,
        middle,
        high,
        at_low,
        at_high,
        swing,
    )


def by_swing(answers: Sequence[CostAnswer]) -> list[Sensitivity]:
    """Every assumption of every model, that which moves its model most first."""
    every = [move for one in answers for move in one.sensitivities]
    return sorted(every, key=lambda one: -one.swing)
