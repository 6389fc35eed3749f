"""How likely luck alone, at an unchanged hashrate, leaves as few blocks as a window holds.

1. The rate that is taken to be unchanged is given, or it is that of a stretch before the window.
2. With a known rate the blocks of a fixed time are Poisson, and the time of a fixed number of
   blocks is Gamma. With a rate measured over n blocks the count is negative binomial, and the ratio
   of the times is that of two Gamma variates (an F or Beta law): the same numbers, integrated here
   over the Gamma variate of the reference and over the error of the clocks at the window's ends.
3. A window is looked at because it is the worst. So the second figure asks how often *some* window
   of that length, in a span such as a year, is that deep by luck alone (``windows.py``), and says
   it as a return period too.

``drawdown_luck`` asks the same of drawdowns: of a mean, from the highest it ever had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.chain.networks import Network
from hashcanary.inference.filter.observations import Blocks
from hashcanary.inference.luck.windows import (
    FUTURE_LIMIT,
    Law,
    Stretch,
    blocks_before,
    clumps,
    in_one_window,
    some_drawdown,
    some_window,
)
from hashcanary.moments import DAY

YEAR = 365.25
# an epoch of blocks: two weeks, of which luck moves the mean by 2.2%
REFERENCE_BLOCKS = 2016
LEVEL = 0.95
# years; what is rarer is not told apart, since no network kept a rate for so long
LONGEST_WAIT = 1e6
# the logarithm of a factor is sought this far on both sides of 0, and a secant has so many steps
_WIDEST, _SECANTS = 12.0, 20
# share of headers whose clock nobody vouches for yet that is plainly wrong, and by how much, s
_WRONG, _WRONG_FROM, _WRONG_TO = 0.01, -3600.0, float(FUTURE_LIMIT)


@dataclass(frozen=True, slots=True)
class WindowLuck:
    """What luck has to do with the blocks of a window.

    rate: hashrate taken to be unchanged, H/s; expected: blocks under it; change: of the rate in the
    window against it, a fraction, with exact 95% limits low and high. p_value: that luck alone
    leaves as few; p_span: that it does so in some window of that length within ``span_days``;
    once_in_years: how long one waits for such a window, up to a million. lacks: in words.
    """

    window: Stretch
    reference: Stretch | None
    rate: float
    expected: float
    change: float
    low: float
    high: float
    p_value: float
    span_days: float
    p_span: float
    once_in_years: float
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DrawdownLuck:
    """How often luck alone makes a drawdown as deep.

    per_year: probability within a year; once_in_years: how long one waits for it, up to a million.
    """

    per_year: float
    once_in_years: float


def window_luck(
    blocks: Blocks,
    network: Network,
    window: Stretch,
    *,
    rate: float | None = None,
    reference: Stretch | None = None,
    span_days: float = YEAR,
) -> WindowLuck:
    """The luck of one window, against a known rate (H/s), a reference, or the 2016 blocks before.

    Raises ValueError where both are given, WindowNotKnown where there is nothing to compare with.
    """
    if rate is not None and reference is not None:
        raise ValueError("expected a rate or a reference, found both")
    if rate is None and reference is None:
        reference = blocks_before(blocks, network, window, REFERENCE_BLOCKS)
    nodes, weights = _expected(window, rate, reference)
    base = rate if reference is None else reference.rate
    assert base is not None
    count = _count(window)
    lengths = max(span_days * DAY / window.seconds, 1.0) if window.seconds > 0 else 1.0
    often = float(weights @ clumps(count, nodes))
    low, high = _limits(window, nodes, weights)
    lacks = window.lacks + (() if reference is None else reference.lacks)
    return WindowLuck(
        window=window,
        reference=reference,
        rate=base,
        expected=base * window.exposure,
        change=window.rate / base - 1,
        low=low,
        high=high,
        p_value=float(weights @ in_one_window(count, nodes)),
        span_days=span_days,
        p_span=float(weights @ some_window(count, nodes, lengths)),
        once_in_years=min(window.seconds / DAY / YEAR / max(often, 1e-300), LONGEST_WAIT),
        lacks=tuple(dict.fromkeys(lacks)),
    )


def _count(window: Stretch) -> int:
    """Blocks that a Poisson count in the window's time is at most; n take longer where n - 1 come.

    So one rule serves both laws.
    """
    return window.blocks - 1 if window.law == "blocks" else window.blocks


def _expected(
    window: Stretch, rate: float | None, reference: Stretch | None
) -> tuple[Floats, Floats]:
    """Blocks (k,) expected in the window, and the weights of what is not known of them."""
    rates, weights = np.array([rate or 0.0]), np.ones(1)
    clock = window.clock
    if reference is not None:
        rates, weights = _gamma(reference.blocks, window.blocks + 1)
        rates = rates / reference.exposure
        # an error of an end that both share adds up: no more than the two together
        clock += reference.clock * window.exposure / reference.exposure
    late, shares = _late(clock, at_tip=window.at_tip and window.law == "blocks")
    exposure = window.exposure * np.maximum(1 - late / max(window.seconds, 1.0), 1e-6)
    return np.outer(rates, exposure).ravel(), np.outer(weights, shares).ravel()


def _gamma(shape: int, other: int) -> tuple[Floats, Floats]:
    """Nodes and weights of a Gamma variate, evenly spaced in its logarithm.

    The sum over them is next to exact for whatever changes over 1 / sqrt(``other``) or more.
    """
    spread = 10.0 / np.sqrt(shape)
    count = int(spread * np.sqrt(max(shape, other)) * 2 / 0.4) + 1
    y = np.log(shape) + np.linspace(-1.4 * spread, spread, count)
    density = np.exp(shape * (y - np.log(shape)) - np.exp(y) + shape)
    return np.exp(y), density / density.sum()


def _late(clock: float, *, at_tip: bool) -> tuple[Floats, Floats]:
    """Nodes and weights of the seconds by which a window's time is taken too long."""
    if clock == 0.0:
        return np.zeros(1), np.ones(1)
    z = np.linspace(-6.0, 6.0, 25)
    weights = np.exp(-z * z / 2)
    weights /= weights.sum()
    if not at_tip:
        return z * clock, weights
    wrong = np.linspace(_WRONG_FROM, _WRONG_TO, 19)
    shares = np.full(wrong.size, _WRONG / wrong.size)
    return np.concatenate((z * clock, wrong)), np.concatenate((weights * (1 - _WRONG), shares))


