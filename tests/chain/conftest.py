"""A small miner, written apart from the code under test: struct, hashlib and integers only."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from hashlib import sha256

import pytest

GENESIS_MERKLE = bytes.fromhex("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
Mine = Callable[..., bytes]


def mine(times: Iterable[int], bits: Iterable[int], parent: bytes = bytes(32)) -> bytes:
    """Headers on ``parent`` (internal byte order), one for each time and bits."""
    headers = []
    for time, compact in zip(times, bits, strict=True):
        target = (compact & 0x7FFFFF) << 8 * ((compact >> 24) - 3)
        nonce = 0
        while True:
            header = struct.pack("<i32s32sIII", 4, parent, bytes(32), time, compact, nonce)
            digest = sha256(sha256(header).digest()).digest()
            if int.from_bytes(digest, "little") <= target:
                break
            nonce += 1
        headers.append(header)
        parent = digest
    return b"".join(headers)


@pytest.fixture(name="mine")
def mine_fixture() -> Mine:
    return mine


@pytest.fixture
def simnet_genesis() -> bytes:
    """The 80 bytes of simnet's genesis header (bcoin networks)."""
    return struct.pack("<i32s32sIII", 1, bytes(32), GENESIS_MERKLE[::-1], 1401292357, 0x207FFFFF, 2)
