"""Files that are there whole or not at all, also after a crash; and one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hashcanary.store.errors import LakeBusy, LakeError, LakeFull, LakeNotWritable

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what the Rust side of deltalake and polars says for an error of the operating system
_RUST_OS_ERROR = re.compile(r"os error (\d+)")


@dataclass(frozen=True, slots=True)
class FileMark:
    """Size in bytes and SHA-256 (hex) of a file as it was written."""

    size: int
    sha256: str


def mark_of(path: Path) -> FileMark:
    """Read a file once and say what it holds."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileMark(file.tell(), digest)


def made_durable(path: Path) -> FileMark:
    """Flush a file that another library wrote to the disk, and give its mark."""
    mark = mark_of(path)
    sync(path)
    return mark


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Make ``path`` hold ``content`` by one atomic step, on the disk before this returns."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def only_writer(home: Path) -> Iterator[None]:
    """Hold the lake's writing lock; the system drops it when the process ends, however it ends.

    Raises LakeBusy at once when another process holds it.
    """
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LakeBusy(home=home) from None
        yield
    finally:
        os.close(handle)


def write_error(home: Path, error: Exception) -> LakeError:
    """The named error for a failed write, whichever library it came through."""
    code = error.errno if isinstance(error, OSError) else None
    told = _RUST_OS_ERROR.search(str(error))
    if told:
        code = int(told.group(1))
    kind = LakeFull if code in _FULL else LakeNotWritable
    found = os.strerror(code) if code else str(error)
    return kind(home=home, found=found)
