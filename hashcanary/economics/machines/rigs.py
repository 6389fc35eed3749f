"""The catalogue of rigs: ``rigs.toml`` or a user's file, checked.

A rig's figures are its maker's nameplate: what it draws at the wall in a warm hall is up to
``nameplate_spread`` off. Where sources disagree every figure is kept; the entry's own are used, the
others widen its band.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hashcanary.economics.errors import BadFigures, NoRigYet, UnknownRig
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.stated import Place, read_document

Release = Literal["listed", "announced", "year", "assumed"]
Cooling = Literal["air", "hydro", "immersion"]
# how far the true first sale may lie before and after the month of an entry, in months
RELEASE_MONTHS: dict[Release, tuple[int, int]] = {
    "listed": (1, 1),
    "announced": (0, 6),
    "year": (6, 6),
    "assumed": (6, 6),
}
RELEASE_MEANINGS: dict[str, str] = {
    "listed": "a source gives the month",
    "announced": "month of the announcement; sold up to half a year later",
    "year": "only the year is known: its middle",
    "assumed": "a guess, up to half a year off",
}
COOLING: tuple[Cooling, ...] = ("air", "hydro", "immersion")
# no machine ever sold for SHA-256d lies outside these; J/TH
BEST_J_PER_TH, WORST_J_PER_TH = 2.0, 20_000.0
# efficiency is printed with two or three figures: the third one's rounding at worst, a fraction
ROUNDING = 0.005
_MONTH = 30.4375 * DAY
_FIGURES = ("hashrate_ths", "power_w", "efficiency_j_per_th")
_LIMITS = {
    "hashrate_ths": (1e-5, 1e5),
    "power_w": (1.0, 1e6),
    "efficiency_j_per_th": (BEST_J_PER_TH, WORST_J_PER_TH),
}


@dataclass(frozen=True, slots=True)
class OtherFigure:
    """What another source says of a rig. name: of the figure, or ``released``.

    value: in the unit at the end of that name; of ``released``: Unix seconds.
    """

    name: str
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Rig:
    """A machine as its maker sells it.

    hashrate_ths: TH/s; power_w: W at the wall; efficiency_j_per_th: J/TH, their quotient;
    released: Unix seconds at which the month of first sale begins, and ``release`` how surely.
    sources: who says so; assumed: names of figures that rest on general knowledge alone; others:
    what other sources say; nameplate_spread: how far the nameplate may be off, a fraction.
    """

    name: str
    maker: str
    hashrate_ths: float
    power_w: float
    efficiency_j_per_th: float
    released: int
    release: Release
    cooling: Cooling
    sources: tuple[str, ...]
    assumed: tuple[str, ...]
    others: tuple[OtherFigure, ...]
    nameplate_spread: float
    note: str = ""

    @property
    def nameplate_j_per_th(self) -> Interval:
        """J/TH, its limits the lowest and highest of all sources, with the spread of nameplates."""
        own = [self.efficiency_j_per_th]
        own += [one.value for one in self.others if one.name == "efficiency_j_per_th"]
        low, high = min(own) * (1 - self.nameplate_spread), max(own) * (1 + self.nameplate_spread)
        return Interval(self.efficiency_j_per_th, low, high)

    @property
    def released_band(self) -> tuple[int, int]:
        """Unix seconds between which it was first sold, by all sources."""
        before, after = RELEASE_MONTHS[self.release]
        months = [self.released]
        months += [int(one.value) for one in self.others if one.name == "released"]
        return int(min(months) - before * _MONTH), int(max(months) + after * _MONTH)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All rigs, the oldest first. file: where they are from."""

    rigs: tuple[Rig, ...]
    file: str

    def released_by(self, time: float) -> tuple[Rig, ...]:
        """The rigs whose month of release has begun. time: Unix seconds. Raises NoRigYet."""
        found = tuple(rig for rig in self.rigs if rig.released <= time)
        if not found:
            raise _not_yet(self.rigs[0], time, ", the first of the catalogue,")
        return found

    def rig(self, name: str, time: float | None = None) -> Rig:
        """The rig of a name, in any case, without its family's name too.

        time: Unix seconds, None for any. Raises UnknownRig, and NoRigYet where it was not sold yet.
        """
        wanted = _plain(name)
        for rig in self.rigs:
            if wanted and wanted in (_plain(rig.name), _plain(rig.name.partition(" ")[2])):
                if time is not None and rig.released > time:
                    raise _not_yet(rig, time)
                return rig
        plain = [_plain(rig.name.partition(" ")[2]) for rig in self.rigs]
        near = difflib.get_close_matches(wanted, plain, n=3, cutoff=0.5)
        names = [rig.name for rig, one in zip(self.rigs, plain, strict=True) if one in near]
        nearest = f"Similar names: {', '.join(names) or 'none'}."
        raise UnknownRig(found=name, nearest=nearest)


