"""Scans the block files of a Bitcoin Core data directory, offline or beside the running node.

1. Each file is walked from record to record; only the first kibibyte of each is read. Files are
   walked in parallel and taken in their order.
2. Windows of some thousand records become rows at once, checked as far as what was read allows.
3. Blocks are placed by their parents. One whose parent has not been met waits, for a node writes
   blocks as they come.
4. What is placed is given in batches, with a cursor that a later scan goes on from: an offset a
   file, no further than the first block that waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hashcanary.chain.coinbase import height_push
from hashcanary.chain.errors import ChainError
from hashcanary.chain.whole_block import check_block
from hashcanary.sources.errors import DamagedBlockFile
from hashcanary.sources.facts import BLOCKS, HEADERS, Facts
from hashcanary.sources.feed import Batch, Held
from hashcanary.sources.node.block_files_heights import UNKNOWN, Linker, matrix, states_height
from hashcanary.sources.node.block_files_records import Records, read_block, rows_of
from hashcanary.sources.node.block_files_walk import (
    MOST_RECORDS,
    BlockFile,
    BlockFolder,
    Progress,
    Walked,
    find_folder,
    walk,
)

SOURCE = "blockfiles"
BATCH_ROWS = 32_768
BATCH_BYTES = 8 << 30
MOST_WAITING = 65_536
"""Blocks kept in memory until their parents are met; what is more is read again later."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """workers: files walked at a time; whole: read every block whole and check all its bytes."""

    workers: int = 4
    whole: bool = False


def scan(
    folder: Path | str, held: Held, cursor: dict[str, object], options: ScanOptions
) -> Iterator[Batch]:
    """Everything in the block files of a data directory that the cursor does not cover.

    Raises NoBlockFiles, BadKey, DamagedBlockFile.
    """
    found = find_folder(str(folder), held.network)
    scanning = _Scan(found, held, Progress(found, cursor, options.whole), options)
    walks = _walks(found, scanning.progress, held.network.magic, options.workers)
    try:
        for group in _groups(walks):
            scanning.take(group)
            if scanning.is_full():
                yield scanning.batch()
        scanning.settle()
    except DamagedBlockFile:
        # what came before the damage is sound: it is kept, and not read again
        if scanning.is_ready():
            yield scanning.batch()
        raise
    yield from scanning.last()


class _Scan:
    """One scan under way: what is ready to be given, what waits, what there is to say."""

    def __init__(
        self, folder: BlockFolder, held: Held, progress: Progress, options: ScanOptions
    ) -> None:
        self.progress = progress
        self._network, self._folder, self._options = held.network, folder, options
        self._files = {file.number: file for file in folder.files}
        self._linker = Linker(held.network, held.height_of, self._proven)
        self._ready: list[pl.DataFrame] = []
        self._waiting: pl.DataFrame | None = None
        self._reread: list[tuple[int, int]] = []
        # file numbers and offsets of bytes of no whole block: a mended file has one there
        self._scraps: list[tuple[int, int]] = []
        self._given_bytes = progress.done
        self._begun = progress.done
        self._notes: list[str] = []
        self._repeated = 0
        self._read = 0

    def take(self, walks: list[Walked]) -> None:
        """Read the records of some walks and place what can be placed."""
        for walked in walks:
            self._note_end(walked)
        records = Records.of(walks)
        if len(records):
            rows = rows_of(records, self._network, self._options.whole)
            self._read += len(rows)
            self._place(self._new(rows))
        for walked in walks:
            self.progress.reached(walked.file, walked.onward)
            if walked.at_end:
                self.progress.finished(walked.file)

    def is_ready(self) -> bool:
        """Whether there is anything to give."""
        return bool(self._ready)

    def is_full(self) -> bool:
        """Whether enough is ready, or enough bytes have passed, to be given."""
        ready = sum(map(len, self._ready))
        return ready >= BATCH_ROWS or self.progress.done - self._given_bytes >= BATCH_BYTES

    def settle(self) -> None:
        """Place what waits as if no more blocks came; what cannot be is left for another scan."""
        if self._waiting is not None:
            self._place(self._waiting.clear(), finally_=True)

    def batch(self) -> Batch:
        """What is ready, and the cursor behind it."""
        if self._folder.missing:
            # a pruned directory: the parents of its oldest blocks will never come
            self.settle()
        frame = pl.concat(self._ready) if self._ready else None
        self._ready = []
        self._given_bytes = self.progress.done
        return Batch(
            facts=() if frame is None else _facts(frame),
            cursor=self.progress.cursor([*self._unplaced(), *self._scraps]),
            done=self.progress.done,
            total=self.progress.total,
            unit="bytes",
        )

    def last(self) -> Iterator[Batch]:
        """The last batch, with notes; none where nothing was read and there is nothing to say."""
        unplaced = self._unplaced()
        if unplaced:
            number, offset = min(unplaced)
            self._notes.append(
                f"{len(unplaced)} blocks follow no block of known height, the first in "
                f"{self._files[number].path.name} at offset {offset}: not taken; they are read "
                "again when the lake knows more headers"
            )
        if self._read == 0 and not self._notes:
            return
        if self._read:
            self._say_what_was_read()
        batch = self.batch()
        yield Batch(batch.facts, batch.cursor, batch.done, batch.total, "bytes", tuple(self._notes))

    def _unplaced(self) -> list[tuple[int, int]]:
        """File numbers and offsets of the blocks without a height as yet."""
        waiting = () if self._waiting is None else self._waiting.select("number", "offset").rows()
        return [*self._reread, *waiting]

    def _say_what_was_read(self) -> None:
        missing = self._folder.missing
        if missing:
            self._notes.append(
                f"{len(missing)} block files below the last are missing: the node has pruned them"
            )
        if self._repeated:
            self._notes.append(f"{self._repeated} blocks stand in the files more than once")
        if not self._options.whole:
            self._notes.append(
                "read: headers, counts, coinbases; that these belong to the header was checked "
                "where the coinbase is the only transaction (verify=full checks every block)"
            )

    def _note_end(self, walked: Walked) -> None:
        name = walked.file.path.name
        if walked.passed:
            what = "zero bytes" if walked.zeros else "bytes of no whole block"
            if not walked.zeros:
                self._scraps.append((walked.file.number, walked.end))
            self._notes.append(
                f"{name}, offset {walked.end}: {walked.passed:,} {what} before the next block, "
                "passed over as a node does"
            )
        if walked.gone:
            self._notes.append(f"{name}: removed by the node while it was read")
        elif walked.unfinished:
            self._notes.append(
                f"{name}, offset {walked.end}: {walked.unfinished}; it is read again next time"
            )

    def _new(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows without blocks that this scan has met before."""
        fresh = ~self._linker.known(matrix(rows["hash"]))
        once = rows if fresh.all() else rows.filter(fresh)
        if once["hash"].n_unique() < len(once):
            once = once.unique("hash", keep="first", maintain_order=True)
        if self._waiting is not None:
            once = once.join(self._waiting.select("hash"), on="hash", how="anti")
        self._repeated += len(rows) - len(once)
        return once

    def _place(self, rows: pl.DataFrame, finally_: bool = False) -> None:
        if self._waiting is not None:
            rows = pl.concat([self._waiting, rows])
        if rows.is_empty():
            return
        heights = self._linker.place(rows, finally_)
        placed = heights != UNKNOWN
        ready = rows.hstack([pl.Series("height", heights)])
        self._waiting = None
        if not placed.all():
            self._keep_waiting(rows.filter(~placed))
            ready = ready.filter(placed)
        if len(ready):
            self._check_stated_heights(ready)
            self._ready.append(ready)

    def _keep_waiting(self, rows: pl.DataFrame) -> None:
        self._waiting = rows
        if len(rows) > MOST_WAITING:
            self._waiting = None
            heights = self._linker.place(rows, finally_=True)
            placed = pl.Series(heights != UNKNOWN)
            self._reread += rows.filter(~placed).select("number", "offset").iter_rows()
            ready = rows.with_columns(height=pl.Series(heights)).filter(placed)
            self._check_stated_heights(ready)
            self._ready.append(ready)

    def _check_stated_heights(self, rows: pl.DataFrame) -> None:
        """Raise DamagedBlockFile for a coinbase that states another height than its block's."""
        heights, head = rows["height"].to_numpy(), rows["head"].to_numpy()
        demanded = heights >= max(self._network.bip34_height, 1)
        for index in np.flatnonzero(demanded & ~states_height(head, heights)).tolist():
            row = rows.row(index, named=True)
            push = height_push(row["height"])
            if not row["coinbase_script"].startswith(push):
                raise DamagedBlockFile(
                    file=self._files[row["number"]].path.name,
                    offset=row["offset"],
                    expected=f"a coinbase that begins with {push.hex()} for height {row['height']}",
                    found=row["coinbase_script"][: len(push)].hex(),
                )

    def _proven(self, row: dict[str, object]) -> bool:
        """Whether all bytes of a block belong to its header."""
        number, offset, size = (int(str(row[name])) for name in ("number", "offset", "size"))
        try:
            check_block(read_block(self._files[number], offset, size))
        except ChainError:
            return False
        return True


