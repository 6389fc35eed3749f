"""What the gauge and the index read, computed from a record once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.costs.history import cost_history
from hashcanary.economics.costs.registry import find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.supply.fleet_history import fleet_history
from hashcanary.metrics.engine import compute
from hashcanary.studies.stress.component import Sources
from hashcanary.studies.stress.fleet_days import METRICS, fleet_days
from hashcanary.studies.stress.registry import all_components
from hashcanary.studies.stress.sustainability import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.economics.costs.stated import Assumed
    from hashcanary.store.record import Record

PRICE = "price"


def needed_metrics() -> tuple[str, ...]:
    """Every metric that a component, the fleet or a study of them reads, by name."""
    own = {name for one in all_components().values() for name in one.metrics}
    return tuple(sorted(own | set(METRICS) | {PRICE}))


def needed_costs() -> tuple[str, ...]:
    """The models of cost that components and the index read."""
    own = {name for one in all_components().values() for name in one.costs}
    return tuple(sorted(own | set(MODELS)))


def stress_sources(
    record: Record,
    *,
    metrics: Iterable[str] = (),
    models: Iterable[str] = (),
    assumed: Assumed | None = None,
) -> Sources:
    """All that is read, of a record as known at its moment; metrics, models: more of them.

    Raises BadFigures, NothingToMeasure, and what metrics and models of cost raise.
    """
    taken = assume() if assumed is None else assumed
    results = compute(record, {*needed_metrics(), *metrics})
    names = tuple(dict.fromkeys((*needed_costs(), *models)))
    costs = cost_history(record, find_cost_models(names), taken)
    fleet = fleet_history(fleet_days(results), taken.catalogue, taken.power, record.daily)
    return Sources(
        results,
        dict(zip(names, costs, strict=True)),
        fleet if fleet.time.size else None,
        record.simulated,
        fleet_missing="the record ends before fleets can be drawn",
    )
