"""What of the coins mined must be sold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.costs.stated import read_assumptions
from hashcanary.economics.errors import BadFigures, NoHashprice
from hashcanary.economics.machines.fleet import Fleets, History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import Part, PowerMix, power_mix, read_power_prices
from hashcanary.economics.priors import Prior
from hashcanary.economics.selling.study import (
    CLASSES,
    FALLS,
    SellingStudy,
    Sold,
    draw_overheads,
    read_published_shares,
    sold,
    study_selling,
)
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.economics.supply.fleet_history import Running, must_sell
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hashcanary.store.record import Record

    Cut = Callable[[Record, int], Record]

_DAYS = 3500
_LAST = day_start(date(2024, 6, 15))


def _history(price: float, now: float, rate_now: float) -> History:
    time = _LAST - DAY * np.arange(_DAYS, 0, -1, dtype=np.int64)
    hashprice = np.full(_DAYS, price)
    hashprice[-30:] = now
    rate = 1e6 * 1.5 ** ((time - time[0]) / (365.25 * DAY))
    rate[-30:] *= rate_now
    return History(time, rate, hashprice)


def _supply(draws: int = 300) -> Supply:
    history = _history(60.0, 40.0, 0.9)
    fleets = draw_fleets(read_rigs(), history, _LAST, draws, 1)
    mix = power_mix(read_power_prices(), _LAST)
    return supply_curve(fleets, market_at(history, _LAST), mix, 1)


_SUPPLY = _supply()
_OVERHEADS = draw_overheads(read_assumptions(), 300, 1)


@pytest.mark.parametrize("hashprice", [8.0, 28.0, 40.0, 60.0, 400.0])
def test_classes_make_up_the_whole_in_every_draw(hashprice: float) -> None:
    found = sold(_SUPPLY, hashprice, _OVERHEADS)
    total = found.total
    fee = _SUPPLY.parameters["pool_fee"]
    assert found.mined.shape == (len(CLASSES), 300)
    assert total.mined[0] == pytest.approx(np.ones(300))
    assert total.pool[0] == pytest.approx(fee)
    # each class: what is mined is the pool's, sold or free, and nothing of it is less than none
    for part in (found.mined, found.pool, found.power, found.free, found.shortfall):
        assert (part >= -1e-9).all()
    assert found.pool + found.power + found.free == pytest.approx(found.mined)
    assert (found.power <= found.whole + 1e-9).all()
    assert (found.whole <= found.mined * (1 - fee) + 1e-9).all()
    # the same sum, taken in one piece
    alone = must_sell(Running.of(_SUPPLY), hashprice, _SUPPLY.parameters)
    assert total.power[0] == pytest.approx(alone)


def test_what_is_under_water_is_what_the_supply_curve_says_is() -> None:
    for hashprice in (20.0, 40.0, 55.0):
        found = sold(_SUPPLY, hashprice, _OVERHEADS)
        assert found.mined[0] == pytest.approx(_SUPPLY.under_water(hashprice), abs=1e-6)


def test_only_what_is_under_water_lacks_money() -> None:
    found = sold(_SUPPLY, 28.0, _OVERHEADS)
    assert found.shortfall[0].mean() > 0.01
    assert (found.shortfall[1:] == 0).all()


def _machines(supply: Supply, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Costs of slices of the hashrate, and how much of it each slice is: (slices,), (…, draws)."""
    below = np.array([1.0 - supply.under_water(float(at)) for at in edges])
    return np.sqrt(edges[1:] * edges[:-1]), np.diff(below, axis=0)


@pytest.mark.parametrize("hashprice", [28.0, 40.0, 70.0])
def test_each_class_is_what_its_machines_do_one_by_one(hashprice: float) -> None:
    # slices with an edge at each end of a class
    edges = np.unique(
        np.concatenate([np.geomspace(a, b, 700) * hashprice for a, b in pairwise(_ENDS)])
    )
    cost, mass = _machines(_SUPPLY, edges)
    fee, ends = _SUPPLY.parameters["pool_fee"], _SUPPLY.parameters["overhead"]
    power = cost[:, None] * (1 - fee) / (1 + ends) / hashprice
    keeps = 1 - fee
    found = sold(_SUPPLY, hashprice, _OVERHEADS)
    for at, one in enumerate(CLASSES):
        margin = 1 - cost / hashprice
        own = (margin >= one.low) & (margin < one.high)
        part = mass[own]
        assert found.mined[at] == pytest.approx(part.sum(axis=0), abs=1e-3)
        mine = (part * np.minimum(power[own], keeps)).sum(axis=0)
        assert found.power[at] == pytest.approx(mine, abs=1e-3)
        more = (part * np.minimum(power[own] * (1 + _OVERHEADS), keeps)).sum(axis=0)
        assert found.whole[at] == pytest.approx(more, abs=1e-3)
        lacks = (part * np.maximum(power[own] - keeps, 0)).sum(axis=0)
        assert found.shortfall[at] == pytest.approx(lacks, abs=1e-3)


