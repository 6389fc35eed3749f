"""Hash ribbons: the 30-day and the 60-day mean of hashrate, and what their crossings say.

Rules: C. Edwards, Capriole Investments, 2019. Capitulation starts when the short mean falls below
the long one and ends when it rises above it again; the buy signal is the first day from then on
on which the 10-day mean of the price lies above its 20-day mean.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from hashcanary.arrays import Floats
from hashcanary.metrics import intervals
from hashcanary.metrics.declaration import Metric, value
from hashcanary.metrics.windows import as_columns, floats
from hashcanary.units import DAYS, FRACTION, STATE

_SHORT, _LONG = 30, 60
_SOURCE = "C. Edwards, Hash Ribbons & Bitcoin Bottoms, Capriole Investments, 2019"
_MISSING = "missing until 60 days of hashrate have passed, and for 60 days after a gap"


def oscillator(frame: pl.DataFrame) -> pl.DataFrame:
    """The 30-day mean over the 60-day mean - 1, with limits.

    The long window is the short one and the 30 days before it. With r the ratio of the rates of
    these two halves, the oscillator is 2r / (1 + r) - 1, which rises with r: exact limits of r,
    from two windows that share no block, are exact limits of the oscillator.
    """
    short, blocks = (
        floats(frame, "hashrate.sma30"),
        floats(frame, "hashrate.sma30.effective_blocks"),
    )
    before, blocks_before = _shifted(short), _shifted(blocks)
    limits = intervals.rate_ratio(short, blocks, before, blocks_before)
    low, high = ((r - 1) / (r + 1) for r in limits)
    return as_columns(value=short / floats(frame, "hashrate.sma60") - 1, low=low, high=high)


def _shifted(values: Floats) -> Floats:
    before = np.full(values.size, np.nan)
    before[_SHORT:] = values[:-_SHORT]
    return before


def state(frame: pl.DataFrame) -> pl.DataFrame:
    """``inverted`` where the oscillator is below 0, else ``normal``."""
    below = pl.col("ribbon.oscillator") < 0
    named = pl.when(below).then(pl.lit("inverted")).when(~below).then(pl.lit("normal"))
    return frame.select(value=named)


def days_inverted(frame: pl.DataFrame) -> pl.DataFrame:
    """Days since the inversion began, its first one counted; 0 where there is none."""
    inverted = pl.col("ribbon.state") == "inverted"
    row = pl.int_range(pl.len())
    not_so = pl.when(inverted.fill_null(value=False)).then(None).otherwise(row).forward_fill()
    # an inversion that no normal day is known before may have begun earlier
    seen = pl.col("ribbon.state").is_not_null().gather(not_so.fill_null(0)) & not_so.is_not_null()
    return frame.select(
        value=pl.when(inverted.is_not_null() & (~inverted | seen)).then(row - not_so)
    )


def recovery(frame: pl.DataFrame) -> pl.DataFrame:
    """Whether the ribbon was inverted the day before and is no more."""
    now, before = pl.col("ribbon.state"), pl.col("ribbon.state").shift(1)
    crossed = (now == "normal") & (before == "inverted")
    return frame.select(value=pl.when(now.is_not_null() & before.is_not_null()).then(crossed))


def buy(*, fresh: bool) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function that marks the first day from a recovery on with the price's momentum positive.

    fresh: the short mean of the price must rise above the long one on that very day, instead of
    standing above it. A new inversion, or a gap in the ribbon, ends the waiting.
    """

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        above = pl.col("price.sma10") > pl.col("price.sma20")
        momentum = above & ~above.shift(1) if fresh else above
        rows = frame.select("ribbon.state", "ribbon.recovery", momentum=momentum).rows()
        signals: list[bool | None] = []
        waiting = False
        for now, recovered, positive in rows:
            waiting = now == "normal" and (waiting or recovered is True)
            signal = positive if waiting else None if now is None else False
            waiting = waiting and signal is not True
            signals.append(signal)
        return pl.DataFrame({"value": pl.Series(signals, dtype=pl.Boolean)})

    return compute


OSCILLATOR = Metric(
    name="ribbon.oscillator",
    title="Hash ribbon oscillator",
    unit=FRACTION,
    inputs=("hashrate.sma30", "hashrate.sma60"),
    definition="hashrate.sma30 / hashrate.sma60 - 1",
    source="C. Edwards, Hash Ribbons, TradingView script kT7jIvqv",
    compute=oscillator,
    window=_LONG,
    interval="95% confidence, exact where no target changed within the windows (Clopper and "
    "Pearson's limits for the last 30 days against the 30 days before, on effective blocks)",
    missing=_MISSING,
)

STATE_TODAY = Metric(
    name="ribbon.state",
    title="Hash ribbon",
    unit=STATE,
    inputs=("ribbon.oscillator",),
    definition="inverted where hashrate.sma30 < hashrate.sma60, else normal",
    source=_SOURCE,
    compute=state,
    missing=_MISSING,
)

STATE_YESTERDAY = Metric(
    name="ribbon.state_yesterday",
    title="Hash ribbon, by yesterday's hashrate",
    unit=STATE,
    inputs=("ribbon.state",),
    definition="ribbon.state of the day before, all of which is known when the day's price is",
    source="C. Edwards, Hash Ribbons, TradingView script kT7jIvqv, version 1.1",
    compute=value(pl.col("ribbon.state").shift(1)),
    window=2,
    lag=1,
    missing=_MISSING,
)

DAYS_INVERTED = Metric(
    name="ribbon.days_inverted",
    title="Days the hash ribbon has been inverted",
    unit=DAYS,
    inputs=("ribbon.state",),
    definition="days since the inversion began, its first day counted; 0 where it is normal",
    source=_SOURCE,
    compute=days_inverted,
    window=None,
    rests_on="row",
    missing=_MISSING + ", and while the day an inversion began on is not known",
)

RECOVERY = Metric(
    name="ribbon.recovery",
    title="Hash ribbon recovery",
    unit=STATE,
    inputs=("ribbon.state",),
    definition="true on a day whose state is normal after a day whose state was inverted",
    source=_SOURCE,
    compute=recovery,
    window=2,
    missing=_MISSING,
)


def _buy(name: str, condition: str, *, fresh: bool) -> Metric:
    return Metric(
        name=f"ribbon.{name}",
        title="Hash ribbon buy signal, " + ("fresh cross" if fresh else "state") + " of the price",
        unit=STATE,
        inputs=("ribbon.state", "ribbon.recovery", "price.sma10", "price.sma20"),
        definition=f"true on the first day from a recovery on on which {condition}; a new "
        "inversion before it ends the waiting",
        source=_SOURCE + "; the source leaves open whether a state or a fresh cross is meant",
        compute=buy(fresh=fresh),
        window=None,
        rests_on="row",
        missing="missing where the ribbon is, and while it waits for a price that is not known",
    )


BUYS = (
    _buy("buy_state", "the price's 10-day mean is above its 20-day mean", fresh=False),
    _buy("buy_cross", "the price's 10-day mean rises above its 20-day mean", fresh=True),
)
