"""How long ``hashcanary --help`` takes to answer.

Ours: the installed command. Peer: ``python -m json.tool --help``, the standard library's smallest
command with a parser. Limit: ``python -c pass``, the interpreter alone, no command is faster. The
three take turns, so that a busy moment of the machine meets all of them.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from table import show

ROUNDS = 25
BAR_MS = 150.0


def measure() -> list[dict[str, object]]:
    """Two rows, best and median of ``ROUNDS``; times in milliseconds."""
    taken: dict[str, list[float]] = {name: [] for name in _commands()}
    for _ in range(ROUNDS):
        for name, command in _commands().items():
            taken[name].append(_milliseconds(command))
    return [
        _row("best", min, taken),
        _row("median", statistics.median, taken),
    ]


def _commands() -> dict[str, list[str]]:
    beside = Path(sys.executable).with_name("hashcanary")
    installed = str(beside) if beside.exists() else shutil.which("hashcanary")
    if installed is None:
        raise SystemExit("expected the command hashcanary beside this Python: pip install -e .")
    return {
        "ours": [installed, "--help"],
        "peer": [sys.executable, "-m", "json.tool", "--help"],
        "limit": [sys.executable, "-c", "pass"],
    }


def _milliseconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def _row(
    what: str, statistic: Callable[[list[float]], float], taken: dict[str, list[float]]
) -> dict[str, object]:
    ours, peer, limit = (statistic(taken[name]) for name in ("ours", "peer", "limit"))
    return {
        "what": f"hashcanary --help, {what} of {ROUNDS}",
        "ours": f"{ours:.0f} ms",
        "peer": f"{peer:.0f} ms (python -m json.tool --help)",
        "limit": f"{limit:.0f} ms (python -c pass)",
        "ratio_to_peer": ours / peer,
        "ratio_to_limit": ours / limit,
        "bar": f"at most {BAR_MS:.0f} ms",
        "reached": ours <= BAR_MS,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
