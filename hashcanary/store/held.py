"""What a sync holds of the lake: the header tree in memory, and what a feed is told.

The header tree in memory, as a sync needs it: found by hash, and extended without rereading.

1. Rows are kept in the order in which they came; an index on 8 bytes of each hash finds one.
2. The active chain is kept beside them. Headers that only extend its tip, above everything known,
   are put on its end; after any others it is chosen anew among all branches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.sources.facts import DAILY_REFERENCE, TABLES
from hashcanary.sources.feed import Held
from hashcanary.store import active_chain
from hashcanary.store.recording import active_headers

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from hashcanary.store.lake import Lake


UNKNOWN = -1
ACTIVE = ("height", "hash", "time", "bits")
_COLUMNS = list(active_chain.COLUMNS)
# the locator names the tip and nine before it one by one, then in doubling steps
_NEAREST = 10
_MOST_CHUNKS = 64


@dataclass(frozen=True, slots=True)
class Tip:
    """The highest block of the active chain."""

    height: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class HeldHeaders:
    """All headers of one version of a lake; immutable.

    frame: ``active_chain.COLUMNS`` as they came; keys: (n,) of the hashes, ascending; rows: the row
    of each key; active: the active chain, ascending: ``height``, ``hash``, ``time``, ``bits``.
    """

    version: int
    frame: pl.DataFrame
    keys: NDArray[np.uint64]
    rows: NDArray[np.int64]
    active: pl.DataFrame

    @classmethod
    def of(cls, lake: Lake) -> HeldHeaders:
        """The headers of a lake. Raises LakeDamaged."""
        frame = lake.frame("headers", _COLUMNS)
        keys = _keys(frame["hash"])
        order = np.argsort(keys, kind="stable")
        return cls(lake.version, frame, keys[order], order, active_headers(frame).select(ACTIVE))

    @property
    def tip(self) -> Tip | None:
        """The highest active block; None where there are no headers."""
        return Tip(*self.active.select("height", "hash").row(-1)) if len(self.active) else None

    def rows_of(self, hashes: pl.Series) -> NDArray[np.int64]:
        """The row of each of n hashes, or UNKNOWN."""
        found = np.full(len(hashes), UNKNOWN, np.int64)
        if not len(self.keys):
            return found
        wanted = _keys(hashes)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        likely = np.flatnonzero(self.keys[place] == wanted)
        rows = self.rows[place[likely]]
        same = (self.frame["hash"].gather(rows) == hashes.gather(likely)).to_numpy()
        found[likely[same]] = rows[same]
        for index in likely[~same].tolist():
            # 8 bytes shared by two hashes: look at all that share them
            alike = self.rows[self.keys == wanted[index]].tolist()
            matching = [row for row in alike if self.frame["hash"][row] == hashes[index]]
            found[index] = matching[0] if matching else UNKNOWN
        return found

    def height_of(self, block: bytes) -> int | None:
        """The height of a header, None where it is not known."""
        row = int(self.rows_of(pl.Series([block], dtype=pl.Binary))[0])
        return None if row == UNKNOWN else int(self.frame["height"][row])

    def places_of(self, hashes: pl.Series) -> pl.DataFrame:
        """Those of the hashes that are known: ``hash``, ``height``."""
        rows = self.rows_of(hashes)
        known = pl.Series(rows[rows != UNKNOWN])
        return self.frame.select(pl.col("hash", "height").gather(known))

    def locator(self, genesis: bytes) -> tuple[bytes, ...]:
        """Hashes of the active chain: the tip, nine before it, doubling steps, genesis last."""
        if not len(self.active):
            return ()
        place, step, places = len(self.active) - 1, 1, []
        while place >= 0:
            places.append(place)
            step = step * 2 if len(places) >= _NEAREST else 1
            place -= step
        found = self.active["hash"].gather(places).to_list()
        return tuple(found if found[-1] == genesis else [*found, genesis])

    def is_active(self, block: Tip) -> bool:
        """Whether a block is on the active chain."""
        row = int(self.active["height"].search_sorted(block.height))
        return row < len(self.active) and bool(self.active["hash"][row] == block.hash)

    def fork_below(self, block: Tip) -> Tip | None:
        """The last active block of the branch that a known block is on; None where none is."""
        height, name = block.height, block.hash
        while not self.is_active(Tip(height, name)):
            row = int(self.rows_of(pl.Series([name], dtype=pl.Binary))[0])
            if row == UNKNOWN:
                return None
            height, name = height - 1, self.frame["prev_hash"][row]
        return Tip(height, name)

    def extended(self, new: pl.DataFrame) -> HeldHeaders:
        """With further headers, none of them known yet; the caller gives it its version.

        new: ``active_chain.COLUMNS``.
        """
        if new.is_empty():
            return self
        frame = self.frame.vstack(new.select(_COLUMNS))
        frame = frame.rechunk() if frame.n_chunks() > _MOST_CHUNKS else frame
        keys = _keys(new["hash"])
        order = np.argsort(keys, kind="stable")
        places = np.searchsorted(self.keys, keys[order])
        merged = np.insert(self.keys, places, keys[order])
        rows = np.insert(self.rows, places, order + self.frame.height)
        active = self._lengthened(new)
        if active is None:
            active = active_headers(frame.sort("height", "hash")).select(ACTIVE)
        return HeldHeaders(self.version, frame, merged, rows, active)

    def _lengthened(self, new: pl.DataFrame) -> pl.DataFrame | None:
        """The active chain with new headers on its end, or None where they do more than that."""
        tip = self.tip
        if tip is None or tip.height != self.frame["height"].max():
            return None
        parents = pl.concat([pl.Series([tip.hash], dtype=pl.Binary), new["hash"][:-1]])
        if not (parents == new["prev_hash"]).all():
            return None
        return self.active.vstack(new.select(ACTIVE))


def _keys(hashes: pl.Series) -> NDArray[np.uint64]:
    """The last 8 bytes of each hash as a number: its first ones are zeros."""
    last = hashes.bin.slice(24, 8).bin.reinterpret(dtype=pl.UInt64)
    return last.fill_null(0).to_numpy()


def held_of(lake: Lake, headers: HeldHeaders) -> Held:
    """What a lake holds, as feeds ask for it; headers: its header tree."""

    def heights_with(source: str, column: str = "height") -> NDArray[np.int64]:
        names = dict.fromkeys(("height", "hash", "source", column))
        rows = lake.frame("blocks", list(names)).filter(
            pl.col("source").str.starts_with(source), pl.col(column).is_not_null()
        )
        return _of_the_active_chain(rows, headers.active)["height"].unique().sort().to_numpy()

    def last_known(table: str, *subject: object) -> int | None:
        columns = TABLES[table].subject[: len(subject)]
        same = [pl.col(name) == value for name, value in zip(columns, subject, strict=True)]
        rows = lake.frame(table, ["known_at"], pl.all_horizontal(same) if same else None)
        newest = rows["known_at"].max()
        return newest if isinstance(newest, int) else None

    def active_from(height: int) -> pl.DataFrame:
        return headers.active.filter(pl.col("height") >= height)

    def daily_from(day: date) -> pl.DataFrame:
        return lake.frame(DAILY_REFERENCE.name, where=pl.col("day") >= day)

    tip = headers.tip
    return Held(
        network=lake.network,
        locator=headers.locator(lake.network.genesis.hash),
        tip_height=None if tip is None else tip.height,
        height_of=headers.height_of,
        heights_with=heights_with,
        last_known=last_known,
        active_from=active_from,
        daily_from=daily_from,
    )


def _of_the_active_chain(rows: pl.DataFrame, active: pl.DataFrame) -> pl.DataFrame:
    """Rows about blocks, without those of a block that another one has displaced."""
    beside = rows.join(
        active.select("height", active_hash="hash"), on="height", how="left", maintain_order="left"
    )
    displaced = (pl.col("hash") != pl.col("active_hash")).fill_null(value=False)
    return beside.filter(~displaced)
