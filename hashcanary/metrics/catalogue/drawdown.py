"""Drawdowns of hashrate from its running peak, one a smoothing; the smoothing is in the name.

The same fall reads -12%, -15%, -19% or -47% by the smoothing it is seen through, so a drawdown
never stands without it, nor without the date of its peak.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Ints
from hashcanary.metrics import intervals
from hashcanary.metrics.declaration import Extra, Metric
from hashcanary.metrics.windows import as_columns, floats
from hashcanary.units import COUNT, FRACTION, UNIX_TIME

Ratio = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]


_EXTRAS = (
    Extra("peak_time", "row of the peak it is measured from", UNIX_TIME),
    Extra("depth", "deepest point of this drawdown so far", FRACTION),
    Extra("rank", "rank of that depth among all drawdowns so far, 1 the deepest", COUNT),
    Extra("drawdowns", "drawdowns so far, this one included", COUNT),
    Extra("deepest_since", "latest earlier row that was at least as deep", UNIX_TIME),
)


def fall_from_peak(
    rate_name: str, blocks_name: str, ratio_limits: Ratio
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function that gives the drawdown of a hashrate and how it stands among all so far."""

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        rate = floats(frame, rate_name)
        there = np.flatnonzero(~np.isnan(rate))
        if not there.size:
            return _spread(frame, there, {name: np.empty(0) for name in _NAMES})
        rate, blocks = rate[there], floats(frame, blocks_name)[there]
        time = frame["time"].to_numpy()[there]
        fall, peak = fall_and_peak(rate)
        # at its own peak a rate is compared with itself
        below = np.flatnonzero(fall < 0)
        low, high = np.zeros(fall.size), np.zeros(fall.size)
        of = peak[below]
        limits = ratio_limits(rate[below], blocks[below], rate[of], blocks[of])
        low[below], high[below] = (limit - 1 for limit in limits)
        depth, rank, drawdowns = depth_and_rank(fall, peak)
        since = last_as_deep(fall)
        return _spread(
            frame,
            there,
            {
                "value": fall,
                "low": low,
                "high": high,
                "peak_time": time[peak],
                "depth": depth,
                "rank": rank,
                "drawdowns": drawdowns,
                "deepest_since": np.where(since >= 0, time[since], np.nan),
            },
        )

    return compute


def fall_and_peak(rate: Floats) -> tuple[Floats, Ints]:
    """Fall of each of n rates from the largest so far, and the index of the latest row at it.

    Rounded to twelve decimals: windows with the same blocks in another order differ in the last
    bit, which must make no drawdown, and no rank.
    """
    fall: Floats = np.round(rate / np.maximum.accumulate(rate) - 1, 12)
    return fall, np.maximum.accumulate(np.where(fall == 0, np.arange(fall.size), 0))


def depth_and_rank(fall: Floats, peak: Ints) -> tuple[Floats, Floats, Floats]:
    """Depth so far of the drawdown each row lies in, its rank, and how many there were so far.

    Only what is known at a row counts: earlier drawdowns with their final depth, its own with the
    depth so far. NaN depth and rank at a peak, where there is no drawdown.
    """
    depth = np.full(fall.size, np.nan)
    rank = np.full(fall.size, np.nan)
    drawdowns = np.zeros(fall.size)
    past: list[float] = []
    starts = np.unique(peak)
    for start, end in zip(starts, [*starts[1:], fall.size], strict=True):
        below = slice(start + 1, end)
        drawdowns[start] = len(past)
        if end - start > 1:
            depth[below] = np.minimum.accumulate(fall[below])
            rank[below] = [1 + bisect_left(past, deep) for deep in depth[below].tolist()]
            drawdowns[below] = len(past) + 1
            insort(past, float(depth[end - 1]))
    return depth, rank, drawdowns


def last_as_deep(fall: Floats) -> Ints:
    """Index of the latest earlier row at least as deep as each row; -1 where none is, or at 0."""
    since = np.full(fall.size, -1, dtype=np.int64)
    falls = fall.tolist()
    deeper: list[int] = []  # rows that no later row has reached, each deeper than the one after
    for row, here in enumerate(falls):
        while deeper and falls[deeper[-1]] > here:
            deeper.pop()
        if deeper and here < 0:
            since[row] = deeper[-1]
        deeper.append(row)
    return since


_NAMES = ("value", "low", "high", *(extra.name for extra in _EXTRAS))


def _spread(frame: pl.DataFrame, there: Ints, columns: dict[str, Floats]) -> pl.DataFrame:
    """Columns that stand on rows ``there``, on all rows of the frame."""
    spread = {}
    for name, values in columns.items():
        spread[name] = np.full(frame.height, np.nan)
        spread[name][there] = values
    whole = ("peak_time", "rank", "drawdowns", "deepest_since")
    return as_columns(**spread).with_columns(pl.col(whole).cast(pl.Int64))


def _drawdown(smoothing: str, words: str) -> Metric:
    rate = f"hashrate.{smoothing}"
    by_epoch = smoothing == "epoch"
    limits = intervals.fixed_count_ratio if by_epoch else intervals.rate_ratio
    counted = f"{rate}.intervals" if by_epoch else f"{rate}.effective_blocks"
    return Metric(
        name=f"drawdown.{smoothing}",
        title=f"Drawdown of hashrate, {words}",
        unit=FRACTION,
        grain="epoch" if by_epoch else "day",
        inputs=(rate,),
        definition=f"{rate} / its largest value so far - 1; a drawdown lasts from a peak until the "
        "peak is reached again",
        source="running drawdown, as of M. Magdon-Ismail and A. Atiya, Risk 17(10), 2004",
        compute=fall_from_peak(rate, counted, limits),
        window=None,
        rests_on="row",
        interval=intervals.INDEPENDENT_RATIO,
        missing=f"missing where {rate} is; its peak is sought among the rows that are there",
        extras=_EXTRAS,
    )


DRAWDOWNS = (
    _drawdown("day", "by day"),
    *(_drawdown(f"sma{days}", f"{days}-day mean") for days in (7, 14, 30, 60)),
    _drawdown("epoch", "epoch average"),
)
