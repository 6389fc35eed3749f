"""Runs every benchmark and prints one table: ours, the peer, the limit, side by side.

``--write`` also writes docs/benchmarks.md. With names of scripts only those run, and only their
parts of the page are written anew. Each script runs in a process of its own, so that one's memory
and warm caches do not help another, with linear algebra on one thread as the command line has it.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from table import table

HERE = Path(__file__).resolve().parent
SCRIPTS = (
    "validate_headers",
    "all_metrics",
    "load_everything",
    "new_block",
    "p2p_sync",
    "scan_block_files",
    "label_blocks",
    "posterior_speed",
    "cost_speed",
    "supply_record",
    "stress_record",
    "selling_record",
    "after_retarget",
    "report_page",
    "answers",
    "command_start",
    "house",
)


def measure(script: str) -> list[dict[str, object]]:
    """The rows of one script, measured in a fresh process."""
    code = f"import json, {script}; print(json.dumps({script}.measure()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=HERE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    rows: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def machine() -> str:
    """The machine in words, without its name."""
    memory = "memory unknown"
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        kilobytes = int(meminfo.read_text().split()[1])
        memory = f"{kilobytes / 2**20:.0f} GiB of memory"
    return (
        f"{platform.system()} on {platform.machine()}, {multiprocessing.cpu_count()} cores, "
        f"{memory}, Python {platform.python_version()}"
    )


def main() -> int:
    """Print the tables; exit 1 when a bar is not reached."""
    asked = [name for name in sys.argv[1:] if name != "--write"]
    missing = [name for name in (*SCRIPTS, *asked) if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(f"expected the benchmark scripts {missing} beside this one")
    reached = True
    parts = {}
    for script in asked or SCRIPTS:
        rows = measure(script)
        reached &= all(row.get("reached") is not False for row in rows)
        parts[script] = f"## {script}\n\n{table(rows)}\n"
        sys.stdout.write(parts[script] + "\n")
    if "--write" in sys.argv[1:]:
        page = HERE.parent / "docs" / "benchmarks.md"
        if asked:
            _, *old = page.read_text(encoding="utf-8").split("\n## ")
            kept = {part.partition("\n")[0]: f"## {part}" for part in old}
            parts = {name: parts.get(name, kept.get(name, "")) for name in (*kept, *parts)}
        parts = {name: part.rstrip("\n") + "\n" for name, part in parts.items()}
        page.write_text(_head() + "\n".join(parts.values()), encoding="utf-8")
    return 0 if reached else 1


def _head() -> str:
    return (
        "# Benchmarks\n\n<!-- Written by `make bench`. -->\n\n"
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine()}. Ours, the peer and the limit "
        "run side by side in one process tree; each script in `benchmarks/` runs alone too. "
        "A ratio below 1 means that ours takes less.\n\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
