"""Finds the heights of blocks that come in any order.

1. A block stands one above its parent. Parents are looked for among the blocks at hand, those
   placed before in this scan, the network's well-known blocks, and the headers of the lake.
2. What hangs together without reaching any of them waits for blocks still to be read.
3. What waits in the end, as the oldest block of a pruned directory does, is placed by the height
   that its coinbase states (BIP34): only where consensus demands it, where every block of the
   branch states the height that its place in the branch gives it, and where the first block was
   read whole and its bytes give its header.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hashcanary.arrays import Bools, Ints
from hashcanary.chain.coinbase import bip34_height
from hashcanary.chain.networks import Network
from hashcanary.chain.targets import decode_compact

Hashes = NDArray[np.uint8]

Heights = Ints


UNKNOWN = -1
_LEAST_VERSION = 2  # of a header since BIP34 is in force


class HeightBook:
    """Heights by hash, in 20 bytes a block: sorted runs, merged as they grow.

    A block is known by 12 of its 32 bytes. Two blocks alike in them will not occur by chance; the
    store links headers by all of them.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.int32]]] = []

    def add(self, hashes: Hashes, heights: Heights) -> None:
        """Note n blocks: hashes (n, 32), heights (n,)."""
        keys, checks = _keys(hashes)
        run = heights.astype(np.int32)
        while self._runs and len(self._runs[-1][0]) <= 2 * len(keys):
            before = self._runs.pop()
            keys = np.concatenate((before[0], keys))
            checks = np.concatenate((before[1], checks))
            run = np.concatenate((before[2], run))
        order = np.argsort(keys, kind="stable")
        self._runs.append((keys[order], checks[order], run[order]))

    def find(self, hashes: Hashes) -> Heights:
        """The height of each of n blocks, UNKNOWN where none was noted."""
        found = np.full(len(hashes), UNKNOWN, np.int64)
        keys, checks = _keys(hashes)
        for known, known_checks, heights in self._runs:
            at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            same = (known[at] == keys) & (known_checks[at] == checks)
            found[same] = heights[at[same]]
        return found


def _keys(hashes: Hashes) -> tuple[NDArray[np.uint64], NDArray[np.uint32]]:
    """The last 12 bytes of printed hashes, as good as random: 8 to sort by and 4 to check."""
    last = np.ascontiguousarray(hashes[:, 20:])
    checks: NDArray[np.uint32] = np.ascontiguousarray(last[:, :4]).view(np.uint32)[:, 0]
    keys: NDArray[np.uint64] = np.ascontiguousarray(last[:, 4:]).view(np.uint64)[:, 0]
    return keys, checks


def matrix(hashes: pl.Series) -> Hashes:
    """Hashes of a Binary column as (n, 32) bytes."""
    return np.frombuffer(b"".join(hashes.to_list()), np.uint8).reshape(-1, 32)


def states_height(head: Heights, heights: Heights) -> Bools:
    """Whether scripts begin as BIP34 demands, for heights of 1 to 8,388,607; False elsewhere.

    head: (n,) the first four bytes of each scriptSig, little endian.
    """
    due = np.zeros(len(heights), np.int64)
    mask = np.full(len(heights), -1, np.int64)
    for least, length in ((17, 1), (1 << 7, 2), (1 << 15, 3)):
        there = heights >= least
        due[there] = length | heights[there] << 8
        mask[there] = (1 << 8 * (length + 1)) - 1
    small = (heights >= 1) & (heights <= 16)
    due[small], mask[small] = 0x50 + heights[small], 0xFF
    stated: Bools = (head & mask == due) & (heights >= 1) & (heights < 1 << 23)
    return stated


