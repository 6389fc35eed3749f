"""Checks headers by the rules that need the blocks before them, across files and loads.

A file is checked by itself where it is read. What its first headers owe to blocks outside the file
(the bits of the epoch they begin in, the next retarget, the median of the times before) can be told
only here, once they stand beside what the lake holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.errors import ChainError
from hashcanary.chain.header_times import MEDIAN_SPAN, check_times, median_time_past
from hashcanary.chain.headers import History
from hashcanary.chain.retarget import check_bits
from hashcanary.store.active_chain import Tree
from hashcanary.store.errors import BrokenRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network


def reach(network: Network) -> int:
    """How many blocks before a header its rules look at."""
    return max(network.retarget_interval, MEDIAN_SPAN)


def check_rules(headers: pl.DataFrame, network: Network) -> None:
    """Check bits and times of new headers, and of those that new ones come before.

    headers: the columns ``active_chain.COLUMNS``, ``source`` and ``new`` (Boolean), ascending by
    height, each hash once; from ``reach`` blocks below the lowest new one on. Raises BrokenRule.
    """
    for history, rows in histories(headers, network):
        try:
            check_bits(history, network)
            median, known = median_time_past(history.times, history.heights)
            check_times(history, network, median, known, None)
        except ChainError as error:
            sources = headers[rows].filter("new")["source"].unique().sort().to_list()
            raise BrokenRule(place=", ".join(sources) or "headers", problem=str(error)) from error


def histories(
    headers: pl.DataFrame, network: Network
) -> Iterator[tuple[History, NDArray[np.int64]]]:
    """Each stretch with anything new in or before it, behind as much as is known before it."""
    tree = Tree.of(headers)
    heights, times, bits = (headers[name].to_numpy() for name in ("height", "time", "bits"))
    new = headers["new"].to_numpy()
    after_new: list[bool] = []
    for start, end, parent in zip(tree.starts, tree.ends, tree.parents, strict=True):
        inherited = parent >= 0 and after_new[parent]
        first = start if inherited else start + int(np.argmax(new[start:end]))
        after_new.append(inherited or bool(new[first]))
        if not after_new[-1]:
            continue
        before = _ancestors(tree, parent, np.arange(start, first), reach(network))
        rows = np.concatenate([before, np.arange(first, end)])
        yield History(heights[rows], times[rows], bits[rows], len(before)), rows


def _ancestors(
    tree: Tree, parent: int, nearest: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Up to ``count`` rows before a place, along its branch, ascending."""
    parts, found = [nearest], len(nearest)
    while parent >= 0 and found < count:
        parts.append(np.arange(tree.starts[parent], tree.ends[parent]))
        found += len(parts[-1])
        parent = tree.parents[parent]
    return np.concatenate(parts[::-1])[-count:]
