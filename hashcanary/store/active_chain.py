"""The active chain: of all branches in the header tree, the one with the most work.

1. Headers that are alone at their height and linked to the one before form stretches; every other
   header is a stretch of one. A fork can only leave a stretch at its last header.
2. Work is summed exactly, stretch by stretch, from each root: a header whose parent is unknown.
3. In each tree the tip with the most work wins; on a tie the one seen first. Loads in any order
   give the same lake, so "seen" is the time by which a branch's headers say they were known; if
   that ties too, the lesser hash.
4. Trees apart by a gap stand beside each other. Where two trees claim one height, which takes a
   fork inside a gap, the one with more work stands.

The other branches stay in the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Ints
from hashcanary.chain.targets import block_work, total_work

# what the functions here need of a header
COLUMNS = ("height", "hash", "prev_hash", "time", "bits")
_NONE = -1


def is_forked(heights: pl.Series) -> bool:
    """Whether any height has two headers; without, every header is active."""
    return heights.n_unique() < len(heights)


def known_at(headers: pl.DataFrame) -> Ints:
    """When each header could be known: the running maximum of header time along its branch.

    headers: the columns of ``COLUMNS``, ascending by height; result: (n,) Unix seconds.
    """
    tree = Tree.of(headers)
    times = headers["time"].to_numpy()
    known = np.empty(len(times), np.int64)
    for start, end, parent in zip(tree.starts, tree.ends, tree.parents, strict=True):
        stretch = np.maximum.accumulate(times[start:end])
        if parent != _NONE:
            stretch = np.maximum(stretch, known[tree.ends[parent] - 1])
        known[start:end] = stretch
    return known


def active(headers: pl.DataFrame) -> Bools:
    """Which of n headers are on the active chain.

    headers: the columns of ``COLUMNS``, ascending by height, each hash once; result: (n,).
    """
    if not is_forked(headers["height"]):
        return np.ones(headers.height, np.bool_)
    tree = Tree.of(headers)
    mask = np.zeros(headers.height, np.bool_)
    heights = headers["height"].to_numpy()
    claimed: set[int] = set()
    for tip in _best_tips(headers, tree):
        path = _path(tree, tip)
        claims = {int(height) for start, end in path for height in heights[start:end]}
        if claimed.isdisjoint(claims):
            claimed |= claims
            for start, end in path:
                mask[start:end] = True
    return mask


@dataclass(frozen=True, slots=True)
class Tree:
    """Stretches in ascending height: rows ``starts`` to ``ends``, and the stretch each follows."""

    starts: list[int]
    ends: list[int]
    parents: list[int]

    @classmethod
    def of(cls, headers: pl.DataFrame) -> Tree:
        """Cut headers, ascending by height, into stretches."""
        alone = ~headers["height"].is_duplicated()
        linked = (headers["prev_hash"] == headers["hash"].shift(1)).fill_null(value=False)
        joined = (linked & alone & alone.shift(1, fill_value=False)).to_numpy()
        starts = np.flatnonzero(~joined)
        ends = np.append(starts[1:], len(joined))[: len(starts)]
        tips = headers.select("hash")[ends - 1].with_columns(
            stretch=pl.int_range(pl.len(), dtype=pl.Int64)
        )
        parents = (
            headers.select("prev_hash")[starts]
            .join(tips, left_on="prev_hash", right_on="hash", how="left", maintain_order="left")
            .get_column("stretch")
            .fill_null(_NONE)
        )
        return cls(starts.tolist(), ends.tolist(), parents.to_list())


def _best_tips(headers: pl.DataFrame, tree: Tree) -> list[int]:
    """The winning last stretch of each tree, the tree with the most work first."""
    bits = headers["bits"].to_numpy()
    known = known_at(headers)
    one_block: dict[int, int] = {}
    work: list[int] = []
    root: list[int] = []
    best: dict[int, tuple[int, int, bytes, int]] = {}
    for stretch, (start, end, parent) in enumerate(
        zip(tree.starts, tree.ends, tree.parents, strict=True)
    ):
        if end - start == 1:
            alone = int(bits[start])
            own = one_block.get(alone) or one_block.setdefault(alone, block_work(alone))
        else:
            own = total_work(bits[start:end])
        work.append(own + (work[parent] if parent != _NONE else 0))
        root.append(root[parent] if parent != _NONE else stretch)
        rank = (-work[stretch], int(known[end - 1]), headers["hash"][end - 1], stretch)
        best[root[stretch]] = min(rank, best.get(root[stretch], rank))
    return [rank[-1] for rank in sorted(best.values())]


def _path(tree: Tree, tip: int) -> list[tuple[int, int]]:
    """The rows from a tree's root to a stretch."""
    path = []
    while tip != _NONE:
        path.append((tree.starts[tip], tree.ends[tip]))
        tip = tree.parents[tip]
    return path
