"""Random numbers by address: a seed, a stream, a step. No draw depends on how many came before.

Philox is counter-based: the key holds seed and stream, the top word of the counter the step, so
that every step of every stream has 2**192 draws of its own, and the same address gives the same
numbers whatever else was drawn, in whatever order.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from hashcanary.simulation.errors import UnusableScenario

SEED_LIMIT = 2**63


class Stream(IntEnum):
    """What the numbers are for. A number, once given, stays: it decides every simulated byte."""

    BLOCKS = 1
    CLOCKS = 2
    HASHRATE = 3
    PRICE = 4
    FEE_LEVEL = 5
    FEES = 6
    POOL_LEVEL = 7
    POOLS = 8
    RIBBONS = 9


def generator(seed: int, stream: Stream, step: int = 0) -> np.random.Generator:
    """The generator at (seed, stream, step).

    Raises UnusableScenario when the seed is negative or does not fit in 63 bits.
    """
    if not 0 <= seed < SEED_LIMIT:
        raise UnusableScenario(
            what="seed",
            expected="an integer from 0 to 2**63 - 1",
            found=seed,
            remedy="Give another one, such as 1.",
        )
    key = np.array([seed, int(stream)], dtype=np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
