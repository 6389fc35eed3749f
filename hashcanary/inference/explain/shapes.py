"""How well each cause's shapes of a fall agree with the blocks: marginal likelihoods.

A drop is judged by windows of blocks around it. Under every hypothesis the log rate is a level,
growth and a random walk (its ordinary wander), and each window of blocks is off by its own luck.
Under luck that is all. Under a cause a drop is added: ``-depth`` times a shape that goes from 0 to
1 over the fall, stays, and comes back by a part. The shape's numbers are drawn from the cause's
stated distributions (a lattice, no random numbers); of the depth every value on a grid is taken, as
the likelihood is quadratic in it. The likelihood is averaged over all of these: no shape is fitted,
so a cause that could explain anything explains nothing well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.arrays import Floats, Ints
from hashcanary.chain.networks import Network
from hashcanary.inference.errors import NoBlocksToObserve, TooFewToExplain
from hashcanary.inference.filter.bank import YEAR
from hashcanary.inference.filter.observations import BINS_PER_DAY, Blocks, Observations, observe
from hashcanary.moments import DAY, iso_time

if TYPE_CHECKING:
    from hashcanary.inference.explain.causes import Cause, LogNormal


# days back that a drop is looked for, and days before them that show what was usual
REACH, LEAD = 100.0, 40.0
# days of blocks without which nothing is explained, and how recent some must be
FEWEST_DAYS, RECENT_DAYS = 20.0, 16.0
_FINE, _COARSE = 0.25, 1.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Mean log rates over windows of time, ascending.

    now: Unix seconds of the last block. start, end: days before it, so that the last window ends
    near 0; first, last: heights of the edges; log_rate: of H/s; variance: of it, from the blocks'
    luck and the clocks; blocks: how many each rests on.
    """

    now: float
    start: Floats
    end: Floats
    first: Ints
    last: Ints
    log_rate: Floats
    variance: Floats
    blocks: Ints

    @property
    def middle(self) -> Floats:
        """The middles of the windows, days."""
        return (self.start + self.end) / 2


def observed(blocks: Blocks, network: Network, reach: float = REACH) -> Observations:
    """What the blocks show from which drops of the last ``reach`` days are judged.

    Raises NoBlocksToObserve, TooFewToExplain.
    """
    if blocks.height.size < 2:
        raise NoBlocksToObserve(found=blocks.height.size, at="that moment")
    last = float(blocks.time.max())
    since = last - (reach + LEAD) * DAY
    seen = observe(blocks.part(int(np.argmax(blocks.time >= since))), network)
    seen = seen.where(seen.count > 0)
    covered = (last - float(seen.start_time[0])) / DAY if seen.size else 0.0
    fresh = (last - float(seen.time[-1])) / DAY if seen.size else np.inf
    if covered < FEWEST_DAYS or fresh > RECENT_DAYS:
        raise TooFewToExplain(
            expected=f"{FEWEST_DAYS:g}",
            at=iso_time(int(last)),
            recent=f"{RECENT_DAYS:g}",
            found=f"{int(seen.count.sum())} blocks of {covered:.1f} days",
        )
    return seen


def windows(seen: Observations, fine: tuple[float, float] = (np.inf, -np.inf)) -> Windows:
    """The spans put together: six hours each between the moments ``fine``, a day elsewhere.

    fine: days before the last block, the earlier (the smaller) first.
    """
    now = float(seen.time[-1])
    end = (seen.time - now) / DAY
    near = (end >= fine[0]) & (end <= fine[1])
    length = np.where(near, _FINE, _COARSE) * DAY
    group, held, begun = np.zeros(seen.size, dtype=np.int64), -1, -np.inf
    for at in range(seen.size):
        apart = at == 0 or seen.height[at - 1] != seen.first[at] or near[at] != near[at - 1]
        if apart or seen.time[at] - begun > length[at] * 1.01:
            held, begun = held + 1, float(seen.start_time[at])
        group[at] = held
    return _joined(seen, group, now)


def _joined(seen: Observations, group: Ints, now: float) -> Windows:
    from scipy.special import digamma, polygamma

    count = np.bincount(group, weights=seen.count)
    seconds = np.bincount(group, weights=seen.seconds)
    work = np.bincount(group, weights=seen.work)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], seen.size) - 1
    # what the clocks of a window's two ends add, as its first and last span have it
    clock = (seen.variance - polygamma(1, seen.count)) * seen.seconds**2
    ends = (clock[first] + clock[last]) / 2 / seconds**2
    return Windows(
        now=now,
        start=(seen.start_time[first] - now) / DAY,
        end=(seen.time[last] - now) / DAY,
        first=seen.first[first],
        last=seen.height[last],
        log_rate=digamma(count) - np.log(count) + np.log(work / seconds),
        variance=polygamma(1, count) + np.maximum(ends, 0.0),
        blocks=count.astype(np.int64),
    )


# shapes drawn of each cause: where a drop may be, and of the drop that is found
_PLACES, DRAWS = 2048, 4096
# log depths that are compared: a fall by 1.5% to one by 75%
DEPTHS = np.geomspace(0.015, 1.4, 48)
# ordinary wander of the log rate a bin, three kinds of times held equally likely beforehand
WANDERS = (0.0008, 0.002, 0.004)
_LEVEL_SD, _GROWTH, _GROWTH_SD = 1.0, 0.4, 0.8
# a drop's age has a log-uniform prior from here on: one asks about a drop soon after it begins
_YOUNGEST = 0.25


