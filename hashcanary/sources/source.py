"""What a source of files declares: how to know its files, and how to read them.

A file goes through ``query -> fetch -> parse``: ``reading`` asks for it, ``files`` brings its
bytes, and the source that recognises it turns them into facts. Recognition goes by content, never
by name. A parser is pure: the same bytes and options give the same facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from hashcanary.chain.networks import MAIN, Network
from hashcanary.plugins import declared_once
from hashcanary.sources.errors import UnknownKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hashcanary.sources.facts import Parsed

GROUP = "hashcanary.sources"
Form = Literal["empty", "csv", "parquet", "jsonl", "json", "text", "binary"]


@dataclass(frozen=True, slots=True)
class Probe:
    """What recognition sees of a file, decompressed.

    head: its first bytes, at most 64 KiB; whole: whether ``head`` is all of it;
    columns: the names of a table's columns as they stand, empty where it is no table (a CSV file
    whose lines do not fit its first one is text, but keeps the names: it may be a damaged table).
    """

    form: Form
    head: bytes
    whole: bool
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes as fetched, decompressed.

    source: how rows name where they come from: the file's name and the first 12 hex digits of
    its content's SHA-256. It holds no folder, so a file gives the same rows wherever it lies, and
    two files of one name do not collide. The name is without ``.zst`` and the digest is of the
    content, so a file and its compressed copy are one source.
    """

    path: Path
    name: str
    data: bytes
    sha256: str

    @property
    def source(self) -> str:
        """Name and short digest: ``headers_150001_340000.bin@0f3c9a61b2de``."""
        return f"{self.name}@{self.sha256[:12]}"


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say about files.

    network: whose consensus rules hold. market: the name of candles' market, where the file's
    name is not it. interval: seconds a candle spans, where spacing does not tell. mapping: a TOML
    file that describes any CSV table.
    """

    network: Network = MAIN
    market: str | None = None
    interval: int | None = None
    mapping: Path | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The declaration of a kind of file.

    kind: its name for ``--as``; reads: what the files hold and which columns they need, for the
    docs; recognise: whether a file is of this kind; parse: its facts, checked, or an error that
    names the place.
    """

    kind: str
    title: str
    reads: str
    recognise: Callable[[Probe], bool]
    parse: Callable[[Content, Options], Parsed]


@cache
def all_sources() -> Mapping[str, Source]:
    """Every registered source by kind, sorted. Raises DuplicateName on a kind used twice."""
    return declared_once(GROUP, Source, "kind")


def find_source(kind: str) -> Source:
    """The source of a kind. Raises UnknownKind, naming those there are."""
    sources = all_sources()
    if kind not in sources:
        raise UnknownKind(kind=kind, known=", ".join(sources))
    return sources[kind]
