"""What runs, and what its power costs, below any cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from hashcanary.economics.machines.fleet import Fleets, History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import Part, PowerMix, power_mix, read_power_prices
from hashcanary.economics.priors import Prior
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.economics.supply.fleet_history import Running
from hashcanary.moments import DAY, day_start

_DAYS = 3500
_LAST = day_start(date(2024, 6, 15))


def _history(price: float, now: float, rate_now: float) -> History:
    """A hashprice that was steady and moved in the last month; a hashrate that grew and moved."""
    time = _LAST - DAY * np.arange(_DAYS, 0, -1, dtype=np.int64)
    hashprice = np.full(_DAYS, price)
    hashprice[-30:] = now
    rate = 1e6 * 1.5 ** ((time - time[0]) / (365.25 * DAY))
    rate[-30:] *= rate_now
    return History(time, rate, hashprice)


def _supply(rate_now: float) -> Supply:
    history = _history(60.0, 40.0, rate_now)
    fleets = draw_fleets(read_rigs(), history, _LAST, 200, 1)
    mix = power_mix(read_power_prices(), _LAST)
    return supply_curve(fleets, market_at(history, _LAST), mix, 1)


# a part of the hashrate has left, and none
_SUPPLIES = (_supply(0.85), _supply(1.0))


@pytest.mark.parametrize("supply", _SUPPLIES)
@pytest.mark.parametrize("hashprice", [5.0, 25.0, 40.0, 55.0, 500.0])
def test_shares_are_those_of_the_supply_curve(supply: Supply, hashprice: float) -> None:
    share = Running.of(supply).share(hashprice)
    assert share == pytest.approx(1.0 - supply.under_water(hashprice), abs=1e-6)


@pytest.mark.parametrize("supply", _SUPPLIES)
@pytest.mark.parametrize("hashprice", [20.0, 40.0, 55.0, 200.0])
def test_bills_are_what_the_curve_says_by_brute_force(supply: Supply, hashprice: float) -> None:
    # cost as a fraction of hashprice, no more than 1: the mean of 1 less the curve below it
    edges = np.exp(np.linspace(np.log(0.05), np.log(hashprice), 4001))
    below = np.array([1.0 - supply.under_water(float(at)) for at in edges])
    area = np.sum((below[1:] + below[:-1]) / 2 * np.diff(edges)[:, None], axis=0)
    capped = Running.of(supply).capped(hashprice)
    assert capped == pytest.approx(1.0 - area / hashprice, abs=2e-4)


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4))
@settings(max_examples=60)
def test_a_dearer_cost_has_no_less_below_it_and_means_stay_below_it(
    one: float, other: float
) -> None:
    low, high = sorted((one, other))
    for supply in _SUPPLIES:
        running = Running.of(supply)
        assert (running.share(low) <= running.share(high) + 1e-9).all()
        assert (running.cost(low) <= running.cost(high) + 1e-9).all()
        # between two costs lie machines whose mean cost lies between them
        part = running.share(high) - running.share(low)
        cost = running.cost(high) - running.cost(low)
        assert (cost <= part * high + 1e-6 * high).all()
        assert (cost >= part * low - 1e-6 * high).all()
        assert ((running.capped(low) >= 0) & (running.capped(low) <= 1 + 1e-9)).all()
        assert (running.capped(low) >= running.capped(high) - 1e-9).all()


def _one_rig(price: float, spread: float) -> Supply:
    """All machines take 30 J/TH; power is log-normal; nothing else costs or is unknown."""
    history = _history(1000.0, 50.0, 1.0)
    fleets: Fleets = draw_fleets(read_rigs(), history, _LAST, 3, 1)
    shares = np.ones((1, 3), dtype=np.float32)
    alone = replace(
        fleets,
        rigs=fleets.rigs[:1],
        shares=shares,
        running=shares,
        efficiency_j_per_th=np.full((1, 3), 30.0, dtype=np.float32),
    )

    def sure(value: float) -> Prior:
        return Prior(value, 0.0, "none", "none")

    priors = {
        "pue": sure(1.0),
        "overhead": sure(1e-9),
        "pool_fee": sure(1e-9),
        "patience": sure(3000.0),
        "tolerance": sure(1.0),
    }
    mix = PowerMix((Part("all", price, spread, 1.0, True, "none"),), 1e6, 0.0, "none", ())
    return supply_curve(alone, market_at(history, _LAST), mix, 1, priors)


@pytest.mark.parametrize("hashprice", [20.0, 36.0, 45.0, 90.0])
def test_one_rig_and_log_normal_power_give_the_closed_form(hashprice: float) -> None:
    supply = _one_rig(0.05, 0.3)
    # each draw has its own median, which the regions' own spread moves
    mean = np.log(30.0 * 24.0) + supply.log_power_median
    at = (np.log(hashprice) - mean) / 0.3
    partial = np.exp(mean + 0.3**2 / 2) * norm.cdf(at - 0.3)
    running = Running.of(supply)
    assert running.share(hashprice) == pytest.approx(norm.cdf(at), abs=0.02)
    assert running.cost(hashprice) == pytest.approx(partial, rel=0.03)
    expected = partial / hashprice + 1.0 - norm.cdf(at)
    assert running.capped(hashprice) == pytest.approx(expected, abs=0.01)
