"""What benchmarks share with the tests: this package's modules lie in ``tests/support``."""

from __future__ import annotations

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parent.parent / "tests" / "support")]
