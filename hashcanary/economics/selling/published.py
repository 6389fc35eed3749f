"""What others published on power over revenue, and on coins sold: ``published_selling.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from hashcanary.economics.errors import BadFigures
from hashcanary.moments import DAY
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["power_of_revenue", "power_of_costs", "sold_of_mined"]
_FILE = "published_selling.toml"
_MOST = 100.0


@dataclass(frozen=True, slots=True)
class PublishedShare:
    """A share as published. low, high: a fraction, equal where one figure was given.

    first, last: Unix seconds of the start of the first and the end of the last day it speaks of,
    None where it is said of all times; known: Unix seconds of the end of the day it was public.
    """

    who: str
    kind: Kind
    whose: str
    first: int | None
    last: int | None
    known: int
    low: float
    high: float
    source: str


def read_published_shares(path: Path | None = None) -> tuple[PublishedShare, ...]:
    """All figures, in the order of the file. Raises BadFigures."""
    document = read_document("hashcanary.economics.selling", _FILE, path, BadFigures)
    document.only("figure")
    found = tuple(_share(one) for one in document.parts("figure"))
    if not found:
        raise document.bad("figure", "a [[figure]] or more", None)
    return found


def _share(place: Place) -> PublishedShare:
    place.only("who", "kind", "whose", "first", "last", "known", "low", "high", "source")
    kind = place.text("kind")
    if kind not in get_args(Kind):
        raise place.bad("kind", f"one of {', '.join(get_args(Kind))}", kind)
    first, last = (place.day(key, 0) if key in place.table else None for key in ("first", "last"))
    if (first is None) != (last is None) or (first or 0) > (last or 0):
        raise place.bad("last", "first and last, in this order, or none of them", last)
    if "known" not in place.table:
        raise place.bad("known", "a date such as 2026-02-05", None)
    known, low = place.day("known", 0) + DAY, place.number("low", 0.0, _MOST)
    if last is not None and known <= last:
        raise place.bad("known", "a day not before `last`", place.table["known"])
    return PublishedShare(
        place.text("who"),
        kind,  # type: ignore[arg-type]  # checked against Kind above
        place.text("whose"),
        first,
        None if last is None else last + DAY,
        known,
        low,
        place.number("high", low, _MOST),
        place.text("source"),
    )
