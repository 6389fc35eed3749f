"""Random numbers by address: a seed, a purpose, a step. No draw depends on how many came before.

Philox is counter-based: the key holds seed and purpose, the top word of the counter the step, so
that every step of every purpose has 2**192 draws of its own, and the same address gives the same
numbers whatever else was drawn, in whatever order, on however many threads.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from hashcanary.errors import UsageError

# number of seeds
SEED_LIMIT = 2**63


class Purpose(IntEnum):
    """What the numbers are for. A number, once given, stays: it decides every drawn byte.

    Those of simulated worlds are below 1000; those of draws from priors above.
    """

    BLOCKS = 1
    CLOCKS = 2
    HASHRATE = 3
    PRICE = 4
    FEE_LEVEL = 5
    FEES = 6
    POOL_LEVEL = 7
    POOLS = 8
    RIBBONS = 9
    POWER_LEVEL = 1001
    POWER_REGION = 1002
    POWER_SHARES = 1003
    FLEET = 1004
    POPULARITY = 1005
    RIG_EFFICIENCY = 1006
    MARKET = 1007
    HASHPRICE = 1008
    OVERHEADS = 1010
    NEXT_DIFFICULTY = 1020
    NEXT_PRICE = 1021
    NEXT_FEES = 1022
    VARIANCE_PARTS = 1023
    STRESS_BAND = 1030
    STRESS_WEIGHTS = 1031
    HOSTING = 1040
    SITES = 1041
    CONVERTIBLE = 1042
    CONTRACTS = 1043
    DRIFT = 1044
    FALLS = 1050
    WEEKS = 1051


def generator(seed: int, purpose: Purpose, step: int = 0) -> np.random.Generator:
    """The generator at (seed, purpose, step).

    Raises UsageError when the seed is negative or does not fit in 63 bits.
    """
    if not 0 <= seed < SEED_LIMIT:
        raise UsageError(
            argument="seed",
            expected="an integer from 0 to 2**63 - 1",
            found=seed,
            remedy="Give another one, such as 1.",
        )
    key = np.array([seed, int(purpose)], dtype=np.uint64)
    counter = np.array([0, 0, 0, step], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
