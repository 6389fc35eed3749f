"""The stress gauge by day: the weighted mean of its components' percentiles, 0 calm, 100 stress.

1. Each component says a figure a day; its percentile is the part of its own days before on which
   it showed less stress (``ranks_before``), turned so that 100 is stress.
2. The gauge is their weighted mean. What is missing leaves its weight to the others, and is
   named; where too little weight is known the gauge is silent.
3. The band: components are moved inside their own bands by standard normal draws, those of one
   uncertainty together, and ranked among the same days before. An error that all years share
   moves no percentile: the part of it that a component states is left out.
4. The word compares the gauge with its own days before.

Nothing here was fitted; ``stress.toml`` states every number.

Nothing later is ever looked at. A rank is the part of the days before that are lower, and half of
those that are equal (mid-rank): what is tied, as days at which the hashrate is at its peak are,
stands in the middle of its ties.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Ints
from hashcanary.random import Purpose, generator
from hashcanary.studies.stress.component import Component, Sources, reading
from hashcanary.studies.stress.settings import WORDS, Settings


def ranks_before(values: Floats, asked: Floats, window: int, fewest: int) -> Floats:
    """Rank of what is asked on each day among the values of the days before it.

    values: (n,), NaN where not known; asked: (n, k); window: days looked back over, 0 for all;
    fewest: known days among them, 1 or more. Returns (n, k) fractions, NaN where ``asked`` is or
    fewer are known.
    """
    found = np.full(asked.shape, np.nan)
    seen = np.empty(values.size)  # the known values of the window, ascending, in its first ``size``
    size = 0
    known = np.isfinite(values)
    for day in range(values.size):
        gone = day - window - 1
        if window and gone >= 0 and known[gone]:
            at = int(seen[:size].searchsorted(values[gone]))
            seen[at : size - 1] = seen[at + 1 : size]
            size -= 1
        if day and known[day - 1]:
            at = int(seen[:size].searchsorted(values[day - 1]))
            seen[at + 1 : size + 1] = seen[at:size]
            seen[at] = values[day - 1]
            size += 1
        if size >= fewest:
            inside = seen[:size]
            lower = inside.searchsorted(asked[day])
            up_to = inside.searchsorted(asked[day], side="right")
            found[day] = (lower + up_to) / (2.0 * size)
    found[~np.isfinite(asked)] = np.nan
    return found


def cuts_before(values: Floats, quantiles: Sequence[float], fewest: int) -> Floats:
    """Quantiles, by linear interpolation, of all values before each day: (q, n).

    values: (n,), NaN where not known. NaN until ``fewest`` are known.
    """
    place = np.outer(np.arange(-1, values.size), quantiles)
    low = place.astype(np.int64)
    part = (place - low).tolist()
    pairs = np.stack([low, np.minimum(low + 1, np.arange(-1, values.size)[:, None])], 2).tolist()
    seen: list[float] = []
    cuts: list[list[float]] = []
    nothing = [float("nan")] * len(quantiles)
    for value in values.tolist():
        count = len(seen)
        cuts.append(
            [
                seen[at] + over * (seen[above] - seen[at])
                for (at, above), over in zip(pairs[count], part[count], strict=True)
            ]
            if count >= fewest
            else nothing
        )
        if isfinite(value):
            insort(seen, value)
    return np.array(cuts).reshape(values.size, len(quantiles)).T


def lower_before(values: Floats) -> Ints:
    """How many of the days before are lower: (k, n) for k columns (k, n) without NaN, at once.

    A tree of counts over ranks (P. Fenwick, Software: Practice and Experience 24, 1994) a column.
    """
    many, size = values.shape
    order = np.argsort(values, axis=1, kind="stable")
    rank = np.empty((many, size), dtype=np.int64)
    # equal values share the rank of their first
    ordered = np.take_along_axis(values, order, axis=1)
    again = np.diff(ordered, axis=1, prepend=-np.inf) == 0
    first = np.maximum.accumulate(np.where(again, 0, np.arange(1, size + 1)), axis=1)
    np.put_along_axis(rank, order, first, axis=1)
    tree = np.zeros((size + 1, many), dtype=np.int32)
    rows = np.arange(many)
    found = np.empty((many, size), dtype=np.int64)
    steps = size.bit_length()
    for day in range(size):
        at, count = rank[:, day] - 1, np.zeros(many, dtype=np.int64)
        for _ in range(steps):
            # nothing is ever counted at place 0
            count += tree[at, rows]
            at = at & (at - 1)
        found[:, day] = count
        at = rank[:, day].copy()
        for _ in range(steps):
            inside = at <= size
            tree[np.minimum(at, size), rows] += inside
            at = np.where(inside, at + (at & -at), at)
    return found


LEVEL = 0.90
BAND_TEXT = f"{LEVEL:.0%} of draws: luck of the blocks, the fleet's and the costs' own bands"
SEED = 1
# points at which a component's band is ranked, of equal probability; draws are shuffles of them
_POINTS, _SHUFFLES = 31, 8
_NORMAL = NormalDist()
_ENDS = _NORMAL.inv_cdf(0.5 + LEVEL / 2)


@dataclass(frozen=True, slots=True)
class ComponentDays:
    """One component by day, (n,) each. weight: of the gauge when all are known, a fraction.

    value, low, high: in the component's unit, with its own band; percentile: 0 to 100, the part of
    its days before with less stress; percentile_low, percentile_high: of its band's 90%. missing:
    why there is no percentile, null where there is.
    """

    component: Component
    weight: float
    value: Floats
    low: Floats
    high: Floats
    percentile: Floats
    percentile_low: Floats
    percentile_high: Floats
    missing: pl.Series


@dataclass(frozen=True, slots=True)
class StressHistory:
    """The gauge on every day of a record, (n,) each; NaN where it is silent.

    time: Unix seconds of days' starts; known_at: when a day's gauge was final, NaN where there is
    none. weight_known: part of the weight that the gauge rests on. gauge, low, high: points from 0
    to 100, and the ends of 90% of the draws. cuts: (3, n), points at which each of ``WORDS`` begins
    that day; word: 0 calm to 3, -1 where too few days are behind it. chance: (4, n), the part of
    the draws in each word. draws_of: see ``BAND_TEXT``.
    """

    settings: Settings
    simulated: bool
    time: np.ndarray
    known_at: Floats
    components: tuple[ComponentDays, ...]
    weight_known: Floats
    gauge: Floats
    low: Floats
    high: Floats
    cuts: Floats
    word: np.ndarray
    chance: Floats

    @property
    def percentiles(self) -> Floats:
        """Of all components: (components, n)."""
        return np.array([one.percentile for one in self.components])


def stress_history(
    sources: Sources, settings: Settings, known: Mapping[str, Component]
) -> StressHistory:
    """The gauge on every day. The same seed gives the same bytes. Raises BadStressComponent."""
    time = sources.metrics.frame("day")["time"].to_numpy()
    parts, clocks, moved = [], [], []
    for name, weight in settings.weights.items():
        one, clock, points = _component(known[name], weight, sources, settings, time)
        parts.append(one)
        clocks.append(np.where(np.isfinite(one.percentile), clock, -np.inf))
        moved.append(points)
    percentiles = np.array([one.percentile for one in parts])
    weights = np.array([one.weight for one in parts])
    gauge, part_known = weighted(percentiles, weights, settings.least_weight)
    cuts = cuts_before(gauge, settings.cuts, settings.fewest_days)
    told = np.flatnonzero(np.isfinite(gauge))
    drawn = _drawn([one.component.uncertainty for one in parts], weights, moved, told, SEED)
    drawn /= part_known[told, None]
    low, high = np.full((2, time.size), np.nan)
    ends = np.quantile(drawn, (0.5 - LEVEL / 2, 0.5 + LEVEL / 2), axis=1)
    low[told], high[told] = ends if told.size else (np.empty(0), np.empty(0))
    latest = np.maximum.accumulate(np.max(clocks, axis=0)) if clocks else gauge
    return StressHistory(
        settings,
        sources.simulated,
        time,
        np.where(np.isfinite(gauge), latest, np.nan),
        tuple(parts),
        part_known,
        gauge,
        low,
        high,
        cuts,
        words_of(gauge, cuts),
        _chances(drawn, cuts, told, time.size),
    )


def reweighted(history: StressHistory, weights: Mapping[str, float]) -> StressHistory:
    """The same days under other weights by name, whose sum is 1; a name not there weighs nothing.

    Without a band: low, high and chance are NaN.
    """
    kept = [one for one in history.components if one.component.name in weights]
    each = np.array([weights[one.component.name] for one in kept])
    percentiles = np.array([one.percentile for one in kept])
    gauge, part_known = weighted(percentiles, each, history.settings.least_weight)
    cuts = cuts_before(gauge, history.settings.cuts, history.settings.fewest_days)
    return replace(
        history,
        components=tuple(replace(one, weight=weights[one.component.name]) for one in kept),
        weight_known=part_known,
        gauge=gauge,
        low=np.full(gauge.size, np.nan),
        high=np.full(gauge.size, np.nan),
        cuts=cuts,
        word=words_of(gauge, cuts),
        chance=np.full(history.chance.shape, np.nan),
    )


def weighted(percentiles: Floats, weights: Floats, least: float) -> tuple[Floats, Floats]:
    """The weighted mean of what is known, and the part of the weight that it rests on.

    percentiles: (k, n), NaN where not known; weights: (k,), their sum is 1. Returns (n,) and (n,);
    the mean is NaN where less than ``least`` of the weight is known.
    """
    there = np.isfinite(percentiles)
    part = np.asarray(weights @ there, dtype=np.float64)
    total = weights @ np.where(there, percentiles, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # weights of a whole sum to 1 but for rounding
        enough = (part > 0) & (part >= least - 1e-9)
        return np.where(enough, total / part, np.nan), part


def words_of(gauge: Floats, cuts: Floats) -> np.ndarray:
    """How many of the cuts (w, n) each day's gauge (n,) reaches: 0 calm; -1 where none is known."""
    reached = (gauge >= cuts).sum(axis=0)
    return np.where(np.isfinite(gauge) & np.isfinite(cuts[0]), reached, -1)


