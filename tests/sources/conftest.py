"""Files to read, made by hand: block headers mined on regtest, and tables as vendors ship them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

# Core's kernel/chainparams.cpp: the regtest genesis header.
_REGTEST_GENESIS = bytes.fromhex(
    "01000000"
    + "00" * 32
    + "3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
    + "dae5494dffff7f2002000000"
)
_EASY = 0x7FFFFF << 232


def _double_sha256(header: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()


def _child(parent: bytes, time: int) -> bytes:
    start = bytes.fromhex("01000000") + _double_sha256(parent) + bytes(32)
    start += time.to_bytes(4, "little") + bytes.fromhex("ffff7f20")
    for nonce in range(1 << 16):
        header = start + nonce.to_bytes(4, "little")
        if int.from_bytes(_double_sha256(header), "little") <= _EASY:
            return header
    raise AssertionError("no nonce found")


@pytest.fixture(scope="session")
def mined() -> Callable[[int], bytes]:
    """Raw regtest headers from genesis on, ten minutes apart, as many as asked for."""
    chain = [_REGTEST_GENESIS]

    def run(count: int) -> bytes:
        while len(chain) < count:
            chain.append(_child(chain[-1], 1296688602 + 600 * len(chain)))
        return b"".join(chain[:count])

    return run


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file into an empty folder and gives its path."""

    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put
