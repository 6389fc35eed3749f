"""What hashprice rests on at the block of a forecast: difficulty, subsidy, fees and price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.subsidy import COIN, subsidy
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.hash_economics import (
    CHANGE_YEARS,
    FEE_DAYS,
    STALE_DAYS,
    days_of,
    difficulty_at,
    fees_known,
    hashprice_of,
    in_force,
    last_price,
    moment_of,
)
from hashcanary.economics.shutdown.switching import FEWEST_CHANGES
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.economics.hash_economics import Days, Fees
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]

# a last block so many seconds before the moment asked about is said to be old
_LATE = DAY


@dataclass(frozen=True, slots=True)
class Basis:
    """What a hash earns and how that moves, as known at the block of a forecast.

    day: of the price, Unix seconds of its start; stated: the price was given. difficulty: of the
    block, a ratio to difficulty one; now_ratio: of the one in force, which the next block has to
    meet, to it: 1 but after an epoch's last block. subsidy_after_btc: at the retarget's block;
    fees_now_btc: a block, of the last known day; fee_day: Unix seconds of that day's start;
    fees_btc: of the last 30 days; fee_history_btc: of all days that are drawn from, empty where
    they are too few. log_changes: of the price, a day. Oldest first.
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
    now_ratio: float = 1.0

    @property
    def now(self) -> Interval:
        """USD/PH/s/day at the difficulty in force; the band is that of the fees."""
        low, high = float(self.fees_btc.min()), float(self.fees_btc.max())
        fees = Interval(self.fees_now_btc, low, high)
        return fees.map(partial(self.hashprice, self.now_ratio, self.subsidy_btc))

    def hashprice(self, ratio: float, subsidy_btc: float, fees_btc: float) -> float:
        """USD/PH/s/day at ``ratio`` times the block's difficulty, at the price of the basis."""
        return hashprice_of(
            self.difficulty * ratio, self.price_usd_per_btc, subsidy_btc, fees_btc / subsidy_btc
        )


def basis_of(record: Record, forecast: RetargetForecast, price: float | None = None) -> Basis:
    """The basis of a forecast of the same record.

    price: USD a bitcoin in place of the last known one. Raises NoHashprice, UsageError.
    """
    own = difficulty_at(record, forecast.height)
    moment = moment_of(record, forecast.height)
    basis = basis_at(days_of(record), forecast, record.network, own, price, moment)
    basis = replace(basis, now_ratio=in_force(record, forecast.height) / own)
    if record.at is None or record.at - forecast.time <= _LATE:
        return basis
    late = (
        f"blocks after {forecast.height} of {iso_day(int(forecast.time))}: difficulty and price "
        "are those of that day"
    )
    return replace(basis, lacks=(late, *basis.lacks))


def basis_at(
    days: Days,
    forecast: RetargetForecast,
    network: Network,
    difficulty: float,
    price: float | None = None,
    moment: float | None = None,
) -> Basis:
    """What was known by a moment; without one by the time of the forecast's block.

    difficulty: of that block, a ratio to difficulty one; price: USD/BTC in place of the last one;
    moment: Unix seconds.
    Raises NoHashprice where no price of the last ``STALE_DAYS`` days is known, UsageError for a
    price that is none.
    """
    if price is not None:
        _check(price)
    moment = forecast.time if moment is None else moment
    last = last_price(days, moment)
    if last is None or moment - days.time[last] > (STALE_DAYS + 1) * DAY:
        latest = iso_day(int(days.time[last])) if last is not None else "none"
        raise NoHashprice(days=STALE_DAYS, at=iso_day(int(moment)), found=latest)
    coins = subsidy(forecast.height + 1, network) / COIN
    fees, lacks = fees_known(days, moment, coins)
    history, short = _fee_history(days, moment, fees)
    changes = _changes(days, last, moment)
    lacks = (*lacks, *short)
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
        fee_history_btc=history,
        log_changes=changes,
        lacks=lacks,
    )


def _check(price: float) -> None:
    if not (np.isfinite(price) and price > 0):
        raise UsageError(
            argument="price",
            expected="USD a bitcoin, a number above 0",
            found=price,
            remedy="Omit it to use the record's last one.",
        )


def _few(found: int) -> str:
    return (
        f"{FEWEST_CHANGES} daily changes of the price, of which {found} are known: what a moving "
        "price does is not said"
    )


def _fee_history(days: Days, moment: float, fees: Fees) -> tuple[Floats, tuple[str, ...]]:
    """Fees of years that a day's are drawn from, BTC a block; what is not known of them."""
    if fees.day is None:
        return np.empty(0), ()
    recent = fees.recent
    lacks: tuple[str, ...] = ()
    if recent.size < FEE_DAYS:
        lacks = (f"fees of {FEE_DAYS - recent.size} of the last {FEE_DAYS} days",)
    known = np.isfinite(days.fees_btc) & (days.fees_known_at <= moment)
    years = known & (days.time > moment - CHANGE_YEARS * 365.25 * DAY) & (days.fees_btc > 0)
    history = days.fees_btc[years]
    if history.size < FEWEST_CHANGES or not (recent > 0).any():
        short = f"fees of {FEWEST_CHANGES} days: those of one of the last {recent.size} are taken"
        return np.empty(0), (*lacks, short)
    return history, lacks


def _changes(days: Days, last: int, moment: float) -> Floats:
    """Daily changes of the logarithm of the price between days that are both known."""
    known = np.flatnonzero((days.price_known_at <= moment) & (days.price_usd_per_btc > 0))
    known = known[known > last - round(CHANGE_YEARS * 365.25)]
    if known.size < 2:
        return np.empty(0)
    change = np.diff(np.log(days.price_usd_per_btc[known]))
    return np.asarray(change[np.diff(days.time[known]) == DAY])
