"""What the years say of who is hurt: costs of a coin, the fleet, the stress gauge, by day.

It reads metrics that the report computed already. It takes a second, mostly in Python, so a process
of its own may compute it (``years_job``): all that it gives can be sent from there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from hashcanary.economics.costs.answers import cost_answers
from hashcanary.economics.costs.history import metrics_of
from hashcanary.economics.costs.registry import find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.errors import BadCostModel, NoCost
from hashcanary.economics.supply.fleet_history import fleet_history
from hashcanary.economics.supply.study import METRICS as SUPPLY_METRICS
from hashcanary.economics.supply.study import history_of
from hashcanary.moments import DAY
from hashcanary.report.charts.costs import DRAWN, FAMILY, FITTED, key
from hashcanary.report.charts.stress import CUTS, FLEET
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.answer import stress_now
from hashcanary.studies.stress.component import Sources
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.registry import all_components
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sources import needed_metrics
from hashcanary.studies.stress.sustainability import sustainability_history

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.costs.answers import CostAnswers
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.economics.supply.fleet_history import FleetHistory
    from hashcanary.metrics.engine import Results
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.answer import StressNow
    from hashcanary.studies.stress.gauge import StressHistory

SEED = 1
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Years:
    """What the years say.

    costs: without their history, no_costs: why there are none. cost_days, fleet_days, stress_days:
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


def needed() -> tuple[str, ...]:
    """The metrics that all of it reads."""
    return tuple(
        dict.fromkeys((*SUPPLY_METRICS, *metrics_of(find_cost_models()), *needed_metrics()))
    )


def warm() -> None:
    """Import and read what ``years`` needs, before it is asked."""
    import scipy.fft
    import scipy.special  # noqa: F401

    assume()
    needed()


def years(record: Record, results: Results) -> Years:
    """What the record's years say. results: ``needed`` metrics of it.

    Raises what models of cost and components of the gauge raise.
    """
    # one after the other: both take many small steps, and threads would only wait for each other
    fleet = _fleet(record, results)
    costs, no_costs = _costs(record, results)
    cost_days = fleet_days = stress_days = pl.DataFrame({"time": []})
    now, no_stress = None, "no cost of a coin is known"
    if fleet is not None:
        columns = {name: getattr(fleet, name) for name in FLEET.columns}
        fleet_days = _known(pl.DataFrame({"time": fleet.time, **columns}), FLEET.columns[0])
    if costs is not None:
        cost_days = _frame(costs.history)
        now, no_stress, stress_days = _stress(record, results, costs, fleet)
        costs = _sendable(costs)
    return Years(costs, no_costs, cost_days, fleet_days, now, no_stress, stress_days)


def _costs(record: Record, results: Results) -> tuple[CostAnswers | None, str]:
    try:
        return cost_answers(record, find_cost_models(), assume(), results), ""
    except (NoCost, BadCostModel) as error:
        return None, str(error)


def _fleet(record: Record, results: Results) -> FleetHistory | None:
    found = fleet_history(history_of(record, results)[0], daily=record.daily, seed=SEED)
    return found if found.time.size else None


def _stress(
    record: Record, results: Results, costs: CostAnswers, fleet: FleetHistory | None
) -> tuple[StressNow | None, str, pl.DataFrame]:
    sources = Sources(
        results,
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
    signs = tuple(
        replace(one, component=replace(one.component, compute=_elsewhere)) for one in now.components
    )
    return replace(now, components=signs), "", _gauge(history)


def _elsewhere(*_: object) -> NoReturn:
    """In place of the functions of models and components, which cannot be sent."""
    raise RuntimeError("expected an answer, found a question: it was computed elsewhere")


def _sendable(costs: CostAnswers) -> CostAnswers:
    answers = tuple(
        replace(one, model=replace(one.model, compute=_elsewhere)) for one in costs.answers
    )
    return replace(costs, answers=answers, history=())


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
