"""The way in for files: which of them can be read, and what one of them holds.

``survey`` looks at files and folders and says of each file which source reads it, or why none
does; ``read`` gives the facts of one file. Both go by content.

What a file looks like is told by its first bytes: its form, and a table's columns.

Fetch for files: walks folders, reads bytes within limits, unfolds zstd.

A file that cannot be read is an error; what is not a file (a pipe, a link to nothing) or is
hidden is passed over with a reason. Nothing here looks at what the bytes mean.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import polars as pl
import zstandard

from hashcanary.chain.headers import HEADER_SIZE, header_hash
from hashcanary.chain.networks import MAIN
from hashcanary.chain.targets import decode_compact, why_invalid
from hashcanary.sources.errors import (
    AmbiguousFile,
    DamagedCompression,
    EmptyFile,
    LinkLoop,
    NotATable,
    NothingToRead,
    TooLarge,
    UnreadableFile,
    UnrecognisedFile,
)
from hashcanary.sources.source import (
    Content,
    Form,
    Options,
    Probe,
    Source,
    all_sources,
    find_source,
)

if TYPE_CHECKING:
    from hashcanary.sources.facts import Parsed

# A whole chain of headers is 75 MB; a JSON-lines table of every block's statistics about 600 MB.
MAX_BYTES = 1 << 30
HEAD_BYTES = 1 << 16
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# One kibibyte of zstd unfolds to at most 32 MiB, so a bomb is met close to the limit.
_STEP = 1 << 10


@dataclass(frozen=True, slots=True)
class Entry:
    """A path met on the way; ``passed_over`` says why it is no file to read, else it is empty."""

    path: Path
    passed_over: str = ""


def walk(root: Path) -> Iterator[Entry]:
    """Every entry below ``root`` in the order of names, or ``root`` itself if it is a file.

    Links are followed. Raises UnreadableFile for what cannot be listed and LinkLoop where a link
    leads back to a folder it lies in.
    """
    try:
        if not root.exists():
            raise _unreadable(root, "no such file or folder", "Check the path.")
        if root.is_dir():
            yield from _walk_folder(root, (root.resolve(),))
        elif root.is_file():
            yield Entry(root)
        else:
            raise _unreadable(root, "neither a file nor a folder", "Name a regular file.")
    except OSError as error:
        place = Path(error.filename or root)
        raise _unreadable(place, error.strerror, "Check the permissions.") from error


def head(path: Path) -> tuple[bytes, bool]:
    """The first 64 KiB of a file, unfolded, and whether that is all of it."""
    with _open(path) as file:
        first = _unfold(path, file, HEAD_BYTES + 1, stop=True)
    return first[:HEAD_BYTES], len(first) <= HEAD_BYTES


def fetch(path: Path, limit: int = MAX_BYTES) -> Content:
    """All bytes of a file, unfolded. Raises TooLarge beyond ``limit`` bytes, before or after."""
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise TooLarge(file=path, limit=limit, what="bytes", found=f"{size:,}")
        data = _unfold(path, file, limit, stop=False)
    # A name need not be UTF-8, but what goes into the lake must be.
    name = path.name.encode("utf-8", "backslashreplace").decode().removesuffix(".zst")
    return Content(path, name, data, hashlib.sha256(data).hexdigest())


def _walk_folder(folder: Path, ancestors: tuple[Path, ...]) -> Iterator[Entry]:
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 -- names, not paths, give the order
        path = folder / name
        if name.startswith("."):
            yield Entry(path, "hidden")
        elif path.is_dir():
            target = path.resolve()
            if target in ancestors:
                raise LinkLoop(file=path, target=target)
            yield from _walk_folder(path, (*ancestors, target))
        elif path.is_file():
            yield Entry(path)
        else:
            yield Entry(path, "neither a file nor a folder (a link to nothing, a pipe, a device)")


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise _unreadable(path, error.strerror, "Check the path and its permissions.") from error


def _unfold(path: Path, file: BinaryIO, limit: int, *, stop: bool) -> bytes:
    """At most ``limit`` bytes: the file's own, or what its zstd frames unfold to.

    With ``stop`` it ends at the limit; without, more than ``limit`` raises TooLarge.
    """
    try:
        magic = file.read(len(_ZSTD_MAGIC))
        if magic != _ZSTD_MAGIC:
            return magic + file.read(limit + 1 - len(magic))
        out = BytesIO()
        for piece in _frames(path, magic, file):
            out.write(piece)
            if out.tell() > limit:
                if stop:
                    break
                raise TooLarge(
                    file=path, limit=limit, what="bytes unfolded", found="that it unfolds to more"
                )
    except OSError as error:
        raise _unreadable(path, error.strerror, "Is the disk or the mount sound?") from error
    return out.getvalue()


def _frames(path: Path, start: bytes, file: BinaryIO) -> Iterator[bytes]:
    """The pieces that one zstd frame after another unfolds to."""
    unfolded, pending = 0, start
    unfolder = zstandard.ZstdDecompressor().decompressobj()
    while True:
        pending = pending or file.read(_STEP)
        if not pending:
            break
        if unfolder.eof:
            unfolder = zstandard.ZstdDecompressor().decompressobj()
        try:
            piece = unfolder.decompress(pending)
        except zstandard.ZstdError as error:
            raise DamagedCompression(file=path, unfolded=unfolded, reason=error) from error
        pending = unfolder.unused_data if unfolder.eof else b""
        unfolded += len(piece)
        yield piece
    if not unfolder.eof:
        raise DamagedCompression(file=path, unfolded=unfolded, reason="it ends in mid-frame")


def _unreadable(path: Path, reason: str | None, remedy: str) -> UnreadableFile:
    return UnreadableFile(file=path, reason=reason or "an error of the system", remedy=remedy)


PARQUET_MAGIC = b"PAR1"
_MAGIC = {
    b"\x1f\x8b": "a gzip file: unpack it first",
    b"\xd0\xcf\x11\xe0": "a workbook (Excel 97 to 2003): save its sheet as CSV",
    b"PK\x03\x04": "a zip file: unpack it first",
    b"\xff\xfe": "UTF-16 text: save it as UTF-8",
    b"\xfe\xff": "UTF-16 text: save it as UTF-8",
    MAIN.magic: "a block file of a node: block bodies are not read from files",
}
_FORMS: dict[Form, str] = {
    "empty": "an empty file",
    "binary": "binary data that is not a run of block headers",
    "json": "a JSON document that is no list of objects, nor one object a line",
    "text": "text that is no table",
}
_TABLES = {"jsonl": "JSON", "csv": "CSV", "parquet": "Parquet"}
# names at the beginning of workbooks, which are zip files
_WORKBOOKS = (b"[Content_Types].xml", b"xl/", b"_rels/.rels", b"opendocument.spreadsheet")
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
    if probe.head.startswith(b"PK") and any(part in probe.head for part in _WORKBOOKS):
        return "a workbook (Excel or OpenDocument): save its sheet as CSV"
    for magic, words in _MAGIC.items():
        if probe.head.startswith(magic):
            return words
    if has_work(probe.head[:HEADER_SIZE]):
        return "a raw block: block bodies are not read from files"
    if probe.form in _FORMS:
        return _FORMS[probe.form]
    shown = ", ".join(probe.columns[:_MAX_COLUMNS_SHOWN])
    line = probe.head.split(b"\n", 1)[0].decode("utf-8", errors="replace")
    separator = separator_of(line) if probe.form == "csv" else ","
    if separator != ",":
        shown = f"{shown} (separated by {SEPARATORS[separator]}: separator = {separator!r})"
    more = len(probe.columns) - _MAX_COLUMNS_SHOWN
    return (
        f"a {_TABLES.get(probe.form, probe.form)} table whose columns fit no kind: {shown}"
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
        columns = _object_keys(lines[0]) or _first_object(text)
        return ("jsonl", columns) if columns else ("json", ())
    cells = header_cells(lines[0], separator_of(lines[0]))
    if len(cells) < 2 or (len(lines) == 1 and not whole):
        return "text", ()
    return ("csv" if _continues(lines) else "text"), cells


# between fields where there are no commas, and what they are called
SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}


def separator_of(line: str) -> str:
    """What stands between the fields of a CSV file's first line: commas, where it has any."""
    if len(header_cells(line)) > 1:
        return ","
    return next((one for one in SEPARATORS if len(header_cells(line, one)) > 1), ",")


