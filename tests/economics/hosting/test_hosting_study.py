"""Which sites a rent would take: sites against the supply curve, one site by hand, the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.errors import NoRigYet, TooFewDaysForDrift
from hashcanary.economics.hosting.offers import Ahead, Sites, Terms, at_price, mining_of, sites_of
from hashcanary.economics.hosting.study import Asked, HostingStudy, drift_of, study_hosting
from hashcanary.economics.machines.fleet import History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.errors import UsageError
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

_LAST = day_start(date(2025, 6, 15))
_DRAWS = 300


def _supply(rate_now: float = 1.0) -> Supply:
    time = _LAST - DAY * np.arange(3500, 0, -1, dtype=np.int64)
    rate = 1e6 * 1.5 ** ((time - time[0]) / (365.25 * DAY))
    rate[-30:] *= rate_now
    history = History(time, rate, np.full(3500, 55.0))
    fleets = draw_fleets(read_rigs(), history, _LAST, _DRAWS, 1)
    return supply_curve(fleets, market_at(history, _LAST), power_mix(read_power_prices(), _LAST), 1)


_SUPPLY = _supply()


def test_sites_stand_for_the_hashrate_of_the_supply_curve() -> None:
    sites = sites_of(_SUPPLY, 1, 256)
    assert sites.weight.sum(axis=1) == pytest.approx(np.ones(_DRAWS))
    parameters = _SUPPLY.parameters
    factor = parameters["pue"] * (1 + parameters["overhead"]) / (1 - parameters["pool_fee"])
    cost = 24 * sites.efficiency_j_per_th * sites.usd_per_kwh * factor[:, None]
    # the same share of machines is under water as the curve, made another way, says
    for hashprice in (25.0, 30.0, 40.0):
        by_sites = (sites.weight * (cost > hashprice)).sum(axis=1)
        assert by_sites == pytest.approx(_SUPPLY.under_water(hashprice), abs=0.06)
        assert by_sites.mean() == pytest.approx(_SUPPLY.under_water(hashprice).mean(), abs=0.005)


def test_the_dearest_that_left_are_no_sites() -> None:
    fallen = _supply(rate_now=0.8)
    sites, before = sites_of(fallen, 1, 256), sites_of(_SUPPLY, 1, 256)
    some = fallen.left > 0.1
    assert some.any()
    assert (sites.there[some].sum(axis=1) < before.there[some].sum(axis=1)).all()


def test_the_same_seed_gives_the_same_sites() -> None:
    one, again, other = sites_of(_SUPPLY, 1), sites_of(_SUPPLY, 1), sites_of(_SUPPLY, 2)
    assert one.usd_per_kwh.tobytes() == again.usd_per_kwh.tobytes()
    assert one.usd_per_kwh.tobytes() != other.usd_per_kwh.tobytes()


def _one_site(price: float = 0.04) -> Sites:
    one = np.ones((1, 1))
    return Sites(20.0 * one, 1.0 * one, np.zeros((1, 1), np.int64), price * one, 0.0 * one, one > 0)


_VALUES = {"site_cost": 10.0, "mining_rate": 0.12, "uptime": 0.9, "entry": 1.0}
_PARAMETERS = {"pool_fee": 0.02, "pue": 1.05, "power_level": 0.05, "fleet.life": 5.0}


def _arrays(named: dict[str, float]) -> dict[str, np.ndarray]:
    return {name: np.array([value]) for name, value in named.items()}


def _terms(years: float = 8.0) -> Terms:
    given = (1.4, 0.85, 9.0, years, 0.03, 0.09, 0.25, 1.0)
    return Terms(*(np.array([value]) for value in given))


def test_what_mining_is_worth_to_a_site_is_the_cash_of_its_years() -> None:
    ahead = Ahead(np.array([50.0]), np.array([-0.2]), np.array([0.01]), 2.3)
    found = mining_of(_one_site(), ahead, _arrays(_VALUES), _arrays(_PARAMETERS), _terms())
    price, worth = 50.0, 0.0
    for year in range(9):
        at = year + 0.5
        hashprice = price * np.exp(-0.2 * at)
        if at > 2.3:
            halvings = 1 if at < 2.3 + 210_000 / 144 / 365.25 else 2
            hashprice *= (0.5**halvings + 0.01) / 1.01
        earned = 0.98 * hashprice / (0.024 * 20 * 1.05)
        # new machines earn just their price at 50 USD/MWh: this site keeps 10 a MWh of theirs
        old = max(earned - 40 - 10, 10.0)
        alive = np.exp(-(((1 + at) / 5) ** 3 - (1 / 5) ** 3))
        worth += 0.9 * (alive * old + (1 - alive) * 10.0) / 1.12**at
    even = worth / sum(1.09 ** -(year + 0.5) for year in range(9))
    assert found.even_usd_per_mwh[0, 0] == pytest.approx(even)
    now = 0.98 * 50 / (0.024 * 20 * 1.05)
    assert found.revenue_usd_per_mwh[0, 0] == pytest.approx(0.9 * now)
    assert found.margin_usd_per_mwh[0, 0] == pytest.approx(0.9 * (now - 50))


def test_a_site_whose_power_is_dear_closes_and_loses_nothing() -> None:
    ahead = Ahead(np.array([50.0]), np.array([-3.0]), np.array([0.0]), None)
    dear = at_price(_one_site(), 0.5)
    found = mining_of(dear, ahead, _arrays(_VALUES), _arrays(_PARAMETERS), _terms())
    assert found.even_usd_per_mwh[0, 0] == 0.0
    assert found.margin_usd_per_mwh[0, 0] < 0


def _study(record: Record, cut: Cut, *day: int, **asked: object) -> HostingStudy:
    at = day_start(date(*day)) + DAY
    return study_hosting(cut(record, at), asked=Asked(**asked), draws=400)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def early_2026(real_record: Record, cut: Cut) -> HostingStudy:
    return _study(
        real_record, cut, 2026, 1, 31, offers_usd_per_mwh=(180.0,), power_usd_per_kwh=0.04
    )


def test_a_higher_rent_takes_no_less_and_no_more_than_could(early_2026: HostingStudy) -> None:
    told = early_2026.offers
    rents = [one.rent_usd_per_mwh for one in told]
    assert rents == sorted(rents)
    assert 180.0 in rents
    for low, high in pairwise(told):
        assert low.leaves_mean <= high.leaves_mean
        assert low.beaten.value <= high.beaten.value
        assert low.margin_usd_per_mwh.value < high.margin_usd_per_mwh.value
    assert told[-1].leaves.high <= early_2026.could.high + 1e-9
    # 1 / (1 - x) - 1 of each limit, since it rises with x
    for one in told:
        exact = one.leaves.map(lambda part: 1 / (1 - part) - 1)
        assert one.hashprice_change.low == pytest.approx(exact.low, abs=1e-4)
        assert one.hashprice_change.high == pytest.approx(exact.high, rel=0.02, abs=1e-4)


def test_ours_holds_what_others_published(early_2026: HostingStudy) -> None:
    # VanEck, December 2025: up to 10% could move
    assert early_2026.could.low < 0.10 < early_2026.could.high
    # CryptoSlate, autumn of 2025: 1.85 million USD a MW and year is the benchmark
    assert early_2026.typical_usd_per_mwh == pytest.approx(1.85e6 / 8766, rel=0.05)
    # JPMorgan, VanEck and Luxor: machines of 15 to 22 J/TH at 39 USD earn 75 to 108 USD/MWh
    assert (
        early_2026.mining_revenue_usd_per_mwh.low
        < 85
        < (early_2026.mining_revenue_usd_per_mwh.high)
    )


def test_break_even_rents_rise_with_what_mining_is_worth(early_2026: HostingStudy) -> None:
    rents = early_2026.break_even
    for place in range(3):
        assert (
            rents.no_margin_usd_per_mwh.three[place]
            < rents.median_usd_per_mwh.three[place]
            < rents.best_usd_per_mwh.three[place]
        )
    assert rents.own_usd_per_mwh is not None
    # at 0.04 USD/kWh mining is worth more than at the network's 0.047
    assert rents.own_usd_per_mwh.value > rents.median_usd_per_mwh.value


def test_what_costs_more_to_build_keeps_more_in_mining(early_2026: HostingStudy) -> None:
    by_name = {one.name: one for one in early_2026.levers}
    assert by_name["capex"].at_high < by_name["capex"].at_low
    assert by_name["hosting_rate"].at_high < by_name["hosting_rate"].at_low
    assert by_name["moved"].at_high < by_name["moved"].at_low
    assert by_name["convertible"].at_high > by_name["convertible"].at_low
    moved = [abs(one.at_high - one.at_low) for one in early_2026.levers]
    assert moved == sorted(moved, reverse=True)


def test_nothing_published_later_is_used(real_record: Record, cut: Cut) -> None:
    at = day_start(date(2025, 9, 1)) + DAY
    study = study_hosting(cut(real_record, at), draws=200)
    assert {one.contract.published <= at for one in study.contracts} == {True}
    assert not any(one.contract.host == "Cipher" for one in study.contracts)
    # and what comes later in the record changes nothing
    later = cut(real_record, day_start(date(2026, 1, 31)))
    again = study_hosting(cut(later, at), draws=200)
    assert again.offers == study.offers
    assert again.break_even == study.break_even
    assert again.drift_per_year == study.drift_per_year


def test_before_the_first_contract_no_rent_is_typical_and_hindsight_is_said(
    real_record: Record, cut: Cut
) -> None:
    study = _study(real_record, cut, 2022, 6, 1)
    assert study.typical_usd_per_mwh is None
    assert study.contracts == ()
    assert any(one.startswith("hindsight: ") for one in study.lacks)
    assert any(one.startswith("contracts: none") for one in study.lacks)
    assert study.reference_usd_per_mwh in {one.rent_usd_per_mwh for one in study.offers}


def test_before_the_first_rig_nothing_is_said(real_record: Record, cut: Cut) -> None:
    with pytest.raises(NoRigYet):
        _study(real_record, cut, 2013, 1, 1)


def test_the_drift_is_what_the_ends_say(real_record: Record, cut: Cut) -> None:
    record = cut(real_record, day_start(date(2025, 9, 1)))
    mean, error, days_used = drift_of(record, 8.0)
    frame = metrics_of(record).frame("day", ["price", "blocks.difficulty_mean"])
    ratio = frame["price"].cast(float) / frame["blocks.difficulty_mean"].cast(float)
    days = frame.filter(ratio.is_finite())["time"]
    last = days[-1]
    first = days.filter(days >= last - 8 * 365.25 * DAY - DAY / 2)[0]
    by_day = dict(zip(frame["time"].to_list(), ratio.to_list(), strict=True))
    whole = np.log(by_day[last] / by_day[first])
    # where every day has a change, their mean is the change of the ends
    assert mean == pytest.approx(whole / ((last - first) / DAY) * 365.25, rel=1e-6)
    assert error > 0
    assert days_used == (first, last)


def test_a_record_of_few_days_has_no_drift(real_record: Record, cut: Cut) -> None:
    record = cut(real_record, day_start(date(2025, 9, 1)))
    since = day_start(date(2025, 2, 1))
    short = replace(
        record,
        blocks=record.blocks.filter(pl.col("time") >= since),
        daily=record.daily.filter(pl.col("day") >= date(2025, 2, 1)),
        candles=record.candles.filter(pl.col("open_time") >= since),
    )
    with pytest.raises(TooFewDaysForDrift, match="expected 365 days"):
        drift_of(short, 8.0)


def test_a_region_of_ones_own_prices_is_taken_for_elsewhere(
    real_record: Record, cut: Cut, tmp_path: Path
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        'level_spread = 0.1\n[[region]]\nname = "moon"\ntitle = "Moon"\nprice = 0.04\n'
        'spread = 0.2\njudged = true\nsource = "ours"\n[[shares]]\nsure = 20\njudged = true\n'
        'source = "ours"\n[shares.of]\nmoon = 1.0\n'
    )
    record = cut(real_record, day_start(date(2026, 1, 31)))
    study = study_hosting(record, prices=read_power_prices(path), draws=2000)
    elsewhere = study.convertible["elsewhere"]
    # all of it stands there: the mean of the Beta prior, less those that run again elsewhere
    moved = study.assumed["moved"]
    kept = 1 - moved.median * np.exp(moved.spread**2 / 2)
    assert study.could.value == pytest.approx(elsewhere.mean * kept, rel=0.25)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"offers_usd_per_mwh": (0.0,)}, "--offer"),
        ({"offers_usd_per_mwh": (float("nan"),)}, "--offer"),
        ({"power_usd_per_kwh": -0.1}, "--power-price"),
        ({"power_usd_per_kwh": 40.0}, "--power-price"),
    ],
)
def test_a_rent_or_a_price_that_is_none_is_refused(asked: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Asked(**asked)  # type: ignore[arg-type]


def test_machines_that_run_again_elsewhere_do_not_count(real_record: Record, cut: Cut) -> None:
    from hashcanary.economics.hosting.contracts import read_hosting

    record = cut(real_record, day_start(date(2026, 1, 31)))
    figures = read_hosting()
    none = tuple(
        replace(one, median=1e-6, spread=0.0) if one.name == "moved" else one
        for one in figures.assumptions
    )
    half = tuple(
        replace(one, median=0.5, spread=0.0) if one.name == "moved" else one
        for one in figures.assumptions
    )
    all_gone = study_hosting(record, replace(figures, assumptions=none), draws=200)
    half_gone = study_hosting(record, replace(figures, assumptions=half), draws=200)
    assert half_gone.could.value == pytest.approx(all_gone.could.value / 2, rel=1e-4)


def test_without_blocks_it_says_what_it_lacks(
    real_record: Record, early_2026: HostingStudy
) -> None:
    bare = study_hosting(replace(real_record, blocks=real_record.blocks.clear()), draws=400)
    assert any("no halving" in one for one in bare.lacks)
    assert not any("halving" in one or one.startswith("fees") for one in early_2026.lacks)
