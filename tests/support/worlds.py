"""Four simulated worlds whose hashrate is known: steady, growing, stepped, stormy.

They are what an estimate of the hashrate is checked against; nothing in them is fitted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import encode_compact
from hashcanary.simulation.mining import Clocks, MinedChain, mine
from hashcanary.simulation.paths import HashratePath

if TYPE_CHECKING:
    from hashcanary.arrays import Floats


WORLDS = ("steady", "growing", "stepped", "stormy")
START, FIRST_HEIGHT, RATE = 1_577_836_800, 2016 * 303, 1e20
_HOUR = 3600.0


def world_path(name: str, days: int, seed: int) -> HashratePath:
    """The hashrate of one of ``WORLDS``, hour by hour.

    steady: never changes. growing: 60% a year in the logarithm, wandering by 0.4% a day. stepped:
    constant but for a step of 6 or 12% up or down, one in 60 days on average. stormy: 30% a year,
    with storms of 5 to 25% that last 1 to 6 days, one in 40 days on average.
    """
    if name not in WORLDS:
        raise ValueError(f"expected one of {', '.join(WORLDS)}, found {name}")
    hours = np.arange(days * 24 + 1, dtype=np.float64)
    rng = np.random.default_rng([seed, WORLDS.index(name)])
    day = hours / 24
    if name == "steady":
        log = np.zeros(day.size)
    elif name == "growing":
        log = _growing(day, rng)
    else:
        log = _stepped(day, rng) if name == "stepped" else _stormy(day, rng)
    return HashratePath(hours * _HOUR, RATE * np.exp(log))


def _growing(day: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(0.6 * day / 365 + 0.004 * np.cumsum(rng.normal(0, 24**-0.5, day.size)))


def _stepped(day: Floats, rng: np.random.Generator) -> Floats:
    log = np.zeros(day.size)
    for start in _starts(day, 60, rng):
        log[day >= start] += rng.choice([-0.12, -0.06, 0.06, 0.12])
    return log


def _stormy(day: Floats, rng: np.random.Generator) -> Floats:
    log = np.asarray(0.3 * day / 365)
    for start in _starts(day, 40, rng):
        depth, length = rng.uniform(0.05, 0.25), rng.uniform(1, 6)
        since = day - start
        log = log - depth * np.clip(since / 0.5, 0, 1) * np.clip((length - since) / 2 + 1, 0, 1)
    return log


def _starts(day: Floats, apart: float, rng: np.random.Generator) -> Floats:
    """Moments of a Poisson process, ``apart`` days from each other on average."""
    return np.sort(rng.uniform(0, day[-1], rng.poisson(day[-1] / apart)))


def world_chain(path: HashratePath, seed: int) -> MinedChain:
    """A chain mined under ``path`` by honest clocks and a few wrong ones (one block in 100)."""
    target = int(2**256 / (float(path.rates[0]) * MAIN.target_spacing))
    return mine(
        path,
        first_height=FIRST_HEIGHT,
        first_bits=encode_compact(target),
        start_time=START,
        seed=seed,
        clocks=Clocks(60.0, 0.01, (-3000.0, 7000.0)),
    )
