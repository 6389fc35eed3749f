"""What a hash earns before and at a drop, and what that did to the machines that ran.

Hashprice is that of the subsidy alone: fees are not always known, and are a few percent of it on
most days. What machines cost to run is told by the network's supply curve as known when the drop
began (``squeeze.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.difficulty import difficulty_float64_column
from hashcanary.chain.subsidy import COIN, subsidy_column
from hashcanary.economics.supply.study import history_of
from hashcanary.inference.explain.missing import Missing
from hashcanary.inference.explain.squeeze import squeeze
from hashcanary.inference.filter.price_change import prices_on
from hashcanary.metrics.catalogue.hashvalue import HASHES_PER_DIFFICULTY
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.explain.squeeze import Machines, Squeeze
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# days before a drop that say what a hash earned; days that say what it earns at it: so many before
# it was down, and at most so many while it is
USUAL_DAYS, NOW_DAYS, LOW_DAYS = 60, 3, 14
_FEWEST_USUAL = 30
# a block further back than this says nothing about the day's difficulty
_STALE = 16 * DAY


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
    value = price * _per_phs_day(record, days)
    begin = int(start) // DAY - first
    usual = value[max(begin - USUAL_DAYS, 0) : begin]
    now = np.flatnonzero(np.isfinite(value[begin - 1 :])) + begin - 1
    if np.isfinite(usual).sum() < _FEWEST_USUAL or now.size == 0:
        return Missing("hashprice", "no hashprice")
    # the days on which it was down; the last before where nothing later is known
    late = now[now >= min(int(down) // DAY - first - NOW_DAYS + 1, now[-NOW_DAYS:][0])]
    at, before = float(np.mean(value[late])), float(np.nanmean(usual))
    moment = int(start) if record.at is None else min(int(start), record.at)
    found = squeeze(history_of(record)[0], moment, before, at, given)
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


def _per_phs_day(record: Record, days: Ints) -> Floats:
    """Bitcoin of subsidy that a PH/s earns on each day; NaN where no block of late is known."""
    time = np.maximum.accumulate(record.blocks["time"].to_numpy().astype(np.int64))
    at = np.searchsorted(time, (days + 1) * DAY, side="right") - 1
    known = at >= 0
    at = np.maximum(at, 0)
    known &= (days + 1) * DAY - time[at] < _STALE
    bits = record.blocks["bits"].to_numpy().astype(np.int64)[at]
    height = record.blocks["height"].to_numpy().astype(np.int64)[at]
    coins = subsidy_column(height, record.network) / COIN
    hashes = difficulty_float64_column(bits) * HASHES_PER_DIFFICULTY
    return np.where(known, coins * DAY * 1e15 / hashes, np.nan)
