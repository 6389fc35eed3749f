"""Who is under water, on the real record."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.supply.curve import LITERATURE_ELASTICITY
from hashcanary.economics.supply.study import SupplyStudy, study_supply
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]


def _study(record: Record, cut: Cut, *day: int) -> SupplyStudy:
    return study_supply(cut(record, day_start(date(*day)) + DAY), draws=2000)


def test_only_what_was_known_by_then_is_used(real_record: Record, cut: Cut) -> None:
    study = _study(real_record, cut, 2022, 11, 25)
    # the blocks of a day settle it about an hour after its end
    assert study.market.day == day_start(date(2022, 11, 24))
    sold = {rig.name for rig in study.supply.fleets.rigs}
    assert "Antminer S19 XP" in sold
    # announced in September 2023
    assert "Antminer S21" not in sold
    sources = " ".join(part.source for part in study.supply.power.parts)
    assert "Arcane Research" in sources
    assert "2025" not in sources


def test_a_ban_leaves_nobody_under_water_and_a_long_fall_of_the_price_many(
    real_record: Record, cut: Cut
) -> None:
    ban, winter = _study(real_record, cut, 2021, 7, 1), _study(real_record, cut, 2022, 11, 25)
    # hashprice 237 after China's ban, at costs near 60; 58 in November 2022, at costs near 45
    assert ban.under_water.high < 0.02
    assert winter.under_water.low > 0.02


def test_the_literatures_elasticity_lies_within_the_band_of_late_2018(
    real_record: Record, cut: Cut
) -> None:
    elasticity = [
        _study(real_record, cut, 2018, *day).elasticity for day in ((10, 25), (11, 25), (12, 15))
    ]
    assert any(one.low < LITERATURE_ELASTICITY < one.high for one in elasticity)


def test_what_moves_the_share_most_comes_first_and_explains_no_more_than_all(
    real_record: Record, cut: Cut
) -> None:
    levers = _study(real_record, cut, 2022, 11, 25).levers
    moved = [abs(one.at_high - one.at_low) for one in levers]
    assert moved == sorted(moved, reverse=True)
    assert all(0 <= one.part <= 1 for one in levers)
    by_name = {one.name: one for one in levers}
    power = by_name["power_level"]
    # dearer power and less efficient machines put more under water
    assert power.at_low < power.at_high
    fleet = by_name["network_j_per_th"]
    assert fleet.at_low < fleet.at_high
    assert by_name["pue"].at_low < by_name["pue"].at_high


def test_without_a_price_nothing_is_said(real_record: Record, cut: Cut) -> None:
    from dataclasses import replace

    record = cut(real_record, day_start(date(2022, 11, 26)))
    bare = replace(record, daily=record.daily.clear(), candles=record.candles.clear())
    with pytest.raises(NoHashprice):
        study_supply(bare, draws=10)
