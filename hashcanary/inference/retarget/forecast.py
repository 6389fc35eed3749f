"""The distribution of the next retargets and of their dates, from any block on.

An epoch's target is set by the time from its first to its last header: what has passed, tau, plus
the time T of the n intervals that remain. For each model of the bank the expected path of the rate
gives the mean of T, and its variance is that of the path plus that of n exponential intervals. T is
a Gamma variate with that mean and variance: with a known rate its shape is n, exactly the noise of
the remaining blocks; whatever is not known of the rate only lowers the shape, so no band is
narrower than that noise. The models are mixed by their weights, and with a fall that no block shows
yet (``falls``), one Gamma variate for each of its depths.

Beside it stand the rules it is measured against, as others publish them. Theirs: ``change`` is the
relative change of difficulty at the next retarget; times in seconds; intervals counted from the
epoch's first block.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.chain.networks import Network
from hashcanary.chain.targets import block_work
from hashcanary.inference.errors import EpochStartMissing
from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.filter.observations import BIN, CLOCK_AT_TIP, FEWEST, Blocks, blocks_of
from hashcanary.inference.filter.posterior import Posterior, posterior, state_of, up_to
from hashcanary.inference.retarget.falls import UNSEEN_DAYS, lasting_falls
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.store.record import Record


# a retarget changes the difficulty to a quarter or four times at most
LIMIT = 4.0
# the later of two intervals' ends must pass the median of the last 11 header times
_MEDIAN_SPAN = 11


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long a number of blocks take: weighted Gamma variates, seconds from a block's time."""

    weights: Floats
    shape: Floats
    mean: Floats

    def below(self, seconds: Floats) -> Floats:
        """Probability (k,) that it takes less than each of ``seconds`` (k,)."""
        from scipy.special import gammainc

        shape = self.shape[:, None]
        at = np.maximum(seconds, 0.0)[None, :] * (shape / self.mean[:, None])
        return np.asarray(self.weights @ gammainc(shape, at))

    def _density(self, seconds: Floats) -> Floats:
        from scipy.special import gammaln

        shape = self.shape[:, None]
        at = seconds[None, :] * (shape / self.mean[:, None])
        log = shape * np.log(at) - at - gammaln(shape)
        return np.asarray(self.weights @ np.exp(log)) / seconds

    def quantiles(self, levels: Floats) -> Floats:
        """Seconds (k,) at each of ``levels``, to a part in ten million."""
        low, high = self._bounds(levels)
        guess = (low + high) / 2
        # Newton's steps, halved to the bracket where they leave it
        for _ in range(60):
            error = self.below(guess) - levels
            low, high = np.where(error > 0, low, guess), np.where(error > 0, guess, high)
            with np.errstate(divide="ignore", invalid="ignore"):
                following = guess - error / self._density(guess)
            inside = (following >= low) & (following <= high)
            following = np.where(inside, following, (low + high) / 2)
            if (np.abs(following - guess) < 1e-7 * guess).all():
                return following
            guess = following
        return guess

    def _bounds(self, levels: Floats) -> tuple[Floats, Floats]:
        """The lowest and the highest of the models' own quantiles."""
        from scipy.special import gammaincinv

        shape = self.shape[:, None]
        own = gammaincinv(shape, levels[None, :]) * (self.mean[:, None] / shape)
        return own.min(axis=0), own.max(axis=0)


@dataclass(frozen=True, slots=True)
class RetargetForecast:
    """The next retarget as one block leaves it open.

    height, time: of that block; first_height, first_time: of its epoch; retarget_height: of the
    first block with the new target. intervals: measured so far, of ``needed``. change: quantiles
    at ``levels`` of the relative change of the difficulty, date: of the retarget block's time
    (Unix seconds). second_*: the retarget after it. lacks: what would have made it better.
    """

    height: int
    time: float
    first_height: int
    first_time: int
    intervals: int
    needed: int
    retarget_height: int
    change: Floats
    date: Floats
    second_height: int
    second_change: Floats
    second_date: Floats
    hashrate: Floats
    lacks: tuple[str, ...]
    span: Span
    levels: Floats = field(default_factory=LEVELS.copy)


