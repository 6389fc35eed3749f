"""Hashrate: by day, as means of days, by epoch, and as Bitcoin Core estimates it, in H/s."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from hashcanary.metrics import intervals
from hashcanary.metrics.declaration import Extra, Metric, value
from hashcanary.metrics.windows import as_columns, floats, window_max, window_sum
from hashcanary.moments import DAY
from hashcanary.units import BLOCKS, HASHRATE

_EFFECTIVE = (
    Extra("effective_blocks", "equally hard blocks that would say as much about the rate", BLOCKS),
)
_SOURCE = (
    "P. Wuille, delvingbitcoin.org topic 1745, 2025: sum of work over a fixed time is unbiased; "
    "Bitcoin Core GetBlockProof for the work of a block"
)
_DIFFERS = (
    "the vendors' blocks x difficulty x 2^32 / 86400 by counting exact work, which is larger by "
    "1.5e-5"
)
_BY_HEADER = "UTC days by header time"
_BY_MTP = "UTC days by median time past, as Coin Metrics cuts them"


def mean_rate(cut: str, days: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function that gives the mean hashrate over the last ``days`` days, H/s."""

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        work = window_sum(floats(frame, f"{cut}.work"), days)
        squares = window_sum(floats(frame, f"{cut}.work_squared"), days)
        largest = window_max(floats(frame, f"{cut}.work_max"), days)
        low, high = intervals.weighted_poisson(work, squares, largest)
        seconds = days * DAY
        # a window without a block has no squares, and rests on no block
        blocks = np.divide(work**2, squares, out=np.zeros_like(work), where=squares != 0)
        return as_columns(
            value=work / seconds, low=low / seconds, high=high / seconds, effective_blocks=blocks
        )

    return compute


def epoch_rate(frame: pl.DataFrame) -> pl.DataFrame:
    """Hashrate over the intervals inside each epoch, H/s: (n - 1) / sum of interval / work."""
    count = floats(frame, "epoch.intervals")
    scaled_time = floats(frame, "epoch.span") / floats(frame, "epoch.block_work")
    count = np.where(np.isnan(scaled_time), np.nan, count)
    low, high = intervals.fixed_count(count, scaled_time)
    return as_columns(value=(count - 1) / scaled_time, low=low, high=high, intervals=count)


def _day_rate(cut: str, days: int) -> Metric:
    prefix, by = ("", _BY_HEADER) if cut == "blocks" else ("mtp_", _BY_MTP)
    name = f"{prefix}day" if days == 1 else f"{prefix}sma{days}"
    mean = "" if days == 1 else f", {days}-day mean"
    return Metric(
        name=f"hashrate.{name}",
        title=f"Hashrate{mean}" + (" (median time past)" if prefix else ""),
        unit=HASHRATE,
        inputs=(f"{cut}.work", f"{cut}.work_squared", f"{cut}.work_max"),
        definition=f"sum of the exact work of the blocks of {days} {by} / ({days} x 86400 s); "
        "it refers to the middle of that time",
        source=_SOURCE,
        compute=mean_rate(cut, days),
        window=days,
        interval=intervals.POISSON,
        differs=_DIFFERS,
        missing="missing where a day of the window is not final, or neither its blocks nor a "
        "vendor's daily figure are known",
        extras=_EFFECTIVE,
    )


HASHRATE_BY_DAY = tuple(_day_rate("blocks", days) for days in (1, 7, 14, 30, 60))

HASHRATE_BY_MTP_DAY = tuple(_day_rate("mtp", days) for days in (1, 7, 14, 30, 60))

HASHRATE_EPOCH = Metric(
    name="hashrate.epoch",
    title="Hashrate, epoch average",
    unit=HASHRATE,
    grain="epoch",
    inputs=("epoch.block_work", "epoch.intervals", "epoch.span"),
    definition="(n - 1) x work of a block / time from the epoch's first to its last block, for the "
    "n = 2015 intervals between them: the unbiased estimate of least variance",
    source="P. Wuille, delvingbitcoin.org topic 1745, 2025",
    compute=epoch_rate,
    interval=intervals.GAMMA,
    differs="Bitcoin Core's estimate, which is larger by n / (n - 1)",
    missing="missing until the epoch has ended, and where its first or last block is not known; in "
    "place of its last block, the next epoch's target tells the time to within 3.1e-5",
    extras=(Extra("intervals", "number of block intervals used", BLOCKS),),
)

HASHRATE_CORE = Metric(
    name="hashrate.core120",
    title="Hashrate as Bitcoin Core estimates it",
    unit=HASHRATE,
    inputs=("blocks.core_work", "blocks.core_seconds"),
    definition="work of the last 120 blocks at the day's last block / (largest - smallest of their "
    "121 header times); for comparison: it is too high by n / (n - 1) = 120/119 on average",
    source="Bitcoin Core, rpc/mining.cpp GetNetworkHashPS(120)",
    compute=value(pl.col("blocks.core_work") / pl.col("blocks.core_seconds")),
    missing="missing where the 120 blocks before are not all known; a vendor's figures are never "
    "used",
)