_ENDS = (0.01, 0.4, 0.6, 0.8, 1.0, 20.0)


def _one_machine(cost: float, fee: float, ends: float) -> Supply:
    """A network of one machine that all run at one price of power; the rest is exact."""
    history = _history(1000.0, 50.0, 1.0)
    fleets: Fleets = draw_fleets(read_rigs(), history, _LAST, 2, 1)
    shares = np.ones((1, 2), dtype=np.float32)
    alone = replace(
        fleets,
        rigs=fleets.rigs[:1],
        shares=shares,
        running=shares,
        efficiency_j_per_th=np.full((1, 2), 25.0, dtype=np.float32),
    )

    def sure(value: float) -> Prior:
        return Prior(value, 0.0, "none", "none")

    priors = {
        "pue": sure(1.0),
        "overhead": sure(ends),
        "pool_fee": sure(fee),
        "patience": sure(3000.0),
        "tolerance": sure(1.0),
    }
    price = cost / (24.0 * 25.0)
    mix = PowerMix((Part("all", price, 0.01, 1.0, True, "none"),), 1e6, 0.0, "none", ())
    return supply_curve(alone, market_at(history, _LAST), mix, 1, priors)


def test_one_machine_sells_what_its_power_costs() -> None:
    # 25 J/TH at 0.05 USD/kWh: 30 USD/PH/s/day of power; each draw's level moves it by a few percent
    supply = _one_machine(30.0, fee=0.02, ends=0.1)
    power = 24.0 * 25.0 * np.exp(supply.log_power_median)
    rich = sold(supply, 100.0, np.full(2, 0.5))
    assert rich.total.power[0] == pytest.approx(power / 100, rel=0.02)
    assert rich.total.whole[0] == pytest.approx(power * 1.5 / 100, rel=0.02)
    assert rich.total.shortfall[0] == pytest.approx(0.0, abs=1e-4)
    # at 20 USD it mines too little: it sells all that its pool leaves, and lacks the rest
    poor = sold(supply, 20.0, np.full(2, 0.5))
    assert poor.mined[0] == pytest.approx(np.ones(2), abs=1e-3)
    assert poor.total.power[0] == pytest.approx(np.full(2, 0.98), abs=1e-3)
    assert poor.total.whole[0] == pytest.approx(np.full(2, 0.98), abs=1e-3)
    assert poor.total.shortfall[0] == pytest.approx(power / 20 - 0.98, rel=0.05)


def test_a_higher_hashprice_asks_for_fewer_coins_in_every_draw() -> None:
    prices = (20.0, 30.0, 40.0, 50.0, 80.0)
    power = [sold(_SUPPLY, one, _OVERHEADS).total.power[0] for one in prices]
    for high, low in pairwise(power):
        assert (low <= high + 1e-9).all()


def test_overheads_are_the_stated_ones() -> None:
    figures = read_assumptions()
    exact = {name: replace(one, spread=0.0) for name, one in figures.items()}
    added = figures["running"].median + figures["administration"].median
    assert draw_overheads(exact, 5, 1) == pytest.approx(np.full(5, added))
    drawn = draw_overheads(figures, 20_000, 1)
    spread = figures["running"].spread
    # the mean of a log-normal is its median times exp(variance / 2)
    assert drawn.mean() == pytest.approx(added * np.exp(spread**2 / 2), rel=0.02)


def _study(record: Record, cut: Cut, *day: int) -> SellingStudy:
    return study_selling(cut(record, day_start(date(*day)) + DAY), draws=1500)


@pytest.fixture(scope="module")
def winter(real_record: Record, cut: Cut) -> SellingStudy:
    """The end of November 2022, when bitcoin cost 16,500 USD."""
    return _study(real_record, cut, 2022, 11, 25)


