"""A record renewed from what changed equals one built from all, whatever is added in any order."""

from __future__ import annotations

from pathlib import Path
from random import Random

import polars as pl
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.sources.facts import BLOCKS, CANDLES, TABLES
from hashcanary.store.lake import Lake
from hashcanary.store.merging import add_rows
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of
from hashcanary.store.renewing import Recorder

EPOCHS = 4
BITS = [0x1D00FFFF, 0x1C7FFFFF, 0x1C3FFFFF, 0x1C1FFFFF]


def rows_about(heights: list[int], source: str, random: Random) -> pl.DataFrame:
    """What one source says of blocks: always the same of a block, and not everything of each."""
    rows = []
    for height in heights:
        said = Random(f"{source} {height}")
        row: dict[str, object] = {"height": height, "source": source}
        if said.random() < 0.8:
            row["time"] = 1_300_000_000 + 600 * height + said.randrange(-3000, 3000)
        if said.random() < 0.3:
            row["bits"] = BITS[height // 2016]
        if said.random() < 0.5:
            row["hash"] = height.to_bytes(32, "big")
            row["tx_count"] = said.randrange(1, 99)
        if source == "node" and "hash" in row:
            row["median_time_past"] = 1_300_000_000 + 600 * height - 3000
        row["known_at"] = row.get("time")
        rows.append(row)
    return pl.DataFrame(rows, schema=BLOCKS.schema)


def candles(first: int, count: int) -> pl.DataFrame:
    times = [3600 * (first + at) for at in range(count)]
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    frame = pl.DataFrame({"open_time": times}).with_columns(
        market=pl.lit("m"),
        interval=pl.lit(3600, pl.Int64),
        source=pl.lit("s"),
        known_at=pl.col("open_time") + 3600,
        **{name: pl.lit(value) for name, value in prices.items()},
    )
    return frame.select(list(CANDLES.schema))


def put(lake: Lake, table: str, rows: pl.DataFrame) -> Lake:
    with lake.writing() as transaction:
        add_rows(transaction, TABLES[table], rows)
        return transaction.publish([], 0)


def assert_same(one: Record, other: Record) -> None:
    assert one.blocks.equals(other.blocks)
    assert one.daily.equals(other.daily)
    assert one.candles.equals(other.candles)
    assert one.pool_labels.equals(other.pool_labels)
    assert one.provenance == other.provenance
    assert (one.at, one.at_text, one.simulated) == (other.at, other.at_text, other.simulated)


@pytest.mark.parametrize("seed", range(4))
def test_it_equals_a_full_rebuild_after_every_step(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    lake = Lake.create(tmp_path / "lake", MAIN)
    recorder = Recorder()
    built = 0
    for step in range(14):
        if step % 5 == 4:
            lake = put(lake, "candles", candles(30 * step, 20))
        else:
            start = random.choice([0, 2016, 4000, 2016 * EPOCHS - 600])
            heights = sorted(random.sample(range(start, start + 600), random.choice([1, 5, 400])))
            source = random.choice(["node", "a", "b"])
            lake = put(lake, "blocks", rows_about(heights, source, random))
        assert_same(recorder.record(lake), record_of(lake))
        built += record_of(lake).blocks.height
    assert built > 1000


def test_versions_in_between_and_an_older_one_are_no_matter(tmp_path: Path) -> None:
    random = Random(1)
    lake = Lake.create(tmp_path / "lake", MAIN)
    first = put(lake, "blocks", rows_about(list(range(300)), "a", random))
    recorder = Recorder()
    assert_same(recorder.record(first), record_of(first))
    for height in (300, 299, 305, 2016):
        lake = put(first, "blocks", rows_about([height], "b", random))
    assert lake.version == 5
    assert_same(recorder.record(lake), record_of(lake))
    assert_same(recorder.record(first), record_of(first))
    other = put(
        Lake.create(tmp_path / "other", MAIN), "blocks", rows_about(list(range(9)), "a", random)
    )
    assert_same(recorder.record(other), record_of(other))


def test_only_what_changed_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(2)
    lake = put(
        Lake.create(tmp_path / "lake", MAIN),
        "blocks",
        rows_about(list(range(7000)), "a", random),
    )
    recorder = Recorder()
    recorder.record(lake)
    seen: list[int] = []
    original = Lake.frame

    def frame(self: Lake, *arguments: object, **options: object) -> pl.DataFrame:
        rows = original(self, *arguments, **options)  # type: ignore[arg-type]
        seen.append(rows.height)
        return rows

    after = put(lake, "blocks", rows_about([7000], "a", random))
    monkeypatch.setattr(Lake, "frame", frame)
    recorder.record(after)
    assert sum(seen) < 2016
