"""Parts of the chapter on who is hurt: the stress gauge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Figure, Ledger
from hashcanary.studies.stress.gauge import BAND_TEXT, LEVEL
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND_TEXT
from hashcanary.studies.stress.sustainability import TITLES
from hashcanary.units import INDEX_100
from hashcanary.views.table import INTERVAL, Column, Table, limited
from hashcanary.views.text import bounds, harmless, percent, quantity

if TYPE_CHECKING:
    from hashcanary.studies.stress.answer import ComponentNow, StressNow
    from hashcanary.views.table import Cell

_DRAWN = "drawn fleets, power prices and costs; blocks, closing prices"


def stress_parts(now: StressNow) -> tuple[Ledger | Table, ...]:
    """The gauge and the index as figures, and the gauge's components."""
    return _ledger(now), _components(now)


def _ledger(now: StressNow) -> Ledger:
    gauge = Figure(
        key="stress.gauge",
        label="Stress gauge, 0 to 100",
        value=now.gauge,
        unit=INDEX_100,
        low=now.low,
        high=now.high,
        level=LEVEL,
        interval=BAND_TEXT,
        since=now.day,
        until=now.day + DAY,
        source=_DRAWN,
        note=_word(now),
        term="gauge",
    )
    index = now.index
    if index is None:
        missing = "too little of what it is made of is known"
        return Ledger(
            "stress",
            "Stress",
            (gauge, Figure("stress.index", _INDEX, None, INDEX_100, missing=missing, term="gauge")),
        )
    parts = ", ".join(
        f"{TITLES[one.name].lower()} {percent(one.value, 0)} "
        f"({percent(one.low, 0)} to {percent(one.high, 0)})"
        for one in index.parts
        if one.value is not None and one.low is not None and one.high is not None
    )
    return Ledger(
        "stress",
        "Stress",
        (
            gauge,
            Figure(
                key="stress.index",
                label=_INDEX,
                value=index.index,
                unit=INDEX_100,
                low=index.low,
                high=index.high,
                level=LEVEL,
                interval=INDEX_BAND_TEXT,
                since=index.day,
                until=index.day + DAY,
                source=_DRAWN,
                note=parts,
                term="gauge",
            ),
        ),
    )


_INDEX = "Miner sustainability, 0 to 100"


def _word(now: StressNow) -> str:
    return now.held or "no word yet: too few days are behind it"


def stress_sentence(now: StressNow) -> str:
    """The gauge for the verdict."""
    word = f", {now.held}" if now.held else ""
    return (
        f"The stress gauge stands at {now.gauge:.0f} of 100 ({LEVEL:.0%}: {now.low:.0f} to "
        f"{now.high:.0f}){word}."
    )


def _components(now: StressNow) -> Table:
    gone = [one for one in now.components if one.missing is not None]
    note = (
        "Percentile: of the days before, of the sign itself, with less stress; points: percentile "
        f"times weight, their sum is the gauge. Its band: {BAND_TEXT}. Weights are stated, not "
        "fitted; how far it is to be trusted: hashcanary study stress. The fleet under water is "
        "here the mean of monthly draws, and their median above."
    )
    if gone:
        missing = "; ".join(f"{one.component.title}: {one.missing}" for one in gone)
        note += f" Missing, their weight left to the others: {missing}."
    return Table(
        key="stress_components",
        title="What the stress gauge is made of",
        columns=(
            Column("component", "sign"),
            Column("percentile", "percentile (90%)", INDEX_100, limits=INTERVAL, digits=2),
            Column("value", "value"),
            Column("points", "points", INDEX_100, digits=3),
        ),
        rows=tuple(_component_row(one) for one in now.components if one.missing is None),
        note=harmless(note),
        empty="No sign is known.",
    )


def _component_row(one: ComponentNow) -> tuple[Cell, ...]:
    percentile = limited(one.percentile, one.percentile_low, one.percentile_high)
    unit, value = one.component.unit, one.value
    said = None
    if value is not None:
        inner = bounds(one.low, one.high, unit, digits=3) if one.low != one.high else ""
        said = quantity(value, unit, 3) + (f" ({inner})" if inner else "")
    return harmless(one.component.title), percentile, said, one.contributes
