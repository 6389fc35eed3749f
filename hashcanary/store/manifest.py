"""The lake's versions: one JSON file each, naming the Delta version of every table.

A version exists from the moment its file bears its name, which is one atomic step; readers see
only the tables' versions it names. Each file carries its own checksum and that of the version
before, so that a flipped bit anywhere in the history is found.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hashcanary.store.durable import FileMark, write_whole
from hashcanary.store.errors import LakeDamaged, NoLake, UnknownVersion

FORMAT = 1
_NAME = re.compile(r"(\d{8})\.json")


@dataclass(frozen=True, slots=True)
class TableState:
    """A table as one lake version has it.

    version: its Delta version; rows: how many; active: its data files; log: the files of its
    Delta log that were added since the lake version before. Paths are relative to the table.
    changed_from: of rows that this lake version added or altered, the least height; None where it
    altered none, or where that is not told.
    """

    version: int
    rows: int
    active: dict[str, FileMark]
    log: dict[str, FileMark] = field(default_factory=dict)
    changed_from: int | None = None


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What one file gave to a version: the provenance of its rows.

    rows: facts read; new: facts the lake did not have; first, last, gaps, notes: its coverage.
    """

    path: str
    sha256: str = ""
    kind: str | None = None
    rows: int = 0
    new: int = 0
    first: str = ""
    last: str = ""
    gaps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedState:
    """How far a feed came. cursor: plain JSON, the feed's own; time: Unix seconds of the commit
    that brought it here; reached: the newest fact of that commit, as people write it.
    """

    cursor: dict[str, object]
    time: int
    reached: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of the lake. ``parent`` is the checksum of the version before, or empty.

    feeds: how far each feed came, by its name; left out of the file while there are none.
    """

    version: int
    parent: str
    time: int
    code_version: str
    tables: dict[str, TableState]
    loaded: tuple[LoadedFile, ...] = ()
    feeds: dict[str, FeedState] = field(default_factory=dict)


def signed(body: dict[str, object]) -> bytes:
    """The JSON of ``body`` with its own checksum in it; the same body gives the same bytes."""
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    checked = {**body, "sha256": hashlib.sha256(plain.encode()).hexdigest()}
    return (json.dumps(checked, sort_keys=True, indent=1) + "\n").encode()


def read_signed(path: Path) -> dict[str, object]:
    """The body of a file written by ``signed``. Raises LakeDamaged when a bit is otherwise."""
    try:
        content = path.read_bytes()
        body: dict[str, object] = json.loads(content)
        told = body.pop("sha256")
        whole = signed(body)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LakeDamaged(
            place=path, expected="a JSON file with its checksum", found=repr(error)
        ) from None
    if whole != content:
        raise LakeDamaged(
            place=path, expected="content that gives its checksum", found=f"checksum {told}"
        )
    return body


def checksum(manifest: Manifest) -> str:
    """The checksum that the file of ``manifest`` carries."""
    return str(json.loads(signed(_body(manifest)))["sha256"])


def _body(manifest: Manifest) -> dict[str, object]:
    body = {"format": FORMAT, **json.loads(json.dumps(asdict(manifest)))}
    for state in body["tables"].values():
        if state["changed_from"] is None:
            del state["changed_from"]
    return body if manifest.feeds else {k: body[k] for k in body if k != "feeds"}


def path_of(home: Path, version: int) -> Path:
    """The file of one version."""
    return home / "versions" / f"{version:08d}.json"


def versions(home: Path) -> list[int]:
    """The versions of the lake at ``home``, ascending."""
    folder = home / "versions"
    if not folder.is_dir():
        return []
    names = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(name.group(1)) for name in names if name)


def publish(home: Path, manifest: Manifest) -> None:
    """Make a version visible: the one step that commits a whole load."""
    write_whole(path_of(home, manifest.version), signed(_body(manifest)))


def read_manifest(home: Path, version: int | None = None) -> Manifest:
    """One version, the newest when None. Raises NoLake, UnknownVersion, LakeDamaged."""
    known = versions(home)
    if not known:
        raise NoLake(home=home)
    if version is not None and version not in known:
        raise UnknownVersion(newest=known[-1], home=home, version=version)
    return read_version(home, known[-1] if version is None else version)


def read_version(home: Path, version: int) -> Manifest:
    """A version known to exist. Raises LakeDamaged."""
    path = path_of(home, version)
    body = read_signed(path)
    if body.get("format") != FORMAT:
        raise LakeDamaged(place=path, expected=f"format {FORMAT}", found=body.get("format"))
    return _from_body(path, body)


def _from_body(path: Path, body: dict[str, object]) -> Manifest:
    raw = json.loads(json.dumps(body))
    try:
        tables = {
            name: TableState(
                **{**state, "active": _marks(state["active"]), "log": _marks(state["log"])}
            )
            for name, state in raw["tables"].items()
        }
        loaded = tuple(
            LoadedFile(**{**file, "gaps": tuple(file["gaps"]), "notes": tuple(file["notes"])})
            for file in raw["loaded"]
        )
        feeds = {name: FeedState(**state) for name, state in raw.get("feeds", {}).items()}
        return Manifest(
            raw["version"], raw["parent"], raw["time"], raw["code_version"], tables, loaded, feeds
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LakeDamaged(
            place=path, expected="the fields of a version", found=repr(error)
        ) from None


def _marks(raw: dict[str, dict[str, object]]) -> dict[str, FileMark]:
    return {name: FileMark(int(str(m["size"])), str(m["sha256"])) for name, m in raw.items()}
