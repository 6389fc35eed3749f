"""Exact fees of a block: what its transactions spend less what they pay.

Spent outputs come as a node serializes them (``/rest/spenttxouts``, Core 30 and later): CompactSize
transactions; of each CompactSize outputs (int64 value, script); of the coinbase none.
"""

from __future__ import annotations

from dataclasses import dataclass

from hashcanary.chain.coinbase import MOST_VALUE
from hashcanary.chain.errors import InvalidBlock
from hashcanary.chain.headers import HEADER_SIZE

_LEAST_INPUT, _LEAST_OUTPUT = 41, 9


def fees(block: bytes, spent: bytes) -> int:
    """Satoshis that the transactions of a block leave to its miner.

    block: whole, of sound form (``chain.whole_block``); spent: what its transactions spend. Raises
    InvalidBlock where that is not what this block spends.
    """
    inputs, paid = _paid(block)
    counts, value = _spent(spent)
    if counts != [0, *inputs[1:]]:
        found = f"those of {len(counts):,} transactions, {sum(counts):,} in all"
        expected = f"outputs spent by {len(inputs):,} transactions, {sum(inputs) - 1:,} in all"
        raise InvalidBlock(offset=len(spent), expected=expected, found=found)
    left = value - paid
    if not 0 <= left <= MOST_VALUE:
        expected = f"fees from 0 to {MOST_VALUE:,} satoshis"
        raise InvalidBlock(offset=len(spent), expected=expected, found=f"{left:,}")
    return left


def _paid(block: bytes) -> tuple[list[int], int]:
    """How many inputs each transaction has, the coinbase first; satoshis paid by all others."""
    cursor = _Bytes(block, HEADER_SIZE)
    inputs, paid = [], []
    for _ in range(cursor.compact()):
        cursor.take(4)
        witnessed = block[cursor.place] == 0
        cursor.place += 2 if witnessed else 0
        inputs.append(cursor.count(_LEAST_INPUT))
        for _ in range(inputs[-1]):
            cursor.take(36)
            cursor.skip()
            cursor.take(4)
        paid.append(_outputs(cursor))
        for _ in range(inputs[-1] if witnessed else 0):
            for _ in range(cursor.count(1)):
                cursor.skip()
        cursor.take(4)
    return inputs, sum(paid[1:])


def _spent(data: bytes) -> tuple[list[int], int]:
    """How many outputs each transaction spends, and satoshis in all."""
    cursor = _Bytes(data)
    counts, total = [], 0
    for _ in range(cursor.count(1)):
        start = cursor.place
        counts.append(cursor.count(_LEAST_OUTPUT))
        cursor.place = start
        total += _outputs(cursor)
    cursor.require(cursor.place == len(data), "the end", f"{len(data) - cursor.place:,} bytes more")
    return counts, total


def _outputs(cursor: _Bytes) -> int:
    """Pass over a number of outputs and the outputs; gives the sum of their values."""
    total = 0
    for _ in range(cursor.count(_LEAST_OUTPUT)):
        total += int.from_bytes(cursor.take(8), "little")
        cursor.skip()
    return total


@dataclass(slots=True)
class _Bytes:
    """Bytes read from front to back, never beyond their end: that raises InvalidBlock."""

    data: bytes
    place: int = 0

    def require(self, good: bool, expected: str, found: str) -> None:
        """Raise InvalidBlock at this place unless ``good``."""
        if not good:
            raise InvalidBlock(offset=self.place, expected=expected, found=found)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        taken = self.data[self.place : self.place + size]
        self.require(len(taken) == size, f"{size} bytes", f"the end after {len(taken)}")
        self.place += size
        return taken

    def compact(self) -> int:
        """A CompactSize in its shortest form."""
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width = 2 << (first - 0xFD)
        value = int.from_bytes(self.take(width), "little")
        least = 0xFD if width == 2 else 1 << (4 * width)
        self.require(value >= least, "a CompactSize in its shortest form", f"{value}")
        return value

    def count(self, least: int) -> int:
        """How many follow, of at least ``least`` bytes each: no more than the data can hold."""
        count = self.compact()
        most = (len(self.data) - self.place) // least
        self.require(count <= most, f"a count of at most {most:,}", f"{count:,}")
        return count

    def skip(self) -> None:
        """Pass over a CompactSize and as many bytes."""
        size = self.compact()
        left = len(self.data) - self.place
        self.require(size <= left, f"at most {left:,} bytes", f"{size:,}")
        self.place += size