@dataclass(frozen=True, slots=True)
class Span:
    """The span that sets the next target: ``passed`` seconds and what is still to wait.

    timespan: seconds an epoch should take; least: seconds the whole span has at the least, by the
    median-time-past rule. waiting: None once the epoch's last block is there. lowest: the least
    ratio of new to old difficulty, a quarter, or what is left to the network's least difficulty.
    """

    passed: float
    timespan: int
    least: float
    waiting: Waiting | None
    lowest: float = 1 / LIMIT

    def below(self, change: Floats) -> Floats:
        """Probability (k,) that the relative change of difficulty is at most ``change`` (k,)."""
        ratio = 1.0 + np.asarray(change, dtype=np.float64)
        span = self.timespan / np.clip(ratio, 1e-9, None)
        if self.waiting is None:
            inside = (self.passed >= span).astype(np.float64)
        else:
            inside = 1.0 - self.waiting.below(span - self.passed)
            inside = np.where(span <= self.least, 1.0, inside)
        return np.where(ratio >= LIMIT, 1.0, np.where(ratio < self.lowest, 0.0, inside))

    def quantiles(self, levels: Floats) -> Floats:
        """Relative change at each of ``levels``."""
        if self.waiting is None:
            return self.change_after(np.zeros(levels.size))
        return self.change_after(self.waiting.quantiles(1.0 - levels))

    def change_after(self, wait: Floats) -> Floats:
        """Relative change if the rest of the span takes each of ``wait`` (k,) seconds."""
        ratio = self.timespan / np.maximum(self.passed + wait, max(self.least, 1.0))
        return np.asarray(np.clip(ratio, self.lowest, LIMIT) - 1.0)


def forecast_retarget(record: Record, height: int | None = None) -> RetargetForecast:
    """The next two retargets as the record's block at ``height`` (the last without) leaves them.

    Only the blocks up to it, and prices known by its time, are used. Raises NoBlocksToObserve,
    NothingObserved, HeightNotKnown, EpochStartMissing, NoRetargets.
    """
    blocks = up_to(blocks_of(record), height)
    return forecast_from(blocks, posterior(state_of(blocks, record.network)), record.network)


def forecast_from(blocks: Blocks, now: Posterior, network: Network) -> RetargetForecast:
    """The forecast from the posterior at the last of ``blocks``. Raises EpochStartMissing."""
    now = now.heavy()
    size = network.retarget_interval
    first_height = now.height - now.height % size
    at = blocks.find(first_height)
    if at < 0:
        raise EpochStartMissing(first_height=first_height, height=now.height)
    first_time, work = int(blocks.time[at]), float(blocks.work[-1])
    span = _span(blocks, now, network, first_time, work)
    left = size - 1 - (now.height - first_height)
    levels = LEVELS
    second = _Second(now, work, left, network, span)
    return RetargetForecast(
        height=now.height,
        time=now.time,
        first_height=first_height,
        first_time=first_time,
        intervals=size - 1 - left,
        needed=size - 1,
        retarget_height=first_height + size,
        change=span.quantiles(levels),
        date=now.time + with_fall(waiting_for(now, left + 1, work)).quantiles(levels),
        second_height=first_height + 2 * size,
        second_change=second.change(levels),
        second_date=now.time + second.wait(levels),
        hashrate=now.quantiles(levels),
        lacks=_lacks(blocks, now, first_height),
        span=span,
    )


