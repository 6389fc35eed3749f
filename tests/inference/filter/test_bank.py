"""The bank's filter against dense Gaussian algebra that shares nothing with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hashcanary.chain.networks import MAIN
from hashcanary.inference.errors import NothingObserved
from hashcanary.inference.filter.bank import (
    LEVELS,
    VAGUE,
    Bank,
    Model,
    below,
    quantiles,
    run_bank,
    weights_of,
)
from hashcanary.inference.filter.kernels import change_regime, log_density
from hashcanary.inference.filter.observations import Blocks, Observations, observe

MODEL = Model(wander=0.02, transient_days=0.5, transient_sd=0.06, growth=0.4, response=0.01)
PLAIN = Model(wander=0.01, transient_days=0.0, transient_sd=0.0, growth=0.0, response=0.0)
# sub-steps of a bin in the dense model: a span's mean is a sum over them
FINE = 40


def spans(count: int, seed: int = 5, lengths: list[float] | None = None) -> Observations:
    """Observations of simulated blocks; ``lengths`` in bins replaces the step of some."""
    rng = np.random.default_rng(seed)
    times = 1_600_000_000 + np.cumsum(rng.exponential(600, 18 * count + 1))
    heights = np.arange(18 * 5000, 18 * 5000 + times.size, dtype=np.int64)
    size = heights.size
    seen = observe(
        Blocks(heights, times.astype(np.int64), np.full(size, 4e9), np.full(size, 0.2)), MAIN
    )
    if lengths is not None:
        seen = replace(seen, step=np.array(lengths))
    return seen


def dense(seen: Observations, model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the log rate at step ends given all."""
    q2, su2, slow, growth, response, _ = model.row()
    pieces = [1 if step <= 1 else int(step * FINE) for step in seen.step]
    lengths = np.concatenate(
        [np.full(n, step / n) for n, step in zip(pieces, seen.step, strict=True)]
    )
    drift = np.concatenate(
        [
            np.full(n, (growth + response * z) * step / n)
            for n, step, z in zip(pieces, seen.step, seen.change, strict=True)
        ]
    )
    at = np.concatenate(([0.0], np.cumsum(lengths)))
    total = at.size
    first = seen.log_rate[np.flatnonzero(seen.count)[0]]
    mean = first + np.concatenate(([0.0], np.cumsum(drift)))
    level = VAGUE**2 + q2 * np.minimum(at[:, None], at[None, :])
    transient = su2 * np.exp(-np.abs(at[:, None] - at[None, :]) * slow)
    covariance = level + transient
    design, ends, here = [], [], 0
    for n in pieces:
        row = np.zeros(total)
        if n == 1:
            row[here + 1] = 1
        else:
            # trapezoid mean over the span
            row[here : here + n + 1] = 1 / n
            row[here] = row[here + n] = 0.5 / n
        here += n
        ends.append(here)
        design.append(row)
    observed = np.flatnonzero(seen.count)
    h = np.array(design)[observed]
    s = h @ covariance @ h.T + np.diag(seen.variance[observed])
    gain = covariance[ends] @ h.T @ np.linalg.inv(s)
    error = seen.log_rate[observed] - h @ mean
    given = covariance[np.ix_(ends, ends)] - gain @ h @ covariance[:, ends]
    return mean[ends] + gain @ error, given


CASES = {
    "bins": (12, None),
    "a partial bin": (8, [1, 1, 1, 0.5, 1, 1, 1, 0.4]),
    "long spans": (6, [1, 7.5, 1, 30.0, 1, 1]),
}


@pytest.mark.parametrize("model", [MODEL, PLAIN])
@pytest.mark.parametrize("case", CASES)
def test_the_filter_is_the_dense_gaussian_posterior(case: str, model: Model) -> None:
    count, lengths = CASES[case]
    seen = spans(count, lengths=lengths)
    blank = seen.count.copy()
    blank[2] = 0
    seen = replace(seen, count=blank, log_rate=np.where(blank > 0, seen.log_rate, np.nan))
    mean, covariance = dense(seen, model)
    state = run_bank(seen, Bank((model,), 1.0)).state[0]
    assert state[0] + state[1] == pytest.approx(mean[-1], abs=2e-4)
    assert state[2] + 2 * state[3] + state[4] == pytest.approx(covariance[-1, -1], rel=2e-3)


@pytest.mark.parametrize("variance", [0.02, 0.0571, 0.1, 0.25, 0.5, 3.0])
def test_the_density_of_a_span_has_its_mean_and_variance_and_the_luck_of_blocks(
    variance: float,
) -> None:
    grid = np.linspace(-12 * variance**0.5, 12 * variance**0.5, 20_001)
    density = np.exp([log_density(error, variance) for error in grid])
    moments = [np.trapezoid(density * grid**power, grid) for power in range(4)]
    assert moments[0] == pytest.approx(1, abs=1e-4)
    assert moments[1] == pytest.approx(0, abs=2e-3 * variance**0.5)
    assert moments[2] == pytest.approx(variance, rel=2e-3)
    if variance == 0.0571:
        # 18 blocks at a known rate: minus the log of a Gamma variate
        exact = stats.loggamma(18)
        assert density == pytest.approx(exact.pdf(exact.mean() - grid), abs=2e-3)


def likelihoods(seen: Observations, model: Model) -> np.ndarray:
    """Log predictive density of each observation, the first one too, of a model alone."""
    first = seen.log_rate[np.flatnonzero(seen.count)[0]]
    alone = Bank((model,), 1.0)
    return run_bank(seen, alone, state=alone.start(float(first))).scores


