"""The difficulty epochs of the chain, one row an epoch whose first block is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network
    from hashcanary.metrics.chain_columns import ChainColumns, Floats, Ints
    from hashcanary.store.record import Record


def epoch_frame(record: Record, chain: ChainColumns) -> pl.DataFrame:
    """Base columns of grain epoch; ``time``: header time of the epoch's first block.

    An epoch is complete when its last block is known too: bits are the same in between by
    consensus, so its blocks in the middle are not needed. Where the last block is not known but
    the next epoch's first one is, that one's target tells the span: see ``_span_by_target``.
    """
    size = record.network.retarget_interval
    first = np.flatnonzero(chain.height % size == 0)
    start = chain.height[first]
    last = _index_of(chain, start + size - 1)
    ended = last >= 0
    following = _index_of(chain, start + size)
    by_target = _span_by_target(record.network, chain, first, following)
    told = ~ended & ~np.isnan(by_target)
    span = np.where(ended, chain.time[last] - chain.time[first], by_target)
    end_known_at = np.where(ended, chain.known_at[last], chain.known_at[following])
    return pl.DataFrame(
        {
            "time": chain.time[first],
            "epoch.first_height": start,
            "epoch.last_height": np.where(ended, start + size - 1, -1),
            "epoch.last_time": np.where(ended, chain.time[last], -1),
            "epoch.bits": chain.bits[first],
            "epoch.difficulty": chain.difficulty[first],
            "epoch.previous_difficulty": _previous_difficulty(chain, start, size),
            "epoch.block_work": chain.work[first],
            "epoch.intervals": np.full(first.size, size - 1.0),
            "epoch.span": span,
            "epoch.work": np.where(ended | told, (size - 1.0) * chain.work[first], np.nan),
            "epoch.known_at": chain.known_at[first],
            "epoch.end_known_at": np.where(ended | told, end_known_at, -1),
        }
    ).with_columns(
        pl.col("epoch.last_height", "epoch.last_time", "epoch.end_known_at").replace(-1, None),
        pl.col(pl.Float64).fill_nan(None),
    )


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
    found = at < chain.height.size
    found[found] = chain.height[at[found]] == height[found]
    return np.where(found, at, -1)


def _previous_difficulty(chain: ChainColumns, start: Ints, size: int) -> Floats:
    """Difficulty of the epoch before, from the latest of its blocks that is known; else NaN."""
    before = np.searchsorted(chain.height, start) - 1
    known = before >= 0
    known[known] = chain.height[before[known]] >= start[known] - size
    return np.where(known, chain.difficulty[before], np.nan)
