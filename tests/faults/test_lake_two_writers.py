"""Two loads at once, and readers while a load runs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.errors import Exit
from hashcanary.store.errors import LakeBusy
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load

HOLDER = """
import sys
from pathlib import Path
from hashcanary.store.lake import Lake
with Lake.open(Path(sys.argv[1])).writing():
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "a.bin").write_bytes(b"".join([REGTEST_GENESIS, *grow(10)]))
    return load(Lake.create(tmp_path / "lake", REGTEST), [tmp_path / "a.bin"]).lake


def test_a_second_writer_is_told_at_once_and_the_end_of_the_first_frees_it(
    lake: Lake, tmp_path: Path, limited: Callable[..., AbstractContextManager[None]]
) -> None:
    (tmp_path / "b.bin").write_bytes(b"".join(grow(20)))
    command = [sys.executable, "-c", HOLDER, str(lake.home)]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder,
        limited(holder),
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "writing\n"
        began = time.monotonic()
        with pytest.raises(LakeBusy) as caught:
            load(lake, [tmp_path / "b.bin"])
        assert time.monotonic() - began < 1
        assert caught.value.exit_code == Exit.LAKE
        assert Lake.open(lake.home).frame("headers").height == 11
        holder.kill()
    assert load(lake, [tmp_path / "b.bin"]).lake.frame("headers").height == 21


def test_two_loads_in_one_process_do_not_mix(lake: Lake, tmp_path: Path) -> None:
    with lake.writing(), pytest.raises(LakeBusy):
        load(lake, [tmp_path / "a.bin"])
    assert load(lake, [tmp_path / "a.bin"]).new == 0


def test_readers_see_all_tables_of_one_load_or_none(tmp_path: Path) -> None:
    """Every load brings as many headers as candles; a reader never sees them differ."""
    chain = [REGTEST_GENESIS, *grow(60)]
    lake = Lake.create(tmp_path / "lake", REGTEST)
    done = threading.Event()
    seen: list[tuple[int, int]] = []

    def reading() -> None:
        while not done.is_set():
            now = Lake.open(lake.home)
            seen.append((now.frame("headers").height, now.frame("candles").height))

    reader = threading.Thread(target=reading, daemon=True)
    reader.start()
    try:
        for count in range(5, 61, 5):
            load(lake, write_both(tmp_path, chain, count))
    finally:
        done.set()
        reader.join(60)
    assert not reader.is_alive()
    assert all(headers == candles for headers, candles in seen)
    assert len(set(seen)) > 3


def write_both(folder: Path, chain: list[bytes], count: int) -> list[Path]:
    headers, candles = folder / "h.bin", folder / "c.csv"
    headers.write_bytes(b"".join(chain[count - 5 : count]))
    span = range(count - 5, count)
    rows = [f"{1704067200 + 3600 * at},{at + 1},{at + 2},{at + 1},{at + 1},1" for at in span]
    candles.write_text("\n".join(["timestamp,open,high,low,close,volume", *rows, ""]))
    return [headers, candles]
