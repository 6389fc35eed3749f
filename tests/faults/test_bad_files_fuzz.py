"""Any bytes at all: every parser gives facts, or an error of the house, soon."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mining import MAIN_GENESIS

from hashcanary.errors import HashcanaryError
from hashcanary.sources.catalogue.mapped_csv import read_mapping
from hashcanary.sources.files.reading import read
from hashcanary.sources.source import Options, all_sources

LONGEST = 5.0  # seconds for a few kilobytes; the machine may be busy

_TIMES = [1231469665 + 600 * step for step in range(12)]
_BLOCKS = pl.DataFrame({"height": range(1, 13), "time": _TIMES, "bits": [486604799] * 12})
_CANDLES = pl.DataFrame(
    {"timestamp": [1704067200 + 3600 * step for step in range(12)]}
    | {name: [10.0 + (name == "high") - (name == "low")] * 12 for name in ("open", "high", "low")}
    | {"close": [10.5] * 12, "volume": [1.0] * 12}
)
_STATS = _BLOCKS.drop("bits").with_columns(
    blockhash=pl.lit("00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048"),
    mediantime=pl.col("time"),
    subsidy=5_000_000_000,
    totalfee=0,
    txs=1,
    total_size=0,
    total_weight=0,
)
_SERIES = "time,asset,PriceUSD,HashRate,TxCnt\n2024-01-01,btc,42000,5e8,4\n2024-01-02,btc,,5e8,4\n"
_EPOCHS = (
    "epoch,first_height,nbits_hex,first_block_time\n0,0,1d00ffff,1231006505\n1,2016,1d00ffff,\n"
)
_HOURS = pl.DataFrame(
    {
        "delivery_date": [f"2026-01-{5 + at // 24:02}" for at in range(72)],
        "hour_ending": [at % 24 + 1 for at in range(72)],
        "dam_lmp": [30.0 + at % 7 for at in range(72)],
    }
)
_MAPPING = """
table = "candles"
market = "m"
[time]
column = "timestamp"
format = "unix"
[columns]
open = "open"
high = "high"
low = "low"
close = { name = "close", multiply = 2 }
"""
_AVERAGES = """
table = "daily_reference"
vendor = "ercot"
average = "day"
[time]
column = "delivery_date"
hour = "hour_ending"
zone = "America/Chicago"
[columns]
dam_lmp = "power_price_usd_per_mwh"
"""


def _written(frame: pl.DataFrame) -> list[bytes]:
    parquet, csv, lines = io.BytesIO(), io.BytesIO(), io.BytesIO()
    frame.write_parquet(parquet)
    frame.write_csv(csv)
    frame.write_ndjson(lines)
    return [parquet.getvalue(), csv.getvalue(), lines.getvalue()]


GOOD = [
    *(data for frame in (_BLOCKS, _CANDLES, _STATS, _HOURS) for data in _written(frame)),
    *(_SERIES.encode(), _EPOCHS.encode(), MAIN_GENESIS),
    zstandard.compress(_EPOCHS.encode()),
    zstandard.compress(_written(_BLOCKS)[0]),
]


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """A good file, cut, flipped, spliced or grown at a few places."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        what = draw(st.sampled_from(["set", "cut", "drop", "grow"]))
        if what == "set" and data:
            data[at] = draw(st.integers(0, 255))
        elif what == "cut":
            del data[at:]
        elif what == "drop":
            del data[at : at + draw(st.integers(1, 30))]
        else:
            data[at:at] = draw(st.binary(max_size=12))
    return bytes(data)


def _read_soon(path: Path, kind: str | None, options: Options | None = None) -> None:
    began = time.monotonic()
    try:
        parsed = read(path, kind, options)
    except HashcanaryError as error:
        outcome = str(error)
    else:
        outcome = parsed.kind
        assert all(facts.frame.schema == facts.table.schema for facts in parsed.facts)
    assert outcome
    assert time.monotonic() - began < LONGEST


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.fuzz
@given(data=st.one_of(_damaged(), st.binary(max_size=400)), known=st.booleans())
@settings(max_examples=250, deadline=None)
def test_damaged_files_give_facts_or_a_named_error(data: bytes, known: bool, place: Path) -> None:
    (place / "x.bin").write_bytes(data)
    _read_soon(place / "x.bin", None)
    if known:
        for kind in all_sources():
            _read_soon(place / "x.bin", kind)


