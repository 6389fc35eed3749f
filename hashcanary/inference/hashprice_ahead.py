"""Hashprice on the first whole day after the next retarget: draws of what the record leaves open.

At a difficulty D, with a subsidy S, fees f a block and bitcoin at P a hash earns
86400e15 (S + f) P / (D 2^32) USD/PH/s/day. Of these the forecast of the retarget gives D and the
day, as it stands: nothing is fitted anew. S is a rule. Fees are those of one of the last 30 days.
P is held at the last one known, or moves: by stretches of the record's own daily changes of the
last four years (stretches, so that quiet and wild weeks stay whole), without their drift. The
three are drawn apart from each other: what a rise of the price does to the hashrate before the
retarget is in the forecast only as far as it had come about by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.difficulty import difficulty_float64
from hashcanary.chain.subsidy import COIN, subsidy
from hashcanary.economics.draws import Purpose, generator
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.market import CHANGE_YEARS, UNKNOWN_FEES, Band, hashprice_of
from hashcanary.economics.payback import BLOCK_DAYS, FEWEST_CHANGES
from hashcanary.economics.supply import STALE_DAYS
from hashcanary.errors import UsageError
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.inference.retarget import RetargetForecast
    from hashcanary.metrics.engine import Results
    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

DRAWS = 10_000
DAYS_METRICS = ("price", "fees.to_subsidy")
FEE_DAYS = 30
# a draw whose retarget is further off than that takes the price of this day
MOST_DAYS = 366
# points, in standard deviations of a normal, between which quantiles of a wait are interpolated
_POINTS = 121


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a record, ascending. time: Unix seconds at which each begins; price: USD at its end;
    fees_btc: a block; NaN where not known. *_known_at: Unix seconds.
    """

    time: Ints
    price_usd_per_btc: Floats
    price_known_at: Ints
    fees_btc: Floats
    fees_known_at: Ints


@dataclass(frozen=True, slots=True)
class Basis:
    """What a hash earns and how that moves, as known at the block of a forecast.

    day: of the price, Unix seconds of its start; stated: the price was given. difficulty: in force;
    subsidy_after_btc: at the retarget's block; fees_now_btc: a block, of the last known day;
    fees_btc: of the days that are drawn from; log_changes: of the price, a day, oldest first.
    """

    day: int
    price_usd_per_btc: float
    stated: bool
    difficulty: float
    subsidy_btc: float
    subsidy_after_btc: float
    fees_now_btc: float
    fees_btc: Floats
    log_changes: Floats
    lacks: tuple[str, ...]

    @property
    def now(self) -> Band:
        """USD/PH/s/day at the difficulty in force; the band is that of the fees."""
        fees = (self.fees_now_btc, float(self.fees_btc.min()), float(self.fees_btc.max()))
        return Band(*(self.hashprice(1.0, self.subsidy_btc, one) for one in fees))

    def hashprice(self, ratio: float, subsidy_btc: float, fees_btc: float) -> float:
        """USD/PH/s/day at ``ratio`` times the difficulty in force, at the price of the basis."""
        return hashprice_of(
            self.difficulty * ratio, self.price_usd_per_btc, subsidy_btc, fees_btc / subsidy_btc
        )


def days_of(results: Results) -> Days:
    """Days of computed metrics, among them ``DAYS_METRICS``."""
    frame = results.frames["day"]
    price, fees, count = (
        frame[name].cast(float).fill_null(np.nan).to_numpy()
        for name in ("price", "blocks.fees_btc", "blocks.count")
    )
    whole = frame["fees.to_subsidy"].is_not_null().to_numpy()
    known = (
        frame[name].fill_null(0).to_numpy().astype(np.int64)
        for name in ("time", "price.known_at", "fees.to_subsidy.known_at")
    )
    time, price_known, fees_known = known
    a_block = np.where(whole & (count > 0), fees / np.where(count > 0, count, 1.0), np.nan)
    return Days(time, price, price_known, a_block, fees_known)


def basis_of(
    record: Record,
    forecast: RetargetForecast,
    price: float | None = None,
    results: Results | None = None,
) -> Basis:
    """The basis of a forecast of the same record.

    price: USD a bitcoin in place of the last known one; results: metrics of the record that were
    computed, with ``DAYS_METRICS`` among them. Raises NoHashprice, UsageError.
    """
    from hashcanary.metrics.engine import compute

    days = days_of(compute(record, DAYS_METRICS) if results is None else results)
    return basis_at(days, forecast, record.network, in_force(record, forecast.height), price)