class Linker:
    """Places blocks by their parents; it remembers what it placed, and asks the lake."""

    def __init__(
        self,
        network: Network,
        height_of: Callable[[bytes], int | None],
        proven: Callable[[dict[str, object]], bool],
    ) -> None:
        """height_of: of a header in the lake; proven: whether a row's whole block is sound."""
        self._network = network
        self._height_of = height_of
        self._proven = proven
        self._book = HeightBook()
        self._asked: set[bytes] = set()

    def place(self, rows: pl.DataFrame, finally_: bool = False) -> Heights:
        """The height of each of n rows, UNKNOWN where it waits.

        rows: ``hash``, ``prev_hash``, ``version``, ``bits``, ``coinbase_script``. finally_: no
        more blocks will come that could be parents.
        """
        hashes, parents = matrix(rows["hash"]), matrix(rows["prev_hash"])
        root, depth = _trees(hashes, parents)
        base = np.full(len(rows), UNKNOWN, np.int64)
        roots = np.flatnonzero(root == np.arange(len(rows)))
        above = self._book.find(parents[roots])
        base[roots] = np.where(above == UNKNOWN, UNKNOWN, above + 1)
        self._by_anchors(hashes, root, depth, base)
        for row in roots[base[roots] == UNKNOWN].tolist():
            base[row] = self._by_lake(hashes[row].tobytes(), parents[row].tobytes())
        if finally_:
            self._by_coinbase(rows, root, depth, base)
        heights = np.where(base[root] == UNKNOWN, UNKNOWN, base[root] + depth)
        placed = heights != UNKNOWN
        if placed.any():
            self._book.add(hashes[placed], heights[placed])
        return heights

    def known(self, hashes: Hashes) -> Bools:
        """Which of n blocks this scan has placed already."""
        found: Bools = self._book.find(hashes) != UNKNOWN
        return found

    def _by_anchors(self, hashes: Hashes, root: Heights, depth: Heights, base: Heights) -> None:
        """Place branches that hold a well-known block, or follow one."""
        anchors = self._network.anchors_by_hash
        known = np.frombuffer(b"".join(anchors), np.uint8).reshape(-1, 32)
        inside = np.flatnonzero(np.isin(_keys(hashes)[0], _keys(known)[0]))
        for row in inside.tolist():
            anchor = anchors.get(hashes[row].tobytes())
            if anchor is not None and base[root[row]] == UNKNOWN:
                base[root[row]] = anchor.height - depth[row]

    def _by_lake(self, block: bytes, parent: bytes) -> int:
        anchor = self._network.anchors_by_hash.get(parent)
        if anchor is not None:
            return anchor.height + 1
        if block in self._asked:
            return UNKNOWN
        self._asked.add(block)
        above = self._height_of(parent)
        if above is not None:
            return above + 1
        own = self._height_of(block)
        return UNKNOWN if own is None else own

    def _by_coinbase(
        self, rows: pl.DataFrame, root: Heights, depth: Heights, base: Heights
    ) -> None:
        """Place branches by what all their coinbases say alike, each beginning proven by itself."""
        left = np.flatnonzero(base[root] == UNKNOWN)
        if not len(left):
            return
        of_root: dict[int, set[int | None]] = {}
        least = self._least_work()
        columns = rows.select("version", "bits", "coinbase_script")[left].iter_rows()
        for row, (version, bits, script) in zip(left.tolist(), columns, strict=True):
            said = bip34_height(script, self._network)
            old = version < _LEAST_VERSION or decode_compact(bits).value > least
            first = None if said is None or old else said - int(depth[row])
            of_root.setdefault(int(root[row]), set()).add(first)
        for row, firsts in of_root.items():
            (first,) = firsts if len(firsts) == 1 else (None,)
            if first is not None and first > 0 and self._proven(rows.row(row, named=True)):
                base[row] = first

    def _least_work(self) -> int:
        """The greatest target a block can have since BIP34 is in force, as far as is known.

        Difficulty has never fallen back to what it was then: an easier block is an earlier one.
        """
        for anchor in self._network.anchors:
            if anchor.height == self._network.bip34_height:
                return decode_compact(anchor.bits).value
        return self._network.pow_limit


def _trees(hashes: Hashes, parents: Hashes) -> tuple[Heights, Heights]:
    """For each of n blocks the first of its branch that is at hand, and how far below it that is.

    Halves every path each round, so a chain of n blocks takes log2(n) rounds.
    """
    keys, wanted = _keys(hashes)[0], _keys(parents)[0]
    order = np.argsort(keys, kind="stable")
    at = order[np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)]
    linked = (keys[at] == wanted) & (hashes[at] == parents).all(axis=1)
    ancestor = np.where(linked, at, np.arange(len(keys)))
    depth = linked.astype(np.int64)
    while True:
        further = ancestor[ancestor]
        if (further == ancestor).all():
            return ancestor, depth
        depth += depth[ancestor]
        ancestor = further
