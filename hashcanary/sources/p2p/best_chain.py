"""The best chain as known during a synchronisation: what the lake holds, then what peers added.

Only what judging a branch needs is kept: 56 bytes a header. The lake's part is read as far down
as a branch reaches.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.headers import Preceding
from hashcanary.chain.targets import total_work

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from hashcanary.arrays import Ints
    from hashcanary.chain.networks import Network
    from hashcanary.chain.validate import ValidatedRun
    from hashcanary.sources.feed import Held

_DENSE = 10
_EPOCHS_READ = 4


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Headers ascending by height. hash: (n, 32) printed order; keys: its last 8 bytes."""

    heights: Ints
    hash: NDArray[np.uint8]
    keys: NDArray[np.uint64]
    times: Ints
    bits: Ints

    @classmethod
    def of(
        cls,
        heights: Ints,
        hashes: NDArray[np.uint8],
        times: Ints,
        bits: Ints,
    ) -> _Stretch:
        keys = np.ascontiguousarray(hashes[:, 24:]).view(np.uint64)[:, 0]
        return cls(heights, hashes, keys, times, bits)

    @classmethod
    def of_run(cls, run: ValidatedRun) -> _Stretch:
        heights = np.arange(run.first_height, run.last_height + 1, dtype=np.int64)
        return cls.of(heights, run.columns.hash, run.columns.time, run.columns.bits)

    @classmethod
    def of_frame(cls, frame: pl.DataFrame) -> _Stretch:
        hashes = np.frombuffer(b"".join(frame["hash"].to_list()), np.uint8).reshape(-1, 32)
        heights, times, bits = (frame[name].to_numpy() for name in ("height", "time", "bits"))
        return cls.of(heights, hashes, times, bits)

    @classmethod
    def joined(cls, parts: Sequence[_Stretch]) -> _Stretch:
        """Parts that follow one another, as one."""
        columns = ([getattr(part, one.name) for part in parts] for one in fields(cls))
        return cls(*map(np.concatenate, columns))

    def __len__(self) -> int:
        return len(self.heights)

    def between(self, least: int, most: int) -> _Stretch:
        """The part of heights from ``least`` to ``most``, both included."""
        start, end = np.searchsorted(self.heights, (least, most + 1)).tolist()
        return _Stretch(*(getattr(self, one.name)[start:end] for one in fields(self)))

    def until(self, height: int) -> _Stretch:
        """The part up to a height."""
        return self.between(0, height)

    def find(self, block: bytes) -> int | None:
        """The height of a block, None where it is not here."""
        for row in np.flatnonzero(self.keys == np.frombuffer(block, np.uint64)[3]).tolist():
            if self.hash[row].tobytes() == block:
                return int(self.heights[row])
        return None


class BestChain:
    """The chain with the most work known so far; of an empty lake, genesis alone.

    network: whose chain it is; tip_height: of its last block; added: how many headers
    peers have given that are on it.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self.network = held.network
        self._reach = held.network.retarget_interval
        self._new: list[_Stretch] = []
        self._held_to = held.tip_height or 0
        self.tip_height = self._held_to
        self.added = 0
        self._read_from = max(0, self._held_to - _EPOCHS_READ * self._reach)
        self._lake = self._read_lake()

    def find(self, block: bytes) -> int | None:
        """The height of a block of the best chain; None of any other."""
        for stretch in (*reversed(self._new), self._lake):
            height = stretch.find(block)
            if height is not None:
                return height
        if self._read_from > 0:
            self._read_all()
            return self._lake.find(block)
        if self._held.active_from is not None:
            return None
        height = self._held.height_of(block)
        return height if height is not None and height <= self._held_to else None

    def preceding(self, height: int, block: bytes) -> Preceding:
        """What the rules need to know before a child of ``block``, which is at ``height``.

        Times and bits reach back 2016 blocks, or as far as is known without a gap.
        """
        if height - self._reach < self._read_from:
            self._read_all()
        rows = self._rows(height - self._reach + 1, height)
        gaps = np.flatnonzero(np.diff(rows.heights, append=height + 1) != 1)
        start = int(gaps[-1]) + 1 if len(gaps) else 0
        return Preceding(height, block, rows.times[start:], rows.bits[start:])

    def work_above(self, height: int) -> int:
        """Exact work, in hashes, of the blocks above a height, as far as they are known."""
        if height < self._read_from:
            self._read_all()
        return total_work(self._rows(height + 1, self.tip_height).bits)

    def take(self, fork: int, runs: Sequence[ValidatedRun]) -> None:
        """Put a branch in place of everything above the block it forks from."""
        if fork < self.tip_height:
            self._new = [part for part in (one.until(fork) for one in self._new) if len(part)]
            self._held_to = min(self._held_to, fork)
            self._lake = self._lake.until(self._held_to)
        self._new += [_Stretch.of_run(run) for run in runs]
        self.tip_height = runs[-1].last_height
        self.added += sum(len(run) for run in runs)

    def locator(self) -> tuple[bytes, ...]:
        """Hashes of the best chain: the tip, nine before it, then in doubling steps, genesis."""
        hashes = []
        height, step = self.tip_height, 1
        while height > self._held_to:
            hashes.append(self._rows(height, height).hash[0].tobytes())
            step *= 2 if len(hashes) >= _DENSE else 1
            height -= step
        hashes += [block for block in self._held.locator if self._stands(block)]
        genesis = self.network.genesis.hash
        return tuple(hashes) if genesis in hashes else (*hashes, genesis)

    def _stands(self, block: bytes) -> bool:
        height = self._held.height_of(block)
        return height is not None and height <= self._held_to

    def _rows(self, least: int, most: int) -> _Stretch:
        return _Stretch.joined([part.between(least, most) for part in (self._lake, *self._new)])

    def _read_all(self) -> None:
        self._read_from = 0
        self._lake = self._read_lake()

    def _read_lake(self) -> _Stretch:
        """The lake's part; genesis, which everybody knows, stands below it in any case."""
        if self._held.tip_height is None or self._held.active_from is None:
            self._read_from = 0
            return _genesis(self.network)
        lake = _Stretch.of_frame(self._held.active_from(self._read_from)).until(self._held_to)
        if self._read_from > 0 or len(lake.between(0, 0)):
            return lake
        return _Stretch.joined([_genesis(self.network), lake])


def _genesis(network: Network) -> _Stretch:
    genesis = network.genesis
    return _Stretch.of(
        np.zeros(1, np.int64),
        np.frombuffer(genesis.hash, np.uint8).reshape(1, 32),
        np.array([genesis.time], np.int64),
        np.array([genesis.bits], np.int64),
    )
