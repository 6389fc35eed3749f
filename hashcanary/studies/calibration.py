"""How good the forecasts of the retarget were: every epoch, from several of its blocks.

Rolling origin: each forecast rests on the blocks up to its own, on the prices known by then, and
on nothing later. Beside it stand the rules that others publish. A band is calibrated when it holds
what came as often as it says; the share is given with an exact binomial interval, epochs taken as
independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.chain.targets import difficulty_float64_column
from hashcanary.inference.filter.bank import BANDS, LEVELS
from hashcanary.inference.filter.observations import Blocks, blocks_of
from hashcanary.inference.filter.posterior import History, history, posterior
from hashcanary.inference.retarget.forecast import (
    BetaLaw,
    discount_change,
    forecast_from,
    mempool_change,
    naive_change,
)
from hashcanary.interval import Interval, binomial_share
from hashcanary.studies.errors import NoWholeEpochs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hashcanary.arrays import Bools, Floats
    from hashcanary.store.record import Record

POINTS = (36, 72, 144, 288, 504, 1008, 1512)
"""Blocks into an epoch at which forecasts are judged."""
MEMORY = 1000.0
"""Blocks that the discount filter beside them remembers."""
RANGES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Ends of the ranges of forecast probability that are judged apart."""
INTERVAL = "exact (Clopper-Pearson) 95% interval of a share, epochs taken as independent"
# blocks of an epoch, and of the quarter that mempool.space's rule looks back
_EPOCH, _QUARTER = 2016, 504
# points of a score's integral on either side of what came
_STEPS = 120
# of a law whose quantiles are in closed form
_TAILS = np.array([1e-5, 1 - 1e-5])
_MEDIAN = LEVELS.size // 2


@dataclass(frozen=True, slots=True)
class RetargetOutcome:
    """One forecast and what came. Changes are relative, of the difficulty.

    first_height, time (Unix seconds): of the epoch's first block; point: blocks into it. came, and
    what each rule said: median (ours), naive, mempool, discount. pit: probability that the forecast
    gave to a change no greater than what came; decrease: to one of 0 or less. crps, crps_beta:
    continuous ranked probability score of ours and of the constant-rate Beta law. width_80: of the
    80% band. second_came: the retarget after it, None where not known; second: its quantiles at
    ``LEVELS``.
    """

    first_height: int
    time: int
    point: int
    came: float
    median: float
    naive: float
    mempool: float
    discount: float
    pit: float
    decrease: float
    crps: float
    crps_beta: float
    width_80: float
    second_came: float | None
    second: Floats


@dataclass(frozen=True, slots=True)
class PointScore:
    """All forecasts from one point of the epoch.

    error, naive_error, mempool_error, discount_error: mean absolute, relative change;
    unchanged_error: of a difficulty that does not change. ratio: of our error to mempool.space's;
    score_ratio: of our CRPS to the Beta law's. held, second_held: how often each of ``BANDS`` held
    what came; width_80: mean; second_epochs, second_error, second_unchanged_error: of the retarget
    after the next.
    """

    point: int
    epochs: int
    error: float
    naive_error: float
    mempool_error: float
    discount_error: float
    unchanged_error: float
    score_ratio: float
    held: tuple[Interval, ...]
    width_80: float
    second_epochs: int
    second_error: float | None
    second_unchanged_error: float | None
    second_held: tuple[Interval, ...]

    @property
    def ratio(self) -> float:
        """Our mean absolute error over that of mempool.space's rule."""
        return self.error / self.mempool_error


def crps(below: Callable[[Floats], Floats], came: float, low: float, high: float) -> float:
    """Continuous ranked probability score: the integral of (F(x) - 1{came <= x})^2.

    below: F at (k,) points; low, high: outside of them F is 0 and 1 for all that matters.
    """
    start, end = min(low, came), max(high, came)
    under, over = np.linspace(start, came, _STEPS), np.linspace(came, end, _STEPS)
    left = np.trapezoid(below(under) ** 2, under)
    return float(left + np.trapezoid((1.0 - below(over)) ** 2, over))


def retarget_outcomes(
    record: Record,
    *,
    points: Sequence[int] = POINTS,
    start: int | None = None,
    end: int | None = None,
) -> list[RetargetOutcome]:
    """Every forecast at ``points`` of each epoch whose blocks and whose outcome are known.

    start, end: Unix seconds; only epochs whose first block lies in between. An epoch counts when
    all its blocks and all of the one before it are known. Raises NoWholeEpochs when none does,
    NoBlocksToObserve, NothingObserved, NoRetargets.
    """
    blocks = blocks_of(record)
    difficulty = difficulty_float64_column(record.chain["bits"].to_numpy().astype(np.int64))
    past = history(blocks, record.network)
    found: list[RetargetOutcome] = []
    for before, at, after in whole_epochs(blocks, start, end):
        following = blocks.find(int(blocks.height[after]) + _EPOCH)
        second = None
        if following >= 0:
            second = float(difficulty[following] / difficulty[after] - 1)
        came = float(difficulty[after] / difficulty[at] - 1)
        previous = float(difficulty[at] / difficulty[before] - 1)
        found += [_outcome(past, blocks, at, m, came, previous, second) for m in points]
    if not found:
        raise NoWholeEpochs(at=record.at_text)
    return found


def whole_epochs(
    blocks: Blocks, start: int | None, end: int | None
) -> Iterator[tuple[int, int, int]]:
    """Rows of the first blocks of the epoch before, of one known whole with it, and of the next.

    start, end: Unix seconds between which an epoch begins.
    """
    for first in blocks.height[blocks.height % _EPOCH == 0].tolist():
        at, after, before = (blocks.find(first + step * _EPOCH) for step in (0, 1, -1))
        if min(after, before) < 0 or after - before != 2 * _EPOCH:
            continue
        if (start is None or blocks.time[at] >= start) and (end is None or blocks.time[at] < end):
            yield before, at, after


