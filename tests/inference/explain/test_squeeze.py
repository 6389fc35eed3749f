"""What a fall of the hashprice put under water."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from hashcanary.economics.machines.fleet import History
from hashcanary.economics.machines.rigs import Catalogue, read_rigs
from hashcanary.economics.power.prices import PowerPrices, read_power_prices
from hashcanary.inference.explain.margins import Machines, Missing, Squeeze, machines, squeeze
from hashcanary.moments import DAY, day_start

_START = day_start(date(2024, 6, 1))


def steady(hashprice: float = 60.0, later: float = 60.0) -> History:
    """Hashrate that grows, at one hashprice until the fall and another from then on."""
    time = np.arange(day_start(date(2016, 1, 1)), _START + 200 * DAY, DAY, dtype=np.int64)
    years = (time - time[0]) / (365.25 * DAY)
    return History(time, 1e6 * 1.5**years, np.where(time < _START, hashprice, later))


def _squeezed(usual: float, now: float, history: History, given: Machines | None = None) -> Squeeze:
    found = squeeze(history, _START, usual, now, given or machines())
    assert isinstance(found, Squeeze)
    return found


def one_machine(usd_per_kwh: float) -> Machines:
    """Machines of 20 J/TH alone, and one region whose miners all pay one price."""
    rig = replace(
        read_rigs().rig("S19 XP"), efficiency_j_per_th=20.0, power_w=2800.0, nameplate_spread=0.001
    )
    prices = read_power_prices()
    region = replace(prices.regions[0], usd_per_kwh=usd_per_kwh, spread=0.01, known=0)
    share = replace(prices.shares[0], of={region.name: 1.0}, known=0)
    power = PowerPrices("mine", 0.0, (region,), (share,), ())
    return Machines(Catalogue((rig,), "mine"), power)


def test_one_machine_at_one_price_breaks_even_where_its_power_is_paid() -> None:
    found = _squeezed(60.0, 60.0, steady(), one_machine(0.05))
    # 1 PH/s at 20 J/TH draws 20 kW: 24 USD a day; PUE 1.05, 6% beside, the pool keeps 1.5%
    paid = 20 * 24 * 0.05 * 1.05 * 1.06 / 0.985
    cost = found.break_even_usd_per_phs_day
    assert cost.value == pytest.approx(paid, rel=0.02)
    assert cost.low < paid < cost.high
    # an 8% spread of real efficiency around the nameplate, and the one price of the region
    assert found.network_j_per_th.low < 20.0 < found.network_j_per_th.high
    assert found.power_usd_per_kwh.value == pytest.approx(0.05, rel=0.02)
    # real efficiency 8%, price 8%, overheads a few percent either way
    assert found.break_even_log_sd == pytest.approx(0.12, abs=0.02)
    assert found.newly.three == (0.0, 0.0, 0.0)
    assert _squeezed(60.0, 5.0, steady(), one_machine(0.05)).newly.value == pytest.approx(1.0)


def test_the_deeper_the_fall_the_more_it_puts_under_water() -> None:
    found = [_squeezed(60.0, now, steady()).newly for now in (60.0, 50.0, 40.0, 30.0, 20.0)]
    for column in range(3):
        values = [one.three[column] for one in found]
        assert values == sorted(values)
    assert found[0].value == 0.0
    assert found[-1].value > 0.5
    # a rise lifts machines out of the water
    assert _squeezed(40.0, 60.0, steady()).newly.low < 0


def test_where_a_hash_earns_far_more_than_it_costs_a_fall_leaves_all_dry() -> None:
    assert _squeezed(600.0, 400.0, steady(600.0)).newly.high < 0.01


def test_nothing_of_after_the_fall_began_is_used() -> None:
    assert _squeezed(60.0, 40.0, steady(later=60.0)) == _squeezed(60.0, 40.0, steady(later=5.0))


def test_what_lacks_is_said() -> None:
    early = day_start(date(2012, 1, 1))
    time = np.arange(early - 400 * DAY, early + DAY, DAY, dtype=np.int64)
    history = History(time, np.full(time.size, 10.0), np.full(time.size, 1e6))
    assert squeeze(history, early, 1e6, 1e5, machines()) == Missing("hashprice", "no rig")
    old = steady()
    stale = History(
        old.time,
        old.hashrate_ths,
        np.where(old.time < _START - 40 * DAY, old.hashprice_usd_per_phs_day, np.nan),
    )
    assert squeeze(stale, _START, 60.0, 40.0, machines()) == Missing("hashprice", "no fleet")
