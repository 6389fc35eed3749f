"""The active chain as arrays: where consensus integers become the floats that metrics sum.

Work is the exact expected number of hashes of a block, 2^256 / (target + 1); difficulty times
2^32 is smaller by 1.5e-5 (Bitcoin Core, ``GetBlockProof``).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.chain.subsidy import COIN, subsidy_column, supply_after
from hashcanary.chain.targets import difficulty_float64_column, work_float64_column

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.chain.networks import Network
    from hashcanary.store.record import Record


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