def _span(blocks: Blocks, now: Posterior, network: Network, first_time: int, work: float) -> Span:
    """What has passed of the epoch, and the wait for its last block."""
    size = network.retarget_interval
    left = size - 1 - now.height % size
    lowest = max(1 / LIMIT, block_work(network.pow_limit_bits) / work)
    if left == 0:
        # the rule takes the header's own time, right or wrong
        measured = float(blocks.time[-1] - first_time)
        return Span(measured, network.target_timespan, 0.0, None, lowest)
    recent = np.sort(blocks.time[-_MEDIAN_SPAN:])
    least = float(recent[recent.size // 2] + 1 - first_time)
    waiting = with_fall(waiting_for(now, left, work))
    return Span(now.time - first_time, network.target_timespan, least, waiting, lowest)


def waiting_for(now: Posterior, count: int, work: float) -> Waiting:
    """How long ``count`` blocks of ``work`` hashes take from the posterior's block on, by its
    models, without a fall.
    """
    sums = _sums(now, _bins(count, 0))
    # relative variance: the rate's, the blocks' own, and the last header's clock
    mean = work * np.exp(sums[:, 0] + sums[:, 2] / 2)
    spread = np.expm1(sums[:, 2])
    noise = np.maximum(sums[:, 5], 1.0 / count)
    relative = spread + noise * (1 + spread) + (CLOCK_AT_TIP / mean) ** 2
    return Waiting(now.weights, 1.0 / relative, mean)


def with_fall(waiting: Waiting) -> Waiting:
    """The same where a lasting fall may have begun, or begin before the wait is over."""
    # beside a fall the models' differences are small: one variate of their mean and variance
    mean = float(waiting.weights @ waiting.mean)
    square = float(waiting.weights @ (waiting.mean**2 * (1 + 1 / waiting.shape)))
    falls, days = lasting_falls(), mean / DAY
    chance = falls.probability(days + UNSEEN_DAYS)
    begun = chance * UNSEEN_DAYS / (days + UNSEEN_DAYS)
    longer = np.concatenate((falls.whole, falls.some))
    weights = np.repeat((begun, chance - begun), falls.whole.size) / falls.whole.size
    return Waiting(
        np.concatenate((waiting.weights * (1 - chance), weights)),
        np.concatenate((waiting.shape, np.full(longer.size, 1 / (square / mean**2 - 1)))),
        np.concatenate((waiting.mean, mean * np.exp(longer))),
    )


def _bins(first: int, second: int) -> tuple[Floats, Floats]:
    """Blocks (2, j) of each future bin in the first and in the second sum, and its length."""
    total = first + second
    ends = np.minimum(np.arange(0, total + BIN, BIN), total)
    ends = np.unique(np.append(ends, first))
    counts = np.diff(ends).astype(np.float64)
    in_first = ends[1:] <= first
    return np.stack((np.where(in_first, counts, 0.0), np.where(in_first, 0.0, counts))), (
        counts / BIN
    )


def _sums(now: Posterior, bins: tuple[Floats, Floats]) -> Floats:
    """The (m, 7) sums of ``kernels.remaining``."""
    from hashcanary.inference.filter.kernels import remaining

    out = np.empty((now.weights.size, 7))
    change = 0.0 if np.isnan(now.change) else now.change
    remaining(bins[0], bins[1], now.state, now.rows, change, out)
    return out


class _Second:
    """The second retarget: log-normal for each model, by the delta method about the mean paths.

    Its span is work' / rate over the next epoch, where work' is set by the first span: a slow rest
    of this epoch makes the next one's blocks easier. Both rest on one path of the rate, and a
    lasting fall is in both from when it begins.
    """

    def __init__(
        self, now: Posterior, work: float, left: int, network: Network, span: Span
    ) -> None:
        """left: intervals that remain of this epoch; work: of a block of it."""
        size, timespan = network.retarget_interval, network.target_timespan
        lowest = block_work(network.pow_limit_bits) / work
        # one interval lies between the epochs: it counts for the date, not for a span
        sums = _sums(now, _bins(left + 1, size - 1))
        rest = work * np.exp(sums[:, 0]) * left / (left + 1)
        whole = np.maximum(span.passed + rest, max(span.least, 1.0))
        first = np.clip(timespan / whole, span.lowest, LIMIT)
        # at the limit the next work no longer depends on the rest of this epoch
        part = np.where((first < LIMIT) & (first > span.lowest), rest / whole, 0.0)
        log_second = np.log(work * first) + sums[:, 1]
        noise = part**2 * np.maximum(sums[:, 5], 1 / (left + 1)) + sums[:, 6]
        rate = part**2 * sums[:, 2] + sums[:, 3] - 2 * part * sums[:, 4]
        # the date: the rest of this epoch plus all of the next one
        until = work * np.exp(sums[:, 0])
        following = np.exp(log_second) * size / (size - 1)
        total = until + following
        a, b = (until - following * part) / total, following / total
        variance = (
            a**2 * (sums[:, 2] + sums[:, 5])
            + b**2 * (sums[:, 3] + sums[:, 6])
            + 2 * a * b * sums[:, 4]
        )
        weights = now.weights
        chances, now_longer, then_longer = _falls_of_two(
            float(weights @ until) / DAY, timespan / DAY
        )
        by_now, by_then, later = float(weights @ part), float(weights @ a), float(weights @ b)
        self._weights = np.concatenate((weights * (1 - chances.sum()), chances))
        # what is left to the least difficulty after the largest change that a model expects
        self._lowest = min(max(1 / LIMIT, lowest / float(first.max())), 1.0)
        self._change = _with_shifts(
            weights,
            np.log(timespan) - log_second,
            np.maximum(rate, 0.0) + noise,
            by_now * now_longer - then_longer,
        )
        self._until = _with_shifts(
            weights, np.log(total), variance, by_then * now_longer + later * then_longer
        )

    def change(self, levels: Floats) -> Floats:
        """Relative change at each of ``levels``."""
        mixed = _log_quantiles(self._weights, *self._change, levels)
        return np.asarray(np.clip(mixed, self._lowest, LIMIT) - 1.0)

    def wait(self, levels: Floats) -> Floats:
        """Seconds until the second retarget's block, at each of ``levels``."""
        return _log_quantiles(self._weights, *self._until, levels)


def _falls_of_two(days: float, following: float) -> tuple[Floats, Floats, Floats]:
    """Chance of each fall, and the logarithms of what it adds to two waits in a row, of so many
    days: it began before, begins in the first, or in the second.
    """
    falls = lasting_falls()
    spans = np.array([UNSEEN_DAYS, days, following])
    chance = falls.probability(float(spans.sum())) * spans / spans.sum()
    none = np.zeros(falls.whole.size)
    return (
        np.repeat(chance / none.size, none.size),
        np.concatenate((falls.whole, falls.some, none)),
        np.concatenate((falls.whole, falls.whole, falls.some)),
    )


def _with_shifts(
    weights: Floats, mean: Floats, variance: Floats, shifts: Floats
) -> tuple[Floats, Floats]:
    """Means and variances of normals, and of all of them as one, moved by each of ``shifts``."""
    middle = float(weights @ mean)
    whole = float(weights @ (variance + (mean - middle) ** 2))
    return (
        np.concatenate((mean, middle + shifts)),
        np.concatenate((variance, np.full(shifts.size, whole))),
    )


def _log_quantiles(weights: Floats, mean: Floats, variance: Floats, levels: Floats) -> Floats:
    from hashcanary.inference.filter.bank import quantiles

    return np.asarray(np.exp(quantiles(weights[None], mean[None], variance[None], levels)[0]))


def _lacks(blocks: Blocks, now: Posterior, first_height: int) -> tuple[str, ...]:
    """What the forecast had to do without, in words."""
    lacks = []
    missing = now.height - first_height + 1 - int((blocks.height >= first_height).sum())
    if missing:
        lacks.append(f"{missing} blocks of this epoch, whose times are not known")
    if np.isnan(now.change):
        lacks.append("a price of the last days: the rate is taken not to respond to it")
    done = now.height - first_height
    if done < FEWEST:
        lacks.append(
            f"an epoch to measure: {done} blocks came since its first, so it rests on earlier ones"
        )
    if now.unobserved >= FEWEST:
        lacks.append(f"the rate of the last {now.unobserved} blocks: too few to tell it")
    return tuple(lacks)


_SPACING, _INTERVALS, _TIMESPAN = 600.0, 2015, 1_209_600.0
_LEAST, _MOST = -0.75, 3.0


def naive_change(intervals: int, elapsed: float) -> float:
    """The mean interval so far, held to the epoch's end: 600 m / tau - 1, clamped."""
    return float(np.clip(_SPACING * intervals / max(elapsed, 1.0) - 1, _LEAST, _MOST))


def mempool_change(
    *,
    height: int,
    epoch_time: float,
    now: float,
    quarter_time: float | None,
    previous_change: float,
    latest_time: float | None = None,
) -> float:
    """The rule of mempool.space's backend (``difficulty-adjustment.ts``).

    epoch_time: of the epoch's first block; now: the clock; quarter_time: of the block 504 back,
    None where not known; previous_change: relative, of the last retarget; latest_time: of the
    last block, used in place of the clock at an epoch's last one.
    """
    done = height % 2016
    since = now - epoch_time
    if done == 2015 and latest_time is not None:
        since = latest_time - epoch_time
    if done < 503 and quarter_time is not None:
        span = since + (epoch_time - quarter_time) * (1 + previous_change)
        change = _SPACING / (span / 504) - 1
    else:
        change = _SPACING / max(since / (done + 1), 1e-9) - 1
    return float(np.clip(change, _LEAST, _MOST))


@dataclass(frozen=True, slots=True)
class BetaLaw:
    """The exact predictive under a constant, unknown rate with Jeffreys' prior.

    New over old difficulty is (1209600 / elapsed) times Beta(m, 2015 - m), clamped, m the
    intervals done. elapsed: seconds they took. Needs 1 <= m <= 2014.
    """

    intervals: int
    elapsed: float

    def __post_init__(self) -> None:
        if not 1 <= self.intervals < _INTERVALS or self.elapsed <= 0:
            raise ValueError(
                f"expected 1 to {_INTERVALS - 1} intervals in a positive time, found "
                f"{self.intervals} in {self.elapsed} s"
            )

    def mean(self) -> float:
        """Mean relative change, before the clamp."""
        return _TIMESPAN / self.elapsed * self.intervals / _INTERVALS - 1

    def quantiles(self, levels: Floats) -> Floats:
        """Relative change at each of ``levels``."""
        from scipy.special import betaincinv

        share = betaincinv(self.intervals, _INTERVALS - self.intervals, levels)
        return np.asarray(np.clip(_TIMESPAN / self.elapsed * share - 1, _LEAST, _MOST))

    def below(self, change: Floats) -> Floats:
        """Probability (k,) that the relative change is at most ``change`` (k,)."""
        from scipy.special import betainc

        at = np.asarray(change, dtype=np.float64)
        share = np.clip((at + 1) * self.elapsed / _TIMESPAN, 0.0, 1.0)
        inside = betainc(self.intervals, _INTERVALS - self.intervals, share)
        return np.where(at >= _MOST, 1.0, np.where(at < _LEAST, 0.0, inside))


def discount_change(
    shape: float, scale: float, work: float, intervals: int, elapsed: float
) -> float:
    """Relative change at the epoch's end if the rate of a discount Gamma filter holds to it.

    shape, scale: of the Gamma posterior of the rate, an old block counting ever less (scale:
    seconds per hash); work: hashes a block; intervals: done, in ``elapsed`` seconds.
    """
    rest = (_INTERVALS - intervals) * work * scale / shape
    return float(np.clip(_TIMESPAN / (elapsed + rest) - 1, _LEAST, _MOST))
