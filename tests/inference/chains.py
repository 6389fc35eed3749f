"""Simulated chains and records of them, for the tests of inference. Nothing in them happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.compact import encode_compact
from hashcanary.chain.networks import MAIN
from hashcanary.chain.work import work_float64_column
from hashcanary.inference.observations import Blocks
from hashcanary.simulation.hashrate import HashratePath
from hashcanary.simulation.mining import Clocks, MinedChain, mine
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = 1_577_836_800
FIRST = 2016 * 303
RATE = 1e20
HOUR = 3600.0


def worlds(days: int, seed: int) -> dict[str, HashratePath]:
    """Hashrate paths of ``days``: steady, growing, stepped, stormy."""
    hours = np.arange(days * 24 + 1)
    rng = np.random.default_rng(seed)
    day = hours / 24
    stepped = np.zeros(hours.size)
    for start in rng.choice(days, max(days // 60, 1), replace=False):
        stepped[day >= start] += rng.choice([-0.12, -0.06, 0.06, 0.12])
    stormy = 0.3 * day / 365
    for start in rng.choice(days, max(days // 40, 1), replace=False):
        depth, length = rng.uniform(0.05, 0.25), rng.uniform(1, 6)
        since = day - start
        stormy -= depth * np.clip(since / 0.5, 0, 1) * np.clip((length - since) / 2 + 1, 0, 1)
    logs = {
        "steady": np.zeros(hours.size),
        "growing": 0.6 * day / 365 + 0.004 * np.cumsum(rng.normal(0, 24**-0.5, hours.size)),
        "stepped": stepped,
        "stormy": stormy,
    }
    return {name: HashratePath(hours * HOUR, RATE * np.exp(log)) for name, log in logs.items()}


def mined(path: HashratePath, seed: int, *, clocks: bool = True) -> MinedChain:
    """A chain mined under a hashrate path, with honest and a few wrong clocks."""
    target = int(2**256 / (float(path.rates[0]) * MAIN.target_spacing))
    return mine(
        path,
        first_height=FIRST,
        first_bits=encode_compact(target),
        start_time=START,
        seed=seed,
        clocks=Clocks(60.0, 0.01, (-3000.0, 7000.0)) if clocks else None,
    )


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
    candles = {"market": pl.String, "interval": pl.Int64, "open_time": pl.Int64}
    candles |= dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64)
    frame = pl.DataFrame(schema={**candles, "known_at": pl.Int64})
    if closes is not None:
        opens = START + 86_400 * (np.arange(closes.size, dtype=np.int64) - 60)
        each = dict.fromkeys(("open", "high", "low", "close"), closes)
        frame = pl.DataFrame(
            {
                "market": ["BTC-USD"] * closes.size,
                "interval": np.full(closes.size, 86_400, dtype=np.int64),
                "open_time": opens,
                **each,
                "volume": np.ones(closes.size),
                "known_at": opens + 86_400,
            }
        )
    daily = pl.DataFrame(
        schema={
            "day": pl.Date,
            "vendor": pl.String,
            "series": pl.String,
            "value": pl.Float64,
            "known_at": pl.Int64,
        }
    )
    return Record(None, "latest", MAIN, True, blocks, daily, frame)
