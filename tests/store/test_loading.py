from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from support.mining import grow

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.errors import Exit
from hashcanary.sources.errors import SourceError
from hashcanary.sources.facts import BLOCKS, CANDLES
from hashcanary.store.errors import ConflictingFacts, NothingToLoad
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.merging import merge
from hashcanary.store.recording import record_of


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path / "lake", REGTEST)


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, list[bytes]], Path]:
    def write(name: str, raw: list[bytes]) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"".join(raw))
        return path

    return write


def candle_file(put: Callable[[str, list[bytes]], Path], name: str, days: range) -> Path:
    rows = [f"2024-01-{day:02d}T00:00:00Z,1,31,1,{day},5" for day in days]
    return put(name, ["\n".join(["timestamp,open,high,low,close,volume", *rows, ""]).encode()])


def test_a_folder_is_taken_whole_and_what_is_passed_over_is_named(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    headers = put("a.bin", grow(5))
    put("notes.txt", [b"not facts"])
    put(".hidden", [b"x"])
    report = load(lake, [headers.parent])
    told = {Path(file.path).name: (file.kind, file.rows, file.new) for file in report.files}
    assert told == {"a.bin": ("headers", 5, 5), "notes.txt": (None, 0, 0), ".hidden": (None, 0, 0)}
    assert all(file.reason for file in report.files if file.kind is None)
    assert (report.rows, report.new) == (5, 5)


def test_overlapping_files_count_a_fact_once(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(12)
    report = load(lake, [put("a.bin", chain[:8]), put("b.bin", chain[4:])])
    assert (report.rows, report.new) == (16, 12)
    assert [file.new for file in report.files] == [8, 4]


def test_a_folder_without_facts_is_refused(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    folder = put("readme.md", [b"words"]).parent
    with pytest.raises(NothingToLoad, match=r"readme\.md") as caught:
        load(lake, [folder])
    assert caught.value.exit_code == Exit.SOURCE


def test_one_bad_file_keeps_the_whole_load_out(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    good, bad = put("good.bin", grow(5)), grow(5)
    bad[3] = bytes([bad[3][0] ^ 1]) + bad[3][1:]
    broken = put("bad.bin", bad)
    with pytest.raises(SourceError, match=r"bad\.bin"):
        load(lake, [good, broken])
    after = Lake.open(lake.home)
    assert (after.version, after.frame("headers").height) == (0, 0)
    assert not list((lake.home / "tables").rglob("*.parquet"))


def test_progress_counts_files_and_tables(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    told: list[tuple[str, int, int]] = []
    files = [put("a.bin", grow(3)), put("b.bin", grow(5))]
    load(lake, files, progress=lambda *step: told.append(step))
    assert told[:2] == [("a.bin", 0, 2), ("b.bin", 1, 2)]
    assert {what for what, _, _ in told[2:]} >= {"table headers"}
    assert all(done < total for _, done, total in told)


def test_two_sources_that_differ_are_both_kept(tmp_path: Path) -> None:
    for name, time in (("a.csv", 1600000000), ("b.csv", 1600000005)):
        (tmp_path / name).write_text(f"height,time,bits\n650000,{time},170e9231\n")
    report = load(Lake.create(tmp_path / "main", MAIN), [tmp_path / "a.csv", tmp_path / "b.csv"])
    assert report.lake.frame("blocks")["time"].sort().to_list() == [1600000000, 1600000005]


def block_rows(*rows: dict[str, object]) -> pl.DataFrame:
    base = dict.fromkeys(BLOCKS.schema) | {"source": "s", "height": 1}
    return pl.DataFrame([base | row for row in rows], schema=BLOCKS.schema)


def test_one_source_that_says_two_things_is_an_error_that_names_both() -> None:
    with pytest.raises(ConflictingFacts, match="total_fee 6 besides 5") as caught:
        merge(BLOCKS, block_rows({"total_fee": 5}), block_rows({"total_fee": 6}), "blocks.csv")
    assert caught.value.exit_code == Exit.SOURCE
    assert "height 1" in str(caught.value)


def test_one_load_that_says_two_things_is_an_error_too() -> None:
    rows = block_rows({"total_fee": 5}, {"total_fee": 6})
    with pytest.raises(ConflictingFacts, match="blocks"):
        merge(BLOCKS, block_rows().clear(), rows, "blocks.csv")


def test_what_a_source_left_open_is_filled_by_a_later_file_of_it() -> None:
    merged = merge(BLOCKS, block_rows({"total_fee": 5}), block_rows({"size": 7}), "blocks.csv")
    assert merged.new.is_empty()
    assert merged.changed.select("total_fee", "size").rows() == [(5, 7)]


def test_a_row_without_a_hash_is_not_the_one_with_it() -> None:
    merged = merge(BLOCKS, block_rows({"time": 5}), block_rows({"hash": b"h"}), "blocks.csv")
    assert merged.new.height == 1


def test_candles_that_overlap_keep_both_sources(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    files = [candle_file(put, "x.csv", range(1, 6)), candle_file(put, "y.csv", range(4, 9))]
    frame = load(lake, files).lake.frame("candles")
    assert frame.height == 10
    assert frame.select(CANDLES.key).is_duplicated().sum() == 0


def test_facts_of_an_overlapping_file_fill_only_what_is_new(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    chain = grow(12)
    first = load(lake, [put("a.bin", chain[:8])])
    second = load(first.lake, [put("b.bin", chain)])
    assert second.new == 4
    assert second.lake.frame("headers")["height"].to_list() == list(range(1, 13))


def test_all_of_the_real_data_is_read_and_the_rest_named(real_data: Path, real_lake: Lake) -> None:
    """Rows as the folder's own README counts them."""
    rows = {name: state.rows for name, state in real_lake.manifest.tables.items()}
    assert rows["blocks"] >= 324_118 + 80_118
    assert rows["headers"] >= 10_237 + 20_000 + 190_000
    loaded = {Path(file.path).name for file in real_lake.manifest.loaded}
    assert {"blocks_610683_934800.parquet", "blockstats.parquet"} <= loaded
    assert "pools-v2.json" not in loaded
    again = load(real_lake, [real_data])
    assert again.new == 0
    assert again.lake.version == real_lake.version
    passed_over = {Path(file.path).name: file.reason for file in again.files if not file.kind}
    assert passed_over["pools-v2.json"]


def test_of_two_downloads_the_one_that_reaches_further_has_the_last_close(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    early = candle_file(put, "BTC-USD.csv", range(1, 6))
    unfinished = early.read_text().replace("1,31,1,5,5", "1,31,1,4.5,5")
    early.write_text(unfinished)
    later = candle_file(put, "BTC-USD (1).csv", range(1, 9))
    after = load(load(lake, [early]).lake, [later]).lake
    candles = record_of(after).candles
    assert candles["market"].unique().to_list() == ["BTC-USD"]
    assert candles["close"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_company_keeps_the_spelling_of_its_first_report(
    lake: Lake, put: Callable[[str, list[bytes]], Path]
) -> None:
    head = "company,period,published,source_url,held_btc"
    names = ("Miner A", "MINER  a", "Miner B")
    paths = [
        put(
            f"{at}.csv",
            [f"{head}\n{name},2025-0{at},2025-0{at + 1}-04,https://x.org,{at}\n".encode()],
        )
        for at, name in enumerate(names, start=1)
    ]
    first = load(lake, paths[:1])
    later = load(first.lake, paths[1:])
    rows = record_of(later.lake).companies
    assert sorted(rows["company"].to_list()) == ["Miner A", "Miner A", "Miner B"]
    told = {Path(file.path).name: file.notes for file in later.files}
    assert told["2.csv"] == ("1 company", "spelt as before: MINER  a is Miner A")
    assert told["3.csv"] == ("1 company",)
