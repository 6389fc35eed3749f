"""Spells whose state is on record, and the days that they label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from hashcanary.moments import DAY
from hashcanary.stated import read_document
from hashcanary.studies.errors import BadStates
from hashcanary.studies.verdict.states import KNOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from hashcanary.stated import Place

Sure = Literal["high", "medium", "low"]
SURE: tuple[Sure, ...] = ("high", "medium", "low")
_MOST_UNCERTAIN = 365.0


@dataclass(frozen=True, slots=True)
class Spell:
    """A time whose state published sources name.

    begin, end: Unix seconds at which the first and the last UTC day start; end is None where no
    source gives one. begin_days, end_days: by which they may be off, either way. kept: kept apart
    from those that the rules were set on.
    """

    name: str
    state: str
    begin: int
    end: int | None
    begin_days: int
    end_days: int
    sure: Sure
    kept: bool
    cause: str


class Label(NamedTuple):
    """The state that a spell names for a day."""

    state: str
    spell: str


def read_spells(path: Path | None = None) -> tuple[Spell, ...]:
    """The spells of a file, the built-in ones without, the earliest first. Raises BadStates."""
    document = read_document("hashcanary.studies.verdict", "spells.toml", path, BadStates)
    found = tuple(map(_spell, document.parts("spell")))
    if not found:
        raise document.bad("spell", "one table [[spell]] or more", None)
    names = [one.name for one in found]
    for place, name in zip(document.parts("spell"), names, strict=True):
        if names.count(name) > 1:
            raise place.bad("id", "a name that no other spell has", name)
    return tuple(sorted(found, key=lambda one: one.begin))


def _spell(place: Place) -> Spell:
    begin = place.day("begin")
    end = None if place.table.get("end") == "open" else place.day("end")
    if end is not None and end < begin:
        raise place.bad("end", 'a day not before its begin, or "open"', place.table["end"])
    return Spell(
        place.text("id"),
        place.one_of("state", KNOWN),
        begin,
        end,
        int(place.number("begin_uncertain_days", 0.0, _MOST_UNCERTAIN)),
        int(place.number("end_uncertain_days", 0.0, _MOST_UNCERTAIN)),
        place.one_of("sure", SURE),
        place.flag("kept", absent=False),
        place.text("cause"),
    )


def labels(spells: Sequence[Spell], sure: Collection[Sure]) -> dict[int, Label]:
    """Labels of days, Unix seconds at which they start: of spells that overlap the longest counts.

    Days within what an edge may be off have none, nor has a time without a known end.
    """
    found: dict[int, Label] = {}
    chosen = [one for one in spells if one.sure in sure and one.end is not None]
    for one in sorted(chosen, key=_days):
        assert one.end is not None
        first, last = one.begin + one.begin_days * DAY, one.end - one.end_days * DAY
        found |= {day: Label(one.state, one.name) for day in range(first, last + 1, DAY)}
    return found


def _days(spell: Spell) -> int:
    return 0 if spell.end is None else spell.end - spell.begin
