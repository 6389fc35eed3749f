"""When a running machine is worth switching off, and an idle one on, if a restart costs something.

Dixit's entry and exit (Journal of Political Economy 97, 1989): revenue moves as a geometric
Brownian motion, running costs are fixed, a start costs a lump. A machine then runs on below its
break-even, and stays off above it: between the two thresholds it does what it did. Here revenue is
a machine's and cost its power; Dixit's firm invests and abandons, a machine restarts and idles, so
what an idle machine costs is left out, and so is that revenue falls at halvings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
        raise UsageError(
            argument=name,
            expected=f"a fraction a year, {expected}",
            found=found,
            remedy="Write 0.1 for 10% a year.",
        )


def flow_of(
    log_changes: NDArray[np.float64],
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
