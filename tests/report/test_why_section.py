"""The chapter that says whether a fall was real, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.inference.gap.explanation import explain_drop
from hashcanary.report.sections.why import explained, why
from hashcanary.views.drop import times
from hashcanary.views.text import cell

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.inference.gap.explanation import Explanation
    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

# the end of 2 February 2026, ten days after the storm began
AFTER_THE_STORM = 1_770_076_800


@pytest.fixture(scope="module")
def storm(real_record: Record, cut: Cut) -> Explanation:
    return explain_drop(cut(real_record, AFTER_THE_STORM))


def test_every_cause_and_the_depth_stand_there_with_what_they_rest_on(storm: Explanation) -> None:
    section = why(storm)
    figures = {figure.key: figure for figure in section.figures}
    depth = figures.pop("explain.depth")
    assert isinstance(depth.value, float)
    assert depth.low is not None
    assert depth.high is not None
    assert depth.low < depth.value < depth.high < 0
    shares = [figure.value for figure in figures.values()]
    assert len(shares) == len(storm.probabilities)
    assert sum(float(str(share)) for share in shares) == pytest.approx(1)
    assert all("before any evidence" in figure.note for figure in figures.values())
    # the cause stands in the headline as in the ledger: the most probable first
    first = next(iter(figures.values()))
    assert first.label.removeprefix("Probability of ") in section.lead


def test_the_evidence_says_how_much_likelier_it_is_under_each_cause(storm: Explanation) -> None:
    tables = {each.key: each for each in why(storm).tables}
    evidence, pools = tables["evidence"], tables["pool_losses"]
    rows = evidence.records()
    for row, kind in zip(rows, storm.evidence, strict=True):
        assert row["kind"] == kind.kind
        for name in ("curtailment", "economics", "exit"):
            factor = row[f"{name}_log_bayes_factor_nats"]
            assert factor == (None if kind.factors is None else kind.factors[name])
    shown = {column.name: column for column in evidence.columns}
    assert shown["exit_log_bayes_factor"].text is times
    assert pools.rows[0].name == "Foundry USA"
    assert all(row.before >= 30 for row in pools.rows)


def test_without_labels_and_prices_it_says_what_it_lacks(real_record: Record, cut: Cut) -> None:
    record = cut(real_record, AFTER_THE_STORM)
    bare = replace(
        record,
        pool_labels=record.pool_labels.head(0),
        daily=record.daily.head(0),
        candles=record.candles.head(0),
    )
    section = why(explained(bare))
    assert len(section.notes) == 3
    assert all(note.startswith("Missing: ") for note in section.notes)
    assert [table.key for table in section.tables] == ["evidence", "drops"]


def test_too_few_blocks_are_said_in_its_place(real_record: Record) -> None:
    section = why(explained(replace(real_record, blocks=real_record.blocks.head(1))))
    assert "found 1" in section.lead
    assert section.parts == ()


def test_names_of_pools_are_harmless(real_record: Record, cut: Cut) -> None:
    record = cut(real_record, AFTER_THE_STORM)
    hostile = "\x1b]0;owned\x07"
    named = record.pool_labels.with_columns(pool=pl.lit(hostile))
    section = why(explained(replace(record, pool_labels=named)))
    shown = [
        cell(value, column)
        for table in section.tables
        for row in table.rows
        for value, column in zip(table.cells(row), table.columns, strict=True)
    ]
    assert "\x1b" not in "".join([section.lead, *section.notes, *shown])
