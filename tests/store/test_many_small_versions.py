"""A lake that gets a block at a time: few files, few bytes rewritten, every version readable."""

from __future__ import annotations

from pathlib import Path
from random import Random

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.headers import decode_headers
from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import HEADERS
from hashcanary.store import tables
from hashcanary.store.lake import Lake
from hashcanary.store.recording import record_of
from hashcanary.store.renewing import Recorder
from hashcanary.store.verify import verify


def rows_of(headers: list[bytes], first: int) -> pl.DataFrame:
    rows = decode_headers(b"".join(headers)).frame()
    heights = pl.int_range(first, first + len(headers), eager=True).alias("height")
    told = rows.with_columns(heights, source=pl.lit("fake"), known_at=pl.col("time"))
    return told.select(list(HEADERS.schema))


def append(lake: Lake, rows: pl.DataFrame) -> Lake:
    with lake.writing() as transaction:
        transaction.append("headers", rows)
        return transaction.publish([], 0)


@pytest.fixture
def chain() -> list[bytes]:
    return [REGTEST_GENESIS, *grow(3070)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


def test_the_old_bulk_is_left_alone_and_files_stay_few(lake: Lake, chain: list[bytes]) -> None:
    lake = append(lake, rows_of(chain[:3000], 0))
    bulk = next(iter(lake.manifest.tables["headers"].active))
    written = 0
    for height in range(3000, 3070):
        before = set(lake.manifest.tables["headers"].active)
        lake = append(lake, rows_of(chain[height : height + 1], height))
        active = lake.manifest.tables["headers"].active
        written += sum(mark.size for name, mark in active.items() if name not in before)
        assert bulk in active
        assert len(active) <= tables.MOST_FILES + 1
    # seventy files of one row, and twice those since the bulk put together; the bulk has 250 kB
    assert written < 70 * 8_000
    assert lake.frame("headers").equals(rows_of(chain[:3070], 0))
    assert Lake.open(lake.home, version=50).frame("headers").height == 3049
    assert verify(lake.home).findings == ()


def test_rows_in_any_order_are_read_in_canonical_order(lake: Lake, chain: list[bytes]) -> None:
    places = list(range(70))
    Random(5).shuffle(places)
    recorder = Recorder()
    for count, place in enumerate(places, start=1):
        lake = append(lake, rows_of(chain[place : place + 1], place))
        assert lake.frame("headers")["height"].to_list() == sorted(places[:count])
        if count % 8 == 0:
            assert recorder.record(lake).blocks.equals(record_of(lake).blocks)
    assert lake.frame("headers").equals(rows_of(chain[:70], 0))
    assert verify(lake.home).findings == ()