def _limits(window: Stretch, nodes: Floats, weights: Floats) -> tuple[float, float]:
    """The changes of the rate at which so few, and so many, blocks have a probability of 2.5%."""
    tail = (1 - LEVEL) / 2
    about = float(np.log((window.blocks + 0.5) / (weights @ nodes)))

    def few(factor: float) -> float:
        return float(weights @ in_one_window(_count(window), nodes * factor)) - tail

    def many(factor: float) -> float:
        return 1 - float(weights @ in_one_window(window.blocks - 1, nodes * factor)) - tail

    lowest = -1.0 if window.blocks == 0 else _root(many, tail, about) - 1
    return lowest, _root(few, tail, about) - 1


def _root(excess: Callable[[float], float], chance: float, about: float) -> float:
    """Where a monotone probability is ``chance``: a factor, its logarithm to 1e-7 by halving.

    excess: the probability at a factor, less ``chance``; about: a guess of the logarithm. A secant
    foretells where the halving ends, and both of these ends are asked: where it was wrong, the
    halving asks at every step.
    """

    def above(place: float) -> bool:
        return excess(float(np.exp(place))) > 0

    falls = above(-_WIDEST)
    near = _secant(excess, chance, about)
    low, high = _halved(lambda place: place < near)
    if above(low) != falls or above(high) == falls:
        low, high = _halved(lambda place: above(place) == falls)
    return float(np.exp((low + high) / 2))


def _halved(before: Callable[[float], bool]) -> tuple[float, float]:
    """The ends, less than 1e-7 apart, of what holds a root. before: whether a place is below it."""
    low, high = -_WIDEST, _WIDEST
    while high - low > 1e-7:
        middle = (low + high) / 2
        low, high = (middle, high) if before(middle) else (low, middle)
    return low, high


def _secant(excess: Callable[[float], float], chance: float, about: float) -> float:
    """The logarithm of ``_root``, if all goes well: a normal score is nearly a line there."""
    # scipy.optimize takes a third of a second to import
    from scipy.special import ndtri

    def score(place: float) -> float:
        at = excess(float(np.exp(place))) + chance
        return float(ndtri(np.clip(at, 1e-300, 1 - 1e-16)) - ndtri(chance))

    place, step = about, 0.1
    last = score(place)
    for _ in range(_SECANTS):
        place = float(np.clip(place + step, -_WIDEST, _WIDEST))
        if abs(step) < 1e-6:
            break
        now = score(place)
        # where a chance is 0 or 1 there is no slope
        if now == last:
            break
        step, last = step * now / (last - now), now
    return place


def drawdown_luck(
    depth: Sequence[float],
    blocks: Sequence[float],
    window: Sequence[float],
    since: Sequence[float],
    *,
    law: Law = "time",
    rows_per_year: float = YEAR,
) -> list[DrawdownLuck]:
    """How often luck alone takes a mean as far below its highest, at a rate that never changes.

    Each of q falls: depth, a fraction above 0; blocks that one window's rate rests on; window, rows
    in the mean; since, rows from the peak to the deepest row. The peak is sought over a year, or
    over the time since it where that is longer. Growth makes falls rarer: this is the most luck
    does.
    """
    if not depth:
        return []
    wide = np.asarray(window, dtype=np.float64)
    rows = np.maximum(np.asarray(since, dtype=np.float64) + wide, rows_per_year)
    chance = some_drawdown(
        np.asarray(depth, dtype=np.float64), np.asarray(blocks, dtype=np.float64), rows, wide, law
    )
    with np.errstate(divide="ignore"):
        years = rows / rows_per_year / -np.log1p(-np.minimum(chance, 1 - 1e-16))
    years = np.minimum(years, LONGEST_WAIT)
    return [DrawdownLuck(float(-np.expm1(-1 / one)), float(one)) for one in years]
