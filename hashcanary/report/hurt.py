"""Who is hurt, computed: supply curve, costs of a coin and shutdown prices, or why there are none.

All of it reads metrics that the report computed already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.economics.cost_answers import cost_answers
from hashcanary.economics.cost_registry import find_cost_models
from hashcanary.economics.cost_stated import assume
from hashcanary.economics.costs import metrics_of
from hashcanary.economics.errors import (
    BadCostModel,
    NoCost,
    NoHashprice,
    NoMarket,
    NoRigYet,
    TooFewDaysForFleet,
)
from hashcanary.economics.market import METRICS as MARKET_METRICS
from hashcanary.economics.market import market_of
from hashcanary.economics.published_costs import read_published_costs
from hashcanary.economics.rigs import read_rigs
from hashcanary.economics.shutdown import Terms, shutdown_table
from hashcanary.economics.supply_study import METRICS as SUPPLY_METRICS
from hashcanary.economics.supply_study import study_supply

if TYPE_CHECKING:
    from hashcanary.economics.cost_answers import CostAnswers
    from hashcanary.economics.published_costs import PublishedCost
    from hashcanary.economics.shutdown import Line
    from hashcanary.economics.supply_study import SupplyStudy
    from hashcanary.metrics.engine import Results
    from hashcanary.store.record import Record

# USD/kWh that the table of shutdown prices states
POWER_PRICES = (0.04, 0.06, 0.08)
# rigs in that table: the largest of the fleet
RIGS_SHOWN = 8
_NO_PATHS = "paths of the hashprice are those of `hashcanary shutdown`"


@dataclass(frozen=True, slots=True)
class Hurt:
    """What is known of who is hurt.

    no_supply, no_costs, no_shutdown: why a part is None or empty, empty where it is there.
    published: all that was known by then, none beside an invented history.
    """

    supply: SupplyStudy | None
    no_supply: str
    costs: CostAnswers | None
    no_costs: str
    published: tuple[PublishedCost, ...]
    shutdown: tuple[Line, ...]
    no_shutdown: str


def needed() -> tuple[str, ...]:
    """The metrics that all of it reads."""
    return tuple(dict.fromkeys((*SUPPLY_METRICS, *MARKET_METRICS, *metrics_of(find_cost_models()))))


def hurt(record: Record, results: Results) -> Hurt:
    """What the record says of who is hurt. results: ``needed`` metrics of the record."""
    supply, no_supply = _supply(record, results)
    costs, no_costs = _costs(record, results)
    lines, no_shutdown = _shutdown(record, results, supply)
    at = record.at if costs is None else costs.at
    published = tuple(
        one
        for one in read_published_costs()
        if not record.simulated and (at is None or one.known <= at)
    )
    return Hurt(supply, no_supply, costs, no_costs, published, lines, no_shutdown)


def _supply(record: Record, results: Results) -> tuple[SupplyStudy | None, str]:
    try:
        return study_supply(record, results=results), ""
    except (NoHashprice, NoRigYet, TooFewDaysForFleet) as error:
        return None, str(error)


def _costs(record: Record, results: Results) -> tuple[CostAnswers | None, str]:
    try:
        return cost_answers(record, find_cost_models(), assume(), results), ""
    except (NoCost, BadCostModel) as error:
        return None, str(error)


def _shutdown(
    record: Record, results: Results, supply: SupplyStudy | None
) -> tuple[tuple[Line, ...], str]:
    """The largest rigs of the fleet, the one that stops first on top, at each price of power."""
    if supply is None:
        return (), "the fleet is not known"
    try:
        market = market_of(record, results=results)
    except NoMarket as error:
        return (), str(error)
    largest = sorted(supply.rigs, key=lambda one: -one.share.value)[:RIGS_SHOWN]
    catalogue = read_rigs()
    rigs = sorted(
        (catalogue.rig(one.name) for one in largest), key=lambda rig: -rig.efficiency_j_per_th
    )
    return shutdown_table(rigs, POWER_PRICES, market, Terms(), None, _NO_PATHS), ""
