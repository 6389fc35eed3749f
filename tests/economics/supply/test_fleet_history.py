"""The fleet through time."""

from __future__ import annotations

import time
from dataclasses import fields, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.draws import BAND
from hashcanary.economics.machines.fleet import History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import GRID_SERIES, power_mix, read_power_prices
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.economics.supply.fleet_history import FIRST_DAY, FleetHistory, fleet_history
from hashcanary.economics.supply.study import history_of
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

_FIRST = day_start(date(2020, 1, 1))
_COLUMNS = [one.name for one in fields(FleetHistory) if one.name not in ("draws", "seed")]


def _history(days: int = 2600) -> History:
    """A hashprice that wanders and falls, a hashrate that grows and falls back at times."""
    begin = day_start(date(2014, 6, 1))
    time = begin + DAY * np.arange(days, dtype=np.int64)
    past = np.arange(days)
    noise = np.random.default_rng(7).normal(0, 0.03, days)
    price = 2000.0 * np.exp(-past / 900.0 + 0.4 * np.sin(past / 70.0) + noise)
    rate = 1e6 * np.exp(past / 500.0 + 0.5 * np.sin(past / 90.0))
    return History(time, rate, price)


def _cut(history: History, count: int) -> History:
    return History(
        history.time[:count],
        history.hashrate_ths[:count],
        history.hashprice_usd_per_phs_day[:count],
    )


def _same(one: FleetHistory, other: FleetHistory, count: int) -> bool:
    return all(
        getattr(one, name)[:count].tobytes() == getattr(other, name)[:count].tobytes()
        for name in _COLUMNS
    )


_WHOLE = fleet_history(_history(), first=_FIRST, draws=64, seed=3)


def _curve(history: History, moment: int, draws: int, seed: int) -> Supply:
    fleets = draw_fleets(read_rigs(), history, moment, draws, seed)
    mix = power_mix(read_power_prices(), moment)
    return supply_curve(fleets, market_at(history, moment), mix, seed)


@pytest.mark.parametrize("month", [date(2020, 1, 1), date(2020, 9, 1), date(2021, 7, 1)])
def test_a_months_first_day_is_the_supply_curve_at_its_end(month: date) -> None:
    day = day_start(month)
    supply = _curve(_history(), day + DAY, 64, 3)
    now = supply.market.hashprice_usd_per_phs_day
    under = supply.under_water(now)
    at = int(np.searchsorted(_WHOLE.time, day))
    low, high = np.quantile(under, BAND)
    assert _WHOLE.time[at] == day
    assert _WHOLE.hashprice_usd_per_phs_day[at] == now
    assert _WHOLE.under_water[at] == pytest.approx(under.mean(), abs=1e-9)
    assert _WHOLE.under_water_low[at] == pytest.approx(low, abs=1e-9)
    assert _WHOLE.under_water_high[at] == pytest.approx(high, abs=1e-9)
    # what each machine sells, no more than it mines, by brute force over the curve
    part = _sold_by_brute_force(supply, now)
    low, high = np.quantile(part, BAND)
    assert _WHOLE.must_sell[at] == pytest.approx(part.mean(), abs=5e-4)
    assert _WHOLE.must_sell_low[at] == pytest.approx(low, abs=1e-3)
    assert _WHOLE.must_sell_high[at] == pytest.approx(high, abs=1e-3)


def _sold_by_brute_force(supply: Supply, hashprice: float) -> np.ndarray:
    """Over slices of machines of equal hashrate: what each sells of what it mines."""
    costs = np.exp(np.linspace(np.log(hashprice) - 6, np.log(hashprice) + 1.5, 3001))
    below = np.array([1.0 - supply.under_water(float(at)) for at in costs])
    mass, middle = np.diff(below, axis=0), np.sqrt(costs[1:] * costs[:-1])
    fee, overhead = supply.parameters["pool_fee"], supply.parameters["overhead"]
    # of the cost of running, what is power: no pool's fee, no other costs
    power = middle[:, None] * (1 - fee) / (1 + overhead)
    sold = np.minimum(power / hashprice, 1 - fee)
    return np.asarray((mass * sold).sum(axis=0) + (1 - below[-1]) * (1 - fee))


def test_within_a_month_only_the_curve_is_the_firsts() -> None:
    history, day = _history(), day_start(date(2021, 4, 18))
    first = _curve(history, day_start(date(2021, 4, 1)) + DAY, 64, 3)
    market = market_at(history, day + DAY)
    prices = history.hashprice_usd_per_phs_day[history.time <= day]
    values = first.parameters
    mean = np.array([prices[-max(int(span), 1) :].mean() for span in values["patience"]])
    that_day = replace(
        first,
        market=market,
        limit_log=np.log(mean * values["tolerance"]),
        left=values["economic_part"] * market.idle,
    )
    under = that_day.under_water(market.hashprice_usd_per_phs_day)
    at = int(np.searchsorted(_WHOLE.time, day))
    assert market.idle > 0.01
    assert _WHOLE.under_water[at] == pytest.approx(under.mean(), abs=1e-9)


@pytest.mark.parametrize("count", [2050, 2103, 2104, 2222, 2599])
def test_no_day_changes_when_later_days_are_added(count: int) -> None:
    early = fleet_history(_cut(_history(), count), first=_FIRST, draws=64, seed=3)
    assert 0 < early.time.size < _WHOLE.time.size
    assert _same(early, _WHOLE, early.time.size)


