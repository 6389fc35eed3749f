"""Simulated histories: determinism, form, and what happens in them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hashcanary.errors import Exit, UsageError
from hashcanary.random import Purpose, generator
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.history import History, simulate_history, write_history
from hashcanary.simulation.paths import HashratePath, hashrate_path, pool_shares, reverting
from hashcanary.simulation.scenario import Scenario, Shock


@pytest.fixture(scope="module")
def history() -> History:
    return simulate_history(seed=1, years=3)


def digests(history: History, folder: Path) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in write_history(history, folder)]


def test_same_seed_gives_the_same_bytes(history: History, tmp_path: Path) -> None:
    again = simulate_history(seed=1, years=3)
    assert digests(history, tmp_path / "one") == digests(again, tmp_path / "two")


def test_another_seed_gives_another_history(history: History) -> None:
    other = simulate_history(seed=2, years=3)
    assert not other.blocks["time"].head(100).equals(history.blocks["time"].head(100))
    assert not other.candles["close"].head(10).equals(history.candles["close"].head(10))


def test_heights_have_no_gap_and_start_an_epoch(history: History) -> None:
    heights = history.blocks["height"]
    assert heights[0] % 2016 == 0
    assert (heights.diff().drop_nulls() == 1).all()


def test_subsidy_follows_the_height(history: History) -> None:
    by_hand = [50_00000000 >> (height // 210_000) for height in history.blocks["height"]]
    assert history.blocks["subsidy"].to_list() == by_hand
    assert history.blocks["subsidy"].n_unique() == 2  # the halving at 630,000 is in it


def test_fees_are_whole_satoshis_and_never_negative(history: History) -> None:
    fees = history.blocks["totalfee"]
    assert fees.dtype == pl.Int64
    assert fees.min() >= 0
    median = Scenario().fee_btc * 1e8
    assert median / 4 < fees.median() < median * 4


def test_pools_find_blocks_by_their_shares_and_say_that_they_are_simulated(
    history: History,
) -> None:
    blocks = history.blocks["pool"]
    shares = dict(Scenario().pools)
    assert set(blocks) == {*shares, "unknown"}
    assert all("Simulated" in name for name in shares)
    # a share wanders by a third or so, for months on end
    for name, share in shares.items():
        assert (blocks == name).mean() == pytest.approx(share, rel=0.5)
    left_over = 1 - sum(shares.values())
    error = np.sqrt(left_over * (1 - left_over) / len(blocks))
    assert (blocks == "unknown").mean() == pytest.approx(left_over, abs=4 * error)


def test_shares_of_pools_are_fractions_that_keep_their_sum(history: History) -> None:
    found = pool_shares(Scenario(), 400, seed=3)
    assert found.shape == (400, len(Scenario().pools))
    assert (found > 0).all()
    assert found.sum(axis=1) == pytest.approx(sum(dict(Scenario().pools).values()))
    # the median of a lognormal share is its mean in the scenario, but for the common scale
    assert np.log(found[:, 0] / found[:, 1]).std() > 0.05


def test_candles_hold_their_own_prices_and_follow_each_other(history: History) -> None:
    candles = history.candles
    assert candles["date"].diff().drop_nulls().dt.total_days().unique().to_list() == [1]
    assert (candles["low"] > 0).all()
    assert (candles["low"] <= candles.select(pl.min_horizontal("open", "close")).to_series()).all()
    assert (candles["high"] >= candles.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert candles["open"][1:].to_list() == candles["close"][:-1].to_list()


def test_price_volatility_is_the_scenarios(history: History) -> None:
    calm = replace(Scenario(), price_shocks=(), price_volatility=0.5)
    closes = simulate_history(seed=4, years=10, scenario=calm).candles["close"].log()
    found = closes.diff().drop_nulls().std() * np.sqrt(365.25)
    assert found == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2 * closes.len()))


def test_the_capitulation_takes_price_first_and_hashrate_after() -> None:
    scenario = replace(Scenario(), hashrate_noise=0.0)
    days = 1096
    path = hashrate_path(scenario, days, seed=1)
    start = int(0.66 * days)
    daily = path.rates[::24]
    trend = scenario.start_hashrate * 1.45 ** (np.arange(days + 1) / 365.25)
    left = daily / trend
    assert left[start] == pytest.approx(1.0)
    assert left[start + 85] == pytest.approx(1 - 0.42)  # 25 days of lag, 50 of fall, then held
    assert left[start + 25 + 50 + 20 + 150 + 1] == pytest.approx(1.0)


def test_a_shock_at_its_bottom_has_its_depth() -> None:
    shock = Shock(at=0.5, fall_days=10, hold_days=5, recovery_days=20, depth=0.25, regained=0.5)
    effect = np.exp(shock.log_effect(np.array([0.0, 50.0, 62.0, 200.0]), length=100))
    assert effect == pytest.approx([1.0, 1.0, 0.75, 0.75**0.5])


def test_noise_is_stationary_with_its_memory() -> None:
    path = reverting(generator(1, Purpose.HASHRATE).standard_normal(200_000), step=1.0, memory=10.0)
    # the effective number of independent values is about n / (2 memory)
    assert path.std() == pytest.approx(1.0, abs=4 / np.sqrt(2 * 200_000 / 20))
    assert np.corrcoef(path[:-1], path[1:])[0, 1] == pytest.approx(np.exp(-0.1), abs=0.01)


def test_arrivals_invert_the_integral_of_the_hashrate() -> None:
    path = HashratePath(np.array([0.0, 10.0, 30.0]), np.array([1.0, 3.0, 1.0]))
    moments = np.array([0.0, 5.0, 10.0, 20.0, 30.0])
    # by hand: t + t^2/10 up to 10 s, then 20 + 3 s - s^2/20 with s = t - 10
    assert path.when(np.array([0.0, 7.5, 20.0, 45.0, 60.0])) == pytest.approx(moments)


@pytest.mark.parametrize("years", [0, 0.5, 31, float("nan"), float("inf")])
def test_years_out_of_range_are_refused(years: float) -> None:
    with pytest.raises(UnusableScenario, match="years: expected 1 to 30") as caught:
        simulate_history(seed=1, years=years)
    assert caught.value.exit_code is Exit.USAGE


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_seeds_out_of_range_are_refused(seed: int) -> None:
    with pytest.raises(UsageError, match="seed: expected"):
        simulate_history(seed=seed, years=1)


def test_seed_zero_is_a_seed_like_any_other() -> None:
    one = simulate_history(seed=0, years=1).blocks["time"].to_list()
    assert one == simulate_history(seed=0, years=1).blocks["time"].to_list()


def test_a_hashrate_that_is_not_positive_is_refused() -> None:
    with pytest.raises(UnusableScenario, match="hashrate path"):
        HashratePath(np.array([0.0, 1.0]), np.array([1.0, 0.0]))


def test_a_height_inside_an_epoch_is_refused() -> None:
    with pytest.raises(UnusableScenario, match="multiple of 2016"):
        simulate_history(seed=1, years=1, scenario=replace(Scenario(), first_height=610_683))
