"""How good the verdict's states have been, against labels from published sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.studies.verdict.scores import (
    EVEN,
    LEVELS,
    MIXTURE,
    VERDICT,
    Score,
    SpellScore,
    VerdictScores,
    verdict_scores,
)
from hashcanary.studies.verdict.spells import read_spells
from hashcanary.units import COUNT, DATE, DAYS, FRACTION, NATS, PROBABILITY
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.table import Column, Table, defined
from hashcanary.views.text import count, day, decimals, harmless

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hashcanary.store.record import Record

TABLES = ("scores", "spells")
_EVERY = 2
_TITLES = {
    VERDICT: "verdict",
    "ribbons": "ribbons alone",
    "drawdown": "drawdown alone",
    "gauge": "gauge alone",
    MIXTURE: "the three mixed",
    EVEN: "all states alike",
}
_SETS = {False: "set", True: "kept"}
_SCORE = decimals(2, signed=True)

VIEW = View(
    "verdict_study",
    "study verdict",
    "How good have the verdict's states been, against labels from published sources?",
    facts=(
        Column("every", "days between two verdicts", DAYS),
        Column("first", "first labelled day", DATE),
        Column("last", "last labelled day", DATE),
    ),
    tables={
        "scores": defined(
            {
                "sure": "labels that are surely right, or those of medium certainty too",
                "part": "spells that the rules were set on, or those kept apart",
                "log_score_nats": "mean log probability of the label over days; 0 is perfect",
                "by_spell_nats": "the same, of the means of spells",
                "by_spell_error_nats": "its standard error, spells taken as independent",
                "right_fraction": "days on which the label was the most probable state",
            },
            Column("sure", "labels"),
            Column("part", "spells"),
            Column("instrument", "instrument"),
            Column("days", "days", COUNT),
            Column("spells", "n", COUNT),
            Column("log_score", "log score", NATS, text=_SCORE),
            Column("by_spell", "by spell", NATS, text=_SCORE),
            Column("by_spell_error", "error", NATS, text=decimals(2), spare=2),
            Column("right", "right", FRACTION, digits=0),
        ),
        "spells": defined(
            {
                "probability": "mean probability of the label within the spell, its edges left out",
                "most": "state that was most probable on most days",
                "onset_days": "from the begin until the fall or stress that it names was more "
                "probable than not",
                "ribbon_onset_days": "from the begin until ribbons were inverted",
            },
            Column("spell", "spell"),
            Column("state", "label"),
            Column("begin", "from", DATE),
            Column("end", "to", DATE, spare=2),
            Column("sure", "sure", spare=3),
            Column("part", "part", spare=3),
            Column("days", "days", COUNT, spare=2),
            Column("probability", "P(label)", PROBABILITY),
            Column("log_score", "log score", NATS, text=_SCORE, spare=1),
            Column("most", "most probable"),
            Column("onset", "onset", DAYS, digits=0),
            Column("ribbon_onset", "ribbons", DAYS, digits=0),
        ),
    },
)
_NOTE = (
    "Log score: of the probability given to the label. Rivals learnt on the spells of `set` how "
    "often each label is with what they read; the verdict's rules do not know that. Kept: drawn "
    "beforehand, one spell in three, and left alone when the rules were set."
)


def verdict_study(
    record: Record,
    *,
    show: str = "scores",
    every: int = _EVERY,
    spells: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """How good the states have been on the record's labelled days, each as known then.

    show: the main table, one of ``TABLES``; every: days between two verdicts; spells: a TOML file
    in place of the one that comes with hashcanary; progress: told how many verdicts of how many
    are reached. Raises UsageError, BadStates, NoLabels.
    """
    one_of("--show", show, TABLES)
    return answer(record, verdict_scores(record, read_spells(spells), every, progress), show)


def answer(record: Record, found: VerdictScores, show: str = "scores") -> Answer:
    """The answer of scores that were computed."""
    main, other = _scores(found), _spells(found)
    if show == "spells":
        main, other = other, main
    return Answer(
        VIEW,
        record,
        f"The verdict's states against published labels, as known at {record.at_text}",
        (main, other),
        facts={"every": found.every, "first": found.first, "last": found.last},
        sentences=[*_against(found), f"A verdict every {count(found.every, 'day')}."],
        result=found,
    )


def _scores(found: VerdictScores) -> Table:
    rows = [
        (
            each.sure,
            _SETS[each.kept],
            _TITLES[each.instrument],
            each.days,
            each.spells,
            each.log_score,
            each.by_spell,
            each.error,
            each.right,
        )
        for each in found.scores
    ]
    return Table("scores", "Scores", VIEW.tables["scores"], rows, note=_NOTE)


def _spells(found: VerdictScores) -> Table:
    return Table("spells", "Spells", VIEW.tables["spells"], [*map(_spell, found.spells)])


def _spell(each: SpellScore) -> tuple[object, ...]:
    one = each.spell
    return (
        harmless(one.name),
        one.state,
        one.begin,
        one.end,
        one.sure,
        _SETS[one.kept],
        each.days,
        each.probability,
        each.log_score,
        each.most,
        each.onset_days,
        each.ribbon_days,
    )


def _against(found: VerdictScores) -> list[str]:
    lines = []
    for sure in LEVELS:
        own, rival = (_kept(found, name, sure) for name in (VERDICT, MIXTURE))
        if own is None or rival is None:
            continue
        better = "better" if own.log_score > rival.log_score else "worse"
        lines.append(
            f"On the {count(own.days, 'labelled day')} kept apart ({_sure(sure)}) the verdict "
            f"scores {_SCORE(own.log_score)}, {better} than ribbons, drawdown and gauge mixed "
            f"({_SCORE(rival.log_score)})."
        )
    lines.append(f"Labelled days of {day(found.first)} to {day(found.last)}.")
    return lines


def _sure(sure: str) -> str:
    return "labels of high certainty" if sure == "high" else "labels of high or medium certainty"


def _kept(found: VerdictScores, name: str, sure: str) -> Score | None:
    chosen = (one for one in found.scores if one.kept and one.sure == sure)
    return next((one for one in chosen if one.instrument == name), None)
