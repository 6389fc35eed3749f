"""Hashrate that leaves a simulated history for good."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from support.stress_worlds import StressWorld, stress_world

from hashcanary.chain.targets import difficulty_float64_column
from hashcanary.moments import DAY
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.history import simulate_history
from hashcanary.simulation.paths import hashrate_path
from hashcanary.simulation.scenario import Exit, Scenario


def test_a_share_leaves_on_its_day_and_never_comes_back() -> None:
    days, left = 900, Exit(day=300.0, share=0.2, over_days=40.0)
    with_exit = hashrate_path(Scenario(exits=(left,)), days, 3)
    without = hashrate_path(Scenario(), days, 3)
    part, day = with_exit.rates / without.rates, with_exit.times / DAY
    assert part[day <= 300] == pytest.approx(1.0)
    assert part[np.searchsorted(day, 320)] == pytest.approx(0.8**0.5, rel=1e-3)
    assert part[day >= 340] == pytest.approx(0.8)
    # half a cosine: never up again
    assert (np.diff(part) <= 1e-12).all()


def test_two_exits_multiply() -> None:
    days = 500
    exits = (Exit(100.0, 0.1, 10.0), Exit(200.0, 0.5, 10.0))
    last = hashrate_path(Scenario(exits=exits), days, 1).rates[-1]
    assert last / hashrate_path(Scenario(), days, 1).rates[-1] == pytest.approx(0.9 * 0.5)


def test_an_exit_of_nothing_changes_no_byte() -> None:
    bare = simulate_history(5, 1.0)
    none = simulate_history(5, 1.0, Scenario(exits=(Exit(100.0, 0.0),)))
    assert none.blocks.equals(bare.blocks)
    assert none.candles.equals(bare.candles)


def test_the_difficulty_follows_and_the_price_does_not() -> None:
    bare = simulate_history(5, 3.0)
    left = simulate_history(5, 3.0, Scenario(exits=(Exit(400.0, 0.3),)))
    assert left.candles.equals(bare.candles)
    at = Scenario().start_time + 900 * DAY
    ratio = _difficulty_after(left.blocks, at) / _difficulty_after(bare.blocks, at)
    # of 2016 blocks an epoch has chance alone of a forty-fifth
    assert ratio == pytest.approx(0.7, rel=0.03)


def _difficulty_after(blocks: pl.DataFrame, at: int) -> float:
    bits = blocks.filter(pl.col("time") > at).head(10_000)["nbits"].to_numpy()
    return float(difficulty_float64_column(bits.astype(np.int64)).mean())


@pytest.mark.parametrize(
    ("day", "share", "over"),
    [(-1.0, 0.1, 30.0), (10.0, -0.1, 30.0), (10.0, 0.99, 30.0), (10.0, 0.1, 0.0)],
)
def test_an_exit_that_cannot_be_is_refused(day: float, share: float, over: float) -> None:
    with pytest.raises(UnusableScenario, match="exit: expected a day of 0 or more"):
        Exit(day, share, over)


def _rate_at_the_end(world: StressWorld) -> float:
    """Difficulties of the blocks of the last 35 days, a second: the hashrate, but for a factor."""
    blocks = world.record.blocks
    last = int(blocks["time"].max())  # type: ignore[arg-type]
    kept = blocks.filter(pl.col("time") > last - 35 * DAY)
    bits = kept["bits"].to_numpy().astype(np.int64)
    return float(difficulty_float64_column(bits).sum() / (35 * DAY))


@pytest.mark.parametrize("seed", [2, 9])
def test_a_stress_world_can_lose_a_stated_share_for_good(seed: int) -> None:
    stays = stress_world("exit", seed, left_for_good=0.0)
    leaves = stress_world("exit", seed, left_for_good=0.3)
    assert leaves.depth == pytest.approx(0.3)
    assert leaves.start == stays.start
    # a fall takes 60 days at most, a world has 100 after its beginning: some 4,500 blocks of chance
    ratio = _rate_at_the_end(leaves) / _rate_at_the_end(stays)
    assert ratio == pytest.approx(0.7, rel=0.06)


def test_only_a_world_of_exit_loses_a_share_for_good() -> None:
    with pytest.raises(UnusableScenario, match="expected a world of exit"):
        stress_world("luck", 1, left_for_good=0.1)
    with pytest.raises(UnusableScenario, match="share"):
        stress_world("exit", 1, left_for_good=1.0)
