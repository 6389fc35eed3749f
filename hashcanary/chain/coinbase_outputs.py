"""Outputs of many transactions at once, out of their serialized form.

An output is its value (8 bytes, little endian, satoshis), the length of its script (CompactSize)
and the script (scriptPubKey). All rows are walked side by side: first every row's first output,
then the second of those that have one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

OUTPUTS = {"row": pl.Int64(), "value": pl.Int64(), "script": pl.Binary()}
_VALUE = 8
_LONGEST_SCRIPT = 42  # no script with an address is longer


def payouts_of(serialized: pl.Series) -> pl.DataFrame:
    """Every output whose script may have an address: ``row``, ``value`` (satoshis), ``script``.

    serialized: (n,) Binary: the number of outputs (CompactSize) and the outputs, null where not
    known. Rows ascend, outputs of a row stand in their order. A row cut short gives the outputs
    that are whole. Scripts longer than any with an address are passed over.
    """
    sizes = serialized.bin.size().fill_null(0).to_numpy().astype(np.int64)
    whole = b"".join(serialized.drop_nulls()) + bytes(_VALUE + 1)
    data = np.frombuffer(whole, dtype=np.uint8)
    ends = np.cumsum(sizes)
    row = np.arange(sizes.size, dtype=np.int64)
    count, at = _compact_size(data, ends - sizes)
    parts = [pl.DataFrame(schema={**OUTPUTS, "place": pl.Int64()})]
    place = 0
    while row.size:
        place += 1
        left = (count >= place) & (at + _VALUE < ends[row])
        row, count, at = row[left], count[left], at[left]
        value = _little_endian(data, at, _VALUE)
        length, start = _compact_size(data, at + _VALUE)
        # what does not end in its row is cut short; compared so that no sum overflows
        fits = length <= ends[row] - start
        row, count, value = row[fits], count[fits], value[fits]
        length, start = length[fits], start[fits]
        at = start + length
        short = length <= _LONGEST_SCRIPT
        scripts = _slices(whole, start[short], length[short])
        parts.append(
            pl.DataFrame({"row": row[short], "value": value[short]}).with_columns(
                scripts.alias("script"), place=pl.lit(place, pl.Int64)
            )
        )
    return pl.concat(parts).sort("row", "place").drop("place")


def _compact_size(data: NDArray[np.uint8], at: Ints) -> tuple[Ints, Ints]:
    """The CompactSize at each offset, and the offset behind it. Beyond 2^62 it stands there."""
    first = data[at].astype(np.int64)
    value, width = first.copy(), np.ones_like(at)
    for marker, extra in ((0xFD, 2), (0xFE, 4), (0xFF, 8)):
        these = np.flatnonzero(first == marker)
        if these.size:
            value[these] = _little_endian(data, at[these] + 1, extra)
            width[these] += extra
    return np.where(value < 0, np.int64(1) << 62, value), at + width


def _little_endian(data: NDArray[np.uint8], at: Ints, width: int) -> Ints:
    total = np.zeros(at.size, np.int64)
    for byte in range(width):
        total |= data[at + byte].astype(np.int64) << (8 * byte)
    return total


def _slices(whole: bytes, start: Ints, length: Ints) -> pl.Series:
    pieces = [
        whole[first : first + size]
        for first, size in zip(start.tolist(), length.tolist(), strict=True)
    ]
    return pl.Series(pieces, dtype=pl.Binary)
