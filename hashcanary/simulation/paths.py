"""Paths of hashrate, price and fee level over a simulated history."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.scenario import Scenario


@dataclass(frozen=True, slots=True)
class HashratePath:
    """Hashrate over time, linear between its nodes.

    times: seconds since the start of the history, ascending, the first 0; rates: H/s at those
    moments. Raises UnusableScenario on fewer than two nodes, unordered times, or a rate that is
    not positive.
    """

    times: Floats
    rates: Floats
    done: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ordered = self.times.size > 1 and self.times[0] == 0 and (np.diff(self.times) > 0).all()
        if not ordered or self.rates.shape != self.times.shape or not (self.rates > 0).all():
            raise UnusableScenario(
                what="hashrate path",
                expected="two or more ascending times from 0, each with a positive rate",
                found=f"{self.times.size} times and {self.rates.size} rates",
                remedy="Correct the scenario.",
            )
        hashes = np.diff(self.times) * (self.rates[1:] + self.rates[:-1]) / 2
        object.__setattr__(self, "done", np.concatenate(([0.0], np.cumsum(hashes))))

    @property
    def total(self) -> float:
        """Hashes done by the end of the path."""
        return float(self.done[-1])

    def when(self, hashes: Floats) -> Floats:
        """Seconds since the start at which each number of ``hashes`` was done.

        The inverse of the integral of the rate, exact between nodes. ``hashes`` must not exceed
        ``total``.
        """
        cell = np.clip(np.searchsorted(self.done, hashes, side="right") - 1, 0, self.times.size - 2)
        width = self.times[cell + 1] - self.times[cell]
        rate = self.rates[cell]
        slope = (self.rates[cell + 1] - rate) / width
        rest = hashes - self.done[cell]
        # root of slope/2 s^2 + rate s = rest, in the form that is stable for slope near 0
        root = np.sqrt(np.maximum(rate * rate + 2 * slope * rest, 0.0))
        return np.asarray(self.times[cell] + np.minimum(2 * rest / (rate + root), width))


def constant(rate: float, seconds: float) -> HashratePath:
    """The same rate, H/s, for ``seconds``."""
    return HashratePath(np.array([0.0, seconds]), np.array([rate, rate]))


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
