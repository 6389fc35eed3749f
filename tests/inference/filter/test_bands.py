"""Bands of the hashrate: as each block left them, and ahead, step by step in dense algebra."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import norm

from hashcanary.chain.networks import MAIN
from hashcanary.inference.filter.bank import LEVELS, spread, weights_of
from hashcanary.inference.filter.posterior import (
    Posterior,
    bands_ahead,
    history,
    recent_bands,
)

if TYPE_CHECKING:
    from types import ModuleType

DAY = 86_400
# a bin of 18 blocks: the wander's variance, the transient's variance and decay, growth, and what
# it adds for a price that rose
ROW = np.array([2e-5, 4e-3, 0.05, 3e-4, 2e-3, 1.0])


def one_model(row: np.ndarray, change: float) -> Posterior:
    """A level and a transient that are correlated."""
    state = np.array([[46.0, 0.03, 1e-4, -4e-5, 2e-3, 0.0]])
    mean, variance = state[:, 0] + state[:, 1], state[:, 2] + 2 * state[:, 3] + state[:, 4]
    return Posterior(row[None], 840_000, 1.7e9, state, np.ones(1), mean, variance, change, 0)


def ahead(row: np.ndarray, change: float, bins: int) -> np.ndarray:
    """Quantiles after some bins, each taken by itself."""
    mean, covariance = np.array([46.0, 0.03]), np.array([[1e-4, -4e-5], [-4e-5, 2e-3]])
    keeps = np.exp(-row[2]) if row[1] > 0 else 0.0
    for _ in range(bins):
        move = np.diag([1.0, keeps])
        mean = move @ mean + [row[3] + row[4] * change, 0.0]
        covariance = move @ covariance @ move.T
        covariance += np.diag([row[0], row[1] * (1 - keeps**2)])
    sd = np.sqrt(covariance.sum())
    return np.asarray(np.exp(mean.sum() + sd * norm.ppf(LEVELS)))


@pytest.mark.parametrize("change", [-0.4, 0.0, 0.5])
def test_bands_ahead_are_those_of_the_steps_one_by_one(change: float) -> None:
    bands = bands_ahead(one_model(ROW, change), 14.0)
    # half days: four bins each
    assert bands.time == pytest.approx(1.7e9 + DAY / 2 * np.arange(29))
    for at in (0, 1, 2, 7, 28):
        assert bands.rate[at] == pytest.approx(ahead(ROW, change, 4 * at), rel=1e-6)


def test_without_a_known_price_it_moves_nothing() -> None:
    bands = bands_ahead(one_model(ROW, np.nan), 3.0, 1.0)
    assert bands.time == pytest.approx(1.7e9 + DAY * np.arange(4))
    assert bands.rate[3] == pytest.approx(ahead(ROW, 0.0, 24), rel=1e-6)


def test_a_model_without_a_transient_has_none_ahead() -> None:
    row = ROW * [1, 0, 0, 1, 1, 1]
    rate = bands_ahead(one_model(row, 0.2), 2.0).rate
    assert rate[4] == pytest.approx(ahead(row, 0.2, 16), rel=1e-6)


def test_models_weigh_what_they_do_in_the_posterior() -> None:
    one, other = one_model(ROW, 0.0), one_model(ROW * [4, 1, 1, 1, 1, 1], 0.0)
    both = replace(
        one,
        rows=np.concatenate([one.rows, other.rows]),
        state=np.concatenate([one.state, other.state + 0.2 * np.eye(6)[0]]),
        weights=np.array([0.3, 0.7]),
        mean=np.concatenate([one.mean, other.mean + 0.2]),
        variance=np.concatenate([one.variance, other.variance]),
    )
    logs = np.log(bands_ahead(both, 1.0).rate[2])
    parts = [np.log(ahead(row, 0.0, 8)) for row in both.rows]
    shares = sum(
        weight * norm.cdf((logs - part[3] - shift) / ((part[4] - part[2]) / 2 / norm.ppf(0.75)))
        for weight, part, shift in zip(both.weights, parts, (0.0, 0.2), strict=True)
    )
    assert shares == pytest.approx(LEVELS, abs=1e-5)


@pytest.mark.parametrize("days", [0.5, 10.0])
def test_recent_bands_are_what_each_span_left(chains: ModuleType, stormy: Any, days: float) -> None:
    past = history(chains.blocks_from(stormy).part(0, 4000), MAIN)
    bands = recent_bands(past, days)
    seen, kept = past.filtered.observations, past.filtered.kept
    rows = np.flatnonzero(seen.time >= seen.time[-1] - days * DAY)
    assert bands.time.tolist() == seen.time[rows].tolist()
    for at in (0, rows.size // 2, rows.size - 1):
        level, transient, var_level, both, var_transient, score = kept[rows[at]].T
        weights, mean, variance = spread(
            weights_of(score), level + transient, var_level + 2 * both + var_transient
        )
        for rate, share in zip(bands.rate[at], LEVELS, strict=True):
            below = weights @ norm.cdf((np.log(rate) - mean) / np.sqrt(variance))
            assert below == pytest.approx(share, abs=1e-4)