def _not_yet(rig: Rig, time: float, which: str = "") -> NoRigYet:
    # a date means its end: the second before lies in it
    at = iso_day(int(time) - 1)
    return NoRigYet(first=iso_day(rig.released), rig=f"{rig.name}{which}", at=at)


def read_rigs(path: Path | None = None) -> Catalogue:
    """The rigs of a file, the built-in ones without.

    A file with ``extends = "built-in"`` adds to the built-in rigs, a rig of the same name taking
    the built-in's place; one without stands alone. Raises BadFigures.
    """
    document = read_document("hashcanary.economics.machines", "rigs.toml", path, BadFigures)
    document.only("extends", "nameplate_spread", "sources", "rig")
    rigs = _rigs(document)
    if path is not None and "extends" in document.table:
        document.one_of("extends", ("built-in",))
        own = {_plain(rig.name) for rig in rigs}
        rigs += [rig for rig in read_rigs().rigs if _plain(rig.name) not in own]
    if not rigs:
        raise document.bad("rig", "a rig or more, [[rig]]", [])
    rigs.sort(key=lambda rig: (rig.released, rig.name))
    return Catalogue(tuple(rigs), document.file)


def _rigs(document: Place) -> list[Rig]:
    sources = document.part("sources")
    texts = {key: sources.text(key) for key in sources.table}
    spread = document.number("nameplate_spread", 0.0, 0.5)
    found: list[Rig] = []
    for place in document.parts("rig"):
        rig = replace(_rig(place, texts), nameplate_spread=spread)
        if any(_plain(rig.name) == _plain(one.name) for one in found):
            raise place.bad("name", "a rig once", rig.name)
        found.append(rig)
    return found


def _rig(place: Place, sources: dict[str, str]) -> Rig:
    place.only(
        *("name", "maker", *_FIGURES, "released", "release", "cooling"),
        *("sources", "assumed", "others", "note"),
    )
    hashrate, power, efficiency = _figures(place)
    assumed = place.texts("assumed", ())
    for name in assumed:
        if name not in (*_FIGURES, "released"):
            raise place.bad("assumed", f"names among {', '.join(_FIGURES)}, released", name)
    named = place.texts("sources")
    if not named:
        raise place.bad("sources", "a source or more", [])
    return Rig(
        name=place.text("name"),
        maker=place.text("maker"),
        hashrate_ths=hashrate,
        power_w=power,
        efficiency_j_per_th=efficiency,
        released=place.month("released"),
        release=place.one_of("release", RELEASE_MONTHS),
        cooling=place.one_of("cooling", COOLING, "air"),
        sources=tuple(_source(place, name, sources) for name in named),
        assumed=assumed,
        others=_others(place, sources),
        nameplate_spread=0.0,
        note=place.text("note", ""),
    )


def _figures(place: Place) -> tuple[float, float, float]:
    """TH/s, W and J/TH: the third from the other two where only two are given, else checked."""
    given = {key: place.number(key, *_LIMITS[key]) for key in _FIGURES if key in place.table}
    if "hashrate_ths" not in given or len(given) < 2:
        missing = "power_w" if "hashrate_ths" in given else "hashrate_ths"
        raise place.bad(missing, "hashrate_ths, and power_w or efficiency_j_per_th", None)
    hashrate = given["hashrate_ths"]
    power = given["power_w"] if "power_w" in given else hashrate * given["efficiency_j_per_th"]
    efficiency = given.get("efficiency_j_per_th", power / hashrate)
    low, high = _LIMITS["efficiency_j_per_th"]
    if not low <= efficiency <= high:
        expected = f"power_w / hashrate_ths from {low:g} to {high:g} J/TH"
        raise place.bad("power_w", expected, efficiency)
    if abs(hashrate * efficiency / power - 1) > ROUNDING:
        product = f"{hashrate:g} TH/s x {efficiency:g} J/TH = {hashrate * efficiency:.0f} W"
        raise place.bad("power_w", f"{product}, within {ROUNDING:.1%}", power)
    return hashrate, power, efficiency


def _others(place: Place, sources: dict[str, str]) -> tuple[OtherFigure, ...]:
    found = []
    for one in place.parts("others"):
        one.only("source", "released", *_FIGURES)
        source = _source(one, one.text("source"), sources)
        figures = {key: one.number(key, *_LIMITS[key]) for key in _FIGURES if key in one.table}
        if "released" in one.table:
            figures["released"] = float(one.month("released"))
        if not figures:
            raise one.bad("source", "a figure beside the source", dict(one.table))
        found += [OtherFigure(key, value, source) for key, value in figures.items()]
    return tuple(found)


def _source(place: Place, name: str, sources: dict[str, str]) -> str:
    if name not in sources:
        raise place.bad("sources", f"keys of [sources]: {', '.join(sources)}", name)
    return sources[name]


def _plain(name: str) -> str:
    return "".join(name.lower().split())
