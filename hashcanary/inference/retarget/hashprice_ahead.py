"""Hashprice on the first whole day after the next retarget: draws of what the record leaves open.

At a difficulty D, with a subsidy S, fees f a block and bitcoin at P a hash earns
86400e15 (S + f) P / (D 2^32) USD/PH/s/day. Of these the forecast of the retarget gives D and the
day, as it stands: nothing is fitted anew. S is a rule. Fees are the median of the last 30 days
times what a day's fees, as many days on, were of such a median in the last four years. P is held at
the last one known, or moves: by stretches of the record's own daily changes of the last four years
(stretches, so that quiet and wild weeks stay whole), without their drift. The three are drawn apart
from each other: what a rise of the price does to the hashrate before the retarget is in the
forecast only as far as it had come about by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.hash_economics import FEE_DAYS
from hashcanary.economics.shutdown.switching import BLOCK_DAYS, FEWEST_CHANGES
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.retarget.forecast import RetargetForecast
    from hashcanary.inference.retarget.hashprice_basis import Basis

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

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
