"""Published hosting contracts and what hosting and mining are taken to cost: ``hosting.toml``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.errors import BadFigures
from hashcanary.economics.power.prices import Known, known_at
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document
from hashcanary.units import (
    FRACTION,
    MONTHS,
    MUSD_PER_MW,
    PER_YEAR,
    RATIO,
    USD_PER_MWH,
    YEARS,
    Unit,
)

# hours a year, months a year
HOURS_A_YEAR = 8766.0
# months a year
MONTHS_A_YEAR = 12.0
_FILE = "hosting.toml"
_MEGAWATTS = {"kW": 1e-3, "MW": 1.0, "GW": 1e3}
_DOLLARS = {"USD": 1.0, "million USD": 1e6, "billion USD": 1e9}
KINDS = ("colocation", "gpu-cloud")
_UNITS = {
    "ratio": RATIO,
    "fraction": FRACTION,
    "fraction/year": PER_YEAR,
    "years": YEARS,
    "months": MONTHS,
    "million USD/MW": MUSD_PER_MW,
    "USD/MWh": USD_PER_MWH,
}


@dataclass(frozen=True, slots=True)
class Contract:
    """A published contract. published: Unix seconds of the start of the day; known at its end.

    capacity_mw: MW of critical IT load, or of the grid connection where ``of_grid``; connection_mw:
    MW, None where not said; usd_per_year: USD/year on average; years: years of its term; power,
    pays, capex_by: as the file says; capex_musd_per_mw: lowest and highest million USD/MW of
    critical IT; kept: lowest and highest fraction of the rent; None where not said; again: whether
    it is another reading of a contract that is there already.
    """

    host: str
    tenant: str
    what: str
    published: int
    kind: str
    capacity_mw: float
    of_grid: bool
    connection_mw: float | None
    usd_per_year: float
    years: float
    power: str
    pays: str
    capex_by: str
    capex_musd_per_mw: tuple[float, float] | None
    kept: tuple[float, float] | None
    again: bool
    source: str

    @property
    def comparable(self) -> bool:
        """Whether the rent is for building, power connection and cooling that the host pays for."""
        rented = self.kind == "colocation" and self.capex_by == "host" and self.power != "host"
        return rented and not self.again


@dataclass(frozen=True, slots=True)
class HostingAssumption:
    """A stated number, one of ``unit``. spread: sd of its logarithm; known: Unix seconds.

    median, low, high: in the unit of ``unit``; draws are cut at the last two.
    """

    name: str
    title: str
    unit: Unit
    median: float
    spread: float
    low: float
    high: float
    known: int
    judged: bool
    source: str

    def draw(self, normal: Floats) -> Floats:
        """Its values for standard normal draws, in the unit of ``unit``. normal: a ratio."""
        drawn = self.median * np.exp(self.spread * normal)
        return np.asarray(np.clip(drawn, self.low, self.high), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Convertible:
    """How much of a region's hashrate stands where AI could.

    mean: fraction; sure: number of sites' worth of knowledge, the size of a Beta prior; known: Unix
    seconds.
    """

    region: str
    mean: float
    sure: float
    known: int
    judged: bool
    source: str


@dataclass(frozen=True, slots=True)
class Decline:
    """How hashprice goes on, apart from halvings. reach_years: years of the record that say it.

    per_year: drift of the logarithm a year; spread: its sd, of the logarithm a year; None for the
    record's; highest: drift a year above which new machines would come.
    """

    reach_years: float
    per_year: float | None
    spread: float | None
    highest: float
    source: str


@dataclass(frozen=True, slots=True)
class PublishedView:
    """What somebody else published of the same. known: Unix seconds."""

    what: str
    known: int
    source: str


@dataclass(frozen=True, slots=True)
class HostingFigures:
    """All entries of a file."""

    file: str
    contracts: tuple[Contract, ...]
    assumptions: tuple[HostingAssumption, ...]
    convertible: tuple[Convertible, ...]
    decline: Decline
    published: tuple[PublishedView, ...]

    def contracts_by(self, moment: int) -> tuple[Contract, ...]:
        """Those published by a moment, the oldest first. moment: Unix seconds."""
        known = [one for one in self.contracts if known_by(one.published, moment)]
        return tuple(sorted(known, key=lambda one: one.published))

    def assumed_at(self, moment: int) -> tuple[dict[str, HostingAssumption], tuple[str, ...]]:
        """By name what was known at a moment, and titles of what was known only later.

        moment: Unix seconds.
        """
        return _known(self.assumptions, lambda one: one.name, lambda one: one.title, moment)

    def convertible_at(self, moment: int) -> tuple[dict[str, Convertible], tuple[str, ...]]:
        """By region what was known at a moment, and regions known only later.

        moment: Unix seconds.
        """
        return _known(self.convertible, lambda one: one.region, lambda one: one.region, moment)


def known_by(day: int, moment: int) -> bool:
    """Whether what was published on a day was known at a moment: from the day's end on.

    day: Unix seconds of its start; moment: Unix seconds.
    """
    return day + DAY <= moment


def _known(
    entries: tuple[Known, ...],
    name: Callable[[Known], str],
    title: Callable[[Known], str],
    moment: int,
) -> tuple[dict[str, Known], tuple[str, ...]]:
    """By name what was known at a moment, and titles of what was known only later."""
    named: dict[str, list[Known]] = {}
    for one in entries:
        named.setdefault(name(one), []).append(one)
    found = {key: known_at(each, moment - DAY) for key, each in named.items()}
    return found, tuple(title(one) for one in found.values() if not known_by(one.known, moment))


def read_hosting(path: Path | None = None) -> HostingFigures:
    """The built-in figures; sections of a file in place of them. Raises BadFigures."""
    built_in = _read(None)
    if path is None:
        return built_in
    given = _read(path, built_in)
    names = {one.name for one in given.assumptions}
    regions = {one.region for one in given.convertible}
    return HostingFigures(
        given.file,
        given.contracts or built_in.contracts,
        (*given.assumptions, *(one for one in built_in.assumptions if one.name not in names)),
        (*given.convertible, *(one for one in built_in.convertible if one.region not in regions)),
        given.decline,
        given.published or built_in.published,
    )


def _read(path: Path | None, under: HostingFigures | None = None) -> HostingFigures:
    """under: the built-in figures, which say what may be named and stand for a decline unsaid."""
    document = read_document("hashcanary.economics.hosting", _FILE, path, BadFigures)
    document.only("contract", "assumption", "convertible", "decline", "published")
    known = () if under is None else tuple(one.name for one in under.assumptions)
    regions = () if under is None else tuple(one.region for one in under.convertible)
    return HostingFigures(
        document.file,
        tuple(_contract(one) for one in document.parts("contract")),
        tuple(_assumption(one, known) for one in document.parts("assumption")),
        tuple(_convertible(one, regions) for one in document.parts("convertible")),
        under.decline
        if under and "decline" not in document.table
        else _decline(document.part("decline")),
        tuple(_published(one) for one in document.parts("published")),
    )


_KEYS = (
    "host tenant what published kind capacity capacity_unit capacity_of connection revenue "
    "revenue_unit revenue_over years power pays capex_by capex kept again source"
)


def _contract(place: Place) -> Contract:
    place.only(*_KEYS.split())
    megawatts = _MEGAWATTS[place.one_of("capacity_unit", _MEGAWATTS)]
    dollars = _DOLLARS[place.one_of("revenue_unit", _DOLLARS)]
    years = place.number("years", 0.5, 50.0)
    over = years if place.one_of("revenue_over", ("term", "year")) == "term" else 1.0
    capacity = place.number("capacity", 1e-3, 1e7) * megawatts
    connection = None
    if "connection" in place.table:
        connection = place.number("connection", 1e-3, 1e7) * megawatts
        if connection < capacity:
            raise place.bad("connection", f"no less than the {capacity:g} MW let", connection)
    kind = place.one_of("kind", KINDS)
    capex = place.pair("capex", 0.0, 200.0) if "capex" in place.table else None
    if kind == "gpu-cloud" and capex is None:
        raise place.bad("capex", "what the host's computers and building cost", None)
    return Contract(
        place.text("host"),
        place.text("tenant"),
        place.text("what"),
        place.day("published"),
        kind,
        capacity,
        place.one_of("capacity_of", ("critical IT", "grid")) == "grid",
        connection,
        place.number("revenue", 1e-6, 1e12) * dollars / over,
        years,
        place.one_of("power", ("tenant", "host", "not said")),
        place.one_of("pays", ("reserved", "used", "not said")),
        place.one_of("capex_by", ("host", "tenant")),
        capex,
        place.pair("kept", 0.0, 1.0) if "kept" in place.table else None,
        place.flag("again", absent=False),
        place.text("source"),
    )


def _assumption(place: Place, known: tuple[str, ...]) -> HostingAssumption:
    place.only(
        "name", "title", "unit", "median", "spread", "at_least", "at_most", "known", "judged",
        "source",
    )  # fmt: skip
    median = place.number("median", 1e-6, 1e6)
    return HostingAssumption(
        place.one_of("name", known) if known else place.text("name"),
        place.text("title"),
        _UNITS[place.one_of("unit", _UNITS)],
        median,
        place.number("spread", 0.0, 2.0),
        place.number("at_least", 0.0, median, 0.0),
        place.number("at_most", median, 1e6, np.inf),
        place.day("known"),
        place.flag("judged"),
        place.text("source"),
    )


def _convertible(place: Place, known: tuple[str, ...]) -> Convertible:
    place.only("region", "mean", "sure", "known", "judged", "source")
    return Convertible(
        place.one_of("region", known) if known else place.text("region"),
        place.number("mean", 0.001, 0.999),
        place.number("sure", 1.0, 1e6),
        place.day("known"),
        place.flag("judged"),
        place.text("source"),
    )


def _decline(place: Place) -> Decline:
    place.only("reach_years", "per_year", "spread", "highest", "source")
    stated = "per_year" in place.table
    return Decline(
        place.number("reach_years", 1.0, 20.0),
        place.number("per_year", -3.0, 3.0) if stated else None,
        place.number("spread", 0.0, 3.0) if stated else None,
        place.number("highest", -1.0, 3.0),
        place.text("source"),
    )


def _published(place: Place) -> PublishedView:
    place.only("what", "known", "source")
    return PublishedView(place.text("what"), place.day("known"), place.text("source"))
