"""Difficulty: how many times harder than the target of difficulty one.

``difficulty = (0xffff << 208) / target``, on every network (not the network's own limit).
Exact as a Fraction; the conversions to float64 say so in their names.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.compact import bits_table, decode_compact

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIFFICULTY_ONE_TARGET = 0xFFFF << 208


def difficulty(bits: int) -> Fraction:
    """Exact difficulty of compact ``bits``, dimensionless.

    Raises ValueError when the bits encode no positive target.
    """
    value, negative, overflow = decode_compact(bits)
    if negative or overflow or value == 0:
        raise ValueError(f"expected bits of a positive 256-bit target, found {bits:#010x}")
    return Fraction(DIFFICULTY_ONE_TARGET, value)


def difficulty_float64(bits: int) -> float:
    """Difficulty of ``bits`` as the nearest float64."""
    return float(difficulty(bits))


def difficulty_float64_column(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Difficulty of a (n,) column of bits, each the nearest float64."""
    table = bits_table(bits)
    values = np.array([difficulty_float64(int(one)) for one in table.unique], np.float64)
    return values[table.inverse]


def difficulty_change(old_bits: int, new_bits: int) -> Fraction:
    """Exact relative change of difficulty from one epoch to the next: -0.1116 means -11.16%.

    From the encoded targets, so the truncation of compact bits is in it.
    """
    return difficulty(new_bits) / difficulty(old_bits) - 1
