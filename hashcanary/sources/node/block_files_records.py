"""Turns the windows of many records into rows: header, count, size and coinbase of each block.

1. Windows are joined, the XOR is taken off, headers are decoded, their proof of work is checked.
2. Counts and coinbases are read as columns: one step for all blocks instead of one a block.
3. A row that does not fit its window, or is not as it should be, is read again alone, by the
   parser of ``chain.coinbase``, which says what is wrong with it.

The columns know the same layout as ``chain.coinbase``, which stays the judge: a row that does not
fit its window or breaks a rule is only marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.coinbase import MOST_VALUE, SCRIPT_LENGTHS, parse_coinbase
from hashcanary.chain.errors import (
    ChainError,
    InvalidBlock,
    InvalidCoinbase,
    InvalidTarget,
    MissedTarget,
)
from hashcanary.chain.headers import HEADER_SIZE, HeaderColumns, Places, decode_headers
from hashcanary.chain.proof_of_work import check_proof_of_work
from hashcanary.chain.whole_block import LEAST_TRANSACTION, WholeBlock, check_block, read_count
from hashcanary.sources.errors import DamagedBlockFile
from hashcanary.sources.node.block_files_walk import FRAME, WINDOW, opened, read_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.arrays import Bools, Ints
    from hashcanary.chain.networks import Network
    from hashcanary.sources.node.block_files_walk import BlockFile, Walked


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
    good: Bools
    head: Ints
    tx_count: Ints
    weight: Ints
    value: Ints
    witness: Bools
    start: Ints
    end: Ints
    script_start: Ints
    script_end: Ints
    outputs_start: Ints
    outputs_end: Ints

    def scripts(self) -> list[bytes]:
        """The scriptSig of each."""
        return self._cut(self.script_start, self.script_end)

    def outputs(self) -> list[bytes]:
        """The serialized outputs of each, their number in front."""
        return self._cut(self.outputs_start, self.outputs_end)

    def _cut(self, starts: Ints, ends: Ints) -> list[bytes]:
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

    def compact(self, place: Ints, good: Bools) -> tuple[Ints, Ints]:
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

    def room(self, place: Ints, rows: Ints | slice = slice(None)) -> Bools:
        """Whether ``_MARGIN`` bytes of its window are left at each place."""
        return place - self.base[rows] <= WINDOW - _MARGIN


def coinbase_columns(data: bytes, size: Ints) -> CoinbaseColumns:
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


def _null_input(windows: _Windows, place: Ints) -> Bools:
    """Whether one input begins at each place, and what it spends is nothing."""
    null = windows.bytes[place] == 1
    for step in range(0, 32, 8):
        null &= windows.words[8][place + 1 + step] == 0
    result: Bools = null & (windows.words[4][place + 33] == 0xFFFFFFFF)
    return result


def _outputs(windows: _Windows, place: Ints, good: Bools) -> tuple[Ints, Ints]:
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


_FIRST_READ = 1 << 14


@dataclass(frozen=True, slots=True)
class Records:
    """n records as read. data: n windows, plain, zeros where a file ended; file: the index in
    ``files`` of each; offset: where it begins; size: of its block, bytes.
    """

    files: Sequence[BlockFile]
    data: bytes
    file: Ints
    offset: Ints
    size: Ints

    def __len__(self) -> int:
        return len(self.offset)

    @classmethod
    def of(cls, walks: Sequence[Walked]) -> Records:
        """The records of several walks, in their order."""
        counts = [len(walked.offsets) for walked in walks]
        locked = b"".join(window for walked in walks for window in _whole(walked.windows))
        ends = [np.append(walked.offsets, walked.end)[1:] for walked in walks if walked.offsets]
        offset = np.concatenate([np.array(walked.offsets, np.int64) for walked in walks])
        size = np.concatenate(ends) - offset - FRAME if ends else np.empty(0, np.int64)
        files = [walked.file for walked in walks]
        which = np.repeat(np.arange(len(walks)), counts)
        return cls(files, _unlocked(locked, files, which, offset), which, offset, size)

    def place(self, row: int) -> str:
        """A record's place in words: ``blk00004.dat, offset 81293``."""
        return f"{self.files[self.file[row]].path.name}, offset {int(self.offset[row])}"

    def damaged(self, row: int, expected: str, found: str) -> DamagedBlockFile:
        """The error that names a record."""
        name, offset = self.files[self.file[row]].path.name, int(self.offset[row])
        return DamagedBlockFile(file=name, offset=offset, expected=expected, found=found)

    def block(self, row: int, most: int | None = None) -> bytes:
        """The bytes of a block, all of them or the first ``most``, read again."""
        file = self.files[self.file[row]]
        return read_block(file, int(self.offset[row]), int(self.size[row]), most)


@dataclass(frozen=True, slots=True)
class _RecordPlaces(Places):
    """Names headers by file and offset."""

    records: Records

    def at(self, index: int) -> str:
        """The file and the offset of the record."""
        return self.records.place(index)


def read_block(file: BlockFile, offset: int, size: int, most: int | None = None) -> bytes:
    """The bytes of the block whose record begins at ``offset``, all or the first ``most``.

    Raises DamagedBlockFile where the file has become shorter or is gone.
    """
    wanted = size if most is None else min(size, most)
    try:
        with opened(file) as descriptor:
            data = read_plain(descriptor, file, offset + FRAME, wanted)
    except FileNotFoundError:
        data = b""
    if len(data) < wanted:
        raise DamagedBlockFile(
            file=file.path.name,
            offset=offset,
            expected=f"{wanted} bytes of a block",
            found=f"{len(data)}: the file has changed while it was read",
        )
    return data


