"""What the years say of who is hurt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hashcanary.report.sections.hurt import Years, years

if TYPE_CHECKING:
    from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def told(simulated_record: Record) -> Years:
    return years(simulated_record)


def test_without_prices_it_says_what_it_lacks(simulated_record: Record) -> None:
    bare = replace(simulated_record, candles=simulated_record.candles.clear())
    found = years(bare)
    assert found.costs is not None
    assert found.costs.price_usd is None
    # what a coin takes in power needs no price of it
    known = {one.model.name for one in found.costs.answers if one.cost is not None}
    assert "electricity" in known
    assert all(one.price_to_cost is None for one in found.costs.answers)
    assert found.stress is None
    assert found.no_stress
    assert found.stress_days.height == 0


def test_costs_are_drawn_by_week_and_every_day_of_the_last(told: Years) -> None:
    steps = told.cost_days["time"].diff().drop_nulls() // 86_400
    assert set(steps[:-8].to_list()) == {7}
    assert set(steps[-6:].to_list()) == {1}
