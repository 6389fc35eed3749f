"""The process that computes what the years say: the same as without it, or a named error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from polars.testing import assert_frame_equal

from hashcanary.metrics.engine import Results, compute
from hashcanary.report.errors import YearsFailed
from hashcanary.report.years import Years, needed, years
from hashcanary.report.years_job import YearsJob

if TYPE_CHECKING:
    from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def results(simulated_record: Record) -> Results:
    # one more than is needed, whose name begins like those of others
    return compute(simulated_record, (*needed(), "hashprice.realised"))


@pytest.fixture(scope="module")
def told(simulated_record: Record, results: Results) -> Years:
    return years(simulated_record, results)


def test_a_process_of_its_own_says_the_same(
    simulated_record: Record, results: Results, told: Years
) -> None:
    with YearsJob() as job:
        found = job(simulated_record, results)
    assert found.costs is not None
    assert told.costs is not None
    for name in ("cost_days", "fleet_days", "stress_days"):
        assert_frame_equal(getattr(found, name), getattr(told, name), check_exact=True)
    ours = [(one.model.name, one.usd_per_btc, one.low, one.high) for one in told.costs.answers]
    theirs = [(one.model.name, one.usd_per_btc, one.low, one.high) for one in found.costs.answers]
    assert theirs == ours
    assert (found.no_costs, found.no_stress) == (told.no_costs, told.no_stress)
    assert found.stress is not None
    assert told.stress is not None
    assert (found.stress.gauge, found.stress.low) == (told.stress.gauge, told.stress.low)


def test_a_process_that_fails_says_how(
    simulated_record: Record, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "raise SystemExit('no such fleet')"
    monkeypatch.setattr("hashcanary.report.years_job._PROGRAM", program)
    with YearsJob() as job, pytest.raises(YearsFailed, match="code 1: no such fleet"):
        job(simulated_record, results)


def test_a_process_that_is_not_needed_is_ended() -> None:
    with YearsJob() as job:
        process, folder = job._process, job._folder.name
    assert process.returncode is not None
    assert not Path(folder).exists()


def test_without_prices_it_says_what_it_lacks(simulated_record: Record) -> None:
    bare = replace(simulated_record, candles=simulated_record.candles.clear())
    found = years(bare, compute(bare, needed()))
    assert found.costs is not None
    assert found.costs.price_usd is None
    # what a coin takes in power needs no price of it
    known = {one.model.name for one in found.costs.answers if one.usd_per_btc is not None}
    assert "electricity" in known
    assert all(one.ratio is None for one in found.costs.answers)
    assert found.stress is None
    assert found.no_stress
    assert found.stress_days.height == 0


def test_costs_are_drawn_by_week_and_every_day_of_the_last(told: Years) -> None:
    steps = told.cost_days["time"].diff().drop_nulls() // 86_400
    assert set(steps[:-8].to_list()) == {7}
    assert set(steps[-6:].to_list()) == {1}
