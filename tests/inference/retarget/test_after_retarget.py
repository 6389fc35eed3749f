"""What the next retarget does to who is under water: closed forms, orders, and brute force."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.economics.draws import variance_parts
from hashcanary.economics.supply.study import SupplyStudy, study_supply
from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.retarget.after import AfterRetarget, after_retarget
from hashcanary.inference.retarget.forecast import RetargetForecast, Span, forecast_retarget
from hashcanary.inference.retarget.hashprice_ahead import Basis, basis_of, hashprice_ahead
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from hashcanary.store.record import Record

TIMESPAN = 1_209_600
DRAWS = 2000


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Three simulated years."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.simulation.history import simulate_history, write_history
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    folder = tmp_path_factory.mktemp("after")
    write_history(simulate_history(seed=5, years=3), folder / "files")
    empty = Lake.create(folder / "lake", MAIN, simulated=True)
    return record_of(load(empty, [folder / "files"], now=0).lake)


@pytest.fixture(scope="module")
def forecast(record: Record) -> RetargetForecast:
    """The forecast at the record's last block."""
    return forecast_retarget(record)


@pytest.fixture(scope="module")
def study(record: Record) -> SupplyStudy:
    """The supply curve, at a hashprice at which part of the fleet is under water."""
    return study_supply(record, draws=DRAWS)


@pytest.fixture(scope="module")
def basis(record: Record, forecast: RetargetForecast, study: SupplyStudy) -> Basis:
    """The record's, at a price at which a third of the fleet is under water."""
    found = basis_of(record, forecast)
    scale = float(study.supply.market.hashprice_usd_per_phs_day / found.now.value)
    prices = found.price_usd_per_btc * scale * np.linspace(0.05, 1.0, 60)
    shares = [
        study.supply.under_water(replace(found, price_usd_per_btc=one).now.value).mean()
        for one in prices
    ]
    at = int(np.abs(np.array(shares) - 0.33).argmin())
    assert 0.2 < shares[at] < 0.5
    return replace(found, price_usd_per_btc=float(prices[at]))


def _settled(forecast: RetargetForecast, ratio: float) -> RetargetForecast:
    """The same with the change known."""
    span = Span(TIMESPAN / ratio, TIMESPAN, 0.0, None)
    return replace(forecast, span=span, change=span.quantiles(LEVELS), intervals=forecast.needed)


def _still(basis: Basis) -> Basis:
    """The same with fees and price that do not move."""
    return replace(
        basis,
        fees_btc=np.full(30, basis.fees_now_btc),
        fee_history_btc=np.full(1000, basis.fees_now_btc),
        log_changes=np.zeros(1000),
    )


