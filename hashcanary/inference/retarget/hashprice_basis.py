"""What hashprice rests on at the block of a forecast: difficulty, subsidy, fees and price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.chain.difficulty import difficulty_float64
from hashcanary.chain.subsidy import COIN, subsidy
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.market import CHANGE_YEARS, UNKNOWN_FEES, hashprice_of
from hashcanary.economics.shutdown.payback import FEWEST_CHANGES
from hashcanary.economics.supply.curve import STALE_DAYS
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_READ = ("price", "fees.to_subsidy", "blocks.fees_btc", "blocks.count")
FEE_DAYS = 30
# a last block so many seconds before the moment asked about is said to be old
_LATE = DAY


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a record, ascending. time: Unix seconds at which each begins; price_usd_per_btc: at
    its end; fees_btc: a block; NaN where not known. price_known_at, fees_known_at: Unix seconds.
    """

    time: Ints
    price_usd_per_btc: Floats
    price_known_at: Ints
    fees_btc: Floats
    fees_known_at: Ints


@dataclass(frozen=True, slots=True)
class Basis:
    """What a hash earns and how that moves, as known at the block of a forecast.

    day: of the price, Unix seconds of its start; stated: the price was given. difficulty: in force,
    a ratio to difficulty one; subsidy_after_btc: at the retarget's block; fees_now_btc: a block, of
    the last known day; fee_day: Unix seconds of that day's start; fees_btc: of the last 30 days;
    fee_history_btc: of all days that are drawn from, empty where they are too few. log_changes: of
    the price, a day. Oldest first.
    """

    day: int
    price_usd_per_btc: float
    stated: bool
    difficulty: float
    subsidy_btc: float
    subsidy_after_btc: float
    fees_now_btc: float
    fee_day: int
    fees_btc: Floats
    fee_history_btc: Floats
    log_changes: Floats
    lacks: tuple[str, ...]

    @property
    def now(self) -> Interval:
        """USD/PH/s/day at the difficulty in force; the band is that of the fees."""
        low, high = float(self.fees_btc.min()), float(self.fees_btc.max())
        fees = Interval(self.fees_now_btc, low, high)
        return fees.map(partial(self.hashprice, 1.0, self.subsidy_btc))

    def hashprice(self, ratio: float, subsidy_btc: float, fees_btc: float) -> float:
        """USD/PH/s/day at ``ratio`` times the difficulty in force, at the price of the basis."""
        return hashprice_of(
            self.difficulty * ratio, self.price_usd_per_btc, subsidy_btc, fees_btc / subsidy_btc
        )


def days_of(record: Record) -> Days:
    """The days of a record. Raises NothingToMeasure."""
    from hashcanary.metrics.engine import metrics_of

    frame = metrics_of(record).frame("day", _READ)
    price, _, fees, count = (floats(frame, name) for name in _READ)
    whole = frame["fees.to_subsidy"].is_not_null().to_numpy()
    known = (
        frame[name].fill_null(0).to_numpy().astype(np.int64)
        for name in ("time", "price.known_at", "fees.to_subsidy.known_at")
    )
    time, price_known, fees_known = known
    a_block = np.where(whole & (count > 0), fees / np.where(count > 0, count, 1.0), np.nan)
    return Days(time, price, price_known, a_block, fees_known)


def basis_of(record: Record, forecast: RetargetForecast, price: float | None = None) -> Basis:
    """The basis of a forecast of the same record.

    price: USD a bitcoin in place of the last known one. Raises NoHashprice, UsageError.
    """
    found = basis_at(
        days_of(record), forecast, record.network, in_force(record, forecast.height), price
    )
    if record.at is None or record.at - forecast.time <= _LATE:
        return found
    late = (
        f"blocks after {forecast.height} of {iso_day(int(forecast.time))}: difficulty and price "
        "are those of that day"
    )
    return replace(found, lacks=(late, *found.lacks))


def in_force(record: Record, height: int) -> float:
    """The difficulty of a block, as a ratio to difficulty one. height: number of the block."""
    import polars as pl

    bits = record.blocks.filter(pl.col("height") == height)["bits"]
    return difficulty_float64(int(bits[0]))