def _continues(lines: list[str]) -> bool:
    """Whether a further line has as many cells as the first, or there is none."""
    separator = separator_of(lines[0])
    count = len(header_cells(lines[0], separator))
    given = [line for line in lines[1:] if line]
    return not given or any(len(header_cells(line, separator)) == count for line in given)


def _is_binary(first: bytes) -> bool:
    controls = sum(first.count(bytes([code])) for code in range(32) if code not in (9, 10, 13))
    return controls > 0


def _object_keys(line: str) -> tuple[str, ...]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    return tuple(row) if isinstance(row, dict) else ()


def _first_object(text: str) -> tuple[str, ...]:
    """The keys of the first object of a list, or of objects that follow each other."""
    try:
        row, _ = json.JSONDecoder().raw_decode(text.lstrip().removeprefix("[").lstrip())
    except (ValueError, RecursionError):
        return ()
    return tuple(row) if isinstance(row, dict) else ()


_BLANK = re.compile(r"\s*,?\s*")


def objects_of(text: str) -> list[dict[str, object]]:
    """The objects of a JSON list, or of a text in which they follow each other.

    Raises ValueError or RecursionError where there is anything else.
    """
    decoder, found, at = json.JSONDecoder(), list[object](), 0
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        found += value if isinstance(value, list) and not found else [value]
        blank = _BLANK.match(text, end)
        at = blank.end() if blank else end
    for number, one in enumerate(found, start=1):
        if not isinstance(one, dict):
            raise ValueError(f"value {number:,} is no object")
    return [one for one in found if isinstance(one, dict)]


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
