"""Block headers: their bytes as columns, and runs of headers under validation.

Block headers: 80 bytes each, decoded, hashed and encoded as columns.

Layout, little endian: int32 version, 32 bytes previous hash, 32 bytes merkle root, uint32 time,
uint32 bits, uint32 nonce. The hash is SHA-256 twice; hashes are kept in the printed order, the
reverse of the order in which headers hold them.

A run of headers under validation: what precedes it, where it stands, how its parts are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct, iter_unpack

import numpy as np
import polars as pl

from hashcanary.arrays import Bytes, Ints
from hashcanary.chain.errors import InvalidHeaderField, TruncatedHeaders

HEADER_SIZE = 80
_BATCH = Struct(f"{HEADER_SIZE}s" * 128)

_LAYOUT = np.dtype(
    [
        ("version", "<i4"),
        ("prev_hash", "u1", (32,)),
        ("merkle_root", "u1", (32,)),
        ("time", "<u4"),
        ("bits", "<u4"),
        ("nonce", "<u4"),
    ]
)
_INTEGERS = {"version": (-(1 << 31), (1 << 31) - 1)} | dict.fromkeys(
    ("time", "bits", "nonce"), (0, (1 << 32) - 1)
)
_HASHES = ("prev_hash", "merkle_root")


@dataclass(frozen=True, slots=True)
class HeaderColumns:
    """n headers as columns.

    version, time (Unix seconds), bits, nonce: (n,) int64. hash, prev_hash, merkle_root: (n, 32)
    bytes in the printed order.
    """

    version: Ints
    prev_hash: Bytes
    merkle_root: Bytes
    time: Ints
    bits: Ints
    nonce: Ints
    hash: Bytes

    def __len__(self) -> int:
        return len(self.time)

    def frame(self) -> pl.DataFrame:
        """The columns as a frame: hash, prev_hash, merkle_root Binary, the others Int64."""
        return pl.DataFrame(
            {
                "hash": _binary(self.hash),
                "prev_hash": _binary(self.prev_hash),
                "version": self.version,
                "merkle_root": _binary(self.merkle_root),
                "time": self.time,
                "bits": self.bits,
                "nonce": self.nonce,
            }
        )


def decode_headers(data: bytes) -> HeaderColumns:
    """Decode and hash concatenated 80-byte headers.

    Raises TruncatedHeaders when ``data`` is not a whole number of headers.
    """
    whole, rest = divmod(len(data), HEADER_SIZE)
    if rest:
        raise TruncatedHeaders(size=len(data), whole=whole, rest=rest, offset=whole * HEADER_SIZE)
    records = np.frombuffer(data, _LAYOUT)
    return HeaderColumns(
        version=records["version"].astype(np.int64),
        prev_hash=_turned(records["prev_hash"]),
        merkle_root=_turned(records["merkle_root"]),
        time=records["time"].astype(np.int64),
        bits=records["bits"].astype(np.int64),
        nonce=records["nonce"].astype(np.int64),
        hash=_turned(np.frombuffer(_double_sha256(data), np.uint8).reshape(-1, 32)),
    )


def header_hash(header: bytes) -> bytes:
    """Hash of one 80-byte header, 32 bytes in the printed order."""
    return sha256(sha256(header).digest()).digest()[::-1]


def encode_headers(frame: pl.DataFrame) -> bytes:
    """Concatenated 80-byte headers from the columns of ``HeaderColumns.frame``.

    Raises InvalidHeaderField for a value that does not fit its field, or a null.
    """
    records = np.zeros(frame.height, _LAYOUT)
    for column, (least, most) in _INTEGERS.items():
        _require(frame, column, pl.col(column).is_between(least, most), f"{least} to {most}")
        records[column] = frame[column].to_numpy()
    for column in _HASHES:
        _require(frame, column, pl.col(column).bin.size() == 32, "32 bytes")
        joined = b"".join(frame[column].to_list())
        records[column] = np.frombuffer(joined, np.uint8).reshape(-1, 32)[:, ::-1]
    return records.tobytes()


def _require(frame: pl.DataFrame, column: str, good: pl.Expr, expected: str) -> None:
    found = frame.select(bad=~good.fill_null(False))["bad"]
    if found.any():
        index = found.arg_true()[0]
        raise InvalidHeaderField(column, index, expected, frame[column][index])


def _double_sha256(data: bytes) -> bytes:
    """The double SHA-256 of each 80 bytes, concatenated, in the order in which headers hold it.

    Batches keep the short-lived objects in the cache: a tenth faster than header by header.
    """
    end = len(data) - len(data) % _BATCH.size
    batches = _BATCH.iter_unpack(memoryview(data)[:end])
    rest = iter_unpack(f"{HEADER_SIZE}s", data[end:])
    hashed = [_hash_batch(batch) for batch in batches]
    return b"".join([*hashed, *(_hash_batch(single) for single in rest)])


def _hash_batch(headers: tuple[bytes, ...]) -> bytes:
    return b"".join([sha256(sha256(header).digest()).digest() for header in headers])


def _turned(rows: Bytes) -> Bytes:
    """(n, 32) bytes, each row reversed: as four swapped words, which is far faster."""
    words = np.ascontiguousarray(rows).view(np.uint64)
    return words[:, ::-1].byteswap().view(np.uint8).reshape(-1, 32)


def _binary(rows: Bytes) -> pl.Series:
    """(n, 32) bytes as a Binary column, made without a Python object per row."""
    return pl.Series(rows).arr.to_list().cast(pl.Binary)


@dataclass(frozen=True, slots=True)
class Preceding:
    """What is known of the headers directly before a run, ascending; the last one is its parent.

    height, hash (32 bytes, printed order): those of the parent. times (Unix seconds) and bits: (k,)
    of the last k headers, the parent's last; the last 2016 are enough for every rule, none is
    allowed.
    """

    height: int
    hash: bytes
    times: Ints
    bits: Ints


@dataclass(frozen=True, slots=True)
class Places:
    """Names headers in messages: by index in the run, and by height once that is known."""

    first_height: int | None

    def at(self, index: int) -> str:
        """``header 5 of the run (height 80006)``; indexes count from 0."""
        if self.first_height is None:
            return f"header {index} of the run (height unknown)"
        return f"header {index} of the run (height {self.first_height + index})"


@dataclass(frozen=True, slots=True)
class History:
    """Heights, times and bits of a run with what is known before it put in front.

    heights: consecutive; before: how many rows stand before the run's first header.
    """

    heights: Ints
    times: Ints
    bits: Ints
    before: int

    @classmethod
    def of(
        cls,
        times: Ints,
        bits: Ints,
        first_height: int,
        preceding: Preceding | None,
    ) -> History:
        """Put the preceding times and bits, if any, before those of the run."""
        before = 0 if preceding is None else len(preceding.times)
        if preceding is not None and before:
            times = np.concatenate((preceding.times, times))
            bits = np.concatenate((preceding.bits, bits))
        start = first_height - before
        return cls(np.arange(start, start + len(times), dtype=np.int64), times, bits, before)

    @property
    def places(self) -> Places:
        """Names for the rows of this history, the run's first header being number 0."""
        return Places(int(self.heights[0]) + self.before)
