"""Two moments compared: against dense Gaussian algebra, the smoother, and simulated truth."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from support.worlds import START, world_chain, world_path

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.inference.errors import NoRetargets, WindowNotKnown
from hashcanary.inference.filter.bank import CALM, VAGUE, Bank, Filtered, Model, run_bank, smooth
from hashcanary.inference.filter.comparison import compare, compared
from hashcanary.inference.filter.kernels import run_back_sums
from hashcanary.inference.filter.observations import Blocks, observe

DAY = 86_400
MODELS = (
    Model(wander=0.02, transient_days=0.5, transient_sd=0.06, growth=0.4, response=0.0),
    Model(wander=0.01, transient_days=0.0, transient_sd=0.0, growth=0.0, response=0.0),
)


def blocks_at(seed: int, count: int) -> Blocks:
    """Simulated blocks of one work, 18 a bin."""
    rng = np.random.default_rng(seed)
    times = 1_600_000_000 + np.cumsum(rng.exponential(600, 18 * count + 1))
    heights = np.arange(18 * 5000, 18 * 5000 + times.size, dtype=np.int64)
    same = np.full(heights.size, 4e9)
    return Blocks(heights, times.astype(np.int64), same, np.full(heights.size, np.nan))


def dense(filtered: Filtered, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the log rate at the bins' ends, by inverting matrices."""
    seen = filtered.observations
    q2, su2, slow, growth, _, _ = model.row()
    at = np.cumsum(seen.step)
    mean = seen.log_rate[0] + growth * at
    level = VAGUE**2 + q2 * np.minimum(at[:, None], at[None, :])
    covariance = level + su2 * np.exp(-np.abs(at[:, None] - at[None, :]) * slow)
    gain = covariance @ np.linalg.inv(covariance + np.diag(seen.variance))
    return mean + gain @ (seen.log_rate - mean), covariance - gain @ covariance


@pytest.mark.parametrize("model", MODELS, ids=["transient", "plain"])
def test_what_two_moments_share_is_what_dense_algebra_says(model: Model) -> None:
    filtered = run_bank(observe(blocks_at(3, 30), MAIN), Bank((model,), 0.999), keep=True)
    mean, covariance = dense(filtered, model)
    seen = filtered.observations
    then, now = slice(4, 9), slice(20, 23)
    found = compared(
        filtered,
        (seen.start_time[then][0], seen.time[then][-1]),
        (seen.start_time[now][0], seen.time[now][-1]),
    )
    weight = np.zeros(seen.size)
    weight[then], weight[now] = -1 / 5, 1 / 3
    assert found.mean[0] == pytest.approx(float(weight @ mean), rel=1e-6, abs=1e-9)
    assert found.variance[0] == pytest.approx(float(weight @ covariance @ weight), rel=1e-5)
    before, after = np.where(weight < 0, -weight, 0), np.where(weight > 0, weight, 0)
    shared = before @ covariance @ after
    alone = before @ covariance @ before, after @ covariance @ after
    assert found.correlation == pytest.approx(shared / np.sqrt(alone[0] * alone[1]), rel=1e-5)
    sums, joint = np.full((1, 2), np.nan), np.full((1, 3), np.nan)
    shares = np.stack((before, after))
    run_back_sums(seen.spans(), filtered.bank.rows(), filtered.kept, shares, 4, sums, joint)
    assert sums[0] == pytest.approx(shares @ mean, rel=1e-9)
    assert joint[0] == pytest.approx([alone[0], shared, alone[1]], rel=1e-5)
    assert found.then == (seen.start_time[4], seen.time[8])
    assert found.now == (seen.start_time[20], seen.time[22])


def test_one_moment_alone_is_the_smoothers() -> None:
    filtered = run_bank(observe(blocks_at(4, 60), MAIN), CALM, keep=True)
    seen, later = filtered.observations, smooth(filtered)
    found = compared(filtered, (seen.time[0] + 1.0, seen.time[0] + 1.0))
    assert found.mean == pytest.approx(later.mean[-1] - later.mean[1], abs=1e-9)
    # shared: less than the sum of both, and never less than the difference of their spreads
    apart = later.variance[-1] + later.variance[1]
    closest = (np.sqrt(later.variance[-1]) - np.sqrt(later.variance[1])) ** 2
    assert np.all(found.variance < apart)
    assert np.all(found.variance > closest - 1e-9)
    assert 0 < found.correlation < 1


