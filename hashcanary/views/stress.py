"""How stressed miners are, and whether they can go on: by component, or on every day."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval
from hashcanary.studies.stress.answer import ALL_WORDS, hindsight_notes, stress_now
from hashcanary.studies.stress.gauge import BAND_TEXT, LEVEL, StressHistory, stress_history
from hashcanary.studies.stress.settings import CALM, WORDS, Settings, read_settings
from hashcanary.studies.stress.sustainability import ALL_IN, POWER
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND_TEXT
from hashcanary.units import DATE, DAYS, FRACTION, INDEX_100, UNIX_TIME, known_units
from hashcanary.views.answer import Answer, View, only_of_history
from hashcanary.views.table import Cell, Column, Table, defined, limited
from hashcanary.views.text import banded, count, day, decimals, harmless, month_ends, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hashcanary.store.record import Record
    from hashcanary.studies.stress.answer import ComponentNow, IndexNow, PartNow, StressNow
    from hashcanary.studies.stress.sustainability import SustainabilityHistory

GAUGE, INDEX = "Stress gauge", "Miner sustainability"
PART_TITLES = {
    "profitable": "Profitable hashrate",
    "margin": "Revenue left by power",
    "renewal": "All-in cost covered",
}
PART_DEFINITIONS = {
    "profitable": "1 - fleet underwater (docs/supply.md)",
    "margin": f"1 - cost of a coin by `{POWER}` / price, at least 0 (docs/costs.md)",
    "renewal": f"price / cost of a coin by `{ALL_IN}`, at most 1 (docs/costs.md)",
}
_DAYS_SHOWN = 62


tenths, whole = decimals(1), decimals(0)

_LOWER = "earlier days of the window with a lower index"
_PARTS_KNOWN = "weight of the parts of the index that are known"


VIEW = View(
    "stress",
    "stress",
    "How stressed are miners, and can they go on?",
    facts=(
        Column("day", "newest day with a gauge", DATE),
        Column("known_at", "when the gauge of that day was final", UNIX_TIME),
        Column("gauge", GAUGE, INDEX_100, limits=BAND_TEXT, level=LEVEL),
        Column("word", "the word it has"),
        Column("word_held", "how long it has had that word or a worse one", DAYS, "days_in_word"),
        Column("weight_known", "weight of the components that are known", FRACTION),
        Column("index", INDEX, INDEX_100, "index.index", INDEX_BAND_TEXT, LEVEL),
        Column("index_day", "newest day with an index", DATE, "index.day"),
        Column("index_percentile", _LOWER, INDEX_100, "index.percentile"),
        Column("index_weight_known", _PARTS_KNOWN, FRACTION, "index.weight_known"),
        Column("window", "window of the percentiles; 0: all earlier days", DAYS),
        Column("fewest", "fewest earlier days for a percentile or a word", DAYS),
        Column("weights_file", "file of the weights"),
    ),
    tables={
        "components": defined(
            {
                "contribution_index_0_100": "percentile times weight; of the index, share times "
                "weight"
            },
            Column("figure", "figure", hidden=True, definition="gauge or index"),
            Column("name", "name", hidden=True),
            Column("title", "component", wide=True),
            Column("value", "value", limits="of the row: see interval"),
            Column("unit", "unit", hidden=True),
            Column(
                "percentile",
                "percentile",
                INDEX_100,
                limits=f"{LEVEL:.0%} of the component's own band",
                level=LEVEL,
                text=whole,
                spare=1,
                definition="of the component's own earlier days in the window, those with less "
                "stress",
            ),
            Column("weight", "weight", FRACTION, digits=0),
            Column("stated_weight", "weight with all known", FRACTION, hidden=True),
            Column("contribution", "points", INDEX_100, text=tenths),
            Column("day", "day", DATE, spare=2),
            Column("missing", "missing", hidden=True),
            Column("stress", "end of it that is stress", hidden=True),
            Column("definition", "definition", hidden=True),
            Column("why", "what it measures", hidden=True),
            Column("interval", "kind of interval of the value", hidden=True),
            Column("source", "source", hidden=True),
        ),
        "history": (
            Column("day", "day", DATE),
            Column("gauge", "gauge", INDEX_100, None, BAND_TEXT, LEVEL, text=tenths),
            Column("word", "word"),
            Column("index", "sustainability", INDEX_100, None, INDEX_BAND_TEXT, LEVEL, text=tenths),
            Column("weight_known", "weight known", FRACTION, digits=0, spare=1),
            *(Column(f"{word}_from", f"{word} from", INDEX_100, hidden=True) for word in WORDS),
            Column("missing", "missing components", hidden=True),
            Column("known_at", "known at", UNIX_TIME, hidden=True),
        ),
    },
    more={
        "words": "each word: where it begins (points, quantile of the gauge's earlier days), and "
        "the fraction of the draws that have it",
        "hindsight": "inputs that were first stated after the day",
        "components": "of a history: components of the gauge, with unit, definition and weight",
        "index_parts": "of a history: parts of the index, with definition and weight",
    },
    open_rows=True,
)


def stress(
    record: Record,
    *,
    weights: Path | None = None,
    history: bool = False,
    start: int | None = None,
    end: int | None = None,
) -> Answer:
    """The stress gauge and the miner-sustainability index as known at the record's moment.

    weights: a TOML file whose sections replace those of ``stress.toml``. history: every day in
    place of the newest one's components. start, end: Unix seconds between which days of a history
    begin, the end excluded. Raises UsageError, BadStressFile, NoStress, BadFigures.
    """
    from hashcanary.studies.stress.component import all_components
    from hashcanary.studies.stress.sustainability import stress_sources, sustainability_history

    only_of_history(start, end, "the gauge", history=history)
    known = all_components()
    settings = read_settings(known, weights)
    sources = stress_sources(record)
    gauge = stress_history(sources, settings, known)
    index = sustainability_history(sources, settings)
    now = stress_now(gauge, index, record.at_text)
    hindsight = hindsight_notes(sources, now.day)
    if history:
        return _history(record, gauge, index, now, hindsight, (start, end))
    return Answer(
        VIEW,
        record,
        f"{_title(now)}, as known at {record.at_text}",
        (_components(now),),
        facts=_facts(now, settings),
        more={"words": _words(now, settings), "hindsight": list(hindsight)},
        sentences=sentences(now, settings),
        notes=_notes(now, settings, hindsight),
        result=now,
    )


def _facts(now: StressNow, settings: Settings) -> dict[str, Cell]:
    known: dict[str, Cell] = {
        "window": settings.window_days,
        "fewest": settings.fewest_days,
        "weights_file": settings.file,
    }
    return VIEW.facts_of(now, known)


def _words(now: StressNow, settings: Settings) -> list[dict[str, object]]:
    begins = (None, *now.cuts) if now.cuts else (None,) * len(ALL_WORDS)
    chance = now.chance or (None,) * len(ALL_WORDS)
    quantiles = (None, *settings.cuts)
    return [
        {
            "word": word,
            "begins_at_index_0_100": cut,
            "begins_at_quantile_fraction": quantile,
            "draws_fraction": share,
        }
        for word, cut, quantile, share in zip(ALL_WORDS, begins, quantiles, chance, strict=True)
    ]


def _components(now: StressNow) -> Table:
    """Gauge and index, a row a component and one for the whole."""
    rows = [_component(each, now.day) for each in now.components]
    rows.append(_total("gauge", GAUGE, now.gauge, now.day))
    index = now.index
    if index is not None:
        rows += [_part(each, index.day) for each in index.parts]
        rows.append(_total("index", INDEX, index.index, index.day))
    columns = VIEW.tables["components"]
    return Table("components", GAUGE, columns, rows, shown=[_for_people(row) for row in rows])


def _row(**cells: Cell) -> dict[str, Cell]:
    return dict.fromkeys(column.name for column in VIEW.tables["components"]) | cells


def _component(row: ComponentNow, of: int) -> dict[str, Cell]:
    component = row.component
    return _row(
        figure="gauge",
        name=component.name,
        title=component.title,
        value=row.value,
        unit=component.unit.suffix,
        percentile=row.percentile,
        weight=row.weight,
        stated_weight=row.stated_weight,
        contribution=row.contributes,
        day=of,
        missing=row.missing,
        stress=component.stress,
        definition=component.definition,
        why=component.why,
        interval=component.band or "exact",
        source=component.source,
    )


def _part(part: PartNow, of: int) -> dict[str, Cell]:
    return _row(
        figure="index",
        name=part.name,
        title=PART_TITLES[part.name],
        value=part.value,
        unit=FRACTION.suffix,
        weight=part.weight,
        contribution=part.contributes,
        day=of,
        missing="not known on this day" if part.value is None else None,
        stress="low",
        definition=PART_DEFINITIONS[part.name],
        interval=INDEX_BAND_TEXT,
    )


def _total(figure: str, title: str, value: Interval, of: int) -> dict[str, Cell]:
    return _row(
        figure=figure,
        name=figure,
        title=title,
        value=value,
        unit=INDEX_100.suffix,
        weight=1.0,
        contribution=value.value,
        day=of,
        interval=BAND_TEXT if figure == "gauge" else INDEX_BAND_TEXT,
    )


def _for_people(row: Mapping[str, Cell]) -> dict[str, Cell]:
    """The row with its value as text, in its own unit."""
    value, unit = row["value"], known_units()[str(row["unit"])]
    return {**row, "value": banded(value, unit) if isinstance(value, Interval) else None}


def component_table(now: StressNow) -> Table:
    """The gauge's components that are known, for the report."""
    gone = [each for each in now.components if each.missing]
    rows = [_component(each, now.day) for each in now.components if not each.missing]
    return Table(
        "stress_components",
        "Components of the stress gauge",
        VIEW.columns("components", "title", "percentile", "value", "contribution"),
        rows,
        note=harmless(
            "Percentile: share of the component's own earlier days with less stress. Points: "
            f"percentile times weight; their sum is the gauge. Band of the gauge: {BAND_TEXT}. "
            "Weights are stated, not fitted; hashcanary study stress tests them. Fleet underwater: "
            "the mean of monthly draws here, their median above."
            + (f" {_missing(gone)}" if gone else "")
        ),
        empty="No component is known.",
        shown=[_for_people(row) for row in rows],
    )


