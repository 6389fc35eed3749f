"""Where the real data lie that the benchmarks measure on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


def real_data() -> Path:
    """The folder named by HASHCANARY_DATA, else ../shared/data; exits with 3 where it is not."""
    folder = Path(os.environ.get("HASHCANARY_DATA") or _ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        sys.stderr.write(f"expected a folder of real data at {folder}: set HASHCANARY_DATA\n")
        raise SystemExit(3)
    return folder
