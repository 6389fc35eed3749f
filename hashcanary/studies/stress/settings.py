"""How the gauge is put together: ``stress.toml``, a user's file over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from hashcanary.stated import Place, read_document
from hashcanary.studies.errors import BadStressFile

WORDS = ("strained", "stressed", "capitulation")
CALM = "calm"
PARTS = ("profitable", "margin", "renewal")
"""Parts of the miner-sustainability index."""
_SECTIONS = ("weights", "percentiles", "words", "missing", "index")
_MOST_WEIGHT, _MOST_DAYS = 1e6, 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``stress.toml`` states.

    weights: of components, fractions that sum to 1, all above 0; groups: the group of each.
    window_days: 0 for all days before. cuts: quantiles (fractions) at which each of ``WORDS``
    begins. least_weight: fraction. index: weights of ``PARTS``, fractions that sum to 1. file: as
    people know it.
    """

    weights: Mapping[str, float]
    groups: Mapping[str, str]
    window_days: int
    fewest_days: int
    cuts: tuple[float, ...]
    least_weight: float
    index: Mapping[str, float]
    file: str

    def without(self, names: Iterable[str]) -> Settings:
        """The same without some components; the others share what they weighed."""
        gone = set(names)
        kept = {name: weight for name, weight in self.weights.items() if name not in gone}
        whole = sum(kept.values())
        return replace(self, weights={name: weight / whole for name, weight in kept.items()})


def read_settings(known: Iterable[str], path: Path | None = None) -> Settings:
    """The built-in settings, the sections of a file in place of theirs.

    known: names of components there are. Raises BadStressFile.
    """
    built_in = _document(None)
    given = built_in if path is None else _document(path)
    given.only(*_SECTIONS)
    places = {name: (given if name in given.table else built_in).part(name) for name in _SECTIONS}
    weights, groups = _weights(places["weights"], tuple(known))
    percentiles = places["percentiles"]
    percentiles.only("window_days", "fewest_days")
    window = _days(percentiles, "window_days", 0)
    fewest = _days(percentiles, "fewest_days", 2)
    if 0 < window < fewest:
        raise percentiles.bad("fewest_days", f"at most window_days, {window}", fewest)
    places["missing"].only("least_weight")
    return Settings(
        weights,
        groups,
        window,
        fewest,
        _cuts(places["words"]),
        places["missing"].number("least_weight", 0.0, 1.0),
        _shares(places["index"], PARTS),
        given.file,
    )


def _document(path: Path | None) -> Place:
    return read_document("hashcanary.studies.stress", "stress.toml", path, BadStressFile)


def _weights(place: Place, known: tuple[str, ...]) -> tuple[dict[str, float], dict[str, str]]:
    """Each component's part of the whole, those of 0 left out, and its group."""
    found: dict[str, float] = {}
    groups: dict[str, str] = {}
    for group in place.table:
        own = place.part(group)
        whole = own.number("group", 0.0, _MOST_WEIGHT)
        names = tuple(name for name in own.table if name != "group")
        for name in names:
            if name not in known:
                raise own.bad(name, f"a component among {', '.join(known)}", name)
            if name in groups:
                raise own.bad(name, f"a component in one group, not in {groups[name]} too", name)
            groups[name] = group
        if whole > 0:
            shares = _shares(own, names, "group")
            found |= {name: whole * share for name, share in shares.items()}
    total = sum(found.values())
    if total <= 0:
        raise place.bad("group", "weights that sum to more than 0", 0)
    return {name: weight / total for name, weight in found.items() if weight > 0}, groups


def _shares(place: Place, names: tuple[str, ...], *beside: str) -> dict[str, float]:
    """Numbers by name as fractions of their sum; a name that is not there has none."""
    place.only(*names, *beside)
    found = {name: place.number(name, 0.0, _MOST_WEIGHT) for name in names if name in place.table}
    whole = sum(found.values())
    if whole <= 0:
        raise place.bad(", ".join(names) or "weights", "weights that sum to more than 0", whole)
    return {name: number / whole for name, number in found.items()}


def _days(place: Place, key: str, least: int) -> int:
    number = place.number(key, least, _MOST_DAYS)
    if number != int(number):
        raise place.bad(key, "a whole number of days", number)
    return int(number)


def _cuts(place: Place) -> tuple[float, ...]:
    place.only(*WORDS)
    cuts = tuple(place.number(word, 0.0, 1.0) for word in WORDS)
    for (_, low), (word, high) in pairwise(zip(WORDS, cuts, strict=True)):
        if high <= low:
            raise place.bad(word, f"more than {low:g}, the cut before it", high)
    return cuts
