"""Histories of the stress gauge made by hand, of components a, b, c."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from hashcanary.moments import DAY
from hashcanary.studies.stress.against import Capitulation
from hashcanary.studies.stress.component import Component
from hashcanary.studies.stress.gauge import (
    ComponentDays,
    StressHistory,
    cuts_before,
    weighted,
    words_of,
)
from hashcanary.studies.stress.settings import Settings
from hashcanary.studies.stress.sustainability import SustainabilityHistory
from hashcanary.units import RATIO

FEWEST = 50


def history(percentiles: np.ndarray, weights: list[float] | None = None) -> StressHistory:
    """Percentiles (k, n) as a history of components a, b, c, each a group of its own."""
    many, size = percentiles.shape
    names = "abcdefg"[:many]
    each = np.array(weights or [1 / many] * many)
    stated = dict(zip(names, each.tolist(), strict=True))
    settings = Settings(
        stated, dict(zip(names, names, strict=True)), 0, FEWEST, (0.5, 0.8, 0.95), 0.5, {}, "t"
    )
    components = tuple(
        ComponentDays(
            Component(name, name, RATIO, "high", "d", "s", "w", lambda _: pl.DataFrame()),
            weight,
            row,
            row,
            row,
            row,
            row,
            row,
            pl.Series([None if np.isfinite(one) else "gone" for one in row], dtype=pl.String),
        )
        for name, weight, row in zip(names, each.tolist(), percentiles, strict=True)
    )
    gauge, part = weighted(percentiles, each, 0.5)
    cuts = cuts_before(gauge, settings.cuts, FEWEST)
    time = np.arange(size, dtype=np.int64) * DAY
    return StressHistory(
        settings,
        False,
        time,
        np.where(np.isfinite(gauge), time + DAY + 60.0, np.nan),
        components,
        part,
        gauge,
        gauge,
        gauge,
        cuts,
        words_of(gauge, cuts),
        np.full((4, size), np.nan),
    )


def with_words(word: np.ndarray) -> StressHistory:
    """A history whose words are given; its gauge is 25 points a word."""
    made = history(np.zeros((1, word.size)))
    return replace(made, word=word, gauge=np.where(word >= 0, 25.0 * word, np.nan))


def of(start: int, days: int) -> Capitulation:
    return Capitulation(f"{start}", start * DAY, (start + days) * DAY, "somebody")


def silent_index(size: int) -> SustainabilityHistory:
    nothing = np.full(size, np.nan)
    return SustainabilityHistory(np.arange(size), (), nothing, nothing, nothing, nothing, nothing)
