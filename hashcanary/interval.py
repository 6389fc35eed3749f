"""A figure with its limits: the one form in which an estimate travels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its limits, all in one unit; NaN is what is not known.

    low, high: never the other way round, equal to the value where it is exact. kind: what the
    limits are, ``exact binomial``; empty where whoever holds the figure says it. level: the
    probability between them, where kind is one of probability.
    """

    value: float
    low: float
    high: float
    kind: str = ""
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"limits of {self.value} expected in order, found {self.ends}")

    @classmethod
    def exact(cls, value: float) -> Interval:
        """A figure that is known exactly."""
        return cls(value, value, value)

    @property
    def ends(self) -> tuple[float, float]:
        """The limits, the low one first."""
        return self.low, self.high

    @property
    def three(self) -> tuple[float, float, float]:
        """Value, low, high."""
        return self.value, self.low, self.high

    def map(self, function: Callable[[float], float]) -> Interval:
        """A monotone function of the figure; a falling one swaps the limits."""
        value, low, high = map(function, self.three)
        if low > high:
            low, high = high, low
        return replace(self, value=value, low=low, high=high)

    def scaled(self, factor: float) -> Interval:
        """The figure times a factor; a negative one swaps the limits."""
        return self.map(lambda number: number * factor)


def corners(
    function: Callable[..., float], rising: Sequence[Interval], falling: Sequence[Interval] = ()
) -> Interval:
    """A function of several figures, its limits those of its outermost corners.

    The figures are its arguments in their order. rising: those that it rises with; falling: those
    that it falls with.
    """
    return Interval(
        function(*(one.value for one in (*rising, *falling))),
        function(*(one.low for one in rising), *(one.high for one in falling)),
        function(*(one.high for one in rising), *(one.low for one in falling)),
    )


def clopper_pearson(positive: int, trials: int, tail: float = 0.025) -> tuple[float, float]:
    """Exact limits of a binomial share; Clopper and Pearson, Biometrika 26, 1934.

    tail: the probability beyond either of them.
    """
    from scipy.special import betaincinv

    failed = trials - positive
    low = float(betaincinv(positive, failed + 1, tail)) if positive else 0.0
    high = float(betaincinv(positive + 1, failed, 1 - tail)) if failed else 1.0
    return low, high


def binomial_share(positive: int, trials: int, tail: float = 0.025) -> Interval:
    """A share of trials with its exact limits. tail: the probability beyond either of them."""
    limits = clopper_pearson(positive, trials, tail)
    return Interval(positive / trials, *limits, "exact binomial", 1 - 2 * tail)
