"""A record prepared for base inputs: its chain, days and epochs, each part at its first use.

Days run without a hole from the first to the last that anything is known of, so that a window of
rows is a window of days. ``days.py`` says when a day's blocks are complete, ``vendor.py`` when a
vendor's figures stand in for them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.metrics.chain_columns import NEVER, ChainColumns, Epochs, chain_columns, supply_btc
from hashcanary.metrics.days import Cut, DaySums, core_lookup
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.metrics.pool_days import PoolBlocks, pool_blocks
from hashcanary.metrics.vendor import (
    VendorDays,
    daily_price,
    since_revised,
    vendor_series,
    vendor_turn,
)
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.metrics.declaration import Grain
    from hashcanary.store.record import Record

# exact work of a block of difficulty one, 2^256 / (target + 1), as a float
HASHES_OF_DIFFICULTY_ONE = 2.0**32 * 65536 / 65535
# a vendor's daily figures that may stand in for a day's blocks
_OF_A_DAY = ("BlkCnt", "DiffMean", "IssTotNtv", "SplyCur")


class Prepared:
    """What base inputs are computed from."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @property
    def chain(self) -> ChainColumns:
        """The record's blocks."""
        return self.record.once(chain_columns)

    @cached_property
    def starts(self) -> Ints:
        """Unix seconds: start of every UTC day from the first to the last that blocks, prices or
        vendors know. Raises NothingToMeasure.

        As known at a moment of the day after, that day too: what rests on yesterday stands in its
        row.
        """
        record = self.record
        days = [
            record.chain["time"].to_numpy() // DAY,
            # prices of power reach further than what is measured here, and measure none of it
            record.daily["day"]
            .filter(~record.daily["series"].str.starts_with("power_"))
            .cast(pl.Int64)
            .to_numpy(),
            record.candles["open_time"].to_numpy() // DAY,
        ]
        edges = [int(edge) for day in days if day.size for edge in (day.min(), day.max())]
        if not edges:
            raise NothingToMeasure(at=record.at_text, lake=record.network.name)
        last = max(edges)
        if record.at is not None:
            last = max(last, min(last + 1, record.at // DAY))
        return np.arange(min(edges), last + 1, dtype=np.int64) * DAY

    def times(self, grain: Grain) -> Ints:
        """Unix seconds of each row: a day's start, or the header time of an epoch's first block."""
        return self.starts if grain == "day" else self.chain.time[self.epochs.first]

    @cached_property
    def header(self) -> DayCut:
        """Days by header time."""
        return DayCut(self, "header")

    @cached_property
    def mtp(self) -> DayCut:
        """Days by median time past."""
        return DayCut(self, "mtp")

    @cached_property
    def price(self) -> tuple[Floats, Ints]:
        """USD a bitcoin at each day's close, and when it was known."""
        return daily_price(self.record.daily, self.record.candles, self.starts)

    @cached_property
    def pools(self) -> PoolBlocks | None:
        """Blocks of days with their pools; None where no block has a label."""
        if self.record.pool_labels.is_empty():
            return None
        return pool_blocks(self.record, self.chain, self.starts)

    @cached_property
    def epochs(self) -> Epochs:
        """Difficulty epochs. Raises NothingToMeasure where there are no days either."""
        if self.chain.height.size == 0:
            _ = self.starts
        return Epochs.of(self.chain, self.record.network)


class DayCut:
    """Days by one cut: sums of their blocks, or a vendor's figures where blocks settle no day.

    by_blocks: whether a day rests on its blocks; known_at: Unix seconds, NEVER where the day is not
    known; vendor: whether it rests on the vendor. Values are (days,), meaningless where the day is
    not known.
    """

    def __init__(self, prepared: Prepared, cut: Cut) -> None:
        self._prepared, self._chain = prepared, prepared.chain
        starts, daily = prepared.starts, prepared.record.daily
        self._sums = DaySums(self._chain, starts, cut)
        self._figures = {name: vendor_series(daily, name, starts) for name in _OF_A_DAY}
        counted, mean = self._figures["BlkCnt"], self._figures["DiffMean"]
        # a vendor that counts no block gives no rate to rest on
        there = np.where(counted.value > 0, np.maximum(counted.first, mean.first), NEVER)
        self._turn = vendor_turn(self._chain, starts, there)
        final = self._sums.known_at
        self.by_blocks: Bools = (final <= self._turn) & (final != NEVER)
        revised = since_revised(self._turn, self._figures.values())
        self.known_at: Ints = np.where(self.by_blocks, final, revised)
        self.vendor: Bools = ~self.by_blocks & (self._turn != NEVER)

    @cached_property
    def _fees(self) -> VendorDays:
        prepared = self._prepared
        return vendor_series(prepared.record.daily, "FeeTotNtv", prepared.starts)

    @cached_property
    def _fees_by_blocks(self) -> Bools:
        """Whether all fees of a day are those of its blocks."""
        by_blocks: Bools = self.by_blocks & (self._sums.unknown_fees == 0)
        return by_blocks

    def fees_known_at(self) -> Ints:
        """``known_at`` of fees: a vendor's may stand beside the blocks of a day."""
        late = np.maximum(self.known_at, self._fees.known_at)
        return np.where(self._fees_by_blocks, self.known_at, late)

    def fees_vendor(self) -> Bools:
        """``vendor`` of fees."""
        vendor: Bools = ~np.isnan(self._fees.value) & (self.known_at != NEVER)
        return vendor & ~self._fees_by_blocks

    def _choose(self, own: Floats | Ints, theirs: Floats | float = np.nan) -> Floats:
        return np.where(self.by_blocks, own, theirs)

    def _figure(self, series: str) -> Floats:
        """A vendor's figure, NaN where it was not known when the vendor's turn came."""
        figure = self._figures[series]
        return np.where(figure.first <= self._turn, figure.value, np.nan)

    def _block_work(self) -> Floats:
        """Hashes a block by the vendor's mean difficulty."""
        return self._figure("DiffMean") * HASHES_OF_DIFFICULTY_ONE

    def _of_last(self, values: Callable[[Ints], Floats | Ints]) -> Floats:
        """Values of blocks, by index, of the last block of each day; NaN where there is none."""
        days = np.flatnonzero(self._sums.last >= 0)
        column = np.full(self._sums.last.size, np.nan)
        column[days] = values(self._sums.last[days])
        return column

    def count(self) -> Floats:
        """Number of blocks."""
        return self._choose(self._sums.count, self._figure("BlkCnt"))

    def work(self) -> Floats:
        """Hashes."""
        return self._choose(self._sums.work, self._figure("BlkCnt") * self._block_work())

    def work_squared(self) -> Floats:
        """Sum of the squares of hashes a block."""
        vendor = self._figure("BlkCnt") * self._block_work() ** 2
        return self._choose(self._sums.work_squared, vendor)

    def work_max(self) -> Floats:
        """Hashes of the hardest block."""
        return self._choose(self._sums.work_max, self._block_work())

    def difficulty_mean(self) -> Floats:
        """Mean over blocks, a ratio to difficulty one; NaN of a day without blocks."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._choose(self._sums.difficulty / self._sums.count, self._figure("DiffMean"))

    def issuance_btc(self) -> Floats:
        """New coins, BTC."""
        return self._choose(self._sums.issuance, self._figure("IssTotNtv"))

    def fees_btc(self) -> Floats:
        """BTC: of a day's blocks where the fees of all are known, else the vendor's."""
        return np.where(self._fees_by_blocks, self._sums.fees, self._fees.value)

    def difficulty_last(self) -> Floats:
        """Of the last block, a ratio to difficulty one."""
        return self._choose(
            self._of_last(lambda last: self._chain.difficulty[last]), self._figure("DiffMean")
        )

    def supply_btc(self) -> Floats:
        """BTC after the last block."""
        network = self._prepared.record.network
        return self._choose(
            self._of_last(lambda last: supply_btc(self._chain.height[last], network)),
            self._figure("SplyCur"),
        )

    def last_height(self) -> pl.Series:
        """Of the last block; null on a day that rests on the vendor."""
        heights = self._choose(self._of_last(lambda last: self._chain.height[last]))
        return pl.Series(heights, nan_to_null=True).cast(pl.Int64)

    @cached_property
    def _core(self) -> tuple[Floats, Floats]:
        return core_lookup(self._chain, self._sums.last)

    def core_work(self) -> Floats:
        """Hashes of the last 120 blocks at the day's end."""
        return self._choose(self._core[0])

    def core_seconds(self) -> Floats:
        """Time of the last 120 blocks, as Bitcoin Core takes it."""
        return self._choose(self._core[1])
