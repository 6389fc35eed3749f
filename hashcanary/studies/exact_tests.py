"""Exact tests of whether a share changed: Fisher's, with Holm's correction for several."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

# tables as likely as the one seen but for rounding count as equally likely
_SAME = 1 + 1e-7


def fisher(first: int, first_of: int, second: int, second_of: int) -> float:
    """Two-sided p-value that ``first`` of ``first_of`` and ``second`` of ``second_of`` are drawn
    at one rate, given their sum: the chance of a table no likelier than the one seen.
    """
    drawn, every = first + second, first_of + second_of
    low, high = max(0, drawn - second_of), min(drawn, first_of)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, every + 1)))])

    def log_choose(n: int, k: np.ndarray) -> np.ndarray:
        ways: np.ndarray = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
        return ways

    one = np.arange(low, high + 1)
    log_chance = log_choose(first_of, one) + log_choose(second_of, drawn - one)
    chance = np.exp(log_chance - log_chance.max())
    seen = chance[first - low]
    return float(min(chance[chance <= seen * _SAME].sum() / chance.sum(), 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected so that any of a family below a level is a false alarm that seldom."""
    corrected = [0.0] * len(p_values)
    least = 0.0
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = least
    return corrected
