"""What the price did after the gauge began to say a word: few windows, and intervals that say so.

A spell begins on the day on which the word, or a worse one, was first known after 30 days without.
Windows that overlap share days: only those that do not are counted (``forward_returns``), beside
what any day since the gauge has a word would have given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.moments import DAY
from hashcanary.studies.forward_returns import HORIZONS, DailyPrices, ForwardSummary, summarise
from hashcanary.studies.price_to_cost import spells
from hashcanary.studies.stress.answer import ALL_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.studies.stress.gauge import StressHistory


@dataclass(frozen=True, slots=True)
class AfterWord:
    """What followed the spells of one word. began: day numbers on which they were first known."""

    word: str
    days: int
    began: tuple[int, ...]
    after: tuple[ForwardSummary, ...]


def after_words(
    history: StressHistory, prices: pl.DataFrame, horizons: Sequence[int] = HORIZONS
) -> tuple[AfterWord, ...]:
    """Of each word of stress. prices: ``time`` (days' starts, Unix seconds), ``value`` (USD)."""
    told = np.flatnonzero(history.word >= 0)
    if not told.size:
        return ()
    since = prices.filter(pl.col("time") >= int(history.time[told[0]])).select("time", "value")
    daily = DailyPrices(since)
    found = []
    for cut in range(2, len(ALL_WORDS)):
        state = history.word[told] >= cut
        rows = told[spells(history.time[told] // DAY, state)]
        # midnight ends the day before
        began = tuple(int(history.known_at[row] - 1) // DAY for row in rows)
        found.append(
            AfterWord(
                ALL_WORDS[cut],
                int(state.sum()),
                began,
                tuple(summarise(daily, began, horizon) for horizon in horizons),
            )
        )
    return tuple(found)
