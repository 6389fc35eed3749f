"""What all tests share: where real data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: HASHCANARY_DATA, else ../shared/data from the project's root."""
    folder = Path(os.environ.get("HASHCANARY_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not a folder; name one by HASHCANARY_DATA")
    return folder
