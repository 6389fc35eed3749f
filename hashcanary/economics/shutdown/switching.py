"""When a running machine is worth switching off, and an idle one on, if a restart costs something.

Dixit's entry and exit (Journal of Political Economy 97, 1989): revenue moves as a geometric
Brownian motion, running costs are fixed, a start costs a lump. A machine then runs on below its
break-even, and stays off above it: between the two thresholds it does what it did. Here revenue is
a machine's and cost its power; Dixit's firm invests and abandons, a machine restarts and idles, so
what an idle machine costs is left out, and so is that revenue falls at halvings.

What a machine earns over years is a distribution over paths of the hashprice. A path starts from
today's hashprice. Its daily changes are the record's own, drawn in blocks of 28 days from the last
four years, two retargets long so that a rise of the price and the rise of the difficulty that
follows stay together, and each path's drift is off by what four years leave unknown of it; or those
of a stated drift and volatility. The subsidy halves when it is due. A machine stops where its
revenue falls below the lower threshold, starts again above the upper one, and pays for each
restart; what it may earn otherwise, its repairs and its resale are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.errors import UsageError
from hashcanary.interval import Interval, binomial_share
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Floats
    from hashcanary.economics.hash_economics import HashEconomics


_DAYS_A_YEAR = 365.25
_FEWEST_CHANGES = 365
# a fraction a year; judgement
USUAL_DISCOUNT = 0.10
# revenue cannot outgrow the discounting: the machine would be worth infinitely much
_LARGEST_RESTART_YEARS = 20.0


@dataclass(frozen=True, slots=True)
class Flow:
    """How revenue moves. drift, discount: fraction a year; volatility: a year, of its logarithm.

    The drift is that of the expected revenue. changes: number of daily changes that the volatility
    is of, 0 where it is stated.
    """

    drift: float
    volatility: float
    discount: float
    changes: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.volatility <= 5:
            self._refuse("volatility", "above 0 and up to 5 a year", self.volatility)
        if not 0 < self.discount <= 5:
            self._refuse("discount", "above 0 and up to 5 a year", self.discount)
        if not -5 <= self.drift < self.discount:
            self._refuse("drift", f"-5 to below the discount, {self.discount:g}", self.drift)

    @staticmethod
    def _refuse(name: str, expected: str, found: float) -> None:
        raise UsageError(name, f"a fraction a year, {expected}", found, "Write 0.1 for 10% a year.")


def flow_of(
    log_changes: Floats,
    *,
    drift: float | None = None,
    volatility: float | None = None,
    discount: float | None = None,
) -> Flow | None:
    """How revenue moves: as stated, its volatility else that of daily changes of its logarithm.

    log_changes: a day, of the log of revenue; drift, volatility, discount: a year, as in ``Flow``.
    Drift is 0 where not stated: four years of a volatility of 0.5 a year leave it uncertain by as
    much as a quarter a year. None where neither a volatility nor a year of changes is there.
    """
    changes = 0
    if volatility is None:
        changes = log_changes.size
        if changes < _FEWEST_CHANGES:
            return None
        volatility = float(log_changes.std(ddof=1) * _DAYS_A_YEAR**0.5)
    return Flow(drift or 0.0, volatility, USUAL_DISCOUNT if discount is None else discount, changes)


def thresholds(flow: Flow, power_usd_per_day: float, restart_usd: float) -> tuple[float, float]:
    """Revenue over power cost below which to switch off, and above which to switch on; ratios.

    power_usd_per_day: what the machine's power costs while it runs; restart_usd: what a restart
    costs. Without a restart cost both are 1, the break-even. Raises UsageError where restarts cost
    more than 20 years of power.
    """
    restart = restart_usd / (power_usd_per_day * _DAYS_A_YEAR)
    if not 0 <= restart <= _LARGEST_RESTART_YEARS:
        raise UsageError(
            argument="restart cost",
            expected=f"0 to {_LARGEST_RESTART_YEARS:g} years of the machine's power, USD",
            found=restart_usd,
            remedy="It is for one machine and one restart.",
        )
    if restart < 1e-9:
        return 1.0, 1.0
    off, on = _solve(flow, restart)
    return off, on


def _solve(flow: Flow, restart: float) -> tuple[float, float]:
    """Both thresholds for a running cost of 1 a year; ``restart`` in years of it.

    For two trial thresholds value matching is linear in the two options' constants; what smooth
    pasting then leaves is brought to 0.
    """
    # a third of a second to import
    from scipy.optimize import root

    up, down = _exponents(flow)

    def leaves(log_thresholds: np.ndarray) -> np.ndarray:
        off, on = np.exp(log_thresholds)
        at = np.array([on, off])
        # value of running less value of idling is B R^down + R/(rho-mu) - 1/rho - A R^up
        running = at / (flow.discount - flow.drift) - 1 / flow.discount
        matrix = np.column_stack([at**down, -(at**up)])
        constants = np.linalg.solve(matrix, np.array([restart, 0.0]) - running)
        slope = down * at**down * constants[0] - up * at**up * constants[1]
        return np.asarray(slope + at / (flow.discount - flow.drift))

    # where restarts are cheap both lie this far from the break-even, in logarithms
    half = min((0.75 * flow.volatility**2 * restart) ** (1 / 3), 1.5)
    # a trial far from the solution may leave the range of floats; it is then no solution
    with np.errstate(all="ignore"):
        found = root(leaves, np.array([-half, half]), method="hybr")
        off, on = np.exp(found.x)
    if not found.success or not off < 1 < on:
        raise UsageError(
            argument="volatility, drift, discount and restart cost",
            expected="numbers that have a threshold to switch off and one to restart",
            found=f"{flow.volatility:g}, {flow.drift:g}, {flow.discount:g} a year, "
            f"{restart:g} years of power",
            remedy="Use a smaller restart cost or a volatility nearer to 0.5.",
        )
    return float(off), float(on)


def _exponents(flow: Flow) -> tuple[float, float]:
    """Roots of sigma^2/2 x(x-1) + mu x - rho = 0: above 1, below 0."""
    variance = flow.volatility**2
    middle = 0.5 - flow.drift / variance
    width = np.sqrt(middle**2 + 2 * flow.discount / variance)
    return float(middle + width), float(middle - width)


HORIZON_DAYS, BLOCK_DAYS = 1096, 28
# number of paths
PATHS = 1000
# number of daily changes
FEWEST_CHANGES = 365
# of the middle and of the ends of a band, probability
LEVELS = (0.5, 0.05, 0.95)
_A_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Paths:
    """Hashprice of each path and day over today's, (paths, days).

    factors: a ratio, to today's hashprice; places: where each path stands within the bands of what
    is uncertain about machine and power, (paths, 4), as a fraction: one half is the middle figure.
    drift: of the logarithm a year, before halvings; drift_error: its standard error a year;
    changes: number of daily changes drawn from, 0 where the paths are stated; halves: whether the
    subsidy halves when that is due.
    """

    factors: Floats
    places: Floats
    drift: float = 0.0
    drift_error: float = 0.0
    changes: int = 0
    halves: bool = False

    def within(self, band: Interval, which: int) -> Floats:
        """A figure of each path, (paths,): half of them below its middle, none outside its band.

        It is in the unit of the band. band: in any unit.
        """
        place = self.places[:, which]
        return np.interp(place, (0.0, 0.5, 1.0), (band.low, band.value, band.high))


@dataclass(frozen=True, slots=True)
class Payback:
    """Over paths: median and 90% limits of what a TH/s earns in the horizon; how soon it pays back.

    earned_usd_per_ths: after power, pool and restarts. days: to earn the price, infinite where a
    quantile's path never does; share: fraction of paths that do within the horizon, with the exact
    90% limits of so many paths. Both None where no price of a machine is stated.
    """

    earned_usd_per_ths: Interval
    days: Interval | None
    share: Interval | None


def paths_of(market: HashEconomics, seed: int, flow: Flow | None = None) -> Paths | str:
    """Paths of the hashprice from today's; in words why not. flow: stated, in place of changes."""
    random = generator(seed, Purpose.HASHPRICE)
    error, drawn_from = 0.0, 0
    if flow is not None:
        mean = (flow.drift - flow.volatility**2 / 2) / _A_YEAR
        steps = mean + flow.volatility / _A_YEAR**0.5 * random.standard_normal(
            (PATHS, HORIZON_DAYS)
        )
        drift = mean * _A_YEAR
    else:
        changes = market.log_changes
        if changes.size < FEWEST_CHANGES:
            return (
                f"{FEWEST_CHANGES} days of hashprice, or a stated --volatility: "
                f"{changes.size} daily changes are known"
            )
        blocks = -(-HORIZON_DAYS // BLOCK_DAYS)
        starts = random.integers(0, changes.size, (PATHS, blocks))
        at = (starts[:, :, None] + np.arange(BLOCK_DAYS)) % changes.size
        steps = changes[at].reshape(PATHS, -1)[:, :HORIZON_DAYS]
        # a drift told from a few years is itself uncertain: each path has its own
        error = float(changes.std(ddof=1) / changes.size**0.5)
        steps = steps + random.normal(0.0, error, (PATHS, 1))
        drift, drawn_from = float(changes.mean() * _A_YEAR), changes.size
    factors = np.exp(np.cumsum(steps, axis=1))
    if market.to_halving is not None:
        fees = market.fees_to_subsidy.value
        due = np.arange(1, HORIZON_DAYS + 1) > market.to_halving
        factors = np.where(due, factors * (0.5 + fees) / (1 + fees), factors)
    places = np.hstack([random.random((PATHS, 3)), random.random((PATHS, 1))])
    halves = market.to_halving is not None
    return Paths(factors, places, drift, error * _A_YEAR, drawn_from, halves)


def payback(
    paths: Paths,
    revenue_usd_per_ths_day: float | Floats,
    power_usd_per_ths_day: float | Floats,
    restart_usd_per_ths: float = 0.0,
    thresholds: tuple[float, float] = (1.0, 1.0),
    rig_usd_per_ths: float | None = None,
) -> Payback:
    """Of a machine that earns ``revenue`` today, after the pool, and pays ``power`` while it runs.

    All a TH/s, revenue and power of all paths or of each; restart: what starting it again costs;
    thresholds: revenue over power cost, a ratio, below which it is stopped, above which it is
    started; rig: what it was bought for.
    """
    revenue = paths.factors * np.reshape(revenue_usd_per_ths_day, (-1, 1))
    power = np.reshape(power_usd_per_ths_day, (-1, 1))
    runs = _runs(revenue, power, thresholds)
    earned = np.where(runs, revenue - power, 0.0)
    if restart_usd_per_ths > 0:
        earned[:, 1:] -= restart_usd_per_ths * (runs[:, 1:] & ~runs[:, :-1])
    final = _band(np.quantile(earned.sum(axis=1), LEVELS))
    if rig_usd_per_ths is None:
        return Payback(final, None, None)
    total = np.cumsum(earned, axis=1)
    paid = total >= rig_usd_per_ths
    days = np.where(paid.any(axis=1), paid.argmax(axis=1) + 1.0, np.inf)
    quantiles = np.quantile(days, LEVELS, method="inverted_cdf")
    happened = int(np.isfinite(days).sum())
    return Payback(final, _band(quantiles), binomial_share(happened, days.size, LEVELS[1]))


def _band(quantiles: Floats) -> Interval:
    """The middle of paths with 90% of them, (3,) quantiles at ``LEVELS``."""
    value, low, high = quantiles.tolist()
    return Interval(value, low, high, "90% of paths", 0.90)


def _runs(revenue: Floats, power: Floats, thresholds: tuple[float, float]) -> Bools:
    """Whether a machine runs, (paths, days); between the thresholds it does what it did.

    On the first day it runs where its power is paid.
    """
    off, on = thresholds
    starts, stops = revenue > power * on, revenue <= power * off
    starts[:, :1] = revenue[:, :1] > power
    decided = starts | stops
    decided[:, 0] = True
    days = np.arange(revenue.shape[1], dtype=np.int32)
    last = np.maximum.accumulate(np.where(decided, days, 0), axis=1)
    return np.take_along_axis(starts, last, axis=1)
