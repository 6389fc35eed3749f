"""Blocks of each day by pool: what every figure about pools starts from.

A day is measured when it is final by its blocks (``days.py``) and every block of it has a label by
the record's list of pools. ``unknown`` is a label: the list names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Ints
from hashcanary.metrics.chain_columns import NEVER, ChainColumns
from hashcanary.metrics.days import days_of_blocks
from hashcanary.sources.pools.pool_lists import UNKNOWN, built_in

if TYPE_CHECKING:
    from hashcanary.store.record import Record

_UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class PoolBlocks:
    """Blocks of final days with their pools.

    names: of pools, ``unknown`` first, the others sorted. pool: (n,) per block of the chain the
    index of its pool, -1 without a label; day: (n,) the index of its final day, one past the last
    where it is in none; known_at: (days,) when a measured day was known, NEVER where it is not.
    """

    names: tuple[str, ...]
    pool: Ints
    day: Ints
    known_at: Ints

    def counts(self) -> Ints:
        """Blocks by day and pool, (days, pools); meaningless on days that are not measured."""
        days, pools = self.known_at.size, len(self.names)
        inside = (self.day < days) & (self.pool != _UNLABELLED)
        cells = self.day[inside] * pools + self.pool[inside]
        counted = np.bincount(cells, minlength=days * pools)
        return counted.reshape(days, pools).astype(np.int64)

    def grouped(self, time: Ints) -> PoolBlocks:
        """Pools that the built-in list says belong together as one, for as long as it says.

        time: (n,) header times of the blocks, Unix seconds.
        """
        groups = built_in().groups
        moved = self.pool.copy()
        for index, group in enumerate(groups):
            members = [place for place, name in enumerate(self.names) if name in group.members]
            during = (time >= group.since) & (time < group.until)
            moved[np.isin(self.pool, members) & during] = len(self.names) + index
        return replace(self, names=(*self.names, *(group.slug for group in groups)), pool=moved)


def pool_blocks(record: Record, chain: ChainColumns, starts: Ints) -> PoolBlocks:
    """The record's labels on its final days.

    chain: the record's blocks; starts: of consecutive UTC days.
    """
    names, code = _codes(record.pool_labels["pool"])
    height = record.pool_labels["height"].to_numpy()
    at = np.searchsorted(chain.height, height)
    # a record cut short may hold labels of blocks that it does not hold
    held = at < chain.height.size
    held[held] = chain.height[at[held]] == height[held]
    pool = np.full(chain.height.size, _UNLABELLED, dtype=np.int64)
    pool[at[held]] = code[held]
    day, known_at, _ = days_of_blocks(chain, starts, "header")
    days = starts.size
    without = np.bincount(day[pool == _UNLABELLED], minlength=days + 1)[:days] > 0
    # where no block has a label, a day without blocks is not measured either
    first, last = _labelled_span(pool, day)
    outside = (np.arange(days) < first) | (np.arange(days) > last)
    return PoolBlocks(names, pool, day, np.where(without | outside, NEVER, known_at))


def _labelled_span(pool: Ints, day: Ints) -> tuple[int, int]:
    labelled = day[pool != _UNLABELLED]
    return (int(labelled.min()), int(labelled.max())) if labelled.size else (1, 0)


def _codes(labels: pl.Series) -> tuple[tuple[str, ...], Ints]:
    """Pools by name, ``unknown`` first, and the index of each label's."""
    canonical = built_in().canonical()
    spelled = labels.unique().to_list()
    pools = sorted({canonical.get(label, label) for label in spelled} - {UNKNOWN})
    names = (UNKNOWN, *pools)
    place = {name: index for index, name in enumerate(names)}
    numbers = pl.DataFrame(
        {"label": spelled, "code": [place[canonical.get(label, label)] for label in spelled]},
        schema={"label": pl.String, "code": pl.Int64},
    )
    coded = labels.alias("label").to_frame().join(numbers, on="label", maintain_order="left")
    code: Ints = coded["code"].to_numpy()
    return names, code
