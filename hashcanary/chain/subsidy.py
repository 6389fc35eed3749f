"""Subsidy, supply and halvings, in satoshis and block heights."""

from __future__ import annotations

import numpy as np

from hashcanary.arrays import Ints
from hashcanary.chain.networks import MAIN, Network

COIN = 100_000_000
FIRST_SUBSIDY = 50 * COIN
_SUBSIDIES = tuple(FIRST_SUBSIDY >> halvings for halvings in range(65))


def subsidy(height: int, network: Network = MAIN) -> int:
    """New coins a block at ``height`` may create, in satoshis: 50 BTC halved per interval."""
    _require_height(height)
    return _SUBSIDIES[min(height // network.halving_interval, 64)]


def subsidy_column(heights: Ints, network: Network = MAIN) -> Ints:
    """Subsidy of each of n heights, in satoshis."""
    if len(heights) and int(heights.min()) < 0:
        _require_height(int(heights.min()))
    return np.array(_SUBSIDIES, np.int64)[np.minimum(heights // network.halving_interval, 64)]


def supply_after(height: int, network: Network = MAIN) -> int:
    """Nominal supply in satoshis once the block at ``height`` is mined.

    Nominal: the sum of subsidies, genesis included; coins that were never claimed or cannot be
    spent are not taken off.
    """
    _require_height(height)
    full, rest = divmod(height + 1, network.halving_interval)
    if full >= len(_SUBSIDIES):
        return max_supply(network)
    return network.halving_interval * sum(_SUBSIDIES[:full]) + rest * _SUBSIDIES[full]


def max_supply(network: Network = MAIN) -> int:
    """Nominal supply in satoshis after the last subsidy."""
    return network.halving_interval * sum(_SUBSIDIES)


def _require_height(height: int) -> None:
    if height < 0:
        raise ValueError(f"expected a height of 0 or more, found {height}")
