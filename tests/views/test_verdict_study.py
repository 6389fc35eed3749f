"""Scores of the verdict's states as tables and sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from hashcanary.errors import UsageError
from hashcanary.moments import DAY
from hashcanary.studies.verdict.scores import scored
from hashcanary.studies.verdict.spells import Spell
from hashcanary.studies.verdict.states import KNOWN
from hashcanary.views.verdict_study import answer, verdict_study

if TYPE_CHECKING:
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.scores import VerdictScores

START = 18_000 * DAY
RECORD = cast("Record", SimpleNamespace(at_text="latest", simulated=False, provenance={}, at=None))


@pytest.fixture(scope="module")
def found() -> VerdictScores:
    def spell(name: str, state: str, first: int, last: int, *, kept: bool) -> Spell:
        begin, end = START + first * DAY, START + last * DAY
        return Spell(name, state, begin, end, 0, 0, "high", kept=kept, cause="told")

    spells = [
        spell("set", "calm", 0, 29, kept=False),
        spell("fall", "capitulating", 40, 69, kept=False),
        spell("kept", "capitulating", 80, 89, kept=True),
    ]
    said = {
        START + day * DAY: np.array([0.9 if name == spell.state else 0.1 / 6 for name in KNOWN])
        for spell in spells
        for day in range((spell.begin - START) // DAY, (spell.end or 0) // DAY - START // DAY + 1)
    }
    return scored(said, {"ribbons": {}, "drawdown": {}, "gauge": {}}, spells, 1)


def test_each_instrument_has_a_row_by_spells_and_labels(found: VerdictScores) -> None:
    told = answer(RECORD, found)
    rows = told.table().rows(named=True)
    # two kinds of labels, spells of both parts, and six instruments
    assert len(rows) == 2 * 2 * 6
    first = rows[0]
    assert (first["sure"], first["part"], first["instrument"]) == ("high", "set", "verdict")
    assert (first["days"], first["spells"], first["right_fraction"]) == (60, 2, 1.0)
    assert first["log_score_nats"] == pytest.approx(np.log(0.9))
    kept = next(row for row in rows if row["part"] == "kept" and row["instrument"] == "verdict")
    assert (kept["days"], kept["spells"]) == (10, 1)


def test_the_spells_kept_apart_are_told_of(found: VerdictScores) -> None:
    first, second, *_ = answer(RECORD, found).sentences
    assert "On the 10 labelled days kept apart (labels of high certainty)" in first
    assert "scores −0.11, better than ribbons, drawdown and gauge mixed" in first
    assert "high or medium certainty" in second


def test_spells_have_what_was_said_in_them_and_how_soon(found: VerdictScores) -> None:
    rows = {row["spell"]: row for row in answer(RECORD, found, "spells").table().rows(named=True)}
    assert set(rows) == {"set", "fall", "kept"}
    assert (rows["fall"]["onset_days"], rows["set"]["onset_days"]) == (0, None)
    assert rows["kept"]["part"] == "kept"
    assert rows["kept"]["probability"] == pytest.approx(0.9)
    assert rows["kept"]["most"] == "capitulating"


def test_another_table_is_refused() -> None:
    with pytest.raises(UsageError, match="--show"):
        verdict_study(RECORD, show="everything")
