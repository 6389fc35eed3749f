"""What a hash earns before and at a drop, and what that did to the machines that ran.

Hashprice is the daily metric of that name. What machines cost to run follows from the network's
supply curve as known when the drop began (``squeeze.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.supply.study import history_of
from hashcanary.inference.explain.missing import Missing
from hashcanary.inference.explain.squeeze import squeeze
from hashcanary.inference.filter.observations import prices_on
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.machines.fleet import History
    from hashcanary.inference.explain.squeeze import Machines, Squeeze
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# days before a drop that say what a hash earned; days that say what it earns at it: so many before
# it was down, and at most so many while it is
USUAL_DAYS, NOW_DAYS, LOW_DAYS = 60, 3, 14
_FEWEST_USUAL = 30


@dataclass(frozen=True, slots=True)
class Margin:
    """Hashprice at a drop and before it, USD/PH/s/day, and what it put underwater.

    day: of the last price, Unix seconds of its start. squeeze: by the supply curve of the machines
    that ran when the drop began; log_margin: log of hashprice over the break-even of their mean
    machine; log_change: log of hashprice over its mean of the 60 days before
    the drop; percentile: of it among those of the year before, a fraction; price_drawdown: of the
    price from its highest close of the 90 days before, a fraction.
    """

    day: int
    hashprice: float
    usual: float
    squeeze: Squeeze
    log_margin: float
    log_change: float
    percentile: float
    price_drawdown: float


def margin_at(
    record: Record, span: tuple[float, float, float], given: Machines
) -> Margin | Missing:
    """What a hash earned at a drop, or what is missing.

    span: Unix seconds at which the drop began, had gone down, and from which on less than half of
    it was missing, or of the last block. given: the machines there are, and what power costs.
    """
    start, down, until = span
    end = int(max(down, min(until, down + LOW_DAYS * DAY))) // DAY
    first = int(start) // DAY - 365
    days = np.arange(first, end + 1, dtype=np.int64)
    price = floats(prices_on(record, days), "price")
    history = history_of(record)[0]
    value = _hashprice_on(history, days)
    begin = int(start) // DAY - first
    usual = value[max(begin - USUAL_DAYS, 0) : begin]
    now = np.flatnonzero(np.isfinite(value[begin - 1 :])) + begin - 1
    if np.isfinite(usual).sum() < _FEWEST_USUAL or now.size == 0:
        return Missing("hashprice", "no hashprice")
    # the days on which it was down; the last before where nothing later is known
    late = now[now >= min(int(down) // DAY - first - NOW_DAYS + 1, now[-NOW_DAYS:][0])]
    at, before = float(np.mean(value[late])), float(np.nanmean(usual))
    moment = int(start) if record.at is None else min(int(start), record.at)
    found = squeeze(history, moment, before, at, given)
    if isinstance(found, Missing):
        return found
    year = value[np.isfinite(value)]
    highest = np.nanmax(price[max(begin - 90, 0) : late[-1] + 1])
    return Margin(
        day=int(days[late[-1]]) * DAY,
        hashprice=at,
        usual=before,
        squeeze=found,
        log_margin=float(np.log(at / found.break_even_usd_per_phs_day.value)),
        log_change=float(np.log(at / before)),
        percentile=float((year < at).mean()),
        price_drawdown=float(1 - price[late[-1]] / highest),
    )


def _hashprice_on(history: History, days: Ints) -> Floats:
    """Hashprice of each day, numbered from 1970, USD/PH/s/day; NaN where it is not known."""
    at = np.minimum(np.searchsorted(history.time, days * DAY), history.time.size - 1)
    known = history.time[at] == days * DAY
    return np.where(known, history.hashprice_usd_per_phs_day[at], np.nan)
