"""Every retarget that real block times can show, against the chain's own bits.

The bits come from the epoch list (Electrum's and bitcoinj's checkpoints), the times from block
tables and headers: neither was computed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.chain.retarget import next_bits
from hashcanary.chain.subsidy import subsidy_column
from hashcanary.chain.targets import difficulty_change, difficulty_float64
from hashcanary.chain.validate import ValidatedRun, validate_run

RUNS = {
    "headers_000000_010236.bin.zst": (0, 10_236),
    "headers_080001_100000.bin.zst": (80_001, 100_000),
    "headers_150001_340000.bin.zst": (150_001, 340_000),
}


@pytest.fixture(scope="module")
def epoch_bits(real_data: Path) -> dict[int, int]:
    """First height of an epoch -> its bits."""
    rows = pl.read_csv(real_data / "blocks" / "difficulty_epochs_0_933408.csv")
    return {
        height: int(text, 16)
        for height, text in rows.select("first_height", "nbits_hex").iter_rows()
    }


@pytest.fixture(scope="module")
def runs(real_data: Path) -> dict[str, ValidatedRun]:
    """All real headers, validated."""
    import zstandard

    validated = {}
    for name in RUNS:
        with (real_data / "headers" / name).open("rb") as file:
            data = zstandard.ZstdDecompressor().stream_reader(file).read()
        validated[name] = validate_run(data, MAIN)
    return validated


@pytest.fixture(scope="module")
def block_stats(real_data: Path) -> pl.DataFrame:
    return pl.read_parquet(
        real_data / "blocks" / "blockstats.parquet",
        columns=["height", "time", "mediantime", "subsidy", "blockhash"],
    ).sort("height")


def test_every_retarget_from_2020_to_2026(real_data: Path, epoch_bits: dict[int, int]) -> None:
    blocks = pl.read_parquet(
        real_data / "blocks" / "blocks_610683_934800.parquet", columns=["height", "time"]
    )
    time = dict(blocks.iter_rows())
    heights = [height for height in epoch_bits if height - 2016 in time and height in time]
    expected = {height: epoch_bits[height] for height in heights}
    found = {
        height: next_bits(epoch_bits[height - 2016], time[height - 2016], time[height - 1], MAIN)
        for height in heights
    }
    assert (heights[0], heights[-1], len(heights)) == (612_864, 933_408, 160)
    assert found == expected


def test_every_retarget_of_the_real_headers(
    runs: dict[str, ValidatedRun], epoch_bits: dict[int, int]
) -> None:
    checked = 0
    for run in runs.values():
        frame = run.frame().filter(pl.col("height") % 2016 == 0)
        for height, bits in frame.select("height", "bits").iter_rows():
            assert bits == epoch_bits[height]
            checked += 1
    assert checked == 6 + 10 + 94


@pytest.mark.parametrize(("name", "heights"), RUNS.items())
def test_all_real_headers_pass(
    runs: dict[str, ValidatedRun], name: str, heights: tuple[int, int]
) -> None:
    run = runs[name]
    assert (run.first_height, run.last_height) == heights


def test_what_the_runs_cannot_show_is_told(runs: dict[str, ValidatedRun]) -> None:
    first, second, third = (runs[name].notes for name in RUNS)
    assert first == ()
    assert [note.split(":")[0] for note in second] == [
        "retarget at 80640",
        "bits of heights 80001 to 80639",
        "time rule of heights 80001 to 80011",
    ]
    assert [note.split(":")[0] for note in third] == [
        "retarget at 151200",
        "bits of heights 150001 to 151199",
        "time rule of heights 150001 to 150011",
    ]


def test_every_well_known_block_inside_the_real_headers_stands_at_its_height(
    runs: dict[str, ValidatedRun],
) -> None:
    seen = {}
    for run in runs.values():
        frame = run.frame()
        known = frame.filter(pl.col("hash").is_in(list(MAIN.anchors_by_hash)))
        seen |= {row["height"]: (row["hash"], row["bits"]) for row in known.to_dicts()}
    assert sorted(seen) == [
        *(0, 91_722, 91_812, 91_842, 91_880, 168_000, 193_000, 210_000, 216_116),
        *(225_430, 227_931, 250_000, 279_000, 295_000),
    ]
    for anchor in MAIN.anchors_by_hash.values():
        if anchor.height in seen:
            assert seen[anchor.height] == (anchor.hash, anchor.bits)


def test_the_bits_of_every_well_known_block_are_those_of_its_epoch(
    epoch_bits: dict[int, int],
) -> None:
    for anchor in MAIN.anchors:
        assert anchor.bits == epoch_bits[anchor.height // 2016 * 2016], anchor.height


def test_hashes_are_those_that_core_reported(
    runs: dict[str, ValidatedRun], block_stats: pl.DataFrame
) -> None:
    ours = pl.concat([run.frame().select("height", "hash") for run in runs.values()])
    both = block_stats.join(ours, on="height")
    assert both.height == 10_237
    assert both["hash"].bin.encode("hex").to_list() == both["blockhash"].to_list()


def test_median_time_past_is_the_one_that_core_reported(
    real_data: Path, block_stats: pl.DataFrame
) -> None:
    heights, expected = block_stats["height"].to_numpy(), block_stats["mediantime"].to_numpy()
    times = block_stats["time"].to_numpy().copy()
    values, known = median_time_past(times, heights)
    assert int(known.sum()) == block_stats.height - 4 * 10
    # One time of the table is 5 s off: its own median time past of block 931,524 shows which.
    assert heights[known & (values != expected)].tolist() == [931_524]
    other = pl.read_parquet(
        real_data / "blocks" / "blocks_610683_934800.parquet", columns=["height", "time"]
    ).filter(pl.col("height") == 931_519)
    at = int(np.searchsorted(heights, 931_519))
    assert other["time"][0] - times[at] == 5
    times[at] = other["time"][0]
    values, known = median_time_past(times, heights)
    assert np.array_equal(values[known], expected[known])


def test_subsidies_are_those_that_core_reported(block_stats: pl.DataFrame) -> None:
    ours = subsidy_column(block_stats["height"].to_numpy())
    assert ours.tolist() == block_stats["subsidy"].to_list()


def test_difficulties_are_those_of_the_epoch_list(real_data: Path) -> None:
    rows = pl.read_csv(real_data / "blocks" / "difficulty_epochs_0_933408.csv")
    for text, published in rows.select("nbits_hex", "difficulty").iter_rows():
        assert difficulty_float64(int(text, 16)) == pytest.approx(published, rel=1e-12)


def test_the_only_fourfold_rise_is_at_height_68544(epoch_bits: dict[int, int]) -> None:
    changes = {
        height: float(difficulty_change(epoch_bits[height - 2016], bits))
        for height, bits in epoch_bits.items()
        if height
    }
    top = max(changes, key=lambda height: changes[height])
    assert top == 68_544
    assert changes[top] == pytest.approx(3.0, abs=1e-4)
