"""Kills at every boundary of a sync, and of the recovery from a kill: nothing lost, nothing wrong.

``sync_cutter.py`` does the killing. Here each lake that was left behind must read as one of the
versions of a clean sync, and a further sync must end with what the clean one has: every table in
canonical order, the record, the cursor, the number of versions, and no file too many.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import TABLES
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.verify import verify

SCRIPT = Path(__file__).with_name("sync_cutter.py")
SHARE = {
    "first": 1,
    "stride": 29,
    "commits": 3,
    "moments": [500, 3501, 3000],
    "recover_every": 5,
    "recovery_stride": 3,
}
PARTS = 4


@pytest.fixture(scope="module")
def cutter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sync_cutter", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Clean:
    """A sync without a cut: the lake before it, every version, and the headers it was given."""

    base: Path
    headers: Path
    versions: list[Lake]
    frames: list[dict[str, pl.DataFrame]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, cutter: ModuleType) -> Clean:
    """A lake with a branch, and a feed with that branch and a longer one that displaces it."""
    folder = tmp_path_factory.mktemp("kills")
    trunk = [REGTEST_GENESIS, *grow(29)]
    old = grow(25, parent=trunk[-1], branch=1)
    new = grow(45, parent=trunk[-1], branch=2)
    base = Lake.create(folder / "base", REGTEST)
    cutter.sync_all(base.home, b"".join([*trunk[:15]]))
    headers = folder / "headers.bin"
    headers.write_bytes(b"".join([*trunk, *old, *new]))
    shutil.copytree(base.home, folder / "clean")
    last = cutter.sync_all(folder / "clean", headers.read_bytes())
    versions = [Lake.open(last.home, version) for version in range(last.version + 1)]
    return Clean(base.home, headers, versions, [frames_of(lake) for lake in versions])


def cuts_of(clean: Clean, folder: Path, plan: dict[str, Any]) -> list[dict[str, Any]]:
    argument = {**plan, "base": str(clean.base), "headers": str(clean.headers), "out": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), json.dumps(argument)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=3000,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def frames_of(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: lake.frame(name) for name in TABLES}


def same(lake: Lake, clean: Clean) -> bool:
    """Whether a lake has what the clean one has at the same version."""
    feeds = lake.manifest.feeds == clean.versions[lake.version].manifest.feeds
    wanted = clean.frames[lake.version]
    return feeds and all(lake.frame(name).equals(wanted[name]) for name in TABLES)


def check_resumed(home: Path, clean: Clean, cutter: ModuleType) -> None:
    left = Lake.open(home)
    assert same(left, clean), home
    lake = cutter.sync_all(home, clean.headers.read_bytes())
    wanted = clean.versions[-1]
    assert lake.version == wanted.version
    assert same(lake, clean), home
    assert record_of(lake).blocks.equals(record_of(wanted).blocks)
    assert verify(home).findings == (), home
    versions = [Lake.open(home, version) for version in range(lake.version + 1)]
    named = {
        name
        for one in versions
        for state in one.manifest.tables.values()
        for name in (*state.active, *(Path(log).name for log in state.log))
    }
    kept = {path.name for path in (home / "tables").rglob("*") if path.is_file()}
    assert kept - named <= {"_last_checkpoint"}, home
    if left.version < wanted.version:  # else nothing was left to write, nor to tidy up
        assert not (home / "writing").exists()


def run_kills(
    clean: Clean,
    cutter: ModuleType,
    folder: Path,
    plan: dict[str, Any],
    counted: Callable[[str], None],
) -> Counter[str]:
    cuts = cuts_of(clean, folder, plan)
    killed = [one for one in cuts if one["killed"]]
    assert {one["signal"] for one in killed} == {9}
    places = Counter(one["place"] for one in killed)
    places["leaving a recovery to do"] = sum(one["left"] for one in killed)
    for one in cuts:
        check_resumed(Path(one["home"]), clean, cutter)
        shutil.rmtree(one["home"])
    told = ", ".join(f"{count} {place}" for place, count in sorted(places.items()))
    assert places["inside a write"] > 0
    assert places["inside recovery"] > 0
    assert places["between"] > 0
    counted(f"sync, {len(killed)} SIGKILLs: {told}; each resumed to the clean lake's bytes")
    return Counter({"kills": len(killed), **places})


def test_the_clean_sync_has_what_kills_must_not_lose(clean: Clean) -> None:
    last = clean.versions[-1]
    assert len(clean.versions) >= 4
    assert last.frame("headers").height == 100
    assert last.frame("blocks").height == 100
    assert last.frame("events")["kind"].to_list() == ["reorg"]
    assert len(record_of(last).blocks) == 75


def test_a_killed_sync_goes_on_as_if_it_never_was(
    clean: Clean, cutter: ModuleType, tmp_path: Path, counted: Callable[[str], None]
) -> None:
    assert run_kills(clean, cutter, tmp_path, SHARE, counted)["kills"] >= 10


@pytest.mark.torture
@pytest.mark.parametrize("part", range(PARTS))
def test_five_hundred_kills_lose_nothing(
    clean: Clean, cutter: ModuleType, tmp_path: Path, counted: Callable[[str], None], part: int
) -> None:
    """Every boundary, and every 0.35 ms of each commit; each part has every fourth of them."""
    plan = {
        "first": 1 + part,
        "stride": PARTS,
        "commits": 7,
        "moments": [350 * part, 15000, 350 * PARTS],
        "recover_every": 8,
        "recovery_stride": 1,
    }
    found = run_kills(clean, cutter, tmp_path, plan, counted)
    assert found["kills"] >= 500 / PARTS
    assert found["inside a write"] >= 100 / PARTS
    assert found["inside recovery"] >= 50 / PARTS
