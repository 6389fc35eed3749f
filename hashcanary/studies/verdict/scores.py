"""How good the states have been: against labels from published sources, and beside simpler rules.

The score of a day is the log of the probability that was given to the state that sources name for
it. Ribbons, the drawdown of the 30-day mean and the stress gauge are rivals: each says of its own
readings how often a state was the label then, on the spells that the verdict's rules were set on,
and a mixture weighs the three there too. So a rival knows how often each label is; the verdict's
rules do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import TooFewToExplain
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY
from hashcanary.studies.errors import NoLabels
from hashcanary.studies.verdict.spells import labels
from hashcanary.studies.verdict.states import FALLS, KNOWN, STRESSED
from hashcanary.studies.verdict.verdict import Judge

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.spells import Label, Spell, Sure

VERDICT, MIXTURE, EVEN = "verdict", "mixture", "even"
LEVELS: dict[str, tuple[Sure, ...]] = {"high": ("high",), "medium": ("high", "medium")}
# days that a rival counts of every state before it has seen one
_PRIOR_DAYS = 10.0
# readings of drawdown (fraction) and gauge (points) that a rival takes for one
_DRAWDOWNS = (-0.25, -0.15, -0.1, -0.06, -0.03, -0.01)
_GAUGES = (20.0, 40.0, 60.0, 70.0, 80.0, 90.0)
# a probability of 0 scores as this
_LEAST = 1e-6
_STEPS = 200


@dataclass(frozen=True, slots=True)
class Score:
    """How good an instrument was.

    kept: on the spells kept apart; sure: high, or medium for both; log_score: mean log probability
    of the label over days, by_spell: of the means of spells, error: its standard error over spells;
    right: fraction of days on which the label was the most probable state.
    """

    instrument: str
    kept: bool
    sure: str
    days: int
    spells: int
    log_score: float
    by_spell: float
    error: float
    right: float


@dataclass(frozen=True, slots=True)
class SpellScore:
    """What was said in a spell. probability: mean of its label's; most: the state that was most
    probable on most days; onset_days: from its begin until what it names, or in its stead another
    of stress, capitulation and exit, was more probable than not, None where it never was or the
    spell names none of these; ribbon_days: until ribbons were inverted.
    """

    spell: Spell
    days: int
    log_score: float
    probability: float
    most: str
    onset_days: int | None
    ribbon_days: int | None


@dataclass(frozen=True, slots=True)
class VerdictScores:
    """scores: of every instrument; spells: in the order of their begins; every: days between two
    verdicts; first, last: Unix seconds of days.
    """

    scores: tuple[Score, ...]
    spells: tuple[SpellScore, ...]
    every: int
    first: int
    last: int


def daily_states(
    record: Record, days: Sequence[int], progress: Callable[[int, int], None] | None = None
) -> dict[int, Floats]:
    """Probabilities of KNOWN at the end of days, Unix seconds at which they start, ascending.

    Each as known then; days of which too little is known are left out.
    """
    years, judge, found = PastYears(record), Judge(record), {}
    for at, day in enumerate(days):
        if progress is not None:
            progress(at, len(days))
        try:
            past = years.until(day + DAY - 1)
        except TooFewToExplain:
            continue
        shares = judge.states(past)
        found[day] = np.array([shares[name] for name in KNOWN])
    return found


def verdict_scores(
    record: Record,
    spells: Sequence[Spell],
    every: int,
    progress: Callable[[int, int], None] | None = None,
) -> VerdictScores:
    """Score the states on the spells of which the record knows every day's last year.

    every: days between two verdicts. Raises NoLabels where no labelled day is known.
    """
    said = daily_states(record, days_of(spells, record, every), progress)
    return scored(said, readings(record), spells, every)


def days_of(spells: Sequence[Spell], record: Record, every: int) -> list[int]:
    """Every ``every``-th day of the spells and of what their begins may be off, ascending."""
    last = int(record.chain["time"].max()) if record.chain.height else 0  # type: ignore[arg-type]
    found: set[int] = set()
    for one in spells:
        end = last if one.end is None else min(one.end, last)
        days = range(one.begin - one.begin_days * DAY, end + 1, DAY)
        found |= {day for day in days if not day // DAY % every}
    return sorted(found)


def readings(record: Record) -> dict[str, dict[int, int]]:
    """What each rival reads on each day that it knows, as the number of its class."""
    days = metrics_of(record).frame("day", ["ribbon.days_inverted", "drawdown.sma30"])
    inverted, drawdown = floats(days, "ribbon.days_inverted"), floats(days, "drawdown.sma30")
    time = days["time"].to_list()
    gauge = _gauge(record)
    return {
        "ribbons": _known(time, _ribbons(inverted), np.isfinite(inverted)),
        "drawdown": _known(time, np.searchsorted(_DRAWDOWNS, drawdown), np.isfinite(drawdown)),
        "gauge": {day: int(np.searchsorted(_GAUGES, value)) for day, value in gauge.items()},
    }


def _known(time: list[int], classes: Ints, known: Bools) -> dict[int, int]:
    return {day: int(one) for day, one, there in zip(time, classes, known, strict=True) if there}


def _ribbons(days_inverted: Floats) -> Ints:
    """0 inverted for up to a month, 1 for longer, 2 in the 60 days after, 3 otherwise."""
    since, found = 10**6, np.empty(days_inverted.size, dtype=np.int64)
    for at, days in enumerate(days_inverted):
        since = 0 if days > 0 else since + 1
        found[at] = (0 if days <= 30 else 1) if days > 0 else (2 if since <= 60 else 3)
    return found


def _gauge(record: Record) -> dict[int, float]:
    from hashcanary.studies.stress.component import all_components
    from hashcanary.studies.stress.gauge import stress_history
    from hashcanary.studies.stress.settings import read_settings
    from hashcanary.studies.stress.sustainability import stress_sources

    known = all_components()
    history = stress_history(stress_sources(record), read_settings(known), known)
    told = np.isfinite(history.gauge)
    return dict(zip(history.time[told].tolist(), history.gauge[told].tolist(), strict=True))


def scored(
    said: Mapping[int, Floats],
    read: Mapping[str, Mapping[int, int]],
    spells: Sequence[Spell],
    every: int,
) -> VerdictScores:
    """Score what was said, probabilities of KNOWN by day, and its rivals. Raises NoLabels."""
    marked = labels(spells, LEVELS["medium"])
    days = sorted(day for day in said if day in marked)
    if not days:
        raise NoLabels(found=f"{len(said)} days with a verdict", expected=f"{len(marked)}")
    kept = {one.name: one.kept for one in spells}
    given = {VERDICT: dict(said)} | _rivals(days, read, marked, kept)
    found = [
        _score(name, by_day, labels(spells, LEVELS[sure]), kept, sure, days, chosen=chosen)
        for sure in LEVELS
        for chosen in (False, True)
        for name, by_day in given.items()
    ]
    each = [_spell_score(one, said, read["ribbons"]) for one in spells]
    return VerdictScores(
        tuple(one for one in found if one is not None),
        tuple(one for one in each if one is not None),
        every,
        days[0],
        days[-1],
    )


def _rivals(
    days: list[int],
    read: Mapping[str, Mapping[int, int]],
    marked: Mapping[int, Label],
    kept: Mapping[str, bool],
) -> dict[str, dict[int, Floats]]:
    """What rivals say of the days, set on the spells that are not kept apart."""
    learnt = [day for day in days if not kept[marked[day].spell]]
    tables: dict[str, dict[int, Floats]] = {}
    for name, classes in read.items():
        # a day without a reading is a class of its own
        seen = {day: classes.get(day, -1) for day in days}
        counts = {one: np.full(len(KNOWN), _PRIOR_DAYS) for one in {*seen.values()}}
        for day in learnt:
            counts[seen[day]][KNOWN.index(marked[day].state)] += 1
        tables[name] = {day: counts[one] / counts[one].sum() for day, one in seen.items()}
    own = np.array([KNOWN.index(marked[day].state) for day in learnt], dtype=np.int64)
    likely = np.array(
        [[tables[name][day][at] for name in tables] for day, at in zip(learnt, own, strict=True)]
    ).reshape(len(learnt), len(tables))
    weights = np.full(len(tables), 1 / len(tables))
    for _ in range(_STEPS if learnt else 0):
        parts = weights * likely
        weights = (parts / parts.sum(axis=1, keepdims=True)).mean(axis=0)
    mixed = {
        day: np.sum(
            [part * tables[name][day] for part, name in zip(weights, tables, strict=True)], 0
        )
        for day in days
    }
    return {
        **tables,
        MIXTURE: mixed,
        EVEN: dict.fromkeys(days, np.full(len(KNOWN), 1 / len(KNOWN))),
    }


def _score(
    name: str,
    given: Mapping[int, Floats],
    marked: Mapping[int, Label],
    kept: Mapping[str, bool],
    sure: str,
    days: list[int],
    *,
    chosen: bool,
) -> Score | None:
    rows = []
    for day in days:
        if day in marked and kept[marked[day].spell] == chosen:
            own = KNOWN.index(marked[day].state)
            shares = given[day]
            rows.append((marked[day].spell, log(max(shares[own], _LEAST)), shares.argmax() == own))
    if not rows:
        return None
    spells: dict[str, list[float]] = {}
    for spell, score, _ in rows:
        spells.setdefault(spell, []).append(score)
    means = np.array([np.mean(values) for values in spells.values()])
    return Score(
        name,
        chosen,
        sure,
        len(rows),
        means.size,
        float(np.mean([score for _, score, _ in rows])),
        float(means.mean()),
        float(means.std(ddof=1) / means.size**0.5) if means.size > 1 else float("nan"),
        float(np.mean([right for *_, right in rows])),
    )


def _spell_score(
    spell: Spell, said: Mapping[int, Floats], ribbons: Mapping[int, int]
) -> SpellScore | None:
    if spell.end is None:
        return None
    edge = spell.begin - spell.begin_days * DAY
    whole = [day for day in range(edge, spell.end + 1, DAY) if day in said]
    inner = range(spell.begin + spell.begin_days * DAY, spell.end - spell.end_days * DAY + 1, DAY)
    days = [day for day in inner if day in said]
    if not days:
        return None
    own = np.array([said[day][KNOWN.index(spell.state)] for day in days])
    most = np.bincount([int(said[day].argmax()) for day in days], minlength=len(KNOWN)).argmax()
    told = [day for day in whole if said[day][_worse(spell.state)].sum() > 0.5]
    inverted = [day for day in range(edge, spell.end + 1, DAY) if ribbons.get(day, 3) < 2]
    return SpellScore(
        spell,
        len(days),
        float(np.log(np.maximum(own, _LEAST)).mean()),
        float(own.mean()),
        KNOWN[most],
        (told[0] - spell.begin) // DAY if told else None,
        (inverted[0] - spell.begin) // DAY if inverted else None,
    )


def _worse(state: str) -> list[int]:
    """States that count as the onset of one: any fall of a curtailment, else all but that."""
    names = FALLS if state == FALLS[0] else (STRESSED, *FALLS[1:])
    return [KNOWN.index(name) for name in names if state in (STRESSED, *FALLS)]