def basis_at(
    days: Days,
    forecast: RetargetForecast,
    network: Network,
    difficulty: float,
    price: float | None = None,
) -> Basis:
    """What was known by the time of the forecast's block.

    difficulty: in force, a ratio to difficulty one; price: USD/BTC in place of the last one. Raises
    NoHashprice where no price of the last ``STALE_DAYS`` days is known, UsageError for a price that
    is none.
    """
    if price is not None:
        _check(price)
    seen = np.flatnonzero((days.price_known_at <= forecast.time) & (days.price_usd_per_btc > 0))
    last = int(seen[-1]) if seen.size else -1
    if last < 0 or forecast.time - days.time[last] > (STALE_DAYS + 1) * DAY:
        found = iso_day(int(days.time[last])) if last >= 0 else "none"
        raise NoHashprice(days=STALE_DAYS, at=iso_day(int(forecast.time)), found=found)
    coins = subsidy(forecast.height, network) / COIN
    fees, lacks = _fees(days, forecast.time, coins)
    changes = _changes(days, last, seen)
    if changes.size < FEWEST_CHANGES:
        lacks = (*lacks, _few(changes.size))
    return Basis(
        day=int(days.time[last]),
        price_usd_per_btc=float(days.price_usd_per_btc[last]) if price is None else price,
        stated=price is not None,
        difficulty=difficulty,
        subsidy_btc=coins,
        subsidy_after_btc=subsidy(forecast.retarget_height, network) / COIN,
        fees_now_btc=fees.now,
        fee_day=int(days.time[last]) if fees.day is None else fees.day,
        fees_btc=fees.recent,
        fee_history_btc=fees.history,
        log_changes=changes,
        lacks=lacks,
    )


def _check(price: float) -> None:
    if not (np.isfinite(price) and price > 0):
        raise UsageError(
            argument="price",
            expected="USD a bitcoin, a number above 0",
            found=price,
            remedy="Leave it out to take the record's last one.",
        )


def _few(found: int) -> str:
    return (
        f"{FEWEST_CHANGES} daily changes of the price, of which {found} are known: what a moving "
        "price does is not said"
    )


class _Fees(NamedTuple):
    """BTC a block: of the last day known, of the last 30, and of the years before; day: the last
    one's, Unix seconds of its start.
    """

    now: float
    recent: Floats
    history: Floats
    day: int | None


def _fees(days: Days, moment: float, coins: float) -> tuple[_Fees, tuple[str, ...]]:
    """What fees were by a moment, and what is not known of them."""
    known = np.isfinite(days.fees_btc) & (days.fees_known_at <= moment)
    recent = known & (days.time > moment - (FEE_DAYS + 1) * DAY)
    found = days.fees_btc[recent][-FEE_DAYS:]
    lacks: tuple[str, ...] = ()
    if not found.size:
        unknown = np.linspace(UNKNOWN_FEES.low, UNKNOWN_FEES.high, FEE_DAYS) * coins
        lacks = (
            f"fees: {UNKNOWN_FEES.low:.0%} to {UNKNOWN_FEES.high:.0%} of the subsidy are taken, "
            "all alike, and none for now",
        )
        return _Fees(UNKNOWN_FEES.value * coins, unknown, np.empty(0), None), lacks
    day = int(days.time[recent][-1])
    years = known & (days.time > moment - CHANGE_YEARS * 365.25 * DAY) & (days.fees_btc > 0)
    history = days.fees_btc[years]
    if found.size < FEE_DAYS:
        lacks = (f"fees of {FEE_DAYS - found.size} of the last {FEE_DAYS} days",)
    if history.size < FEWEST_CHANGES or not (found > 0).any():
        short = f"fees of {FEWEST_CHANGES} days: those of one of the last {found.size} are taken"
        return _Fees(float(found[-1]), found, np.empty(0), day), (*lacks, short)
    return _Fees(float(found[-1]), found, history, day), lacks


def _changes(days: Days, last: int, seen: Ints) -> Floats:
    """Daily changes of the logarithm of the price between days that are both known."""
    seen = seen[seen > last - round(CHANGE_YEARS * 365.25)]
    if seen.size < 2:
        return np.empty(0)
    change = np.diff(np.log(days.price_usd_per_btc[seen]))
    return np.asarray(change[np.diff(days.time[seen]) == DAY])
