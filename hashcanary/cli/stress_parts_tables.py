"""The tables of ``hashcanary study stress`` on how the gauge is put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.cli.output import Column, Table
from hashcanary.cli.stress_cells import (
    document,
    many,
    marked,
    number,
    percent,
    tenths,
    thousandths,
    whole,
)
from hashcanary.moments import iso_day
from hashcanary.studies.stress.against import against
from hashcanary.studies.stress.robustness import LEVEL, correlations
from hashcanary.units import COUNT, DAYS, FRACTION, INDEX_100, RATIO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row
    from hashcanary.store.record import Record
    from hashcanary.studies.stress.capitulations import Capitulation
    from hashcanary.studies.stress.gauge import StressHistory
    from hashcanary.studies.stress.robustness import Difference, RandomWeights


def _difference_columns(first: str) -> list[Column]:
    return [
        Column("what", first),
        Column("days", "days", DAYS, people=whole, spare=1),
        Column("rank_correlation", "corr", RATIO, people=thousandths),
        Column("mean", "mean", INDEX_100, people=tenths),
        Column("largest", "most", INDEX_100, people=tenths),
        Column("word_changed", "word", FRACTION, people=percent),
        Column("false_alarms", "false alarms", COUNT, spare=2),
        Column("missed", "missed", people=many),
        Column("added", "added", people=many),
    ]


def _difference_rows(found: Sequence[Difference]) -> list[Row]:
    return [
        {
            "what": one.what,
            "days": one.days,
            "rank_correlation": one.rank_correlation,
            "mean": one.mean,
            "largest": one.largest,
            "word_changed": one.changed / one.words if one.words else None,
            "missed": list(one.missed),
            "added": list(one.added),
            "false_alarms": one.false_alarms,
        }
        for one in found
    ]


def _named(found: Sequence[Difference], label: str) -> list[str]:
    """Which capitulations are missed, and which are added, by what."""
    texts = [
        f"{kind} {verb} {one.what}: {', '.join(names)}."
        for one in found
        for kind, verb, names in (
            ("Missed", label, one.missed),
            ("Added", label, one.added),
        )
        if names
    ]
    return [" ".join(texts)] if texts else []


_COMPARED = (
    "corr: Spearman's rank correlation with the stated gauge. mean, most: absolute difference, "
    "points of 100. word: part of the days on which it is another one. missed, added: published "
    "capitulations."
)


def components(record: Record, history: StressHistory, found: Sequence[Difference]) -> Table:
    """The gauge without each of its parts."""
    names = [one.component.name for one in history.components]
    matrix = correlations(history)
    pairs = sorted(
        (
            (float(matrix[row, column]), names[row], names[column])
            for row in range(len(names))
            for column in range(row)
        ),
        reverse=True,
    )
    near = ", ".join(f"{one} and {two} {value:.2f}" for value, one, two in pairs[:3])
    far = ", ".join(f"{one} and {two} {value:.2f}" for value, one, two in pairs[-2:])
    return Table(
        _difference_columns("without"),
        _difference_rows(found),
        title=f"The stress gauge without each of its parts, as known at {record.at_text}",
        notes=[
            *marked(record),
            f"{_COMPARED} Over the days on which what is left out is known.",
            *_named(found, "without"),
            f"Rank correlation of percentiles: {near} at most, {far} at least. What goes together "
            "counts once by the weight of its group.",
        ],
        document=document(
            record,
            rank_correlations={
                name: dict(zip(names, row.tolist(), strict=True))
                for name, row in zip(names, matrix, strict=True)
            },
        ),
    )


def choices(record: Record, found: Sequence[Difference]) -> Table:
    """The gauge put together otherwise."""
    return Table(
        _difference_columns("instead"),
        _difference_rows(found),
        title=f"The stress gauge put together otherwise, as known at {record.at_text}",
        notes=[*marked(record), _COMPARED, *_named(found, "with")],
        document=document(record),
    )


def _weight_rows(
    history: StressHistory, found: RandomWeights, capitulations: Sequence[Capitulation]
) -> list[Row]:
    rows: list[Row] = []
    for one in against(history, capitulations).readings:
        if one.highest_day is None:
            continue
        at = int(np.searchsorted(history.time, one.highest_day))
        rows.append(
            {
                "capitulation": one.capitulation.name,
                "day": iso_day(one.highest_day),
                "gauge": one.highest,
                "low": float(found.low[at]),
                "high": float(found.high[at]),
                "same_word": number(float(found.same[at])),
            }
        )
    return rows


def _weight_columns() -> list[Column]:
    return [
        Column("capitulation", "capitulation"),
        Column("day", "highest on"),
        Column("gauge", "gauge", INDEX_100, people=whole),
        Column("low", "low", INDEX_100, people=whole),
        Column("high", "high", INDEX_100, people=whole),
        Column("same_word", "same word", FRACTION, people=percent),
    ]


def weights(
    record: Record,
    history: StressHistory,
    found: RandomWeights,
    capitulations: Sequence[Capitulation],
) -> Table:
    """The gauge under random weights, at the highest day of each capitulation."""
    rows = _weight_rows(history, found, capitulations)
    ours = against(history, capitulations).hits.hits
    worse = float((found.hits < ours).mean())
    better = float((found.hits > ours).mean())
    return Table(
        _weight_columns(),
        rows,
        title=f"The stress gauge under random weights, as known at {record.at_text}",
        notes=[
            *marked(record),
            f"{found.draws:,} weights, even over all there can be (Dirichlet, all parameters 1). "
            f"low, high: {LEVEL:.0%} of them; {found.width:.0f} points wide on average. The word "
            f"of a day is the same under {found.holds:.0%} of the weights.",
            f"Hits: {ours} of {found.covered} by the stated weights; fewer under {worse:.0%} of "
            f"the random ones, more under {better:.0%}.",
        ],
        document=document(
            record,
            draws=found.draws,
            width_index_0_100=found.width,
            word_holds_fraction=found.holds,
            hits=found.hits.tolist(),
            hits_stated=ours,
            covered=found.covered,
        ),
    )