@dataclass(frozen=True, slots=True)
class Shapes:
    """Drawn shapes of one cause.

    age: days between the beginning and the last block; fall, hold, back: days; returned: part that
    comes back; log_weight: of each draw against its prior. All (n,).
    """

    age: Floats
    fall: Floats
    hold: Floats
    back: Floats
    returned: Floats
    log_weight: Floats

    def over(self, start: Floats, end: Floats) -> Floats:
        """Mean of each shape (n, w) over windows of time (w,), days before the last block."""
        # windows that follow each other share an edge
        edges, place = np.unique(np.concatenate((start, end)), return_inverse=True)
        begin = -self.age[:, None]
        turn = begin + self.fall[:, None] + self.hold[:, None]
        summed = _ramp(edges, begin, self.fall[:, None])
        summed -= self.returned[:, None] * _ramp(edges, turn, self.back[:, None])
        total = summed[:, place[start.size :]] - summed[:, place[: start.size]]
        return np.asarray(total / (end - start))


def _ramp(at: Floats, begin: Floats, length: Floats) -> Floats:
    """Integral up to ``at`` of a ramp from 0 at ``begin`` to 1 ``length`` later."""
    phase = np.maximum((at - begin) / length, 0.0)
    inside = np.minimum(phase, 1.0)
    # inside^2 / 2 + (phase - 1), the second where it is positive
    return np.asarray(length * (phase - inside * (1 - inside / 2)))


def draw_anywhere(cause: Cause, reach: float) -> Shapes:
    """Shapes of a cause that begin anywhere within ``reach`` days of the last block."""
    level = _lattice(_PLACES, 5)
    half = level[:, 0] < 0.5
    place = (2 * level[:, 0]) % 1.0
    age = np.where(half, _YOUNGEST * (reach / _YOUNGEST) ** place, reach * place)
    age = np.maximum(age, _YOUNGEST)
    prior = 1 / (age * np.log(reach / _YOUNGEST))
    return _drawn(cause, level, age, np.log(prior / (0.5 * prior + 0.5 / reach)))


def draw_near(cause: Cause, middle: tuple[float, float], reach: float) -> Shapes:
    """Shapes of a cause whose fall is half over between two ages ``middle``, days, the least first.

    Their weights are against the prior over all ages, so they sum to the prior probability that a
    fall lies there.
    """
    level = _lattice(DRAWS, 5)
    width = middle[1] - middle[0]
    age = middle[0] + width * level[:, 0] + cause.fall.at(level[:, 1]) / 2
    inside = (age >= _YOUNGEST) & (age <= reach)
    prior = np.where(inside, width / (np.maximum(age, _YOUNGEST) * np.log(reach / _YOUNGEST)), 0.0)
    with np.errstate(divide="ignore"):
        return _drawn(cause, level, age, np.log(prior))


def _drawn(cause: Cause, level: Floats, age: Floats, log_weight: Floats) -> Shapes:
    least, most = cause.returns
    return Shapes(
        age=age,
        fall=cause.fall.at(level[:, 1]),
        hold=cause.hold.at(level[:, 2]),
        back=cause.back.at(level[:, 3]),
        returned=least + (most - least) * level[:, 4],
        log_weight=log_weight - np.log(level.shape[0]),
    )


def _lattice(count: int, dimensions: int) -> Floats:
    """Points that fill the unit cube evenly: multiples of powers of the root of x^(d+1) = x + 1.

    M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018.
    """
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    step = root ** -np.arange(1, dimensions + 1)
    return (0.5 + np.arange(1, count + 1)[:, None] * step) % 1.0


class Background:
    """The windows as the ordinary times before and beside a drop explain them."""

    def __init__(self, seen: Windows) -> None:
        self._seen = seen
        days = seen.middle - seen.start[0]
        usual = float(np.average(seen.log_rate, weights=1 / seen.variance))
        off = seen.log_rate - usual - _GROWTH * days / YEAR
        level = _LEVEL_SD**2 + np.outer(days, days) * (_GROWTH_SD / YEAR) ** 2
        walk = np.minimum.outer(days, days) * BINS_PER_DAY
        self._whitening, self._off, self._terms = [], [], []
        for wander in WANDERS:
            covariance = level + wander**2 * walk + np.diag(seen.variance)
            lower = np.linalg.cholesky(covariance)
            inverse = np.linalg.inv(lower)
            white = inverse @ off
            # a lower triangle keeps the order: the first terms are those of the first windows
            self._terms.append(-0.5 * white**2 - np.log(np.diag(lower)) - 0.5 * np.log(2 * np.pi))
            self._whitening.append(inverse)
            self._off.append(white)

    def luck(self, until: int | None = None) -> Floats:
        """Log likelihoods (wanders,) of the first ``until`` windows, all without, with no fall."""
        return np.array([terms[:until].sum() for terms in self._terms])

    def fit(self, mean: Floats, until: int | None = None) -> Floats:
        """Log likelihoods (wanders, draws, depths) of the first windows.

        mean: of shapes over the windows, (draws, w).
        """
        logs = []
        for kept, inverse, off in zip(self.luck(until), self._whitening, self._off, strict=True):
            white = mean[:, :until] @ inverse[:until, :until].T
            slope, curve = white @ off[:until], np.einsum("ij,ij->i", white, white)
            # what is seen is off by -depth times the shape, and noise
            logs.append(kept - DEPTHS * slope[:, None] - 0.5 * DEPTHS**2 * curve[:, None])
        return np.array(logs)


def depth_prior(depth: LogNormal) -> Floats:
    """Log prior weight of each of ``DEPTHS`` where depths have a law, summing to 1 over them."""
    lost = -np.expm1(-DEPTHS)
    at = (np.log(lost) - np.log(depth.median)) / depth.spread
    # depths are evenly spread in their logarithm; the rest is d log(lost) / d log(depth)
    stretch = DEPTHS * (1 - lost) / lost
    weight = np.exp(-0.5 * at**2) * stretch
    return np.asarray(np.log(weight / weight.sum()))
