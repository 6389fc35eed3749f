"""Where a scan of block files goes on: an offset for each file of one directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hashcanary.sources.feed import Cursor
    from hashcanary.sources.node.block_files_folder import BlockFile, BlockFolder


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
