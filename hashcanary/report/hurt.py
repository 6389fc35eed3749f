"""Who is hurt, computed: supply curve, costs of a coin, shutdown prices, stress, or why not.

All of it reads metrics that the report computed already.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.economics.cost_answers import cost_answers
from hashcanary.economics.cost_registry import find_cost_models
from hashcanary.economics.cost_stated import assume
from hashcanary.economics.costs import metrics_of
from hashcanary.economics.draws import mean_band
from hashcanary.economics.errors import (
    BadCostModel,
    NoCost,
    NoHashprice,
    NoMarket,
    NoRigYet,
    TooFewDaysForFleet,
)
from hashcanary.economics.fleet_history import fleet_history
from hashcanary.economics.market import METRICS as MARKET_METRICS
from hashcanary.economics.market import market_of
from hashcanary.economics.published_costs import read_published_costs
from hashcanary.economics.rigs import read_rigs
from hashcanary.economics.selling import CLASSES, draw_overheads, sold
from hashcanary.economics.shutdown import Terms, shutdown_table
from hashcanary.economics.supply_study import METRICS as SUPPLY_METRICS
from hashcanary.economics.supply_study import history_of, study_supply
from hashcanary.inference.after_retarget import after_retarget
from hashcanary.inference.hashprice_basis import DAYS_METRICS, basis_of
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.answer import stress_now
from hashcanary.studies.stress.component import Sources
from hashcanary.studies.stress.gauge import stress_history
from hashcanary.studies.stress.registry import all_components
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sources import needed_metrics
from hashcanary.studies.stress.sustainability import sustainability_history

if TYPE_CHECKING:
    from hashcanary.economics.cost_answers import CostAnswers
    from hashcanary.economics.costs import ModelCosts
    from hashcanary.economics.draws import DrawBand
    from hashcanary.economics.fleet_history import FleetHistory
    from hashcanary.economics.published_costs import PublishedCost
    from hashcanary.economics.shutdown import Line
    from hashcanary.economics.supply_study import SupplyStudy
    from hashcanary.inference.after_retarget import AfterRetarget
    from hashcanary.metrics.engine import Results
    from hashcanary.report.outlook import Outlook
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.answer import StressNow
    from hashcanary.studies.stress.gauge import StressHistory

# USD/kWh that the table of shutdown prices states
POWER_PRICES = (0.04, 0.06, 0.08)
# rigs in that table: the largest of the fleet
RIGS_SHOWN = 8
_NO_PATHS = "paths of the hashprice are those of `hashcanary shutdown`"
_PETA_IN_TERA = 1e3
_SEED = 1


@dataclass(frozen=True, slots=True)
class MustSell:
    """Machines of a class of margins: means of the draws with 95% of them.

    mined: fraction of the coins mined, and of the hashrate; sold: fraction of all coins mined that
    they must sell to pay for power; sold_btc_per_day: the same in coins.
    """

    title: str
    mined: DrawBand
    sold: DrawBand
    sold_btc_per_day: DrawBand


@dataclass(frozen=True, slots=True)
class Stress:
    """The gauge and the index as known now, and the gauge by day."""

    now: StressNow
    history: StressHistory


@dataclass(frozen=True, slots=True)
class Hurt:
    """What is known of who is hurt.

    no_supply, no_costs, no_shutdown, no_stress: why a part is None or empty, empty where it is
    there. published: all that was known by then, none beside an invented history. fleet: by day.
    selling: by class of margin, all of them last.
    """

    supply: SupplyStudy | None
    no_supply: str
    costs: CostAnswers | None
    no_costs: str
    published: tuple[PublishedCost, ...]
    shutdown: tuple[Line, ...]
    no_shutdown: str
    fleet: FleetHistory | None
    selling: tuple[MustSell, ...]
    stress: Stress | None
    no_stress: str


def needed() -> tuple[str, ...]:
    """The metrics that all of it reads."""
    costs = metrics_of(find_cost_models())
    return tuple(
        dict.fromkeys((*SUPPLY_METRICS, *MARKET_METRICS, *DAYS_METRICS, *costs, *needed_metrics()))
    )


def hurt(record: Record, results: Results) -> Hurt:
    """What the record says of who is hurt. results: ``needed`` metrics of the record.

    Raises what registering models and components raises.
    """
    with ThreadPoolExecutor(2) as beside:
        through_time = beside.submit(_fleet, record, results)
        curve = beside.submit(_supply, record, results)
        costs, no_costs = _costs(record, results)
    supply, no_supply = curve.result()
    fleet = through_time.result()
    lines, no_shutdown = _shutdown(record, results, supply)
    stress, no_stress = _stress(record, results, costs, fleet)
    at = record.at if costs is None else costs.at
    published = tuple(
        one
        for one in read_published_costs()
        if not record.simulated and (at is None or one.known <= at)
    )
    return Hurt(
        supply,
        no_supply,
        costs,
        no_costs,
        published,
        lines,
        no_shutdown,
        fleet,
        () if supply is None else _selling(supply),
        stress,
        no_stress,
    )


def after_of(
    record: Record, results: Results, found: Hurt, ahead: Outlook
) -> tuple[AfterRetarget | None, str]:
    """What the next retarget does to who is hurt, or why that cannot be said."""
    if ahead.forecast is None:
        return None, ahead.no_forecast
    if found.supply is None:
        return None, found.no_supply
    try:
        basis = basis_of(record, ahead.forecast, results=results)
    except NoHashprice as error:
        return None, str(error)
    return after_retarget(ahead.forecast, found.supply, basis, seed=_SEED), ""


def _supply(record: Record, results: Results) -> tuple[SupplyStudy | None, str]:
    try:
        return study_supply(record, seed=_SEED, results=results), ""
    except (NoHashprice, NoRigYet, TooFewDaysForFleet) as error:
        return None, str(error)


def _costs(record: Record, results: Results) -> tuple[CostAnswers | None, str]:
    try:
        return cost_answers(record, find_cost_models(), assume(), results), ""
    except (NoCost, BadCostModel) as error:
        return None, str(error)


def _fleet(record: Record, results: Results) -> FleetHistory | None:
    found = fleet_history(history_of(record, results)[0], daily=record.daily, seed=_SEED)
    return found if found.time.size else None


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


def _selling(supply: SupplyStudy) -> tuple[MustSell, ...]:
    market, draws = supply.market, supply.supply.left.size
    price = market.hashprice_usd_per_phs_day
    mined = market.hashrate_ths / _PETA_IN_TERA * price / supply.price_usd_per_btc
    by_class = sold(supply.supply, price, draw_overheads(assume().figures, draws, _SEED))
    whole = by_class.total
    rows = [(one.title, by_class, at) for at, one in enumerate(CLASSES)] + [("all", whole, 0)]
    return tuple(
        MustSell(
            title, mean_band(of.mined[at]), mean_band(of.power[at]), mean_band(of.power[at] * mined)
        )
        for title, of, at in rows
    )


def _stress(
    record: Record, results: Results, costs: CostAnswers | None, fleet: FleetHistory | None
) -> tuple[Stress | None, str]:
    by_model: dict[str, ModelCosts] = (
        {} if costs is None else {one.model.name: one for one in costs.history}
    )
    if costs is None:
        return None, "no cost of a coin is known"
    sources = Sources(
        results,
        by_model,
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
        return None, str(error)
    return Stress(now, history), ""
