"""Single flipped bits anywhere in a lake's files: each is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import polars as pl
import pytest
from support.clocks import Clock
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import EVENTS, Facts
from hashcanary.sources.feed import Asked, Batch, Feed
from hashcanary.store.errors import LakeDamaged
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.recording import record_of
from hashcanary.store.syncing import sync
from hashcanary.store.verify import verify

FLIPS = 6
MANY_FLIPS = 240


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three versions of three tables, the last of one file each where parts overlap."""
    chain = [REGTEST_GENESIS, *grow(60)]
    lake = Lake.create(tmp_path / "lake", REGTEST)
    for name, count in (("b", 20), ("a", 40), ("c", 61)):
        (tmp_path / f"{name}.bin").write_bytes(b"".join(chain[:count]))
        rows = [f"{1704067200 + 3600 * at},1,2,1,{1 + at / 100},1" for at in range(count)]
        text = "\n".join(["timestamp,open,high,low,close,volume", *rows, ""])
        (tmp_path / f"{name}.csv").write_text(text)
        days = [f"2024-01-{day:02d},{day},1.5,{day * 10}" for day in range(1, count // 3)]
        (tmp_path / f"{name}-daily.csv").write_text(
            "\n".join(["time,BlkCnt,DiffMean,PriceUSD", *days, ""])
        )
        files = [tmp_path / f"{name}{end}" for end in (".bin", ".csv", "-daily.csv")]
        lake = load(lake, files).lake
    return lake


@pytest.fixture
def followed(lake: Lake) -> Lake:
    """The same, and two versions by a feed: its cursor, an event."""
    row = {
        "time": 1_704_067_200,
        "kind": "dropped-peer",
        "height": None,
        "detail": "{}",
        "source": "fake",
        "known_at": 1_704_067_200,
    }
    facts = Facts(EVENTS, pl.DataFrame([row], schema=EVENTS.schema))

    def batches(asked: Asked) -> Iterator[Batch]:
        yield Batch((facts,), {"at": asked.cursor.get("at", 0) != 0})

    feed = Feed("fake", "a feed of tests", ("events",), (), batches)
    for _ in range(2):
        lake = sync(lake, feed, {}, Clock(1_704_067_200.0, waits_left=0)).lake
    return lake


def test_every_flipped_bit_is_found(followed: Lake, counted: Callable[[str], None]) -> None:
    assert flipped(followed, FLIPS, counted) >= 100


@pytest.mark.torture
def test_thousands_of_flipped_bits_are_found(
    followed: Lake, counted: Callable[[str], None]
) -> None:
    assert flipped(followed, MANY_FLIPS, counted) >= 6000


def flipped(lake: Lake, flips: int, counted: Callable[[str], None]) -> int:
    """Flip bits in every file, one at a time; says how many, all of which were found."""
    assert verify(lake.home).findings == ()
    random = Random(20260203)
    files = sorted(path for path in lake.home.rglob("*") if path.is_file())
    files = [path for path in files if path.name != "lock"]  # empty
    missed, tried = [], 0
    for path in files:
        content = path.read_bytes()
        places = [0, len(content) - 1, *(random.randrange(len(content)) for _ in range(flips - 2))]
        for place in places:
            bit = 1 << random.randrange(8)
            path.write_bytes(content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :])
            tried += 1
            if not found(lake.home):
                missed.append((path.name, place))
        path.write_bytes(content)
    assert missed == []
    counted(f"lake, {tried:,} bit flips in {len(files)} files: every one found")
    assert tried == flips * len(files)
    assert verify(lake.home).findings == ()
    return tried


def test_no_figure_is_read_from_an_altered_file(lake: Lake) -> None:
    random = Random(7)
    for table, state in lake.manifest.tables.items():
        for name in state.active:
            path = lake.home / "tables" / table / name
            content = path.read_bytes()
            place = random.randrange(len(content))
            altered = bytes([content[place] ^ 1 << random.randrange(8)])
            path.write_bytes(content[:place] + altered + content[place + 1 :])
            with pytest.raises(LakeDamaged, match=name):
                record_of(Lake.open(lake.home))
            path.write_bytes(content)


def found(home: Path) -> bool:
    try:
        return not verify(home).sound
    except LakeDamaged:
        return True


def test_every_missing_file_is_found(lake: Lake) -> None:
    files = [path for path in lake.home.rglob("*") if path.is_file()]
    needed = [path for path in files if path.name not in ("lock", "lake.json", "00000003.json")]
    assert len(needed) >= 12
    for path in needed:
        content = path.read_bytes()
        path.unlink()
        assert not verify(lake.home).sound, path.name
        path.write_bytes(content)
