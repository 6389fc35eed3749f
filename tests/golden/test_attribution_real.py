"""Falls whose causes are on record, explained from the real data as known at the time.

Nothing was tuned to them: the stated numbers are broad, and the worlds they are calibrated in are
simulated. Sources: press on the winter storm of 23 to 29 January 2026; on the outage of Xinjiang's
grid of 16 April 2021; on China's ban of mining, May to July 2021; on the price's fall of 14 to 25
November 2018, on that of 12 and 13 March 2020; on the halvings of 11 May 2020 and 20 April 2024.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.inference.gap.explanation import explain_drop
from hashcanary.moments import iso_day, parse_moment
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from hashcanary.inference.gap.explanation import Explained, Explanation
    from hashcanary.store.lake import Lake


def _explained(lake: Lake, at: str) -> Explanation:
    return explain_drop(record_of(lake, parse_moment(at)))


def _told(found: Explanation) -> Explained:
    assert found.explained is not None
    return found.explained


@pytest.mark.parametrize("at", ["2026-01-27", "2026-02-01"])
def test_january_2026_is_curtailment_in_north_america(real_lake: Lake, at: str) -> None:
    found = _explained(real_lake, at)
    assert found.answer == "curtailment"
    assert "2026-01-22" <= iso_day(int(_told(found).drop.begin.value)) <= "2026-01-25"
    assert found.region_probabilities["north-america"] > 0.9
    foundry = next(row for row in found.pools if row.pool == "foundryusa")
    assert foundry.change.high < 0


def test_april_2021_is_curtailment_in_china(real_lake: Lake) -> None:
    found = _explained(real_lake, "2021-05-01")
    assert found.answer == "curtailment"
    assert "2021-04-14" <= iso_day(int(_told(found).drop.begin.value)) <= "2021-04-18"
    assert found.region_probabilities["china"] > 0.8


def test_july_2021_is_a_structural_exit_from_china(real_lake: Lake) -> None:
    found = _explained(real_lake, "2021-07-10")
    assert found.answer == "exit"
    assert found.region_probabilities["china"] > 0.9
    # the record fall of difficulty, by 28% on 3 July 2021, is within what the blocks allow
    assert _told(found).drop.depth.low < 0.28 < _told(found).drop.depth.high


@pytest.mark.parametrize("at", ["2020-03-20", "2020-05-19", "2024-05-20"])
def test_a_halved_hashprice_puts_machines_under_water_and_is_economics(
    real_lake: Lake, at: str
) -> None:
    found = _explained(real_lake, at)
    assert found.answer == "economics"
    assert found.margin is not None
    # whatever the fleet and its power cost: some of what ran no longer paid
    assert found.margin.squeeze.newly.low > 0.02


@pytest.mark.parametrize("at", ["2021-05-01", "2021-07-10", "2026-02-01"])
def test_outages_bans_and_storms_came_with_no_machine_put_under_water(
    real_lake: Lake, at: str
) -> None:
    margin = _explained(real_lake, at).margin
    assert margin is not None
    assert margin.squeeze.newly.high < 0.02


def test_november_2018_is_economics_and_lacks_pools_and_blocks(real_lake: Lake) -> None:
    found = _explained(real_lake, "2018-12-10")
    # a third is left for an exit: without pools nothing tells them apart but how fast it fell
    assert max(found.probabilities, key=lambda name: found.probabilities[name]) == "economics"
    assert "no labels" in {each.reason for each in found.missing}
    # only blocks at the ends of epochs are known: when it began is uncertain by weeks
    assert _told(found).drop.begin.high - _told(found).drop.begin.low > 10 * 86_400


def test_a_quiet_month_is_luck(real_lake: Lake) -> None:
    found = _explained(real_lake, "2023-09-10")
    assert found.explained is None
    assert found.answer == "luck"
    # the storm of December 2022 has come back, and is history
    assert any(iso_day(int(one.begin.value)).startswith("2022-12-2") for one in found.others)


def test_dear_power_in_texas_speaks_for_curtailment(real_lake: Lake) -> None:
    found = _explained(real_lake, "2026-01-27")
    assert found.missing == ()
    # ERCOT's day-ahead hours of the West hub within the UTC day, as plain Python
    # counts them (tests/sources/files/test_ercot_hours.py); its delivery day, six hours later,
    # has 739.51
    assert found.power[0].highest == pytest.approx(997.50, abs=0.01)
    assert iso_day(found.power[0].day) == "2026-01-26"
    factors = found.evidence[-1].factors
    assert factors is not None
    assert factors["curtailment"] > 3
    assert factors["exit"] == pytest.approx(0.0, abs=0.1)


def test_without_prices_of_power_they_are_named_as_missing(real_lake: Lake) -> None:
    record = record_of(real_lake, parse_moment("2026-01-27"))
    bare = replace(record, daily=record.daily.filter(pl.col("vendor") != "ercot"))
    found = explain_drop(bare)
    assert found.power == ()
    assert [each.reason for each in found.missing] == ["no power price"]
    assert found.answer == "curtailment"
