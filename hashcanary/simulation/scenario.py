"""What a simulated history is made of: growth, shocks, a price process, fees, clocks.

The default scenario is plausible, not fitted: a network that grows; one storm that luck and the
price have nothing to do with; one capitulation in which the price falls first and hashrate
follows, stays down, and comes back; and one that is still under way when the history ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.simulation.errors import UnusableScenario

# fraction; more than that leaves no network to speak of
MOST_LEFT = 0.95


@dataclass(frozen=True, slots=True)
class Shock:
    """A fall and a recovery, smooth in the logarithm.

    at: where it begins, as a fraction of the history; lag_days: added to that, negative for an
    earlier begin; fall_days, hold_days, recovery_days: its three phases; depth: the fraction lost
    at the bottom (0.3 is a fall of 30%); regained: the fraction of the logarithmic loss that the
    recovery brings back.
    """

    at: float
    fall_days: float
    hold_days: float
    recovery_days: float
    depth: float
    lag_days: float = 0.0
    regained: float = 1.0

    def log_effect(self, days: Floats, length: float) -> Floats:
        """Its part of the logarithm, at ``days`` into a history of ``length`` days."""
        since = days - (self.at * length + self.lag_days)
        down = _smooth(since / self.fall_days)
        up = _smooth((since - self.fall_days - self.hold_days) / self.recovery_days)
        return np.asarray(np.log1p(-self.depth) * (down - self.regained * up))


@dataclass(frozen=True, slots=True)
class Exit:
    """A part of the hashrate that leaves for good, such as sites that turn to hosting AI.

    day: of the history, on which it begins; share: fraction of the hashrate there; over_days: how
    long it takes. It does not come back, whatever the hashprice does. Raises UnusableScenario.
    """

    day: float
    share: float
    over_days: float = 30.0

    def __post_init__(self) -> None:
        if not (self.day >= 0 and 0 <= self.share <= MOST_LEFT and self.over_days > 0):
            raise UnusableScenario(
                what="exit",
                expected=f"a day of 0 or more, a share from 0% to {MOST_LEFT:.0%} and days above 0",
                found=f"day {self.day:g}, share {self.share:g}, {self.over_days:g} days",
                remedy="A share of 5% is 0.05.",
            )

    def log_effect(self, days: Floats) -> Floats:
        """Its part of the logarithm of the hashrate, at ``days`` into a history."""
        return np.asarray(np.log1p(-self.share) * _smooth((days - self.day) / self.over_days))


def _smooth(phase: Floats) -> Floats:
    """0 before 0, 1 after 1, half a cosine between."""
    return np.asarray((1 - np.cos(np.pi * np.clip(phase, 0.0, 1.0))) / 2)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Parameters of a simulated history.

    first_height: height of the first block, a multiple of 2016; start_time: Unix seconds UTC at
    which the history starts, the start of a UTC day.
    start_hashrate: H/s; hashrate_growth: per year, 0.5 is +50%; hashrate_noise: standard
    deviation of the logarithm around its trend; noise_days: e-folding time of that noise; exits:
    parts of the hashrate that leave for good.
    start_price: USD/BTC; price_growth: median growth per year; price_volatility: per square root
    of a year.
    fee_btc: median fee of a block, BTC; fee_level_noise, fee_block_noise: standard deviations of
    its logarithm from day to day and from block to block; fee_days: e-folding time of the first.
    pools: names of pools and their mean shares; what is left over is of no known pool. Names say
    that they are simulated. pool_noise: standard deviation of the logarithm of a share; pool_days:
    its e-folding time.
    clock_noise: standard deviation of honest header times, seconds; wrong_clocks: fraction of
    blocks from miners whose clock is off, evenly within ``wrong_clock_range`` seconds.
    """

    first_height: int = 610_848
    start_time: int = 1_577_836_800
    start_hashrate: float = 100e18
    hashrate_growth: float = 0.45
    hashrate_noise: float = 0.02
    noise_days: float = 8.0
    hashrate_shocks: tuple[Shock, ...] = (
        Shock(at=0.30, fall_days=2.0, hold_days=2.0, recovery_days=5.0, depth=0.28),
        Shock(
            at=0.66, lag_days=25.0, fall_days=50.0, hold_days=20.0, recovery_days=150.0, depth=0.42
        ),
        Shock(
            at=1.0, lag_days=-45.0, fall_days=30.0, hold_days=60.0, recovery_days=90.0, depth=0.18
        ),
    )
    exits: tuple[Exit, ...] = ()
    start_price: float = 8_000.0
    price_growth: float = 0.60
    price_volatility: float = 0.50
    price_shocks: tuple[Shock, ...] = (
        Shock(
            at=0.66, fall_days=60.0, hold_days=30.0, recovery_days=300.0, depth=0.60, regained=0.9
        ),
        Shock(
            at=1.0, lag_days=-90.0, fall_days=60.0, hold_days=60.0, recovery_days=200.0, depth=0.45
        ),
    )
    fee_btc: float = 0.12
    fee_level_noise: float = 0.55
    fee_block_noise: float = 0.35
    fee_days: float = 20.0
    pools: tuple[tuple[str, float], ...] = (
        ("Simulated pool A", 0.29),
        ("Simulated pool B", 0.18),
        ("Simulated pool C", 0.13),
        ("Simulated pool D", 0.11),
        ("Simulated pool E", 0.09),
        ("Simulated pool F", 0.06),
        ("Simulated pool G", 0.05),
        ("Simulated pool H", 0.04),
        ("Simulated pool I", 0.03),
    )
    pool_noise: float = 0.30
    pool_days: float = 120.0
    clock_noise: float = 15.0
    wrong_clocks: float = 0.02
    wrong_clock_range: tuple[float, float] = (-1800.0, 3600.0)
