"""Bytes to tables: CSV, Parquet and JSON lines, with the columns a kind asks for.

A table keeps the order of its file, so that every refused value can be named by its line or row.
Only the columns asked for are read; the others are named in the notes.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO, StringIO
from typing import Literal

import numpy as np
import polars as pl

from hashcanary.arrays import Ints
from hashcanary.sources.errors import (
    EmptyFile,
    MissingColumns,
    NotATable,
    TooLarge,
    UnrecognisedFile,
)
from hashcanary.sources.files.columns import Table
from hashcanary.sources.files.reading import (
    PARQUET_MAGIC,
    SEPARATORS,
    damaged_parquet,
    header_cells,
    objects_of,
    one_line,
    parquet_schema,
    separator_of,
)
from hashcanary.sources.source import Content

# From a file's columns: those wanted, by the file's name, with the lake's name.
Choose = Callable[[Sequence[str]], dict[str, str]]
# Ten times the blocks of the chain; a few hundred bytes of Parquet can stand for billions of rows.
MAX_ROWS = 10_000_000
_STEP = 1 << 22
_Read = tuple[pl.DataFrame, tuple[str, ...], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Field:
    """A column a kind knows: its name in the lake and the names files give it, best first."""

    name: str
    synonyms: tuple[str, ...] = ()
    required: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name it goes by, normalised."""
        return tuple(normal(name) for name in (self.name, *self.synonyms))


def normal(column: str) -> str:
    """A column's name for comparison: lower case, blanks and dashes as underscores."""
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def has(columns: Sequence[str], *fields: Field) -> int:
    """How many of ``fields`` a table with these columns has, by any of their names."""
    found = {normal(column) for column in columns}
    return sum(not found.isdisjoint(field.names) for field in fields)


def read_table(content: Content, kind: str, fields: Sequence[Field]) -> Table:
    """The columns of ``fields`` that the file has, under the lake's names.

    Raises MissingColumns, NotATable or EmptyFile.
    """
    return read_matching(content, kind, lambda columns: resolve(content, kind, columns, fields))


def read_matching(content: Content, kind: str, choose: Choose, separator: str = ",") -> Table:
    """A table with the columns ``choose`` wants: the file's names to the lake's.

    separator: one ASCII character between the fields of a CSV file.
    """
    if not content.data:
        raise EmptyFile(file=content.path, expected=f"a table of kind {kind}", found="no bytes")
    told: tuple[str, ...] = ()
    if content.data.startswith(PARQUET_MAGIC):
        frame, columns, wanted = _parquet(content, choose)
        word: Literal["row", "line"] = "row"
        first = 1
    elif content.data.lstrip().startswith((b"{", b"[")):
        lines, word = _as_lines(content)
        frame, columns, wanted = _json_lines(lines, choose)
        first = 1
    else:
        separator, told = _separator(content, separator)
        frame, columns, wanted = _csv(content, choose, separator)
        word, first = ("row", 1) if b'"' in content.data else ("line", 2)
    if frame.height == 0:
        raise EmptyFile(file=content.path, expected=f"a table of kind {kind}", found="no rows")
    notes = (*told, *_not_kept(columns, wanted))
    return Table(content.path, frame.rename(wanted), word, first, notes)


def resolve(
    content: Content, kind: str, columns: Sequence[str], fields: Iterable[Field]
) -> dict[str, str]:
    """The file's name of each field it has. Raises MissingColumns where one is required."""
    by_name = {normal(column): column for column in columns}
    wanted, missing = {}, []
    for field in fields:
        present = [by_name[name] for name in field.names if name in by_name]
        if present:
            wanted[present[0]] = field.name
        elif field.required:
            missing.append(" or ".join(dict.fromkeys((field.name, *field.synonyms))))
    if missing:
        raise MissingColumns(content.path, kind, "; ".join(missing), ", ".join(columns))
    return wanted


def _not_kept(columns: Sequence[str], wanted: dict[str, str]) -> tuple[str, ...]:
    unused = [column for column in columns if column not in wanted]
    return (f"columns not kept: {', '.join(unused)}",) if unused else ()


def _parquet(content: Content, choose: Choose) -> _Read:
    columns = tuple(parquet_schema(content.path, content.data))
    wanted = choose(columns)
    try:
        rows = pl.scan_parquet(BytesIO(content.data)).select(pl.len()).collect().item()
        if rows > MAX_ROWS:
            raise TooLarge(file=content.path, limit=MAX_ROWS, what="rows", found=f"{rows:,}")
        frame = pl.read_parquet(BytesIO(content.data), columns=list(wanted))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise damaged_parquet(content.path, error) from error
    return frame, columns, wanted


def _separator(content: Content, stated: str) -> tuple[str, tuple[str, ...]]:
    """What stands between fields, and a note where nobody said so."""
    if stated != ",":
        return stated, ()
    data = content.data.removeprefix(codecs.BOM_UTF8)
    found = separator_of(data.split(b"\n", 1)[0].decode("utf-8", errors="replace").rstrip("\r"))
    return found, () if found == "," else (f"fields are separated by {SEPARATORS[found]}",)


