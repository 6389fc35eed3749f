"""The active chain as arrays: where consensus integers become the floats that metrics sum.

Work is the exact expected number of hashes of a block, 2^256 / (target + 1); difficulty times
2^32 is smaller by 1.5e-5 (Bitcoin Core, ``GetBlockProof``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.subsidy import COIN, subsidy_column, supply_after
from hashcanary.chain.targets import difficulty_float64_column, work_float64_column

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.store.record import Record

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChainColumns:
    """One entry a known block of the active chain, ascending by height.

    time, mtp, known_at: Unix seconds; mtp never falls, and stands at its last known value where
    ``mtp_known`` is false (the first blocks after a gap). run: number of the run of consecutive
    heights a block stands in. work: hashes; subsidy, fee: satoshis (fee NaN where not known).
    """

    height: Ints
    time: Ints
    mtp: Ints
    mtp_known: Bools
    bits: Ints
    run: Ints
    known_at: Ints
    work: Floats
    difficulty: Floats
    subsidy: Ints
    fee: Floats

    @property
    def run_starts(self) -> Ints:
        """Index of the first block of each run."""
        return np.flatnonzero(np.diff(self.run, prepend=-1)).astype(np.int64)


def chain_columns(record: Record) -> ChainColumns:
    """The record's blocks as arrays; empty arrays when it has none."""
    blocks = record.blocks
    height = _ints(blocks["height"])
    bits = _ints(blocks["bits"])
    mtp = blocks["median_time_past"]
    first = np.iinfo(np.int64).min
    return ChainColumns(
        height=height,
        time=_ints(blocks["time"]),
        # consensus lets it never fall; holding it up keeps a search over it exact on bad data too
        mtp=np.maximum.accumulate(_ints(mtp.fill_null(first))),
        mtp_known=mtp.is_not_null().to_numpy(),
        bits=bits,
        run=np.cumsum(np.diff(height, prepend=height[:1]) > 1, dtype=np.int64),
        known_at=_ints(blocks["known_at"]),
        work=work_float64_column(bits),
        difficulty=difficulty_float64_column(bits),
        subsidy=subsidy_column(height, record.network),
        fee=blocks["total_fee"].cast(float).fill_null(float("nan")).to_numpy(),
    )


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
