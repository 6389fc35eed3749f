"""Hosting against mining in words and as a document, for whoever prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR, known_by
from hashcanary.economics.supply.study import assumptions
from hashcanary.interval import Interval
from hashcanary.moments import iso_day
from hashcanary.report.diverting_rows import (
    assumption_rows,
    contract_rows,
    convertible_rows,
    left_rows,
    lever_rows,
    offer_rows,
)
from hashcanary.report.rows import three

if TYPE_CHECKING:
    from hashcanary.economics.hosting.leaving import OfferPoint
    from hashcanary.economics.hosting.study import HostingStudy
    from hashcanary.economics.supply.after_exit import AfterExit

_LEVERS = 4
_GIGA = 1e-3


def sentences(study: HostingStudy, shown: str = "") -> list[str]:
    """What the study says, with bands and what it rests on; of a table, what belongs to it."""
    by_table = {
        "offers": (_mining, _typical, _leaves, _break_even, _contracted, _rests, _moves),
        "contracts": (_typical, _contracted, _mining, _rests),
        "assumptions": (_leaves, _rests, _published),
        "left": (),
    }
    every = (*by_table["offers"], _published)
    told = [tell(study) for tell in by_table.get(shown, every)]
    lacks = [f"Lacks: {one}." for one in study.lacks]
    return [one for one in (*told, *lacks) if one]


def _mining(study: HostingStudy) -> str:
    market = study.supply.market
    return (
        f"Mining, median site at {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day: "
        f"{_mwh(study.mining_revenue_usd_per_mwh)} of the grid connection, "
        f"{_plain(study.mining_margin_usd_per_mwh)} after power and site; over a contract's years, "
        "as machines wear out, hashprice falls and new machines just earn their price, worth "
        f"{_plain(study.mining_even_usd_per_mwh)}."
    )


def _typical(study: HostingStudy) -> str:
    if study.typical_usd_per_mwh is None:
        return (
            "No contract was known that pays for building, power connection and cooling; "
            f"{study.reference_usd_per_mwh:.0f} USD/MWh of critical IT is asked about."
        )
    one = _point(study, study.typical_usd_per_mwh)
    return (
        f"Contracts that pay for building, power connection and cooling (median of "
        f"{sum(each.contract.comparable for each in study.contracts)}): "
        f"{one.rent_usd_per_mwh:.0f} USD/MWh of critical IT, {one.rent_usd_per_kw_month:.0f} "
        f"USD/kW-month; after the site's costs and the building {_plain(one.margin_usd_per_mwh)} "
        "USD/MWh of the grid connection, used round the clock (rent is owed for what is reserved)."
    )


def _leaves(study: HostingStudy) -> str:
    one = _point(study, study.reference_usd_per_mwh)
    months = study.build_months
    return (
        f"At {one.rent_usd_per_mwh:.0f} USD/MWh {_percent(one.leaves)} of the hashrate would leave "
        f"({one.leaves_ehs.value:.0f} EH/s, {one.leaves_ehs.low:.0f} to "
        f"{one.leaves_ehs.high:.0f}), of {_percent(study.could)} that could at any rent; mean "
        f"{one.leaves_mean:.1%}. It takes {months.value:.0f} months ({months.low:.0f} to "
        f"{months.high:.0f})."
    )


def _break_even(study: HostingStudy) -> str:
    rents = study.break_even
    told = (
        "Hosting is worth what mining is at "
        f"{_mwh(rents.no_margin_usd_per_mwh)} of critical IT where mining leaves nothing, "
        f"{_plain(rents.median_usd_per_mwh)} for the median machine, "
        f"{_plain(rents.best_usd_per_mwh)} for the tenth of sites that mine best or build dearest."
    )
    if rents.own_usd_per_mwh is None:
        return told
    return (
        f"{told} At {rents.own_usd_per_kwh:g} USD/kWh: {_plain(rents.own_usd_per_mwh)} for the "
        "median machine."
    )


def _contracted(study: HostingStudy) -> str:
    if not study.contracts:
        return ""
    all_of_it, mining = study.contracted_mw, study.mining_mw
    return (
        f"Contracts known add up to {all_of_it.value * _GIGA:.1f} GW of connection "
        f"({all_of_it.low * _GIGA:.1f} to {all_of_it.high * _GIGA:.1f}), where mining draws "
        f"{mining.value * _GIGA:.1f} GW ({mining.low * _GIGA:.1f} to {mining.high * _GIGA:.1f}): "
        "which of them are new sites and which mined before is not told."
    )


def _rests(study: HostingStudy) -> str:
    return f"Rests on: {rests_on(study)}."


def rests_on(study: HostingStudy) -> str:
    """What every rent, margin and share here rests on, in a line."""
    at = {name: one.median for name, one in study.assumed.items()}
    drift = study.drift_per_year
    return (
        f"building {at['capex']:g} million USD a MW of critical IT, of which "
        f"{at['residual']:.0%} is left at the end, {at['connection']:g} MW of connection for it, "
        f"{at['kept']:.0%} of the rent left by the site's costs, {at['years']:g} years at "
        f"{at['hosting_rate']:.1%}, {at['dark']:g} months without income, {at['moved']:.0%} of "
        f"machines run again elsewhere; hashprice {drift.value:+.2f} a year in the logarithm "
        f"({drift.low:+.2f} to {drift.high:+.2f}; {study.drift_said}) and halvings; "
        f"{assumptions(study.supply)}"
    )


def _moves(study: HostingStudy) -> str:
    parts = "; ".join(
        f"{one.meaning}, {one.low:.3g} to {one.high:.3g}: {one.at_low:.1%} to {one.at_high:.1%}"
        for one in study.levers[:_LEVERS]
    )
    return (
        f"Moves the share at {study.reference_usd_per_mwh:.0f} USD/MWh most (mean of lowest and "
        f"highest fifth): {parts}."
    )


def _published(study: HostingStudy) -> str:
    moment = study.supply.supply.fleets.moment
    known = [one for one in study.figures.published if known_by(one.known, moment)]
    parts = "; ".join(f"{one.what} ({one.source})" for one in known)
    return f"Published beside it: {parts}." if parts else ""


def left_sentences(study: HostingStudy, one: AfterExit) -> list[str]:
    """What follows where a part has left for good."""
    return [
        f"If {one.left.fraction * 100:.3g}% of the hashrate left for good "
        f"({one.left.selection}): with nobody coming back difficulty "
        f"{one.difficulty_change_alone:+.2%} and hashprice {one.hashprice_change_alone:+.2%}, "
        "exact while price and fees in bitcoin are held. Idle machines that the hashprice calls "
        f"back make it {_signed(one.difficulty_change)} and {_signed(one.hashprice_change)}: "
        f"{_percent(one.returned)} of the hashrate returns.",
        f"Under water: {_percent(one.under_water_before)} of what runs before, "
        f"{_percent(one.under_water)} after; mean {one.under_water_before_mean:.1%}, then "
        f"{one.under_water_mean:.1%}. What has been gone for longer than the last months "
        f"stays gone. Rests on: {assumptions(study.supply)}.",
    ]


def document(study: HostingStudy, left: tuple[AfterExit, ...] = ()) -> dict[str, object]:
    """The study as JSON has it, units in the keys."""
    market, rents = study.supply.market, study.break_even
    own = {}
    if rents.own_usd_per_mwh is not None:
        own = {
            "own_power_price_usd_per_kwh": rents.own_usd_per_kwh,
            **three("break_even_own", "usd_per_mwh", rents.own_usd_per_mwh),
        }
    return {
        "day": iso_day(market.day),
        "hashprice_usd_per_phs_day": market.hashprice_usd_per_phs_day,
        "hashrate_ehs": market.hashrate_ths / 1e6,
        "typical_rent_usd_per_mwh": study.typical_usd_per_mwh,
        "reference_rent_usd_per_mwh": study.reference_usd_per_mwh,
        "hours_per_year": HOURS_A_YEAR,
        **three("could_leave", "fraction", study.could),
        **three("build", "months", study.build_months),
        **three("mining_revenue", "usd_per_mwh", study.mining_revenue_usd_per_mwh),
        **three("mining_margin", "usd_per_mwh", study.mining_margin_usd_per_mwh),
        **three("mining_even_margin", "usd_per_mwh", study.mining_even_usd_per_mwh),
        **three("break_even_no_margin", "usd_per_mwh", rents.no_margin_usd_per_mwh),
        **three("break_even_median", "usd_per_mwh", rents.median_usd_per_mwh),
        **three("break_even_best", "usd_per_mwh", rents.best_usd_per_mwh),
        **own,
        **three("hashprice_drift", "log_per_year", study.drift_per_year),
        "hashprice_drift_from": study.drift_said,
        **three("contracted_connection", "mw", study.contracted_mw),
        **three("mining_power", "mw", study.mining_mw),
        "interval": BAND_TEXT,
        "draws": int(study.supply.supply.left.size),
        "sentences": sentences(study),
        "lacks": list(study.lacks),
        "file": study.figures.file,
        "offers": offer_rows(study),
        "contracts": contract_rows(study),
        "assumptions": assumption_rows(study),
        "assumptions_moved": lever_rows(study),
        "convertible": convertible_rows(study),
        "left_for_good": left_rows(left),
        "published": [
            {"what": one.what, "known": iso_day(one.known), "source": one.source}
            for one in study.figures.published
            if known_by(one.known, study.supply.supply.fleets.moment)
        ],
    }


def _point(study: HostingStudy, rent: float) -> OfferPoint:
    """The point of a rent that the study has."""
    return next(
        (one for one in study.offers if one.rent_usd_per_mwh == rent),
        min(study.offers, key=lambda one: abs(one.rent_usd_per_mwh - rent)),
    )


def _plain(band: Interval) -> str:
    return f"{band.value:.0f} ({band.low:.0f} to {band.high:.0f})"


def _mwh(band: Interval) -> str:
    return f"{band.value:.0f} USD/MWh ({band.low:.0f} to {band.high:.0f})"


def _percent(band: Interval) -> str:
    return f"{band.value:.1%} ({band.low:.1%} to {band.high:.1%})"


def _signed(band: Interval) -> str:
    return f"{band.value:+.2%} ({band.low:+.2%} to {band.high:+.2%})"
