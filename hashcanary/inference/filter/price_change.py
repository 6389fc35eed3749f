"""The 30-day change of the price, as it was known at each moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SPAN_DAYS = 30
# a close older than this says nothing about now
STALE_DAYS = 4


def prices_on(record: Record, days: Ints) -> pl.DataFrame:
    """The metric ``price`` of days, a row each: ``price`` (USD) and ``price.known_at``, null where
    none is known. days: numbers of UTC days since 1970, in any order.
    """
    prices = metrics_of(record).frame("day", ["price"])
    wanted = pl.DataFrame({"time": days * DAY})
    return wanted.join(prices, on="time", how="left", maintain_order="left")


class PriceChanges:
    """Closes of a record and when each was known; ``at`` looks a change up.

    It uses no close before it was known, so a record cut at T gives the same changes up to T.
    """

    def __init__(self, record: Record, start: int, end: int) -> None:
        """Take the closes of the days from 30 before ``start`` to ``end``, Unix seconds."""
        first = start // DAY - SPAN_DAYS - STALE_DAYS - 1
        self._days = np.arange(first, end // DAY + 1, dtype=np.int64)
        closes = prices_on(record, self._days)
        price = floats(closes, "price")
        good = np.isfinite(price) & (price > 0)
        self._log = np.where(good, np.log(np.where(good, price, 1.0)), np.nan)
        self._known_at = closes["price.known_at"].fill_null(0).to_numpy()
        self.any = bool(good.any())

    def at(self, times: Ints) -> Floats:
        """Log change over 30 days up to the last close known at each of ``times``; NaN: none."""
        change = np.full(times.size, np.nan)
        today = times // DAY - self._days[0]
        for back in range(1, STALE_DAYS + 1):
            day = today - back
            inside = (day >= SPAN_DAYS) & (day < self._days.size) & np.isnan(change)
            if not inside.any():
                continue
            day, before = day[inside], day[inside] - SPAN_DAYS
            known = (self._known_at[day] <= times[inside]) & (
                self._known_at[before] <= times[inside]
            )
            change[inside] = np.where(known, self._log[day] - self._log[before], np.nan)
        return change
