"""Relative strength index, in Wilder's own smoothing."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric
from hashcanary.units import INDEX_100

_DAYS = 14


def wilder_mean(amount: pl.Expr) -> pl.Expr:
    """Wilder's smoothed mean of ``amount`` within each ``run``, from its 14th row (``nth``) on.

    The first value is the plain mean of 14; each later one is (13 x the one before + today's) / 14.
    """
    begun = pl.when(pl.col("nth") == _DAYS).then(amount.rolling_mean(_DAYS))
    fed = begun.when(pl.col("nth") > _DAYS).then(amount)
    return fed.ewm_mean(alpha=1 / _DAYS, adjust=False).over("run")


def rsi14(frame: pl.DataFrame) -> pl.DataFrame:
    """RSI over 14 days, Wilder's smoothing; index from 0 to 100.

    A change needs a price on both days; a row without one starts a new run, in which the
    smoothing starts anew. Null where a run has seen neither gain nor loss.
    """
    change = pl.col("price.usd").diff()
    runs = frame.select(change=change, run=change.is_null().cum_sum()).with_columns(
        nth=pl.col("change").is_not_null().cum_sum().over("run")
    )
    means = runs.select(
        gain=wilder_mean(pl.col("change").clip(lower_bound=0)),
        loss=wilder_mean((-pl.col("change")).clip(lower_bound=0)),
    )
    moved = pl.col("gain") + pl.col("loss")
    return means.select(value=pl.when(moved > 0).then(100 * pl.col("gain") / moved))


RSI14 = Metric(
    name="rsi14",
    title="RSI (14 days)",
    unit=INDEX_100,
    inputs=("price.usd",),
    definition="100 x G / (G + L), G and L the mean daily gain and loss of the price in Wilder's "
    "smoothing: first the plain mean of 14 changes, then (13 x the one before + today's) / 14",
    source="J. W. Wilder, New Concepts in Technical Trading Systems, 1978",
    compute=rsi14,
    window=None,
    missing="missing until 14 changes have been seen; after a gap in prices the smoothing starts "
    "anew, so it is missing for 14 more days",
    differs="versions with a simple or a span-14 exponential mean, which move faster",
)