def mempool_rule(blocks: Blocks, at: int, point: int, previous: float) -> float:
    """The change that mempool.space's rule gives ``point`` blocks into the epoch of row ``at``.

    previous: relative change of the last retarget.
    """
    return mempool_change(
        height=int(blocks.height[at + point]),
        epoch_time=float(blocks.time[at]),
        now=float(blocks.time[at + point]),
        quarter_time=float(blocks.time[at + point - _QUARTER]),
        previous_change=previous,
    )


def _outcome(
    past: History,
    blocks: Blocks,
    at: int,
    m: int,
    came: float,
    previous: float,
    second: float | None,
) -> RetargetOutcome:
    forecast = forecast_from(
        blocks.part(0, at + m + 1), posterior(past.state_at(at + m)), past.network
    )
    first, now = float(blocks.time[at]), float(blocks.time[at + m])
    law = BetaLaw(m, max(now - first, 1.0))
    # a 95% band further out on both sides nothing is left
    low, high = forecast.change[0], forecast.change[-1]
    tails = (float(2 * low - high), float(2 * high - low))
    return RetargetOutcome(
        first_height=int(blocks.height[at]),
        time=int(first),
        point=m,
        came=came,
        median=float(forecast.change[_MEDIAN]),
        naive=naive_change(m, now - first),
        mempool=mempool_rule(blocks, at, m, previous),
        discount=_discount(blocks, at, m),
        pit=float(forecast.span.below(np.array([came]))[0]),
        decrease=float(forecast.span.below(np.zeros(1))[0]),
        crps=crps(forecast.span.below, came, *tails),
        crps_beta=crps(law.below, came, *law.quantiles(_TAILS).tolist()),
        width_80=float(forecast.change[-2] - forecast.change[1]),
        second_came=second,
        second=forecast.second_change,
    )


def _discount(blocks: Blocks, at: int, m: int) -> float:
    """The change that one discount filter gives, from the six memories of blocks before."""
    start = max(int(np.searchsorted(blocks.height, blocks.height[at + m] - 6 * MEMORY)), 0)
    part = blocks.part(start, at + m + 1)
    # nothing is carried over a gap
    whole = int(np.flatnonzero(np.diff(part.height, prepend=part.height[0]) > 1).max(initial=0))
    alpha = np.diff(part.time[whole:]) / part.work[whole + 1 :]
    age = (1 - 1 / MEMORY) ** np.arange(alpha.size - 1, -1, -1)
    shape, scale = float(age.sum()), float((age * alpha).sum())
    elapsed = float(part.time[-1] - blocks.time[at])
    return discount_change(shape, scale, float(part.work[-1]), m, elapsed)


def scores(outcomes: Sequence[RetargetOutcome]) -> list[PointScore]:
    """What the forecasts of each point add up to, by point."""
    points = sorted({one.point for one in outcomes})
    return [_score([one for one in outcomes if one.point == point]) for point in points]


def _score(part: list[RetargetOutcome]) -> PointScore:
    def error(name: str) -> float:
        return float(np.mean([abs(getattr(one, name) - one.came) for one in part]))

    pit = np.array([one.pit for one in part])
    seconds = [one for one in part if one.second_came is not None]
    came = np.array([one.second_came for one in seconds], dtype=np.float64)
    levels = np.array([one.second for one in seconds]).reshape(-1, LEVELS.size)
    return PointScore(
        point=part[0].point,
        epochs=len(part),
        error=error("median"),
        naive_error=error("naive"),
        mempool_error=error("mempool"),
        discount_error=error("discount"),
        unchanged_error=float(np.mean([abs(one.came) for one in part])),
        score_ratio=sum(one.crps for one in part) / sum(one.crps_beta for one in part),
        held=tuple(share_of(np.abs(pit - 0.5) <= band / 2) for band in BANDS),
        width_80=float(np.mean([one.width_80 for one in part])),
        second_epochs=len(seconds),
        second_error=float(np.abs(levels[:, _MEDIAN] - came).mean()) if seconds else None,
        second_unchanged_error=float(np.abs(came).mean()) if seconds else None,
        second_held=tuple(
            share_of((levels[:, place] <= came) & (came <= levels[:, LEVELS.size - 1 - place]))
            for place in (2, 1, 0)
            if seconds
        ),
    )


@dataclass(frozen=True, slots=True)
class Reliability:
    """Forecasts of an event whose probabilities lie in one range, all fractions.

    low, high: of the range, ``high`` excluded but where it is 1; count: number of forecasts; mean:
    of their probabilities; observed: how often the event came; z: their difference over its
    standard deviation were the forecasts right, NaN where that is 0.
    """

    low: float
    high: float
    count: int
    mean: float
    observed: Interval
    z: float


def reliability(probability: Floats, came: Bools) -> list[Reliability]:
    """A row a range of forecast probability that has forecasts, for (n,) independent forecasts."""
    place = np.clip(np.searchsorted(RANGES, probability, "right"), 1, len(RANGES) - 1) - 1
    rows = []
    for at in np.unique(place).tolist():
        forecast, event = probability[place == at], came[place == at]
        deviation = float((forecast * (1 - forecast)).sum()) ** 0.5
        apart = float(event.sum() - forecast.sum())
        z = apart / deviation if deviation else float("nan")
        mean, observed = float(forecast.mean()), share_of(event)
        rows.append(Reliability(RANGES[at], RANGES[at + 1], event.size, mean, observed, z))
    return rows


def share_of(held: np.ndarray) -> Interval:
    """The share of a (n,) mask that holds, with its exact binomial interval."""
    return binomial_share(int(held.sum()), held.size)
