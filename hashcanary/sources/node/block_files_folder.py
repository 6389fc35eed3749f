"""Finds the block files of a data directory and their key, and keeps where a scan goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.sources.errors import BadKey, NoBlockFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hashcanary.chain.networks import Network
    from hashcanary.sources.feed import Cursor


KEY_SIZE = 8
_NAME = re.compile(r"blk(\d{5,})\.dat")
# Core's names of the folders in which it keeps each network but main
_SUBFOLDERS = {"main": "", "testnet4": "testnet4", "signet": "signet", "regtest": "regtest"}


@dataclass(frozen=True, slots=True)
class BlockFile:
    """A block file as listed. size: bytes at that moment; key: 8 bytes, zeros for none."""

    path: Path
    number: int
    size: int
    key: bytes


@dataclass(frozen=True, slots=True)
class BlockFolder:
    """Block files in ascending order of number, and what tells this folder from another one."""

    path: Path
    identity: str
    files: tuple[BlockFile, ...]

    @property
    def missing(self) -> list[int]:
        """Numbers below the last file's for which there is no file: what a node has pruned."""
        there = {file.number for file in self.files}
        return [number for number in range(self.files[-1].number) if number not in there]


def find_folder(datadir: str, network: Network) -> BlockFolder:
    """The block files of a network in a data directory, or in the blocks folder itself.

    Raises NoBlockFiles, BadKey.
    """
    given = Path(datadir).expanduser()
    own = given / _SUBFOLDERS.get(network.name, network.name)
    try:
        for folder in (own / "blocks", given / "blocks", given):
            if (folder.is_dir()) and (found := _listed(folder)):
                key = _key(folder)
                said = f"{folder.resolve()}\0{key.hex()}".encode()
                files = tuple(BlockFile(path, n, size, key) for n, path, size in found)
                return BlockFolder(folder, sha256(said).hexdigest()[:16], files)
    except OSError as error:
        found_instead = error.strerror or "an unreadable folder"
        raise NoBlockFiles(folder=given, network=network.name, found=found_instead) from error
    found_instead = "no file of that name" if given.is_dir() else "no such folder"
    raise NoBlockFiles(folder=given, network=network.name, found=found_instead)


def _listed(folder: Path) -> list[tuple[int, Path, int]]:
    found = []
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name:
            try:
                found.append((int(name[1]), path, path.stat().st_size))
            except FileNotFoundError:
                continue  # pruned by the node since it was listed
    return sorted(found)


def _key(folder: Path) -> bytes:
    path = folder / "xor.dat"
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return bytes(KEY_SIZE)
    if len(key) != KEY_SIZE:
        raise BadKey(file=path, found=f"{len(key)} bytes")
    return key


class Progress:
    """How far each file has been read, and where a later scan must begin again.

    A block that waits for its parent is not forgotten: its file is read again from it on.
    """

    def __init__(
        self, folder: BlockFolder, cursor: Mapping[str, object], whole: bool = False
    ) -> None:
        """whole: blocks are read whole; what was read otherwise before is then read again."""
        same = cursor.get("folder") == folder.identity and (
            cursor.get("whole") is True or not whole
        )
        known = cursor.get("ends") if same else None
        ends = known if isinstance(known, dict) else {}
        self._whole = whole
        self._folder = folder
        self._empty: dict[int, int] = {}
        self._ends = {
            file.number: _offset(ends.get(str(file.number)), file.size) for file in folder.files
        }

    def start(self, file: BlockFile) -> int:
        """Where reading of a file begins."""
        return self._ends[file.number]

    def reached(self, file: BlockFile, end: int) -> None:
        """Note that a file has been read up to an offset."""
        self._ends[file.number] = end

    def finished(self, file: BlockFile) -> None:
        """Note that a file holds nothing more as yet: what follows in it counts as read."""
        self._empty[file.number] = max(file.size - self._ends[file.number], 0)

    @property
    def done(self) -> int:
        """Bytes behind us in all files."""
        return sum(self._ends.values()) + sum(self._empty.values())

    @property
    def total(self) -> int:
        """Bytes of all files; a file may have grown since it was listed."""
        return max(sum(file.size for file in self._folder.files), self.done)

    def cursor(self, waiting: Iterable[tuple[int, int]]) -> Cursor:
        """Plain values to go on from. waiting: file number and offset of blocks not placed yet."""
        ends = dict(self._ends)
        for number, offset in waiting:
            ends[number] = min(ends[number], offset)
        return {
            "folder": self._folder.identity,
            "whole": self._whole,
            "ends": {str(number): end for number, end in ends.items() if end},
        }


def _offset(value: object, size: int) -> int:
    """A stored offset, or 0 where the file has become shorter: it is another one then."""
    known = isinstance(value, int) and not isinstance(value, bool)
    return value if known and 0 <= value <= size else 0  # type: ignore[return-value,operator]
