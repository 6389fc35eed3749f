"""How much the gauge is of its components, and how much of how they were put together.

1. Each component left out, its weight shared by the others: compared on the days on which it is
   known, since on others nothing was left out.
2. Weights drawn at random, evenly over all there can be (Dirichlet, all parameters 1): the band of
   the gauge by day, and how often its word holds.
3. Other choices: windows of percentiles, and models of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.random import Purpose, generator
from hashcanary.studies.stress.against import STRESSED, Against, Capitulation, against
from hashcanary.studies.stress.component import Component, Sources
from hashcanary.studies.stress.components.price_to_cost import PRICE_TO_COST, price_to
from hashcanary.studies.stress.gauge import StressHistory, lower_before, reweighted, stress_history
from hashcanary.studies.stress.settings import Settings

DRAWS = 1000
LEVEL = 0.90
WINDOWS = {"2 years": 731, "4 years": 1461, "8 years": 2922, "all days before": 0}
OTHER_MODELS = ("all-in", "cambridge", "capriole", "hayes")


@dataclass(frozen=True, slots=True)
class Difference:
    """Another gauge beside the stated one, over the ``days`` on which both speak.

    rank_correlation: Spearman's; mean, largest: of the absolute difference, points of 100. words:
    days on which both have one, changed: of them on which it is another. missed, added: names of
    capitulations that the other does not hit, and that it alone hits; false_alarms: of the other.
    """

    what: str
    days: int
    rank_correlation: float
    mean: float
    largest: float
    words: int
    changed: int
    missed: tuple[str, ...]
    added: tuple[str, ...]
    false_alarms: int


@dataclass(frozen=True, slots=True)
class RandomWeights:
    """Gauges of random weights, (n,) by day: low, high: 90% of them; same: part with our word.

    draws: how many; width: mean of high - low, points; holds: mean of ``same``; hits: (draws,), of
    covered capitulations, of ``covered``.
    """

    draws: int
    low: Floats
    high: Floats
    same: Floats
    width: float
    holds: float
    hits: np.ndarray
    covered: int


def spearman(one: Floats, other: Floats) -> float:
    """Rank correlation of two columns without NaN; equal values share their mean rank."""
    from scipy.stats import rankdata

    ranks = [rankdata(column) for column in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def correlations(history: StressHistory) -> Floats:
    """Rank correlations of all components' percentiles, over the days on which all are known."""
    known = np.isfinite(history.percentiles).all(axis=0)
    rows = history.percentiles[:, known]
    return np.array([[spearman(one, other) for other in rows] for one in rows])


def left_out(
    history: StressHistory, capitulations: Sequence[Capitulation]
) -> tuple[Difference, ...]:
    """The gauge without each of its components, and without each group of them."""
    stated = against(history, capitulations)
    titles = {one.component.name: one.component.title for one in history.components}
    groups = history.settings.groups
    sets: list[tuple[tuple[str, ...], str]] = [((name,), titles[name]) for name in titles]
    for group in dict.fromkeys(groups[name] for name in titles):
        own = tuple(name for name in titles if groups[name] == group)
        if len(own) > 1:
            sets.append((own, f"all of {group}"))
    found = []
    for gone, what in sets:
        if len(gone) == len(titles):
            continue
        other = reweighted(history, history.settings.without(gone).weights)
        there = np.zeros(history.time.size, dtype=np.bool_)
        for one in history.components:
            if one.component.name in gone:
                there |= np.isfinite(one.percentile)
        found.append(_difference(what, history, stated, other, capitulations, there))
    return tuple(found)


