"""Which source reads which file, by content alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import zstandard

from hashcanary.errors import Exit
from hashcanary.sources.errors import (
    AmbiguousFile,
    EmptyFile,
    MissingOption,
    NothingToRead,
    UnknownKind,
    UnrecognisedFile,
)
from hashcanary.sources.files.reading import read, survey
from hashcanary.sources.source import Options, Source, all_sources, find_source

Write = Callable[[str, str | bytes], Path]

BLOCKS = "height,time,nbits\n840000,1713571767,386089497\n"
CANDLES = "date,open,high,low,close,volume\n2024-01-01,1,2,1,2,5\n2024-01-02,2,3,1,2,5\n"
COINMETRICS = "time,asset,PriceUSD,HashRate,TxCnt\n2024-01-01,btc,42000,5e8,400000\n"
STATS = (
    "height,blockhash,time,mediantime,subsidy,totalfee,txs,total_size,total_weight\n"
    "0,000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f,"
    "1231006505,1231006505,5000000000,0,1,0,0\n"
)
EPOCHS = "epoch,first_height,nbits_hex\n0,0,1d00ffff\n"
KINDS = {
    "blocks": BLOCKS,
    "candles": CANDLES,
    "coinmetrics": COINMETRICS,
    "blockstats": STATS,
    "epochs": EPOCHS,
}


def _kinds(folder: Path) -> dict[str, str | None]:
    return {found.path.name: found.kind for found in survey([folder])}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_is_known_by_its_columns_whatever_its_name(kind: str, write: Write) -> None:
    path = write("data.bin", KINDS[kind])
    assert survey([path])[0].kind == kind
    assert read(path).kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_form_and_compression_do_not_matter(kind: str, tmp_path: Path) -> None:
    frame = pl.read_csv(KINDS[kind].encode())
    frame.write_parquet(tmp_path / "a")
    frame.write_ndjson(tmp_path / "b")
    (tmp_path / "c").write_bytes(zstandard.compress(KINDS[kind].encode()))
    (tmp_path / "d").write_bytes(zstandard.compress((tmp_path / "a").read_bytes()))
    assert _kinds(tmp_path) == dict.fromkeys("abcd", kind)
    options = Options(market="x")
    csv = read(tmp_path / "c", None, options).facts[0].frame.drop("source")
    for name in "abd":
        same = read(tmp_path / name, None, options).facts[0].frame.drop("source")
        assert same.equals(csv), name


def test_headers_are_known_by_their_proof_of_work(
    mined: Callable[[int], bytes], write: Write
) -> None:
    assert survey([write("text.csv", mined(20))])[0].kind == "headers"
    assert survey([write("one.csv", mined(1))])[0].kind == "headers"
    assert survey([write("cut.csv", mined(20)[:-7])])[0].kind == "headers"


def test_a_raw_block_and_a_block_file_are_no_headers(
    mined: Callable[[int], bytes], write: Write
) -> None:
    write("block.raw", mined(1) + bytes(range(256)) * 4)
    path = write("blk00000.dat", bytes.fromhex("f9beb4d9") + bytes(300))
    reasons = {found.path.name: found.reason for found in survey([path.parent])}
    assert "raw block" in reasons["block.raw"]
    assert "block file" in reasons["blk00000.dat"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Just a note, with commas.\n\nNothing else.\n", "text"),
        (b"name,colour\nx,red\n", "name, colour"),
        (b'{\n "a": 1\n}\n', "JSON"),
        (b"[1, 2]", "JSON"),
        (b"\x00\x01" * 300, "binary"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        ("height,time".encode("utf-16"), "UTF-16"),
    ],
)
def test_what_no_source_reads_is_passed_over_with_the_reason(
    content: bytes, reason: str, write: Write
) -> None:
    write("b.csv", BLOCKS)
    path = write("a.dat", content)
    found = survey([path.parent])
    assert found[0].kind is None
    assert reason in found[0].reason
    assert found[1].kind == "blocks"


def test_a_file_named_by_itself_must_be_recognised(write: Write) -> None:
    path = write("headers.bin", "these are no headers\n")
    with pytest.raises(UnrecognisedFile, match=r"headers\.bin.*blockstats.*text that is no table"):
        survey([path])
    with pytest.raises(UnrecognisedFile):
        read(path)


def test_an_empty_file_or_folder_is_an_error(write: Write, tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match="empty folder"):
        survey([tmp_path])
    with pytest.raises(EmptyFile):
        survey([write("none.csv", b"")])


def test_an_unknown_kind_is_wrong_usage(write: Write) -> None:
    path = write("a.csv", BLOCKS)
    for call in (lambda: survey([path], "blocs"), lambda: read(path, "blocs")):
        with pytest.raises(UnknownKind, match=r"'blocs'") as caught:
            call()
        assert caught.value.exit_code == Exit.USAGE
        assert "candles" in str(caught.value)


def test_a_kind_given_wins_over_content(write: Write) -> None:
    rows = "height,time,bits,open,high,low,close\n1,1231469665,486604799,1,1,1,1\n"
    path = write("both.csv", rows + "2,1231469744,486604799,1,1,1,1\n")
    with pytest.raises(AmbiguousFile, match="blocks and candles"):
        read(path)
    assert read(path, "blocks").facts[0].table.name == "blocks"


def test_mapped_csv_without_a_mapping_says_what_it_needs(write: Write) -> None:
    with pytest.raises(MissingOption, match="--mapping"):
        read(write("a.csv", BLOCKS), "mapped-csv")


def test_a_row_names_file_and_content_but_no_folder(write: Write) -> None:
    one = read(write("x/blocks.csv", BLOCKS)).facts[0].frame
    two = read(write("y/z/blocks.csv", BLOCKS)).facts[0].frame
    other = read(write("w/blocks.csv", BLOCKS.replace("1713571767", "1713571768"))).facts[0].frame
    assert one.equals(two)
    assert one["source"][0].startswith("blocks.csv@")
    assert one["source"][0] != other["source"][0]


def test_a_file_and_its_compressed_copy_are_one_source(write: Write) -> None:
    plain = read(write("blocks.csv", BLOCKS))
    packed = read(write("blocks.csv.zst", zstandard.compress(BLOCKS.encode())))
    assert plain.facts[0].frame.equals(packed.facts[0].frame)
    assert plain.provenance["sha256"] == packed.provenance["sha256"]


def test_built_in_sources_come_through_the_entry_point() -> None:
    kinds = ["blocks", "blockstats", "candles", "coinmetrics", "epochs", "headers", "mapped-csv"]
    assert [kind for kind in all_sources() if kind in kinds] == kinds
    assert isinstance(find_source("headers"), Source)


def test_every_real_file_is_recognised_or_passed_over(real_data: Path) -> None:
    expected = {
        "headers": ["headers_000000_010236", "headers_080001_100000", "headers_150001_340000"],
        "blocks": ["blocks_610683_934800"],
        "blockstats": ["blockstats"],
        "epochs": ["difficulty_epochs_0_933408"],
        "coinmetrics": ["coinmetrics_btc_20200101", "coinmetrics_btc_full"],
        "ercot-hours": ["ercot_hb_west_hourly"],
        "candles": ["btcusdt_perp", "btcusdt_spot_daily", "cme_btc", "mara_stock", "riot_stock"],
    }
    found = survey([real_data])
    for file in found:
        kinds = [
            kind
            for kind, names in expected.items()
            if any(file.path.name.startswith(name) for name in names)
        ]
        assert file.kind == (kinds[0] if kinds else None), file.path.name
        assert bool(file.reason) == (file.kind is None)
    assert sum(file.kind is not None for file in found) == 15


def test_a_file_of_another_name_and_folder_is_still_recognised(
    real_data: Path, tmp_path: Path
) -> None:
    shutil.copy(real_data / "blocks" / "difficulty_epochs_0_933408.csv", tmp_path / "x.json")
    assert read(tmp_path / "x.json").kind == "epochs"


def test_json_lines_keep_whole_numbers_whole(write: Write) -> None:
    row = {"height": 840000, "time": 1713571767, "bits": "17034219", "fees": None}
    frame = read(write("b.jsonl", json.dumps(row) + "\n")).facts[0].frame
    assert frame.select("height", "time", "bits").row(0) == (840000, 1713571767, 0x17034219)
