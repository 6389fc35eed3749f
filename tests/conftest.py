"""What all tests share: where real data lie, and what happens where an optional part is not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

_ROOT = Path(__file__).resolve().parent.parent


def unavailable(reason: str) -> NoReturn:
    """Skip, saying why; fail instead where HASHCANARY_REQUIRE_ALL=1 asks for every part."""
    if os.environ.get("HASHCANARY_REQUIRE_ALL") == "1":
        pytest.fail(f"required by HASHCANARY_REQUIRE_ALL: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: HASHCANARY_DATA, else ../shared/data from the project's root."""
    folder = Path(os.environ.get("HASHCANARY_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        unavailable(f"no real data: {folder} is not a folder; name one by HASHCANARY_DATA")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a real Chromium."""
    import shutil

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        unavailable("no chromium on PATH: install the package chromium")
    return path
