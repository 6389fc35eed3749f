"""The table of ``hashcanary stress``: gauge and index as known at a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.cli.output import Column, Table
from hashcanary.cli.stress_cells import document, marked, percent, tenths, whole
from hashcanary.moments import iso_day, iso_time
from hashcanary.studies.stress.answer import ALL_WORDS
from hashcanary.studies.stress.gauge import BAND_TEXT
from hashcanary.studies.stress.settings import WORDS
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND_TEXT
from hashcanary.studies.stress.sustainability import DEFINITIONS, TITLES
from hashcanary.units import FRACTION, INDEX_100

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.answer import ComponentNow, IndexNow, PartNow, StressNow
    from hashcanary.studies.stress.settings import Settings
    from hashcanary.units import Unit

GAUGE, INDEX = "Stress gauge", "Miner sustainability"


def now(record: Record, found: StressNow, settings: Settings, hindsight: Sequence[str]) -> Table:
    """Gauge and index as known at a moment, a row a component."""
    rows = _now_rows(found)
    word = f", {found.word}" if found.word else ""
    return Table(
        _columns(),
        rows,
        title=f"{GAUGE} {found.gauge:.0f} of 100 ({found.low:.0f} to {found.high:.0f}){word}: "
        f"{iso_day(found.day)}, as known at {record.at_text}",
        notes=_now_notes(record, found, settings, hindsight),
        document=_now_document(record, found, settings, hindsight),
        people_rows=[_for_people(row) for row in rows],
    )


def _columns() -> list[Column]:
    return [
        Column("figure", "figure", data_only=True),
        Column("name", "name", data_only=True),
        Column("title", "component"),
        Column("value", "value"),
        Column("low", "low"),
        Column("high", "high"),
        Column("unit", "unit", data_only=True),
        Column("percentile", "percentile", INDEX_100, people=whole),
        Column("percentile_low", "low", INDEX_100, people=whole, spare=2),
        Column("percentile_high", "high", INDEX_100, people=whole, spare=2),
        Column("weight", "weight", FRACTION, people=percent),
        Column("stated_weight", "stated weight", FRACTION, data_only=True),
        Column("contributes", "points", INDEX_100, people=tenths),
        Column("day", "of", spare=1),
        *(
            Column(key, key, data_only=True)
            for key in ("missing", "stress", "definition", "why", "band", "source")
        ),
    ]


def _now_rows(found: StressNow) -> list[Row]:
    day = iso_day(found.day)
    rows = [_component_row(one, day) for one in found.components]
    rows.append(_total("gauge", GAUGE, (found.gauge, found.low, found.high), day, BAND_TEXT))
    index = found.index
    if index is not None:
        of = iso_day(index.day)
        rows += [_part_row(one, of) for one in index.parts]
        whole = (index.index, index.low, index.high)
        rows.append(_total("index", INDEX, whole, of, INDEX_BAND_TEXT))
    return rows


def _component_row(one: ComponentNow, day: str) -> Row:
    declared = one.component
    return {
        "figure": "gauge",
        "name": declared.name,
        "title": declared.title,
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "unit": declared.unit.suffix,
        "percentile": one.percentile,
        "percentile_low": one.percentile_low,
        "percentile_high": one.percentile_high,
        "weight": one.weight,
        "stated_weight": one.stated_weight,
        "contributes": one.contributes,
        "day": day,
        "missing": one.missing,
        "stress": declared.stress,
        "definition": declared.definition,
        "why": declared.why,
        "band": declared.band or "exact",
        "source": declared.source,
    }


def _part_row(one: PartNow, day: str) -> Row:
    return {
        "figure": "index",
        "name": one.name,
        "title": TITLES[one.name],
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "unit": FRACTION.suffix,
        "weight": one.weight,
        "contributes": one.contributes,
        "day": day,
        "stress": "low",
        "definition": DEFINITIONS[one.name],
        "band": INDEX_BAND_TEXT,
        "missing": "not known on this day" if one.value is None else None,
    }


def _total(figure: str, title: str, band: tuple[float, float, float], day: str, said: str) -> Row:
    value, low, high = band
    return {
        "figure": figure,
        "name": figure,
        "title": title,
        "value": value,
        "low": low,
        "high": high,
        "unit": INDEX_100.suffix,
        "weight": 1.0,
        "contributes": value,
        "day": day,
        "band": said,
    }


def _for_people(row: Row) -> Row:
    """The row with its values as text, each in its unit."""
    from hashcanary.units import known_units

    unit = known_units()[str(row["unit"])]
    return {**row, **{key: _in_unit(row.get(key), unit) for key in ("value", "low", "high")}}


def _in_unit(value: object, unit: Unit) -> str | None:
    if value is None:
        return None
    number = float(str(value))
    if unit is INDEX_100:
        return f"{number:.1f}"
    return f"{number:.1%}" if unit.percent else f"{number:.2f}"


def _now_notes(
    record: Record, found: StressNow, settings: Settings, hindsight: Sequence[str]
) -> list[str]:
    notes = marked(record)
    if found.word:
        begins = ", ".join(
            f"{word} from {cut:.0f}" for word, cut in zip(WORDS, found.cuts, strict=True)
        )
        below = ", ".join(f"{quantile:.0%}" for quantile in settings.cuts)
        chances = ", ".join(
            f"{word} {chance:.0%}"
            for word, chance in zip(ALL_WORDS, found.chance, strict=True)
            if chance >= 0.005
        )
        notes.append(
            f"{GAUGE}: {found.held}. 0 is calm, 100 stress; "
            f"{begins} (as {below} of its own days before are below). Draws: {chances}."
        )
    else:
        notes.append(
            f"{GAUGE}: no word, since it spoke on fewer than {settings.fewest_days} days before."
        )
    notes += _index_notes(found.index, settings)
    window = f"the last {settings.window_days:,} days" if settings.window_days else "all days"
    notes.append(
        f"percentile: the part of {window} before, of the component itself, with less stress. "
        f"points: percentile x weight; their sum is the gauge. Its band: {BAND_TEXT}."
    )
    gone = [one for one in found.components if one.missing]
    if gone:
        names = "; ".join(f"{one.component.title} ({one.missing})" for one in gone)
        notes.append(
            f"MISSING: {names}. The others take over the weight: {found.weight_known:.0%} of it is "
            "known."
        )
    if hindsight:
        notes.append(f"Stated with hindsight: {'; '.join(hindsight)}.")
    return [*notes, f"Weights: {settings.file}."]


def _index_notes(index: IndexNow | None, settings: Settings) -> list[str]:
    if index is None:
        return [f"{INDEX}: too little is known of the fleet and of costs."]
    than = ""
    if index.percentile is not None:
        before = f"of the last {settings.window_days:,} days" if settings.window_days else "before"
        than = f", higher than on {index.percentile:.0f}% {before}"
    return [
        f"{INDEX} {index.index:.0f} of 100 ({index.low:.0f} to {index.high:.0f}) on "
        f"{iso_day(index.day)}{than}: shares of what pays, not percentiles. Its band: "
        f"{INDEX_BAND_TEXT}."
    ]


def _now_document(
    record: Record, found: StressNow, settings: Settings, hindsight: Sequence[str]
) -> dict[str, object]:
    return document(
        record,
        day=iso_day(found.day),
        known_at=iso_time(found.known_at),
        gauge={
            "value": found.gauge,
            "low": found.low,
            "high": found.high,
            "unit": INDEX_100.suffix,
            "interval": BAND_TEXT,
            "word": found.word,
            "days_in_word_or_worse": found.days_in_word,
            "words_begin_at_index_0_100": dict(zip(WORDS, found.cuts, strict=False)),
            "words_begin_at_quantile_fraction": dict(zip(WORDS, settings.cuts, strict=True)),
            "part_of_draws_fraction": dict(zip(ALL_WORDS, found.chance, strict=False)),
            "weight_known_fraction": found.weight_known,
        },
        index=None if found.index is None else _index_document(found.index),
        weights_file=settings.file,
        window_days=settings.window_days,
        fewest_days=settings.fewest_days,
        hindsight=list(hindsight),
    )


def _index_document(index: IndexNow) -> dict[str, object]:
    return {
        "value": index.index,
        "low": index.low,
        "high": index.high,
        "unit": INDEX_100.suffix,
        "interval": INDEX_BAND_TEXT,
        "day": iso_day(index.day),
        "percentile_index_0_100": index.percentile,
        "weight_known_fraction": index.weight_known,
    }
