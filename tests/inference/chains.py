"""Simulated chains and records of them, for the tests of inference. Nothing in them happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from support.records import closes as daily_closes
from support.records import record
from support.worlds import FIRST_HEIGHT as FIRST
from support.worlds import START, world_chain, world_path

from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.filter.observations import Blocks, blocks_of
from hashcanary.inference.filter.posterior import posterior, state_of, up_to
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.filter.posterior import Posterior
    from hashcanary.simulation.mining import MinedChain

__all__ = ["FIRST", "START", "blocks_from", "mined", "posterior_of", "record_from"]


def mined(world: str, days: int, seed: int) -> MinedChain:
    """A chain of ``days`` in one of the simulated worlds."""
    return world_chain(world_path(world, days, seed), seed)


def blocks_from(chain: MinedChain) -> Blocks:
    """The blocks of a mined chain; no price is known."""
    size = chain.times.size
    heights = np.arange(chain.first_height, chain.first_height + size, dtype=np.int64)
    return Blocks(heights, chain.times, work_float64_column(chain.bits), np.full(size, np.nan))


def record_from(chain: MinedChain, closes: NDArray[np.float64] | None = None) -> Record:
    """A record of a mined chain; ``closes``: prices at the ends of days from 60 before it."""
    size = chain.times.size
    blocks = pl.DataFrame(
        {
            "height": np.arange(chain.first_height, chain.first_height + size, dtype=np.int64),
            "time": chain.times,
            "bits": chain.bits,
            "known_at": np.maximum.accumulate(chain.times),
        }
    )
    candles = None
    if closes is not None:
        opens = START + 86_400 * (np.arange(closes.size, dtype=np.int64) - 60)
        candles = daily_closes(
            ("BTC-USD", 86_400, opened, close) for opened, close in zip(opens, closes, strict=True)
        )
    return record(blocks, candles=candles, simulated=True)


def posterior_of(record: Record, height: int | None = None) -> Posterior:
    """The posterior of a record at ``height`` (the last block without)."""
    blocks = up_to(blocks_of(record), height)
    return posterior(state_of(blocks, record.network))
