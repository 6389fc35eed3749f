"""A record of the real data, built from the files themselves, and what is computed over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import zstandard

from hashcanary.chain.median_time import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.metrics.engine import Results, compute
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = 86_400
HEADER = np.dtype([("_", "V68"), ("time", "<u4"), ("bits", "<u4"), ("nonce", "<u4")])


def _headers(folder: Path) -> pl.DataFrame:
    runs = []
    for file in sorted((folder / "headers").glob("*.bin.zst")):
        packed = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
        raw = np.frombuffer(packed, HEADER)
        first = int(file.name.split("_")[1])
        runs.append(
            pl.DataFrame(
                {
                    "height": np.arange(first, first + raw.size),
                    "time": raw["time"].astype(np.int64),
                    "bits": raw["bits"].astype(np.int64),
                }
            )
        )
    return pl.concat(runs)


def _blocks(folder: Path) -> pl.DataFrame:
    """The active chain as the record shows it: headers first, then tables, by height."""
    table = pl.read_parquet(folder / "blocks/blocks_610683_934800.parquet").select(
        "height", "time", pl.col("nbits").cast(pl.Int64).alias("bits")
    )
    epochs = (
        pl.read_csv(folder / "blocks/difficulty_epochs_0_933408.csv", infer_schema_length=None)
        .filter(pl.col("first_block_time").is_not_null())
        .select(
            height="first_height",
            time="first_block_time",
            bits=pl.col("nbits_hex").str.to_integer(base=16),
        )
    )
    stats = pl.read_parquet(folder / "blocks/blockstats.parquet").select(
        "height", "mediantime", "time", total_fee="totalfee", tx_count="txs"
    )
    bits = epochs.select("height", "bits").sort("height")
    known = pl.concat([_headers(folder), table]).unique("height", keep="first")
    more = stats.select("height", "time").join(known, on="height", how="anti").sort("height")
    firsts = pl.read_csv(
        folder / "blocks/difficulty_epochs_0_933408.csv", infer_schema_length=None
    ).select(height="first_height", bits=pl.col("nbits_hex").str.to_integer(base=16))
    more = more.join_asof(firsts.sort("height"), on="height")
    known = pl.concat([known, more])
    alone = bits.join(known, on="height", how="anti")
    known = pl.concat([known, epochs.join(alone, on="height", how="semi")]).sort("height")
    mtp, is_known = median_time_past(known["time"].to_numpy(), known["height"].to_numpy())
    return (
        known.with_columns(
            mtp=pl.when(pl.Series(is_known)).then(pl.Series(mtp)),
            known_at=pl.col("time").cum_max(),
            source=pl.lit("files"),
            size=pl.lit(None, dtype=pl.Int64),
            weight=pl.lit(None, dtype=pl.Int64),
        )
        .join(stats.drop("time"), on="height", how="left", maintain_order="left")
        .with_columns(median_time_past=pl.coalesce("mtp", "mediantime"))
        .drop("mtp", "mediantime")
    )


def _daily(folder: Path) -> pl.DataFrame:
    long = []
    for file in sorted((folder / "daily").glob("coinmetrics*")):
        wide = pl.read_csv(file, infer_schema_length=None, try_parse_dates=True).rename(
            {"time": "day"}
        )
        numeric = [name for name, kind in wide.schema.items() if kind.is_numeric()]
        long.append(
            wide.unpivot(
                numeric, index="day", variable_name="series", value_name="value"
            ).with_columns(pl.col("value").cast(pl.Float64))
        )
    return (
        pl.concat(long)
        .drop_nulls("value")
        .unique(["day", "series"], keep="last", maintain_order=True)
        .select(
            pl.col("day").cast(pl.Date),
            pl.lit("coinmetrics").alias("vendor"),
            "series",
            "value",
            known_at=(pl.col("day").cast(pl.Int64) + 1) * DAY,
        )
        .sort("series", "day")
    )


def _candles(folder: Path) -> pl.DataFrame:
    spot = pl.read_csv(folder / "ohlcv/btcusdt_spot_daily.csv", try_parse_dates=True)
    opens = pl.col("date").cast(pl.Date).cast(pl.Int64) * DAY
    return spot.select(
        market=pl.lit("btcusdt_spot"),
        interval=pl.lit(DAY, dtype=pl.Int64),
        open_time=opens,
        **{
            name: pl.col(name).cast(pl.Float64)
            for name in ("open", "high", "low", "close", "volume")
        },
        known_at=opens + DAY,
    )


def cut_record(record: Record, at: int) -> Record:
    """The record as known at Unix second ``at``."""
    known = pl.col("known_at") <= at
    return replace(
        record,
        at=at,
        at_text=str(at),
        blocks=record.blocks.filter(known),
        daily=record.daily.filter(known),
        candles=record.candles.filter(known),
    )


@pytest.fixture(scope="session")
def real_record(real_data: Path) -> Record:
    """Everything the files of real data hold, as known at their end."""
    return Record(
        at=None,
        at_text="now",
        network=MAIN,
        simulated=False,
        blocks=_blocks(real_data),
        daily=_daily(real_data),
        candles=_candles(real_data),
    )


@pytest.fixture(scope="session")
def real_results(real_record: Record) -> Results:
    """Every declared metric over the real record."""
    return compute(real_record)


@pytest.fixture(scope="session")
def cut() -> Callable[[Record, int], Record]:
    """Cuts a record to what was known at a Unix second."""
    return cut_record
