"""The next retarget: closed forms it must meet, what bounds it, and what it does without."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

import hashcanary.inference.retarget.forecast as forecast_module
from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import difficulty_change
from hashcanary.inference.errors import EpochStartMissing
from hashcanary.inference.explain.causes import read_causes
from hashcanary.inference.filter.bank import LEVELS, Bank, Model
from hashcanary.inference.filter.observations import Blocks
from hashcanary.inference.filter.posterior import Posterior, history, posterior, state_of
from hashcanary.inference.retarget.falls import LASTING, UNSEEN_DAYS, lasting_falls
from hashcanary.inference.retarget.forecast import (
    Span,
    Waiting,
    forecast_from,
    forecast_retarget,
    waiting_for,
    with_fall,
)

if TYPE_CHECKING:
    from types import ModuleType

WORK = 6e22


def known(models: tuple[Model, ...], spread: float, rate: float = 1e20) -> Posterior:
    """A posterior whose log rate is ``rate``, known to ``spread``."""
    count = len(models)
    state = np.zeros((count, 6))
    state[:, 0], state[:, 2] = np.log(rate), spread**2
    weights = np.full(count, 1 / count)
    mean, variance = state[:, 0].copy(), state[:, 2].copy()
    return Posterior(Bank(models, 1.0).rows(), 100, 0.0, state, weights, mean, variance, np.nan, 0)


def test_a_known_rate_leaves_exactly_the_gamma_noise_of_the_remaining_blocks() -> None:
    now = known((Model(0.0, 0.0, 0.0, 0.0, 0.0),), 0.0)
    waiting = waiting_for(now, 1000, WORK)
    exact = stats.gamma(1000, scale=WORK / 1e20).ppf(LEVELS)
    # the last header's clock widens it by what it may be off
    assert waiting.quantiles(LEVELS) == pytest.approx(exact, rel=1e-4)


def test_a_moving_rate_spreads_as_simulated_paths_do() -> None:
    model = Model(0.01, 2.0, 0.06, 0.4, 0.0)
    now = known((model,), 0.03)
    q2, su2, slow, growth, _, _ = model.row()
    rng = np.random.default_rng(4)
    paths, bins = 4000, 112
    level = np.log(1e20) + 0.03 * rng.standard_normal(paths)
    transient, total = np.zeros(paths), np.zeros(paths)
    phi = np.exp(-slow)
    for _ in range(bins):
        level += growth + q2**0.5 * rng.standard_normal(paths)
        transient = phi * transient + (su2 * (1 - phi**2)) ** 0.5 * rng.standard_normal(paths)
        total += rng.gamma(18, WORK / np.exp(level + transient))
    found = waiting_for(now, 18 * bins, WORK).quantiles(LEVELS)
    drawn = np.quantile(total, LEVELS)
    # 4000 draws place a 2.5% quantile to about a twentieth of a standard deviation
    assert found == pytest.approx(drawn, abs=0.12 * total.std())


def _with_falls_drawn(
    random: np.random.Generator, waits: np.ndarray, days: float
) -> tuple[np.ndarray, np.ndarray]:
    """The waits in which falls of the stated causes begin, and which of them any did."""
    causes = [one for one in read_causes().real if one.name in LASTING]
    total, begun = np.ones_like(waits), np.zeros(waits.size, dtype=bool)
    for cause in causes:
        count = random.poisson(cause.a_year * (days + UNSEEN_DAYS) / 365.25, waits.size)
        for row in np.flatnonzero(count).tolist():
            depth = float(cause.depth.at(np.array(random.random())))
            start = random.uniform(-UNSEEN_DAYS, days) / days
            total[row] /= 1 - min(depth, 0.95) * (1 - max(start, 0.0))
            begun[row] = True
    return waits * total, begun


def test_a_fall_to_come_lengthens_the_wait_as_often_as_its_causes_say() -> None:
    now = known((Model(0.0, 0.0, 0.0, 0.0, 0.0),), 0.02)
    count, random = 1800, np.random.default_rng(11)
    plain = waiting_for(now, count, WORK)
    found = with_fall(plain)
    rate = 1e20 * np.exp(0.02 * random.standard_normal(400_000))
    waits = random.gamma(count, WORK / rate)
    drawn, begun = _with_falls_drawn(random, waits, float(plain.mean[0]) / 86_400)
    days = float(plain.mean[0]) / 86_400
    assert lasting_falls().probability(days + UNSEEN_DAYS) == pytest.approx(begun.mean(), abs=1e-3)
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.weights @ found.mean == pytest.approx(drawn.mean(), rel=3e-3)
    # a law of four depths is in the middle within a tenth of a deviation of one of all depths
    middle, tail = LEVELS[:6], np.array([0.975, 0.99])
    at = np.quantile(drawn, middle)
    assert found.quantiles(middle) == pytest.approx(at, abs=0.1 * plain.mean[0] * 0.03)
    assert found.below(np.quantile(drawn, tail)) == pytest.approx(tail, abs=0.004)
    # and without one it is what it was
    assert plain.below(np.quantile(waits[~begun], [0.5])) == pytest.approx([0.5], abs=0.01)


def test_a_fall_is_in_both_retargets_that_follow_it(
    chains: ModuleType, stormy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = chains.record_from(stormy)
    heights = [chains.FIRST + 2 * 2016 + m for m in (36, 1900)]
    falling = [forecast_retarget(record, height) for height in heights]
    none = replace(lasting_falls(), a_year=0.0)
    monkeypatch.setattr(forecast_module, "lasting_falls", lambda: none)
    steady = [forecast_retarget(record, height) for height in heights]

    def moved(name: str, at: int, level: int) -> float:
        return float(getattr(falling[at], name)[level] - getattr(steady[at], name)[level])

    # two weeks ahead a fall takes points off the lowest quantile, two thirds of a day next to none
    assert -0.05 < moved("change", 0, 0) < -0.01
    assert abs(moved("change", 1, 0)) < 0.003
    assert -0.06 < moved("second_change", 1, 0) < -0.01
    assert moved("date", 0, -1) > 3600
    assert moved("second_date", 1, -1) > 3600
    for name, at in (("change", 0), ("change", 1), ("second_change", 0), ("second_change", 1)):
        assert abs(moved(name, at, -1)) < 0.01


@pytest.mark.parametrize("count", [1, 2, 17, 18, 19, 500, 2014])
def test_never_narrower_than_the_remaining_blocks_own_noise(
    chains: ModuleType, stormy: Any, count: int
) -> None:
    record = chains.record_from(stormy)
    now = chains.posterior_of(record)
    waiting = waiting_for(now, count, WORK)
    assert (waiting.shape <= count).all()
    noise = stats.gamma(count).ppf([0.1, 0.9])
    low, high = waiting.quantiles(np.array([0.1, 0.9]))
    assert np.log(high / low) >= np.log(noise[1] / noise[0]) * (1 - 1e-6)


def test_the_distribution_and_its_quantiles_agree(chains: ModuleType, stormy: Any) -> None:
    forecast = forecast_retarget(chains.record_from(stormy))
    assert (np.diff(forecast.change) > 0).all()
    assert forecast.span.below(forecast.change) == pytest.approx(LEVELS, abs=1e-5)
    assert (np.diff(forecast.second_change) > 0).all()
    assert (forecast.second_date > forecast.date).all()


def test_changes_stay_within_a_quarter_and_four_times() -> None:
    weights, shape = np.ones(1), np.array([50.0])
    slow = Span(4.0e6, 1_209_600, 0.0, Waiting(weights, shape, np.array([5.0e6])))
    fast = Span(1.0e5, 1_209_600, 0.0, Waiting(weights, shape, np.array([1.0e4])))
    assert (slow.quantiles(LEVELS) == -0.75).all()
    assert (fast.quantiles(LEVELS) == 3.0).all()
    assert slow.below(np.array([-0.76, -0.75, 3.0])) == pytest.approx([0.0, 1.0, 1.0], abs=1e-6)
    assert fast.below(np.array([-0.75, 2.9, 3.0])) == pytest.approx([0.0, 0.0, 1.0], abs=1e-6)


def test_the_last_block_of_an_epoch_settles_the_change(chains: ModuleType, stormy: Any) -> None:
    record = chains.record_from(stormy)
    last = chains.FIRST + 3 * 2016 - 1
    forecast = forecast_retarget(record, last)
    bits = record.blocks["bits"].to_numpy()
    times = record.blocks["time"].to_numpy()
    span = times[3 * 2016 - 1] - times[2 * 2016]
    # the compact form cuts the target off after 15 bits or more
    assert forecast.change == pytest.approx(1_209_600 / span - 1)
    came = float(difficulty_change(int(bits[2 * 2016]), int(bits[3 * 2016])))
    assert forecast.change[3] == pytest.approx(came, abs=1e-4)
    assert forecast.intervals == forecast.needed == 2015


def test_a_forecast_rests_on_nothing_later(chains: ModuleType, stormy: Any, cut: Any) -> None:
    closes = 9000 * np.exp(0.05 * np.sin(np.arange(270) / 9))
    record = chains.record_from(stormy, closes)
    for row in (5000, 8064, 8065, 9500):
        known_at = int(record.blocks["known_at"][row])
        early = cut(record, known_at)
        height = int(early.blocks["height"][-1])
        a, b = forecast_retarget(early), forecast_retarget(record, height)
        assert a.change == pytest.approx(b.change, abs=1e-12)
        assert a.second_date == pytest.approx(b.second_date)


def test_without_the_epochs_first_block_there_is_a_named_error(
    chains: ModuleType, stormy: Any
) -> None:
    record = chains.record_from(stormy)
    first = chains.FIRST + 2 * 2016
    holed = replace(
        record, blocks=record.blocks.filter(record.blocks["height"] != first).head(5000)
    )
    with pytest.raises(EpochStartMissing, match=f"expected block {first}"):
        forecast_retarget(holed)


@pytest.mark.parametrize("done", [0, 1])
def test_at_an_epochs_start_it_rests_on_the_epochs_before_and_says_so(
    chains: ModuleType, stormy: Any, done: int
) -> None:
    forecast = forecast_retarget(chains.record_from(stormy), chains.FIRST + 2 * 2016 + done)
    assert any("an epoch to measure" in what for what in forecast.lacks)
    assert any("a price" in what for what in forecast.lacks)
    # a rate known to a few percent and 2015 blocks to come
    assert 0.03 < forecast.change[-1] - forecast.change[0] < 0.6


def test_blocks_missing_inside_the_epoch_are_said_and_widen_it(
    chains: ModuleType, stormy: Any
) -> None:
    record = chains.record_from(stormy)
    height = chains.FIRST + 2016 + 1500
    middle = record.blocks["height"].is_between(chains.FIRST + 2100, height - 60)
    holed = replace(record, blocks=record.blocks.filter(~middle))
    whole, gapped = (forecast_retarget(one, height) for one in (record, holed))
    assert gapped.lacks[0] == "1357 blocks of this epoch, whose times are not known"
    assert gapped.change[-1] - gapped.change[0] >= 0.98 * (whole.change[-1] - whole.change[0])


@pytest.mark.parametrize("world", ["steady", "growing", "stepped", "stormy"])
def test_bands_hold_what_came_on_simulated_epochs(chains: ModuleType, world: str) -> None:
    inside = []
    for seed in range(3):
        chain = chains.mined(world, 500, seed)
        blocks = chains.blocks_from(chain)
        past = history(blocks, MAIN)
        for epoch in range(6, chain.times.size // 2016):
            span = chain.times[epoch * 2016 + 2015] - chain.times[epoch * 2016]
            for m in (72, 504, 1512):
                at = epoch * 2016 + m
                forecast = forecast_from(blocks.part(0, at + 1), posterior(past.state_at(at)), MAIN)
                came = 1_209_600 / span - 1
                inside.append(
                    [forecast.change[k] <= came <= forecast.change[-1 - k] for k in (2, 1, 0)]
                )
    share = np.mean(inside, axis=0)
    error = np.sqrt(np.array([0.25, 0.16, 0.0475]) / (len(inside) / 3))
    assert (share >= np.array([0.50, 0.80, 0.95]) - 2.5 * error).all(), share


def test_disordered_and_equal_times_give_an_answer(chains: ModuleType, stormy: Any) -> None:
    blocks = chains.blocks_from(stormy).part(0, 3000)
    times = blocks.time.copy()
    times[-40:] = times[-41]
    times[2900] += 7200
    wrong = Blocks(blocks.height, times, blocks.work, blocks.change)
    forecast = forecast_from(wrong, posterior(state_of(wrong, MAIN)), MAIN)
    assert np.isfinite(forecast.change).all()
    assert (np.diff(forecast.change) > 0).all()