def test_a_moment_compared_with_itself_has_not_fallen() -> None:
    filtered = run_bank(observe(blocks_at(5, 60), MAIN), CALM, keep=True)
    seen = filtered.observations
    same = (float(seen.start_time[30]), float(seen.time[30]))
    found = compared(filtered, same, same)
    assert found.correlation == pytest.approx(1)
    assert found.fallen(0.01) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("world", ["growing", "stepped"])
def test_bands_of_a_change_hold_the_truth_as_often_as_they_say(
    world: str, chains: ModuleType
) -> None:
    held = []
    for seed in range(4):
        path = world_path(world, 400, seed)
        blocks = chains.blocks_from(world_chain(path, seed))
        filtered = run_bank(observe(blocks, MAIN), CALM, keep=True)
        seen = filtered.observations
        for end in range(700, seen.size, 100):
            known = Filtered(
                filtered.bank,
                seen.where(np.arange(seen.size) < end),
                filtered.states_after(end - 1),
                filtered.scores[:end],
                filtered.kept[:end],
            )
            last = seen.time[end - 1]
            for days in (5, 30):
                found = compared(known, (last - (days + 2) * DAY, last - days * DAY))
                log = [
                    np.interp(np.linspace(*span, 50) - START, path.times, np.log(path.rates)).mean()
                    for span in (found.now, found.then)
                ]
                bounds = np.log1p(found.quantiles())
                held.append([bounds[i] <= log[0] - log[1] <= bounds[6 - i] for i in (2, 1, 0)])
    share = np.mean(held, axis=0)
    # looks of one chain are alike: an error of three points is one in forty separate looks
    assert np.all(share > np.array([0.5, 0.8, 0.95]) - 0.08)
    assert share[0] < 0.75


def test_probabilities_and_quantiles_agree() -> None:
    found = compare(blocks_at(6, 80), MAIN, (1_600_000_000 + DAY, 1_600_000_000 + 2 * DAY))
    low = float(found.quantiles(np.array([0.3]))[0])
    assert found.fallen(-low) == pytest.approx(0.3, abs=1e-6)
    assert found.fallen(0.0) > found.fallen(0.05) > found.fallen(0.2)
    with pytest.raises(ValueError, match="below 1"):
        found.fallen(1.0)


def without(blocks: Blocks, first: int, end: int) -> Blocks:
    """The blocks without those from index ``first`` to before ``end``."""
    keep = np.ones(blocks.height.size, dtype=bool)
    keep[first:end] = False
    return Blocks(*(getattr(blocks, one)[keep] for one in ("height", "time", "work", "change")))


def test_a_time_inside_a_gap_is_an_error_and_never_a_narrow_band() -> None:
    blocks = blocks_at(7, 900)
    middle = float(blocks.time[7500])
    with pytest.raises(WindowNotKnown, match="blocks of every day of it, found none between"):
        compare(without(blocks, 4000, 11000), MAIN, (middle, middle))


def test_a_few_hours_without_blocks_widen_the_band() -> None:
    blocks = blocks_at(7, 300)
    middle = float(blocks.time[3000])
    found = compare(without(blocks, 2990, 3010), MAIN, (middle, middle))
    assert np.ptp(found.quantiles()) > 0.98 * np.ptp(
        compare(blocks, MAIN, (middle, middle)).quantiles()
    )


def test_a_time_outside_the_blocks_is_an_error() -> None:
    blocks = blocks_at(8, 40)
    with pytest.raises(WindowNotKnown, match="a time within the blocks"):
        compare(blocks, MAIN, (0.0, 1000.0))
    with pytest.raises(NoRetargets):
        compare(blocks, REGTEST, (0.0, 1000.0))
