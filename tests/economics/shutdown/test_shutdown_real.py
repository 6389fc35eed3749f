"""What a hash earns on the real record, against what others printed of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.hash_economics import CHANGE_YEARS, Stated, hash_economics
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.moments import DAY, parse_moment
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake


def test_hashvalue_of_12_january_2026_is_luxors(real_lake: Lake) -> None:
    # Luxor, 12 January 2026: 0.00043143 BTC/PH/s/day at a difficulty of 146.4726T
    found = hash_economics(record_of(real_lake, parse_moment("2026-01-13")))
    assert found.price_usd_per_btc is not None
    assert found.day == (parse_moment("2026-01-13").time or 0) - 2 * DAY
    hashvalue = found.hashprice_usd_per_phs_day.value / found.price_usd_per_btc
    assert found.difficulty == pytest.approx(146.4726e12, rel=1e-6)
    assert hashvalue == pytest.approx(0.00043143, rel=0.005)
    assert found.subsidy_btc == 3.125
    # block 1,050,000 is expected in April 2028
    assert found.to_halving == pytest.approx(822, abs=15)
    assert found.log_changes.size == pytest.approx(CHANGE_YEARS * 365.25, abs=2)


def test_what_is_stated_takes_the_records_place_one_by_one(real_lake: Lake) -> None:
    record = record_of(real_lake, parse_moment("2026-02-03"))
    own = hash_economics(record)
    dearer = hash_economics(record, Stated(price_usd_per_btc=2 * (own.price_usd_per_btc or 0)))
    assert dearer.hashprice_usd_per_phs_day.value == pytest.approx(
        2 * own.hashprice_usd_per_phs_day.value
    )
    assert dearer.difficulty == own.difficulty
    assert dearer.stated == ("price_usd_per_btc",)


def test_nothing_learnt_later_changes_what_was_known(real_lake: Lake) -> None:
    early = hash_economics(record_of(real_lake, parse_moment("2024-06-30")))
    late = hash_economics(record_of(real_lake))
    assert late.day is not None
    assert early.day is not None
    assert late.day > early.day
    # the days that both windows of four years hold
    both = early.log_changes.size - (late.day - early.day) // DAY
    assert both > 300
    assert np.allclose(early.log_changes[-both:], late.log_changes[:both], atol=1e-12)
    rigs = read_rigs().released_by(early.day)
    assert max(rig.released for rig in rigs) <= early.day