def _component(
    component: Component, weight: float, sources: Sources, settings: Settings, time: np.ndarray
) -> tuple[ComponentDays, Floats, Floats]:
    """A component by day, when each was known, and its percentiles at the points of its band."""
    frame = pl.DataFrame({"time": time}).join(
        reading(component, sources), on="time", how="left", maintain_order="left"
    )
    value, low, high, known_at = (
        frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("value", "low", "high", "known_at")
    )
    # of what is small and stressed the negative is ranked
    side = 1.0 if component.stress == "high" else -1.0
    points = np.array([0.0])
    if component.uncertainty:
        points = np.array([0.0, -_ENDS, _ENDS, *_middles(_POINTS)])
    asked = side * value[:, None] + moves(value, low, high, component, points)
    ranks = 100.0 * ranks_before(side * value, asked, settings.window_days, settings.fewest_days)
    found = ranks[:, [0, 0, 0]] if not component.uncertainty else ranks[:, :3]
    why = pl.Series("missing", _missing(frame, value, found[:, 0], settings))
    days = ComponentDays(
        component, weight, value, low, high, found[:, 0], found[:, 1], found[:, 2], why
    )
    return days, known_at, ranks[:, 3:] if component.uncertainty else ranks[:, :1]


def moves(value: Floats, low: Floats, high: Floats, component: Component, points: Floats) -> Floats:
    """How far standard normal points, above 0 towards stress, move a value: (n, points).

    In units of the value, turned so that more is stress; each side of the band by itself, without
    the part of its variance that all days share.
    """
    wide = _NORMAL.inv_cdf(0.5 + component.level / 2) / sqrt(1 - component.shared)
    if component.stress == "high":
        worse, better = high - value, value - low
    else:
        worse, better = value - low, high - value
    moved = np.where(points > 0, np.outer(worse, points), np.outer(better, points))
    return np.asarray(np.where(points == 0, 0.0, moved / wide))


