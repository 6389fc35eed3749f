"""SIMULATED: what the gauge says in worlds that grow without stress.

1. ``steady``: hashrate and price grow as in 2020 to 2026 on average, smoothly; nothing but the luck
   of blocks moves anything. Over an epoch of halvings, price keeps up with hashrate less the
   progress of machines and the halving, so that margins have no trend: they fall at the halving
   and grow back.
2. ``wandering``: the same, and the price wanders by an ordinary 50% a year, whatever hashrate does.
   Revenue then falls at times: that is some stress of revenue, but none of the network.

The halving is a loss of half the income, not luck: the year after it is told apart.

A word compares the gauge with its own days before, so that in any world a fifth of the days is
``stressed`` or worse by construction: calm has its worst fifth too. So the points at which words
begin in the record are also laid over the worlds: how often does a world without stress reach
what the record calls stress?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from hashcanary.chain.networks import MAIN
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.simulation.history import record_of, simulate_history
from hashcanary.simulation.scenario import Scenario
from hashcanary.studies.errors import NoStress
from hashcanary.studies.stress.component import Component
from hashcanary.studies.stress.gauge import StressHistory, stress_history
from hashcanary.studies.stress.settings import WORDS, Settings
from hashcanary.studies.stress.sustainability import stress_sources

YEARS = 7.0
_CALM = Scenario(
    # the first retarget after the halving of 2020, so that one halving follows, in 2023
    first_height=631_008,
    start_hashrate=100e18,
    hashrate_growth=0.45,
    hashrate_noise=0.0,
    hashrate_shocks=(),
    start_price=12_000.0,
    price_growth=0.41,
    price_volatility=0.0,
    price_shocks=(),
    fee_level_noise=0.0,
)
WORLDS = {"steady": _CALM, "wandering": replace(_CALM, price_volatility=0.5)}
_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class WordLuck:
    """SIMULATED: how often one kind of world reaches a word.

    points: at which the record's word begins now. share: part of the worlds' days that reach them,
    with the least and the most of nine worlds in ten; spells_per_year: that begin after 30 days
    without. own_share: part of the days with that word or worse by the world's own days before,
    NaN where no day has 730 gauges behind it.
    """

    world: str
    after_halving: bool
    word: str
    points: float
    years: float
    share: Interval
    spells_per_year: float
    own_share: float


@dataclass(frozen=True, slots=True)
class StressLuck:
    """SIMULATED. worlds: of each kind; spread: (kinds,) sd of the gauge over days, points of 100;
    record_spread: of the record's.
    """

    worlds: int
    seed: int
    words: tuple[WordLuck, ...]
    spread: Mapping[str, float]
    record_spread: float


@dataclass(frozen=True, slots=True)
class _World:
    """One world's days on which the gauge speaks: whether within a year of the halving."""

    gauge: np.ndarray
    word: np.ndarray
    halved: np.ndarray


def stress_luck(
    history: StressHistory,
    known: Mapping[str, Component],
    *,
    worlds: int,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> StressLuck:
    """The gauge of ``history``'s settings in ``worlds`` worlds of each kind.

    progress: told how many of how many are done. Raises NoStress where the record has no word, and
    UnusableScenario on a seed that is none.
    """
    told = np.flatnonzero(history.word >= 0)
    if not told.size:
        expected = "a day on which the gauge has a word"
        raise NoStress(expected=expected, at="the record's end", found="none")
    points = history.cuts[:, told[-1]]
    words: list[WordLuck] = []
    spread = {}
    done = 0
    for name, scenario in WORLDS.items():
        found = []
        for one in range(worlds):
            found.append(_world(scenario, seed + one, history.settings, known))
            done += 1
            if progress is not None:
                progress(done, worlds * len(WORLDS))
        spread[name] = float(np.std(np.concatenate([one.gauge for one in found])))
        for halved in (False, True):
            for at, word in enumerate(WORDS):
                words.append(_luck(name, halved, at, word, float(points[at]), found))
    gauge = history.gauge[np.isfinite(history.gauge)]
    return StressLuck(worlds, seed, tuple(words), spread, float(gauge.std()))


def _world(
    scenario: Scenario, seed: int, settings: Settings, known: Mapping[str, Component]
) -> _World:
    history = simulate_history(seed, YEARS, scenario)
    found = stress_history(stress_sources(record_of(history)), settings, known)
    told = np.isfinite(found.gauge)
    half = MAIN.halving_interval
    heights = history.blocks.filter(pl.col("height") % half == 0)["time"].to_numpy()
    since = found.time[told][:, None] - heights[None, :]
    halved = ((since > -DAY) & (since <= _YEAR_DAYS * DAY)).any(axis=1)
    return _World(found.gauge[told], found.word[told], halved)


def _luck(
    name: str, halved: bool, at: int, word: str, points: float, found: list[_World]
) -> WordLuck:
    shares, own, spells, days = [], [], 0, 0
    for one in found:
        inside = one.halved == halved
        if not inside.any():
            continue
        reached = one.gauge[inside] >= points
        shares.append(float(reached.mean()))
        spells += _begun(reached)
        days += int(inside.sum())
        worded = inside & (one.word >= 0)
        if worded.any():
            own.append(float((one.word[worded] > at).mean()))
    years = days / 365.25
    nan = float("nan")
    low, high = np.quantile(shares, (0.05, 0.95)) if shares else (nan, nan)
    return WordLuck(
        name,
        halved,
        word,
        points,
        years,
        Interval(float(np.mean(shares)) if shares else nan, float(low), float(high)),
        spells / years if years else nan,
        float(np.mean(own)) if own else nan,
    )


def _begun(reached: np.ndarray) -> int:
    """Spells that begin after 30 days without."""
    rows = np.flatnonzero(reached)
    return int(rows.size > 0) + int((np.diff(rows) > 30).sum())
