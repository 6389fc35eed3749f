"""Makes regtest blocks that hold together, and the block files a node would keep them in."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.feed import Held
from support.mining import GENESIS_COINBASE, REGTEST_GENESIS, double_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from hashcanary.chain.networks import Network


def held(
    network: Network = REGTEST, height_of: Callable[[bytes], int | None] = lambda block: None
) -> Held:
    """What an empty lake tells a feed, but for the headers that ``height_of`` knows."""
    return Held(
        network=network,
        locator=(),
        tip_height=None,
        height_of=height_of,
        heights_with=lambda *_: np.empty(0, np.int64),
        last_known=lambda *subject: None,
    )


FIRST_BLOCK = REGTEST_GENESIS + b"\1" + GENESIS_COINBASE
REGTEST_MAGIC = bytes.fromhex("fabfb5da")


def compact_size(value: int) -> bytes:
    """A CompactSize."""
    if value < 0xFD:
        return bytes([value])
    if value < 0x10000:
        return b"\xfd" + value.to_bytes(2, "little")
    return b"\xfe" + value.to_bytes(4, "little")


def push(height: int) -> bytes:
    """BIP34's push of a height, as Core's CScript writes it."""
    if 1 <= height <= 16:
        return bytes([0x50 + height])
    number = b""
    while height:
        number += bytes([height & 0xFF])
        height >>= 8
    if number[-1:] > b"\x7f":
        number += b"\0"
    return bytes([len(number)]) + number


def coinbase_of(
    script: bytes, outputs: Sequence[tuple[int, bytes]], witness: bool = False
) -> bytes:
    """A coinbase transaction."""
    out = b"".join(v.to_bytes(8, "little") + compact_size(len(s)) + s for v, s in outputs)
    return (
        b"\2\0\0\0"
        + (b"\0\1" if witness else b"")
        + (b"\1" + bytes(32) + b"\xff" * 4 + compact_size(len(script)) + script + b"\xff" * 4)
        + (compact_size(len(outputs)) + out)
        + (b"\1\x20" + bytes(32) if witness else b"")
        + bytes(4)
    )


def filler(length: int, seed: int = 0) -> bytes:
    """A transaction of about ``length`` bytes, without a witness; no node would take it."""
    script = hashlib.sha256(seed.to_bytes(8, "little")).digest() * (length // 32 + 1)
    script = script[: max(length - 70, 1)]
    spent = hashlib.sha256(script + b"spent").digest()
    out = (5).to_bytes(8, "little") + compact_size(len(script)) + script
    return b"\1\0\0\0\1" + spent + bytes(4) + b"\0" + b"\xff" * 4 + b"\1" + out + bytes(4)


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The merkle root above hashes."""
    level = list(hashes)
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        level = [double_sha256(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def block(
    parent: bytes,
    height: int,
    others: Sequence[bytes] = (),
    *,
    value: int = 50_0000_0000,
    tag: bytes = b"/made/",
    witness: bool = False,
    outputs: Sequence[tuple[int, bytes]] | None = None,
) -> bytes:
    """A block on top of another one, with valid proof of work on regtest."""
    script = push(height) + tag
    pays = list(outputs) if outputs is not None else [(value, b"\x51")]
    if witness:
        tree = merkle_root([bytes(32), *map(double_sha256, others)])
        pays.append((0, bytes.fromhex("6a24aa21a9ed") + double_sha256(tree + bytes(32))))
    txid = double_sha256(coinbase_of(script, pays))
    root = merkle_root([txid, *map(double_sha256, others)])
    time = int.from_bytes(parent[68:72], "little") + 600
    start = b"\0\0\0\x20" + double_sha256(parent[:80]) + root + time.to_bytes(4, "little")
    nonce = 0
    while True:
        header = start + bytes.fromhex("ffff7f20") + nonce.to_bytes(4, "little")
        if double_sha256(header)[31] <= 0x7E:
            break
        nonce += 1
    coinbase = coinbase_of(script, pays, witness)
    return header + compact_size(1 + len(others)) + coinbase + b"".join(others)


def chain(count: int, **how: Any) -> list[bytes]:
    """Genesis and ``count`` blocks, the one at height h with ``h % 3`` more transactions."""
    blocks = [FIRST_BLOCK]
    for height in range(1, count + 1):
        others = [filler(90 + 7 * n, height * 10 + n) for n in range(height % 3)]
        blocks.append(block(blocks[-1], height, others, **how))
    return blocks


def framed(blocks: Iterable[bytes], magic: bytes = REGTEST_MAGIC) -> bytes:
    """Blocks as a node frames them, without a key."""
    return b"".join(magic + len(block).to_bytes(4, "little") + block for block in blocks)


def locked(data: bytes, key: bytes, offset: int = 0) -> bytes:
    """Bytes XORed with a key by their offset."""
    mask = np.frombuffer((key + key)[offset % 8 : offset % 8 + 8], np.uint8)
    locked_bytes = np.frombuffer(data, np.uint8) ^ np.resize(mask, len(data))
    return locked_bytes.tobytes()


def write(folder: Path, files: Mapping[int, bytes], key: bytes = b"", tail: int = 0) -> Path:
    """Write framed blocks as files of a blocks folder; ``tail`` raw zeros behind each."""
    folder.mkdir(parents=True, exist_ok=True)
    if key:
        (folder / "xor.dat").write_bytes(key)
    for number, data in files.items():
        written = locked(data, key) if key else data
        (folder / f"blk{number:05d}.dat").write_bytes(written + bytes(tail))
    return folder