def _missing(gone: Sequence[ComponentNow]) -> str:
    names = "; ".join(f"{each.component.title} ({each.missing})" for each in gone)
    return f"Missing: {names}. The other components carry its weight."


def held(now: StressNow) -> str:
    """How long the gauge has had its word or a worse one; empty without a word.

    ``above 70 (stressed) for 5 days``; thresholds are those of the newest day.
    """
    if now.word is None:
        return ""
    days = count(now.days_in_word, "day")
    if now.word == CALM:
        return f"below {now.cuts[0]:.0f} ({CALM}) for {days}"
    return f"above {now.cuts[WORDS.index(now.word)]:.0f} ({now.word}) for {days}"


def gauge_sentence(now: StressNow) -> str:
    """The gauge in one sentence."""
    since = f" and has been {held(now)}" if now.word else ""
    return (
        f"The stress gauge stands at {now.gauge.value:.0f} of 100 ({LEVEL:.0%}: "
        f"{now.gauge.low:.0f} to {now.gauge.high:.0f}){since}."
    )


def parts_text(index: IndexNow) -> str:
    """The parts of the index that are known, each with its band."""
    return ", ".join(
        f"{PART_TITLES[part.name].lower()} {banded(part.value, FRACTION, 0)}"
        for part in index.parts
        if part.value is not None
    )


