"""Files to read, made by hand: block headers mined on regtest, and tables as vendors ship them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.mining import REGTEST_GENESIS, grow


@pytest.fixture(scope="session")
def mined() -> Callable[[int], bytes]:
    """Raw regtest headers from genesis on, ten minutes apart, as many as asked for."""

    def run(count: int) -> bytes:
        return b"".join([REGTEST_GENESIS, *grow(count - 1)])

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
