"""Scanning block files: time beside a bare loop and blockchain-parser, bytes read, memory, growth.

Ours: everything the feed ``blockfiles`` does with 2 GB of block files: every header's proof of
work, count, size and coinbase, heights, facts as frames. The limit: a bare loop that reads the same
first bytes of each record with ``pread`` and does nothing with them. Both with the files out of the
page cache, as those of a node are, which are larger than any memory; and in it. What libraries do
at their first use is not timed: each process has scanned a few blocks before. The peer:
blockchain-parser, on the first file in the page cache, scaled to all of them; it needs other
versions of our test packages, so it runs under the Python that HASHCANARY_BLOCKCHAIN_PARSER names.

The files are made on the spot (``block_file_maker.py``) and removed afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from table import show

HERE = Path(__file__).resolve().parent
GIGABYTE = 10**9
ROUNDS = 5
BAR_LOOP = 1.3
BAR_PEER = 100
BAR_SHARE = 0.01
BAR_MEGABYTES = 300
MANY_BLOCKS = 1_000_000
FEW_BLOCKS = 50

FRAME = """
import json, os, resource, sys, time
from pathlib import Path
folder, few, cold = json.loads(sys.argv[1])
files = sorted(Path(folder).glob("blk*.dat"))
{before}
for file in files:
    descriptor = os.open(file, os.O_RDONLY)
    if cold:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
pread, taken = os.pread, []
{count}
began = time.perf_counter()
{body}
seconds = time.perf_counter() - began
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([seconds, peak / 1e6, blocks, sum(taken)]))
"""
OURS = """
import numpy as np
from block_file_maker import NETWORK
from hashcanary.sources.catalogue.blockfiles import BLOCKFILES
from hashcanary.sources.feed import Asked, Held
from hashcanary.sources.node import block_files
held = Held(NETWORK, (), None, lambda h: None, lambda s: np.empty(0, np.int64), lambda *a: None)
asked = Asked(held, {}, {"datadir": folder}, None)
list(BLOCKFILES.batches(Asked(held, {}, {"datadir": few}, None)))
"""
SCAN = """
blocks = 0
for batch in BLOCKFILES.batches(asked):
    blocks += batch.facts[1].frame.height
