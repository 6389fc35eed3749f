"""What hosting AI earns against mining, and which hashrate would leave for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR, Contract, known_by, read_hosting
from hashcanary.economics.supply.curve import AfterExit, LeftForGood, Selection, after_exit
from hashcanary.moments import iso_day
from hashcanary.units import (
    COUNT,
    DATE,
    EXAHASHES,
    FRACTION,
    HOURS,
    MEGAWATTS,
    MONTHS,
    MUSD_PER_MW_YEAR,
    PER_YEAR,
    USD_PER_KW_MONTH,
    USD_PER_KWH,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    USD_PER_YEAR,
    YEARS,
    Unit,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.supply import fleet_assumptions, most_sensitive, sensitivity, sensitivity_note
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import MINUS, banded, day, decimals, percent, with_ends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashcanary.economics.hosting.study import HostingStudy, OfferPoint
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

_LEVERS = 4
_GIGA = 1e-3
# of rents that were not asked about, those that people see
_PEOPLE_EVERY, _PEOPLE_MOST = 40.0, 400.0
_USUAL_PARTS = (0.01, 0.02, 0.05, 0.1, 0.2)


def _figure(name: str, title: str, unit: Unit, digits: int = 0, spare: int = 0) -> Column:
    """A figure with the band of the draws. digits: decimals for people."""
    text = None if unit.percent else decimals(digits)
    return Column(name, title, unit, None, BAND_TEXT, digits=digits, text=text, spare=spare)


def _change(name: str, title: str, limits: str = BAND_TEXT, spare: int = 0) -> Column:
    """A change in percent; exact where it has no limits."""
    digits = 1 if limits else 2
    return Column(name, title, FRACTION, limits=limits, digits=digits, signed=True, spare=spare)


def _hidden(column: Column) -> Column:
    return replace(column, hidden=True)


def _contract(name: str, title: str, get: str, spare: int = 0, unit: Unit | None = None) -> Column:
    return Column(name, title, unit, f"contract.{get}", spare=spare)


def _fact(name: str, title: str, unit: Unit, get: str | None = None) -> Column:
    return Column(name, title, unit, get, BAND_TEXT)


def _rent_fact(of: str, where: str) -> Column:
    path = f"break_even.{of}_usd_per_mwh"
    return _fact(f"break_even_{of}", f"break-even rent {where}", USD_PER_MWH, path)


_HASHPRICE = "supply.market.hashprice_usd_per_phs_day"
_TYPICAL = "median rent of comparable contracts"
_EVEN = "the same over the years of a contract"
_DRIFT = "drift of the logarithm of hashprice, halvings apart"
_CONNECTION = "grid connection of all known contracts"
VIEW = View(
    "hosting",
    "study hosting",
    "What does hosting AI earn against mining, and which hashrate would leave for it?",
    facts=(
        Column("day", "day of the hashprice", DATE, "supply.market.day"),
        Column("hashprice", "hashprice", USD_PER_PHS_DAY, _HASHPRICE),
        Column("hashrate", "30-day mean of the hashrate", EXAHASHES),
        Column("typical_rent", _TYPICAL, USD_PER_MWH, "typical_usd_per_mwh"),
        Column("reference_rent", "rent of the sensitivity", USD_PER_MWH, "reference_usd_per_mwh"),
        Column("year", "hours of a year", HOURS, lambda _: HOURS_A_YEAR),
        _fact("could_leave", "hashrate that could leave at any rent", FRACTION, "could"),
        _fact("build", "time to build", MONTHS, "build_months"),
        _fact("mining_revenue", "revenue of mining, median site", USD_PER_MWH),
        _fact("mining_margin", "the same after power and site", USD_PER_MWH),
        _fact("mining_even_margin", _EVEN, USD_PER_MWH, "mining_even_usd_per_mwh"),
        _rent_fact("no_margin", "where mining earns nothing"),
        _rent_fact("median", "of the median machine"),
        _rent_fact("best", "of the best tenth of sites"),
        Column("own_power_price", "your power price", USD_PER_KWH, optional=True),
        replace(_rent_fact("own", "at your power price"), optional=True),
        _fact("hashprice_drift", _DRIFT, PER_YEAR, "drift_per_year"),
        Column("drift_first", "first day of the drift", DATE),
        Column("drift_last", "last day of the drift", DATE),
        Column("drift_source", "source of the drift"),
        _fact("contracted_connection", _CONNECTION, MEGAWATTS, "contracted_mw"),
        _fact("mining_power", "power of the network", MEGAWATTS, "mining_mw"),
        Column("draws", "number of draws", COUNT, "supply.supply.left.size"),
        Column("file", "file of contracts and assumptions", get="figures.file"),
    ),
    tables={
        "offers": (
            Column("rent", "rent", USD_PER_MWH, digits=3),
            Column("rent", "rent", USD_PER_KW_MONTH, digits=3, spare=1),
            Column("rent", "rent", MUSD_PER_MW_YEAR, digits=3, spare=5),
            _figure("margin", "margin", USD_PER_MWH),
            _figure("beaten", "beats mining", FRACTION, spare=3),
            _figure("leaves", "leaves", FRACTION, 1),
            Column("leaves_mean", "mean", FRACTION, spare=4, definition="mean over draws"),
            _figure("leaves", "leaves", EXAHASHES, spare=2),
            _change("hashprice_change", "hashprice after", spare=6),
        ),
        "contracts": (
            _contract("published", "published", "published", 2, DATE),
            _contract("host", "host", "host"),
            _contract("tenant", "tenant", "tenant", 3),
            replace(_contract("what", "what", "what", 1), wide=True),
            _contract("kind", "kind", "kind", 4),
            _figure("critical_it", "critical IT", MEGAWATTS, spare=5),
            replace(_contract("term", "term", "years", unit=YEARS), text="{:g}".format),
            _hidden(_contract("revenue", "revenue", "usd_per_year", unit=USD_PER_YEAR)),
            _figure("rent", "rent", USD_PER_MWH),
            _hidden(_figure("rent", "rent", USD_PER_KW_MONTH)),
            _figure("at_meter", "of connection", USD_PER_MWH, spare=2),
            _figure("margin", "after building", USD_PER_MWH),
            _hidden(_contract("capex_by", "capex by", "capex_by")),
            _contract("power_by", "power by", "power", 6),
            _hidden(_contract("pays_for", "pays for", "pays")),
            Column("stated", "stated", hidden=True),
            _hidden(_contract("counted", "counted", "comparable")),
            Column("counted_or_why_not", "counted", get=lambda row: _counted(row.contract)),
            _hidden(_contract("another_reading", "another reading", "again")),
            _hidden(_contract("source", "source", "source")),
        ),
        "assumptions": (
            *sensitivity("leaves", "leaves", FRACTION),
            Column("source", "source", hidden=True),
        ),
        "left": (
            Column("left", "left", FRACTION, "left.fraction", digits=0),
            Column("selection", "who", get="left.selection", spare=1),
            _change("difficulty_change_alone", "difficulty alone", "", 3),
            _change("hashprice_change_alone", "hashprice alone", "", 4),
            _change("difficulty_change", "difficulty"),
            _change("hashprice_change", "hashprice"),
            _figure("hashprice", "hashprice", USD_PER_PHS_DAY, 2, 5),
            _figure("returned", "returns", FRACTION, 1, 2),
            _figure("underwater", "underwater", FRACTION),
            Column("underwater_mean", "mean", FRACTION, spare=6),
            _hidden(_figure("underwater_before", "underwater before", FRACTION)),
            Column("underwater_before_mean", "mean before", FRACTION, hidden=True),
            _figure("hashrate", "hashrate", EXAHASHES, spare=7),
        ),
    },
    more={
        "assumptions": "what hosting is assumed to cost, each with its source",
        "convertible": "of each region's hashrate, the part that stands where AI could",
        "published": "what others published of the same",
        "missing": "what was not known",
    },
)
TABLES = tuple(VIEW.tables)
_TITLES = {
    "offers": "Hashrate that would leave at a rent for AI hosting",
    "contracts": "Published hosting contracts",
    "assumptions": "Sensitivity of the share that would leave",
    "left": "After a part of the hashrate leaves for good",
}
_NOTES = {
    "offers": "Rent: of critical IT. Margin: of the median site, USD/MWh of the grid connection, "
    "after its costs and the building. Beats mining: of the hashrate, if all of it could take the "
    "rent. Leaves: what can, less machines that run again elsewhere.",
    "contracts": "Rent: of critical IT, then of the grid connection; after building: the margin "
    "after the site's costs and the building. Only contracts in which the host pays for the "
    "building and the tenant for power count; a second reading of a contract does not.",
    "assumptions": sensitivity_note("Leaves"),
    "left": "Alone: no idle machine returns. The other changes are after idle machines have "
    "returned to the higher hashprice. Price and fees in bitcoin are held.",
}


def hosting(
    record: Record,
    *,
    show: str | None = None,
    offers: Sequence[float] = (),
    left_for_good: float | None = None,
    who: Selection = "proportional",
    power_price: float | None = None,
    contracts: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
    seed: int = 1,
) -> Answer:
    """Hosting against mining as known at the record's moment, with 95% bands of the draws.

    show: the main table, one of ``TABLES``; None takes ``left`` with a part that left, else
    ``offers``. offers: rents, USD/MWh of critical IT. left_for_good: fraction of the hashrate.
    power_price: USD/kWh of your own. contracts, rigs, power_prices: TOML files. seed: of the draws.
    Raises UsageError, BadFigures, NoRigYet, TooFewDaysForFleet, NoHashprice, TooFewDaysForDrift.
    """
    from hashcanary.economics.hosting.study import Asked, study_hosting
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices

    shown = show or ("offers" if left_for_good is None else "left")
    VIEW.ordered(shown)
    asked = Asked(tuple(offers), power_price)
    own = None if left_for_good is None else LeftForGood(left_for_good, who)
    parts = {LeftForGood(part, who) for part in _USUAL_PARTS} | ({own} if own else set())
    study = study_hosting(
        record,
        read_hosting(contracts),
        read_rigs(rigs),
        read_power_prices(power_prices),
        asked=asked,
        seed=seed,
    )
    left = [
        after_exit(study.supply.supply, part)
        for part in sorted(parts, key=lambda part: part.fraction)
    ]
    return answer(record, study, shown, left, own)


def answer(
    record: Record,
    study: HostingStudy,
    show: str,
    left: Sequence[AfterExit],
    own: LeftForGood | None = None,
) -> Answer:
    """The answer of a study that was computed. show: the main table; own: the part asked about."""
    after = [sentence for each in left if each.left == own for sentence in _after(study, each)]
    return Answer(
        VIEW,
        record,
        f"{_TITLES[show]}, as known at {record.at_text}",
        tuple(_table(study, key, left) for key in VIEW.ordered(show)),
        facts=_facts(study),
        more={**_inputs(study), "missing": list(study.lacks)},
        sentences=[*after, *sentences(study, show)],
        notes=[_NOTES[show]],
        result=study,
    )


def _table(study: HostingStudy, key: str, left: Sequence[AfterExit]) -> Table:
    rows: dict[str, Sequence[object]] = {
        "offers": study.offers,
        "contracts": study.contracts,
        "assumptions": study.levers,
        "left": left,
    }
    shown = _people(study) if key == "offers" else None
    return Table(
        key, _TITLES[key], VIEW.tables[key], rows[key], empty="No contract was known.", shown=shown
    )


def _people(study: HostingStudy) -> list[OfferPoint]:
    """Few rents of the curve, those asked about and the middle of the contracts."""
    from hashcanary.economics.hosting.study import OFFERS

    def seen(rent: float) -> bool:
        asked = rent not in OFFERS or rent == study.reference_usd_per_mwh
        return asked or (rent % _PEOPLE_EVERY == 0 and rent <= _PEOPLE_MOST)

    return [point for point in study.offers if seen(point.rent_usd_per_mwh)]


def _facts(study: HostingStudy) -> dict[str, Cell]:
    rents, of_record = study.break_even, study.drift_days is not None
    first, last = study.drift_days or (None, None)
    known: dict[str, Cell] = {
        "hashrate": study.supply.market.hashrate_ths / 1e6,
        "own_power_price": None if rents.own_usd_per_mwh is None else rents.own_usd_per_kwh,
        "drift_first": first,
        "drift_last": last,
        "drift_source": "the record" if of_record else study.figures.decline.source,
    }
    return VIEW.facts_of(study, known)


def _inputs(study: HostingStudy) -> dict[str, object]:
    """What is assumed of hosting and what others published, as known by then."""
    moment = study.supply.supply.fleets.moment
    return {
        "assumptions": [
            {
                "name": assumed.name,
                "title": assumed.title,
                "unit": assumed.unit.suffix,
                "median": assumed.median,
                "spread_log_sd": assumed.spread,
                "known": iso_day(assumed.known),
                "judged": assumed.judged,
                "source": assumed.source,
            }
            for assumed in study.assumed.values()
        ],
        "convertible": [
            {
                "region": part.region,
                "mean_fraction": part.mean,
                "sites_known": part.sure,
                "known": iso_day(part.known),
                "judged": part.judged,
                "source": part.source,
            }
            for part in study.convertible.values()
        ],
        "published": [
            {"what": view.what, "known": iso_day(view.known), "source": view.source}
            for view in study.figures.published
            if known_by(view.known, moment)
        ],
    }


def _counted(contract: Contract) -> str:
    """Whether the typical rent is from it, or why not."""
    if contract.kind != "colocation":
        return "no: with GPUs"
    if contract.capex_by == "tenant":
        return "no: tenant builds"
    if contract.power == "host":
        return "no: with power"
    return "no: read again" if contract.again else "yes"


def sentences(study: HostingStudy, show: str = "offers") -> list[str]:
    """What belongs to a table, with bands and what it assumes."""
    parts = {
        "offers": (_mining, _typical, _leaves, _break_even, _contracted, _assumed, _sensitivity),
        "contracts": (_typical, _contracted, _mining, _assumed),
        "assumptions": (_leaves, _assumed, _published),
        "left": (),
    }[show]
    lines = [sentence for part in parts for sentence in part(study)]
    return [*lines, *(f"Missing: {what}." for what in study.lacks)]


def _mining(study: HostingStudy) -> list[str]:
    market = study.supply.market
    return [
        f"Mining at {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day, median site: revenue "
        f"{_rent(study.mining_revenue_usd_per_mwh)} of the grid connection, "
        f"{_rent(study.mining_margin_usd_per_mwh, bare=True)} after power and site.",
        f"Over the years of a contract that margin is worth "
        f"{_rent(study.mining_even_usd_per_mwh)}: machines wear out, hashprice declines, and new "
        "machines just earn their price.",
    ]


def _typical(study: HostingStudy) -> list[str]:
    if study.typical_usd_per_mwh is None:
        return [
            "No contract was known that pays for building, power connection and cooling: figures "
            f"are for {study.reference_usd_per_mwh:.0f} USD/MWh of critical IT."
        ]
    point = _point(study, study.typical_usd_per_mwh)
    counted = sum(figures.contract.comparable for figures in study.contracts)
    return [
        f"Median rent of {counted} contracts that pay for building, power connection and cooling: "
        f"{point.rent_usd_per_mwh:.0f} USD/MWh of critical IT, "
        f"{point.rent_usd_per_kw_month:.0f} USD/kW-month.",
        f"After the site's costs and the building it leaves {_rent(point.margin_usd_per_mwh)} of "
        "the grid connection, used round the clock (rent is owed for what is reserved).",
    ]


def _leaves(study: HostingStudy) -> list[str]:
    point = _point(study, study.reference_usd_per_mwh)
    return [
        f"At {point.rent_usd_per_mwh:.0f} USD/MWh {_part(point.leaves)} of the hashrate would "
        f"leave, {banded(point.leaves_ehs, EXAHASHES, 2)}; mean {percent(point.leaves_mean)}.",
        f"At any rent {_part(study.could)} could. It takes {banded(study.build_months, MONTHS, 2)} "
        "to build.",
    ]


def _break_even(study: HostingStudy) -> list[str]:
    rents = study.break_even
    lines = [
        f"Break-even rent, USD/MWh of critical IT: {_rent(rents.median_usd_per_mwh, bare=True)} "
        f"for the median machine, {_rent(rents.no_margin_usd_per_mwh, bare=True)} where mining "
        f"earns nothing, {_rent(rents.best_usd_per_mwh, bare=True)} for the tenth of sites that "
        "mine best or build at the highest cost."
    ]
    if rents.own_usd_per_mwh is not None:
        lines.append(
            f"At {rents.own_usd_per_kwh:g} USD/kWh it is {_rent(rents.own_usd_per_mwh)} for the "
            "median machine."
        )
    return lines


def _contracted(study: HostingStudy) -> list[str]:
    if not study.contracts:
        return []
    contracted, mining = study.contracted_mw.scaled(_GIGA), study.mining_mw.scaled(_GIGA)
    return [
        f"Known contracts take {_giga(contracted)} of grid connection; mining draws "
        f"{_giga(mining)}. Which of them are new sites and which were mines is not published."
    ]


def _assumed(study: HostingStudy) -> list[str]:
    """What every rent, margin and share assumes, with the values used."""
    at = {name: assumed.median for name, assumed in study.assumed.items()}
    days = study.drift_days
    source = (
        f"stated: {study.figures.decline.source}"
        if days is None
        else f"the record's, {day(days[0])} to {day(days[1])}"
    )
    mean, low, high = (f"{end:+.2f}".replace("-", MINUS) for end in study.drift_per_year.three)
    return [
        f"Building: {at['capex']:g} million USD per MW of critical IT, "
        f"{percent(at['residual'], 0)} of it left at the end, {at['connection']:g} MW of grid "
        "connection per MW.",
        f"Contract: {at['years']:g} years, discounted at {percent(at['hosting_rate'])} a year, "
        f"after {at['dark']:g} months without income.",
        f"Site: its costs leave {percent(at['kept'], 0)} of the rent; "
        f"{percent(at['moved'], 0)} of the machines run again elsewhere.",
        f"Hashprice: {mean} ({low} to {high}) a year in the logarithm, {source}, and halvings.",
        fleet_assumptions(study.supply),
    ]


def _sensitivity(study: HostingStudy) -> list[str]:
    parts = most_sensitive(study.levers[:_LEVERS])
    return [
        f"Sensitivity of the share at {study.reference_usd_per_mwh:.0f} USD/MWh (mean of lowest "
        f"and highest fifth): {parts}."
    ]


def _published(study: HostingStudy) -> list[str]:
    moment = study.supply.supply.fleets.moment
    known = [view for view in study.figures.published if known_by(view.known, moment)]
    parts = "; ".join(f"{view.what} ({view.source})" for view in known)
    return [f"Published elsewhere: {parts}."] if parts else []


def _after(study: HostingStudy, after: AfterExit) -> list[str]:
    """What follows where a part has left for good."""
    return [
        f"If {after.left.fraction * 100:.3g}% of the hashrate leaves for good "
        f"({after.left.selection}) and no idle machine returns, difficulty changes by "
        f"{percent(after.difficulty_change_alone, 2, signed=True)} and hashprice by "
        f"{percent(after.hashprice_change_alone, 2, signed=True)}: exact while price and fees in "
        "bitcoin are held.",
        f"Idle machines return to the higher hashprice, {_part(after.returned)} of the hashrate: "
        f"difficulty {_signed(after.difficulty_change)}, hashprice "
        f"{_signed(after.hashprice_change)}.",
        f"Underwater: {_part(after.underwater_before)} of what runs before, "
        f"{_part(after.underwater)} after; means {percent(after.underwater_before_mean)} and "
        f"{percent(after.underwater_mean)}.",
        "Machines that have been idle for longer than the last months do not return.",
        fleet_assumptions(study.supply),
    ]


def _point(study: HostingStudy, rent: float) -> OfferPoint:
    """The point of a rent that the study has."""
    return min(study.offers, key=lambda point: abs(point.rent_usd_per_mwh - rent))


def _rent(band: Interval, *, bare: bool = False) -> str:
    return with_ends(band, decimals(0), "" if bare else " USD/MWh")


def _giga(band: Interval) -> str:
    return with_ends(band, decimals(1), " GW")


def _part(band: Interval) -> str:
    return banded(band, FRACTION)


def _signed(band: Interval) -> str:
    return with_ends(band, partial(percent, signed=True))
