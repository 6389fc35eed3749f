"""The drop in hashrate that the blocks speak of most, and how it went.

Where it is, is found by comparing all causes' shapes, wherever they may begin, with the blocks
known at the moment that is asked about. How it went, when it began, how deep it is and what came
back, are posterior means and intervals over those shapes.

Beside it stands the hashrate of the last days against that before a drop, and how rarely luck alone
does that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import HeightNotKnown, WindowNotKnown
from hashcanary.inference.explain.shapes import (
    DEPTHS,
    REACH,
    WANDERS,
    Background,
    Shapes,
    Windows,
    depth_prior,
    draw_anywhere,
    draw_near,
    windows,
)
from hashcanary.inference.luck.luck import REFERENCE_BLOCKS, window_luck
from hashcanary.inference.luck.windows import between_blocks, between_times, blocks_before
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.chain.networks import Network
    from hashcanary.inference.explain.causes import Cause, Causes
    from hashcanary.inference.filter.observations import Blocks, Observations


# days within which two middles are one drop's at least, and the least width that is looked at
_APART, _LEAST_WIDTH = 3.0, 1.0
# parts of a drop at which it has gone down, and is half over
_DOWN, _HALF = 0.85, 0.5
# log of how likely what does not happen is
_NEVER = -600.0
_TAILS = np.array([0.025, 0.5, 0.975])


@dataclass(frozen=True, slots=True)
class DropProfile:
    """A drop in hashrate, as known at the last block.

    start, down: Unix seconds at which it began and had gone down, medians; start_low, start_high:
    95% limits of the first. height: of the last block before it began; last, now: of the last block
    and its time. depth: fraction of the hashrate lost at its deepest, with 95% limits.
    low_from, low_to: Unix seconds between which more than half of it was missing. decline_days:
    over how many days it fell; returned: fraction of it that has come back; each with 95% limits.
    """

    start: float
    start_low: float
    start_high: float
    down: float
    height: int
    now: float
    last: int
    depth: Interval
    low_from: float
    low_to: float
    decline_days: Interval
    returned: Interval


@dataclass(frozen=True, slots=True)
class Place:
    """Where a drop lies: the ages at which it was half over, days before the last block.

    low, high: the least and the most, negative where it is not yet half over. elsewhere: by cause,
    the evidence against luck that its drop lies elsewhere, and this one is none, at most the prior
    probability of that.
    """

    low: float
    high: float
    elsewhere: dict[str, float]


@dataclass(frozen=True, slots=True)
class Fitted:
    """One cause against the blocks.

    there: prior probability that its drop lies there, given that it has one. early, whole: log
    evidence of the windows until the drop had gone down, and of all of them, given that.
    weight: log of the joint likelihood and prior, (draws, depths). shapes: the draws; mean: of each
    over the windows, (draws, windows).
    """

    cause: Cause
    there: float
    early: float
    whole: float
    weight: Floats
    shapes: Shapes
    mean: Floats


def locate_drop(seen: Observations, causes: Causes, reach: float = REACH) -> Place:
    """Where the drop lies that the blocks speak of most, of all that began within ``reach``."""
    coarse = windows(seen)
    background = Background(coarse)
    none = float(log_sum(background.luck(), (0,)))
    drawn = [draw_anywhere(cause, reach) for cause in causes.real]
    weight = []
    for cause, shapes in zip(causes.real, drawn, strict=True):
        whole = background.fit(shapes.over(coarse.start, coarse.end)) + depth_prior(cause.depth)
        weight.append(log_sum(whole, (0, 2)) + shapes.log_weight - none)
    middle = [shapes.age - shapes.fall / 2 for shapes in drawn]
    rates = [np.log(max(cause.a_year, 1e-12)) for cause in causes.real]
    share = np.concatenate([one + rate for one, rate in zip(weight, rates, strict=True)])
    low, high = _most_spoken_of(
        np.concatenate(middle), np.concatenate([shapes.fall for shapes in drawn]), share
    )
    elsewhere = {}
    for cause, shapes, at, one in zip(causes.real, drawn, middle, weight, strict=True):
        far = (at < low) | (at > high)
        # no more than before the blocks were seen: another drop may be real beside this one
        most = float(np.exp(shapes.log_weight[far]).sum())
        elsewhere[cause.name] = min(float(np.exp(one[far]).sum()), most)
    return Place(low, high, elsewhere)


def _most_spoken_of(middle: Floats, length: Floats, weight: Floats) -> tuple[float, float]:
    """Ages of the middle of the drop of greatest weight, the least and the most."""
    share = np.exp(weight - weight.max())
    place = np.floor(middle / 2.0).astype(np.int64)
    place -= place.min()
    best = place == int(np.argmax(np.bincount(place, weights=share)))
    centre = float(np.average(middle[best], weights=share[best]))
    # a drop that took long has a middle that is known less well
    same = np.abs(middle - centre) <= np.maximum(_APART, length / 2)
    low, high = weighted_quantiles(middle[same], share[same], np.array([0.01, 0.99]))
    pad = max(_LEAST_WIDTH - (high - low), 0.5) / 2 + 0.25
    return float(low - pad), float(high + pad)


def fit_causes(
    seen: Observations, causes: Causes, place: Place, reach: float = REACH
) -> tuple[Windows, tuple[float, float], tuple[Fitted, ...]]:
    """Each cause's agreement with the blocks, for the drop at ``place``.

    Also the windows and luck's log evidence, until the drop had gone down and of all.
    """
    fine = windows(seen, (-place.high - 4.0, -place.low + 4.0))
    background = Background(fine)
    drawn = [draw_near(cause, (place.low, place.high), reach) for cause in causes.real]
    means = [shapes.over(fine.start, fine.end) for shapes in drawn]
    kinds = np.log(len(WANDERS))
    least = float(log_sum(background.luck(), (0,))) + _NEVER
    fitted = []
    for cause, shapes, mean in zip(causes.real, drawn, means, strict=True):
        # a drop that is not yet half over is next to impossible for a cause of swift ones
        there = max(float(log_sum(shapes.log_weight, (0,))), _NEVER)
        prior = shapes.log_weight[:, None] - there + depth_prior(cause.depth) - kinds
        weight = log_sum(background.fit(mean), (0,)) + prior
        whole = max(float(log_sum(weight, (0, 1))), least)
        fitted.append(Fitted(cause, float(np.exp(there)), whole, whole, weight, shapes, mean))
    until = _until_down(fitted)
    early = []
    for one in fitted:
        prior = (
            one.shapes.log_weight[:, None]
            - np.log(one.there)
            + depth_prior(one.cause.depth)
            - kinds
        )
        before = log_sum(background.fit(one.mean, until), (0,)) + prior
        early.append(replace(one, early=max(float(log_sum(before, (0, 1))), least)))
    luck = [float(log_sum(background.luck(stop), (0,)) - kinds) for stop in (until, None)]
    return fine, (luck[0], luck[1]), tuple(early)


def _until_down(fitted: list[Fitted]) -> int:
    """How many windows had ended when the drop had gone down."""
    evidence = np.array([one.whole + np.log(max(one.cause.a_year, 1e-12)) for one in fitted])
    paths = np.array([_mean_loss(one.weight, one.mean) for one in fitted])
    path = np.average(paths, axis=0, weights=np.exp(evidence - evidence.max()))
    return int(np.argmax(path >= _DOWN * path.max())) + 1


def _mean_loss(weight: Floats, mean: Floats) -> Floats:
    """Posterior mean of the log loss over each window."""
    return np.asarray((_normal(weight) @ DEPTHS) @ mean)


def _normal(weight: Floats) -> Floats:
    """Shares that sum to 1 from logs; zeros where all are impossible."""
    most = float(weight.max())
    if most < _NEVER:
        return np.zeros_like(weight)
    share = np.exp(weight - most)
    return np.asarray(share / share.sum())


def profile_of(fine: Windows, fitted: tuple[Fitted, ...], share: Floats) -> DropProfile:
    """How the drop went, each cause counting with its ``share``."""
    depth, start, down, days, gone = [], [], [], [], []
    paths, at_depth, at_draw = [], [], []
    for one, part in zip(fitted, share, strict=True):
        own = _normal(one.weight) * part
        at_draw.append(own.sum(axis=1))
        at_depth.append(own.sum(axis=0))
        paths.append(part * _mean_loss(one.weight, one.mean))
        begun = one.shapes.age
        start.append(-begun)
        down.append(np.minimum(one.shapes.fall - begun, 0.0))
        days.append(np.minimum(one.shapes.fall, begun))
        deepest = np.clip(begun / one.shapes.fall, 0.0, 1.0)
        gone.append(1 - one.mean[:, -1] / np.maximum(deepest, 1e-9))
        depth.append(deepest)
    weight, path = np.concatenate(at_draw), np.asarray(sum(paths))
    begun_at = weighted_quantiles(np.concatenate(start), weight, _TAILS)
    down_at = weighted_quantiles(np.concatenate(down), weight, _TAILS)
    lost = weighted_quantiles(DEPTHS, np.asarray(sum(at_depth)), _TAILS)
    low = np.flatnonzero(path >= _HALF * path.max())
    before = np.flatnonzero(fine.end <= begun_at[1] + 0.125)
    return DropProfile(
        start=_unix(fine, begun_at[1]),
        start_low=_unix(fine, begun_at[0]),
        start_high=_unix(fine, begun_at[2]),
        down=_unix(fine, down_at[1]),
        height=int(fine.last[before[-1]] if before.size else fine.first[0]),
        now=fine.now,
        last=int(fine.last[-1]),
        depth=_median(-np.expm1(-lost)),
        low_from=_unix(fine, float(fine.start[low[0]])),
        low_to=_unix(fine, float(fine.end[low[-1]])),
        decline_days=_median(weighted_quantiles(np.concatenate(days), weight, _TAILS)),
        returned=_median(
            weighted_quantiles(np.clip(np.concatenate(gone), 0.0, 1.0), weight, _TAILS)
        ),
    )


def _unix(fine: Windows, day: float) -> float:
    return fine.now + float(day) * DAY


def _median(tails: Floats) -> Interval:
    """A median with its limits, of quantiles at ``_TAILS``."""
    low, middle, high = (float(value) for value in tails)
    return Interval(middle, low, high)


def log_sum(values: Floats, axis: tuple[int, ...]) -> Floats:
    """Log of the sum of exponentials over axes."""
    most = values.max(axis=axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(values - most).sum(axis=axis, keepdims=True)) + most
    return np.asarray(np.squeeze(total, axis=axis))


def weighted_quantiles(values: Floats, weight: Floats, levels: Floats) -> Floats:
    """Quantiles of weighted values."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return np.asarray(np.interp(levels * total[-1], total - weight[order] / 2, values[order]))


