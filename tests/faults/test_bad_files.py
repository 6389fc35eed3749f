"""Bad files: each gives one error that names file, place, what was expected, what was found.

The table below is the list of faults: content, the error, and what its message must name.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import REGTEST
from hashcanary.errors import Exit
from hashcanary.sources.errors import (
    BadHeaders,
    BadValue,
    ConflictingRows,
    EmptyFile,
    MissingColumns,
    NotATable,
    SourceError,
    TooLarge,
    UnprovenRows,
    UnrecognisedFile,
)
from hashcanary.sources.files.reading import read, survey
from hashcanary.sources.source import Options

B = "height,time,nbits\n"
C = "date,open,high,low,close,volume\n"
M = "time,asset,PriceUSD,HashRate,TxCnt\n"
S = "height,blockhash,time,mediantime,subsidy,totalfee,txs,total_size,total_weight\n"
E = "epoch,first_height,nbits_hex,last_block_height,last_block_hash\n"
GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
STATS = f"0,{GENESIS},1231006505,1231006505,5000000000,0,1,285,1140\n"
CANDLE = "2024-01-01,10,12,9,11,3\n"

FAULTS: dict[str, tuple[str | bytes, type[SourceError], str]] = {
    # block tables
    "height below zero": (B + "-1,1231469665,1d00ffff\n", BadValue, r"line 2, column height.*'-1'"),
    "height not whole": (B + "1.5,1231469665,1d00ffff\n", BadValue, r"line 2, column height.*1\.5"),
    "height missing": (B + "1,1231469665,1d00ffff\n,1231469744,1d00ffff\n", BadValue, "line 3"),
    "height overflows": (B + f"{2**70},1231469665,1d00ffff\n", BadValue, "column height"),
    "time before Bitcoin": (B + "1,1000000000,1d00ffff\n", BadValue, "column time.*1000000000"),
    "time after 2106": (B + "1,4294967296,1d00ffff\n", BadValue, "column time.*4294967296"),
    "time in milliseconds": (B + "1,1231469665000,1d00ffff\n", BadValue, "Unix seconds"),
    "time NaN": (B + "1,NaN,1d00ffff\n", BadValue, "column time.*'NaN'"),
    "bits no target": (B + "1,1231469665,00000000\n", BadValue, "column bits"),
    "bits above the limit": (B + "1,1231469665,1e00ffff\n", BadValue, "above the limit"),
    "bits negative": (B + "1,1231469665,1d80ffff\n", BadValue, "negative"),
    "bits no number": (B + "1,1231469665,difficult\n", BadValue, "column bits.*'difficult'"),
    "hash misses its target": (
        "height,time,nbits,hash\n" + f"1,1231469665,1d00ffff,{'ff' * 32}\n",
        BadValue,
        "line 2, column hash.*target",
    ),
    "hash too short": (
        "height,time,nbits,hash\n1,1231469665,1d00ffff,00ab\n",
        BadValue,
        "column hash.*64 hex digits.*'00ab'",
    ),
    "two rows of one height": (
        B + "1,1231469665,1d00ffff\n1,1231469666,1d00ffff\n",
        ConflictingRows,
        "line 2 and line 3.*height 1.*time 1231469665 and 1231469666",
    ),
    "bits change inside an epoch": (
        B + "2016,1233063531,1d00ffff\n2017,1233063532,1d00fffe\n",
        BadValue,
        "line 3, height 2,017, column bits.*0x1d00ffff.*0x1d00fffe",
    ),
    "column missing": ("height,time,pool\n1,1231469665,x\n", UnprovenRows, "bits.*or its hash"),
    "column renamed": (
        "height,time,compact,hash\n1,1231469665,1d00ffff,\n",
        UnprovenRows,
        "height, time, hash; columns not kept: compact",
    ),
    "column twice": ("height,time,nbits,time\n1,1,1,1\n", NotATable, "line 1.*'time' twice"),
    "line cut short": (B + "1,1231469665,1d00ffff\n2,12314", NotATable, "line 3.*3 fields.*2"),
    "line too long": (B + "1,1231469665,1d00ffff,9\n", NotATable, "line 2.*3 fields.*4"),
    "blank line": (B + "\n1,1231469665,1d00ffff\n", NotATable, "line 2.*found 1"),
    "quote never closed": (B + '1,1231469665,"1d00ffff\n', NotATable, "CSV"),
    "no rows": (B, EmptyFile, "no rows"),
    "no bytes": (b"", EmptyFile, "no bytes"),
    "not UTF-8": (
        b"height,time,nbits,pool\n1,1231469665,1d00ffff,caf\xe9\n",
        NotATable,
        r"line 2 \(byte 48\).*0xe9",
    ),
    "JSON lines cut short": (
        '{"height":1,"time":1231469665,"bits":486604799}\n{"height":2,"ti',
        NotATable,
        "line 2.*JSON",
    ),
    "JSON line of another kind": ('{"height":1,"time":2,"bits":3}\n[1]\n', NotATable, "line 2"),
    "JSON height a truth value": (
        '{"height":true,"time":1231469665,"bits":486604799}\n',
        BadValue,
        "line 1, column height",
    ),
    # block statistics
    "subsidy wrong": (S + STATS.replace("5000000000", "2500000000"), BadValue, "column subsidy"),
    "fee below zero": (
        S + STATS.replace(",0,1,285", ",-1,1,285"),
        BadValue,
        "column total_fee.*'-1'",
    ),
    "hash null": (S + STATS.replace(GENESIS, ""), BadValue, "column hash.*nothing"),
    "weight beyond the rule": (
        "height,time,nbits,weight\n1,1231469665,486604799,4000001\n",
        BadValue,
        "column weight",
    ),
    "median after the block": (
        S + STATS.replace("1231006505,1231006505", "1231006505,1231006506"),
        BadValue,
        "column median_time_past",
    ),
    "fees renamed": (S.replace("totalfee", "fees_all") + STATS, MissingColumns, "totalfee"),
    # candles
    "price NaN": (C + CANDLE + "2024-01-02,10,12,9,NaN,3\n", BadValue, "line 3, column close"),
    "price infinite": (C + CANDLE + "2024-01-02,10,inf,9,11,3\n", BadValue, "column high.*finite"),
    "price beyond floats": (C + CANDLE + "2024-01-02,10,1e999,9,11,3\n", BadValue, "column high"),
    "price zero": (C + CANDLE + "2024-01-02,0,12,9,11,3\n", BadValue, "column open.*above zero"),
    "price below zero": (C + CANDLE + "2024-01-02,10,12,-9,11,3\n", BadValue, "column low.*'-9'"),
    "price missing": (C + CANDLE + "2024-01-02,10,12,9,,3\n", BadValue, "column close.*nothing"),
    "price a word": (C + CANDLE + "2024-01-02,10,12,9,n/a,3\n", BadValue, "close.*'n/a'"),
    "high below low": (C + CANDLE + "2024-01-02,10,8,9,10,3\n", BadValue, "line 3, column high"),
    "high below close": (C + CANDLE + "2024-01-02,10,12,9,13,3\n", BadValue, "open and close"),
    "low above open": (C + CANDLE + "2024-01-02,8,12,9,11,3\n", BadValue, "column low"),
    "volume below zero": (C + CANDLE + "2024-01-02,10,12,9,11,-3\n", BadValue, "column volume"),
    "two candles of one time": (
        C + CANDLE + "2024-01-02,10,12,9,11,3\n2024-01-01,10,12,9,10,3\n",
        ConflictingRows,
        "line 2 and line 4.*open_time 1704067200.*close 11.0 and 10.0",
    ),
    "times off the grid": (
        C + "".join(f"2024-01-01T{t},10,12,9,11,3\n" for t in ("00:00:00", "01:00:00", "02:30:00")),
        BadValue,
        "line 4, column time.*1 hour",
    ),
    "time no time": (C + CANDLE + "soon,10,12,9,11,3\n", BadValue, "line 3, column time.*'soon'"),
    "time in 1970": (C + "86400,10,12,9,11,3\n172800,10,12,9,11,3\n", BadValue, "column time"),
    "close renamed": (C.replace("close", "end") + CANDLE, MissingColumns, "close"),
    # daily series
    "daily price zero": (M + "2024-01-01,btc,0,5e8,1\n", BadValue, "column PriceUSD.*above zero"),
    "daily hashrate below zero": (M + "2024-01-01,btc,1,-5e8,1\n", BadValue, "column HashRate"),
    "daily value NaN": (M + "2024-01-01,btc,1,nan,1\n", BadValue, "HashRate.*finite.*'nan'"),
    "daily value a word": (
        M + "2024-01-01,btc,1,1,1\n2024-01-02,btc,1,many,1\n",
        BadValue,
        "line 3, column HashRate.*'many'",
    ),
    "another asset": (M + "2024-01-01,eth,1,1,1\n", BadValue, "column asset.*'eth'"),
    "a time of day": (M + "2024-01-01T06:00:00Z,btc,1,1,1\n", BadValue, "column time.*UTC day"),
    "one day twice": (
        M + "2024-01-01,btc,1,1,1\n2024-01-01,btc,2,1,1\n",
        ConflictingRows,
        "day 2024-01-01.*PriceUSD 1.0 and 2.0",
    ),
    # epochs
    "epoch off its height": (E + "2,2016,1d00ffff,4031,\n", BadValue, "column epoch"),
    "first height off the grid": (E + "1,2017,1d00ffff,4032,\n", BadValue, "multiple of 2016"),
    "last height wrong": (E + "1,2016,1d00ffff,4030,\n", BadValue, "column last_block_height"),
    "anchor misses its target": (
        E + f"1,2016,1d00ffff,4031,{'11' * 32}\n",
        BadValue,
        "column last_block_hash",
    ),
    "retarget beyond four times": (
        E + "0,0,1d00ffff,2015,\n1,2016,1b0404cb,4031,\n",
        BadValue,
        "line 3, column bits.*factor of four",
    ),
    # no table at all
    "text named .bin": ("a letter\nto you\n", UnrecognisedFile, "text that is no table"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_refused_at_its_place(fault: str, tmp_path: Path) -> None:
    content, error, names = FAULTS[fault]
    path = tmp_path / "data.bin"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(error) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message
    assert re.search(names, message), message
    assert caught.value.exit_code == Exit.SOURCE
    assert message.endswith((".", ")"))


def _parquet(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def test_half_written_parquet_is_refused_even_inside_a_folder(tmp_path: Path) -> None:
    whole = _parquet(pl.DataFrame({"height": range(1000), "x": range(1000)}))
    (tmp_path / "good.csv").write_text(C + CANDLE)
    (tmp_path / "half.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NotATable, match=r"half\.parquet.*half-written"):
        survey([tmp_path])


def test_damaged_parquet_pages_are_refused(tmp_path: Path) -> None:
    times = range(1231469665, 1231469665 + 600 * 500, 600)
    frame = pl.DataFrame({"height": range(1, 501), "time": times, "bits": [486604799] * 500})
    data = bytearray(_parquet(frame))
    data[60:200] = bytes(140)
    (tmp_path / "b.parquet").write_bytes(data)
    with pytest.raises(SourceError, match=r"b\.parquet"):
        read(tmp_path / "b.parquet")


def test_parquet_of_other_types_is_refused_by_value(tmp_path: Path) -> None:
    frame = pl.DataFrame({"height": [[1]], "time": [1231469665], "bits": [486604799]})
    (tmp_path / "b.parquet").write_bytes(_parquet(frame))
    with pytest.raises(BadValue, match="row 1, column height"):
        read(tmp_path / "b.parquet")


def test_a_small_parquet_of_endless_rows_is_refused_unread(tmp_path: Path) -> None:
    rows = 12_000_000
    bomb = pl.DataFrame({"height": pl.zeros(rows, eager=True, dtype=pl.Int8)}).with_columns(
        time=pl.lit(1231469665, pl.Int32), bits=pl.lit(486604799, pl.Int32)
    )
    bomb.write_parquet(tmp_path / "b.parquet")
    assert (tmp_path / "b.parquet").stat().st_size < 100_000
    with pytest.raises(TooLarge, match=r"b\.parquet.*12,000,000"):
        read(tmp_path / "b.parquet")


def test_many_bad_rows_are_one_error_that_counts_them(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(C + CANDLE + "2024-01-02,0,1,1,1,1\n2024-01-03,0,1,1,1,1\n")
    with pytest.raises(BadValue, match=r"line 3.*and 1 more such"):
        read(tmp_path / "c.csv")


def test_a_wrong_retarget_is_refused_where_both_epochs_are_whole(
    real_data: Path, tmp_path: Path
) -> None:
    frame = pl.read_parquet(real_data / "blocks" / "blocks_610683_934800.parquet").filter(
        pl.col("height").is_between(612_864, 616_900)
    )
    late = pl.col("time") + pl.when(pl.col("height") == 614_879).then(3000).otherwise(0)
    frame.with_columns(late).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(BadValue, match=r"height 614,880, column bits.*retarget"):
        read(tmp_path / "b.parquet")


def test_a_time_not_above_the_median_is_refused(real_data: Path, tmp_path: Path) -> None:
    frame = pl.read_parquet(real_data / "blocks" / "blocks_610683_934800.parquet").head(50)
    early = pl.col("time") - pl.when(pl.col("height") == 610_720).then(20_000).otherwise(0)
    frame.with_columns(early).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(BadValue, match=r"height 610,720, column time.*median"):
        read(tmp_path / "b.parquet")


HEADERS = b"".join([REGTEST_GENESIS, *grow(39)])


def _flip(data: bytes, offset: int) -> bytes:
    return data[:offset] + bytes([data[offset] ^ 1]) + data[offset + 1 :]


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (HEADERS[:-1], r"39 whole headers and 79 bytes from offset 3120"),
        (HEADERS[: 10 * 80] + HEADERS[11 * 80 :], r"header 10 of the run.*previous hash"),
        (HEADERS[: 10 * 80] + HEADERS[9 * 80 :], r"header 10 of the run.*previous hash"),
        (HEADERS[:80] + HEADERS[80:][::-1], r"header \d+ of the run"),
    ],
)
def test_damaged_headers_name_the_first_one_at_fault(
    data: bytes, names: str, tmp_path: Path
) -> None:
    path = tmp_path / "h.bin"
    path.write_bytes(data)
    with pytest.raises(BadHeaders, match=names) as caught:
        read(path, "headers", Options(network=REGTEST))
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == Exit.SOURCE


@pytest.mark.parametrize("offset", [0, 3, 4, 36, 68, 72, 75, 76, 79])
def test_no_flipped_bit_goes_unseen(offset: int, tmp_path: Path) -> None:
    """Whichever field it hits: the header misses its target, or the next one does not link."""
    (tmp_path / "h.bin").write_bytes(_flip(HEADERS, 20 * 80 + offset))
    with pytest.raises(BadHeaders, match=r"header (20|21) of the run"):
        read(tmp_path / "h.bin", None, Options(network=REGTEST))


def test_text_taken_for_headers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "h.bin").write_text("no header at all, whatever its name says".ljust(160))
    with pytest.raises(BadHeaders, match="bits"):
        read(tmp_path / "h.bin", "headers")


def test_a_recognised_but_bad_file_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(C + CANDLE.replace("12", "8"))
    assert [found.kind for found in survey([tmp_path])] == ["candles"]
    with pytest.raises(BadValue):
        read(tmp_path / "a.csv")
