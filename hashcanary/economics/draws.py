"""Random numbers by address: a seed and a purpose. No draw depends on what else was drawn.

Philox is counter-based: seed and purpose are the key, so that the same address gives the same
numbers in whatever order, on however many threads.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.errors import UsageError
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# where the band of draws begins and ends, probability
BAND = (0.025, 0.975)
BAND_TEXT = "95% of draws of the priors"
# number of seeds
SEED_LIMIT = 2**63
# keys of this layer stand apart from those of simulated worlds
_LAYER = 1000


class Purpose(IntEnum):
    """What the numbers are for. A number, once given, stays: it decides every drawn byte."""

    POWER_LEVEL = 1
    POWER_REGION = 2
    POWER_SHARES = 3
    FLEET = 4
    POPULARITY = 5
    RIG_EFFICIENCY = 6
    MARKET = 7
    HASHPRICE = 8
    OVERHEADS = 10
    NEXT_DIFFICULTY = 20
    NEXT_PRICE = 21
    NEXT_FEES = 22
    VARIANCE_PARTS = 23
    STRESS_BAND = 30
    HOSTING = 40
    SITES = 41
    CONVERTIBLE = 42
    CONTRACTS = 43
    DRIFT = 44
    STRESS_WEIGHTS = 31


def generator(seed: int, purpose: Purpose) -> np.random.Generator:
    """The generator at (seed, purpose). Raises UsageError for a seed below 0 or over 63 bits."""
    if not 0 <= seed < SEED_LIMIT:
        raise UsageError(
            argument="seed",
            expected="an integer from 0 to 2**63 - 1",
            found=seed,
            remedy="Use another one, such as 1.",
        )
    key = np.array([seed, _LAYER + int(purpose)], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def band_of(draws: Floats) -> Interval:
    """Of an array over draws, in the unit of the draws."""
    low, value, high = (float(one) for one in np.quantile(draws, (BAND[0], 0.5, BAND[1])))
    return Interval(value, low, high, BAND_TEXT)


def mean_band(draws: Floats) -> Interval:
    """The mean of an array over draws, with the ends of 95% of them; in the unit of the draws.

    Means of parts add up to the mean of their sum, which medians do not.
    """
    low, high = (float(one) for one in np.quantile(draws, BAND))
    return Interval(float(draws.mean()), low, high, BAND_TEXT)
