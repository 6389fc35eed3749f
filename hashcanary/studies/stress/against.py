"""What the gauge said before, at and after published capitulations; its hits and false alarms.

The gauge says so where its word is one of stress (``stressed`` or worse, unless asked otherwise).
A *spell* runs from the first such day to the last that no 30 days without follow. A capitulation is
hit when such a day lies in it; a spell is a false alarm when it comes within 30 days of none.

A word that holds on a fifth of all days hits some capitulations wherever they are put: so the same
words are also laid over the same capitulations at every other shift in time, around the record.

Capitulations are those that others published (``capitulations.toml``, or a user's file), or the
record's own episodes. Of the price is told what it did after the gauge began to say a word: windows
that overlap share days, so only those that do not are counted (``forward_returns``), beside what
any day since the gauge has a word would have given.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.stated import read_document
from hashcanary.studies.episodes import SHORT_DAYS, find_episodes
from hashcanary.studies.errors import BadStressFile
from hashcanary.studies.forward_returns import HORIZONS, DailyPrices, ForwardSummary, summarise
from hashcanary.studies.price_to_cost import spells
from hashcanary.studies.stress.answer import ALL_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashcanary.arrays import Floats
    from hashcanary.metrics.engine import Metrics
    from hashcanary.studies.stress.gauge import StressHistory


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
        start, last = place.day("start"), place.day("end")
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


STRESSED, CAPITULATION = 2, 3
"""Words, as numbers of cuts reached."""
QUIET_DAYS, NEAR_DAYS, AHEAD_DAYS = 30, 30, 90
_LEAST_TOLD = 0.8
# shifts nearer than this would lay an episode over itself
_NEAREST_SHIFT = 180
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Proportion:
    """``hits`` of ``trials``."""

    hits: int
    trials: int

    @property
    def share(self) -> Interval:
        """Hits over trials with Wilson's 95% limits; NaN without trials.

        E. B. Wilson, Journal of the American Statistical Association 22.
        """
        hits, trials, kind = self.hits, self.trials, "Wilson"
        if trials == 0:
            return Interval(nan, nan, nan, kind)
        share, square = hits / trials, _NORMAL_95**2
        middle = (share + square / (2 * trials)) / (1 + square / trials)
        half = sqrt(share * (1 - share) / trials + square / (4 * trials**2))
        half *= _NORMAL_95 / (1 + square / trials)
        # at the ends the formula is exact, and its rounding is not
        low = middle - half if hits else 0.0
        high = middle + half if hits < trials else 1.0
        return Interval(share, low, high, kind)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the gauge read around one capitulation; points from 0 to 100, NaN where it is silent.

    before, after: 30 days before its start, after its end; highest: inside it, on ``highest_day``
    (Unix seconds), with its band. word, worst: numbers of cuts reached at the start and at most
    inside, -1 unknown. lead_days: from the first such word, looked for from 90 days before the
    start and after the capitulation before it, to the start; below 0 where it came later, None
    where it never came. told: part of its days on which there is a word; covered: whether that is
    enough to judge.
    """

    capitulation: Capitulation
    before: float
    at_start: float
    highest: Interval
    highest_day: int | None
    after: float
    word: int
    worst: int
    lead_days: int | None
    told: float
    covered: bool
    hit: bool


@dataclass(frozen=True, slots=True)
class Spell:
    """Days on which the word held, with pauses of up to 30: first and last, Unix seconds."""

    first: int
    last: int
    days: int
    false_alarm: bool


@dataclass(frozen=True, slots=True)
class Against:
    """All of it. hits: of covered capitulations; false_alarms: of spells.

    days: part of the days with a word on which it is one of stress. by_shift: hits expected from
    the same words laid elsewhere in the record; as_many: part of the shifts with as many hits or
    more. years: with a word.
    """

    readings: tuple[Reading, ...]
    spells: tuple[Spell, ...]
    hits: Proportion
    false_alarms: Proportion
    days: float
    years: float
    by_shift: float
    as_many: float


def against(
    history: StressHistory, capitulations: Sequence[Capitulation], word: int = STRESSED
) -> Against:
    """The gauge beside published capitulations, by words of ``word`` or worse."""
    told = history.word >= 0
    state = history.word >= word
    ends = [0, *(one.end for one in capitulations)]
    readings = tuple(
        _reading(history, state, one, max(end, one.start - AHEAD_DAYS * DAY))
        for one, end in zip(capitulations, ends, strict=False)
    )
    covered = [one for one in readings if one.covered]
    spells = tuple(_spells(history, state, capitulations))
    # where the gauge did not speak, nobody could have been warned
    by_shift, as_many = _shifted(history, state, [one.capitulation for one in covered])
    return Against(
        readings,
        spells,
        Proportion(sum(one.hit for one in covered), len(covered)),
        Proportion(sum(one.false_alarm for one in spells), len(spells)),
        float(state[told].mean()) if told.any() else float("nan"),
        float(told.sum()) / 365.25,
        by_shift,
        as_many,
    )