def test_weights_are_discounted_scores() -> None:
    seen = spans(30)
    bank = Bank((MODEL, PLAIN), 0.9)
    filtered = run_bank(seen, bank)
    likelihood = np.stack([likelihoods(seen, model) for model in bank.models], axis=1)
    age = 0.9 ** np.arange(likelihood.shape[0] - 1, -1, -1)
    expected = np.exp((age[:, None] * likelihood).sum(axis=0))
    assert weights_of(filtered.state[:, 5]) == pytest.approx(expected / expected.sum())


def test_scores_are_densities_given_what_came_before_and_the_first_has_none() -> None:
    seen = spans(12)
    blank = seen.count.copy()
    blank[:2] = 0
    seen = replace(seen, count=blank, log_rate=np.where(blank > 0, seen.log_rate, np.nan))
    alone = run_bank(seen, Bank((MODEL,), 1.0), keep=True)
    # two bins without blocks, and the one that is its own guess
    assert (alone.scores[:3] == 0).all()
    assert alone.scores[3:] == pytest.approx(likelihoods(seen, MODEL)[3:])
    assert (alone.scores[3:] != 0).all()
    both = run_bank(seen, Bank((MODEL, PLAIN), 1.0), keep=True)
    weights = weights_of(both.kept[3:-1, :, 5])
    each = np.stack([likelihoods(seen, model)[4:] for model in (MODEL, PLAIN)], axis=1)
    mixed = np.log((weights * np.exp(each)).sum(axis=1))
    assert both.scores[4:] == pytest.approx(mixed)
    # carried on from a state, the first one is forecast too
    rest = run_bank(seen.where(np.arange(12) > 6), Bank((MODEL,), 1.0), state=alone.states_after(6))
    assert rest.scores == pytest.approx(alone.scores[7:])


def test_carrying_a_state_on_is_filtering_at_once() -> None:
    seen = spans(20)
    bank = Bank((MODEL, PLAIN), 0.99)
    early = np.arange(seen.size) < 9
    half = run_bank(seen.where(early), bank)
    whole = run_bank(seen, bank)
    rest = run_bank(seen.where(~early), bank, state=half.state)
    assert rest.state == pytest.approx(whole.state, abs=1e-12)


def test_steps_without_an_observation_widen_what_is_known() -> None:
    seen = spans(10)
    silent = replace(
        seen,
        count=np.where(np.arange(10) > 5, 0, seen.count),
        log_rate=np.where(np.arange(10) > 5, np.nan, seen.log_rate),
    )
    kept = run_bank(silent, Bank((PLAIN,), 1.0), keep=True).kept[:, 0]
    assert (np.diff(kept[5:, 2]) > 0).all()


def test_nothing_observed_is_a_named_error() -> None:
    seen = spans(3)
    silent = replace(seen, count=np.zeros_like(seen.count))
    with pytest.raises(NothingObserved, match="expected 7 consecutive blocks"):
        run_bank(silent, Bank((PLAIN,), 1.0))


def test_mixture_quantiles_invert_the_mixtures_distribution() -> None:
    rng = np.random.default_rng(2)
    weights = rng.dirichlet(np.ones(5), 20)
    mean, variance = rng.normal(0, 0.2, (20, 5)), rng.uniform(1e-4, 0.02, (20, 5))
    found = quantiles(weights, mean, variance, LEVELS)
    for i in range(20):
        law = stats.norm(mean[i][:, None], np.sqrt(variance[i])[:, None])
        assert weights[i] @ law.cdf(found[i]) == pytest.approx(LEVELS, abs=1e-6)
        assert below(weights[i], mean[i], variance[i], found[i]) == pytest.approx(LEVELS, abs=1e-6)


def test_a_change_of_regime_keeps_the_mixture_as_it_is() -> None:
    """What flows into a shock flows out of the others: weight, mean and covariance of all stay."""
    rng = np.random.default_rng(5)
    groups, calm = 3, 12
    state = np.empty((calm + groups, 6))
    state[:, 0], state[:, 1] = rng.normal(40, 1, calm + groups), rng.normal(0, 0.3, calm + groups)
    spread = rng.uniform(0.1, 1, (calm + groups, 2))
    state[:, 2], state[:, 4] = spread[:, 0] ** 2, spread[:, 1] ** 2
    state[:, 3] = rng.uniform(-0.9, 0.9, calm + groups) * spread[:, 0] * spread[:, 1]
    state[:, 5] = np.log(rng.dirichlet(np.ones(calm + groups)))

    def moments(group: int, rows: np.ndarray) -> list[float]:
        mine = rows[group::groups]
        weight = np.exp(mine[:, 5])
        share = weight / weight.sum()
        mean = share @ mine[:, :2]
        off = mine[:, :2] - mean
        return [
            weight.sum(),
            *mean,
            share @ (mine[:, 2] + off[:, 0] ** 2),
            share @ (mine[:, 3] + off[:, 0] * off[:, 1]),
            share @ (mine[:, 4] + off[:, 1] ** 2),
        ]

    after = state.copy()
    change_regime(after, groups, 0.02, 0.3)
    for group in range(groups):
        assert moments(group, after) == pytest.approx(moments(group, state))
    # of each shock a part stays, and of all the others a part comes in
    weight = np.exp(state[:, 5])
    others = np.array([weight[g:calm:groups].sum() for g in range(groups)])
    assert np.exp(after[calm:, 5]) == pytest.approx(0.7 * weight[calm:] + 0.02 * others)
