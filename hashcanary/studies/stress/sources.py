"""What the gauge and the index read, computed from a record once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.costs.history import cost_history
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.supply.fleet_history import fleet_history
from hashcanary.economics.supply.study import history_of
from hashcanary.metrics.engine import metrics_of
from hashcanary.studies.stress.component import Sources, all_components
from hashcanary.studies.stress.sustainability import MODELS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.economics.costs.stated import Assumed
    from hashcanary.store.record import Record


def needed_costs() -> tuple[str, ...]:
    """The models of cost that components and the index read."""
    own = {name for one in all_components().values() for name in one.costs}
    return tuple(sorted(own | set(MODELS)))


def stress_sources(
    record: Record,
    *,
    models: Iterable[str] = (),
    assumed: Assumed | None = None,
) -> Sources:
    """All that is read, of a record as known at its moment. models: of cost, more of them.

    Raises BadFigures, NothingToMeasure, and what metrics and models of cost raise.
    """
    taken = assume() if assumed is None else assumed
    names = tuple(dict.fromkeys((*needed_costs(), *models)))
    costs = cost_history(record, find_cost_models(names), taken)
    fleet = fleet_history(history_of(record)[0], taken.catalogue, taken.power, record.daily)
    return Sources(
        metrics_of(record),
        dict(zip(names, costs, strict=True)),
        fleet if fleet.time.size else None,
        record.simulated,
        fleet_missing="the record ends before fleets can be drawn",
    )