def _reading(history: StressHistory, state: np.ndarray, one: Capitulation, since: int) -> Reading:
    time = history.time
    inside = (time >= one.start) & (time < one.end)
    told = history.word[inside] >= 0
    whole = max((one.end - one.start) // DAY, 1)
    # one that outlasts the record is judged by the days that there are
    reach = max(min(one.end, int(time[-1]) + DAY) - one.start, 0) // DAY if time.size else 0
    gauge = np.where(inside, history.gauge, np.nan)
    at = int(np.nanargmax(gauge)) if np.isfinite(gauge).any() else None
    early = (time >= since) & (time < one.end) & state
    first = int(time[np.argmax(early)]) if early.any() else None
    part = float(told.sum()) / max(reach, 1)
    highest = Interval(nan, nan, nan)
    if at is not None:
        band = history.gauge[at], history.low[at], history.high[at]
        highest = Interval(float(band[0]), float(band[1]), float(band[2]))
    return Reading(
        one,
        _on(history, history.gauge, one.start - NEAR_DAYS * DAY),
        _on(history, history.gauge, one.start),
        highest,
        None if at is None else int(time[at]),
        _on(history, history.gauge, one.end + (NEAR_DAYS - 1) * DAY),
        int(_on(history, history.word.astype(np.float64), one.start, -1.0)),
        int(history.word[inside].max(initial=-1)),
        None if first is None else (one.start - first) // DAY,
        float(told.sum()) / whole,
        covered=reach > 0 and part >= _LEAST_TOLD,
        hit=bool(state[inside].any()),
    )


def _on(history: StressHistory, values: Floats, moment: int, absent: float = float("nan")) -> float:
    at = int(np.searchsorted(history.time, moment))
    there = at < history.time.size and history.time[at] == moment
    return float(values[at]) if there else absent


def _spells(
    history: StressHistory, state: np.ndarray, capitulations: Sequence[Capitulation]
) -> list[Spell]:
    days = history.time[state] // DAY
    if not days.size:
        return []
    found = []
    for run in np.split(days, np.flatnonzero(np.diff(days) > QUIET_DAYS) + 1):
        first, last = int(run[0]), int(run[-1])
        near = any(
            first <= one.end // DAY - 1 + NEAR_DAYS and last >= one.start // DAY - NEAR_DAYS
            for one in capitulations
        )
        found.append(Spell(first * DAY, last * DAY, int(run.size), not near))
    return found


def _shifted(
    history: StressHistory, state: np.ndarray, covered: Sequence[Capitulation]
) -> tuple[float, float]:
    """Mean hits over all shifts around the days with a word, and the part with as many or more."""
    told = np.flatnonzero(history.word >= 0)
    size = told.size
    if size <= 2 * _NEAREST_SHIFT or not covered:
        return float("nan"), float("nan")
    own, days = state[told], history.time[told]
    before = np.concatenate(([0], np.cumsum(np.concatenate((own, own)))))
    shifts = np.arange(size)
    hits = np.zeros(size, dtype=np.int64)
    for one in covered:
        begin, end = np.searchsorted(days, (one.start, one.end))
        hits += before[shifts + end] > before[shifts + begin]
    other = hits[_NEAREST_SHIFT : size - _NEAREST_SHIFT + 1]
    return float(other.mean()), float((other >= hits[0]).mean())


@dataclass(frozen=True, slots=True)
class AfterWord:
    """What followed the spells of one word. began: day numbers on which they were first known."""

    word: str
    days: int
    began: tuple[int, ...]
    after: tuple[ForwardSummary, ...]


def after_words(
    history: StressHistory, prices: pl.DataFrame, horizons: Sequence[int] = HORIZONS
) -> tuple[AfterWord, ...]:
    """Of each word of stress. prices: ``time`` (days' starts, Unix seconds), ``value`` (USD)."""
    told = np.flatnonzero(history.word >= 0)
    if not told.size:
        return ()
    since = prices.filter(pl.col("time") >= int(history.time[told[0]])).select("time", "value")
    daily = DailyPrices(since)
    found = []
    for cut in range(2, len(ALL_WORDS)):
        state = history.word[told] >= cut
        rows = told[spells(history.time[told] // DAY, state)]
        # midnight ends the day before
        began = tuple(int(history.known_at[row] - 1) // DAY for row in rows)
        found.append(
            AfterWord(
                ALL_WORDS[cut],
                int(state.sum()),
                began,
                tuple(summarise(daily, began, horizon) for horizon in horizons),
            )
        )
    return tuple(found)
