"""What a file looks like from its first bytes: its form, and a table's columns."""

from __future__ import annotations

import codecs
import csv
import json
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import decode_compact, why_invalid
from hashcanary.sources.errors import NotATable
from hashcanary.sources.files.fetching import fetch, head
from hashcanary.sources.source import Form, Probe

if TYPE_CHECKING:
    from pathlib import Path

PARQUET_MAGIC = b"PAR1"
_MAGIC = {
    b"\x1f\x8b": "a gzip file: unpack it first",
    b"PK\x03\x04": "a zip file: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    MAIN.magic: "a block file of a node: block bodies are not read from files",
}
_FORMS: dict[Form, str] = {
    "empty": "an empty file",
    "binary": "binary data that is not a run of block headers",
    "json": "a JSON document; tables are read as JSON lines, one object a line",
    "text": "text that is no table",
}
_MAX_COLUMNS_SHOWN = 12
_LINES_LOOKED_AT = 5
_EASIEST_TARGET = (1 << 255) - 1  # of any network


def probe(path: Path) -> Probe:
    """Look at a file. Raises NotATable for a Parquet file without a readable footer."""
    first, whole = head(path)
    if first.startswith(PARQUET_MAGIC):
        return Probe("parquet", first, whole, tuple(parquet_schema(path, fetch(path).data)))
    form, columns = _text_form(first, whole) if first else ("empty", ())
    return Probe(form, first, whole, columns)


def parquet_schema(path: Path, data: bytes) -> dict[str, pl.DataType]:
    """Column names and types of a Parquet file. Raises NotATable when its footer is not whole."""
    try:
        return dict(pl.read_parquet_schema(BytesIO(data)))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged_parquet(path, error) from error


def damaged_parquet(path: Path, error: BaseException) -> NotATable:
    """The error for a Parquet file that its reader refuses."""
    return NotATable(
        file=path,
        place="its Parquet structure",
        expected="a whole Parquet file",
        found=one_line(error),
        remedy="It may be half-written: write or fetch it again.",
    )


def one_line(error: BaseException, limit: int = 160) -> str:
    """A library's message as one short line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}..."


def describe(probe: Probe) -> str:
    """What an unrecognised file is, in words, as the reason why it was passed over."""
    for magic, words in _MAGIC.items():
        if probe.head.startswith(magic):
            return words
    if has_work(probe.head[:HEADER_SIZE]):
        return "a raw block: block bodies are not read from files"
    if probe.form in _FORMS:
        return _FORMS[probe.form]
    shown = ", ".join(probe.columns[:_MAX_COLUMNS_SHOWN])
    more = len(probe.columns) - _MAX_COLUMNS_SHOWN
    return (
        f"a {probe.form} table whose columns fit no kind: {shown}"
        f"{f' and {more} more' if more > 0 else ''}"
    )


def has_work(header: bytes) -> bool:
    """Whether 80 bytes have the proof of work that they claim, on any network."""
    if len(header) != HEADER_SIZE:
        return False
    bits = int.from_bytes(header[72:76], "little")
    if why_invalid(bits, _EASIEST_TARGET):
        return False
    return int.from_bytes(header_hash(header), "big") <= decode_compact(bits).value


def header_cells(line: str, separator: str = ",") -> tuple[str, ...]:
    """The names in a CSV file's first line."""
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line], delimiter=separator), []))
    except csv.Error:
        return ()


def _text_form(first: bytes, whole: bool) -> tuple[Form, tuple[str, ...]]:
    if _is_binary(first):
        return "binary", ()
    # A byte that is not UTF-8 is the parser's to report, with its place.
    text = first.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="replace")
    lines = [line.rstrip("\r") for line in text.split("\n", _LINES_LOOKED_AT)[:_LINES_LOOKED_AT]]
    if text.lstrip().startswith(("{", "[")):
        columns = _object_keys(lines[0])
        return ("jsonl", columns) if columns else ("json", ())
    cells = header_cells(lines[0])
    if len(cells) < 2 or (len(lines) == 1 and not whole):
        return "text", ()
    return ("csv" if _continues(cells, lines[1:]) else "text"), cells


def _continues(cells: tuple[str, ...], lines: list[str]) -> bool:
    """Whether a further line has as many cells as the first, or there is none."""
    given = [line for line in lines if line]
    return not given or any(len(header_cells(line)) == len(cells) for line in given)


def _is_binary(first: bytes) -> bool:
    controls = sum(first.count(bytes([code])) for code in range(32) if code not in (9, 10, 13))
    return controls > 0


def _object_keys(line: str) -> tuple[str, ...]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    return tuple(row) if isinstance(row, dict) else ()