def _title(now: StressNow) -> str:
    word = f", {now.word}" if now.word else ""
    return f"{GAUGE} {_of_100(now.gauge)}{word}, on {day(now.day)}"


def _of_100(figure: Interval) -> str:
    return f"{figure.value:.0f} of 100 ({figure.low:.0f} to {figure.high:.0f})"


def sentences(now: StressNow, settings: Settings) -> list[str]:
    """What gauge and index say."""
    lines = []
    if now.word:
        begins = ", ".join(
            f"{word} from {cut:.0f}" for word, cut in zip(WORDS, now.cuts, strict=True)
        )
        quantiles = ", ".join(percent(each, 0) for each in settings.cuts)
        shares = ", ".join(
            f"{word} {percent(share, 0)}"
            for word, share in zip(ALL_WORDS, now.chance, strict=True)
            if share >= 0.005
        )
        lines += [
            f"The gauge has been {held(now)}.",
            f"0 is calm, 100 is stress: {begins}.",
            f"These thresholds move: they are the {quantiles} quantiles of the gauge's earlier "
            "days.",
            f"Chance of each word over the draws: {shares}.",
        ]
    else:
        days = count(settings.fewest_days, "earlier day")
        lines.append(f"The gauge has no word yet: a word takes {days} with a gauge.")
    return [*lines, *_index_sentences(now.index, settings)]