@pytest.mark.fuzz
@given(kind=st.sampled_from(sorted(all_sources())), data=st.binary(max_size=600))
@settings(max_examples=150, deadline=None)
def test_any_bytes_given_to_any_parser(kind: str, data: bytes, place: Path) -> None:
    (place / "y.bin").write_bytes(data)
    _read_soon(place / "y.bin", kind)


_CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(["", "NaN", "-0", "1e308", "2024-02-30", "1d00ffff", "0x", "9" * 40]),
)
_NAMES = st.sampled_from(
    [
        *(
            "height",
            "time",
            "nbits",
            "hash",
            "blockhash",
            "subsidy",
            "totalfee",
            "txs",
            "mediantime",
        ),
        *("epoch", "first_height", "first_header_hex", "first_block_time", "last_block_hash"),
        *("open", "high", "low", "close", "volume", "PriceUSD", "HashRate", "TxCnt", "asset"),
        *("delivery_date", "hour_ending", "dam_lmp", "rtm_lmp", "dstflag", "settlement_point"),
    ]
)


@pytest.mark.fuzz
@given(rows=st.lists(st.dictionaries(_NAMES, _CELLS, max_size=9), min_size=1, max_size=5))
@settings(max_examples=80, deadline=None)
def test_known_columns_with_any_values(rows: list[dict[str, object]], place: Path) -> None:
    names = sorted({name for row in rows for name in row})
    lines = "\n".join(json.dumps({name: row.get(name) for name in names}) for row in rows)
    (place / "z.jsonl").write_text(lines + "\n")
    cells = ["" if row.get(name) is None else str(row[name]) for row in rows for name in names]
    table = [names, *(cells[at : at + len(names)] for at in range(0, len(cells), len(names) or 1))]
    (place / "z.csv").write_bytes("\n".join(map(",".join, table)).encode("utf-8", "replace"))
    for kind in all_sources():
        _read_soon(place / "z.jsonl", kind)
        _read_soon(place / "z.csv", kind)


@pytest.mark.fuzz
@given(at=st.integers(0, len(_MAPPING)), length=st.integers(0, 12), text=st.text(max_size=8))
@settings(max_examples=150, deadline=None)
def test_damaged_mappings_give_facts_or_a_named_error(
    at: int, length: int, text: str, place: Path
) -> None:
    mapping = place / "m.toml"
    damaged = _MAPPING[:at] + text + _MAPPING[at + length :]
    mapping.write_bytes(damaged.encode("utf-8", "replace"))
    (place / "c.csv").write_bytes(_written(_CANDLES)[1])
    _read_soon(place / "c.csv", None, Options(mapping=mapping))
    averages = _AVERAGES[:at] + text + _AVERAGES[at + length :]
    mapping.write_bytes(averages.encode("utf-8", "replace"))
    for number, data in enumerate(_written(_HOURS)):
        (place / f"h{number}").write_bytes(data)
        _read_soon(place / f"h{number}", None, Options(mapping=mapping))


def test_the_undamaged_files_are_read(place: Path) -> None:
    """Else the tests above would only ever see refusals."""
    kinds = set()
    for data in GOOD:
        (place / "good").write_bytes(data)
        kinds.add(read(place / "good").kind)
    of_blocks = {"blocks", "blockstats", "epochs", "headers"}
    assert kinds == of_blocks | {"candles", "coinmetrics", "ercot-hours"}
    assert read_mapping(place / "m", _MAPPING.encode()).columns["close"].multiply == 2
    assert read_mapping(place / "m", _AVERAGES.encode()).hour == "hour_ending"
