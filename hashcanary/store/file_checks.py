"""Checks of the lake's files: every one is as it was written, and the Delta log agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.store import manifest
from hashcanary.store.durable import mark_of
from hashcanary.store.errors import LakeDamaged, LakeError
from hashcanary.store.findings import Check, Finding
from hashcanary.store.tables import delta_files, folder_of

if TYPE_CHECKING:
    from pathlib import Path

    from hashcanary.store.durable import FileMark
    from hashcanary.store.lake import Lake
    from hashcanary.store.manifest import Manifest


def check_versions(home: Path) -> tuple[Check, list[Manifest]]:
    """The files of all versions: whole, and each naming the one before by its checksum."""
    found: list[Finding] = []
    read: list[Manifest] = []
    known = manifest.versions(home)
    for place, version in enumerate(known):
        path = manifest.path_of(home, version)
        if version != place:
            expected, told = f"versions 0 to {known[-1]}", f"{version} after {place - 1}"
            found.append(Finding("files", str(path), expected, told))
            break
        try:
            read.append(manifest.read_version(home, version))
        except LakeDamaged as error:
            found.append(_damage(error))
            break
        parent = manifest.checksum(read[-2]) if len(read) > 1 else ""
        if read[-1].parent != parent or read[-1].version != version:
            expected = f"version {version} after the one with checksum {parent or 'none'}"
            told = f"version {read[-1].version} after {read[-1].parent}"
            found.append(Finding("files", str(path), expected, told))
    title = "every version is as it was written, and follows the one before"
    return Check("versions", title, len(known), "versions", tuple(found)), read


def check_files(home: Path, manifests: list[Manifest]) -> Check:
    """Every data and log file of every version has the size and SHA-256 it was written with."""
    marks: dict[Path, FileMark] = {}
    for one in manifests:
        for table, state in one.tables.items():
            folder = folder_of(home, table)
            marks |= {folder / name: mark for name, mark in (state.active | state.log).items()}
    found = [
        Finding(path.relative_to(home / "tables").parts[0], str(path), expected, told)
        for path, mark in sorted(marks.items())
        if (told := _unlike(path, mark)) and (expected := f"sha256 {mark.sha256}")
    ]
    title = "every data file and log file has the checksum it was written with"
    return Check("checksums", title, len(marks), "files", tuple(found))


def check_delta(lake: Lake) -> Check:
    """The Delta log names the same files and as many rows as the lake's version does."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    found = []
    for table, state in sorted(lake.manifest.tables.items()):
        place = str(folder_of(lake.home, table))
        try:
            _, names = delta_files(DeltaTable(place, version=state.version))
        except (DeltaError, OSError, ValueError) as error:
            expected = f"a Delta log with version {state.version}"
            found.append(Finding(table, place, expected, str(error).splitlines()[0]))
            continue
        if names != sorted(state.active):
            found.append(Finding(table, place, f"files {sorted(state.active)}", f"files {names}"))
    title = "the Delta log of each table agrees with the lake's version"
    return Check("delta", title, len(lake.manifest.tables), "tables", tuple(found))


def damaged(name: str, title: str, error: LakeError) -> Check:
    """A check that could not be made because of damage."""
    return Check(name, title, 0, "not checked", (_damage(error),))


def _damage(error: LakeError) -> Finding:
    told = {name: str(error.fields.get(name, error)) for name in ("place", "expected", "found")}
    return Finding("files", told["place"], told["expected"], told["found"])


def _unlike(path: Path, mark: FileMark) -> str:
    """How a file differs from how it was written; empty when it does not."""
    try:
        now = mark_of(path)
    except OSError as error:
        return error.strerror or str(error)
    return "" if now == mark else f"{now.size} bytes with sha256 {now.sha256}"
