"""What the price did after given days: the one place that computes forward returns.

A return is measured from the daily price of the day given to the daily price a number of days
later; nothing is carried over a missing price. Returns over windows that overlap share days and
are not independent evidence, so a summary counts the windows that do not overlap, and gives an
exact binomial interval on those alone. There are no p-values here: days are not observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.interval import Interval, binomial_share
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.arrays import Ints

HORIZONS = (30, 90, 180, 365)
INTERVAL = "exact (Clopper-Pearson) 95% interval on the share of non-overlapping windows that rose"


class DailyPrices:
    """Daily prices in USD by day number (Unix seconds // 86,400); NaN where there is none."""

    def __init__(self, rows: pl.DataFrame) -> None:
        """Take rows with ``time`` (start of the UTC day, Unix seconds) and ``value`` (USD)."""
        known = rows.filter(rows["value"].is_not_null())
        day: Ints = known["time"].to_numpy() // DAY
        self.first_day = int(day[0]) if day.size else 0
        self.last_day = int(day[-1]) if day.size else -1
        self.values = np.full(self.last_day - self.first_day + 1, np.nan)
        self.values[day - self.first_day] = known["value"].to_numpy()

    def on(self, day: int) -> float | None:
        """The price of a day, None where there is none."""
        if not self.first_day <= day <= self.last_day:
            return None
        price = float(self.values[day - self.first_day])
        return None if np.isnan(price) else price


@dataclass(frozen=True, slots=True)
class ForwardReturn:
    """Change of the price over ``horizon_days``, as a fraction; ``missing`` says why it is None."""

    horizon_days: int
    value: float | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class ForwardSummary:
    """What followed a set of days, over one horizon.

    events: days given; measured: those with a return; mean, median, positive (a count) are of
    these. independent: how many of them do not overlap, taken from the earliest on; rose: the share
    of these that rose, with its limits (see ``INTERVAL``). base_share is the share of all
    days of the record after which the price rose, base_independent how many windows that do not
    overlap it rests on: what any day would have given.
    """

    horizon_days: int
    events: int
    measured: int
    mean: float | None
    median: float | None
    positive: int
    independent: int
    rose: Interval | None
    base_share: float | None
    base_independent: int


def forward_return(prices: DailyPrices, day: int, horizon_days: int) -> ForwardReturn:
    """Return from the price of ``day`` (day number) to that ``horizon_days`` later."""
    before, after = prices.on(day), prices.on(day + horizon_days)
    if before is None:
        return ForwardReturn(horizon_days, None, f"no price on {_text(day)}")
    if after is None:
        end = _text(day + horizon_days)
        over = day + horizon_days > prices.last_day
        last = _text(prices.last_day)
        reason = f"ends on {end}, after the last price ({last})" if over else f"no price on {end}"
        return ForwardReturn(horizon_days, None, reason)
    return ForwardReturn(horizon_days, after / before - 1, None)


def forward_returns(prices: DailyPrices, day: int) -> tuple[ForwardReturn, ...]:
    """Returns from ``day`` (day number) over each horizon (days)."""
    return tuple(forward_return(prices, day, horizon) for horizon in HORIZONS)


def summarise(prices: DailyPrices, days: Sequence[int], horizon_days: int) -> ForwardSummary:
    """What followed ``days`` (day numbers, any order) over ``horizon_days``."""
    pairs = [(day, forward_return(prices, day, horizon_days).value) for day in sorted(days)]
    measured = [(day, value) for day, value in pairs if value is not None]
    values = np.array([value for _, value in measured])
    apart = [values[index] > 0 for index in non_overlapping([d for d, _ in measured], horizon_days)]
    base_share, base_independent = base_rate(prices, horizon_days)
    return ForwardSummary(
        horizon_days=horizon_days,
        events=len(pairs),
        measured=len(measured),
        mean=float(values.mean()) if measured else None,
        median=float(np.median(values)) if measured else None,
        positive=int((values > 0).sum()),
        independent=len(apart),
        rose=binomial_share(sum(apart), len(apart)) if apart else None,
        base_share=base_share,
        base_independent=base_independent,
    )


def non_overlapping(days: Sequence[int], horizon_days: int) -> list[int]:
    """Indices of ascending ``days`` whose windows do not overlap, taken from the earliest on.

    For windows of one length this is the largest such set.
    """
    taken: list[int] = []
    for index, day in enumerate(days):
        if not taken or day >= days[taken[-1]] + horizon_days:
            taken.append(index)
    return taken


def base_rate(prices: DailyPrices, horizon_days: int) -> tuple[float | None, int]:
    """Share of all days after which the price rose, and the windows apart that it rests on."""
    if prices.values.size <= horizon_days:
        return None, 0
    change = prices.values[horizon_days:] - prices.values[:-horizon_days]
    starts = np.flatnonzero(~np.isnan(change))
    if not starts.size:
        return None, 0
    return float((change[starts] > 0).mean()), len(non_overlapping(starts.tolist(), horizon_days))


def _text(day: int) -> str:
    return iso_day(day * DAY)
