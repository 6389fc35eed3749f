"""The forecast on the real chain: the epoch of the storm of January 2026."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.inference.errors import HeightNotKnown
from hashcanary.inference.retarget.forecast import BetaLaw, forecast_retarget

if TYPE_CHECKING:
    from types import ModuleType

    from hashcanary.store.record import Record

# height 935,424, from the headers: a fall of 11.1553%
CAME, CAME_AT = -0.111553, 1_770_472_605


def test_the_storms_epoch_is_foreseen_where_a_constant_rate_fails(real_record: Record) -> None:
    forecast = forecast_retarget(real_record, 934_295)
    low, high = forecast.change[1], forecast.change[-2]
    assert low < CAME < high
    assert forecast.date[1] < CAME_AT < forecast.date[-2]
    law = BetaLaw(forecast.intervals, forecast.time - forecast.first_time)
    # the constant rate gives the same outcome one chance in a hundred
    assert 1 - law.below(np.array([CAME]))[0] < 0.02
    assert forecast.lacks == ()


def test_difficulty_does_not_fall_below_its_least(real_record: Record) -> None:
    # the first sixteen retargets kept it, though blocks took twice as long as they should
    early = forecast_retarget(real_record, 2016 * 5 + 700)
    assert (early.change == 0.0).all()
    assert (early.second_change >= 0.0).all()
    falls, stays = early.span.below(np.array([-0.01, 0.0])).tolist()
    assert falls == 0.0
    assert 0.99 < stays < 1.0
    # at twice the least it may fall by half, though no further
    span = replace(early.span, lowest=0.5)
    assert span.change_after(np.array([1e8]))[0] == -0.5


def test_of_the_years_without_block_times_only_the_epochs_are_known(
    chains: ModuleType, real_record: Record
) -> None:
    now = chains.posterior_of(real_record, 2016 * 220)
    low, middle, high = now.quantiles()[[0, 3, 6]]
    # 2016 blocks of difficulty 286,765,766,821 in 1,118,527 s: December 2016
    assert low < 2.22e18 < high
    assert 0.02 < (high - low) / middle < 0.6
    assert now.unobserved == 0


def test_a_height_in_an_epoch_without_its_blocks_is_refused(
    chains: ModuleType, real_record: Record
) -> None:
    with pytest.raises(HeightNotKnown):
        chains.posterior_of(real_record, 400_001)