def _whole(windows: list[bytes]) -> list[bytes]:
    """Windows of one length; a file may end inside more than the last one."""
    if all(len(window) == WINDOW for window in windows):
        return windows
    return [window.ljust(WINDOW, b"\0") for window in windows]


def _unlocked(locked: bytes, files: list[BlockFile], which: Ints, offset: Ints) -> bytes:
    keys = {file.key for file in files}
    if not any(any(key) for key in keys):
        return locked
    turns = np.array(
        [
            [int.from_bytes((file.key + file.key)[at : at + 8], "little") for at in range(8)]
            for file in files
        ],
        np.uint64,
    )
    words = np.frombuffer(locked, "<u8").reshape(len(offset), WINDOW // 8)
    plain: bytes = (words ^ turns[which, offset & 7][:, None]).tobytes()
    return plain


def rows_of(records: Records, network: Network, whole: bool = False) -> pl.DataFrame:
    """A row a record: the columns of a header, then size, count, weight and the coinbase's.

    ``head``: the first four bytes of the scriptSig, little endian; ``number`` of the file and
    ``offset`` in it: where the record begins.

    whole: read every block whole and check each byte of it against its header.
    Raises DamagedBlockFile for a record that cannot be what a node wrote.
    """
    windows = np.frombuffer(records.data, np.uint8).reshape(len(records), WINDOW)
    headers = decode_headers(windows[:, FRAME : FRAME + HEADER_SIZE].tobytes())
    _check_work(records, headers, network)
    read = coinbase_columns(records.data, records.size)
    scripts, outputs = read.scripts(), read.outputs()
    alone = np.arange(len(records)) if whole else np.flatnonzero(~read.good)
    for row in alone.tolist():
        found = _read_whole(records, row) if whole else _read_alone(records, row)
        scripts[row], outputs[row] = found.coinbase.script, found.coinbase.outputs
        read.tx_count[row], read.value[row] = found.tx_count, found.coinbase.value
        read.weight[row] = found.weight
        read.head[row] = int.from_bytes(found.coinbase.script[:4], "little")
    _check_single(records, read, headers)
    weight = pl.Series("weight", read.weight)
    numbers = np.array([file.number for file in records.files], np.int64)
    return headers.frame().hstack(
        [
            pl.Series("size", records.size),
            pl.Series("tx_count", read.tx_count),
            weight.set(weight < 0, None) if (read.weight < 0).any() else weight,
            pl.Series("coinbase_value", read.value),
            pl.Series("coinbase_script", scripts, pl.Binary),
            pl.Series("coinbase_outputs", outputs, pl.Binary),
            pl.Series("head", read.head),
            pl.Series("number", numbers[records.file]),
            pl.Series("offset", records.offset),
        ]
    )


def _check_work(records: Records, headers: HeaderColumns, network: Network) -> None:
    try:
        check_proof_of_work(headers, network, _RecordPlaces(None, records))
    except (InvalidTarget, MissedTarget) as error:
        place = str(error.fields["place"])
        row = next(row for row in range(len(records)) if records.place(row) == place)
        expected = f"a header with proof of work on {network.name}"
        raise records.damaged(row, expected, f"none: {error}") from error


def _read_whole(records: Records, row: int) -> WholeBlock:
    try:
        return check_block(records.block(row))
    except ChainError as error:
        raise records.damaged(row, "a whole block of its header", f"another: {error}") from error


def _read_alone(records: Records, row: int) -> WholeBlock:
    """Count and coinbase of one block, by the parser that says what is wrong."""
    size = int(records.size[row])
    data = records.block(row, _FIRST_READ)
    try:
        try:
            return _count_and_coinbase(data, size)
        except InvalidCoinbase:
            # perhaps only longer than what was read
            return _count_and_coinbase(records.block(row), size)
    except ChainError as error:
        raise records.damaged(row, "a block that begins with a coinbase", f"{error}") from error


def _count_and_coinbase(data: bytes, size: int) -> WholeBlock:
    tx_count, start = read_count(data)
    coinbase = parse_coinbase(data, start)
    rest = size - start - coinbase.size
    if rest < (tx_count - 1) * LEAST_TRANSACTION or (tx_count == 1 and rest):
        raise InvalidBlock(
            offset=HEADER_SIZE,
            expected="as many transactions as fit the block",
            found=f"{tx_count}, and {rest} bytes after the first",
        )
    if tx_count == 1:
        return check_block(data)
    return WholeBlock(tx_count, size, -1 if coinbase.witness else 4 * size, coinbase)


def _check_single(records: Records, read: CoinbaseColumns, headers: HeaderColumns) -> None:
    """Where the coinbase is the only transaction its txid is the merkle root."""
    for row in np.flatnonzero((read.tx_count == 1) & read.good).tolist():
        txid = sha256(sha256(read.stripped(row)).digest()).digest()[::-1]
        root = headers.merkle_root[row].tobytes()
        if txid != root:
            raise records.damaged(
                row, f"the transaction {root.hex()} that its header names", txid.hex()
            )
