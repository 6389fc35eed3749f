"""Costs of a coin that others published and nobody can reproduce: ``published_costs.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.economics.errors import BadFigures
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "published_costs.toml"
_DEAREST = 1e9


@dataclass(frozen=True, slots=True)
class PublishedCost:
    """A figure as published. day: Unix seconds of the start of the day it speaks of; known: Unix
    seconds of the end of the day on which it was public; why: what keeps it from being reproduced.
    """

    name: str
    title: str
    definition: str
    why: str
    day: int
    known: int
    usd_per_btc: float
    source: str


def read_published_costs(path: Path | None = None) -> tuple[PublishedCost, ...]:
    """All figures, in the order of the file, then of days. Raises BadFigures."""
    document = read_document("hashcanary.economics.costs", _FILE, path, BadFigures)
    return tuple(
        one
        for name in document.table
        for one in sorted(_series(name, document.part(name)), key=lambda one: one.day)
    )


def newest_known(costs: tuple[PublishedCost, ...], at: int | None) -> tuple[PublishedCost, ...]:
    """Of each series the figure of the latest day that was known. at: Unix seconds, None: all."""
    newest: dict[str, PublishedCost] = {}
    for one in costs:
        if at is None or one.known <= at:
            newest[one.name] = one
    return tuple(newest.values())


def _series(name: str, place: Place) -> list[PublishedCost]:
    place.only("title", "definition", "why", "values")
    found = []
    for value in place.parts("values"):
        value.only("day", "known", "usd_per_btc", "source")
        day, known = _day(value, "day"), _day(value, "known") + DAY
        if known <= day:
            raise value.bad("known", "a day not before `day`", value.table["known"])
        found.append(
            PublishedCost(
                name,
                place.text("title"),
                place.text("definition"),
                place.text("why"),
                day,
                known,
                value.number("usd_per_btc", 0.0, _DEAREST),
                value.text("source"),
            )
        )
    if not found:
        raise place.bad("values", "a figure or more", place.table.get("values"))
    return found


def _day(place: Place, key: str) -> int:
    if key not in place.table:
        raise place.bad(key, "a date such as 2026-02-05", None)
    return place.day(key, 0)
