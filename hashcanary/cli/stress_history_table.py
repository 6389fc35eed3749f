"""The table of ``hashcanary stress --history``: gauge, index and components by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.cli.output import Column, Table
from hashcanary.cli.stress_cells import document, marked, percent, tenths
from hashcanary.moments import iso_day, iso_time
from hashcanary.studies.stress.answer import ALL_WORDS
from hashcanary.studies.stress.gauge import BAND_TEXT
from hashcanary.studies.stress.settings import WORDS
from hashcanary.studies.stress.sustainability import BAND_TEXT as INDEX_BAND_TEXT
from hashcanary.units import FRACTION, INDEX_100

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.sustainability import SustainabilityHistory

_MONTHS_SHOWN, _DAYS_SHOWN = 13, 62


def history(
    record: Record,
    gauge: StressHistory,
    index: SustainabilityHistory,
    start: int | None,
    end: int | None,
) -> Table:
    """Gauge, index and percentiles by day; people see the last day of each of the last months."""
    told = np.isfinite(gauge.gauge) | np.isfinite(index.index)
    inside = (gauge.time >= (start or 0)) & (gauge.time < (end or np.iinfo(np.int64).max))
    rows = [_day_row(gauge, index, int(at)) for at in np.flatnonzero(told & inside)]
    shown = rows if len(rows) <= _DAYS_SHOWN else _month_ends(rows)
    cut = len(shown) < len(rows)
    return Table(
        _columns(gauge),
        rows,
        title=f"Stress gauge and miner sustainability by day, as known at {record.at_text}",
        notes=[
            *marked(record),
            *(["Shown: the last day of each of the last months; --csv has every day."] * cut),
            f"low, high of the gauge: {BAND_TEXT}; of the index (sustains): {INDEX_BAND_TEXT}.",
        ],
        document=document(
            record,
            interval={"gauge": BAND_TEXT, "index": INDEX_BAND_TEXT},
            weights_fraction=dict(gauge.settings.weights),
            index_weights_fraction=dict(gauge.settings.index),
            components={
                one.component.name: {
                    "unit": one.component.unit.suffix,
                    "stress": one.component.stress,
                    "definition": one.component.definition,
                }
                for one in gauge.components
            },
        ),
        people_rows=shown,
    )


def _columns(gauge: StressHistory) -> list[Column]:
    names = [one.component.name for one in gauge.components]
    return [
        Column("time", "day"),
        Column("gauge", "gauge", INDEX_100, people=tenths),
        Column("gauge_low", "low", INDEX_100, people=tenths),
        Column("gauge_high", "high", INDEX_100, people=tenths),
        Column("word", "word"),
        Column("index", "sustains", INDEX_100, people=tenths),
        Column("index_low", "low", INDEX_100, people=tenths),
        Column("index_high", "high", INDEX_100, people=tenths),
        Column("weight_known", "known", FRACTION, people=percent),
        *(Column(f"{word}_from", word, INDEX_100, data_only=True) for word in WORDS),
        *(Column(f"{name}_percentile", name, INDEX_100, data_only=True) for name in names),
        *(
            Column(f"{one.component.name}_value", "value", one.component.unit, data_only=True)
            for one in gauge.components
        ),
        Column("missing", "missing", data_only=True),
        Column("known_at", "known at", data_only=True),
    ]


def _day_row(gauge: StressHistory, index: SustainabilityHistory, at: int) -> Row:
    word = int(gauge.word[at])
    known_at = gauge.known_at[at]
    parts = {
        f"{one.component.name}_{kind}": float(column[at])
        for one in gauge.components
        for kind, column in (("percentile", one.percentile), ("value", one.value))
    }
    return {
        "time": iso_day(int(gauge.time[at])),
        "gauge": float(gauge.gauge[at]),
        "gauge_low": float(gauge.low[at]),
        "gauge_high": float(gauge.high[at]),
        "word": ALL_WORDS[word] if word >= 0 else None,
        "index": float(index.index[at]),
        "index_low": float(index.low[at]),
        "index_high": float(index.high[at]),
        "weight_known": float(gauge.weight_known[at]),
        **{f"{word}_from": float(cut) for word, cut in zip(WORDS, gauge.cuts[:, at], strict=True)},
        **parts,
        "missing": [one.component.name for one in gauge.components if one.missing[at] is not None],
        "known_at": iso_time(int(known_at)) if np.isfinite(known_at) else None,
    }


def _month_ends(rows: Sequence[Row]) -> list[Row]:
    """The last row of each of the last months."""
    last = {str(row["time"])[:7]: row for row in rows}
    return list(last.values())[-_MONTHS_SHOWN:]
