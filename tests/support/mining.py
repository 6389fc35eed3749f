"""Regtest's genesis, and headers mined on top of any; hashlib and struct alone."""

from __future__ import annotations

import struct
from hashlib import sha256

# Core's kernel/chainparams.cpp: what the genesis headers of all networks begin with
GENESIS_START = bytes.fromhex(
    "01000000" + "00" * 32 + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
)
MAIN_GENESIS = GENESIS_START + bytes.fromhex("29ab5f49ffff001d1dac2b7c")
REGTEST_GENESIS = GENESIS_START + bytes.fromhex("dae5494dffff7f2002000000")
# the transaction of every genesis block
GENESIS_COINBASE = bytes.fromhex(
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff00"
    "1d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b20"
    "6f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afd"
    "b0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c"
    "384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
EASIEST = 0x207FFFFF


def double_sha256(data: bytes) -> bytes:
    """SHA-256 twice."""
    return sha256(sha256(data).digest()).digest()


def mine(parent: bytes, bits: int = EASIEST, step: int = 600, branch: int = 0) -> bytes:
    """A child of a header, ``step`` seconds later, at any easy target in compact form."""
    target = (bits & 0x7FFFFF) << 8 * ((bits >> 24) - 3)
    seconds = int.from_bytes(parent[68:72], "little") + step
    start = b"\x01\0\0\0" + double_sha256(parent) + branch.to_bytes(32, "little")
    start += struct.pack("<II", seconds, bits)
    nonce = 0
    while int.from_bytes(double_sha256(start + struct.pack("<I", nonce)), "little") > target:
        nonce += 1
    return start + struct.pack("<I", nonce)


def grow(
    count: int, parent: bytes = REGTEST_GENESIS, branch: int = 0, step: int = 600
) -> list[bytes]:
    """Regtest headers of 80 bytes on top of any; ``branch`` tells siblings apart."""
    headers = [parent]
    for _ in range(count):
        headers.append(mine(headers[-1], step=step, branch=branch))
    return headers[1:]
