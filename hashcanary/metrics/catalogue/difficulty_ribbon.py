"""The difficulty ribbon: eight means of daily difficulty, and how close together they lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from hashcanary.metrics.declaration import Metric
from hashcanary.metrics.windows import as_columns, floats, window_sum
from hashcanary.units import DIFFICULTY, RATIO

WINDOWS = (9, 14, 25, 40, 60, 90, 128, 200)


def mean_difficulty(days: int) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function that gives the simple mean of daily difficulty over ``days`` days."""

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        return as_columns(value=window_sum(floats(frame, "difficulty.day"), days) / days)

    return compute


def compression(frame: pl.DataFrame) -> pl.DataFrame:
    """Population standard deviation of the eight means over their mean."""
    means = np.stack([floats(frame, f"difficulty_ribbon.sma{days}") for days in WINDOWS])
    return as_columns(value=means.std(axis=0) / means.mean(axis=0))


def _sma(days: int) -> Metric:
    return Metric(
        name=f"difficulty_ribbon.sma{days}",
        title=f"Difficulty, {days}-day mean",
        unit=DIFFICULTY,
        inputs=("difficulty.day",),
        definition=f"simple mean of difficulty.day over {days} days, the day's own included",
        source="W. Woo, The Difficulty Ribbon, 2019",
        compute=mean_difficulty(days),
        window=days,
        missing=f"missing until {days} days have passed, and for {days} days after a gap",
    )


MEANS = tuple(_sma(days) for days in WINDOWS)

COMPRESSION = Metric(
    name="difficulty_ribbon.compression",
    title="Difficulty ribbon compression",
    unit=RATIO,
    inputs=tuple(mean.name for mean in MEANS),
    definition="population standard deviation of the eight means of the difficulty ribbon / their "
    "mean",
    source="Glassnode, Difficulty Ribbon Compression; windows of W. Woo, 2019",
    compute=compression,
    window=max(WINDOWS),
    missing="missing until 200 days have passed, and for 200 days after a gap",
)