def _middles(count: int) -> list[float]:
    """Standard normal points in the middle of ``count`` parts of equal probability."""
    return [_NORMAL.inv_cdf((at + 0.5) / count) for at in range(count)]


def _missing(
    frame: pl.DataFrame, value: Floats, percentile: Floats, settings: Settings
) -> list[str | None]:
    few = f"fewer than {settings.fewest_days} days before it are known"
    return [
        None if told else few if seen else reason or "not told"
        for told, seen, reason in zip(
            np.isfinite(percentile).tolist(),
            np.isfinite(value).tolist(),
            frame["missing"].to_list(),
            strict=True,
        )
    ]


def _drawn(
    uncertain: Sequence[str], weights: Floats, moved: Sequence[Floats], told: np.ndarray, seed: int
) -> Floats:
    """Weighted sums of percentiles, (told, draws); components of one uncertainty move together."""
    random = generator(seed, Purpose.STRESS_BAND)
    drawn = np.zeros((told.size, _POINTS * _SHUFFLES))
    for name in sorted(set(uncertain)):
        own = np.zeros((told.size, _POINTS if name else 1))
        for at, other in enumerate(uncertain):
            if other == name:
                there = moved[at][told]
                known = np.isfinite(there[:, [there.shape[1] // 2]])
                own += weights[at] * np.where(known, there, 0.0)
        if name:
            place = random.permutation(np.repeat(np.arange(_POINTS), _SHUFFLES))
            drawn += own[:, place]
        else:
            drawn += own
    return drawn


def _chances(drawn: Floats, cuts: Floats, told: np.ndarray, size: int) -> Floats:
    """The part of the draws in each word, (words, size); NaN where there is no word."""
    found = np.full((len(WORDS) + 1, size), np.nan)
    reached = np.array([(drawn >= cut[told, None]).mean(axis=1) for cut in cuts])
    edges = np.vstack([np.ones(told.size), reached, np.zeros(told.size)])
    found[:, told] = edges[:-1] - edges[1:]
    found[:, ~np.isfinite(cuts[0])] = np.nan
    return found
