"""How far the stress gauge can be trusted: capitulations, its parts, its weights, luck, returns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.studies.errors import NoStress
from hashcanary.studies.forward_returns import INTERVAL
from hashcanary.studies.stress.against import (
    AfterWord,
    Against,
    Capitulation,
    Proportion,
    after_words,
    against,
    from_episodes,
    read_capitulations,
)
from hashcanary.studies.stress.answer import ALL_WORDS
from hashcanary.studies.stress.component import Component, all_components
from hashcanary.studies.stress.gauge import BAND_TEXT, StressHistory, reweighted, stress_history
from hashcanary.studies.stress.gauge import LEVEL as BAND_LEVEL
from hashcanary.studies.stress.robustness import DRAWS, LEVEL, correlations
from hashcanary.studies.stress.settings import Settings, read_settings
from hashcanary.units import COUNT, DATE, DAYS, FRACTION, INDEX_100, PER_YEAR, RATIO, YEARS
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.episodes import ANY_DAY, After
from hashcanary.views.stress import tenths, whole
from hashcanary.views.table import Cell, Column, Table, defined
from hashcanary.views.text import MINUS, count, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hashcanary.store.record import Record
    from hashcanary.studies.stress.luck import StressLuck, WordLuck
    from hashcanary.studies.stress.robustness import Difference, RandomWeights

TABLES = ("episodes", "components", "weights", "choices", "luck", "returns")
AGAINST = ("published", "ribbon", "epoch")
WORLDS = 8
WORLD_DEFINITIONS = {
    "steady": "hashrate +45% and price +41% a year, smoothly: nothing but the luck of blocks",
    "wandering": "the same, and the price wanders by 50% a year",
}
# components of this group see the hashrate's own drop, which published capitulations are read from
_ACTIVITY = "activity"
_WILSON = "Wilson"
_WEIGHTS_BAND = f"{LEVEL:.0%} of the random weights"


def _points(name: str, title: str, **more: bool | int) -> Column:
    hidden, spare = bool(more.get("hidden")), int(more.get("spare", 0))
    return Column(name, title, INDEX_100, text=whole, hidden=hidden, spare=spare)


_JUDGED = (
    ("hits", "capitulations hit", COUNT, "hits.hits", ""),
    ("judged", "capitulations judged", COUNT, "hits.trials", ""),
    ("hit", "part of them hit", FRACTION, "hits.share", _WILSON),
    ("hits_by_shifts", "hits expected of the shifted words", COUNT, "by_shift", ""),
    ("shifts_with_as_many", "shifts with as many hits or more", FRACTION, "as_many", ""),
    ("false_alarms", "spells that are false alarms", COUNT, "false_alarms.hits", ""),
    ("spell_count", "spells", COUNT, "false_alarms.trials", ""),
    ("false", "part of the spells", FRACTION, "false_alarms.share", _WILSON),
    ("stressed", "days stressed or worse", FRACTION, "days", ""),
    ("covered", "time with a word", YEARS, "years", ""),
)


def _judged_facts(prefix: str, who: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{prefix}{name}", f"{who}: {title}", unit, get, limits)
        for name, title, unit, get, limits in _JUDGED
    )


def _differences(title: str) -> tuple[Column, ...]:
    return defined(
        {
            "rank_correlation_ratio": "Spearman's, of this gauge with the stated one",
            "mean_difference_index_0_100": "mean absolute difference from the stated gauge",
            "largest_difference_index_0_100": "largest absolute difference from the stated gauge",
            "word_changed_fraction": "days with another word, of those on which both have one",
        },
        Column("variant", title, get="what", wide=True),
        Column("compared", "days", DAYS, "days", spare=3),
        Column("rank_correlation", "rank correlation", RATIO, digits=3),
        Column("mean_difference", "mean difference", INDEX_100, "mean", text=tenths),
        Column("largest_difference", "largest", INDEX_100, "largest", text=tenths, spare=1),
        Column("word_changed", "word changed", FRACTION, _changed),
        Column("false_alarms", "false alarms", COUNT, spare=2),
        Column("missed", "missed", text=_how_many, definition="capitulations hit no longer"),
        Column("added", "added", text=_how_many, definition="capitulations hit in addition"),
    )


def _began(row: After) -> list[str]:
    return [iso_day(each * DAY) for each in row.began]


def _word(number: int) -> str | None:
    return ALL_WORDS[number] if number >= 0 else None


def _period(luck: WordLuck) -> str:
    return "year after halving" if luck.after_halving else "other years"


def _changed(row: Difference) -> float | None:
    return row.changed / row.words if row.words else None


def _how_many(names: Sequence[str]) -> str:
    return str(len(names))


def _lead(days: int) -> str:
    return f"{days:+d}".replace("-", MINUS)


VIEW = View(
    "stress_study",
    "study stress",
    "How far can the stress gauge be trusted?",
    facts=(
        Column("against", "capitulations it is judged by"),
        *_judged_facts("", "the gauge"),
        *_judged_facts("without_activity_", "the gauge without ribbon and drawdown"),
        Column("draws", "random weights", COUNT),
        Column("width", "mean width of the band of random weights", INDEX_100),
        Column("word_kept", "random weights with the stated word, mean over days", FRACTION),
        Column("worlds_of_each_kind", "simulated worlds of each kind", COUNT),
        Column("seed", "seed of the draws", COUNT),
        Column("record_spread", "standard deviation of the record's gauge over days", INDEX_100),
    ),
    tables={
        "episodes": defined(
            {
                "lead_days": "from the first stressed day, looked for from 90 days before and "
                "after the last capitulation, to the start; below 0: late",
                "hit": "stressed or worse on a day inside",
            },
            Column("capitulation", "capitulation", get="capitulation.name", wide=True),
            Column("start", "from", DATE, "capitulation.start", spare=2),
            Column("end", "to", DATE, lambda row: row.capitulation.end - DAY, hidden=True),
            _points("before", "30 d before", spare=4),
            _points("at_start", "at start"),
            Column("highest", "highest", INDEX_100, None, BAND_TEXT, BAND_LEVEL, text=whole),
            Column("highest_on", "on", DATE, "highest_day", hidden=True),
            _points("after", "30 d after", spare=3),
            Column("word_at_start", "word at start", get=lambda row: _word(row.word), hidden=True),
            Column("worst_word", "worst word", get=lambda row: _word(row.worst), spare=1),
            Column("lead", "lead", DAYS, text=_lead),
            Column("hit", "hit", get=lambda row: row.hit if row.covered else None),
            Column("covered", "enough days with a word to judge", hidden=True),
            Column("source", "source", get="capitulation.source", hidden=True),
        ),
        "components": _differences("without"),
        "weights": defined(
            {"same_word_fraction": "random weights with the stated word that day"},
            Column("capitulation", "capitulation", wide=True),
            Column("day", "highest on", DATE),
            Column("gauge", "gauge", INDEX_100, limits=_WEIGHTS_BAND, level=LEVEL, text=whole),
            Column("same_word", "same word", FRACTION),
        ),
        "choices": _differences("with"),
        "luck": defined(
            {
                "reached_fraction": "days that reach the points at which the record's word begins "
                "now",
                "own_word_fraction": "days with that word or worse by the world's own earlier days",
            },
            Column("world", "world"),
            Column("period", "period", get=_period),
            Column("word", "word"),
            Column("threshold", "from", INDEX_100, "points", text=whole),
            Column("simulated", "years", YEARS, "years", text=whole, spare=1),
            Column("reached", "of days", FRACTION, "share", "of nine worlds in ten", 0.9),
            Column("spells", "spells a year", PER_YEAR, "spells_per_year", text=tenths),
            Column("own_word", "own word", FRACTION, "own_share", spare=2),
        ),
        "returns": defined(
            {"any_day_fraction": "days since the gauge has words after which the price rose"},
            Column("word", "word", get="of"),
            Column("horizon", "horizon", DAYS, "summary.horizon_days"),
            Column("spells", "spells", COUNT, lambda row: len(row.began)),
            Column("measured", "measured", COUNT, "summary.measured", hidden=True),
            Column("mean", "mean", FRACTION, "summary.mean", hidden=True, signed=True),
            Column("median", "median", FRACTION, "summary.median", signed=True),
            Column("independent", "windows apart", COUNT, "summary.independent"),
            Column("rose", "rose", FRACTION, "summary.rose", INTERVAL, digits=0),
            Column("any_day", "any day", FRACTION, "summary.base_share", digits=0),
            Column("any_day_independent", ANY_DAY, COUNT, "summary.base_independent", hidden=True),
            Column("began", "days on which spells became known", get=_began, hidden=True),
        ),
    },
    more={
        "spells": "spells of the gauge: first and last day, days stressed, whether a false alarm",
        "spells_without_activity": "the same without ribbon and drawdown",
        "rank_correlations": "Spearman's rank correlation of components' percentiles",
        "random_hits": "capitulations hit by each of the random weights",
        "kinds": "SIMULATED: each kind of world with its spread of the gauge",
    },
)
_TITLES = {
    "components": "The stress gauge without each of its components",
    "weights": "The stress gauge under random weights",
    "choices": "The stress gauge with other choices",
    "luck": "SIMULATED: the stress gauge in worlds that grow without stress",
    "returns": "The price after the stress gauge first had a word",
}
_JUDGED_BY = {
    "published": (
        "published capitulations",
        "Published capitulations are read off hashrate, as ribbon and drawdown are: here those two "
        "are no independent evidence.",
    ),
    "ribbon": (
        "inversions of the hash ribbons",
        "Inversions of a week or more, as `hashcanary episodes` lists them: ribbon and drawdown "
        "see the same hashrate and are no independent evidence.",
    ),
    "epoch": (
        "epoch-average drawdowns",
        "Drawdowns of the epoch average of 7.5% or more, as `hashcanary episodes` lists them: "
        "ribbon and drawdown see the same hashrate and are no independent evidence.",
    ),
}


def stress_study(
    record: Record,
    *,
    show: str = "episodes",
    weights: Path | None = None,
    against: str | Path | None = None,
    worlds: int = WORLDS,
    draws: int = DRAWS,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Answer:
    """How far the stress gauge can be trusted, as known at the record's moment.

    show: one of ``TABLES``; only that one is computed. weights: a TOML file. against: one of
    ``AGAINST``, or a TOML file of capitulations; None takes ``published``, of simulated history
    ``ribbon``. worlds: of each kind, of ``luck``; draws: of ``weights``; seed: of both. progress:
    called with the simulated worlds done and their number. Raises UsageError, BadStressFile,
    NoStress.
    """
    from hashcanary.studies.stress import robustness
    from hashcanary.studies.stress.sustainability import stress_sources

    file = against if isinstance(against, Path) else None
    own = "ribbon" if record.simulated else "published"
    judge = "published" if isinstance(against, Path) else against or own
    one_of("--show", show, TABLES)
    one_of("--against", judge, AGAINST)
    known = all_components()
    settings = read_settings(known, weights)
    seen = read_capitulations(file) if judge == "published" else ()
    models = robustness.OTHER_MODELS if show == "choices" else ()
    sources = stress_sources(record, models=models)
    history = stress_history(sources, settings, known)
    _has_word(history, record.at_text)
    if judge != "published":
        seen = from_episodes(sources.metrics, judge, simulated=record.simulated)
    if show == "components":
        return _parts(record, history, robustness.left_out(history, seen))
    if show == "weights":
        drawn = robustness.random_weights(history, seen, draws=draws, seed=seed)
        return _weights(record, history, drawn, seen, seed)
    if show == "choices":
        others = robustness.other_choices(sources, settings, known, seen)
        return _answer(record, show, others, [_COMPARED, *_named(others, "with")])
    if show == "luck":
        return _luck(record, history, known, (worlds, seed), progress)
    if show == "returns":
        return _returns(record, after_words(history, sources.metrics["price"].rows))
    return _episodes(record, history, seen, judge)


def _has_word(history: StressHistory, at_text: str) -> None:
    """Raise NoStress where the gauge never has a word."""
    if not (history.word >= 0).any():
        raise NoStress(
            expected=f"a gauge with {history.settings.fewest_days} days of its own behind it",
            at=at_text,
            found=f"{int(np.isfinite(history.gauge).sum())} days with a gauge",
        )


def _answer(
    record: Record,
    key: str,
    rows: Sequence[object],
    sentences: Sequence[str],
    *,
    facts: Mapping[str, Cell] | None = None,
    more: Mapping[str, object] | None = None,
    title: str = "",
) -> Answer:
    title = title or _TITLES[key]
    return Answer(
        VIEW,
        record,
        f"{title}, as known at {record.at_text}",
        (Table(key, title, VIEW.tables[key], rows),),
        facts=facts or {},
        more=more or {},
        sentences=sentences,
    )


def _episodes(
    record: Record, history: StressHistory, capitulations: Sequence[Capitulation], judge: str
) -> Answer:
    """The gauge around capitulations. judge: a key of ``_JUDGED_BY``."""
    title, evidence = _JUDGED_BY[judge]
    judged = against(history, capitulations)
    blind = _without_activity(history, capitulations)
    facts: dict[str, Cell] = {"against": judge} | _facts("", judged)
    more = {"spells": _spells(judged)}
    sentences = _hits("The gauge", judged)
    if blind is not None:
        facts |= _facts("without_activity_", blind)
        more["spells_without_activity"] = _spells(blind)
        sentences += _hits("The gauge without ribbon and drawdown", blind)
    return _answer(
        record,
        "episodes",
        judged.readings,
        [
            *sentences,
            evidence,
            "Shifts: the same words laid elsewhere in time. False alarm: a spell within 30 days of "
            "no capitulation.",
            "Hit: stressed or worse on a day inside. Lead: days from the first such day to the "
            f"start. Band of the highest: {BAND_TEXT}.",
        ],
        facts=facts,
        more=more,
        title=f"The stress gauge at {title}",
    )


def _without_activity(
    history: StressHistory, capitulations: Sequence[Capitulation]
) -> Against | None:

    settings: Settings = history.settings
    gone = [name for name in settings.weights if settings.groups[name] == _ACTIVITY]
    if not gone or len(gone) == len(settings.weights):
        return None
    return against(reweighted(history, settings.without(gone).weights), capitulations)


def _facts(prefix: str, judged: Against) -> dict[str, Cell]:
    return {column.name: column.cell(judged, 0) for column in _judged_facts(prefix, "")}


def _spells(judged: Against) -> list[dict[str, object]]:
    return [
        {
            "first": iso_day(spell.first),
            "last": iso_day(spell.last),
            "stressed_days": spell.days,
            "false_alarm": spell.false_alarm,
        }
        for spell in judged.spells
    ]


def _share(part: Proportion, of: str) -> str:
    share = part.share
    limits = f" (95%: {percent(share.low, 0)} to {percent(share.high, 0)})" if part.trials else ""
    return f"{part.hits} of {count(part.trials, of)}{limits}"


def _hits(who: str, judged: Against) -> list[str]:
    shifts = "Too few days for shifts."
    if np.isfinite(judged.by_shift):
        many = f"{percent(judged.as_many)} of the" if judged.as_many > 0 else "no"
        shifts = f"Shifts hit {judged.by_shift:.1f} on average, as many or more in {many} shifts."
    return [
        f"{who} was stressed or worse on {percent(judged.days, 0)} of {judged.years:.1f} years.",
        f"  Hits: {_share(judged.hits, 'capitulation')}. {shifts}",
        f"  False alarms: {_share(judged.false_alarms, 'spell')}.",
    ]


_COMPARED = (
    "Each row is compared with the stated gauge. Missed, added: capitulations. False alarms: of "
    "that gauge."
)


def _named(differences: Sequence[Difference], preposition: str) -> list[str]:
    """Which capitulations a variant misses, and which it adds."""
    return [
        f"{verb} {preposition} {each.what}: {', '.join(names)}."
        for each in differences
        for verb, names in (("Missed", each.missed), ("Added", each.added))
        if names
    ]


def _parts(record: Record, history: StressHistory, differences: Sequence[Difference]) -> Answer:
    """The gauge without each of its components."""
    names = [each.component.name for each in history.components]
    matrix = correlations(history)
    pairs = sorted(
        (
            (float(matrix[row, column]), names[row], names[column])
            for row in range(len(names))
            for column in range(row)
        ),
        reverse=True,
    )
    sentences = [_COMPARED, "Compared on days on which what is left out is known."]
    sentences += _named(differences, "without")
    if pairs:
        sentences += [
            f"Highest rank correlations of percentiles: {_pairs(pairs[:3])}.",
            f"Lowest: {_pairs(pairs[-2:])}. Components that move together share the weight of a "
            "group.",
        ]
    correlated = {
        name: dict(zip(names, row.tolist(), strict=True))
        for name, row in zip(names, matrix, strict=True)
    }
    more = {"rank_correlations": correlated}
    return _answer(record, "components", differences, sentences, more=more)


def _pairs(pairs: Sequence[tuple[float, str, str]]) -> str:
    return ", ".join(
        f"{first} and {second} {value:.2f}".replace("-", MINUS) for value, first, second in pairs
    )


def _weights(
    record: Record,
    history: StressHistory,
    drawn: RandomWeights,
    capitulations: Sequence[Capitulation],
    seed: int,
) -> Answer:
    """The gauge under random weights, at its highest day in each capitulation."""
    judged = against(history, capitulations)
    rows = []
    for reading in judged.readings:
        if reading.highest_day is not None:
            at = int(np.searchsorted(history.time, reading.highest_day))
            gauge = Interval(reading.highest.value, drawn.low[at], drawn.high[at])
            row = (reading.capitulation.name, reading.highest_day, gauge, drawn.same[at])
            rows.append(row)
    ours = judged.hits.hits
    fewer, more = (float((drawn.hits < ours).mean()), float((drawn.hits > ours).mean()))
    return _answer(
        record,
        "weights",
        rows,
        [
            f"{drawn.draws:,} random weights, uniform over all that sum to 1.",
            f"Band: {_WEIGHTS_BAND}, {drawn.width:.0f} points wide on average.",
            f"On an average day {percent(drawn.holds, 0)} of the weights give the stated word.",
            f"The stated weights hit {ours} of {count(drawn.covered, 'capitulation')}; "
            f"{percent(fewer, 0)} of the random ones hit fewer, {percent(more, 0)} more.",
        ],
        facts={
            "hits": ours,
            "judged": drawn.covered,
            "draws": drawn.draws,
            "width": drawn.width,
            "word_kept": drawn.holds,
            "seed": seed,
        },
        more={"random_hits": drawn.hits.tolist()},
    )


def _luck(
    record: Record,
    history: StressHistory,
    known: Mapping[str, Component],
    drawn: tuple[int, int],
    progress: Callable[[int, int], None] | None,
) -> Answer:
    """SIMULATED worlds without stress. drawn: worlds of each kind, and the seed."""
    from hashcanary.studies.stress.luck import stress_luck

    worlds, seed = drawn
    luck: StressLuck = stress_luck(history, known, worlds=worlds, seed=seed, progress=progress)
    kinds = [
        {"kind": name, "definition": text, "spread_index_0_100": luck.spread[name]}
        for name, text in WORLD_DEFINITIONS.items()
    ]
    return _answer(
        record,
        "luck",
        luck.words,
        [
            f"SIMULATED: {count(luck.worlds, 'world')} of each kind, seed {luck.seed}.",
            *(f"  {name}: {text}" for name, text in WORLD_DEFINITIONS.items()),
            "Of days: those that reach the points at which the record's word begins now, with the "
            "limits of nine worlds in ten.",
            "Own word: by the world's own earlier days, of which a fifth is stressed or worse in "
            "the long run whatever happens.",
            "A halving takes half of what miners earn: that is no luck.",
        ],
        facts={
            "worlds_of_each_kind": luck.worlds,
            "seed": luck.seed,
            "record_spread": luck.record_spread,
        },
        more={"kinds": kinds},
    )


def _returns(record: Record, words: Sequence[AfterWord]) -> Answer:
    """What the price did after the gauge first had a word."""
    rows = [After(word.word, each, began=word.began) for word in words for each in word.after]
    most = max((row.summary.independent for row in rows), default=0)
    return _answer(
        record,
        "returns",
        rows,
        [
            "Word: that one or a worse one. Windows apart do not overlap; rose: part of them after "
            f"which the price was higher. Limits: {INTERVAL}.",
            f"A row has {count(most, 'window')} at most, and rows share their years. Where an "
            "interval contains the share of any day, nothing is shown.",
            "Weights were stated before these returns were looked at.",
        ],
    )
