"""Whether the hashrate is lower than at another time: the joint posterior of two moments.

Two estimates of the same record are not independent: close moments share their blocks and the state
between them, and whoever treats them as independent gives a band that is too wide; a band from the
smoothed means alone would be too narrow. In each model of the bank the mean log rates over both
times are jointly normal, with the covariance that the smoother's lag gives; their difference is a
normal variate of each model, and the models are mixed by how well each forecast around either time
(a score counts by its distance from the nearer one).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import WindowNotKnown
from hashcanary.inference.filter.bank import (
    CALM,
    LEVELS,
    Filtered,
    below,
    check_smoothable,
    quantiles,
    run_bank,
    spread,
    weights_of,
)
from hashcanary.inference.filter.observations import BINS_PER_DAY, blocks_of, must_retarget, observe
from hashcanary.moments import iso_time

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.chain.networks import Network
    from hashcanary.inference.filter.observations import Blocks, Observations
    from hashcanary.store.record import Record

# a bin is known to be inside a time by its end
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The relative change of the mean hashrate from one time to another.

    then, now: Unix seconds from and to, as the bins of blocks cover them. weights, mean, variance:
    (m,) of the log of the ratio in each model. correlation: of the two log rates, in the mixture's
    heaviest model. lacks: in words.
    """

    then: Span
    now: Span
    weights: Floats
    mean: Floats
    variance: Floats
    correlation: float
    lacks: tuple[str, ...]

    def fallen(self, fraction: float) -> float:
        """Probability that the hashrate is lower by more than ``fraction`` (0: lower at all).

        Raises ValueError unless it is below 1.
        """
        if not fraction < 1:
            raise ValueError(f"expected a fraction below 1, found {fraction}")
        at = np.array([np.log1p(-fraction)])
        return float(below(*spread(self.weights, self.mean, self.variance), at)[0])

    def quantiles(self, levels: Floats = LEVELS) -> Floats:
        """Relative change at each of ``levels``."""
        known = (self.weights[None], self.mean[None], self.variance[None])
        return np.asarray(np.expm1(quantiles(*spread(*known), levels)[0]))


def compare_record(record: Record, then: Span, now: Span | None = None) -> Comparison:
    """``compare`` on all that a record knows.

    Raises NoBlocksToObserve, NothingObserved, NoRetargets, WindowNotKnown.
    """
    return compare(blocks_of(record), record.network, then, now)


def compare(blocks: Blocks, network: Network, then: Span, now: Span | None = None) -> Comparison:
    """The change of the hashrate from ``then`` to ``now``, each a time from and to, Unix seconds.

    now: without it, the last bin of blocks. Raises NoRetargets, NothingObserved; WindowNotKnown
    where a time does not lie within the blocks, or in a gap of more than a day.
    """
    must_retarget(network)
    return compared(run_bank(observe(blocks, network), CALM, keep=True), then, now)


def compared(filtered: Filtered, then: Span, now: Span | None = None) -> Comparison:
    """``compare`` of a filter that kept its states, without shocks. Raises WindowNotKnown."""
    from hashcanary.inference.filter.kernels import run_back_sums

    check_smoothable(filtered)
    seen = filtered.observations
    last = (float(seen.start_time[-1]), float(seen.time[-1]))
    places = [_inside(seen, span) for span in (then, now or last)]
    shares = np.zeros((2, seen.size))
    for row, (first, end) in zip(shares, places, strict=True):
        row[first:end] = seen.step[first:end] / seen.step[first:end].sum()
    count = filtered.kept.shape[1]
    mean, joint = np.empty((count, 2)), np.empty((count, 3))
    earliest = min(first for first, _ in places)
    run_back_sums(seen.spans(), filtered.bank.rows(), filtered.kept, shares, earliest, mean, joint)
    weights = _weights(filtered, places)
    best = int(weights.argmax())
    return Comparison(
        then=_covered(seen, places[0]),
        now=_covered(seen, places[1]),
        weights=weights,
        mean=mean[:, 1] - mean[:, 0],
        variance=np.maximum(joint[:, 0] + joint[:, 2] - 2 * joint[:, 1], 1e-12),
        correlation=float(joint[best, 1] / np.sqrt(joint[best, 0] * joint[best, 2])),
        lacks=_lacks(seen, places),
    )


def _inside(seen: Observations, span: Span) -> tuple[int, int]:
    """Indices of the first bin in a time and of the first one after it; the bin around a moment.

    Raises WindowNotKnown.
    """
    start, end = span
    if not start <= end or start < seen.start_time[0] or end > seen.time[-1]:
        known = f"blocks from {_said(seen.start_time[0])} to {_said(seen.time[-1])}"
        raise WindowNotKnown(_said(start), _said(end), "a time within the blocks", known)
    # bins mostly inside, or the one around a moment
    middle = (seen.start_time + seen.time) / 2
    inside = np.flatnonzero((middle >= start) & (middle < end))
    if inside.size:
        first, last = int(inside[0]), int(inside[-1])
    else:
        first = int(np.searchsorted(np.maximum.accumulate(seen.time), (start + end) / 2))
        first = last = min(first, seen.size - 1)
    longest = first + int(seen.step[first : last + 1].argmax())
    if seen.step[longest] > BINS_PER_DAY:
        # nothing tells where inside of it the rate changed
        gap = f"none between {_said(seen.start_time[longest])} and {_said(seen.time[longest])}"
        raise WindowNotKnown(_said(start), _said(end), "blocks of every day of it", gap)
    return first, last + 1


def _covered(seen: Observations, place: tuple[int, int]) -> Span:
    return float(seen.start_time[place[0]]), float(seen.time[place[1] - 1])


def _weights(filtered: Filtered, places: list[tuple[int, int]]) -> Floats:
    """The models' weights (m,): scores count less with the distance from the nearer time."""
    from hashcanary.inference.filter.kernels import LONGEST_SCORED

    seen, bank = filtered.observations, filtered.bank
    bins = np.cumsum(seen.step)
    away = np.full(seen.size, np.inf)
    for first, end in places:
        outside = np.maximum(bins[first] - bins, bins - bins[end - 1])
        away = np.minimum(away, np.maximum(outside, 0.0))
    counted = bank.sharpness * bank.forgetting**away * (seen.step <= LONGEST_SCORED)
    return weights_of(bank.rows()[:, 5] + counted @ filtered.kept[:, :, 6])


def _lacks(seen: Observations, places: list[tuple[int, int]]) -> tuple[str, ...]:
    lacks = []
    for what, (first, end) in zip(("the earlier", "the later"), places, strict=True):
        if not seen.count[first:end].any():
            lacks.append(f"blocks in {what} time: the models alone speak of it")
    return tuple(lacks)


def _said(time: float) -> str:
    return iso_time(round(float(time)))
