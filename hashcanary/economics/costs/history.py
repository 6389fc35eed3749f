"""The cost of a coin by every model, by day, with bands; what each assumption does to it.

A row uses what was known at the end of its day. A model whose constants were fitted to later data
says so (``hindsight``), and is missing in a record as known before them.

The answer of a moment sets every definition side by side, with what moves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import nan
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.economics.costs.model import LEVEL, SIGMAS, Cost, CostModel, Given, combined
from hashcanary.economics.costs.stated import EFFICIENCY, POWER_PRICE, stated_days
from hashcanary.economics.errors import BadCostModel, NoCost
from hashcanary.interval import Interval
from hashcanary.metrics.declaration import all_metrics
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.inputs import BASE_INPUTS
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.arrays import Floats
    from hashcanary.economics.costs.stated import Assumed, StatedDays, StatedFigure
    from hashcanary.store.record import Record


OWN = "the model itself"
_PRICE, _FLEET_INPUTS = "price.usd", ("hashrate.sma30", "hashprice", "hashprice.subsidy")


@dataclass(frozen=True, slots=True)
class Effect:
    """What one uncertain thing does to a model.

    at_low, at_high: USD/BTC by day with it at its low and at its high end.
    """

    name: str
    title: str
    at_low: Floats
    at_high: Floats


@dataclass(frozen=True, slots=True)
class ModelCosts:
    """A model's cost by day.

    days, ascending without a hole: ``time`` (Unix seconds of the day's start), ``price_usd``,
    ``cost_usd_per_btc``, ``low_usd_per_btc``, ``high_usd_per_btc`` (90%, see ``CostModel.band``),
    ``price_to_cost`` with ``_low`` and ``_high`` (ratios), ``hindsight`` (its constants were fitted
    to later days), ``known_at`` (Unix seconds), ``missing`` (why the cost is null).
    effects: what makes the band, with one item a day.
    """

    model: CostModel
    days: pl.DataFrame
    effects: tuple[Effect, ...]
    stated: Mapping[str, StatedDays]

    def assumptions(self, row: int) -> tuple[StatedFigure, ...]:
        """Every assumption with its band on a day, by the number of its row."""
        return tuple(each.on(row) for each in self.stated.values())


def _inputs(models: tuple[CostModel, ...]) -> set[str]:
    wanted = {_PRICE, *(name for model in models for name in model.inputs)}
    if any(EFFICIENCY in model.assumptions for model in models):
        wanted.update(_FLEET_INPUTS)
    return wanted


def cost_history(
    record: Record, models: tuple[CostModel, ...], assumed: Assumed, since: float = 0.0
) -> tuple[ModelCosts, ...]:
    """Each model's cost on every day of the record.

    since: Unix seconds; what rests on the fleet is not known on days before. Raises BadCostModel,
    NothingToMeasure, and what metrics raise.
    """
    for model in models:
        _check(model, assumed)
    needed = tuple(dict.fromkeys(name for model in models for name in model.assumptions))
    wanted = _inputs(models)
    frame = metrics_of(record).frame("day", wanted)
    columns = {name: floats(frame, name) for name in ("time", *wanted)}
    stated = stated_days(assumed, needed, columns, since)
    return tuple(_model_costs(model, record, frame, columns, stated, assumed) for model in models)


def _check(model: CostModel, assumed: Assumed) -> None:
    known = {EFFICIENCY, POWER_PRICE, *assumed.figures}
    for name in model.assumptions:
        if name not in known:
            expected = f"assumptions among {', '.join(sorted(known))}"
            raise BadCostModel(model=model.name, expected=expected, found=name)
    metrics = all_metrics()
    for name in model.inputs:
        if name not in BASE_INPUTS["day"] and (name not in metrics or metrics[name].grain != "day"):
            expected = "inputs that are base inputs or metrics of days"
            raise BadCostModel(model=model.name, expected=expected, found=name)


def _model_costs(
    model: CostModel,
    record: Record,
    frame: pl.DataFrame,
    columns: Mapping[str, Floats],
    stated: Mapping[str, StatedDays],
    assumed: Assumed,
) -> ModelCosts:
    stated = {name: stated[name] for name in model.assumptions}
    given = Given(
        {name: columns[name] for name in ("time", *model.inputs)},
        {name: one.values for name, one in stated.items()},
        assumed.catalogue.rigs,
    )
    cost = _computed(model, given)
    effects = []
    if cost.low is not None and cost.high is not None:
        effects.append(Effect("model", OWN, cost.low, cost.high))
    for name, one in stated.items():
        if not np.any(one.spread > 0):
            continue
        ends = [
            _computed(model, Given(given.days, {**given.stated, name: moved}, given.rigs))
            for moved in (one.moved(-SIGMAS), one.moved(SIGMAS))
        ]
        effects.append(Effect(name, one.title, ends[0].usd_per_btc, ends[1].usd_per_btc))
    middle = cost.usd_per_btc
    low, high = combined(middle, ((one.at_low, one.at_high) for one in effects))
    days = _days(model, record, frame, columns[_PRICE], (middle, low, high))
    return ModelCosts(model, days, tuple(effects), stated)


def _computed(model: CostModel, given: Given) -> Cost:
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = model.compute(given)
    size = given.days["time"].size
    for column in (cost.usd_per_btc, cost.low, cost.high):
        if column is not None and column.shape != (size,):
            raise BadCostModel(model.name, f"an item for each of {size} days", column.shape)
    finite = np.isfinite(cost.usd_per_btc) & (cost.usd_per_btc > 0)
    return Cost(np.where(finite, cost.usd_per_btc, np.nan), cost.low, cost.high)


def _days(
    model: CostModel,
    record: Record,
    frame: pl.DataFrame,
    price: Floats,
    cost: tuple[Floats, Floats, Floats],
) -> pl.DataFrame:
    middle, low, high = cost
    since = day_start(date.fromisoformat(model.known_from)) if model.known_from else 0
    not_yet = record.at is not None and record.at < since
    if not_yet:
        middle, low, high = (np.full(price.size, np.nan) for _ in range(3))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = [price / column for column in (middle, high, low)]
    names = ("price_to_cost", "price_to_cost_low", "price_to_cost_high")
    values = {
        "price_usd": price,
        "cost_usd_per_btc": middle,
        "low_usd_per_btc": low,
        "high_usd_per_btc": high,
        **dict(zip(names, ratios, strict=True)),
    }
    reason = f"its constants were fitted to data up to {model.known_from}" if not_yet else None
    days = frame.select(
        "time", _known_at(model).alias("known_at"), _reason(model, reason).alias("missing")
    ).with_columns(
        pl.Series(name, column).fill_nan(None).alias(name) for name, column in values.items()
    )
    unknown = pl.col("cost_usd_per_btc").is_null()
    return days.select(
        "time",
        *values,
        (~unknown & (pl.col("time") + DAY <= since)).alias("hindsight"),
        pl.when(~unknown).then(pl.col("known_at")).alias("known_at"),
        pl.when(unknown).then(pl.col("missing")).alias("missing"),
    )


def _known_at(model: CostModel) -> pl.Expr:
    """A row is final when everything is that it and the rows before it rest on."""
    names = dict.fromkeys((*model.inputs, _PRICE))
    return pl.max_horizontal(f"{name}.known_at" for name in names).cum_max()


def _reason(model: CostModel, first: str | None) -> pl.Expr:
    """Why a cost is missing: the first missing input's reason, else the model's own."""
    if first is not None:
        return pl.lit(first)
    reason: pl.Expr = pl.lit(model.missing)
    for name in reversed(model.inputs):
        reason = pl.when(pl.col(name).is_null()).then(f"{name}.missing").otherwise(reason)
    return reason


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


def cost_answers(
    record: Record, models: tuple[CostModel, ...], assumed: Assumed, since: float = 0.0
) -> CostAnswers:
    """What each model says as known at the record's moment.

    since: Unix seconds, as in ``cost_history``. Raises NoCost where none says anything,
    BadCostModel, NothingToMeasure.
    """
    history = cost_history(record, models, assumed, since)
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