def in_force(record: Record, height: int) -> float:
    """The difficulty of the record's block at a height, as a ratio to difficulty one."""
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
    """What was known by the time of the forecast's block; ``price``, USD, stands in its last place.

    Raises NoHashprice where no price of the last ``STALE_DAYS`` days is known, UsageError for a
    price that is none.
    """
    if price is not None and not (np.isfinite(price) and price > 0):
        raise UsageError(
            argument="price",
            expected="USD a bitcoin, a number above 0",
            found=price,
            remedy="Leave it out to take the record's last one.",
        )
    seen = np.flatnonzero((days.price_known_at <= forecast.time) & (days.price_usd_per_btc > 0))
    last = int(seen[-1]) if seen.size else -1
    if last < 0 or forecast.time - days.time[last] > (STALE_DAYS + 1) * DAY:
        found = iso_day(int(days.time[last])) if last >= 0 else "none"
        raise NoHashprice(days=STALE_DAYS, at=iso_day(int(forecast.time)), found=found)
    coins = subsidy(forecast.height, network) / COIN
    now, drawn, lacks = _fees(days, forecast.time, coins)
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
        fees_now_btc=now,
        fees_btc=drawn,
        log_changes=changes,
        lacks=lacks,
    )


def _few(found: int) -> str:
    return (
        f"{FEWEST_CHANGES} daily changes of the price, of which {found} are known: what a moving "
        "price does is not said"
    )


def _fees(days: Days, moment: float, coins: float) -> tuple[float, Floats, tuple[str, ...]]:
    """Fees a block of the last day known, and of the last 30; all BTC."""
    recent = days.time > moment - (FEE_DAYS + 1) * DAY
    known = np.isfinite(days.fees_btc) & (days.fees_known_at <= moment) & recent
    found = days.fees_btc[known][-FEE_DAYS:]
    if found.size:
        few = (f"fees of {FEE_DAYS - found.size} of the last {FEE_DAYS} days",)
        return float(found[-1]), found, few if found.size < FEE_DAYS else ()
    unknown = np.linspace(UNKNOWN_FEES.low, UNKNOWN_FEES.high, FEE_DAYS) * coins
    lacks = (
        f"fees: {UNKNOWN_FEES.low:.0%} to {UNKNOWN_FEES.high:.0%} of the subsidy are taken, all "
        "alike, and none for now",
    )
    return UNKNOWN_FEES.value * coins, unknown, lacks


def _changes(days: Days, last: int, seen: Ints) -> Floats:
    """Daily changes of the logarithm of the price between days that are both known."""
    seen = seen[seen > last - round(CHANGE_YEARS * 365.25)]
    if seen.size < 2:
        return np.empty(0)
    change = np.diff(np.log(days.price_usd_per_btc[seen]))
    return np.asarray(change[np.diff(days.time[seen]) == DAY])


@dataclass(frozen=True, slots=True)
class Ahead:
    """Draws of the first whole day after the retarget, each array (draws,).

    change: relative, of the difficulty; steps: days from the price's to that day; fees_btc: a
    block; moves: (draws, longest + 1) log change of the price after so many days, None where too
    few changes are known. waits: seconds from the forecast's block to the last of its epoch, 0
    where that is there.
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
        """The same where the price moves; None where it cannot be said how."""
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
    random = generator(seed, Purpose.NEXT_FEES)
    fees = np.sort(basis.fees_btc)
    chosen = random.permutation(draws) * fees.size // draws
    moves = None
    if basis.log_changes.size >= FEWEST_CHANGES:
        moves = _moves(basis.log_changes, draws, int(steps.max()), seed)
    return Ahead(forecast, basis, change, waits, dates, steps, fees[chosen], moves)


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
    """Seconds until the epoch's last block at each of many levels, by interpolation of the log."""
    from scipy.special import ndtr, ndtri

    assert forecast.span.waiting is not None
    at = ndtri(levels)
    points = np.linspace(float(at.min()), float(at.max()), _POINTS)
    exact = np.log(forecast.span.waiting.quantiles(ndtr(points)))
    return np.asarray(np.exp(np.interp(at, points, exact)))


def _moves(changes: Floats, draws: int, longest: int, seed: int) -> Floats:
    """Log change of the price after 0 to ``longest`` days: (draws, longest + 1)."""
    random = generator(seed, Purpose.NEXT_PRICE)
    count = max(-(-longest // BLOCK_DAYS), 1)
    starts = random.integers(0, changes.size, (draws, count))
    at = (starts[:, :, None] + np.arange(BLOCK_DAYS)) % changes.size
    bare = changes - changes.mean()
    steps = bare[at].reshape(draws, -1)[:, :longest]
    return np.concatenate((np.zeros((draws, 1)), np.cumsum(steps, axis=1)), axis=1)
