"""A disk that fills up in the middle of a load: one named error, and the lake as before.

On a small tmpfs where this process may mount one, and always under a limit on the size of files,
which fails the same writes in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.headers import decode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.errors import Exit
from hashcanary.sources.facts import HEADERS, TABLES, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store import syncing
from hashcanary.store.errors import LakeFull
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.syncing import sync
from hashcanary.store.verify import verify

SIZE = 768 * 1024

LIMITED = """
import json, resource, sys
from pathlib import Path
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.errors import LakeFull
home, limit, *files = json.loads(sys.argv[1])
lake = Lake.open(Path(home))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    load(lake, files)
except LakeFull as error:
    print("full:", error)
else:
    print("loaded")
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("no tmpfs: only root can mount one; the limit on file sizes stands in")
    done = subprocess.run(mount, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"no tmpfs: {done.stderr.strip()}; the limit on file sizes stands in")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=60)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A first file, then one of headers that needs about 130 kB of lake, and candles."""
    chain = [REGTEST_GENESIS, *grow(1200)]
    (tmp_path / "a.bin").write_bytes(b"".join(chain[:50]))
    (tmp_path / "b.bin").write_bytes(b"".join(chain))
    rows = [f"{1704067200 + 3600 * at},{at + 1},{at + 2},{at + 1},{at + 1},1" for at in range(90)]
    text = "\n".join(["timestamp,open,high,low,close,volume", *rows, ""])
    (tmp_path / "b.csv").write_text(text)
    return [tmp_path / "a.bin", tmp_path / "b.bin", tmp_path / "b.csv"]


def same(one: Lake, other: Lake) -> bool:
    return all(one.frame(name).equals(other.frame(name)) for name in TABLES)


def listing(home: Path) -> list[tuple[str, int]]:
    """Every file of a lake but the lock."""
    paths = [path for path in home.rglob("*") if path.is_file() and path.name != "lock"]
    return sorted((str(path.relative_to(home)), path.stat().st_size) for path in paths)


def test_a_full_disk_is_one_named_error_and_the_lake_is_as_before(
    small_disk: Path, tmp_path: Path, files: list[Path], counted: Callable[[str], None]
) -> None:
    before = load(Lake.create(small_disk / "lake", REGTEST), files[:1]).lake
    clean = load(Lake.create(tmp_path / "clean", REGTEST), files).lake
    whole = listing(before.home)
    failures: list[LakeFull] = []
    ballast = small_disk / "ballast"
    for room in range(0, 160 * 1024, 8192):
        ballast.write_bytes(b"")
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(bytes(max(free - room, 0)))
        try:
            load(before, files)
        except LakeFull as error:
            failures.append(error)
        else:
            break
        assert listing(before.home) == whole
        assert same(Lake.open(before.home), before)
    assert len(failures) >= 5
    assert {error.exit_code for error in failures} == {Exit.LAKE}
    assert all("No space left on device" in str(error) for error in failures)
    ballast.unlink()
    after = load(before, files).lake
    assert same(after, clean)
    assert verify(after.home).findings == ()
    counted(f"load, {len(failures)} full disks, each with other room: the lake as before")


def test_a_disk_that_fills_during_a_sync_keeps_what_was_committed_and_goes_on_later(
    small_disk: Path,
    tmp_path: Path,
    files: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    counted: Callable[[str], None],
) -> None:
    monkeypatch.setattr(syncing, "MOST_ROWS", 300)
    feed = headers_feed(files[1].read_bytes())
    clean = sync(
        Lake.create(tmp_path / "clean", REGTEST), feed, {}, Clock(1_704_067_200.0, waits_left=0)
    ).lake
    lake = Lake.create(small_disk / "lake", REGTEST)
    ballast, reached, failures = small_disk / "ballast", [], []
    for room in range(8192, 300 * 1024, 24 * 1024):
        ballast.write_bytes(b"")
        ballast.write_bytes(bytes(max(shutil.disk_usage(small_disk).free - room, 0)))
        try:
            sync(lake, feed, {}, Clock(1_704_067_200.0, waits_left=0))
        except LakeFull as error:
            failures.append(str(error))
        else:
            break
        now = Lake.open(lake.home)
        assert now.frame("headers").height == 300 * now.version
        assert now.version == 0 or now.manifest.feeds["fake"].cursor == {"at": 300 * now.version}
        assert verify(lake.home).findings == ()
        reached.append(now.version)
    assert len(reached) >= 3
    assert all("No space left on device" in told for told in failures)
    assert reached == sorted(reached)
    ballast.unlink()
    after = sync(lake, feed, {}, Clock(1_704_067_200.0, waits_left=0))
    assert after.error is None
    assert same(after.lake, clean)
    assert after.lake.manifest.feeds == clean.manifest.feeds
    assert verify(after.lake.home).findings == ()
    counted(f"sync, {len(failures)} full disks: what was committed stays, and it goes on later")


def headers_feed(headers: bytes) -> Feed:
    """Headers, a hundred a batch, on from the cursor."""

    def batches(asked: Asked) -> Iterator[Batch]:
        for at in range(int(str(asked.cursor.get("at", 0))), len(headers) // 80, 100):
            rows = decode_headers(headers[at * 80 : (at + 100) * 80]).frame()
            nulls = pl.lit(None, pl.Int64).alias("height")
            rows = rows.with_columns(nulls, source=pl.lit("fake"), known_at=pl.col("time"))
            facts = Facts(HEADERS, rows.select(list(HEADERS.schema)))
            yield Batch((facts,), {"at": at + rows.height})

    return Feed("fake", "a feed of tests", ("headers",), (), batches)


def test_a_home_that_cannot_be_made_for_lack_of_room_says_so(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(LakeFull):
        Lake.create(small_disk / "lake", REGTEST)


@pytest.mark.parametrize("limit", [10, 200, 2000, 8000])
def test_a_limit_on_file_sizes_is_one_named_error_and_the_lake_is_as_before(
    tmp_path: Path, files: list[Path], limit: int
) -> None:
    before = load(Lake.create(tmp_path / "lake", REGTEST), files[:1]).lake
    whole = listing(before.home)
    argument = json.dumps([str(before.home), limit, *map(str, files)])
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, argument],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("full: expected room to write"), done.stdout
    assert listing(before.home) == whole
    assert same(Lake.open(before.home), before)
    assert load(before, files).lake.frame("headers").height == 1201
