"""The miner-sustainability index: can those who mine go on. 0 nobody, 100 all, with ease.

It is made of shares that mean the same in every year, and of no percentile: three horizons of one
question. Percentiles of the past, and what the network does, are the gauge's (``gauge``).

- today (``profitable``): the part of the hashrate whose hashprice pays its running cost;
- this year (``margin``): the part of revenue that power leaves, for staff, debt and owners;
- when machines wear out (``renewal``): how much of the all-in cost of a coin the price covers, up
  to all of it.

All rest on the same fleets and prices of power: the band moves the three together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Floats
from hashcanary.economics.costs.history import ModelCosts, cost_history
from hashcanary.economics.costs.model import LEVEL as COST_LEVEL
from hashcanary.economics.costs.model import find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.supply.fleet_history import FleetHistory, fleet_history
from hashcanary.economics.supply.study import history_of
from hashcanary.metrics.engine import metrics_of
from hashcanary.studies.stress.component import Sources, all_components
from hashcanary.studies.stress.components.fleet import UNDERWATER
from hashcanary.studies.stress.gauge import LEVEL, ranks_before, weighted
from hashcanary.studies.stress.settings import Settings

if TYPE_CHECKING:
    from hashcanary.store.record import Record


POWER, ALL_IN = "electricity", "all-in"
MODELS = (POWER, ALL_IN)
BAND_TEXT = f"{LEVEL:.0%}: fleets' and costs' own bands, all moved together towards either end"
_ENDS = NormalDist().inv_cdf(0.5 + LEVEL / 2)


@dataclass(frozen=True, slots=True)
class PartDays:
    """A part of the index by day, (n,) each: fractions from 0 to 1, with the ends of its band."""

    name: str
    weight: float
    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class SustainabilityHistory:
    """The index on every day, (n,) each; NaN where too little weight is known.

    index, low, high: points from 0 to 100. percentile: the part of the days before, of the
    settings' window, on which it was lower, 0 to 100.
    """

    time: np.ndarray
    parts: tuple[PartDays, ...]
    weight_known: Floats
    index: Floats
    low: Floats
    high: Floats
    percentile: Floats


def sustainability_history(sources: Sources, settings: Settings) -> SustainabilityHistory:
    """The index on every day of the sources' record."""
    time = sources.metrics.frame("day")["time"].to_numpy()
    built = {"profitable": _profitable, "margin": _margin, "renewal": _renewal}
    parts = tuple(
        PartDays(name, weight, *built[name](sources))
        for name, weight in settings.index.items()
        if weight > 0
    )
    weights = np.array([one.weight for one in parts])
    index, part_known = weighted(
        100.0 * np.array([one.value for one in parts]), weights, settings.least_weight
    )
    # a part that is known has both its ends
    low, high = (
        weighted(100.0 * np.array([getattr(one, end) for one in parts]), weights, 0.0)[0]
        for end in ("low", "high")
    )
    silent = ~np.isfinite(index)
    low[silent], high[silent] = np.nan, np.nan
    ranks = ranks_before(index, index[:, None], settings.window_days, settings.fewest_days)
    return SustainabilityHistory(time, parts, part_known, index, low, high, 100.0 * ranks[:, 0])


def _profitable(sources: Sources) -> tuple[Floats, Floats, Floats]:
    """Its 95% band narrowed to the index's."""
    frame = UNDERWATER.compute(sources)
    value, low, high = (_floats(frame[name]) for name in ("value", "low", "high"))
    narrow = _ENDS / NormalDist().inv_cdf(0.5 + UNDERWATER.level / 2)
    worse, better = value + (high - value) * narrow, value + (low - value) * narrow
    return 1 - value, np.clip(1 - worse, 0, 1), np.clip(1 - better, 0, 1)


def _margin(sources: Sources) -> tuple[Floats, Floats, Floats]:
    return _of_ratio(sources, POWER, lambda ratio: np.maximum(1 - 1 / ratio, 0.0))


def _renewal(sources: Sources) -> tuple[Floats, Floats, Floats]:
    return _of_ratio(sources, ALL_IN, lambda ratio: np.minimum(ratio, 1.0))


def _of_ratio(
    sources: Sources, model: str, turned: Callable[[Floats], Floats]
) -> tuple[Floats, Floats, Floats]:
    """Price over a model's cost with its band, turned into a fraction that rises with it."""
    assert COST_LEVEL == LEVEL
    days = sources.costs[model].days
    names = ("price_to_cost", "price_to_cost_low", "price_to_cost_high")
    with np.errstate(divide="ignore", invalid="ignore"):
        value, low, high = (turned(_floats(days[name])) for name in names)
    return value, low, high


def _floats(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(np.nan).to_numpy()


def needed_costs() -> tuple[str, ...]:
    """The models of cost that components and the index read."""
    own = {name for one in all_components().values() for name in one.costs}
    return tuple(sorted(own | set(MODELS)))


def stress_sources(
    record: Record,
    *,
    models: Iterable[str] = (),
) -> Sources:
    """All that is read, of a record as known at its moment. models: of cost, more of them.

    Raises BadFigures, NothingToMeasure, and what metrics and models of cost raise.
    """
    taken = assume()
    names = tuple(dict.fromkeys((*needed_costs(), *models)))
    costs = cost_history(record, find_cost_models(names), taken)
    fleet = fleet_history(history_of(record)[0], taken.catalogue, taken.power, record.daily)
    return sources_of(record, costs, fleet if fleet.time.size else None)


def sources_of(record: Record, costs: Iterable[ModelCosts], fleet: FleetHistory | None) -> Sources:
    """All that is read, of costs and a fleet that are computed; None: it cannot be drawn."""
    missing = "the record ends before fleets can be drawn"
    models = {one.model.name: one for one in costs}
    return Sources(metrics_of(record), models, fleet, record.simulated, fleet_missing=missing)
