"""Reads transaction counts and coinbases of many blocks at once, as columns.

It knows the same layout as ``chain.coinbase``, which stays the judge: a row that does not fit its
window or breaks a rule is only marked, and read again there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.coinbase import MOST_VALUE, SCRIPT_LENGTHS
from hashcanary.chain.headers import HEADER_SIZE
from hashcanary.chain.whole_block import LEAST_TRANSACTION
from hashcanary.sources.node.block_files_walk import FRAME, WINDOW

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.int64]

# No field read in one step is longer, so a place this far from the window's end is safe.
_MARGIN = 48
_SEQUENCE = 4
_LOCK_TIME = 4
_PREVOUT = 36


@dataclass(frozen=True, slots=True)
class CoinbaseColumns:
    """n blocks; what is said of a row holds where ``good``.

    head: the first four bytes of the scriptSig, little endian; tx_count; weight: -1 where only
    the whole block would tell; value: satoshis. Places in ``data``: start, end of the coinbase;
    script_start, script_end; outputs_start, outputs_end. witness: whether the coinbase is
    serialized with one.
    """

    data: bytes
    good: NDArray[np.bool_]
    head: Places
    tx_count: Places
    weight: Places
    value: Places
    witness: NDArray[np.bool_]
    start: Places
    end: Places
    script_start: Places
    script_end: Places
    outputs_start: Places
    outputs_end: Places

    def scripts(self) -> list[bytes]:
        """The scriptSig of each."""
        return self._cut(self.script_start, self.script_end)

    def outputs(self) -> list[bytes]:
        """The serialized outputs of each, their number in front."""
        return self._cut(self.outputs_start, self.outputs_end)

    def _cut(self, starts: Places, ends: Places) -> list[bytes]:
        data = self.data
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return [data[start:end] for start, end in pairs]

    def stripped(self, row: int) -> bytes:
        """One coinbase transaction without its witness: what its txid is made from."""
        start, end = int(self.start[row]), int(self.end[row])
        if not self.witness[row]:
            return self.data[start:end]
        body = self.data[start + 6 : int(self.outputs_end[row])]
        return self.data[start : start + 4] + body + self.data[end - _LOCK_TIME : end]


class _Windows:
    """Windows joined, readable at any place as little-endian integers."""

    def __init__(self, data: bytes, count: int) -> None:
        self.bytes = np.frombuffer(data, np.uint8)
        self.base = np.arange(count, dtype=np.int64) * WINDOW
        self.words = {
            width: np.ndarray(max(len(data) - 7, 0), f"<u{width}", self.bytes, strides=(1,))
            for width in (2, 4, 8)
        }

    def compact(self, place: Places, good: NDArray[np.bool_]) -> tuple[Places, Places]:
        """CompactSizes and where they end; ``good`` is cleared where one is not as it must be."""
        value = self.bytes[place].astype(np.int64)
        long = np.flatnonzero(value >= 0xFD)
        if not len(long):
            return value, place + 1
        end = place + 1
        at, first = place[long] + 1, value[long]
        two, four = self.words[2][at].astype(np.int64), self.words[4][at].astype(np.int64)
        read = np.where(first == 0xFD, two, four)
        good[long[(first == 0xFF) | (read < np.where(first == 0xFD, 0xFD, 0x10000))]] = False
        value[long] = read
        end[long] += np.where(first == 0xFD, 2, 4)
        return value, end

    def room(self, place: Places, rows: Places | slice = slice(None)) -> NDArray[np.bool_]:
        """Whether ``_MARGIN`` bytes of its window are left at each place."""
        return place - self.base[rows] <= WINDOW - _MARGIN


def coinbase_columns(data: bytes, size: Places) -> CoinbaseColumns:
    """Counts and coinbases of blocks. data: their windows, joined; size: of each block, bytes."""
    windows = _Windows(data, len(size))
    good = np.ones(len(size), np.bool_)
    tx_count, start = windows.compact(windows.base + FRAME + HEADER_SIZE, good)
    witness = windows.words[2][start + 4] == 0x0100
    inputs = start + 4 + 2 * witness
    good &= _null_input(windows, inputs)
    length = windows.bytes[inputs + 1 + _PREVOUT].astype(np.int64)
    good &= (length >= SCRIPT_LENGTHS[0]) & (length <= SCRIPT_LENGTHS[1])
    script = inputs + 1 + _PREVOUT + 1
    outputs = script + length + _SEQUENCE
    value, outputs_end = _outputs(windows, outputs, good)
    item = windows.words[2][np.where(good, outputs_end, windows.base)]
    good &= ~witness | (item == 0x2001)
    end = outputs_end + 34 * witness + _LOCK_TIME
    rest = size - (end - windows.base - FRAME)
    good &= (tx_count > 0) & (rest >= (tx_count - 1) * LEAST_TRANSACTION)
    good &= (tx_count != 1) | (rest == 0)
    return CoinbaseColumns(
        data=data,
        good=good,
        head=windows.words[4][script].astype(np.int64),
        tx_count=tx_count,
        # a block whose coinbase has no witness commits to none, so no transaction may have one
        weight=np.where(witness, -1, 4 * size),
        value=value,
        witness=witness,
        start=start,
        end=end,
        script_start=script,
        script_end=script + length,
        outputs_start=outputs,
        outputs_end=np.where(good, outputs_end, outputs),
    )


def _null_input(windows: _Windows, place: Places) -> NDArray[np.bool_]:
    """Whether one input begins at each place, and what it spends is nothing."""
    null = windows.bytes[place] == 1
    for step in range(0, 32, 8):
        null &= windows.words[8][place + 1 + step] == 0
    result: NDArray[np.bool_] = null & (windows.words[4][place + 33] == 0xFFFFFFFF)
    return result


def _outputs(windows: _Windows, place: Places, good: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Sum of the values of the outputs that begin at each place, and where they end."""
    place = np.where(good, place, windows.base)
    left, place = windows.compact(place, good)
    total = np.zeros(len(place), np.int64)
    good &= left > 0
    rows = np.flatnonzero(good)
    while len(rows):
        at = place[rows]
        room = windows.room(at, rows)
        if not room.all():
            good[rows[~room]] = False
            rows, at = rows[room], at[room]
        value = windows.words[8][at]
        fine = value <= MOST_VALUE
        total[rows] += np.where(fine, value, 0).astype(np.int64)
        length, end = windows.compact(at + 8, fine)
        good[rows] &= fine & (total[rows] <= MOST_VALUE)
        place[rows] = end + length
        left[rows] -= 1
        rows = rows[(left[rows] > 0) & good[rows]]
    good &= windows.room(place)
    return total, place
