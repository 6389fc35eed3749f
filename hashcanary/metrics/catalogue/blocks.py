"""Blocks: how many, and how far apart."""

from __future__ import annotations

import numpy as np
import polars as pl

from hashcanary.metrics import intervals
from hashcanary.metrics.declaration import Metric, value
from hashcanary.metrics.windows import as_columns, floats
from hashcanary.moments import DAY
from hashcanary.units import BLOCKS, SECONDS

_SOURCE = "Bitcoin Core, block headers"
_NOT_FINAL = (
    "missing where the day is not final, or neither its blocks nor a vendor's daily figure are "
    "known"
)
_NOT_ENDED = "missing until the epoch has ended, and where its first or last block is not known"


def day_interval(frame: pl.DataFrame) -> pl.DataFrame:
    """Length of a day over its blocks, s; the expected interval has Garwood's limits."""
    count = floats(frame, "blocks.count")
    ones = np.ones(count.size)
    fewest, most = intervals.weighted_poisson(count, count, ones)
    with np.errstate(divide="ignore"):
        length = np.where(count > 0, DAY, np.nan)
        return as_columns(value=length / count, low=length / most, high=length / fewest)


def epoch_interval(frame: pl.DataFrame) -> pl.DataFrame:
    """Mean of the intervals inside each epoch, s."""
    span, count = floats(frame, "epoch.span"), floats(frame, "epoch.intervals")
    slowest, fastest = intervals.fixed_count(count, span)
    return as_columns(value=span / count, low=1 / fastest, high=1 / slowest)


BLOCKS_PER_DAY = Metric(
    name="blocks.per_day",
    title="Blocks per day",
    unit=BLOCKS,
    inputs=("blocks.count",),
    definition="number of blocks of the active chain whose header time lies in the UTC day",
    source=_SOURCE,
    compute=value(pl.col("blocks.count")),
    missing=_NOT_FINAL,
)

BLOCKS_PER_MTP_DAY = Metric(
    name="blocks.per_mtp_day",
    title="Blocks per day (median time past)",
    unit=BLOCKS,
    inputs=("mtp.count",),
    definition="number of blocks of the active chain whose median time past lies in the UTC day",
    source="Coin Metrics, BlkCnt; " + _SOURCE,
    compute=value(pl.col("mtp.count")),
    missing=_NOT_FINAL,
)

BLOCKS_MEAN_INTERVAL = Metric(
    name="blocks.mean_interval",
    title="Mean block interval of the day",
    unit=SECONDS,
    inputs=("blocks.count",),
    definition="86400 s / number of blocks whose header time lies in the UTC day",
    source=_SOURCE,
    compute=day_interval,
    interval="95% confidence for the expected interval, exact (Garwood)",
    missing=_NOT_FINAL + "; not defined on a day without blocks",
)

BLOCKS_PER_EPOCH = Metric(
    name="blocks.per_epoch",
    title="Blocks per epoch",
    unit=BLOCKS,
    grain="epoch",
    inputs=("epoch.first_height", "epoch.last_height"),
    definition="number of blocks of a difficulty epoch that has ended; 2016 by consensus",
    source="Bitcoin Core, consensus/params.h DifficultyAdjustmentInterval",
    compute=value(pl.col("epoch.last_height") - pl.col("epoch.first_height") + 1),
    missing=_NOT_ENDED,
)

BLOCKS_EPOCH_INTERVAL = Metric(
    name="blocks.epoch_interval",
    title="Mean block interval of the epoch",
    unit=SECONDS,
    grain="epoch",
    inputs=("epoch.span", "epoch.intervals"),
    definition="time from the epoch's first to its last block / the 2015 intervals between them",
    source="Bitcoin Core, pow.cpp CalculateNextWorkRequired",
    compute=epoch_interval,
    interval="95% confidence for the expected interval, exact (Gamma, for a fixed number)",
    missing="missing until the epoch has ended, and where its first block is not known; where its "
    "last block is not, the next epoch's target tells the time within 3.1e-5, or it is missing",
)
