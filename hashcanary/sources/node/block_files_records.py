"""Turns the windows of many records into rows: header, count, size and coinbase of each block.

1. Windows are joined, the XOR is taken off, headers are decoded, their proof of work is checked.
2. Counts and coinbases are read as columns: one step for all blocks instead of one a block.
3. A row that does not fit its window, or is not as it should be, is read again alone, by the
   parser of ``chain.coinbase``, which says what is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.coinbase import parse_coinbase
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
from hashcanary.sources.node.block_files_columns import coinbase_columns
from hashcanary.sources.node.block_files_walk import FRAME, WINDOW, opened, read_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.sources.node.block_files_columns import CoinbaseColumns
    from hashcanary.sources.node.block_files_folder import BlockFile
    from hashcanary.sources.node.block_files_walk import Walked

_FIRST_READ = 1 << 14


@dataclass(frozen=True, slots=True)
class Records:
    """n records as read. data: n windows, plain, zeros where a file ended; file: the index in
    ``files`` of each; offset: where it begins; size: of its block, bytes.
    """

    files: Sequence[BlockFile]
    data: bytes
    file: NDArray[np.int64]
    offset: NDArray[np.int64]
    size: NDArray[np.int64]

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


def _unlocked(
    locked: bytes, files: list[BlockFile], which: NDArray[np.int64], offset: NDArray[np.int64]
) -> bytes:
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
