"""The year before a moment: nothing later is used, and one year is drawn on from another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.inference.gap.gap import gap_of
from hashcanary.inference.gap.past_year import PastYears, moved_by, past_year
from hashcanary.moments import DAY, iso_time, parse_moment
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def record(simulated_lake: Path) -> Record:
    return record_of(Lake.open(simulated_lake))


@pytest.fixture(scope="module")
def moment(record: Record) -> int:
    """Some two weeks into a storm of the simulated history, at the end of a day."""
    times = record.chain["time"]
    return int(times.max()) // DAY * DAY - 100 * DAY  # type: ignore[arg-type]


def test_a_year_knows_nothing_of_what_came_later(
    record: Record, simulated_lake: Path, moment: int
) -> None:
    known = record_of(Lake.open(simulated_lake), parse_moment(iso_time(moment)))
    cut, whole = past_year(known), PastYears(record).until(moment)
    assert cut.now == whole.now <= moment
    assert np.array_equal(cut.draws.log_rate, whole.draws.log_rate)
    assert np.array_equal(cut.draws.falls, whole.draws.falls)
    assert np.array_equal(cut.evidence.log_factor, whole.evidence.log_factor)
    assert np.array_equal(cut.evidence.place, whole.evidence.place)


def test_a_day_more_agrees_with_draws_from_nothing(record: Record, moment: int) -> None:
    years = PastYears(record)
    first = years.until(moment)
    later = [years.until(moment + day * DAY) for day in (1, 2, 3)][-1]
    fresh = PastYears(record).until(moment + 3 * DAY)
    assert first.now + 2 * DAY < later.now == fresh.now
    assert np.array_equal(later.evidence.log_factor, fresh.evidence.log_factor)
    one, other = gap_of(later.draws), gap_of(fresh.draws)
    assert one.below.value == pytest.approx(other.below.value, abs=0.02)
    for name, share in one.causes.items():
        assert share.value == pytest.approx(other.causes[name].value, abs=0.06)


def test_after_a_gap_chains_begin_anew(record: Record, moment: int) -> None:
    years = PastYears(record)
    years.until(moment - 40 * DAY)
    again, fresh = years.until(moment), PastYears(record).until(moment)
    assert np.array_equal(again.draws.falls, fresh.draws.falls)


def test_an_earlier_moment_begins_anew(record: Record, moment: int) -> None:
    years = PastYears(record)
    years.until(moment)
    again = years.until(moment - DAY)
    assert np.array_equal(again.draws.falls, PastYears(record).until(moment - DAY).draws.falls)


def test_a_record_keeps_its_year(record: Record) -> None:
    assert past_year(record) is past_year(record)


def test_a_table_by_day_moves_with_the_days() -> None:
    assert moved_by(np.array([0, 1, 2, 3]), 2).tolist() == [2, 3, 0, 0]
    assert moved_by(np.array([0, 1]), 0).tolist() == [0, 1]
