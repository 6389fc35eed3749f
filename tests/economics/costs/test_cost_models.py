"""Models of the cost of a coin against published vectors, closed forms and slow computations."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from hashcanary.arrays import Floats
from hashcanary.economics.costs.model import (
    SIGMAS,
    CostModel,
    Given,
    all_cost_models,
    combined,
    find_cost_models,
    with_residuals,
)
from hashcanary.economics.costs.models.cambridge import profitable_efficiency
from hashcanary.economics.costs.models.difficulty_refit import fitted_before
from hashcanary.economics.costs.models.difficulty_regression import regression_usd_per_btc
from hashcanary.economics.errors import UnknownCostModel
from hashcanary.economics.machines.fleet import STEP_DAYS, History, draw_fleets, network_efficiency
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.errors import DuplicateName
from hashcanary.metrics.catalogue.pow_floor import pow_floor
from hashcanary.moments import DAY

YEAR = 365.25 * DAY


def model(name: str) -> CostModel:
    return all_cost_models()[name]


def one(value: float) -> Floats:
    return np.array([value])


def cost_of(name: str, days: dict[str, float], stated: dict[str, float]) -> float:
    given = Given(
        {"time": one(0.0)} | {key: one(value) for key, value in days.items()},
        {key: one(value) for key, value in stated.items()},
        (),
    )
    return float(model(name).compute(given).usd_per_btc[0])


def earned_by_phs(difficulty: float, reward: float) -> float:
    return 86_400 * 1e15 * reward / (difficulty * 2**32)


def test_electricity_is_59_5_thousand_at_20_joules_and_5_cents() -> None:
    # D = 141.668T, subsidy alone: y = 4.4374e-7 BTC per TH/s and day; Capriole has 59,450 USD
    hashvalue = earned_by_phs(141.668e12, 3.125)
    assert hashvalue / 1000 == pytest.approx(4.4374e-7, rel=1e-4)
    stated = {"network_efficiency": 20.0, "power_overhead": 1.1, "network_power_price": 0.05}
    cost = cost_of("electricity", {"hashvalue": hashvalue}, stated)
    assert cost == pytest.approx(59_500, abs=100)
    assert cost == pytest.approx(59_450, rel=0.002)


def test_all_in_is_electricity_and_its_overheads() -> None:
    stated = {"network_efficiency": 20.0, "power_overhead": 1.1, "network_power_price": 0.05}
    over = {"running": 0.1, "administration": 0.2, "machines": 0.4, "pool_fee": 0.02}
    days = {"hashvalue": earned_by_phs(141.668e12, 3.125)}
    power = cost_of("electricity", days, stated)
    assert cost_of("all-in", days, stated | over) == pytest.approx(power * 1.7 / 0.98)


def test_hayes_is_what_the_paper_multiplies() -> None:
    # 0.135 USD/kWh x 1.15 W per GH/s x 24 h = 3.726 USD a day for 1000 GH/s, which at difficulty
    # 47,427,554,950 and 25 BTC find 0.010604 BTC
    days = {"hashvalue.subsidy": earned_by_phs(47_427_554_950, 25)}
    assert days["hashvalue.subsidy"] / 1000 == pytest.approx(0.010604, rel=1e-4)
    stated = {"network_efficiency": 1150.0, "hayes_power_price": 0.135}
    assert cost_of("hayes", days, stated) == pytest.approx(3.726 / 0.010604, rel=1e-4)


@pytest.mark.parametrize(
    ("difficulty", "supply", "published"),
    [(32.05e12, 19.15e6, 18_303), (141.67e12, 19.98e6, 38_278)],
)
def test_the_regression_is_glassnodes(difficulty: float, supply: float, published: float) -> None:
    found = regression_usd_per_btc(one(difficulty), one(supply))[0]
    assert found == pytest.approx(published, rel=1e-4)


def test_the_pow_floor_is_47_156_at_147t() -> None:
    days = pl.DataFrame({"blocks.difficulty_mean": [147e12] * 600, "issuance.btc": [450.0] * 600})
    floor = pow_floor(days)["value"].to_numpy()
    given = Given({"time": np.arange(600.0), "pow_floor": floor, "price.usd": floor * 2}, {}, ())
    assert model("pow-floor").compute(given).usd_per_btc[-1] == pytest.approx(47_156, abs=1)


def test_capriole_is_electricity_over_its_share() -> None:
    # 59,450 / 74,300 = 0.800; 50,000 / 62,650 = 0.798: the ratio of both published pairs
    share = find_cost_models(["capriole"])[0]
    days = {
        "time": np.arange(40) * float(DAY),
        "hashrate.day": np.full(40, 1e20),
        "revenue.usd": np.full(40, 5e7),
        "revenue.btc": np.full(40, 450.0),
        "issuance.btc": np.full(40, 450.0),
    }
    rig = SimpleNamespace(released=-DAY, efficiency_j_per_th=20.0)
    stated = {"cambridge_power_price": np.full(40, 0.05), "electricity_share": np.full(40, 0.8)}
    given = Given(days, stated, (rig,))  # type: ignore[arg-type]
    electrical = model("cambridge").compute(given).usd_per_btc[-1]
    # 1e8 TH/s x 20 J/TH x 1.10 x 24 h = 52.8 GWh a day
    assert electrical == pytest.approx(52.8e6 * 0.05 / 450)
    assert share.compute(given).usd_per_btc[-1] == pytest.approx(electrical / 0.8)


def test_cambridge_counts_rigs_as_described() -> None:
    rng = np.random.default_rng(7)
    time = np.arange(3000) * float(DAY)
    rigs = [
        SimpleNamespace(released=int(at) * DAY, efficiency_j_per_th=float(j))
        for at, j in zip(rng.integers(0, 2500, 12), rng.uniform(10, 100, 12), strict=True)
    ]
    threshold = np.exp(rng.normal(3.5, 0.5, 3000))
    threshold[100:120] = np.nan
    found = profitable_efficiency(time, threshold, tuple(rigs))  # type: ignore[arg-type]
    carried = (np.nan,) * 3
    for at, now in enumerate(time):
        paying = [
            rig.efficiency_j_per_th
            for rig in rigs
            if rig.released < now < rig.released + 5 * YEAR
            and threshold[at] > rig.efficiency_j_per_th
        ]
        if paying:
            carried = (min(paying), sum(paying) / len(paying), max(paying))
        expected = (np.nan,) * 3 if np.isnan(threshold[at]) else carried
        assert [column[at] for column in found] == pytest.approx(list(expected), nan_ok=True)


def test_cambridges_bounds_are_its_best_and_worst_rig() -> None:
    days = {
        "time": np.arange(40) * float(DAY),
        "hashrate.day": np.full(40, 1e20),
        "revenue.usd": np.full(40, 2e7),
        "revenue.btc": np.full(40, 450.0),
    }
    rigs = tuple(SimpleNamespace(released=-DAY, efficiency_j_per_th=e) for e in (10.0, 30.0, 9e9))
    cost = model("cambridge").compute(
        Given(days, {"cambridge_power_price": np.full(40, 0.05)}, rigs)  # type: ignore[arg-type]
    )
    a_joule_per_th = 1e8 * DAY / 3.6e6 * 0.05 / 450
    assert cost.low is not None
    assert cost.high is not None
    assert cost.low[-1] == pytest.approx(10 * 1.01 * a_joule_per_th)
    assert cost.usd_per_btc[-1] == pytest.approx(20 * 1.10 * a_joule_per_th)
    assert cost.high[-1] == pytest.approx(30 * 1.20 * a_joule_per_th)
    # two weeks of threshold and a week of power must have passed
    assert np.isnan(cost.usd_per_btc[:19]).all()
    assert np.isfinite(cost.usd_per_btc[19:]).all()


@pytest.mark.parametrize("window", [None, 500])
def test_the_refit_is_least_squares_on_the_days_before(window: int | None) -> None:
    rng = np.random.default_rng(3)
    x = np.linspace(20, 33, 1200) + rng.normal(0, 0.1, 1200)
    y = 10 + 0.5 * x + rng.normal(0, 0.4, 1200)
    y[700:730] = np.nan
    level, slope, spread = fitted_before(x, y, window)
    for at in (366, 640, 1000, 1199):
        past = slice(max(at - window, 0) if window else 0, at)
        known = np.isfinite(y[past])
        b, a = np.polyfit(x[past][known], y[past][known], 1)
        miss = y[past][known] - a - b * x[past][known]
        assert (level[at], slope[at]) == pytest.approx((a, b), rel=1e-7)
        assert spread[at] == pytest.approx(np.sqrt((miss**2).sum() / (known.sum() - 2)), rel=1e-7)
    assert np.isnan(slope[:365]).all()


@pytest.mark.parametrize("name", ["difficulty-refit", "difficulty-refit-4y"])
def test_the_refit_never_sees_its_own_price_or_a_later_one(name: str) -> None:
    rng = np.random.default_rng(4)
    days = {
        "time": np.arange(2000) * float(DAY),
        "blocks.difficulty_mean": np.exp(np.linspace(10, 30, 2000)),
        "blocks.supply_btc": np.full(2000, 1.8e7),
        "price.usd": np.exp(np.linspace(0, 10, 2000) + rng.normal(0, 0.3, 2000)),
    }
    other = days["price.usd"].copy()
    other[1500:] *= 7
    full = model(name).compute(Given(days, {}, ())).usd_per_btc
    changed = model(name).compute(Given({**days, "price.usd": other}, {}, ())).usd_per_btc
    assert (full[:1501] == changed[:1501])[365:].all()
    assert full[1501] != changed[1501]


def test_how_far_price_strayed_is_of_the_days_before() -> None:
    rng = np.random.default_rng(5)
    line, miss = np.full(900, 100.0), rng.normal(0.3, 0.5, 900)
    cost = with_residuals(line, line * np.exp(miss))
    assert cost.high is not None
    assert np.isnan(cost.high[:365]).all()
    assert np.isnan(cost.usd_per_btc[:365]).all()
    for at in (365, 700, 899):
        expected = 100 * np.exp(SIGMAS * np.std(miss[:at]))
        assert cost.high[at] == pytest.approx(expected, rel=1e-9)


def test_bands_of_a_product_of_log_normals_are_exact() -> None:
    ends = [(2.0 * np.exp(-SIGMAS * s), 2.0 * np.exp(SIGMAS * s)) for s in (0.1, 0.3)]
    parts = [(one(low), one(high)) for low, high in ends]
    low, high = combined(one(2.0), parts)
    spread = np.hypot(0.1, 0.3)
    assert high[0] == pytest.approx(2 * np.exp(SIGMAS * spread))
    assert low[0] == pytest.approx(2 * np.exp(-SIGMAS * spread))
    drawn = np.random.default_rng(1).normal(np.log(2), spread, 400_000)
    assert np.quantile(np.exp(drawn), 0.95) == pytest.approx(high[0], rel=0.005)


def growing(days: int) -> tuple[Floats, Floats, Floats]:
    """Days up to 18 January 2026, hashrate doubling every year to 1 ZH/s, a hashprice."""
    time = np.arange(20_471 - days, 20_471) * float(DAY)
    hashrate = 1e21 * 2.0 ** ((time - time[-1]) / YEAR)
    return time, hashrate, np.full(days, 60.0)


def test_the_networks_efficiency_is_the_median_of_drawn_fleets() -> None:
    time, hashrate, hashprice = growing(1500)
    catalogue = read_rigs()
    values, spread = network_efficiency(time, hashrate, hashprice, catalogue)
    moment = int((time[-1] + DAY) // (STEP_DAYS * DAY)) * STEP_DAYS * DAY
    history = History(time.astype(np.int64), hashrate / 1e12, hashprice)
    drawn = draw_fleets(catalogue, history, moment, 4000, seed=99).network_j_per_th
    # other draws, so as far off as 300 of them may be
    assert values[-1] == pytest.approx(float(np.median(drawn)), rel=0.03)
    # and what the rigs that nobody listed add
    new = sum(0 <= moment - rig.released < 3 * YEAR for rig in catalogue.rigs)
    expected = np.hypot(np.std(np.log(drawn)), 0.3 / np.sqrt(new))
    assert spread[-1] == pytest.approx(float(expected), rel=0.2)
    steps = np.flatnonzero(np.diff(values[100:]))
    assert (np.diff(steps) >= STEP_DAYS).all()


def test_the_networks_efficiency_never_looks_ahead() -> None:
    time, hashrate, hashprice = growing(1500)
    full, _ = network_efficiency(time, hashrate, hashprice, read_rigs())
    other = hashrate.copy()
    other[1201:] *= 3
    changed, _ = network_efficiency(time, other, hashprice / 1, read_rigs())
    assert full[:1201] == pytest.approx(changed[:1201], rel=0, abs=0, nan_ok=True)
    assert full[-1] != changed[-1]


def test_before_the_first_rig_and_without_hashrate_nothing_is_said() -> None:
    catalogue = read_rigs()
    time = np.arange(14_000, 14_100) * float(DAY)
    assert time[-1] < catalogue.rigs[0].released
    early, _ = network_efficiency(time, np.full(100, 1e10), np.full(100, 1.0), catalogue)
    assert np.isnan(early).all()
    time, hashrate, hashprice = growing(300)
    none, _ = network_efficiency(time, hashrate * np.nan, hashprice, catalogue)
    assert np.isnan(none).all()


def test_a_third_partys_model_comes_through_the_same_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hashcanary import plugins
    from hashcanary.economics.costs import model as cost_registry

    named = [(entry.name, entry.value) for entry in plugins.entry_points(group=cost_registry.GROUP)]
    assert named == [("hashcanary", "hashcanary.economics.costs.models")]
    theirs = model("electricity")
    monkeypatch.setattr(plugins, "declared", lambda *_: [("a", theirs), ("b", theirs)])
    cost_registry.all_cost_models.cache_clear()
    try:
        assert list(all_cost_models()) == ["electricity"]
        other = CostModel(*([""] * 7), (), theirs.compute)
        twice = [("ours", other), ("theirs", CostModel(*([""] * 7), (), theirs.compute))]
        monkeypatch.setattr(plugins, "declared", lambda *_: twice)
        cost_registry.all_cost_models.cache_clear()
        # two equal declarations are still two
        with pytest.raises(DuplicateName, match="second time in theirs"):
            all_cost_models()
    finally:
        cost_registry.all_cost_models.cache_clear()


def test_an_unknown_model_is_named_with_those_there_are() -> None:
    with pytest.raises(UnknownCostModel, match=r"all-in, cambridge.*found 'mine'"):
        find_cost_models(["mine"])


def test_every_model_says_what_it_is() -> None:
    for found in all_cost_models().values():
        for text in (found.definition, found.source, found.differs, found.band, found.rests_on):
            assert len(text) > 8, found.name
