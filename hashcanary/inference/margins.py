"""What a hash earns against what its power costs, before and at a fall.

Hashprice is that of the subsidy alone: fees are not always known, and are a few percent of it on
most days. What power costs a hash rests on a stated, wide prior: ``break_even`` may be replaced by
any function that knows the machines better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.difficulty import difficulty_float64_column
from hashcanary.chain.subsidy import COIN, subsidy_column
from hashcanary.metrics.catalogue.hashvalue import HASHES_PER_DIFFICULTY
from hashcanary.metrics.vendor import daily_price
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# days before a fall that say what a hash earned; days that say what it earns at it
USUAL_DAYS, NOW_DAYS = 60, 3
_FEWEST_USUAL = 30
# network efficiency, J/TH: Coin Metrics, MINE-MATCH, July 2018 and May 2023
_POINTS = ((1_531_612_800.0, 89.0), (1_684_108_800.0, 33.0))
# USD/kWh, the middle and the standard deviation of the logarithm: 0.04 to 0.07 for most miners
_POWER_PRICE, _POWER_SPREAD = 0.053, 0.22
# of the log of J/TH between the points, and what a year beyond them adds
_EFFICIENCY_SPREAD, _SPREAD_A_YEAR = 0.15, 0.05
_YEAR = 365.25 * DAY
# a block further back than this says nothing about the day's difficulty
_STALE = 16 * DAY


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Hashprice at which power alone is paid: USD/PH/s/day, and the sd of its logarithm."""

    usd_per_phs_day: float
    spread: float
    source: str


@dataclass(frozen=True, slots=True)
class Margin:
    """Hashprice at a fall and before it, USD/PH/s/day, and what power costs.

    day: of the last price, Unix seconds of its start. log_margin: log of hashprice over break-even;
    log_change: log of hashprice over its mean of the 60 days before the fall; percentile: of it
    among those of the year before, a fraction; price_drawdown: of the price from its highest close
    of the 90 days before, a fraction.
    """

    day: int
    hashprice: float
    usual: float
    break_even: BreakEven
    log_margin: float
    log_change: float
    percentile: float
    price_drawdown: float


def break_even(time: float) -> BreakEven:
    """From the network's efficiency at a date, interpolated in its logarithm, and a power price."""
    (first, high), (last, low) = _POINTS
    slope = np.log(low / high) / (last - first)
    efficiency = high * np.exp(slope * (time - first))
    beyond = max(first - time, time - last, 0.0) / _YEAR
    spread = _EFFICIENCY_SPREAD + _SPREAD_A_YEAR * beyond
    return BreakEven(
        # J/TH = W/(TH/s); 1000 TH/s run 24 hours, in kWh
        float(efficiency * 24.0 * _POWER_PRICE),
        float(np.hypot(spread, _POWER_SPREAD)),
        f"{efficiency:.0f} J/TH (Coin Metrics' 89 in July 2018 and 33 in May 2023, carried on) at "
        "0.04 to 0.07 USD/kWh",
    )


def margin_at(
    record: Record,
    start: float,
    down: float,
    costs: Callable[[float], BreakEven] = break_even,
) -> Margin | str:
    """What a hash earned at a fall; in words why not, where that is not known.

    start, down: Unix seconds at which the fall began and had gone down, or of the last block.
    costs: break-even at a moment.
    """
    end, first = int(down) // DAY, int(start) // DAY - 365
    days = np.arange(first, end + 1, dtype=np.int64)
    price, known_at = daily_price(record.daily, record.candles, days * DAY)
    if record.at is not None:
        price = np.where(known_at <= record.at, price, np.nan)
    value = price * _per_phs_day(record, days)
    begin = int(start) // DAY - first
    usual = value[max(begin - USUAL_DAYS, 0) : begin]
    now = np.flatnonzero(np.isfinite(value[begin - 1 :])) + begin - 1
    if np.isfinite(usual).sum() < _FEWEST_USUAL or now.size == 0:
        return "the price, or the difficulty, of the days before the fall: no hashprice"
    # the last days before the fall was down; its own begin where nothing later is known
    late = now[-NOW_DAYS:]
    at, before = float(np.mean(value[late])), float(np.nanmean(usual))
    cost = costs(float(days[late[-1]] * DAY))
    year = value[np.isfinite(value)]
    highest = np.nanmax(price[max(begin - 90, 0) : late[-1] + 1])
    return Margin(
        day=int(days[late[-1]]) * DAY,
        hashprice=at,
        usual=before,
        break_even=cost,
        log_margin=float(np.log(at / cost.usd_per_phs_day)),
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