def _as_lines(content: Content) -> tuple[Content, Literal["row", "line"]]:
    """JSON as one object a line: it may be a list, or objects over several lines, as they come from
    a node and are pasted.
    """
    data = content.data.strip()
    first = data.split(b"\n", 1)[0].rstrip()
    if first.startswith(b"{") and first.endswith(b"}"):
        return content, "line"
    try:
        rows = objects_of(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise NotATable(
            file=content.path,
            place="its JSON",
            expected="a list of objects, objects one after the other, or one a line",
            found=one_line(error),
            remedy="Was it cut short? Write it again, one object a line: jq -c '.[]' FILE",
        ) from error
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    return replace(content, data=lines), "row"


def _json_lines(content: Content, choose: Choose) -> _Read:
    try:
        frame = pl.read_ndjson(BytesIO(content.data), infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _bad_json(content, error) from error
    wanted = choose(frame.columns)
    return frame.select(list(wanted)), tuple(frame.columns), wanted


def _bad_json(content: Content, error: BaseException) -> NotATable:
    """The first line that is no JSON object, else the reader's own words."""
    place, found = "its JSON", one_line(error)
    for number, line in enumerate(content.data.split(b"\n"), start=1):
        try:
            good = not line.strip() or isinstance(json.loads(line), dict)
        except (ValueError, RecursionError) as reason:
            good, found = False, one_line(reason)
        if not good:
            place = f"line {number:,}"
            break
    return NotATable(
        file=content.path,
        place=place,
        expected="one JSON object a line, each column of one type",
        found=found,
        remedy="Was it cut short? Write or fetch it again.",
    )


def _csv(content: Content, choose: Choose, separator: str) -> _Read:
    """Every column as text: nothing is guessed, and a refused value is shown as it stands."""
    data = content.data.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n")
    _check_utf8(content, data)
    columns = header_cells(data.split(b"\n", 1)[0].decode("utf-8").rstrip("\r"), separator)
    if len(columns) < 2:
        raise UnrecognisedFile(
            file=content.path, known="that hold a table", found="text that is no table"
        )
    twice = {column for column in columns if column and columns.count(column) > 1}
    wanted = choose(columns)
    if not twice.isdisjoint(wanted):
        raise _bad_csv(
            content, "line 1", "each column once", f"{sorted(twice)[0]!r} twice", "Rename one."
        )
    _check_fields(content, data, len(columns), separator)
    positions = sorted(columns.index(column) for column in wanted)
    try:
        frame = pl.read_csv(
            BytesIO(data), infer_schema=False, columns=positions, separator=separator
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _bad_csv(content, "its lines", "a CSV table", one_line(error)) from error
    frame.columns = [columns[position] for position in positions]
    if separator == ";":
        _refuse_decimal_commas(content, frame)
    return frame, columns, wanted


def _refuse_decimal_commas(content: Content, frame: pl.DataFrame) -> None:
    """Numbers as German or French programs write them: a comma may be of decimals or thousands."""
    for column in frame.columns:
        rows = frame[column].str.contains(r"^\s*-?\d[\d. ]*,\d+\s*$").fill_null(value=False)
        if rows.any():
            at = int(rows.arg_true()[0])
            raise _bad_csv(
                content,
                f"line {at + 2:,}, column {column}",
                "numbers with a decimal point (fields are separated by semicolons)",
                f"a decimal comma: {frame[column][at]!r}",
                "Save it with points, without separators of thousands.",
            )


def _check_utf8(content: Content, data: bytes) -> None:
    if data.isascii():  # most tables are, and this makes no copy
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _bad_csv(
            content,
            f"line {line:,} (byte {error.start:,})",
            "UTF-8 text",
            f"the byte 0x{data[error.start]:02x}",
            "Save the file as UTF-8.",
        ) from error


def _check_fields(content: Content, data: bytes, expected: int, separator: str) -> None:
    """Refuse the first line with more or fewer fields than the header: it may be cut short."""
    count = _quoted_fields if b'"' in data else _plain_fields
    counts = count(content, data, separator)
    wrong = np.flatnonzero(counts != expected)
    if len(wrong):
        raise _bad_csv(
            content,
            f"line {int(wrong[0]) + 1:,}",
            f"{expected} fields, as the first line has",
            f"{int(counts[wrong[0]])}",
        )


def _plain_fields(content: Content, data: bytes, separator: str) -> Ints:
    codes = np.frombuffer(data, dtype=np.uint8)
    totals, seen = [], 0  # separators up to each line's end
    for start in range(0, len(codes), _STEP):
        part = codes[start : start + _STEP]
        here = np.flatnonzero(part == ord(separator))
        totals.append(seen + np.searchsorted(here, np.flatnonzero(part == ord("\n"))))
        seen += len(here)
    counts: Ints = np.diff(np.concatenate([*totals, [seen]]), prepend=0) + 1
    return counts


def _quoted_fields(content: Content, data: bytes, separator: str) -> Ints:
    try:
        lines = csv.reader(StringIO(data.decode("utf-8")), delimiter=separator, strict=True)
        rows = [len(row) for row in lines]
    except csv.Error as error:
        raise _bad_csv(content, "its quotes", "a CSV table", one_line(error)) from error
    return np.array(rows, dtype=np.int64)


def _bad_csv(
    content: Content,
    place: str,
    expected: str,
    found: str,
    remedy: str = "Was it cut short? Fetch it again, or repair the line.",
) -> NotATable:
    return NotATable(file=content.path, place=place, expected=expected, found=found, remedy=remedy)