def test_a_later_start_changes_no_day() -> None:
    late = fleet_history(_history(), first=day_start(date(2021, 2, 10)), draws=64, seed=3)
    skipped = _WHOLE.time.size - late.time.size
    assert skipped > 300
    for name in _COLUMNS:
        assert getattr(late, name).tobytes() == getattr(_WHOLE, name)[skipped:].tobytes()


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    short = _cut(_history(), 2200)
    one, two, other = (fleet_history(short, first=_FIRST, draws=64, seed=s) for s in (3, 3, 4))
    assert _same(one, two, one.time.size)
    assert (one.must_sell != other.must_sell).any()


def test_a_day_whose_hashprice_or_hashrate_is_unknown_is_missing_and_says_so() -> None:
    history = _history()
    price, rate = history.hashprice_usd_per_phs_day.copy(), history.hashrate_ths.copy()
    price[2300], rate[2310] = np.nan, np.nan
    holes = fleet_history(
        History(history.time, rate, price), first=int(history.time[2250]), draws=32
    )
    missing = np.flatnonzero(np.isnan(holes.under_water)).tolist()
    assert missing == [50, 60]
    assert np.flatnonzero(np.isnan(holes.must_sell_high)).tolist() == missing


def test_a_month_without_a_known_day_is_missing_whole() -> None:
    history = _history()
    rate = history.hashrate_ths.copy()
    # the fleet of the first of July 2020 stands on the hashrate of the days before
    july = (history.time >= day_start(date(2020, 7, 1))) & (
        history.time < day_start(date(2020, 8, 1))
    )
    rate[july] = np.nan
    holes = fleet_history(
        History(history.time, rate, history.hashprice_usd_per_phs_day),
        first=day_start(date(2020, 5, 1)),
        draws=16,
    )
    missing = holes.time[np.isnan(holes.under_water)]
    assert missing.tolist() == history.time[july].tolist()


def test_before_the_first_rig_and_without_days_nothing_is_told() -> None:
    begin = day_start(date(2013, 9, 1))
    time = begin + DAY * np.arange(120, dtype=np.int64)
    early = fleet_history(
        History(time, np.full(120, 1e3), np.full(120, 1e5)), first=int(time[0]), draws=16
    )
    # the first rig of the catalogue came out in November 2013
    assert np.isnan(early.under_water[:61]).all()
    assert np.isfinite(early.under_water[61:]).all()
    assert fleet_history(_history(), first=2**33, draws=16).time.size == 0


def test_prices_published_later_are_hindsight_only_before_there_were_any() -> None:
    history = _history()
    found = fleet_history(history, first=day_start(date(2016, 11, 1)), draws=16)
    assert found.hindsight[found.time < FIRST_DAY].all()
    assert not found.hindsight[found.time >= FIRST_DAY].any()


def test_a_grids_price_is_used_from_the_month_on_in_which_it_was_known() -> None:
    history = _cut(_history(), 2300)
    days = [date.fromordinal(date(2020, 3, 1).toordinal() + at) for at in range(31)]
    known = day_start(date(2020, 4, 15))
    daily = pl.DataFrame(
        {
            "day": days,
            "vendor": ["ercot"] * 31,
            "series": [GRID_SERIES] * 31,
            "value": [400.0] * 31,
            "known_at": [day_start(date(2020, 4, 1))] * 31,
        }
    )
    bare = fleet_history(history, first=_FIRST, draws=32)
    priced = fleet_history(history, daily=daily, first=_FIRST, draws=32)
    late = fleet_history(
        history, daily=daily.with_columns(known_at=pl.lit(known)), first=_FIRST, draws=32
    )
    april = (bare.time >= day_start(date(2020, 4, 1))) & (bare.time < day_start(date(2020, 5, 1)))
    before = bare.time < day_start(date(2020, 4, 1))
    # a tenth of one region pays ten times more
    assert (priced.must_sell[april] > bare.must_sell[april]).all()
    assert (priced.must_sell[before] == bare.must_sell[before]).all()
    assert (late.must_sell == bare.must_sell).all()


def test_bands_hold_their_means_and_shares_are_shares() -> None:
    for name in ("under_water", "must_sell"):
        mean, low, high = (getattr(_WHOLE, f"{name}{end}") for end in ("", "_low", "_high"))
        assert np.isfinite(mean).all()
        assert ((low <= mean) & (mean <= high)).all()
    for name in ("under_water_high", "must_sell_high"):
        assert (getattr(_WHOLE, name) <= 1.0).all()
    assert (_WHOLE.under_water_low >= 0.0).all()


def test_the_record_as_known_then_gives_the_days_of_the_whole_record(
    real_record: Record, cut: Cut
) -> None:
    at = day_start(date(2022, 11, 15))
    then, _, _ = history_of(cut(real_record, at))
    now, _, _ = history_of(real_record)
    first = day_start(date(2022, 6, 1))
    early, whole = (fleet_history(one, first=first, draws=64) for one in (then, now))
    told = np.flatnonzero(np.isfinite(early.under_water))
    assert told.size > 150
    for name in ("time", "under_water", "must_sell", "must_sell_low", "must_sell_high"):
        assert np.array_equal(getattr(early, name)[told], getattr(whole, name)[told])


def test_nine_years_take_about_a_second(real_record: Record) -> None:
    history, _, _ = history_of(real_record)
    fleet_history(_cut(history, 3300), draws=16)
    begin = time.process_time()
    found = fleet_history(history)
    seconds = time.process_time() - begin
    assert found.time.size > 3000
    # below 1 s on a machine of one's own (benchmarks); this one may be busy
    assert seconds < 4.0
