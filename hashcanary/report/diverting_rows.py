"""Hosting against mining in rows with units in the keys, for whoever prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.priors import parameter_units
from hashcanary.moments import iso_day
from hashcanary.report.rows import three

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.economics.hosting.contracts import Contract
    from hashcanary.economics.hosting.offers import ContractFigures
    from hashcanary.economics.hosting.study import HostingStudy
    from hashcanary.economics.supply.after_exit import AfterExit

    Row = Mapping[str, object]

# of what a study draws beside its stated assumptions and the supply curve's
_UNITS = {"decline": "1/year", "fees": "fraction", "convertible": "fraction"}


def offer_rows(study: HostingStudy) -> list[Row]:
    """The curve by rent, ascending."""
    return [
        {
            "rent_usd_per_mwh": one.rent_usd_per_mwh,
            "rent_usd_per_kw_month": one.rent_usd_per_kw_month,
            "rent_musd_per_mw_year": one.rent_musd_per_mw_year,
            **three("margin", "usd_per_mwh", one.margin_usd_per_mwh),
            **three("beaten", "fraction", one.beaten),
            **three("leaves", "fraction", one.leaves),
            "leaves_mean_fraction": one.leaves_mean,
            **three("leaves", "ehs", one.leaves_ehs),
            **three("hashprice_change", "fraction", one.hashprice_change),
        }
        for one in study.offers
    ]


def contract_rows(study: HostingStudy) -> list[Row]:
    """Contracts known by then, the oldest first."""
    return [_contract_row(one) for one in study.contracts]


def _contract_row(figures: ContractFigures) -> Row:
    one = figures.contract
    return {
        "published": iso_day(one.published),
        "host": one.host,
        "tenant": one.tenant,
        "what": one.what,
        "kind": one.kind,
        **three("critical_it", "mw", figures.it_mw),
        "term_years": one.years,
        "revenue_usd_per_year": one.usd_per_year,
        **three("rent", "usd_per_mwh", figures.rent_usd_per_mwh),
        **three("rent", "usd_per_kw_month", figures.rent_usd_per_kw_month),
        **three("at_meter", "usd_per_mwh", figures.at_meter_usd_per_mwh),
        **three("margin", "usd_per_mwh", figures.margin_usd_per_mwh),
        "capex_by": one.capex_by,
        "power_by": one.power,
        "pays_for": one.pays,
        "stated": ", ".join(figures.stated),
        "counted": one.comparable,
        "counted_or_why_not": _counted(one),
        "another_reading": one.again,
        "source": one.source,
    }


def _counted(one: Contract) -> str:
    """Whether an offer is told from it, or why not."""
    if one.kind != "colocation":
        return "no: with GPUs"
    if one.capex_by == "tenant":
        return "no: tenant builds"
    if one.power == "host":
        return "no: with power"
    return "no: read again" if one.again else "yes"


def lever_rows(study: HostingStudy) -> list[Row]:
    """What the share that would leave rests on, what moves it most on top."""
    sources = {name: one.source for name, one in study.assumed.items()}
    units = {name: unit.suffix for name, unit in parameter_units().items()}
    units |= {name: one.unit for name, one in study.assumed.items()} | _UNITS
    return [
        {
            "assumption": one.meaning,
            "name": one.name,
            "low": one.low,
            "high": one.high,
            "unit": units[one.name],
            "leaves_at_low_fraction": one.at_low,
            "leaves_at_high_fraction": one.at_high,
            "variance_explained_fraction": one.part,
            "source": sources.get(one.name, ""),
        }
        for one in study.levers
    ]


def left_rows(found: tuple[AfterExit, ...]) -> list[Row]:
    """What follows for those who stay, by the part that left."""
    return [
        {
            "left_fraction": one.left.fraction,
            "selection": one.left.selection,
            "difficulty_change_alone_fraction": one.difficulty_change_alone,
            "hashprice_change_alone_fraction": one.hashprice_change_alone,
            **three("difficulty_change", "fraction", one.difficulty_change),
            **three("hashprice_change", "fraction", one.hashprice_change),
            **three("hashprice", "usd_per_phs_day", one.hashprice_usd_per_phs_day),
            **three("returned", "fraction", one.returned),
            **three("under_water_before", "fraction", one.under_water_before),
            **three("under_water", "fraction", one.under_water),
            "under_water_before_mean_fraction": one.under_water_before_mean,
            "under_water_mean_fraction": one.under_water_mean,
            **three("hashrate", "ehs", one.hashrate_ehs),
        }
        for one in found
    ]


def assumption_rows(study: HostingStudy) -> list[Row]:
    """Assumptions of hosting, as known by then."""
    return [
        {
            "name": one.name,
            "title": one.title,
            "unit": one.unit,
            "median": one.median,
            "spread_log_sd": one.spread,
            "known": iso_day(one.known),
            "judged": one.judged,
            "source": one.source,
        }
        for one in study.assumed.values()
    ]


def convertible_rows(study: HostingStudy) -> list[Row]:
    """How much of each region's hashrate could leave, as known by then."""
    return [
        {
            "region": one.region,
            "mean_fraction": one.mean,
            "sure_count": one.sure,
            "known": iso_day(one.known),
            "judged": one.judged,
            "source": one.source,
        }
        for one in study.convertible.values()
    ]
