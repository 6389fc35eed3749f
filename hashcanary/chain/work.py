"""Work: the expected number of hashes behind a block, ``2^256 // (target + 1)``.

Source: Bitcoin Core ``GetBlockProof``. The chain with the most work is the active one.
``difficulty * 2^32`` is smaller by 1.526e-5; hashcanary uses the exact work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.compact import bits_table, decode_compact

if TYPE_CHECKING:
    from numpy.typing import NDArray


def block_work(bits: int) -> int:
    """Exact work of a block with compact ``bits``, in hashes; 0 for bits of no valid target."""
    value, negative, overflow = decode_compact(bits)
    if negative or overflow or value == 0:
        return 0
    return (1 << 256) // (value + 1)


def total_work(bits: NDArray[np.int64]) -> int:
    """Exact sum of the work of a (n,) column of bits, in hashes."""
    table = bits_table(bits)
    return sum(
        block_work(int(one)) * int(count)
        for one, count in zip(table.unique, table.counts, strict=True)
    )


def work_float64_column(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Work of each of n blocks, in hashes, each the nearest float64."""
    table = bits_table(bits)
    return np.array([float(block_work(int(one))) for one in table.unique], np.float64)[
        table.inverse
    ]
