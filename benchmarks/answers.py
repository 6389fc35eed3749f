"""One metric by command, every metric by the API, the import: time and memory on the whole record.

Ours: a fresh process each. The peer of the metric is pandas, which reads the blocks' columns from
one Parquet file and takes the same 30-day mean of work a day, without a lake, limits or known_at.
The limit is the import of Polars in a fresh process. The least of the rounds counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from real_data import real_data
from table import show

ROUNDS = 5
COMMAND = "import sys; from hashcanary.cli.main import main; sys.exit(main(sys.argv[1:]))"
ALL_METRICS = """
import sys
import hashcanary as hc
known = hc.open(sys.argv[1]).now()
from hashcanary.metrics.declaration import all_metrics
for name in all_metrics():
    known.metric(name)
"""
PEER = """
import sys
import pandas as pd
blocks = pd.read_parquet(sys.argv[1], columns=["time", "difficulty_ratio_to_difficulty_one"])
work = blocks["difficulty_ratio_to_difficulty_one"] * 2**32
day = work.groupby(blocks["time"].dt.floor("D")).sum()
print(day.rolling(30).sum().tail() / (30 * 86400))
"""


def measure() -> list[dict[str, object]]:
    """Rows of time in seconds and of memory in megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        home, tables = Path(folder) / "lake", Path(folder) / "tables"
        _run(COMMAND, "--home", home, "load", real_data())
        _run(COMMAND, "--home", home, "export", tables)
        metric = _best(COMMAND, "--home", home, "metric", "show", "hashrate.sma30", "--json")
        every = _best(ALL_METRICS, home)
        peer = _best(PEER, tables / "blocks.parquet")
        report = _best(COMMAND, "--home", home, "report", "--html", Path(folder) / "page.html")
    polars, bare, imported = _best("import polars"), _best("pass"), _best("import hashcanary")
    return [
        _row("one metric by command, s", metric[0], peer[0], polars[0], 0.8),
        _row("one metric by command, peak MB", metric[1], peer[1], polars[1], 250),
        _row("every metric by the API, lake's reading included, s", every[0], None, polars[0], 2.0),
        _row("report --html, peak MB", report[1], None, polars[1], 450),
        _row("import hashcanary, ms", 1000 * (imported[0] - bare[0]), None, 0.0, 50),
    ]


def _best(program: str, *words: object) -> tuple[float, float]:
    """Seconds and megabytes of the best of the rounds."""
    runs = [_run(program, *words) for _ in range(ROUNDS)]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def _run(program: str, *words: object) -> tuple[float, float]:
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"expected {words} to succeed, found exit code {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def _row(what: str, ours: float, peer: float | None, limit: float, bar: float) -> dict[str, object]:
    return {
        "what": what,
        "ours": f"{ours:.2f}" if ours < 10 else f"{ours:.0f}",
        "peer": "" if peer is None else f"{peer:.2f} (pandas)",
        "limit": f"{limit:.2f} (import polars)" if limit else "0 (python -c pass)",
        "ratio_to_peer": None if peer is None else ours / peer,
        "ratio_to_limit": ours / limit if limit else None,
        "bar": f"at most {bar:g}",
        "reached": ours <= bar,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