def _index_sentences(index: IndexNow | None, settings: Settings) -> list[str]:
    if index is None:
        return [f"Missing: {INDEX.lower()}; too little is known of the fleet and of costs."]
    lines = [f"{INDEX} is {_of_100(index.index)} on {day(index.day)}."]
    if index.percentile is not None:
        window = settings.window_days
        days = f"the last {count(window, 'day')}" if window else "all earlier days"
        lines.append(f"It was lower on {index.percentile:.0f}% of {days}.")
    return [*lines, "It is made of shares, not of percentiles."]


def _notes(now: StressNow, settings: Settings, hindsight: Sequence[str]) -> list[str]:
    window = settings.window_days
    days = f"last {count(window, 'day')}" if window else "earlier days"
    gone = [each for each in now.components if each.missing]
    return [
        f"Percentile: share of the component's own {days} with less stress. Points: percentile "
        "times weight; their sum is the gauge.",
        f"Bands of the gauge: {BAND_TEXT}. Of the index: {INDEX_BAND_TEXT}.",
        *([f"{_missing(gone)} Known weight: {percent(now.weight_known, 0)}."] if gone else []),
        *([f"Inputs first published later: {'; '.join(hindsight)}."] if hindsight else []),
        f"Weights: {settings.file}.",
    ]


def _history(
    record: Record,
    gauge: StressHistory,
    index: SustainabilityHistory,
    now: StressNow,
    hindsight: Sequence[str],
    between: tuple[int | None, int | None],
) -> Answer:
    start, end = between
    known = np.isfinite(gauge.gauge) | np.isfinite(index.index)
    inside = (gauge.time >= (start or 0)) & (gauge.time < (end or np.iinfo(np.int64).max))
    rows = [_day(gauge, index, int(at)) for at in np.flatnonzero(known & inside)]
    shown = rows if len(rows) <= _DAYS_SHOWN else month_ends(rows, itemgetter("day"))
    cut = ["Shown: the last day of each of the last months; --csv has every day."]
    return Answer(
        VIEW,
        record,
        f"{GAUGE} and {INDEX.lower()} by day, as known at {record.at_text}",
        (Table("history", "By day", _history_columns(gauge), rows, shown=shown),),
        facts=_facts(now, gauge.settings),
        more={
            "words": _words(now, gauge.settings),
            "hindsight": list(hindsight),
            **_declared(gauge),
        },
        notes=[
            *(cut if len(shown) < len(rows) else []),
            f"Bands of the gauge: {BAND_TEXT}. Of the index: {INDEX_BAND_TEXT}.",
        ],
        result=gauge,
    )


def _declared(gauge: StressHistory) -> dict[str, object]:
    """What the columns of a history are, beside them."""
    return {
        "components": [
            {
                "name": each.component.name,
                "unit": each.component.unit.suffix,
                "stress": each.component.stress,
                "definition": each.component.definition,
                "weight_fraction": each.weight,
            }
            for each in gauge.components
        ],
        "index_parts": [
            {"name": name, "definition": PART_DEFINITIONS[name], "weight_fraction": weight}
            for name, weight in gauge.settings.index.items()
        ],
    }


def _history_columns(gauge: StressHistory) -> list[Column]:
    """The columns of every history, and two of each component."""
    columns = list(VIEW.tables["history"])
    for each in gauge.components:
        name, title = each.component.name, each.component.title
        columns += [
            Column(f"{name}_percentile", f"{title}, percentile", INDEX_100, hidden=True),
            Column(f"{name}_value", title, each.component.unit, hidden=True),
        ]
    return columns


def _day(gauge: StressHistory, index: SustainabilityHistory, at: int) -> dict[str, Cell]:
    word = int(gauge.word[at])
    return {
        "day": int(gauge.time[at]),
        "gauge": limited(gauge.gauge[at], gauge.low[at], gauge.high[at]),
        "word": ALL_WORDS[word] if word >= 0 else None,
        "index": limited(index.index[at], index.low[at], index.high[at]),
        "weight_known": gauge.weight_known[at],
        **{f"{word}_from": cut for word, cut in zip(WORDS, gauge.cuts[:, at], strict=True)},
        **{
            f"{each.component.name}_{kind}": column[at]
            for each in gauge.components
            for kind, column in (("percentile", each.percentile), ("value", each.value))
        },
        "missing": [each.component.name for each in gauge.components if each.missing[at]],
        "known_at": gauge.known_at[at],
    }
