"""The hash supply curve."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.machines.fleet import Fleets, History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import Part, PowerMix, power_mix, read_power_prices
from hashcanary.economics.priors import Prior
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.moments import DAY, day_start

_DAYS = 3500
_LAST = day_start(date(2024, 6, 15))


def _history(price: float = 60.0, now: float = 60.0, rate_now: float = 1.0) -> History:
    """A hashprice that was steady and moved in the last month; a hashrate that grew and moved."""
    time = _LAST - DAY * np.arange(_DAYS, 0, -1, dtype=np.int64)
    hashprice = np.full(_DAYS, price)
    hashprice[-30:] = now
    rate = 1e6 * 1.5 ** ((time - time[0]) / (365.25 * DAY))
    rate[-30:] *= rate_now
    return History(time, rate, hashprice)


def _supply(history: History, draws: int = 400, seed: int = 1) -> Supply:
    fleets = draw_fleets(read_rigs(), history, _LAST, draws, seed)
    mix = power_mix(read_power_prices(), _LAST)
    return supply_curve(fleets, market_at(history, _LAST), mix, seed)


_SUPPLY = _supply(_history(now=40.0, rate_now=0.95))


@given(st.floats(0.5, 500), st.floats(0.5, 500))
@settings(max_examples=60)
def test_more_hashprice_never_pays_fewer_machines(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert (_SUPPLY.paying(low) <= _SUPPLY.paying(high) + 1e-9).all()
    assert (_SUPPLY.under_water(low) >= _SUPPLY.under_water(high) - 1e-9).all()


@given(st.floats(0.01, 1e5))
@settings(max_examples=60)
def test_what_pays_what_left_and_what_is_under_water_make_up_all(hashprice: float) -> None:
    paying, under = _SUPPLY.paying(hashprice), _SUPPLY.under_water(hashprice)
    assert ((paying >= 0) & (paying <= 1 + 1e-9)).all()
    assert ((under >= 0) & (under <= 1)).all()
    # of what ran: the dearest left, some of the rest is under water, the others pay
    covered = under * (1 - _SUPPLY.left) + np.minimum(paying, 1 - _SUPPLY.left)
    assert covered + _SUPPLY.left == pytest.approx(1.0)


def test_nothing_pays_for_nothing_and_all_pay_for_a_lot() -> None:
    assert _SUPPLY.paying(0.1).max() < 1e-3
    assert _SUPPLY.paying(1e4) == pytest.approx(1.0)


def _one_rig(price: float, spread: float) -> Supply:
    """All machines take 30 J/TH; power is log-normal; nothing else costs or is unknown."""
    history = _history(price=1000.0, now=50.0)
    fleets = draw_fleets(read_rigs(), history, _LAST, 3, 1)
    rig = fleets.rigs[0]
    shares = np.ones((1, 3), dtype=np.float32)
    alone = replace(
        fleets,
        rigs=(rig,),
        shares=shares,
        running=shares,
        efficiency_j_per_th=np.full((1, 3), 30.0, dtype=np.float32),
    )
    exact = {"pue": 1.0, "overhead": 1e-9, "pool_fee": 1e-9, "patience": 3000.0, "tolerance": 1.0}
    priors = {name: Prior(value, 0.0, "none", "none") for name, value in exact.items()}
    mix = PowerMix((Part("all", price, spread, 1.0, True, "none"),), 1e6, 0.0, "none", ())
    return supply_curve(alone, market_at(history, _LAST), mix, 1, priors)


@pytest.mark.parametrize("hashprice", [20.0, 30.0, 36.0, 45.0, 60.0])
def test_one_rig_and_log_normal_power_give_the_closed_form(hashprice: float) -> None:
    from scipy.stats import norm

    supply = _one_rig(0.05, 0.3)
    # each draw has its own median, which the regions' own spread moves
    median = np.exp(supply.log_power_median)
    expected = norm.cdf(np.log(hashprice / (30.0 * 24 * median)) / 0.3)
    assert supply.paying(hashprice) == pytest.approx(expected, abs=0.01)
    assert supply.rig_cost(0) == pytest.approx(30.0 * 24 * median, rel=1e-5)
    under = 1 - expected
    assert supply.rig_under_water(0, hashprice) == pytest.approx(under, abs=1e-4)


def test_the_curve_is_that_of_machines_counted_one_by_one() -> None:
    # an independent computation: machines and contracts drawn, costs sorted and counted
    random = np.random.default_rng(8)
    fleets, draw = _SUPPLY.fleets, 7
    rigs = random.choice(len(fleets.rigs), size=200_000, p=_of(fleets, draw))
    parts = random.choice(_SUPPLY.paid.shares.shape[1], size=rigs.size, p=_SUPPLY.paid.shares[draw])
    log_price = _SUPPLY.paid.log_median[draw, parts] + _SUPPLY.paid.spread[
        parts
    ] * random.standard_normal(rigs.size)
    cost = np.exp(_SUPPLY.base_log[rigs, draw] + log_price)
    there = cost[cost <= np.exp(_SUPPLY.limit_log[draw])]
    for hashprice in (20.0, 30.0, 40.0, 55.0):
        counted = float((there <= hashprice).mean())
        assert _SUPPLY.paying(hashprice)[draw] == pytest.approx(counted, abs=0.012)


def _of(fleets: Fleets, draw: int) -> np.ndarray:
    shares = fleets.shares[:, draw].astype(np.float64)
    return shares / shares.sum()


def test_elasticity_is_the_slope_of_the_curve() -> None:
    low, high = 40.0 * np.exp(-0.1), 40.0
    expected = np.log(_SUPPLY.paying(high) / _SUPPLY.paying(low)) / 0.1
    assert _SUPPLY.elasticity(high) == pytest.approx(expected)


def test_a_hashprice_that_stands_for_a_year_leaves_few_under_water() -> None:
    # machines that cost more than what was paid for months are gone
    steady, fallen = _supply(_history()), _supply(_history(now=35.0))
    assert np.median(steady.under_water(60.0)) < 0.03
    assert np.median(fallen.under_water(35.0)) > 0.2


def test_a_hashrate_that_fell_already_leaves_fewer_under_water() -> None:
    stayed, fell = _supply(_history(now=40.0)), _supply(_history(now=40.0, rate_now=0.8))
    assert fell.under_water(40.0).mean() < stayed.under_water(40.0).mean()
    # a fifth off, on 30 more days of growth by half a year
    assert fell.market.idle == pytest.approx(1 - 0.8 * 1.5 ** (30 / 365.25))


def test_the_same_seed_gives_the_same_bytes_and_nothing_later_is_used() -> None:
    history = _history(now=40.0)
    time = np.append(history.time, _LAST + DAY * np.arange(40, dtype=np.int64))
    longer = History(
        time,
        np.append(history.hashrate_ths, np.full(40, 1.0)),
        np.append(history.hashprice_usd_per_phs_day, np.full(40, 1.0)),
    )
    assert _supply(history).below.tobytes() == _supply(longer).below.tobytes()


def test_ten_thousand_draws_take_less_than_a_second() -> None:
    history = _history()
    _supply(history, 10)
    start = time.process_time()
    supply = _supply(history, 10_000)
    supply.under_water(60.0)
    assert supply.below.shape[0] == 10_000
    assert time.process_time() - start < 1.0


def test_without_a_hashprice_of_late_nothing_is_said() -> None:
    history = _history()
    price = history.hashprice_usd_per_phs_day.copy()
    price[-10:] = np.nan
    with pytest.raises(NoHashprice, match="hashprice within 7 days"):
        market_at(replace(history, hashprice_usd_per_phs_day=price), _LAST)
