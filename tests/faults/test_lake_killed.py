"""A load cut off at every step it makes durable, and at random times.

One child process imports everything and forks a copy for each cut. A copy ends itself with SIGKILL
just before its n-th call to ``fsync``, rename or unlink, or is ended by a timer anywhere, deep
inside deltalake too. Whatever it left, readers see the lake before the load or after it, and the
next load gives what a load without a cut gives.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import TABLES
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.verify import verify

CUTTER = """
import json, os, pathlib, shutil, signal, sys, time
import deltalake, polars
from hashcanary.sources.source import all_sources
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
import hashcanary.store.recording, hashcanary.store.tables

all_sources()
base, out, delays, *files = json.loads(sys.argv[1])

def cut_before(count):
    calls = 0
    def hooked(original):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)
        return call
    os.fsync = hooked(os.fsync)
    for name in ("replace", "unlink"):
        setattr(pathlib.Path, name, hooked(getattr(pathlib.Path, name)))

def run(name, prepare):
    home = pathlib.Path(out) / name
    shutil.copytree(base, home)
    child = os.fork()
    if child == 0:
        prepare()
        load(Lake.open(home), files, now=0)
        os._exit(0)
    until, found = time.monotonic() + 60, 0
    while not found:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            raise TimeoutError(f"{name}: the child was still there after 60 s")
        time.sleep(0.0005)
        found, status = os.waitpid(child, os.WNOHANG)
    print(json.dumps([name, os.WTERMSIG(status) if os.WIFSIGNALED(status) else None]), flush=True)
    return os.WIFSIGNALED(status)

step = 1
while run(f"step{step:03d}", lambda: cut_before(step)):
    step += 1
for delay in delays:
    run(f"after{delay:.3f}", lambda: signal.setitimer(signal.ITIMER_REAL, delay))
"""
DELAYS = [0.007 * step for step in range(1, 17)]


@dataclass(frozen=True)
class Cut:
    name: str
    signal: int | None
    home: Path


@dataclass(frozen=True)
class Cuts:
    before: Lake
    after: Lake
    files: list[Path]
    cuts: list[Cut]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cuts:
    folder = tmp_path_factory.mktemp("killed")
    chain = [REGTEST_GENESIS, *grow(300)]
    files = []
    for name, part, hours in (("first", chain[:100], range(50)), ("second", chain, range(90))):
        headers, candles = folder / f"{name}.bin", folder / f"{name}.csv"
        headers.write_bytes(b"".join(part))
        rows = [f"{1704067200 + 3600 * at},{at + 1},{at + 2},{at + 1},{at + 1},1" for at in hours]
        candles.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
        files.append([headers, candles])
    before = load(Lake.create(folder / "base", REGTEST), files[0]).lake
    shutil.copytree(before.home, folder / "clean")
    after = load(Lake.open(folder / "clean"), files[1]).lake
    (folder / "cut").mkdir()
    argument = json.dumps([str(before.home), str(folder / "cut"), DELAYS, *map(str, files[1])])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CUTTER, argument],
        check=True,
        capture_output=True,
        text=True,
        timeout=240,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    cuts = [Cut(name, signal, folder / "cut" / name) for name, signal in told]
    return Cuts(before, after, files[1], cuts)


def same(one: Lake, other: Lake) -> bool:
    return all(one.frame(name).equals(other.frame(name)) for name in TABLES)


def test_the_cuts_happened_at_many_points(made: Cuts) -> None:
    steps = [cut for cut in made.cuts if cut.name.startswith("step")]
    assert [cut.signal for cut in steps] == [9] * (len(steps) - 1) + [None]
    assert len(steps) > 12
    assert sum(cut.signal == 14 for cut in made.cuts) > 5


def test_readers_see_the_lake_before_the_load_or_after_it(made: Cuts) -> None:
    seen = []
    for cut in made.cuts:
        lake = Lake.open(cut.home)
        expected = {1: made.before, 2: made.after}[lake.version]
        assert same(lake, expected), cut.name
        seen.append(lake.version)
    assert set(seen) == {1, 2}


def test_what_was_left_behind_is_no_damage(made: Cuts) -> None:
    for cut in made.cuts:
        assert verify(cut.home).findings == (), cut.name


def test_the_next_load_gives_what_a_load_without_a_cut_gives(
    made: Cuts, counted: Callable[[str], None]
) -> None:
    for cut in made.cuts:
        lake = load(Lake.open(cut.home), made.files).lake
        assert same(lake, made.after), cut.name
        assert lake.version == 2
        assert verify(cut.home).findings == (), cut.name
        named = {name for state in lake.manifest.tables.values() for name in state.active}
        kept = Lake.open(cut.home, version=1).manifest.tables.values()
        named |= {name for state in kept for name in state.active}
        assert {path.name for path in cut.home.rglob("*.parquet")} == named, cut.name
        assert not (cut.home / "writing").exists()
    killed = sum(cut.signal is not None for cut in made.cuts)
    counted(f"load, {killed} kills: each loaded again to the clean lake")
