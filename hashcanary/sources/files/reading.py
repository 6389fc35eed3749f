"""The way in for files: which of them can be read, and what one of them holds.

``survey`` looks at files and folders and says of each file which source reads it, or why none
does; ``read`` gives the facts of one file. Both go by content.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.sources.errors import AmbiguousFile, EmptyFile, NothingToRead, UnrecognisedFile
from hashcanary.sources.files.fetching import fetch, walk
from hashcanary.sources.files.probing import describe, probe
from hashcanary.sources.source import Options, Probe, Source, all_sources, find_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashcanary.sources.facts import Parsed

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
            raise NothingToRead(
                file=path, found="an empty folder", remedy="Name a folder that holds data files."
            )
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