LAST_DAYS, BEFORE_DAYS = 3.0, 14.0
_SHORTEST = 0.5


@dataclass(frozen=True, slots=True)
class RecentChange:
    """Relative change of the hashrate and its 95% limits, NaN where too few blocks are known.

    days: how long the last window is; blocks: in it; once_in_years: how long one waits for a window
    as poor by luck alone, NaN where that cannot be told.
    """

    days: float
    change: Interval
    blocks: int
    once_in_years: float


def recent_change(
    blocks: Blocks, network: Network, seen: Observations, drop: DropProfile
) -> RecentChange:
    """Of the last three days, fewer where the drop began less long ago, against the time before."""
    wanted = max(min(LAST_DAYS * DAY, drop.now - drop.start), _SHORTEST * DAY)
    last = float(np.maximum.reduce(blocks.time))
    try:
        window = between_times(blocks, network, last - wanted, last)
        since = between_blocks(blocks, network, drop.height, int(blocks.height[-1]))
        reference = blocks_before(blocks, network, since, REFERENCE_BLOCKS)
        found = window_luck(blocks, network, window, reference=reference)
    except (WindowNotKnown, HeightNotKnown):
        return _across_gaps(seen, drop, wanted)
    change = Interval(found.change, found.low, found.high)
    return RecentChange(wanted / DAY, change, window.blocks, found.once_in_years)


def _across_gaps(seen: Observations, drop: DropProfile, wanted: float) -> RecentChange:
    """From spans between known blocks: the ratio of two Gamma variates is an F variate."""
    from scipy.special import betaincinv

    now, nan = float(seen.time[-1]), float("nan")
    # a span may be longer than the window that is wanted: the last one at least
    last = seen.where(seen.start_time >= min(now - wanted, float(seen.start_time[-1])))
    begun = min(drop.start, float(last.start_time[0]))
    before = seen.where((seen.time <= begun) & (seen.time > begun - BEFORE_DAYS * DAY))
    blocks, usual = int(last.count.sum()), int(before.count.sum())
    days = float(last.seconds.sum()) / DAY
    if usual == 0:
        return RecentChange(days, Interval.exact(nan), blocks, nan)
    ratio = (last.work.sum() / last.seconds.sum()) / (before.work.sum() / before.seconds.sum())
    share = betaincinv(blocks, usual, np.array([0.5, 0.025, 0.975]))
    change = Interval(*(ratio * (share / blocks) / ((1 - share) / usual) - 1).tolist())
    return RecentChange(days, change, blocks, nan)
