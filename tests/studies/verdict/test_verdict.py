"""The verdict on a record: what it takes for present, and what it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.studies.verdict.verdict import _rank, verdict_of

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def record(simulated_lake: Path) -> Record:
    return record_of(Lake.open(simulated_lake))


def test_the_rank_is_that_of_the_last_known_mean_unless_it_is_old(record: Record) -> None:
    rows = metrics_of(record)["drawdown.sma30"].present()
    last, value = int(rows["time"][-1]), float(rows["value"][-1])
    found = _rank(record, last + 2.0 * DAY)
    assert found is not None
    assert found.drawdown == value
    deeper = rows.filter(rows["time"] < found.peak, rows["value"] <= value)
    assert found.before == (int(deeper["time"][-1]) if deeper.height else None)
    # a mean of before a gap says nothing of now
    assert _rank(record, last + 20.0 * DAY) is None


def test_hashrates_are_tried_until_one_changes_the_state(record: Record) -> None:
    found = verdict_of(record)
    *same, last = found.changes
    assert all(one.state == found.state for one in same)
    assert last.state != found.state or len(found.changes) == 5
    assert [one.rate for one in found.changes] == [1.0, 0.95, 1.05, 0.9, 1.1][: len(found.changes)]
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert max(found.probabilities.values()) == found.probabilities[found.state]
