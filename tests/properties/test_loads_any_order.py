"""Whatever the order, the overlaps and the repeats of loads: the lake holds the same."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.facts import BLOCKS, TABLES
from hashcanary.sources.source import Options
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.merging import merge, with_changes, without_repeats
from hashcanary.store.recording import record_of

LENGTH = 24
HOURLY = Options(interval=3600)
RANGES = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).map(
    lambda pair: (pair[0], min(pair[0] + pair[1], LENGTH))
)


def content(lake: Lake) -> dict[str, pl.DataFrame]:
    return {name: lake.frame(name) for name in TABLES}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ranges=st.lists(RANGES, min_size=1, max_size=5),
    groups=st.integers(1, 3),
    order=st.randoms(use_true_random=False),
)
def test_headers_and_tables_in_any_order_give_one_lake(
    ranges: list[tuple[int, int]], groups: int, order: Random
) -> None:
    chain = [REGTEST_GENESIS, *grow(LENGTH)]
    branch = grow(4, chain[9], branch=1)
    with tempfile.TemporaryDirectory() as folder:
        # the first file holds what all others connect to
        files = [write_headers(Path(folder), "all.bin", chain[: LENGTH + 1])]
        for index, (start, end) in enumerate(ranges):
            files.append(write_headers(Path(folder), f"h{index}.bin", chain[start:end]))
            files.append(write_candles(Path(folder), f"c{index}.csv", start, end))
        files.append(write_headers(Path(folder), "branch.bin", branch))
        at_once = load(Lake.create(Path(folder) / "one", REGTEST), files, options=HOURLY).lake
        shuffled = files[1:] * 2
        order.shuffle(shuffled)
        piecewise = load(Lake.create(Path(folder) / "two", REGTEST), files[:1], options=HOURLY).lake
        for group in range(groups):
            part = shuffled[group::groups]
            piecewise = load(piecewise, part, options=HOURLY).lake if part else piecewise
        once, again = content(at_once), content(piecewise)
        assert {name: once[name].equals(again[name]) for name in once} == dict.fromkeys(once, True)
        assert record_of(at_once).blocks.equals(record_of(piecewise).blocks)


def write_headers(folder: Path, name: str, headers: list[bytes]) -> Path:
    (folder / name).write_bytes(b"".join(headers))
    return folder / name


def write_candles(folder: Path, name: str, start: int, end: int) -> Path:
    rows = [
        f"{1704067200 + 3600 * at},{at + 1},{at + 2},{at + 1},{at + 1},1"
        for at in range(start, end)
    ]
    text = "\n".join(["timestamp,open,high,low,close,volume", *rows, ""])
    (folder / name).write_text(text)
    return folder / name


def rows_of(facts: list[tuple[int, int | None, int | None]]) -> pl.DataFrame:
    """Rows of one source: fees and sizes are functions of the height, or left open."""
    base = dict.fromkeys(BLOCKS.schema) | {"source": "s"}
    rows = [
        base
        | {
            "height": height,
            "total_fee": None if fee is None else height * 10,
            "size": None if size is None else height * 100,
        }
        for height, fee, size in facts
    ]
    return pl.DataFrame(rows, schema=BLOCKS.schema)


PARTS = st.lists(
    st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from([None, 1]),
            st.sampled_from([None, 1]),
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=5,
)


@given(parts=PARTS, order=st.randoms(use_true_random=False))
def test_rows_that_leave_values_open_are_filled_alike_in_any_order(
    parts: list[list[tuple[int, int | None, int | None]]], order: Random
) -> None:
    def loaded(frames: list[pl.DataFrame]) -> pl.DataFrame:
        stored = frames[0].clear()
        for frame in frames:
            merged = merge(BLOCKS, stored, frame, "test")
            stored = pl.concat([with_changes(BLOCKS, stored, merged.changed), merged.new])
        return stored.sort(BLOCKS.key)

    frames = [rows_of(part) for part in parts]
    whole = without_repeats(BLOCKS, pl.concat(frames), "test").sort(BLOCKS.key)
    order.shuffle(frames)
    assert loaded(frames).equals(whole)
    said = pl.concat(frames).group_by("height").agg(pl.col("total_fee").max(), pl.col("size").max())
    assert whole.select("height", "total_fee", "size").equals(said.sort("height"))