"""
LOOP_BEFORE = "from hashcanary.sources.node.block_files_walk import WINDOW"
LOOP = """
blocks = 0
for file in files:
    descriptor = os.open(file, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    offset = 0
    while len(record := os.pread(descriptor, WINDOW, offset)) >= 8:
        blocks += 1
        offset += 8 + int.from_bytes(record[4:8], "little")
    os.close(descriptor)
"""
COUNT = """
def counted(*arguments):
    data = pread(*arguments)
    taken.append(len(data))
    return data
os.pread = counted
"""
PEER_BEFORE = "from blockchain_parser.blockchain import Blockchain"
PEER = """
blocks = 0
for block in Blockchain(str(files[0])).get_unordered_blocks():
    blocks += 1
    header, coinbase = block.header, block.transactions[0]
    found = (block.hash, header.previous_block_hash, header.timestamp, header.bits, block.size,
             block.n_transactions, sum(output.value for output in coinbase.outputs))
"""


@dataclass(frozen=True)
class Run:
    """One process: seconds of its body, megabytes at its peak, blocks and bytes it read."""

    seconds: float
    megabytes: float
    blocks: int
    bytes_read: int


def run(
    body: str,
    before: str,
    folder: Path,
    *,
    cold: bool = False,
    count: bool = False,
    python: str = "",
) -> Run:
    """Run one contender in a process of its own."""
    code = FRAME.format(body=body, before=before, count=COUNT if count else "")
    argument = json.dumps([str(folder), str(folder.parent / "few"), cold])
    done = subprocess.run(
        [python or sys.executable, "-c", code, argument],
        cwd=HERE,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def make(folder: Path, amount: int) -> Path:
    """Block files, made in a process of its own so that this one stays small."""
    subprocess.run(
        [sys.executable, "block_file_maker.py", str(folder), str(amount)], cwd=HERE, check=True
    )
    return folder


def first_files(folder: Path, into: Path, count: int) -> Path:
    """The first ``count`` files as hard links; beyond the last one the first ones again."""
    into.mkdir()
    files = sorted(folder.glob("blk*.dat"))
    for number in range(count):
        os.link(files[number % len(files)], into / f"blk{number:05d}.dat")
    return into


def size_of(folder: Path) -> int:
    """Bytes of all block files."""
    return sum(path.stat().st_size for path in folder.glob("blk*.dat"))


def measure() -> list[dict[str, object]]:
    """Rows for time out of and in the page cache, the peer, bytes, memory and growth."""
    work = Path(tempfile.mkdtemp(prefix="hashcanary-bench-"))
    try:
        make(work / "few", -FEW_BLOCKS)
        folder = make(work / "real", 2 * GIGABYTE)
        return [
            *_times(folder),
            _peer(folder),
            _bytes(folder),
            *_growth(work, folder),
            _many(work),
        ]
    finally:
        shutil.rmtree(work)


def _ours(folder: Path, *, cold: bool = False, count: bool = False) -> Run:
    return run(SCAN, OURS, folder, cold=cold, count=count)


def _times(folder: Path) -> list[dict[str, object]]:
    rows = []
    for cold in (True, False):
        ours, loop = [], []
        for _ in range(ROUNDS):
            loop.append(run(LOOP, LOOP_BEFORE, folder, cold=cold).seconds)
            ours.append(_ours(folder, cold=cold).seconds)
        mine, limit = statistics.median(ours), statistics.median(loop)
        rows.append(
            {
                "what": f"scan {size_of(folder) / 1e9:.1f} GB of block files "
                f"{'from the disk' if cold else 'in the page cache'}, median of {ROUNDS}",
                "ours": f"{mine * 1e3:.0f} ms",
                "limit": f"a bare loop of the same reads: {limit * 1e3:.0f} ms",
                "ratio_to_limit": mine / limit,
                "bar": f"at most {BAR_LOOP} times the loop" if cold else "",
                "reached": mine <= BAR_LOOP * limit if cold else None,
            }
        )
    return rows


def _peer(folder: Path) -> dict[str, object]:
    mine = min(_ours(folder).seconds for _ in range(ROUNDS))
    row: dict[str, object] = {
        "what": "the same in the page cache beside blockchain-parser",
        "ours": f"{mine * 1e3:.0f} ms",
        "bar": f"at least {BAR_PEER} times faster",
    }
    python = os.environ.get("HASHCANARY_BLOCKCHAIN_PARSER")
    if not python:
        return row | {"peer": "not measured: no HASHCANARY_BLOCKCHAIN_PARSER"}
    code = run(PEER, PEER_BEFORE, folder, python=python)
    share = size_of(folder) / (folder / "blk00000.dat").stat().st_size
    theirs = code.seconds * share
    scaled = f"{theirs:.0f} s, scaled from {code.seconds:.1f} s for {code.blocks} blocks"
    return row | {
        "peer": scaled,
        "ratio_to_peer": mine / theirs,
        "reached": theirs >= BAR_PEER * mine,
    }


def _bytes(folder: Path) -> dict[str, object]:
    taken = _ours(folder, count=True)
    total = size_of(folder)
    share = taken.bytes_read / total
    return {
        "what": f"bytes read of {taken.blocks} blocks",
        "ours": f"{taken.bytes_read / 1e6:.1f} MB, {share:.2%}",
        "limit": f"all: {total / 1e6:.0f} MB",
        "ratio_to_limit": share,
        "bar": f"under {BAR_SHARE:.0%}",
        "reached": share < BAR_SHARE,
    }


def _growth(work: Path, folder: Path) -> list[dict[str, object]]:
    """Time and memory from 0.25 to 4 GB; beyond 2 GB the same files again, by hard links."""
    folders = [first_files(folder, work / f"first{count}", count) for count in (2, 4, 8, 15, 30)]
    runs: dict[float, list[Run]] = {size_of(some) / 1e9: [] for some in folders}
    for _ in range(ROUNDS):
        for size, some in zip(runs, folders, strict=True):
            runs[size].append(_ours(some))
    times = {size: min(one.seconds for one in part) for size, part in runs.items()}
    memory = {size: max(one.megabytes for one in part) for size, part in runs.items()}
    told = ", ".join(f"{size:.2f} GB {seconds * 1e3:.0f} ms" for size, seconds in times.items())
    least, most = min(times), max(times)
    growth = times[most] / times[least] / (most / least)
    peak = max(memory.values())
    shown = ", ".join(f"{size:.2f} GB {used:.0f} MB" for size, used in memory.items())
    return [
        {
            "what": f"growth of time, {least:.2f} to {most:.2f} GB in the page cache",
            "ours": told,
            "ratio_to_limit": growth,
            "limit": "linear: 1",
            "bar": "at most 1.2 times linear",
            "reached": growth <= 1.2,
        },
        {
            "what": "peak memory of the same, Python and libraries included",
            "ours": shown,
            "bar": f"under {BAR_MEGABYTES} MB",
            "reached": peak < BAR_MEGABYTES,
        },
    ]


def _many(work: Path) -> dict[str, object]:
    """As many blocks as the whole chain has, and more: all that memory can grow with."""
    folder = make(work / "many", -MANY_BLOCKS)
    done = _ours(folder)
    return {
        "what": f"{MANY_BLOCKS:,} small blocks: peak memory",
        "ours": f"{done.megabytes:.0f} MB ({done.seconds:.1f} s)",
        "bar": f"under {BAR_MEGABYTES} MB",
        "reached": done.megabytes < BAR_MEGABYTES and done.blocks == MANY_BLOCKS,
    }


if __name__ == "__main__":
    raise SystemExit(show(measure()))
