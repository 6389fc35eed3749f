"""Walks a block file from record to record, reading the first kibibyte of each and no more.

A record is the network's magic, a uint32 size, the block. Byte o of the file is XORed with byte
o mod 8 of the key in ``xor.dat``. A file ends where it ends, or in zeros that the node laid out for
blocks to come; those are not XORed. Files are read with ``pread``, never mapped into memory: a node
may cut a file short while it is read, which would kill a process that has it mapped.

Where one record ends, the next must begin, or the file must end: that proves each size. Before
laid-out zeros nothing proves it, and the block may still be under way, so the block in front of
them is read whole and checked. A node that stopped hard leaves zeros or scraps between records; it
looks for the next magic behind them, and so does the walk, which says what it passed over.

Beside the walk: which files and which key a data directory has, and how far each has been read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

from hashcanary.chain.errors import ChainError
from hashcanary.chain.networks import NETWORKS, Network
from hashcanary.chain.whole_block import check_block
from hashcanary.sources.errors import BadKey, DamagedBlockFile, NoBlockFiles

if TYPE_CHECKING:
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


WINDOW = 1024
"""Bytes read of each record: enough for almost every header, count and coinbase."""
FRAME = 8
"""Bytes of magic and size in front of a block."""
LEAST_SIZE = 81 + 60
MOST_SIZE = 4_000_000
"""Bytes of the smallest and of the largest block that consensus allows."""
MOST_RECORDS = 4096
_FRAME = Struct("<II")


@dataclass(slots=True)
class Walked:
    """Records of one file, in its order.

    windows: the first WINDOW bytes of each, as on disk; the last may be cut by the end of the file.
    offsets: where each begins. end: where the last one ends. at_end: whether nothing whole follows.
    passed: bytes behind ``end`` that are no record, before one that is; zeros: whether they are all
    zero. unfinished: what stands at the end that is no whole record, in words; empty for none.
    gone: whether the node has removed the file.
    """

    file: BlockFile
    end: int
    windows: list[bytes] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    at_end: bool = True
    passed: int = 0
    zeros: bool = False
    unfinished: str = ""
    gone: bool = False

    @property
    def onward(self) -> int:
        """Where the walk goes on."""
        return self.end + self.passed

    def leave_last(self, why: str) -> None:
        """Leave the last record for later: it is not whole."""
        self.windows.pop()
        self.end = self.offsets.pop()
        self.unfinished = why


@contextmanager
def opened(file: BlockFile) -> Iterator[int]:
    """A descriptor of a block file; the system is told not to read ahead.

    Raises DamagedBlockFile where it cannot be opened or read, FileNotFoundError where it is gone.
    """
    try:
        descriptor = os.open(file.path, os.O_RDONLY)
        try:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
            yield descriptor
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _damaged(file, 0, "a file that can be read", str(error.strerror)) from error


def read_plain(descriptor: int, file: BlockFile, offset: int, length: int) -> bytes:
    """Bytes of a block file without the XOR; fewer than ``length`` where it ends."""
    return unlocked(os.pread(descriptor, length, offset), offset, file.key)


def unlocked(data: bytes, offset: int, key: bytes) -> bytes:
    """Bytes that stand at an offset of a file, without the XOR."""
    if not any(key):
        return data
    turned = _turned(key, offset)
    mask = (turned * (len(data) // len(turned) + 1))[: len(data)]
    return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(
        len(data), "little"
    )


def walk(file: BlockFile, start: int, magic: bytes) -> Walked:
    """At most ``MOST_RECORDS`` records from ``start``, where a record or the file's end must be.

    Raises DamagedBlockFile, naming the offset.
    """
    try:
        with opened(file) as descriptor:
            walked = _walk(descriptor, file, start, magic)
            if walked.at_end:
                _finish(descriptor, walked, magic)
    except FileNotFoundError:
        return Walked(file, start, gone=True)
    return walked


def _walk(descriptor: int, file: BlockFile, start: int, magic: bytes) -> Walked:
    """Records as their sizes lead from one to the next; the end is not looked at yet."""
    walked = Walked(file, start)
    keep_window, keep_offset = walked.windows.append, walked.offsets.append
    marks, masks = _marks(file.key, magic)
    read, split, offset = os.pread, _FRAME.unpack_from, start
    # one more than asked for: the last one only proves the size of the one before
    for _ in range(MOST_RECORDS + 1):
        window = read(descriptor, WINDOW, offset)
        if len(window) < FRAME:
            break
        mark, size = split(window)
        if mark != marks[offset & 7]:
            break
        size ^= masks[offset & 7]
        if not LEAST_SIZE <= size <= MOST_SIZE:
            break
        keep_window(window)
        keep_offset(offset)
        offset += FRAME + size
    else:
        walked.windows.pop()
        walked.at_end, offset = False, walked.offsets.pop()
    walked.end = offset
    return walked


def _marks(key: bytes, magic: bytes) -> tuple[list[int], list[int]]:
    """The magic as it reads on disk, and the mask of the size, by offset mod 8."""
    turns = [_turned(key, offset) for offset in range(8)]
    known = int.from_bytes(magic, "little")
    marks = [int.from_bytes(turn[:4], "little") ^ known for turn in turns]
    return marks, [int.from_bytes(turn[4:], "little") for turn in turns]


def _turned(key: bytes, offset: int) -> bytes:
    at = offset % len(key)
    return key[at:] + key[:at]


def _finish(descriptor: int, walked: Walked, magic: bytes) -> None:
    """Say why the walk ended: the end of the file, zeros, a record under way, or damage."""
    file, end = walked.file, walked.end
    length = os.fstat(descriptor).st_size
    if end > length:
        if not walked.offsets:
            found = f"{length} bytes"
            raise _damaged(file, end, "a file at least that long, as it was before", found)
        walked.leave_last(f"a block cut short by the end of the file at {length:,}")
        _pass_over(descriptor, walked, walked.end + len(magic), length, magic)
        return
    rest = os.pread(descriptor, WINDOW, end)
    plain = unlocked(rest, end, file.key)
    if any(rest) and plain[: len(magic)] == magic[: len(plain)]:
        walked.unfinished = "a record whose size is not written yet, or is wrong"
        _pass_over(descriptor, walked, end + len(magic), length, magic)
        return
    if rest and walked.offsets and _check_last(descriptor, walked):
        # the last record is not whole: the next one may begin inside of it
        if _pass_over(descriptor, walked, walked.end + len(magic), length, magic) or not any(rest):
            return
        expected = f"a record after the record at {walked.end} (magic {magic.hex()})"
        raise _damaged(file, end, expected, _named(plain))
    # scraps of another file stand in the place of the record where this one was read up to
    known = not any(rest) or bool(walked.offsets)
    if (known and _pass_over(descriptor, walked, end, length, magic)) or not any(rest):
        return
    key = _key_seen(descriptor, file, magic) if end == 0 else None
    if key is not None:
        raise BadKey(file=file.path.with_name("xor.dat"), found=_said_of(file.key, key))
    before = f" after the record at {walked.offsets[-1]}" if walked.offsets else ""
    raise _damaged(file, end, f"a record{before} (magic {magic.hex()})", _named(plain))


def _pass_over(descriptor: int, walked: Walked, start: int, length: int, magic: bytes) -> bool:
    """Go on at the next record behind ``start``, and say whether there is one."""
    following, zeros = _following(descriptor, walked.file, start, length, magic)
    if following is None:
        return False
    walked.at_end, walked.unfinished = False, ""
    walked.passed, walked.zeros = following - walked.end, zeros and start == walked.end
    return True


# bytes that are searched at a time for the next record
_CHUNK = 1 << 20


def _following(
    descriptor: int, file: BlockFile, start: int, length: int, magic: bytes
) -> tuple[int | None, bool]:
    """Where the next record begins from ``start`` on, None for nowhere; whether all before it is
    zero.
    """
    marks = [mark.to_bytes(4, "little") for mark in _marks(file.key, magic)[0]]
    zeros = True
    for chunk in range(start, length, _CHUNK):
        # a magic may lie over the edge of two chunks
        data = os.pread(descriptor, _CHUNK + FRAME, chunk)
        if data.count(0) == len(data):
            continue
        places = sorted(
            place
            for at, mark in enumerate(marks)
            for place in _places(data, mark, (at - chunk) & 7)
        )
        for place in places:
            if place < _CHUNK and _is_record(descriptor, file, chunk + place, length, magic):
                return chunk + place, zeros and not any(data[:place])
        zeros = False
    return None, zeros


def _places(data: bytes, mark: bytes, turn: int) -> Iterator[int]:
    """Where a mark stands at places that are ``turn`` modulo 8."""
    place = data.find(mark)
    while place >= 0:
        if place & 7 == turn:
            yield place
        place = data.find(mark, place + 1)


def _is_record(descriptor: int, file: BlockFile, offset: int, length: int, magic: bytes) -> bool:
    """Whether a record begins here: one whose size leads to another, to zeros or to the end."""
    size = int.from_bytes(read_plain(descriptor, file, offset, FRAME)[4:], "little")
    end = offset + FRAME + size
    if not LEAST_SIZE <= size <= MOST_SIZE or end > length:
        return False
    behind = os.pread(descriptor, 4, end)
    return not any(behind) or unlocked(behind, end, file.key) == magic[: len(behind)]


def _key_seen(descriptor: int, file: BlockFile, magic: bytes) -> bytes | None:
    """The key by which a file seems to be XORed, from what 32 bytes of zeros became; or None.

    The first block's header or coinbase has them: what it spends, or the hash of its parent.
    """
    data = os.pread(descriptor, WINDOW, 0)
    for at in range(0, len(data) - 3 * KEY_SIZE, KEY_SIZE):
        key = data[at : at + KEY_SIZE]
        repeats = data[at : at + 3 * KEY_SIZE] == 3 * key
        if repeats and any(key) and unlocked(data[: len(magic)], 0, key) == magic:
            return key
    return None


def _said_of(key: bytes, seen: bytes) -> str:
    held = "no such file" if not any(key) else f"the key {key.hex()}"
    return f"{held}, while the block files are XORed with {seen.hex()}"


def _named(plain: bytes) -> str:
    """The bytes found in the place of the magic, and whose magic they are."""
    for network in NETWORKS.values():
        if plain.startswith(network.magic):
            return f"the magic of {network.name}"
    return f"{plain[:4].hex()}, which is no network's"


def _check_last(descriptor: int, walked: Walked) -> bool:
    """Keep the record in front of laid-out zeros or scraps only if every byte of it is there.

    Says whether it was left.
    """
    offset = walked.offsets[-1]
    length = walked.end - offset - FRAME
    try:
        check_block(read_plain(descriptor, walked.file, offset + FRAME, length))
    except ChainError as error:
        walked.leave_last(f"a block that is not whole yet, or damaged: {error}")
        return True
    return False


def _damaged(file: BlockFile, offset: int, expected: str, found: str) -> DamagedBlockFile:
    return DamagedBlockFile(file=file.path.name, offset=offset, expected=expected, found=found)
