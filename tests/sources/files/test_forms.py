"""Files as people have them: separators, JSON of several forms, hex lines, units that change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from hashcanary.sources.errors import (
    BadHeaders,
    BadValue,
    NotATable,
    UnprovenRows,
    UnrecognisedFile,
)
from hashcanary.sources.files.reading import objects_of, read
from hashcanary.sources.source import Options

Write = Callable[[str, str | bytes], Path]

ROWS = [
    {"height": 5, "time": 1231470173, "bits": "1d00ffff"},
    {"height": 6, "time": 1231470988, "bits": "1d00ffff"},
    {"height": 7, "time": 1231471428, "bits": "1d00ffff"},
]
LINES = "\n".join(json.dumps(row) for row in ROWS)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n\n".join(json.dumps(row, indent=4) for row in ROWS),
        ",\n".join(json.dumps(row, indent=1) for row in ROWS),
        f" \n{json.dumps(ROWS)}\n ",
    ],
)
def test_json_in_every_form_is_the_same_table(text: str, write: Write) -> None:
    expected = read(write("lines.json", LINES)).facts[0].frame.drop("source")
    found = read(write("other.txt", text)).facts[0].frame.drop("source")
    assert_frame_equal(found, expected)


@pytest.mark.parametrize(
    "text",
    ['[{"height": 5, "time": 1', json.dumps(ROWS)[:-1], json.dumps([*ROWS, 3]), "[[1, 2], [3]]"],
)
def test_json_that_is_cut_or_no_list_of_objects_is_refused(text: str, write: Write) -> None:
    with pytest.raises((NotATable, UnrecognisedFile)) as refused:
        read(write("bad.json", text))
    assert len(str(refused.value)) < 600
    with pytest.raises(NotATable, match="jq -c"):
        read(write("bad.json", text), "blocks")


def test_a_long_list_of_pasted_objects_is_read_in_little_time() -> None:
    text = "\n".join(json.dumps(row, indent=2) for row in ROWS * 20_000)
    assert len(objects_of(text)) == 60_000


@pytest.mark.parametrize(
    ("separator", "told"), [("\t", "tabs"), (";", "semicolons"), ("|", "vertical bars")]
)
def test_other_separators_are_seen_and_said(separator: str, told: str, write: Write) -> None:
    rows = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
    text = "\n".join(separator.join(str(cell) for cell in row) for row in rows)
    parsed = read(write("blocks.csv", f"\ufeff{text}\n"))
    assert parsed.facts[0].frame["height"].to_list() == [5, 6, 7]
    assert f"fields are separated by {told}" in parsed.coverage.notes
    # where no kind fits, the mapping's setting is named
    strange = text.replace("height", "id")
    with pytest.raises(UnrecognisedFile, match="separator = "):
        read(write("strange.csv", strange))


@pytest.mark.parametrize("number", ["90000,5", "90.000,50", "90 000,5"])
def test_decimal_commas_are_named_and_never_computed_with(number: str, write: Write) -> None:
    row = f"2026-01-01;{number};{number};{number};{number}"
    path = write("btcusd.csv", f"date;open;high;low;close\n{row}\n")
    with pytest.raises(NotATable, match=r"line 2, column open.*decimal comma"):
        read(path)


def _hex_lines(real_data: Path, count: int) -> list[str]:
    data = (real_data / "raw_blocks" / "first-100k-blocks.dat").read_bytes()
    found, at = [], 0
    for _ in range(count):
        found.append(data[at + 8 : at + 88].hex())
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_headers_as_lines_of_hex_digits_are_headers(
    real_data: Path, write: Write, end: str
) -> None:
    lines = _hex_lines(real_data, 200)
    parsed = read(write("hex.txt", (end or "\n").join(lines) + end))
    plain = read(write("plain.bin", bytes.fromhex("".join(lines))))
    assert_frame_equal(parsed.facts[0].frame.drop("source"), plain.facts[0].frame.drop("source"))
    assert parsed.facts[0].frame.height == 200


def test_a_line_of_hex_digits_that_is_cut_is_named(real_data: Path, write: Write) -> None:
    lines = _hex_lines(real_data, 5)
    with pytest.raises(BadHeaders, match="line 5: expected 160 hex digits"):
        read(write("hex.txt", "\n".join([*lines[:4], lines[4][:100]])))


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml", "a workbook"),
        (
            b"PK\x03\x04\x14\0\0\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            "workbook",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "a workbook"),
        (b"PK\x03\x04\x14\0\0\0\0\0prices.csv" + bytes(100), "a zip file: unpack it"),
    ],
)
def test_workbooks_are_told_from_archives(head: bytes, told: str, write: Write) -> None:
    with pytest.raises(UnrecognisedFile, match=told):
        read(write("prices.xlsx", head))


def _klines(*times: int) -> str:
    rows = [f"{time},1,2,1,2,5" for time in times]
    return "\n".join(["open_time,open,high,low,close,volume", *rows, ""])


def test_a_unit_of_time_that_changes_inside_a_file_is_read_row_by_row(write: Write) -> None:
    days = [1_735_516_800, 1_735_603_200, 1_735_689_600, 1_735_776_000]
    mixed = [days[0] * 1000, days[1] * 1000, days[2] * 10**6, days[3] * 10**6]
    parsed = read(write("BTCUSDT.csv", _klines(*mixed)))
    assert parsed.facts[0].frame["open_time"].to_list() == days
    assert "times were Unix milliseconds and microseconds: read as such" in parsed.coverage.notes


def test_a_mapping_that_states_one_unit_refuses_another_by_the_files_own_value(
    write: Write,
) -> None:
    mapping = write(
        "k.toml",
        'table = "candles"\nmarket = "BTCUSDT"\n'
        '[time]\ncolumn = "open_time"\nformat = "unix_ms"\n'
        '[columns]\nopen = "open"\nhigh = "high"\nlow = "low"\nclose = "close"\n',
    )
    path = write("k.csv", _klines(1_735_603_200_000, 1_735_689_600_000_000))
    with pytest.raises(BadValue, match=r"line 3.*unix_ms.*found '1735689600000000'"):
        read(path, options=Options(mapping=mapping))


@pytest.mark.parametrize(
    ("name", "price"),
    [
        ("BTC-USD.csv", True),
        ("binance btcusdt.csv", True),
        ("yahoo.csv", False),
        ("MARA.csv", False),
    ],
)
def test_a_market_that_is_no_price_by_its_name_is_said_to_be_none(
    name: str, price: bool, write: Write
) -> None:
    notes = read(write(name, _klines(1_735_603_200_000, 1_735_689_600_000))).coverage.notes
    assert any("no price of bitcoin by its name" in note for note in notes) is not price


def test_rows_about_blocks_need_bits_or_a_hash(write: Write) -> None:
    with pytest.raises(UnprovenRows, match="add bits or hash"):
        read(write("fees.csv", "height,time,totalfee\n5,1231470173,0\n6,1231470988,0\n"))
    digest = "000000009b7262315dbf071787ad3656097b892abffd1f95a1a022f896f533fc"
    parsed = read(write("fees.csv", f"height,hash,time,totalfee\n5,{digest},1231470173,12\n"))
    assert parsed.facts[0].frame["total_fee"].to_list() == [12]
    assert parsed.facts[0].frame["bits"].to_list() == [None]
