"""Block files for the benchmark: real blocks of about 1 MB under headers that link into one chain.

Each block keeps the transactions of a real one; its coinbase states the new height, its header
names the block before and has valid proof of work on regtest. So every rule that a scan checks
holds, the merkle roots and witness commitments among them. The files carry the magic of main, the
only one that the peer knows.

``python block_file_maker.py FOLDER BYTES`` writes them; ``FOLDER -COUNT`` as many small blocks.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import zstandard
from real_data import real_data

from hashcanary.chain.coinbase import height_push, parse_coinbase
from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.chain.whole_block import read_count

NETWORK = replace(REGTEST, magic=MAIN.magic)
FILE_BYTES = 128 << 20
LEAST_BLOCK = 700_000
_GENESIS = (
    b"\1\0\0\0"
    + bytes(32)
    + REGTEST.genesis.merkle_root[::-1]
    + b"".join(
        n.to_bytes(4, "little")
        for n in (REGTEST.genesis.time, REGTEST.genesis.bits, REGTEST.genesis.nonce)
    )
)


class Body(NamedTuple):
    """A real block as it is used again.

    count: its number of transactions as serialized; coinbase; rest: all other transactions;
    branch: the hashes beside the coinbase's path to the merkle root.
    """

    count: bytes
    coinbase: bytes
    rest: bytes
    branch: list[bytes]


def _double(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def bodies() -> list[Body]:
    """The real blocks of more than LEAST_BLOCK bytes."""
    import bitcoin.core

    found = []
    for path in sorted((real_data() / "raw_blocks").iterdir()):
        data = path.read_bytes()
        if path.suffix == ".zst":
            data = zstandard.ZstdDecompressor().stream_reader(data).read()
        block = data[8:] if data[:4] == MAIN.magic else data
        if len(block) < LEAST_BLOCK or path.name.startswith("first"):
            continue
        _, start = read_count(block)
        coinbase = block[start : start + parse_coinbase(block, start).size]
        level = [tx.GetTxid() for tx in bitcoin.core.CBlock.deserialize(block).vtx]
        branch = []
        while len(level) > 1:
            level += level[-1:] * (len(level) % 2)
            branch.append(level[1])
            level = [_double(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
        found.append(Body(block[80:start], coinbase, block[start + len(coinbase) :], branch))
    return found


def small() -> Body:
    """A block of nothing but a coinbase."""
    outputs = b"\1" + (50 * 10**8).to_bytes(8, "little") + b"\x16\0\x14" + bytes(20)
    start = b"\1\0\0\0\1" + bytes(32) + b"\xff" * 4
    return Body(b"\1", start + b"\x08" + bytes(8) + b"\xff" * 4 + outputs + bytes(4), b"", [])


def on_top(parent: bytes, height: int, body: Body) -> tuple[bytes, bytes, bytes]:
    """A block on top of a header: header, count with coinbase, the other transactions."""
    coinbase = bytearray(body.coinbase)
    # scriptSig: behind version, marker and flag, count of inputs, prevout, its own length
    script = 4 + (2 if coinbase[4] == 0 else 0) + 1 + 36 + 1
    push = height_push(height)
    coinbase[script : script + 4] = push.ljust(4, b"\0")[:4]
    root = _double(parse_coinbase(bytes(coinbase)).stripped)
    for beside in body.branch:
        root = _double(root + beside)
    time = REGTEST.genesis.time + 600 * height
    start = b"\0\0\0\x20" + _double(parent) + root + time.to_bytes(4, "little")
    start += REGTEST.pow_limit_bits.to_bytes(4, "little")
    nonce = 0
    while _double(header := start + nonce.to_bytes(4, "little"))[31] > 0x7E:
        nonce += 1
    return header, body.count + coinbase, body.rest


def write(folder: Path, least_bytes: int, most_blocks: int, kinds: list[Body]) -> int:
    """Files of one chain from its first block on, until one of the limits; gives their bytes."""
    folder.mkdir(parents=True)
    parent, height, written, number, room = _GENESIS, 0, 0, -1, 0
    file = None
    while written < least_bytes and height < most_blocks:
        height += 1
        parts = on_top(parent, height, kinds[height % len(kinds)])
        parent = parts[0]
        size = sum(map(len, parts))
        if size + 8 > room:
            number, room = number + 1, FILE_BYTES
            if file is not None:
                file.close()
            file = (folder / f"blk{number:05d}.dat").open("wb")
        assert file is not None
        file.write(b"".join((MAIN.magic, size.to_bytes(4, "little"), *parts)))
        room -= size + 8
        written += size + 8
    if file is not None:
        file.close()
    return written


if __name__ == "__main__":
    folder, amount = Path(sys.argv[1]), int(sys.argv[2])
    if amount > 0:
        write(folder, amount, sys.maxsize, bodies())
    else:
        write(folder, sys.maxsize, -amount, [small()])