def test_a_difficulty_that_stays_changes_nothing(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(_settled(forecast, 1.0), study, _still(basis))
    assert found.moving is not None
    for then in (found.held, found.moving):
        assert then.under_water.values == pytest.approx(found.under_water_now.values, abs=1e-6)
        assert then.gain.values == pytest.approx(np.zeros(7), abs=1e-6)
        assert then.response.values == pytest.approx(np.zeros(7), abs=1e-5)
        assert then.by_elasticity.values == pytest.approx(np.zeros(7), abs=1e-9)
    assert found.worst.values == pytest.approx(found.best.values, abs=1e-6)
    assert found.offset_usd_per_btc.values == pytest.approx(np.full(7, basis.price_usd_per_btc))
    for rig in found.rigs:
        assert rig.pays_now == pytest.approx(rig.pays_after, abs=0.002)
        assert not rig.crosses or rig.pays_now == pytest.approx(0.5, abs=0.002)
    assert found.stopped is None


def test_harder_difficulty_puts_more_under_water_in_every_draw(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    now = study.supply.under_water(basis.now.value)
    shares = []
    for ratio in (0.8, 0.95, 1.05, 1.3):
        ahead = hashprice_ahead(_settled(forecast, ratio), _still(basis), DRAWS)
        shares.append(study.supply.under_water(ahead.held))
    for easier, harder in pairwise(shares):
        assert (harder >= easier - 1e-9).all()
    assert (shares[1] <= now + 1e-9).all()
    assert (shares[2] >= now - 1e-9).all()
    assert shares[3].mean() > shares[0].mean() + 0.05


def test_a_fall_of_the_difficulty_pushes_the_next_adjustment_up(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    easier = after_retarget(_settled(forecast, 0.9), study, _still(basis)).held
    harder = after_retarget(_settled(forecast, 1.1), study, _still(basis)).held
    assert easier.rises > 0.99
    assert easier.falls == harder.rises == 0.0
    assert harder.falls > 0.99
    assert easier.response.median > 0 > harder.response.median
    # what stands still can come back, and nothing comes back to a worse hashprice
    assert (harder.back_ehs.values == 0).all()
    assert easier.back_ehs.mean <= easier.response_ehs.mean


def test_a_lower_price_and_an_easier_difficulty_cancel_out(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    """At the offsetting price hashprice after is hashprice now: the definition, from both sides."""
    found = after_retarget(_settled(forecast, 0.88), study, _still(basis))
    assert found.offset_usd_per_btc.values == pytest.approx(
        np.full(7, 0.88 * basis.price_usd_per_btc)
    )
    there = replace(_still(basis), price_usd_per_btc=found.offset_usd_per_btc.median)
    then = after_retarget(_settled(forecast, 0.88), study, there).held
    assert then.hashprice_usd_per_phs_day.values == pytest.approx(np.full(7, basis.now.value))
    assert then.under_water.values == pytest.approx(found.under_water_now.values, abs=1e-6)


def test_the_whole_is_what_each_draw_gives_one_by_one(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    few = study_of_few(study)
    found = after_retarget(forecast, few, basis)
    ahead = hashprice_ahead(forecast, basis, few.supply.left.size)
    supply, shares, revenue, stopped = few.supply, [], [], []
    for at in range(few.supply.left.size):
        hash_usd = (
            144
            * (basis.subsidy_after_btc + ahead.fees_btc[at])
            * basis.price_usd_per_btc
            / (basis.difficulty * (1 + ahead.change[at]) * 2**32 / 600 / 1e15)
        )
        shares.append(float(supply.under_water(float(hash_usd))[at]))
        pue, fee = supply.parameters["pue"][at], supply.parameters["pool_fee"][at]
        # one PH/s at e J/TH takes e kW, 24 e kWh a day
        kwh = 24 * supply.fleets.network_j_per_th[at] * pue
        revenue.append(1000 * hash_usd * (1 - fee) / kwh)
        under = float(supply.under_water(basis.now.value)[at])
        span = forecast.span.passed + ahead.waits[at] / (1 - under)
        stopped.append(TIMESPAN / span - 1)
    assert found.held.under_water.values == pytest.approx(np.quantile(shares, LEVELS), abs=1e-9)
    assert found.held.under_water.mean == pytest.approx(np.mean(shares))
    assert found.held.revenue_usd_per_mwh.values == pytest.approx(np.quantile(revenue, LEVELS))
    assert found.stopped is not None
    assert found.stopped.change.values == pytest.approx(np.quantile(stopped, LEVELS))
    running = supply.market.hashrate_ths / 1e6
    assert found.held.under_water_ehs.mean == pytest.approx(np.mean(shares) * running)


def study_of_few(study: SupplyStudy, count: int = 60) -> SupplyStudy:
    """The study of its first draws alone."""
    supply = study.supply
    fleets = replace(
        supply.fleets,
        shares=supply.fleets.shares[:, :count],
        running=supply.fleets.running[:, :count],
        efficiency_j_per_th=supply.fleets.efficiency_j_per_th[:, :count],
        parameters={name: one[:count] for name, one in supply.fleets.parameters.items()},
    )
    paid = replace(
        supply.paid, log_median=supply.paid.log_median[:count], shares=supply.paid.shares[:count]
    )
    few = replace(
        supply,
        fleets=fleets,
        paid=paid,
        below=supply.below[:count],
        limit_log=supply.limit_log[:count],
        base_log=supply.base_log[:, :count],
        left=supply.left[:count],
        log_power_median=supply.log_power_median[:count],
        parameters={name: one[:count] for name, one in supply.parameters.items()},
    )
    return replace(study, supply=few)


def test_rigs_pay_as_often_as_their_cost_is_covered(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(_settled(forecast, 0.85), study, _still(basis))
    now = basis.now.value
    names = [rig.name for rig in study.supply.fleets.rigs]
    assert [one.name for one in found.rigs] == [one.name for one in study.rigs]
    for one in found.rigs:
        cost = study.supply.rig_cost(names.index(one.name))
        assert one.pays_now == pytest.approx(np.mean(cost <= now))
        assert one.pays_after == pytest.approx(np.mean(cost <= now / 0.85))
        assert one.pays_after >= one.pays_now
        # an easier difficulty takes the shutdown price down by as much
        assert one.off_at_after_usd_per_btc.value == pytest.approx(
            0.85 * one.off_at_now_usd_per_btc.value
        )
        assert one.crosses == (one.pays_now <= 0.5 < one.pays_after)


def test_the_extreme_dependences_hold_the_independent_answer_between_them(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(forecast, study, basis)
    upper = slice(4, 7)
    assert (found.worst.values[upper] >= found.held.under_water.values[upper] - 1e-3).all()
    assert (found.best.values[upper] <= found.held.under_water.values[upper] + 1e-3).all()
    assert found.best.values[-1] < found.worst.values[-1]


def test_a_moving_price_widens_the_bands(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(forecast, study, basis)
    assert found.moving is not None
    held, moving = (one.hashprice_usd_per_phs_day.values for one in (found.held, found.moving))
    assert (moving[:3] < held[:3]).all()
    assert (moving[4:] > held[4:]).all()
    for parts in (found.hashprice_parts, found.under_water_parts):
        assert sum(parts.values()) == pytest.approx(1.0)
        assert all(part >= 0 for part in parts.values())


def test_log_hashprice_adds_up_so_its_parts_are_those_of_the_variances(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(forecast, study, basis)
    ahead = hashprice_ahead(forecast, basis, DRAWS)
    assert ahead.moves is not None
    variance = {
        "difficulty": np.log1p(ahead.change).var(),
        "price": ahead.moves[np.arange(DRAWS), ahead.steps].var(),
        "fees": np.log(basis.subsidy_after_btc + ahead.fees_btc).var(),
    }
    total = sum(variance.values())
    for name, one in variance.items():
        assert found.hashprice_parts[name] == pytest.approx(one / total, abs=0.03)


def test_without_a_moving_price_nothing_is_said_of_it(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(forecast, study, replace(basis, log_changes=np.zeros(10)))
    assert found.moving is None
    assert found.hashprice_parts == found.under_water_parts == {}
    assert all(rig.pays_moving is None for rig in found.rigs)
    assert found.held.under_water.median >= 0


def test_the_same_seed_gives_the_same_answer(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    one, same, other = (after_retarget(forecast, study, basis, seed) for seed in (3, 3, 4))
    assert repr(one) == repr(same)
    assert repr(one.moving) != repr(other.moving)


def test_what_is_lacking_is_said_once(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found: AfterRetarget = after_retarget(
        replace(forecast, lacks=("a", "b")),
        replace(study, lacks=("b", "c")),
        replace(basis, lacks=("a",)),
    )
    assert found.lacks == ("a", "b", "c")


def test_parts_of_a_sum_are_its_variances_and_of_a_product_halves() -> None:
    random = np.random.default_rng(1)
    x, y, z = random.standard_normal((3, 20_000))
    added = variance_parts(
        ("x", "y", "z"),
        lambda at: 3 * x[at["x"]] + 2 * y[at["y"]] + 1 * z[at["z"]],
        20_000,
        random,
    )
    assert added == pytest.approx({"x": 9 / 14, "y": 4 / 14, "z": 1 / 14}, abs=0.02)
    product = variance_parts(("x", "y", "z"), lambda at: x[at["x"]] * y[at["y"]], 20_000, random)
    # neither explains anything alone: both share what they do together
    assert product == pytest.approx({"x": 0.5, "y": 0.5, "z": 0.0}, abs=0.02)
    # Ishigami's function of 1990, whose Shapley effects follow from its known variances
    u = random.uniform(-np.pi, np.pi, (3, 20_000))
    found = variance_parts(
        ("x", "y", "z"),
        lambda at: (
            (1 + 0.1 * u[2][at["z"]] ** 4) * np.sin(u[0][at["x"]]) + 7 * np.sin(u[1][at["y"]]) ** 2
        ),
        20_000,
        random,
    )
    first = 0.5 * (1 + 0.1 * np.pi**4 / 5) ** 2
    second, joint = 49 / 8, 0.1**2 * np.pi**8 * (1 / 18 - 1 / 50)
    total = first + second + joint
    expected = {
        "x": (first + joint / 2) / total,
        "y": second / total,
        "z": joint / 2 / total,
    }
    assert found == pytest.approx(expected, abs=0.03)


def test_a_price_at_which_all_stop_is_no_reason_to_fail(
    forecast: RetargetForecast, study: SupplyStudy, basis: Basis
) -> None:
    found = after_retarget(forecast, study, replace(basis, price_usd_per_btc=0.5))
    assert found.held.under_water.values == pytest.approx(np.ones(7), abs=1e-3)
    assert found.stopped is None
    assert found.held.response.values == pytest.approx(np.zeros(7), abs=1e-3)


def test_nothing_comes_from_anywhere_where_nothing_varies() -> None:
    noise = 1e-12 * np.random.default_rng(2).standard_normal(100)
    for still in (np.ones(100), 1 + noise):
        none = variance_parts(
            ("x", "y"), lambda at, of=still: of[at["x"]], 100, np.random.default_rng(1)
        )
        assert none == {"x": 0.0, "y": 0.0}
