"""The way in for files: which of them can be read, and what one of them holds.

``survey`` looks at files and folders and says of each file which source reads it, or why none
does; ``read`` gives the facts of one file. Both go by content.

What a file looks like is told by its first bytes: its form, and a table's columns.
"""

from __future__ import annotations

import codecs
import csv
import json
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import decode_compact, why_invalid
from hashcanary.sources.errors import (
    AmbiguousFile,
    EmptyFile,
    NotATable,
    NothingToRead,
    UnrecognisedFile,
)
from hashcanary.sources.files.fetching import fetch, head, walk
from hashcanary.sources.source import Form, Options, Probe, Source, all_sources, find_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.sources.facts import Parsed


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


MAPPED = "mapped-csv"


@dataclass(frozen=True, slots=True)
class Found:
    """A file met by a survey: the kind that reads it, or why it is passed over."""

    path: Path
    kind: str | None
    reason: str = ""


def read(path: Path | str, kind: str | None = None, options: Options | None = None) -> Parsed:
    """The facts of one file, of the kind its content shows or of ``kind``.

    Raises UnknownKind, UnrecognisedFile or AmbiguousFile when no one source reads it, and a
    SourceError that names the place when its content cannot be used.
    """
    path, options = Path(path), options or Options()
    kind = kind or _mapped(options)
    source = find_source(kind) if kind else _recognise(path, probe(path))
    content = fetch(path)
    if not content.data:
        raise EmptyFile(file=path, expected=f"a file of kind {source.kind}", found="no bytes")
    parsed = source.parse(content, options)
    provenance = {
        "file": content.path.name,
        "source": content.source,
        "sha256": content.sha256,
        "bytes": len(content.data),
    }
    return replace(parsed, provenance=provenance | parsed.provenance)


def survey(
    paths: Iterable[Path | str], kind: str | None = None, options: Options | None = None
) -> list[Found]:
    """Every file below ``paths`` in order, with its kind or the reason why it is passed over.

    A file named by itself must be readable; a folder may hold others, but at least one file.
    With ``kind`` every file is taken for one of that kind. Raises NothingToRead,
    UnrecognisedFile, and the errors of reaching files.
    """
    kind = kind or _mapped(options or Options())
    if kind:
        find_source(kind)
    found: list[Found] = []
    for path in map(Path, paths):
        met = [_look(entry.path, entry.passed_over, kind, path) for entry in walk(path)]
        if not met:
            raise NothingToRead(path, "an empty folder", "Name a folder that holds data files.")
        found += met
    return found


def _mapped(options: Options) -> str | None:
    return MAPPED if options.mapping else None


def _look(path: Path, passed_over: str, kind: str | None, asked: Path) -> Found:
    if passed_over:
        return Found(path, None, passed_over)
    if kind:
        return Found(path, kind)
    if path == asked:
        return Found(path, _recognise(path, probe(path)).kind)
    seen = probe(path)
    matches = _matches(path, seen)
    return Found(path, matches[0].kind) if matches else Found(path, None, describe(seen))


def _recognise(path: Path, seen: Probe) -> Source:
    matches = _matches(path, seen)
    if seen.form == "empty":
        raise EmptyFile(file=path, expected="a file with data", found="no bytes")
    if not matches:
        raise UnrecognisedFile(file=path, known=", ".join(all_sources()), found=describe(seen))
    return matches[0]


def _matches(path: Path, seen: Probe) -> list[Source]:
    """The source that recognises a file, if any. Raises AmbiguousFile on several."""
    matches = [source for source in all_sources().values() if source.recognise(seen)]
    if len(matches) > 1:
        kinds = " and ".join(source.kind for source in matches)
        raise AmbiguousFile(file=path, kinds=kinds)
    return matches
