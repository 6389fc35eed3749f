"""What the years say of who is hurt: costs of a coin, the fleet, the stress gauge, by day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.economics.costs.answers import cost_answers
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.errors import BadCostModel, NoCost
from hashcanary.economics.supply.fleet_history import fleet_history
from hashcanary.economics.supply.study import history_of
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY
from hashcanary.report.charts.costs import DRAWN, FAMILY, key
from hashcanary.report.charts.stress import CUTS, FLEET
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.answer import stress_now
from hashcanary.studies.stress.component import Sources, all_components
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sustainability import sustainability_history
from hashcanary.views.costs import FITTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.costs.answers import CostAnswers
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.economics.supply.fleet_history import FleetHistory
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.answer import StressNow
    from hashcanary.studies.stress.gauge import StressHistory

SEED = 1
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Years:
    """What the years say.

    no_costs: why there are no costs. cost_days, fleet_days, stress_days:
    what the charts draw, ``time`` and their columns, by week; without rows where nothing is known.
    stress: None where the gauge is silent, and no_stress says why.
    """

    costs: CostAnswers | None
    no_costs: str
    cost_days: pl.DataFrame
    fleet_days: pl.DataFrame
    stress: StressNow | None
    no_stress: str
    stress_days: pl.DataFrame


def years(record: Record) -> Years:
    """What the record's years say. Raises what models of cost and components of the gauge raise."""
    fleet = _fleet(record)
    costs, no_costs = _costs(record)
    cost_days = fleet_days = stress_days = pl.DataFrame({"time": []})
    now, no_stress = None, "no cost of a coin is known"
    if fleet is not None:
        columns = {name: getattr(fleet, name) for name in FLEET.columns}
        fleet_days = _known(pl.DataFrame({"time": fleet.time, **columns}), FLEET.columns[0])
    if costs is not None:
        cost_days = _frame(costs.history)
        now, no_stress, stress_days = _stress(record, costs, fleet)
    return Years(costs, no_costs, cost_days, fleet_days, now, no_stress, stress_days)


def _costs(record: Record) -> tuple[CostAnswers | None, str]:
    try:
        return cost_answers(record, find_cost_models(), assume()), ""
    except (NoCost, BadCostModel) as error:
        return None, str(error)


def _fleet(record: Record) -> FleetHistory | None:
    found = fleet_history(history_of(record)[0], daily=record.daily, seed=SEED)
    return found if found.time.size else None


def _stress(
    record: Record, costs: CostAnswers, fleet: FleetHistory | None
) -> tuple[StressNow | None, str, pl.DataFrame]:
    sources = Sources(
        metrics_of(record),
        {one.model.name: one for one in costs.history},
        fleet,
        record.simulated,
        fleet_missing="the record ends before fleets can be drawn",
    )
    known = all_components()
    settings = read_settings(known)
    history = stress_history(sources, settings, known)
    try:
        now = stress_now(history, sustainability_history(sources, settings), record.at_text)
    except NoStress as error:
        return None, str(error), pl.DataFrame({"time": []})
    return now, "", _gauge(history)


def _gauge(history: StressHistory) -> pl.DataFrame:
    cuts = {line.column: history.cuts[at] for at, line in enumerate(CUTS)}
    gauge = {"gauge": history.gauge, "gauge_low": history.low, "gauge_high": history.high}
    return _known(pl.DataFrame({"time": history.time, **gauge, **cuts}), "gauge")


def _known(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """By week, from the first to the last day on which a column is known."""
    frame = frame.with_columns(pl.all().exclude("time").fill_nan(None))
    known = frame[column].is_not_null().arg_true()
    return _weekly(frame[int(known[0]) : int(known[-1]) + 1] if known.len() else frame.clear())


def _frame(history: Sequence[ModelCosts]) -> pl.DataFrame:
    """``time`` and the columns of the chart, from the first cost that is known."""
    by_name = {one.model.name: one.days for one in history}
    days = history[0].days
    columns = [pl.col("time"), pl.col("price_usd").alias("price")]
    nothing = pl.Series([None] * days.height, dtype=pl.Float64)
    for name, _ in DRAWN:
        model = by_name.get(name)
        for ending, column in (("", "cost"), ("_low", "low"), ("_high", "high")):
            values = nothing if model is None else model[f"{column}_usd_per_btc"]
            columns.append(pl.lit(values).alias(key(name) + ending))
    fitted = [
        # not what only later days could have told
        by_name[name].select(pl.when(~pl.col("hindsight")).then("cost_usd_per_btc")).to_series()
        for name in FITTED
        if name in by_name
    ] or [nothing]
    columns += [
        pl.min_horizontal(*map(pl.lit, fitted)).alias(FAMILY.low),
        pl.max_horizontal(*map(pl.lit, fitted)).alias(FAMILY.high),
    ]
    frame = days.select(columns)
    costs = [name for name in frame.columns if name not in ("time", "price")]
    known = frame.select(pl.any_horizontal(pl.col(costs).is_not_null())).to_series()
    first = known.arg_true()[:1]
    if first.is_empty():
        return frame.clear()
    last = frame.filter(known | pl.col("price").is_not_null())["time"][-1]
    return _weekly(frame[int(first[0]) :].filter(pl.col("time") <= last))


def _weekly(frame: pl.DataFrame) -> pl.DataFrame:
    """One day of each week, the same in every record, and every day of the last one."""
    time = pl.col("time")
    return frame.filter((time // DAY % _WEEK == 0) | (time > time.max() - _WEEK * DAY))
