"""The active chain as arrays: where consensus integers become the floats that metrics sum.

Work is the exact expected number of hashes of a block, 2^256 / (target + 1); difficulty times
2^32 is smaller by 1.5e-5 (Bitcoin Core, ``GetBlockProof``).

The difficulty epochs of the chain, one entry an epoch whose first block is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.chain.networks import Network
from hashcanary.chain.subsidy import COIN, subsidy_column, supply_after
from hashcanary.chain.targets import difficulty_float64_column, work_float64_column

if TYPE_CHECKING:
    from hashcanary.store.record import Record

# Unix seconds of what is not known at any moment
NEVER = np.iinfo(np.int64).max


class ChainColumns:
    """One entry a known block of the active chain, ascending by height; each column at first use.

    Empty arrays when there is no block.
    """

    def __init__(self, record: Record) -> None:
        """Of ``Record.chain``."""
        self._record = record
        blocks = record.chain
        self.height: Ints = _ints(blocks["height"])
        self.time: Ints = _ints(blocks["time"])
        self.bits: Ints = _ints(blocks["bits"])
        self.known_at: Ints = _ints(blocks["known_at"])

    @cached_property
    def mtp(self) -> Ints:
        """Median time past, Unix seconds: it never falls, and stands at its last known value where
        ``mtp_known`` is false (the first blocks after a gap).
        """
        known = self._record.chain["median_time_past"].fill_null(np.iinfo(np.int64).min)
        # consensus lets it never fall; holding it up keeps a search over it exact on bad data too
        return np.maximum.accumulate(_ints(known))

    @cached_property
    def mtp_known(self) -> Bools:
        """Whether ``mtp`` is the block's own."""
        return self._record.chain["median_time_past"].is_not_null().to_numpy()

    @cached_property
    def run(self) -> Ints:
        """Number of the run of consecutive heights that a block stands in."""
        return np.cumsum(np.diff(self.height, prepend=self.height[:1]) > 1, dtype=np.int64)

    @cached_property
    def work(self) -> Floats:
        """Hashes."""
        return work_float64_column(self.bits)

    @cached_property
    def difficulty(self) -> Floats:
        """As a ratio to difficulty one."""
        return difficulty_float64_column(self.bits)

    @cached_property
    def subsidy(self) -> Ints:
        """Satoshis."""
        return subsidy_column(self.height, self._record.network)

    @cached_property
    def fee(self) -> Floats:
        """Satoshis, NaN where not known."""
        return self._record.chain["total_fee"].cast(float).fill_null(float("nan")).to_numpy()

    @property
    def run_starts(self) -> Ints:
        """Index of the first block of each run."""
        return np.flatnonzero(np.diff(self.run, prepend=-1)).astype(np.int64)


def chain_columns(record: Record) -> ChainColumns:
    """The record's blocks as arrays."""
    return ChainColumns(record)


def _ints(column: pl.Series) -> Ints:
    values: Ints = column.to_numpy().astype(np.int64, copy=False)
    return values


def supply_btc(height: Ints, network: Network) -> Floats:
    """Nominal supply in BTC after the block at each height."""
    era = height // network.halving_interval
    eras = range(int(era.max(initial=0)) + 1)
    first = np.array([supply_after(one * network.halving_interval, network) for one in eras])
    further = height - era * network.halving_interval
    supply: Floats = (first[era] + further * subsidy_column(height, network)) / COIN
    return supply


@dataclass(frozen=True, slots=True)
class Epochs:
    """Epochs, ascending. first, last, following: index into the chain of the epoch's first and
    last block and of the next epoch's first, -1 where not known (``first`` always is).

    An epoch is complete when its last block is known too: bits are the same in between by
    consensus, so its blocks in the middle are not needed. Where the last block is not known but
    the next epoch's first one is, that one's target tells the span: see ``_span_by_target``.
    span: seconds from the first to the last block, NaN where neither tells.
    """

    chain: ChainColumns
    size: int
    first: Ints
    last: Ints
    following: Ints
    span: Floats

    @classmethod
    def of(cls, chain: ChainColumns, network: Network) -> Epochs:
        """The epochs of a chain of a network."""
        size = network.retarget_interval
        first = np.flatnonzero(chain.height % size == 0)
        start = chain.height[first]
        last, following = _index_of(chain, start + size - 1), _index_of(chain, start + size)
        by_target = _span_by_target(network, chain, first, following)
        span = np.where(last >= 0, chain.time[last] - chain.time[first], by_target)
        return cls(chain, size, first, last, following, span)

    @property
    def first_height(self) -> Ints:
        """Height of each epoch's first block."""
        return self.chain.height[self.first]

    def of_last(self, values: Ints) -> pl.Series:
        """Values of blocks, of the last block of each epoch; null where that is not known."""
        return pl.Series(values[self.last]).set(pl.Series(self.last < 0), None)

    @property
    def intervals(self) -> Floats:
        """Block intervals inside each epoch."""
        return np.full(self.first.size, self.size - 1.0)

    @property
    def end_known_at(self) -> Ints:
        """Unix seconds at which the span was known, NEVER where it is not."""
        known_at = self.chain.known_at[np.where(self.last < 0, self.following, self.last)]
        return np.where(np.isnan(self.span), NEVER, known_at)

    @property
    def previous_difficulty(self) -> Floats:
        """Difficulty of the epoch before, from the latest of its blocks that is known; else NaN."""
        chain, start = self.chain, self.first_height
        before = np.searchsorted(chain.height, start) - 1
        known = before >= 0
        known[known] = chain.height[before[known]] >= start[known] - self.size
        return np.where(known, chain.difficulty[before], np.nan)


def _span_by_target(network: Network, chain: ChainColumns, first: Ints, following: Ints) -> Floats:
    """Seconds from the first to the last block of each epoch, read off the next epoch's target.

    A retarget multiplies the target by span / timespan; the compact form keeps 15 bits of it or
    more, so the span comes back within 3.1e-5. NaN where the next target is not known, was
    limited (to a quarter, to four times, to the easiest), or follows other rules.
    """
    span = np.full(first.size, np.nan)
    if network.no_retargeting or network.min_difficulty_rule:
        return span
    known = following >= 0
    change = chain.difficulty[first[known]] / chain.difficulty[following[known]]
    limited = (np.abs(np.log(change)) > np.log(4) - 1e-4) | (
        chain.bits[following[known]] == network.pow_limit_bits
    )
    span[known] = np.where(limited, np.nan, change * network.target_timespan)
    return span


def _index_of(chain: ChainColumns, height: Ints) -> Ints:
    """Index of the block at each height, -1 where it is not known."""
    at = np.searchsorted(chain.height, height)
    known = at < chain.height.size
    known[known] = chain.height[at[known]] == height[known]
    return np.where(known, at, -1)