def test_the_table_adds_up_in_coins(winter: SellingStudy) -> None:
    for name in ("mined", "pool", "power", "whole", "free", "shortfall"):
        parts = [getattr(one, f"{name}_btc_per_day").value for one in winter.classes]
        assert sum(parts) == pytest.approx(getattr(winter.total, f"{name}_btc_per_day").value)
    total = winter.total
    kept = total.mined_btc_per_day.value - total.pool_btc_per_day.value
    assert total.power_btc_per_day.value + total.free_btc_per_day.value == pytest.approx(kept)
    assert total.power_btc_per_day.value == pytest.approx(
        winter.power.value * winter.mined_btc_per_day
    )


def test_coins_mined_are_those_of_the_blocks(real_record: Record, winter: SellingStudy) -> None:
    # the mean of 30 days of issuance and fees, of blocks; the difficulty moved a little meanwhile
    rows = metrics_of(real_record)["revenue.btc"].rows
    last = winter.supply.market.day
    days = rows.filter((rows["time"] > last - 30 * DAY) & (rows["time"] <= last))
    assert len(days) == 30
    assert winter.mined_btc_per_day == pytest.approx(float(days["value"].mean()), rel=0.05)  # type: ignore[arg-type]


def test_a_fall_of_the_price_takes_more_coins_and_no_more_dollars(winter: SellingStudy) -> None:
    assert [one.fall for one in winter.falls] == list(FALLS)
    assert winter.falls[0].power == winter.power
    assert winter.falls[0].underwater == winter.classes[0].share
    for before, after in pairwise(winter.falls):
        assert after.power.value > before.power.value
        assert after.underwater.value > before.underwater.value
        assert after.shortfall.value >= before.shortfall.value
        # the bill is the same, and what cannot pay it sells all it mines for less
        assert after.power_usd_per_day.value <= before.power_usd_per_day.value * (1 + 1e-9)


def test_dear_power_and_hungry_machines_are_what_moves_the_share_most(
    winter: SellingStudy,
) -> None:
    names = [one.name for one in winter.levers]
    assert set(names[:2]) == {"power_level", "network_j_per_th"}
    by_name = {one.name: one for one in winter.levers}
    for name in ("power_level", "network_j_per_th", "pue"):
        assert by_name[name].at_low < by_name[name].at_high
    assert all(0 <= one.part <= 1 for one in winter.levers)


def test_where_the_day_stands_is_a_rank_among_days_before(winter: SellingStudy) -> None:
    standing = winter.standing
    assert standing is not None
    through = winter.through_time
    told = np.flatnonzero(np.isfinite(through.must_sell))
    # by hand, one draw after the other
    ranks = []
    for draw in range(through.draws):
        past = [float(through.must_sell_drawn[day, draw]) for day in told]
        ranks.append(sum(one < past[-1] for one in past[:-1]) / (len(past) - 1))
    assert standing.rank.value == pytest.approx(float(np.mean(ranks)))
    assert standing.days == told.size - 1
    # the deepest winter since the record of prices began
    assert standing.rank.value > 0.9


def test_nothing_published_later_stands_beside_it(winter: SellingStudy) -> None:
    moment = day_start(date(2022, 11, 26))
    assert winter.beside
    assert all(one.published.known <= moment for one in winter.beside)
    assert any("overheads were stated only later" in one for one in winter.missing)


def test_the_record_as_known_then_gives_the_same_history(
    real_record: Record, winter: SellingStudy, cut: Cut
) -> None:
    later = study_selling(cut(real_record, day_start(date(2023, 4, 1))), draws=200)
    told = np.flatnonzero(np.isfinite(winter.through_time.must_sell))
    for name in ("must_sell", "under_water", "must_sell_drawn"):
        one, other = (getattr(each.through_time, name)[told] for each in (winter, later))
        assert np.array_equal(one, other)
    assert np.array_equal(
        winter.through_time_mined_btc_per_day[told], later.through_time_mined_btc_per_day[told]
    )