def _facts(rows: pl.DataFrame) -> tuple[Facts, Facts]:
    """Placed rows as facts about headers and blocks."""
    if not rows["height"].is_sorted():
        rows = rows.sort("height", maintain_order=True)
    headers, blocks = (one.facts(rows, SOURCE, known_at="time") for one in (HEADERS, BLOCKS))
    return headers, blocks


def _groups(walks: Iterator[Walked]) -> Iterator[list[Walked]]:
    """Walks together that are worth reading at once."""
    group: list[Walked] = []
    try:
        for walked in walks:
            group.append(walked)
            if sum(len(one.offsets) for one in group) >= MOST_RECORDS:
                yield group
                group = []
    except DamagedBlockFile:
        if group:
            yield group
        raise
    if group:
        yield group


def _walks(folder: BlockFolder, progress: Progress, magic: bytes, workers: int) -> Iterator[Walked]:
    """The walks of all files that hold more than is known, in their order."""
    todo = [file for file in folder.files if file.size > progress.start(file)]
    executor = ThreadPoolExecutor(workers)
    try:
        yield from _side_by_side(executor, todo, progress, magic, workers)
    finally:
        executor.shutdown(cancel_futures=True)


def _side_by_side(
    executor: ThreadPoolExecutor,
    todo: list[BlockFile],
    progress: Progress,
    magic: bytes,
    workers: int,
) -> Iterator[Walked]:
    """Some files ahead are walked while one is taken: at most ``workers`` walks are in memory."""
    files = iter(todo)
    running: list[Future[Walked]] = []
    while True:
        while len(running) < workers and (file := next(files, None)) is not None:
            running.append(executor.submit(_first_walk, file, progress.start(file), magic))
        if not running:
            return
        walked = running.pop(0).result()
        if not walked.at_end:
            running.insert(0, executor.submit(walk, walked.file, walked.onward, magic))
        yield walked


def _first_walk(file: BlockFile, start: int, magic: bytes) -> Walked:
    """A walk from where the last scan stopped, or from the beginning where that is no place."""
    try:
        return walk(file, start, magic)
    except DamagedBlockFile:
        if not start:
            raise
        return walk(file, 0, magic)
