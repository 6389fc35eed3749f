"""Loading the whole folder of real data into an empty lake: time and peak memory.

Ours: ``load`` of the folder, every check included, in a fresh process. The peer: bare polars over
the files that were loaded, read and written as Parquet with no check and no order. The limit: the
bytes of those files read, and unfolded where they are packed. Each in processes of their own, taken
in turns; the least time and the least memory of three rounds count, the start of Python included.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from real_data import real_data
from table import show

ROUNDS = 3
BAR_SECONDS = 60
BAR_MEGABYTES = 1000

OURS = """
from hashcanary.chain.networks import MAIN
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
report = load(Lake.create(Path(out) / "lake", MAIN), [folder])
print(json.dumps([file.path for file in report.files if file.kind]))
"""
PEER = """
import io
import polars as pl
import zstandard
for number, path in enumerate(map(Path, files)):
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    if ".parquet" in path.name:
        frame = pl.read_parquet(data)
    elif ".csv" in path.name:
        frame = pl.read_csv(io.BytesIO(data), infer_schema_length=None)
    else:
        starts = pl.int_range(0, len(data), 80, eager=True)
        frame = pl.select(header=pl.lit(data).bin.slice(pl.lit(starts), 80))
    frame.write_parquet(Path(out) / f"{number}.parquet")
"""
LIMIT = """
import zstandard
for path in map(Path, files):
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
"""
FRAME = """
import json, resource, sys
from pathlib import Path
folder, out, files = json.loads(sys.argv[1])
{body}
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""


@dataclass(frozen=True)
class Run:
    """One process: seconds it took, megabytes at its peak, what it printed first."""

    seconds: float
    megabytes: float
    printed: str


def run(body: str, folder: Path, files: list[str]) -> Run:
    """Run one contender in a process and a folder of its own."""
    out = Path(tempfile.mkdtemp(prefix="hashcanary-bench-"))
    argument = json.dumps([str(folder), str(out), files])
    try:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", FRAME.format(body=body), argument],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        seconds = time.perf_counter() - began
    finally:
        shutil.rmtree(out)
    *printed, peak = done.stdout.splitlines()
    return Run(seconds, int(peak) / 1e6, printed[0] if printed else "")


def measure() -> list[dict[str, object]]:
    """Two rows: seconds and megabytes of ours, the peer and the limit."""
    folder = real_data()
    first = run(OURS, folder, [])
    files = json.loads(first.printed)
    runs: dict[str, list[Run]] = {"ours": [first], "peer": [], "limit": []}
    for turn in range(ROUNDS):
        if turn:
            runs["ours"].append(run(OURS, folder, []))
        runs["peer"].append(run(PEER, folder, files))
        runs["limit"].append(run(LIMIT, folder, files))
    seconds = {name: min(one.seconds for one in part) for name, part in runs.items()}
    memory = {name: min(one.megabytes for one in part) for name, part in runs.items()}
    what = f"load {len(files)} files into an empty lake"
    return [
        _row(f"{what}: time", seconds, BAR_SECONDS, "{:.2f} s"),
        _row(f"{what}: peak memory", memory, BAR_MEGABYTES, "{:.0f} MB"),
    ]


def _row(what: str, value: dict[str, float], bar: int, shown: str) -> dict[str, object]:
    return {
        "what": what,
        "ours": shown.format(value["ours"]),
        "peer": f"bare polars, nothing checked: {shown.format(value['peer'])}",
        "limit": f"reading the bytes: {shown.format(value['limit'])}",
        "ratio_to_peer": value["ours"] / value["peer"],
        "ratio_to_limit": value["ours"] / value["limit"],
        "bar": f"under {bar} {shown.rsplit(maxsplit=1)[-1]}",
        "reached": value["ours"] < bar,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
