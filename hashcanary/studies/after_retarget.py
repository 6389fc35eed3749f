"""How good the distributions of hashprice after the retarget were: every epoch of a record.

Rolling origin: what is said at a block rests on the blocks, prices and fees known by its time. What
came is the hashprice of the first whole UTC day after the retarget: with the price as it was when
asked, which judges difficulty and fees alone, and as it really was. Beside it stand two points, a
hashprice that stays and mempool.space's next difficulty at the price of now, and the same bands of
the price at the difficulty of now. All three know when the subsidy halves. Errors are relative to
the hashprice when asked, so that every epoch counts alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.targets import difficulty_float64_column
from hashcanary.economics.errors import NoHashprice
from hashcanary.economics.hash_economics import Days, days_of
from hashcanary.inference.filter.bank import BANDS
from hashcanary.inference.filter.observations import Blocks, blocks_of
from hashcanary.inference.filter.posterior import History, history, posterior
from hashcanary.inference.retarget.forecast import forecast_from
from hashcanary.inference.retarget.hashprice_ahead import Basis, basis_at, hashprice_ahead
from hashcanary.moments import DAY
from hashcanary.studies.calibration import mempool_rule, share_of, whole_epochs
from hashcanary.studies.errors import NoWholeEpochs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.arrays import Floats
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record

# number of blocks
POINTS = (288, 1008)
"""Blocks into an epoch at which it is asked."""
# number of draws
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Judged:
    """A distribution and what came. came, median: ratio to the hashprice when asked; pit: the
    probability it gave to no more than came; decrease: the probability it gave to less than
    1; crps: continuous ranked probability score, the same ratio.
    """

    came: float
    median: float
    pit: float
    decrease: float
    crps: float


@dataclass(frozen=True, slots=True)
class HashpriceOutcome:
    """One epoch asked at one of its blocks.

    first_height, time (Unix seconds): of the epoch's first block; point: number of blocks into it;
    now_usd_per_phs_day: when asked. held: at the price of then; moving: as it came. stays, mempool:
    the points beside them, a ratio to now; unchanged: the band of the price at the difficulty of
    now.
    """

    first_height: int
    time: int
    point: int
    now_usd_per_phs_day: float
    held: Judged
    moving: Judged
    unchanged: Judged
    stays: float
    mempool: float


@dataclass(frozen=True, slots=True)
class Against:
    """Our score against a rival's, epoch by epoch. ratio: of the means; difference, error: mean of
    ours less theirs and its standard error, fraction of the hashprice when asked.
    """

    ratio: float
    difference: float
    error: float


@dataclass(frozen=True, slots=True)
class HashpriceScore:
    """All epochs asked at one point, with the price held or moving.

    point: number of blocks; epochs: number of them. crps: mean, fraction of the hashprice when
    asked; error, stays_error, mempool_error: mean absolute, of the median and of the points,
    the same fraction. held: of the epochs, by each of ``BANDS``, a fraction.
    """

    point: int
    epochs: int
    held: tuple[Interval, ...]
    crps: float
    error: float
    stays_error: float
    mempool_error: float
    to_stays: Against
    to_mempool: Against
    to_unchanged: Against | None


def hashprice_outcomes(
    record: Record,
    *,
    points: Sequence[int] = POINTS,
    start: int | None = None,
    end: int | None = None,
    draws: int = DRAWS,
) -> list[HashpriceOutcome]:
    """Each epoch known whole, with the one before it and the first whole day after it.

    points: number of blocks into an epoch; start, end: Unix seconds, only epochs whose first block
    lies in between. Epochs with too few
    prices before them, or a day without a hashprice after them, are left out. Raises NoWholeEpochs
    when none is left, NoHashprice when none has a price, NoBlocksToObserve, NothingObserved,
    NoRetargets.
    """
    asked = _Asked(record, draws)
    found: list[HashpriceOutcome] = []
    unpriced: NoHashprice | None = None
    for before, at, after in whole_epochs(asked.blocks, start, end):
        try:
            outcomes = [asked.outcome(before, at, after, point) for point in points]
        except NoHashprice as error:
            unpriced = error
            continue
        found += [one for one in outcomes if one is not None]
    if not found:
        raise unpriced or NoWholeEpochs(at=record.at_text)
    return found


class _Asked:
    """A record filtered once, asked at any of its blocks."""

    def __init__(self, record: Record, draws: int) -> None:
        self.blocks: Blocks = blocks_of(record)
        bits = record.chain["bits"].to_numpy().astype(np.int64)
        self._difficulty = difficulty_float64_column(bits)
        self._past: History = history(self.blocks, record.network)
        self._days: Days = days_of(record)
        self._draws = draws

    def outcome(self, before: int, at: int, after: int, point: int) -> HashpriceOutcome | None:
        """Asked ``point`` blocks into the epoch that begins at row ``at``; None: not answerable."""
        blocks, network = self.blocks, self._past.network
        forecast = forecast_from(
            blocks.part(0, at + point + 1), posterior(self._past.state_at(at + point)), network
        )
        difficulty = self._difficulty
        basis = basis_at(self._days, forecast, network, float(difficulty[at]))
        day = -(-int(blocks.time[after]) // DAY) * DAY
        then = int(np.searchsorted(self._days.time, day))
        if then >= self._days.time.size or self._days.time[then] != day:
            return None
        price, fees = self._days.price_usd_per_btc[then], self._days.fees_btc[then]
        ahead = hashprice_ahead(forecast, basis, self._draws)
        moved = ahead.moved
        if moved is None or not (np.isfinite(price) and np.isfinite(fees)):
            return None
        now = basis.now.value
        ratio = float(difficulty[after] / difficulty[at])
        came_held = basis.hashprice(ratio, basis.subsidy_after_btc, float(fees)) / now
        came = came_held * float(price) / basis.price_usd_per_btc
        rule = mempool_rule(blocks, at, point, float(difficulty[at] / difficulty[before] - 1))
        return HashpriceOutcome(
            first_height=int(blocks.height[at]),
            time=int(blocks.time[at]),
            point=point,
            now_usd_per_phs_day=now,
            held=judged(ahead.held / now, came_held),
            moving=judged(moved / now, came),
            unchanged=judged(moved * (1 + ahead.change) / now, came),
            stays=_point(basis, 0.0),
            mempool=_point(basis, rule),
        )


def _point(basis: Basis, change: float) -> float:
    """Hashprice after a change of the difficulty, price and fees as now, over that of now."""
    after = basis.hashprice(1 + change, basis.subsidy_after_btc, basis.fees_now_btc)
    return after / basis.now.value


def judged(draws: Floats, came: float) -> Judged:
    """A distribution judged by what came. draws, came: ratio to one value."""
    ordered = np.sort(draws)
    size = ordered.size
    # the mean distance to what came, less half of that between two draws
    between = float(((2 * np.arange(1, size + 1) - size - 1) * ordered).sum()) / size**2
    crps = float(np.abs(ordered - came).mean()) - between
    under = (np.searchsorted(ordered, came) + np.searchsorted(ordered, came, "right")) / 2
    decrease = float((ordered < 1).mean())
    return Judged(came, float(np.median(ordered)), float(under) / size, decrease, crps)


def hashprice_scores(outcomes: Sequence[HashpriceOutcome], *, moving: bool) -> list[HashpriceScore]:
    """What the answers add up to, by point; moving: with the real price, else at the held one."""
    points = sorted({one.point for one in outcomes})
    return [_score([one for one in outcomes if one.point == at], moving) for at in points]


def _score(part: list[HashpriceOutcome], moving: bool) -> HashpriceScore:
    told = [one.moving if moving else one.held for one in part]
    pit, crps, came, median = (
        np.array([getattr(one, name) for one in told]) for name in ("pit", "crps", "came", "median")
    )
    stays = np.abs(np.array([one.stays for one in part]) - came)
    mempool = np.abs(np.array([one.mempool for one in part]) - came)
    unchanged = np.array([one.unchanged.crps for one in part])
    return HashpriceScore(
        point=part[0].point,
        epochs=len(part),
        held=tuple(share_of(np.abs(pit - 0.5) <= band / 2) for band in BANDS),
        crps=float(crps.mean()),
        error=float(np.abs(median - came).mean()),
        stays_error=float(stays.mean()),
        mempool_error=float(mempool.mean()),
        to_stays=_against(crps, stays),
        to_mempool=_against(crps, mempool),
        to_unchanged=_against(crps, unchanged) if moving else None,
    )


def _against(ours: Floats, theirs: Floats) -> Against:
    """A point's score is its absolute error."""
    apart = ours - theirs
    return Against(
        float(ours.mean() / theirs.mean()),
        float(apart.mean()),
        float(apart.std(ddof=1) / apart.size**0.5) if apart.size > 1 else float("nan"),
    )
