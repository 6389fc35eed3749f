"""Paths of hashrate, price and fee level over a simulated history."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator
from hashcanary.simulation.hashrate import Floats, HashratePath
from hashcanary.simulation.scenario import Scenario

YEAR = 365.25
HOURS = 24


def hashrate_path(scenario: Scenario, days: int, seed: int) -> HashratePath:
    """Hashrate at every hour: growth, the scenario's shocks and exits, and noise about zero."""
    hours = np.arange(days * HOURS + 1, dtype=np.float64) / HOURS
    log_rate = hours / YEAR * np.log1p(scenario.hashrate_growth)
    for shock in scenario.hashrate_shocks:
        log_rate = log_rate + shock.log_effect(hours, days)
    for one in scenario.exits:
        log_rate = log_rate + one.log_effect(hours)
    noise = reverting(
        generator(seed, Purpose.HASHRATE).standard_normal(hours.size),
        step=1 / HOURS,
        memory=scenario.noise_days,
    )
    log_rate += scenario.hashrate_noise * noise
    return HashratePath(hours * DAY, scenario.start_hashrate * np.exp(log_rate))


def prices(scenario: Scenario, days: int, seed: int) -> Floats:
    """Price in USD at every hour: geometric Brownian motion and the scenario's shocks.

    Shape: ``days * 24 + 1``, the first at the start.
    """
    steps = days * HOURS
    draws = generator(seed, Purpose.PRICE).standard_normal(steps)
    walk = np.concatenate(([0.0], np.cumsum(draws)))
    days_in = np.arange(steps + 1) / HOURS
    log_price = days_in / YEAR * np.log1p(scenario.price_growth)
    log_price += scenario.price_volatility * np.sqrt(1 / HOURS / YEAR) * walk
    for shock in scenario.price_shocks:
        log_price += shock.log_effect(days_in, days)
    return np.asarray(scenario.start_price * np.exp(log_price))


def fee_levels(scenario: Scenario, days: int, seed: int) -> Floats:
    """Median fee of a block in BTC, day by day."""
    draws = generator(seed, Purpose.FEE_LEVEL).standard_normal(days)
    level = reverting(draws, step=1.0, memory=scenario.fee_days)
    return np.asarray(scenario.fee_btc * np.exp(scenario.fee_level_noise * level))


def pool_shares(scenario: Scenario, days: int, seed: int) -> Floats:
    """Share of each of the scenario's pools by day, (days, pools); the rest is of no known one.

    Each wanders by itself about its mean in the logarithm; the rest keeps its share.
    """
    mean = np.array([share for _, share in scenario.pools])
    draws = generator(seed, Purpose.POOL_LEVEL).standard_normal((mean.size, days))
    paths = np.array([reverting(row, step=1.0, memory=scenario.pool_days) for row in draws])
    weight = mean[:, None] * np.exp(scenario.pool_noise * paths)
    return np.asarray((weight / weight.sum(axis=0) * mean.sum()).T)


def reverting(draws: Floats, step: float, memory: float) -> Floats:
    """A stationary Ornstein-Uhlenbeck path of unit variance from standard normal draws.

    step: between values; memory: e-folding time of the autocorrelation, in the same unit.
    """
    kept = math.exp(-step / memory)
    shocks = draws * math.sqrt(1 - kept * kept)
    shocks[0] = draws[0]  # starts in its stationary law, not at zero
    path = accumulate(shocks.tolist(), lambda before, shock: kept * before + shock)
    return np.fromiter(path, np.float64, draws.size)