def other_choices(
    sources: Sources,
    settings: Settings,
    known: Mapping[str, Component],
    capitulations: Sequence[Capitulation],
) -> tuple[Difference, ...]:
    """The gauge with other windows, and with other models of the cost where sources have them."""
    whole = stress_history(sources, settings, known)
    stated = against(whole, capitulations)
    found = []
    for what, days in WINDOWS.items():
        if days != settings.window_days and (days == 0 or days >= settings.fewest_days):
            other = stress_history(sources, replace(settings, window_days=days), known)
            found.append(
                _difference(f"percentiles among {what}", whole, stated, other, capitulations)
            )
    for model in OTHER_MODELS:
        if model in sources.costs and PRICE_TO_COST.name in settings.weights:
            swapped = replace(PRICE_TO_COST, compute=price_to(model), costs=(model,))
            other = stress_history(sources, settings, {**known, PRICE_TO_COST.name: swapped})
            what = f"price over cost by `{model}`"
            found.append(_difference(what, whole, stated, other, capitulations))
    return tuple(found)


def _difference(
    what: str,
    whole: StressHistory,
    stated: Against,
    other: StressHistory,
    capitulations: Sequence[Capitulation],
    there: np.ndarray | None = None,
) -> Difference:
    both = np.isfinite(whole.gauge) & np.isfinite(other.gauge)
    if there is not None:
        both &= there
    apart = np.abs(whole.gauge - other.gauge)[both]
    words = both & (whole.word >= 0) & (other.word >= 0)
    found = against(other, capitulations)
    pairs = [
        (one.capitulation.name, one.hit, two.hit)
        for one, two in zip(stated.readings, found.readings, strict=True)
        if one.covered and two.covered
    ]
    few = apart.size < 2
    return Difference(
        what,
        int(both.sum()),
        float("nan") if few else spearman(whole.gauge[both], other.gauge[both]),
        float("nan") if few else float(apart.mean()),
        float("nan") if few else float(apart.max()),
        int(words.sum()),
        int((whole.word != other.word)[words].sum()),
        tuple(name for name, ours, theirs in pairs if ours and not theirs),
        tuple(name for name, ours, theirs in pairs if theirs and not ours),
        found.false_alarms.hits,
    )


def random_weights(
    history: StressHistory,
    capitulations: Sequence[Capitulation],
    *,
    draws: int = DRAWS,
    seed: int = 1,
) -> RandomWeights:
    """Gauges of the same percentiles under random weights. The same seed gives the same bytes."""
    random = generator(seed, Purpose.STRESS_WEIGHTS)
    weights = random.dirichlet(np.ones(len(history.components)), draws)
    told = history.word >= 0
    low, high, same = (np.full(history.time.size, np.nan) for _ in range(3))
    covered = [one for one in against(history, capitulations).readings if one.covered]
    spans = [
        (history.time >= one.capitulation.start) & (history.time < one.capitulation.end)
        for one in covered
    ]
    hits = np.zeros(draws, dtype=np.int64)
    spoken = np.flatnonzero(np.isfinite(history.gauge))
    gauges = _under(history.percentiles[:, spoken], weights)
    word = np.full((draws, history.time.size), -1)
    word[:, spoken] = _words(gauges, history.settings)
    for inside in spans:
        hits += (word[:, inside] >= STRESSED).any(axis=1)
    agree = (word == history.word).sum(axis=0)
    same[told] = agree[told] / draws
    ends = np.quantile(gauges, (0.5 - LEVEL / 2, 0.5 + LEVEL / 2), axis=0)
    low[spoken], high[spoken] = ends
    return RandomWeights(
        draws,
        low,
        high,
        same,
        float(np.nanmean(high - low)) if spoken.size else float("nan"),
        float(np.nanmean(same)) if told.any() else float("nan"),
        hits,
        len(covered),
    )


def _under(percentiles: Floats, weights: Floats) -> Floats:
    """Gauges of what is known, (draws, n), of percentiles (k, n) by weights (draws, k)."""
    there = np.isfinite(percentiles)
    return np.asarray((weights @ np.where(there, percentiles, 0.0)) / (weights @ there))


def _words(gauges: Floats, settings: Settings) -> np.ndarray:
    """Words of gauges (draws, n): one holds where as many days before are lower as its cut says."""
    seen, lower = np.arange(gauges.shape[1]), lower_before(gauges)
    reached = [lower > quantile * (seen - 1) for quantile in settings.cuts]
    return np.where(seen >= settings.fewest_days, np.sum(reached, axis=0), -1)
