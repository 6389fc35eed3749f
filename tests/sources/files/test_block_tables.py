"""Block tables and Core's block statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hashcanary.sources.errors import BadValue
from hashcanary.sources.facts import BLOCKS
from hashcanary.sources.files.reading import read

Write = Callable[[str, str | bytes], Path]

# Bitcoin Core's kernel/chainparams.cpp (UTXO snapshot at 840,000) and its consensus bits.
H840000 = "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"


@pytest.mark.parametrize(
    "header", ["height,time,nbits", "Block_Height,Timestamp,Bits", "number,block_time,nbits_hex"]
)
@pytest.mark.parametrize("bits", ["386089497", "17034219", "0x17034219", "386089497.0"])
def test_usual_names_and_forms_of_bits_are_one_fact(header: str, bits: str, write: Write) -> None:
    path = write("b.csv", f"\ufeff{header}\r\n840000,1713571767,{bits}\r\n")
    frame = read(path).facts[0].frame
    assert frame.schema == BLOCKS.schema
    assert frame.select("height", "time", "bits", "known_at").row(0) == (
        840000,
        1713571767,
        0x17034219,
        1713571767,
    )
    assert frame["total_fee"].null_count() == 1


_READ_AS_HEX = "bits were hex digits read as numbers: read as hex"


@pytest.mark.parametrize("kind", [pl.Int64, pl.UInt32, pl.Float64])
def test_hex_digits_that_a_tool_took_for_numbers_are_read_as_hex(
    kind: type[pl.DataType], write: Write
) -> None:
    table = pl.DataFrame({"height": [840000], "time": [1713571767], "nbits": [17034219]})
    path = write("b.parquet", b"")
    table.with_columns(pl.col("nbits").cast(kind)).write_parquet(path)
    for one in (path, write("b.csv", "height,time,nbits\n840000,1713571767,17034219.0\n")):
        parsed = read(one)
        assert parsed.facts[0].frame["bits"].to_list() == [0x17034219]
        assert _READ_AS_HEX in parsed.coverage.notes


def test_numbers_that_would_be_more_work_than_was_ever_done_are_no_targets(write: Write) -> None:
    # beside a number of nine digits, eight digits are a number too, and no target
    path = write("b.parquet", b"")
    pl.DataFrame(
        {"height": [1, 2], "time": [1713571767, 1713571800], "nbits": [386089497, 17034219]}
    ).write_parquet(path)
    with pytest.raises(BadValue, match=r"row 2, column bits.*takes more than 2\^100 hashes"):
        read(path)


@pytest.mark.parametrize(
    "time", ["2024-04-20T00:09:27Z", "2024-04-20 00:09:27 UTC", "2024-04-20T02:09:27+02:00"]
)
def test_header_times_may_be_written_as_dates(time: str, write: Write) -> None:
    frame = read(write("b.csv", f"number,timestamp,bits\n840000,{time},17034219\n")).facts[0].frame
    assert frame["time"].to_list() == [1713571767]
    table = pl.DataFrame({"height": [840000], "bits": [386089497]}).with_columns(
        time=pl.from_epoch(pl.Series([1713571767]), "s").dt.replace_time_zone("UTC")
    )
    path = write("b.parquet", b"")
    table.write_parquet(path)
    assert read(path).facts[0].frame["time"].to_list() == [1713571767]


def test_a_hash_is_kept_in_the_printed_order(write: Write) -> None:
    path = write("b.csv", f"height,time,nbits,hash\n840000,1713571767,17034219,{H840000}\n")
    parsed = read(path)
    assert parsed.facts[0].frame["hash"][0] == bytes.fromhex(H840000)
    assert parsed.coverage.notes == ()


def test_what_is_not_kept_and_not_checked_is_said(write: Write) -> None:
    path = write(
        "b.csv", "height,time,nbits,mood\n5,1231470173,1d00ffff,x\n7,1231471789,1d00ffff,y\n"
    )
    coverage = read(path).coverage
    assert coverage.gaps == ("blocks 6 to 6",)
    assert coverage.notes == (
        "columns not kept: mood",
        "no hashes in the file: proof of work not checked",
    )


def test_rows_out_of_order_and_repeated_are_sorted_and_said(write: Write) -> None:
    rows = ["7,1231471789,1d00ffff", "6,1231471428,1d00ffff", "7,1231471789,1d00ffff"]
    parsed = read(write("b.csv", "\n".join(["height,time,nbits", *rows])))
    assert parsed.facts[0].frame["height"].to_list() == [6, 7]
    assert "rows were out of order: sorted" in parsed.coverage.notes
    assert "rows that repeat another word for word, left out: 1" in parsed.coverage.notes


def test_the_real_block_table_passes_every_rule(real_data: Path) -> None:
    parsed = read(real_data / "blocks" / "blocks_610683_934800.parquet")
    frame = parsed.facts[0].frame
    assert (frame.height, parsed.coverage.gaps) == (324_118, ())
    assert (frame["height"].min(), frame["height"].max()) == (610_683, 934_800)
    # every block has a label by the first labelling; the second begins at 664,063
    assert parsed.facts[1].frame.height == 324_118 + 270_738
    assert parsed.coverage.rows == 324_118 * 2 + 270_738


def test_real_block_statistics_keep_cores_numbers(real_data: Path) -> None:
    path = real_data / "blocks" / "blockstats.parquet"
    parsed = read(path)
    core = pl.read_parquet(path)
    frame = parsed.facts[0].frame
    assert parsed.coverage.rows == core.height == 80_118
    assert parsed.coverage.gaps == (
        "blocks 15,000 to 499,998",
        "blocks 509,999 to 679,998",
        "blocks 699,999 to 776,423",
        "blocks 786,424 to 909,457",
    )
    renamed = {"total_fee": "totalfee", "tx_count": "txs"}
    for ours in ("height", "time", "subsidy", "total_fee", "tx_count"):
        assert frame[ours].sum() == core[renamed.get(ours, ours)].sum()
    # Core's total_size leaves out header and coinbase: 0 for the first blocks, which have a size
    assert core["total_size"][0] == 0
    assert frame["size"].null_count() == frame["weight"].null_count() == frame.height
    assert frame["hash"].bin.encode("hex").equals(core["blockhash"].rename("hash"))


def test_csv_and_json_lines_of_real_statistics_give_the_same_rows(
    real_data: Path, tmp_path: Path
) -> None:
    core = pl.read_parquet(real_data / "blocks" / "blockstats.parquet").tail(500)
    core.write_ndjson(tmp_path / "s.jsonl")
    core.drop("feerate_percentiles").write_csv(tmp_path / "s.csv")
    core.write_parquet(tmp_path / "s.parquet")
    frames = [
        read(tmp_path / name).facts[0].frame.drop("source")
        for name in ("s.jsonl", "s.csv", "s.parquet")
    ]
    assert frames[0].equals(frames[1])
    assert frames[1].equals(frames[2])
