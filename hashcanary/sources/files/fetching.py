"""Fetch for files: walks folders, reads bytes within limits, unfolds zstd.

A file that cannot be read is an error; what is not a file (a pipe, a link to nothing) or is
hidden is passed over with a reason. Nothing here looks at what the bytes mean.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard

from hashcanary.sources.errors import (
    DamagedCompression,
    LinkLoop,
    TooLarge,
    UnreadableFile,
)
from hashcanary.sources.source import Content

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
