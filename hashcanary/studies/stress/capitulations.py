"""Capitulations of miners as others published them: ``capitulations.toml``, or a user's file.

Or the record's own episodes, in the same form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.moments import DAY, iso_day
from hashcanary.stated import read_document
from hashcanary.studies.episodes import SHORT_DAYS, find_episodes
from hashcanary.studies.errors import BadStressFile

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.metrics.engine import Metrics

_NOT_THERE = -1


@dataclass(frozen=True, slots=True)
class Capitulation:
    """One as published: from the start of its first day to the end of its last, Unix seconds."""

    name: str
    start: int
    end: int
    source: str


def read_capitulations(path: Path | None = None) -> tuple[Capitulation, ...]:
    """Those of a file, ascending by start; the built-in ones without. Raises BadStressFile."""
    document = read_document("hashcanary.studies.stress", "capitulations.toml", path, BadStressFile)
    document.only("capitulation")
    found = []
    for place in document.parts("capitulation"):
        place.only("name", "start", "end", "source")
        start, last = place.day("start", _NOT_THERE), place.day("end", _NOT_THERE)
        if _NOT_THERE in {start, last}:
            key = "start" if start == _NOT_THERE else "end"
            raise place.bad(key, "a date such as 2021-07-01", None)
        if last < start:
            raise place.bad("end", "a day not before its start", place.table["end"])
        found.append(Capitulation(place.text("name"), start, last + DAY, place.text("source")))
    if not found:
        raise document.bad("capitulation", "one table [[capitulation]] or more", None)
    return tuple(sorted(found, key=lambda one: one.start))


def from_episodes(metrics: Metrics, rule: str, *, simulated: bool) -> tuple[Capitulation, ...]:
    """The episodes that ``episodes.find_episodes`` finds by a rule, those of a week or more.

    rule: ``ribbon`` or ``epoch``. One that is open ends with the record.
    """
    (study,) = (one for one in find_episodes(metrics, simulated=simulated) if one.rule.name == rule)
    return tuple(
        Capitulation(
            f"{iso_day(one.start)}, {one.days} d",
            one.start // DAY * DAY,
            (one.start // DAY + one.days) * DAY,
            study.rule.definition,
        )
        for one in study.episodes
        if one.days >= SHORT_DAYS
    )
