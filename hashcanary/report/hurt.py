"""Who is hurt, computed: supply curve, shutdown prices, what must be sold, or why not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.economics.costs.published import read_published_costs
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.errors import (
    NoHashprice,
    NoMarket,
    NoRigYet,
    TooFewDaysForFleet,
)
from hashcanary.economics.hash_economics import hash_economics
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.selling.sold import draw_overheads, sold
from hashcanary.economics.selling.study import margin_classes
from hashcanary.economics.shutdown.table import Terms, shutdown_table
from hashcanary.economics.supply.study import study_supply
from hashcanary.inference.retarget.after import after_retarget
from hashcanary.inference.retarget.hashprice_basis import basis_of
from hashcanary.report.years import SEED, years

if TYPE_CHECKING:
    from hashcanary.economics.costs.published import PublishedCost
    from hashcanary.economics.selling.study import ClassSold
    from hashcanary.economics.shutdown.table import Line
    from hashcanary.economics.supply.study import SupplyStudy
    from hashcanary.inference.retarget.after import AfterRetarget
    from hashcanary.report.sections.outlook import Outlook
    from hashcanary.report.years import Years
    from hashcanary.store.record import Record

# USD/kWh that the table of shutdown prices states
POWER_PRICES = (0.04, 0.06, 0.08)
# rigs in that table: the largest of the fleet
RIGS_SHOWN = 8
_NO_PATHS = "paths of the hashprice are those of `hashcanary shutdown`"


@dataclass(frozen=True, slots=True)
class Hurt:
    """What is known of who is hurt.

    no_supply, no_shutdown: why a part is None or empty, empty where it is there. published: all
    that was known by then, none beside an invented history. selling: by class of margin, all of
    them last. years: what the years say.
    """

    supply: SupplyStudy | None
    no_supply: str
    published: tuple[PublishedCost, ...]
    shutdown: tuple[Line, ...]
    no_shutdown: str
    selling: tuple[ClassSold, ...]
    years: Years


def hurt(record: Record) -> Hurt:
    """What the record says of who is hurt."""
    with ThreadPoolExecutor(1) as beside:
        through_time = beside.submit(years, record)
        supply, no_supply = _supply(record)
        lines, no_shutdown = _shutdown(record, supply)
        selling = () if supply is None else _selling(supply)
    told = through_time.result()
    at = record.at if told.costs is None else told.costs.at
    published = tuple(
        one
        for one in read_published_costs()
        if not record.simulated and (at is None or one.known <= at)
    )
    return Hurt(supply, no_supply, published, lines, no_shutdown, selling, told)


def after_of(record: Record, found: Hurt, ahead: Outlook) -> tuple[AfterRetarget | None, str]:
    """What the next retarget does to who is hurt, or why that cannot be said."""
    if ahead.forecast is None:
        return None, ahead.no_forecast
    if found.supply is None:
        return None, found.no_supply
    try:
        basis = basis_of(record, ahead.forecast)
    except NoHashprice as error:
        return None, str(error)
    return after_retarget(ahead.forecast, found.supply, basis, seed=SEED), ""


def _supply(record: Record) -> tuple[SupplyStudy | None, str]:
    try:
        return study_supply(record, seed=SEED), ""
    except (NoHashprice, NoRigYet, TooFewDaysForFleet) as error:
        return None, str(error)


def _shutdown(record: Record, supply: SupplyStudy | None) -> tuple[tuple[Line, ...], str]:
    """The largest rigs of the fleet, the one that stops first on top, at each price of power."""
    if supply is None:
        return (), "the fleet is not known"
    try:
        market = hash_economics(record)
    except NoMarket as error:
        return (), str(error)
    largest = sorted(supply.rigs, key=lambda one: -one.share.value)[:RIGS_SHOWN]
    catalogue = read_rigs()
    rigs = sorted(
        (catalogue.rig(one.name) for one in largest), key=lambda rig: -rig.efficiency_j_per_th
    )
    return shutdown_table(rigs, POWER_PRICES, market, Terms(), None, _NO_PATHS), ""


def _selling(supply: SupplyStudy) -> tuple[ClassSold, ...]:
    overheads = draw_overheads(assume().figures, supply.supply.left.size, SEED)
    now = sold(supply.supply, supply.market.hashprice_usd_per_phs_day, overheads)
    return margin_classes(supply, now)
