"""Capacity that left for good: identities, and the fixed point by brute force."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from hashcanary.economics.machines.fleet import History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.economics.supply.curve import (
    SELECTIONS,
    LeftForGood,
    Supply,
    after_exit,
    market_at,
    settled,
    supply_curve,
)
from hashcanary.errors import UsageError
from hashcanary.moments import DAY, day_start

_LAST = day_start(date(2024, 6, 15))
_DAYS = 3500


def _supply(rate_now: float = 0.9, left: LeftForGood | None = None) -> Supply:
    """A hashprice that fell by a third in the last month, a hashrate that fell by a tenth."""
    time = _LAST - DAY * np.arange(_DAYS, 0, -1, dtype=np.int64)
    hashprice = np.full(_DAYS, 60.0)
    hashprice[-30:] = 40.0
    rate = 1e6 * 1.5 ** ((time - time[0]) / (365.25 * DAY))
    rate[-30:] *= rate_now
    history = History(time, rate, hashprice)
    fleets = draw_fleets(read_rigs(), history, _LAST, 400, 1)
    mix = power_mix(read_power_prices(), _LAST)
    market = market_at(history, _LAST)
    if left is None:
        return supply_curve(fleets, market, mix, 1)
    return supply_curve(fleets, market, mix, 1, left_for_good=left)


_SUPPLY = _supply()
_PRICES = (5.0, 20.0, 30.0, 40.0, 55.0, 400.0)


def test_none_left_changes_no_byte() -> None:
    none = _supply(left=LeftForGood(0.0))
    for price in _PRICES:
        assert none.paying(price).tobytes() == _SUPPLY.paying(price).tobytes()
        assert none.under_water(price).tobytes() == _SUPPLY.under_water(price).tobytes()


@pytest.mark.parametrize("selection", SELECTIONS)
def test_what_left_pays_at_no_hashprice(selection: str) -> None:
    fraction = 0.2
    stays = replace(_SUPPLY, left_for_good=LeftForGood(fraction, selection))  # type: ignore[arg-type]
    # at any hashprice: what ran, but for a fifth of it, and the idle that comes back
    assert stays.paying(1e5) == pytest.approx(1.0 - fraction * (1.0 - _SUPPLY.left))
    at = [stays.paying(price) for price in _PRICES]
    assert all((low <= high + 1e-12).all() for low, high in pairwise(at))


def test_dear_and_cheap_alike_leave_the_share_under_water_as_it_was() -> None:
    stays = replace(_SUPPLY, left_for_good=LeftForGood(0.2))
    assert stays.under_water(40.0) == pytest.approx(_SUPPLY.under_water(40.0), abs=1e-9)


def test_the_dearest_that_leave_are_under_water_first_and_the_cheapest_last() -> None:
    fraction, price = 0.2, 40.0
    under = _SUPPLY.under_water(price)
    dearest = replace(_SUPPLY, left_for_good=LeftForGood(fraction, "dearest")).under_water(price)
    cheapest = replace(_SUPPLY, left_for_good=LeftForGood(fraction, "cheapest")).under_water(price)
    # closed forms: of what ran, u is under water; x of it leaves from one end
    assert dearest == pytest.approx(np.maximum(under - fraction, 0) / (1 - fraction), abs=1e-9)
    assert cheapest == pytest.approx(np.minimum(under / (1 - fraction), 1.0), abs=1e-9)
    assert under.max() > fraction


def test_without_idle_machines_difficulty_and_hashprice_are_exact() -> None:
    found = after_exit(_supply(rate_now=1.0), LeftForGood(0.05))
    # nothing was idle, so nothing comes back: 1 - 5%, and 1 / 0.95
    for value in found.difficulty_change.three:
        assert value == pytest.approx(-0.05)
    for value in found.hashprice_change.three:
        assert value == pytest.approx(1 / 0.95 - 1)
    assert found.difficulty_change_alone == -0.05
    assert found.hashprice_change_alone == pytest.approx(0.0526315789)
    assert found.underwater_mean < found.underwater_before_mean


@pytest.mark.parametrize("fraction", [0.01, 0.05, 0.3])
def test_the_fixed_point_is_where_a_fine_search_finds_it(fraction: float) -> None:
    left = LeftForGood(fraction)
    runs, back = settled(_SUPPLY, left)
    assert runs == 1 - fraction
    assert (back >= 0).all()
    # a hundredth more hashprice calls nobody back, a twentieth does
    assert (back.max() > 1e-3) == (fraction > 0.01)
    # independently: step the hashprice up until hashprice x hashrate is what it was
    now, ran = 40.0, 1.0 - _SUPPLY.left
    stay = np.maximum(_SUPPLY.paying(now), ran)
    ratios = np.linspace(1.0, 1.0 / (1.0 - fraction), 2001)
    earned = np.array(
        [r * (runs + np.maximum(_SUPPLY.paying(now * r) - stay, 0) / ran) for r in ratios]
    )
    first = ratios[np.argmax(earned >= 1.0 - 1e-9, axis=0)]
    assert 1.0 / (runs + back) == pytest.approx(first, abs=1.1 * (ratios[1] - ratios[0]))


def test_revenue_is_what_it_was_and_more_leaves_less_comes_back_than_left() -> None:
    for fraction in (0.02, 0.1, 0.4):
        found = after_exit(_SUPPLY, LeftForGood(fraction))
        assert -fraction <= found.difficulty_change.low <= found.difficulty_change.high <= 0
        assert found.hashprice_change.low >= 0
        assert found.hashprice_change.high <= 1 / (1 - fraction) - 1 + 1e-12
        assert found.returned.high <= fraction


@pytest.mark.parametrize("fraction", [-0.01, 0.96, float("nan")])
def test_a_part_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(UsageError, match="--left-for-good"):
        LeftForGood(fraction)


def test_a_selection_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="proportional"):
        LeftForGood(0.1, "best")  # type: ignore[arg-type]
