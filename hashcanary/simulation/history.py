"""Simulated history as tables, as files of the kinds that loaders read, and as a record.

The same seed, length and scenario give the same bytes. Block tables, not headers: a header that
was never worked for has no proof of work to check, so no hash is made up for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from hashcanary.arrays import Ints
from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.chain.subsidy import COIN, subsidy_column
from hashcanary.chain.targets import encode_compact
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator
from hashcanary.simulation.errors import UnusableScenario
from hashcanary.simulation.mining import Clocks, MinedChain, mine
from hashcanary.simulation.paths import HOURS, YEAR, fee_levels, hashrate_path, pool_shares, prices
from hashcanary.simulation.scenario import Scenario
from hashcanary.sources.pools.pool_lists import UNKNOWN
from hashcanary.store.record import Record

YEARS = (1.0, 30.0)
MARKET = "simulated-BTCUSD"
BLOCKS_FILE = "simulated_blocks.parquet"
CANDLES_FILE = f"{MARKET}.csv"


@dataclass(frozen=True, slots=True)
class History:
    """A simulated history.

    seed, days, scenario: what it was drawn from.
    blocks: ``height``, ``time``, ``nbits``, ``subsidy``, ``totalfee`` (satoshis), ``pool`` (by
    name, ``unknown`` of no known one), one row a block, heights without gaps.
    candles: ``date``, ``open``, ``high``, ``low``, ``close`` (USD), ``volume`` (BTC), a row a day.
    """

    seed: int
    days: int
    scenario: Scenario
    blocks: pl.DataFrame
    candles: pl.DataFrame


def simulate_history(seed: int, years: float, scenario: Scenario | None = None) -> History:
    """Draw ``years`` of history. Raises UnusableScenario, UsageError."""
    low, high = YEARS
    if not low <= years <= high:
        raise UnusableScenario(
            what="years",
            expected=f"{low:g} to {high:g}",
            found=f"{years:g}",
            remedy="A metric's longest window is a year; the default is 5.",
        )
    drawn_from = scenario or Scenario()
    days = int(years * YEAR)
    chain = _chain(drawn_from, days, seed)
    return History(
        seed,
        days,
        drawn_from,
        _blocks(drawn_from, days, seed, chain),
        _candles(drawn_from, days, seed),
    )


def _chain(scenario: Scenario, days: int, seed: int) -> MinedChain:
    path = hashrate_path(scenario, days, seed)
    # the target at which the starting hashrate needs 600 s a block
    target = int(2**256 / (float(path.rates[0]) * MAIN.target_spacing))
    return mine(
        path,
        first_height=scenario.first_height,
        first_bits=encode_compact(min(target, MAIN.pow_limit)),
        start_time=scenario.start_time,
        seed=seed,
        clocks=Clocks(scenario.clock_noise, scenario.wrong_clocks, scenario.wrong_clock_range),
    )


def _blocks(scenario: Scenario, days: int, seed: int, chain: MinedChain) -> pl.DataFrame:
    heights = np.arange(chain.first_height, chain.first_height + chain.times.size, dtype=np.int64)
    return pl.DataFrame(
        {
            "height": heights,
            "time": chain.times,
            "nbits": chain.bits,
            "subsidy": subsidy_column(heights),
            "totalfee": _fees(scenario, days, seed, chain),
            "pool": _pools(scenario, days, seed, chain),
        }
    )


def _fees(scenario: Scenario, days: int, seed: int, chain: MinedChain) -> Ints:
    """Fees of each block, satoshis."""
    day = ((chain.arrivals - scenario.start_time) // DAY).astype(np.int64)
    median = fee_levels(scenario, days, seed)[np.clip(day, 0, days - 1)]
    draws = generator(seed, Purpose.FEES).standard_normal(chain.times.size)
    fees = median * np.exp(scenario.fee_block_noise * draws) * COIN
    return np.asarray(np.floor(fees).astype(np.int64))


def _pools(scenario: Scenario, days: int, seed: int, chain: MinedChain) -> pl.Series:
    """The name of the pool of each block, drawn by the shares of its day."""
    shares = pool_shares(scenario, days, seed)
    day = ((chain.arrivals - scenario.start_time) // DAY).astype(np.int64)
    bounds = np.cumsum(shares, axis=1)[np.clip(day, 0, days - 1)]
    draws = generator(seed, Purpose.POOLS).random(chain.times.size)
    # beyond the last bound: no known pool
    chosen = (draws[:, None] >= bounds).sum(axis=1)
    names = pl.Series([*(name for name, _ in scenario.pools), UNKNOWN])
    return names.gather(chosen)


def _candles(scenario: Scenario, days: int, seed: int) -> pl.DataFrame:
    """Daily candles of the hourly price; a day's close is the next day's open."""
    hourly = prices(scenario, days, seed)
    # a day's 25 prices: its own 24 and the one at midnight after it
    each = np.lib.stride_tricks.sliding_window_view(hourly, HOURS + 1)[::HOURS]
    cents = np.round(each, 2)
    first = np.datetime64(scenario.start_time, "s").astype("datetime64[D]")
    return pl.DataFrame(
        {
            "date": first + np.arange(days),
            "open": cents[:, 0],
            "high": cents.max(axis=1),
            "low": cents.min(axis=1),
            "close": cents[:, -1],
        }
    )


def write_history(history: History, folder: Path) -> tuple[Path, ...]:
    """Write a history's files into ``folder``, which is made where it is not there.

    Returns their paths: a block table in Parquet and daily candles in CSV.
    """
    folder.mkdir(parents=True, exist_ok=True)
    blocks, candles = folder / BLOCKS_FILE, folder / CANDLES_FILE
    history.blocks.write_parquet(blocks, statistics=False)
    history.candles.write_csv(candles)
    return blocks, candles


_DAILY = {"day": pl.Date, "vendor": pl.String, "series": pl.String, "value": pl.Float64}


def record_of(history: History) -> Record:
    """All of a simulated history as known at its end, pools' labels and all; no vendor's days."""
    times, heights = (history.blocks[name].to_numpy() for name in ("time", "height"))
    opened = pl.col("date").cast(pl.String).str.to_date().cast(pl.Datetime("us")).dt.epoch("s")
    return Record(
        at=None,
        at_text="latest",
        network=MAIN,
        simulated=True,
        blocks=history.blocks.select(
            "height",
            "time",
            bits="nbits",
            median_time_past=pl.Series(median_time_past(times, heights)[0]),
            total_fee="totalfee",
            tx_count=pl.lit(None, dtype=pl.Int64),
            size=pl.lit(None, dtype=pl.Int64),
            weight=pl.lit(None, dtype=pl.Int64),
            source=pl.lit(BLOCKS_FILE),
            known_at=pl.col("time").cum_max(),
        ),
        daily=pl.DataFrame(schema={**_DAILY, "known_at": pl.Int64}),
        candles=history.candles.select(
            market=pl.lit(MARKET),
            interval=pl.lit(DAY, dtype=pl.Int64),
            open_time=opened,
            open="open",
            high="high",
            low="low",
            close="close",
            volume=pl.lit(None, dtype=pl.Float64),
            known_at=opened + DAY,
        ),
        provenance={"simulated": f"a history of {history.days} days, seed {history.seed}"},
        pool_labels=history.blocks.select("height", "pool"),
        pool_list="simulated",
    )
