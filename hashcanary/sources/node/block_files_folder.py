"""Finds the block files of a data directory, and the key they are XORed with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.sources.node.block_files_errors import BadKey, NoBlockFiles

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network

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
