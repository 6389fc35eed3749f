"""How far the hashrate has fallen from its highest, and the hash ribbons: how fast it falls."""

from __future__ import annotations

import numpy as np
import polars as pl

from hashcanary.metrics.intervals import rate_ratio
from hashcanary.metrics.windows import floats
from hashcanary.studies.stress.component import COLUMNS, Component, Sources
from hashcanary.units import FRACTION

_DRAWDOWN, _RATE = "drawdown.sma30", "hashrate.sma30"


def drawdown(sources: Sources) -> pl.DataFrame:
    """The fall, a fraction of 0 or below, with limits that luck gives a peak too.

    The metric compares a rate at its peak with itself and finds no doubt. But the peak may be
    luck: here it is compared with another window of as many blocks and the same rate.
    """
    rows = sources.metrics[_DRAWDOWN].rows
    fall = floats(rows, "value")
    blocks = floats(sources.metrics[_RATE].rows, "effective_blocks")
    same = np.ones_like(fall)
    at_peak = rate_ratio(same, blocks, same, blocks)[0] - 1
    low = np.where(fall == 0, at_peak, floats(rows, "low"))
    high = np.minimum(floats(rows, "high"), 0.0)
    return rows.with_columns(
        pl.Series("low", low).fill_nan(None), pl.Series("high", high).fill_nan(None)
    ).select(COLUMNS)


DRAWDOWN = Component(
    name="drawdown",
    title="Drawdown of the hashrate",
    unit=FRACTION,
    stress="low",
    definition="drawdown.sma30: 30-day mean of the hashrate / its highest so far - 1",
    source="running drawdown; the smoothing that the episodes use",
    why="how many machines have left: a fall stays until it is made good, when the ribbon, which "
    "sees speed, is long normal again; a ratio to its own peak, so nothing drifts but growth",
    compute=drawdown,
    uncertainty="luck of two months' blocks",
    band="95%: the month against that of the peak; the peak may be luck",
)


_OSCILLATOR = "ribbon.oscillator"


def ribbon(sources: Sources) -> pl.DataFrame:
    """The oscillator with its exact limits."""
    return sources.metrics[_OSCILLATOR].rows.select(COLUMNS)


RIBBON = Component(
    name="ribbon",
    title="Hash ribbon",
    unit=FRACTION,
    stress="low",
    definition="ribbon.oscillator: hashrate.sma30 / hashrate.sma60 - 1",
    source="C. Edwards, Hash Ribbons, 2019",
    why="how fast machines leave: a ratio of two means of the same blocks, so it has no level that "
    "drifts; the growth it is measured against slows over the years, hence four years, not all",
    compute=ribbon,
    uncertainty="luck of two months' blocks",
    band="95%, exact: last 30 days against the 30 before",
)