@pytest.mark.parametrize(
    ("first", "last", "low", "high"),
    [
        # JPMorgan's gross margins of December 2025 and of September 2024: 44% and 38%
        ((2025, 12, 1), (2025, 12, 31), 0.558, 0.558),
        ((2024, 9, 1), (2024, 9, 30), 0.616, 0.618),
    ],
)
def test_power_over_revenue_is_within_the_band_what_a_bank_published(
    real_record: Record,
    first: tuple[int, int, int],
    last: tuple[int, int, int],
    low: float,
    high: float,
) -> None:
    study = study_selling(real_record, draws=50)
    (found,) = [
        one
        for one in study.beside
        if one.published.first == day_start(date(*first))
        and one.published.last == day_start(date(*last)) + DAY
        and one.published.kind == "power_of_revenue"
    ]
    assert (found.published.low, found.published.high) == (low, high)
    assert found.ours is not None
    assert found.ours.low < low <= high < found.ours.high


def test_without_a_price_nothing_is_said(real_record: Record, cut: Cut) -> None:
    record = cut(real_record, day_start(date(2022, 11, 26)))
    bare = replace(record, daily=record.daily.clear(), candles=record.candles.clear())
    with pytest.raises(NoHashprice):
        study_selling(bare, draws=10)


_FIGURE = """
[[figure]]
who = "somebody"
kind = "sold_of_mined"
whose = "listed miners"
known = 2022-07-13
low = 0.2
high = 0.4
source = "a paper"
"""


@pytest.mark.parametrize(
    ("written", "instead", "named"),
    [
        ('kind = "sold_of_mined"', 'kind = "sold"', "kind"),
        ("high = 0.4", "high = 0.1", "high"),
        ("low = 0.2", 'low = "a fifth"', "low"),
        ("known = 2022-07-13", "", "known"),
        ("known = 2022-07-13", "known = 2022-07-13\nfirst = 2022-06-01", "last"),
        (
            "known = 2022-07-13",
            "known = 2022-07-13\nfirst = 2022-06-01\nlast = 2022-05-01",
            "last",
        ),
        (
            "known = 2022-07-13",
            "known = 2022-07-13\nfirst = 2022-08-01\nlast = 2022-08-31",
            "known",
        ),
        ('source = "a paper"', "", "source"),
        ("[[figure]]", "[[figures]]", "figure"),
    ],
)
def test_a_bad_figure_is_named(tmp_path: Path, written: str, instead: str, named: str) -> None:
    file = tmp_path / "figures.toml"
    file.write_text(_FIGURE)
    assert len(read_published_shares(file)) == 1
    file.write_text(_FIGURE.replace(written, instead))
    with pytest.raises(BadFigures, match=named):
        read_published_shares(file)


def test_every_published_figure_has_a_source_and_a_day() -> None:
    for one in read_published_shares():
        assert len(one.source) > 20
        assert one.known > day_start(date(2018, 1, 1))
        assert one.low <= one.high


def test_a_sum_of_classes_is_one_class() -> None:
    one = np.array([[0.25, 0.5], [0.75, 0.5]])
    total = Sold(one, one / 10, one / 2, one / 2, one * 0).total
    assert total.mined.tolist() == [[1.0, 1.0]]
    assert total.free == pytest.approx(np.array([[0.4, 0.4]]))


def test_before_the_days_begin_there_is_a_table_and_no_rank(real_record: Record, cut: Cut) -> None:
    study = _study(real_record, cut, 2016, 6, 1)
    assert study.standing is None
    assert study.beside == ()
    assert study.through_time.time.size == 0
    assert 0.0 < study.power.low < study.power.high < 1.0
    assert any("known only later" in one for one in study.missing)


def test_days_that_are_not_known_have_no_figure_beside_a_published_one(
    real_record: Record, cut: Cut
) -> None:
    study = _study(real_record, cut, 2024, 12, 31)
    through = study.through_time
    september = (through.time >= day_start(date(2024, 9, 1))) & (
        through.time < day_start(date(2024, 10, 1))
    )
    holes = replace(through, must_sell=np.where(september, np.nan, through.must_sell))
    record = cut(real_record, day_start(date(2025, 1, 1)))
    again = study_selling(record, draws=50, through=holes)
    first = day_start(date(2024, 9, 1))
    (found,) = [one for one in again.beside if one.published.first == first]
    assert found.ours is None


def test_a_file_without_figures_is_named(tmp_path: Path) -> None:
    file = tmp_path / "none.toml"
    file.write_text("")
    with pytest.raises(BadFigures, match="figure"):
        read_published_shares(file)
