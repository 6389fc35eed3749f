"""Hashprice on the first whole day after the next retarget: draws of what the record leaves open.

At a difficulty D, with a subsidy S, fees f a block and bitcoin at P a hash earns
86400e15 (S + f) P / (D 2^32) USD/PH/s/day. Of these the forecast of the retarget gives D and the
day, as it stands: nothing is fitted anew. S is a rule. Fees are the median of the last 30 days
times what a day's fees, as many days on, were of such a median in the last four years. P is held at
the last one known, or moves: by stretches of the record's own daily changes of the last four years
(stretches, so that quiet and wild weeks stay whole), without their drift. The three are drawn apart
from each other: what a rise of the price does to the hashrate before the retarget is in the
forecast only as far as it had come about by then.

What it rests on, difficulty, subsidy, fees and price, is as known at the block of a forecast.
"""

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
from hashcanary.economics.shutdown.switching import BLOCK_DAYS, FEWEST_CHANGES
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints
    from hashcanary.chain.networks import Network
    from hashcanary.economics.hash_economics import Days, Fees
    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.store.record import Record


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


# number of draws
DRAWS = 10_000
# a draw whose retarget is further off than that takes the price of this day
MOST_DAYS = 366
# points, in standard deviations of a normal, between which quantiles of a wait are interpolated
_POINTS = 121


@dataclass(frozen=True, slots=True)
class Ahead:
    """Draws of the first whole day after the retarget, each array (draws,).

    change: of the difficulty, a fraction; dates: of the retarget, Unix seconds; steps: days from
    the price's to the first whole one after it; fees_btc: a block; moves: (draws, longest + 1) log
    of the price's change after so many days, None where too few changes are known; waits: seconds
    from the forecast's block to the last of its epoch, 0 where that is there.
    """

    forecast: RetargetForecast
    basis: Basis
    change: Floats
    waits: Floats
    dates: Floats
    steps: Ints
    fees_btc: Floats
    moves: Floats | None

    @property
    def held(self) -> Floats:
        """Hashprice of each draw at the basis' price, USD/PH/s/day."""
        basis = self.basis
        whole = basis.hashprice(1.0, basis.subsidy_after_btc, 0.0)
        return np.asarray(whole * (1 + self.fees_btc / basis.subsidy_after_btc) / (1 + self.change))

    @property
    def moved(self) -> Floats | None:
        """The same where the price moves, USD/PH/s/day; None where it cannot be said how."""
        if self.moves is None:
            return None
        return self.held * np.exp(self.moves[np.arange(self.steps.size), self.steps])


def hashprice_ahead(
    forecast: RetargetForecast, basis: Basis, draws: int = DRAWS, seed: int = 1
) -> Ahead:
    """``draws`` of the day after the retarget. The same seed gives the same bytes.

    Difficulties and fees are drawn evenly (one of each of ``draws`` equal parts of their
    distributions), so that quantiles of the difficulty are those of the forecast.
    """
    places = (generator(seed, Purpose.NEXT_DIFFICULTY).permutation(draws) + 0.5) / draws
    change, waits, dates = _retargets(forecast, places)
    first = np.ceil(dates / DAY).astype(np.int64)
    steps = np.clip(first - basis.day // DAY, 0, MOST_DAYS)
    fees = _fees_then(basis, first - basis.fee_day // DAY, seed)
    moves = None
    if basis.log_changes.size >= FEWEST_CHANGES:
        moves = _moves(basis.log_changes, draws, int(steps.max()), seed)
    return Ahead(forecast, basis, change, waits, dates, steps, fees, moves)


def _retargets(forecast: RetargetForecast, places: Floats) -> tuple[Floats, Floats, Floats]:
    """Change, wait for the epoch's last block and date at each of ``places`` of the change."""
    span = forecast.span
    if span.waiting is None:
        waits = np.zeros(places.size)
        # one block is still to come, whose time says nothing about the change
        dates = np.interp(places, forecast.levels, forecast.date)
        return span.change_after(waits), waits, dates
    waits = waits_at(forecast, 1.0 - places)
    left = forecast.needed - forecast.intervals
    return span.change_after(waits), waits, forecast.time + waits * (left + 1) / left


def waits_at(forecast: RetargetForecast, levels: Floats) -> Floats:
    """In seconds, until the epoch's last block; by interpolation. levels: probability."""
    from scipy.special import ndtr, ndtri

    assert forecast.span.waiting is not None
    at = ndtri(levels)
    points = np.linspace(float(at.min()), float(at.max()), _POINTS)
    exact = np.log(forecast.span.waiting.quantiles(ndtr(points)))
    return np.asarray(np.exp(np.interp(at, points, exact)))


def _fees_then(basis: Basis, steps: Ints, seed: int) -> Floats:
    """Fees of a day so many ``steps`` (draws,) on, BTC a block: (draws,)."""
    places = generator(seed, Purpose.NEXT_FEES).permutation(steps.size) / steps.size
    past = basis.fee_history_btc
    if not past.size:
        fees = np.sort(basis.fees_btc)
        return np.asarray(fees[(places * fees.size).astype(np.int64)])
    windows = np.lib.stride_tricks.sliding_window_view(past, FEE_DAYS)
    medians = np.median(windows, axis=1)
    # each day of the past stands as far behind as today behind that day
    steps = np.clip(steps, 0, past.size // 2)
    start = (places * (medians.size - steps)).astype(np.int64)
    return np.asarray(medians[-1] * past[start + FEE_DAYS - 1 + steps] / medians[start])


def _moves(changes: Floats, draws: int, longest: int, seed: int) -> Floats:
    """Log change of the price after 0 to ``longest`` days: (draws, longest + 1)."""
    random = generator(seed, Purpose.NEXT_PRICE)
    count = max(-(-longest // BLOCK_DAYS), 1)
    starts = random.integers(0, changes.size, (draws, count))
    at = (starts[:, :, None] + np.arange(BLOCK_DAYS)) % changes.size
    bare = changes - changes.mean()
    steps = bare[at].reshape(draws, -1)[:, :longest]
    return np.concatenate((np.zeros((draws, 1)), np.cumsum(steps, axis=1)), axis=1)
