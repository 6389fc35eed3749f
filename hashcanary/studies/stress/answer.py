"""The gauge and the index as known at a moment: every component with what it contributes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.settings import CALM, WORDS

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.studies.stress.component import Component, Sources
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.sustainability import SustainabilityHistory

ALL_WORDS = (CALM, *WORDS)


@dataclass(frozen=True, slots=True)
class ComponentNow:
    """A component on the day of the answer; None where it is missing, and ``missing`` says why.

    value: in the component's unit, with its own band. percentile: 0 to 100, with its band. weight:
    its part of the gauge that day, a fraction, 0 where it is missing; stated_weight: when all are
    known. contributes: points of the gauge, which are their sum.
    """

    component: Component
    value: Interval | None
    percentile: Interval | None
    weight: float
    stated_weight: float
    contributes: float | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class PartNow:
    """A part of the index on its day: fractions, None where missing; contributes: points."""

    name: str
    value: Interval | None
    weight: float
    contributes: float | None


@dataclass(frozen=True, slots=True)
class IndexNow:
    """The miner-sustainability index on its newest day, points from 0 to 100 with their 90% band.

    percentile: part of the days of the settings' window before on which it was lower, 0 to 100.
    """

    day: int
    index: Interval
    percentile: float | None
    weight_known: float
    parts: tuple[PartNow, ...]


@dataclass(frozen=True, slots=True)
class StressNow:
    """What is known of a moment. day: start of the newest day that has a gauge, Unix seconds.

    gauge: points from 0 to 100, with 90% of the draws. word: one of ``ALL_WORDS``, None
    where too few days are behind it; chance: of each of ``ALL_WORDS``, part of the draws; cuts:
    points at which each of ``WORDS`` begins. days_in_word: how long it or a worse one has held,
    of calm it alone.
    index: None where too little of it is known on any day of the last two weeks before the gauge's.
    """

    day: int
    known_at: int
    gauge: Interval
    word: str | None
    chance: tuple[float, ...]
    cuts: tuple[float, ...]
    days_in_word: int
    weight_known: float
    components: tuple[ComponentNow, ...]
    index: IndexNow | None


def stress_now(
    history: StressHistory, sustainability: SustainabilityHistory, at_text: str
) -> StressNow:
    """The newest day on which the gauge speaks. Raises NoStress where it never does."""
    told = np.flatnonzero(np.isfinite(history.gauge))
    if not told.size:
        raise NoStress(
            expected=f"{history.settings.least_weight:.0%} of the gauge's weight, each component "
            f"after {history.settings.fewest_days} days of its own",
            at=at_text,
            found=_why_silent(history),
        )
    row = int(told[-1])
    word = int(history.word[row])
    known = float(history.weight_known[row])
    return StressNow(
        day=int(history.time[row]),
        known_at=int(history.known_at[row]),
        gauge=_band(history.gauge, history.low, history.high, row),
        word=ALL_WORDS[word] if word >= 0 else None,
        chance=tuple(history.chance[:, row].tolist()) if word >= 0 else (),
        cuts=tuple(history.cuts[:, row].tolist()) if word >= 0 else (),
        days_in_word=_days_in(history, row, word),
        weight_known=known,
        components=_components(history, row, known),
        index=_index(sustainability, row),
    )


def _components(history: StressHistory, row: int, known: float) -> tuple[ComponentNow, ...]:
    found = []
    for one in history.components:
        there = bool(np.isfinite(one.percentile[row]))
        weight = one.weight / known if there else 0.0
        found.append(
            ComponentNow(
                one.component,
                _known(_band(one.value, one.low, one.high, row)),
                _known(_band(one.percentile, one.percentile_low, one.percentile_high, row)),
                weight,
                one.weight,
                weight * float(one.percentile[row]) if there else None,
                one.missing[row],
            )
        )
    return tuple(found)


def _why_silent(history: StressHistory) -> str:
    """What most of the last days lack of each component that has no percentile on them."""
    last = slice(-_LATELY_DAYS, None)
    silent = [
        f"{one.component.name}: {one.missing[last].mode().sort()[0]}"
        for one in history.components
        if len(one.missing) and not np.isfinite(one.percentile[last]).any()
    ]
    return "; ".join(silent) or f"{history.time.size} days"


def _days_in(history: StressHistory, row: int, word: int) -> int:
    """Days up to ``row`` of its word or a worse one, of calm alone; days without one end it."""
    if word < 0:
        return 0
    words = history.word[: row + 1]
    other = np.flatnonzero(words < word if word else words != 0)
    return row - int(other[-1]) if other.size else row + 1


_NEAR_DAYS = 14
# what a component lacks is told of so many days: the last ones are seldom whole
_LATELY_DAYS = 30


def _index(history: SustainabilityHistory, row: int) -> IndexNow | None:
    """The index of the gauge's day, or of the newest within two weeks before it."""
    told = np.flatnonzero(np.isfinite(history.index[: row + 1]))
    if not told.size or row - told[-1] > _NEAR_DAYS:
        return None
    at = int(told[-1])
    known = float(history.weight_known[at])
    parts = []
    for one in history.parts:
        value = _known(_band(one.value, one.low, one.high, at))
        weight = 0.0 if value is None else one.weight / known
        parts.append(
            PartNow(
                one.name,
                value,
                weight,
                None if value is None else 100.0 * weight * value.value,
            )
        )
    return IndexNow(
        int(history.time[at]),
        _band(history.index, history.low, history.high, at),
        float(history.percentile[at]) if np.isfinite(history.percentile[at]) else None,
        known,
        tuple(parts),
    )


def _band(value: Floats, low: Floats, high: Floats, row: int) -> Interval:
    """A figure of a day with its limits, NaN where they are not known."""
    return Interval(float(value[row]), float(low[row]), float(high[row]))


def _known(figure: Interval) -> Interval | None:
    return figure if isfinite(figure.value) else None


def hindsight_notes(sources: Sources, day: int) -> tuple[str, ...]:
    """What the figures of a day (Unix seconds of its start) rest on that was stated only later."""
    later = {
        f"{stated.title}, first stated {iso_day(stated.stated)}"
        for costs in sources.costs.values()
        for stated in costs.stated.values()
        if stated.stated > day + DAY
    }
    fleet = sources.fleet
    if fleet is not None and bool(fleet.hindsight[fleet.time == day].any()):
        later.add("a price of power of the fleet, published later")
    return tuple(sorted(later))
