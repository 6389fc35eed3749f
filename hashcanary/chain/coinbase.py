"""The coinbase transaction: what its miner wrote, what it pays to whom, what that says of fees.

Layout, little endian: int32 version; with witness the bytes 00 01; one input (prevout null,
scriptSig of 2 to 100 bytes, uint32 sequence); outputs (int64 value, script); with witness one item
of 32 bytes; uint32 lock time. Sources: Bitcoin Core ``primitives/transaction.h`` (serialization),
``consensus/tx_check.cpp`` (limits), ``validation.cpp`` (height and witness commitment).

Outputs of many transactions at once, out of their serialized form.

An output is its value (8 bytes, little endian, satoshis), the length of its script (CompactSize)
and the script (scriptPubKey). All rows are walked side by side: first every row's first output,
then the second of those that have one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import polars as pl

from hashcanary.arrays import Bytes, Ints
from hashcanary.chain.errors import InvalidCoinbase
from hashcanary.chain.networks import MAIN, Network
from hashcanary.chain.subsidy import COIN

NULL_PREVOUT = bytes(32) + b"\xff" * 4
SCRIPT_LENGTHS = (2, 100)
MOST_VALUE = 21_000_000 * COIN
"""21 million coins in satoshis: no output, and no sum of outputs, may exceed it."""
COMMITMENT = bytes.fromhex("6a24aa21a9ed")
"""How an output's script begins that commits to the block's witnesses."""
_LEAST_OUTPUT = 9
_BEYOND = 1 << 23  # no height needs a push of four bytes before the 22nd century


class Output(NamedTuple):
    """An output: satoshis and the script that says who may spend them."""

    value: int
    script: bytes


@dataclass(frozen=True, slots=True)
class Coinbase:
    """A parsed coinbase transaction.

    script: its scriptSig; value: the sum of its outputs, satoshis; outputs: as serialized, their
    number in front; witness: whether it is serialized with one; stripped: the transaction without
    it, whose double SHA-256 is the txid; reserved: the witness' 32 bytes; size: bytes it takes.
    """

    script: bytes
    value: int
    outputs: bytes
    witness: bool
    stripped: bytes
    reserved: bytes
    size: int

    @property
    def txid(self) -> bytes:
        """Transaction id, 32 bytes in the printed order."""
        return sha256(sha256(self.stripped).digest()).digest()[::-1]


class _Short(Exception):
    """The bytes given end inside the transaction."""


def parse_coinbase(data: bytes, start: int = 0) -> Coinbase:
    """The coinbase transaction that begins at ``start``; bytes may follow it.

    Raises InvalidCoinbase where its form breaks a rule of consensus or the bytes end inside it.
    """
    try:
        return _parse(data, start)
    except _Short:
        raise InvalidCoinbase(
            offset=len(data) - start,
            expected="a whole coinbase transaction",
            found=f"the end of the data after {len(data) - start} bytes",
        ) from None


def _parse(data: bytes, start: int) -> Coinbase:
    place = start + 4
    witness = _take(data, place, 2) == b"\0\1"
    if witness:
        place += 2
    inputs = place
    _require(_take(data, place, 37) == b"\1" + NULL_PREVOUT, place - start, "one null input", "not")
    place += 37
    length = _take(data, place, 1)[0]
    least, most = SCRIPT_LENGTHS
    expected = f"a script of {least} to {most} bytes"
    _require(least <= length <= most, place - start, expected, f"{length}")
    script = _take(data, place + 1, length)
    place += 1 + length + 4
    outputs = place
    place, value = _outputs_end(data, place, start)
    serialized = data[outputs:place]
    reserved = b""
    body_end = place
    if witness:
        _require(
            _take(data, place, 2) == b"\1\x20", place - start, "one witness item of 32 bytes", "not"
        )
        reserved = _take(data, place + 2, 32)
        place += 34
    lock_time = _take(data, place, 4)
    stripped = data[start : start + 4] + data[inputs:body_end] + lock_time
    return Coinbase(script, value, serialized, witness, stripped, reserved, place + 4 - start)


def _outputs_end(data: bytes, place: int, start: int) -> tuple[int, int]:
    """Where the outputs that begin at ``place`` end, and the sum of their values."""
    count, place = _compact_size(data, place, start)
    expected = "between 1 and as many outputs as a block can hold"
    _require(1 <= count <= 4_000_000 // _LEAST_OUTPUT, place - start, expected, f"{count}")
    total = 0
    for _ in range(count):
        value = int.from_bytes(_take(data, place, 8), "little")
        total += value
        _require(total <= MOST_VALUE, place - start, "at most 21 million coins", f"{total}")
        length, place = _compact_size(data, place + 8, start)
        _require(length <= 4_000_000, place - start, "a script that fits a block", f"{length}")
        place += length
        if place > len(data):
            raise _Short
    return place, total


def _take(data: bytes, place: int, length: int) -> bytes:
    taken = data[place : place + length]
    if len(taken) < length:
        raise _Short
    return taken


def _require(good: bool, offset: int, expected: str, found: str) -> None:
    if not good:
        raise InvalidCoinbase(offset=offset, expected=expected, found=found)


def _compact_size(data: bytes, place: int, start: int) -> tuple[int, int]:
    """A CompactSize and where it ends. Raises InvalidCoinbase where it is longer than needed."""
    first = _take(data, place, 1)[0]
    if first < 0xFD:
        return first, place + 1
    width = 2 << (first - 0xFD)
    value = int.from_bytes(_take(data, place + 1, width), "little")
    least = 0xFD if width == 2 else 1 << (width * 4)
    _require(value >= least, place - start, "a CompactSize in its shortest form", f"{value}")
    return value, place + 1 + width


def outputs_of(serialized: bytes) -> tuple[Output, ...]:
    """The outputs of ``Coinbase.outputs``: serialized, their number in front.

    Raises InvalidCoinbase where the bytes are anything else.
    """
    try:
        end, _ = _outputs_end(serialized, 0, 0)
    except _Short:
        end = -1
    _require(end == len(serialized), max(end, 0), "outputs and nothing else", "other bytes")
    count, place = _compact_size(serialized, 0, 0)
    outputs = []
    for _ in range(count):
        value = int.from_bytes(serialized[place : place + 8], "little")
        length, place = _compact_size(serialized, place + 8, 0)
        outputs.append(Output(value, serialized[place : place + length]))
        place += length
    return tuple(outputs)


def witness_commitment(outputs: tuple[Output, ...]) -> bytes | None:
    """The 32 bytes that commit to the block's witnesses (BIP141): the last such output's."""
    for output in reversed(outputs):
        if len(output.script) >= 38 and output.script.startswith(COMMITMENT):
            return output.script[6:38]
    return None


def height_push(height: int) -> bytes:
    """How a scriptSig must begin at ``height`` (BIP34): the number pushed in its shortest form."""
    if height < 0:
        raise ValueError(f"expected a height of 0 or more, found {height}")
    if height <= 16:
        return bytes([0x50 + height]) if height else b"\0"
    number = height.to_bytes((height.bit_length() + 8) // 8, "little")
    return bytes([len(number)]) + number


def bip34_height(script: bytes, network: Network = MAIN) -> int | None:
    """The height that a scriptSig says, or None where it says none that can be believed.

    Before a network demanded it (main: 227,931) a script may begin with any bytes, some of which
    read as heights to come (the target that early miners pushed does, in four bytes): none below
    that is ever inferred, and none of 8,388,608 or more.
    """
    if not script:
        return None
    first = script[0]
    if 0x51 <= first <= 0x60:
        height = first - 0x50
    elif 1 <= first <= 5 and len(script) > first:
        height = int.from_bytes(script[1 : 1 + first], "little")
    else:
        return None
    if not network.bip34_height <= height < _BEYOND:
        return None
    return height if script.startswith(height_push(height)) else None


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
    count, at = _compact_sizes(data, ends - sizes)
    parts = [pl.DataFrame(schema={**OUTPUTS, "place": pl.Int64()})]
    place = 0
    while row.size:
        place += 1
        left = (count >= place) & (at + _VALUE < ends[row])
        row, count, at = row[left], count[left], at[left]
        value = _little_endian(data, at, _VALUE)
        length, start = _compact_sizes(data, at + _VALUE)
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


def _compact_sizes(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The CompactSize at each offset, and the offset behind it. Beyond 2^62 it stands there."""
    first = data[at].astype(np.int64)
    value, width = first.copy(), np.ones_like(at)
    for marker, extra in ((0xFD, 2), (0xFE, 4), (0xFF, 8)):
        these = np.flatnonzero(first == marker)
        if these.size:
            value[these] = _little_endian(data, at[these] + 1, extra)
            width[these] += extra
    return np.where(value < 0, np.int64(1) << 62, value), at + width


def _little_endian(data: Bytes, at: Ints, width: int) -> Ints:
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
