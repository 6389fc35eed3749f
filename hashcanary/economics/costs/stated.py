"""What cost models assume, by day: efficiency, price of power and the stated figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.costs.assumptions import read_assumptions, with_power_price
from hashcanary.economics.costs.model import LEVEL, SIGMAS
from hashcanary.economics.machines.fleet import DEFINITION, network_efficiency
from hashcanary.economics.machines.rigs import BEST_J_PER_TH, WORST_J_PER_TH, read_rigs
from hashcanary.economics.power.prices import draw_power, power_mix, read_power_prices
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import J_PER_TH, USD_PER_KWH, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hashcanary.economics.costs.assumptions import Assumption
    from hashcanary.economics.costs.model import Floats
    from hashcanary.economics.machines.rigs import Catalogue
    from hashcanary.economics.power.prices import PowerMix, PowerPrices

EFFICIENCY, POWER_PRICE = "network_efficiency", "network_power_price"
_OFF = "network_efficiency_off"
_DRAWS, _SEED = 2000, 1


@dataclass(frozen=True, slots=True)
class Assumed:
    """What a user, or hashcanary, takes the world to be.

    figures: stated numbers by name; efficiency_j_per_th, usd_per_kwh: of the user's own machines
    and contract, exact, None for the network's.
    """

    figures: Mapping[str, Assumption]
    catalogue: Catalogue
    power: PowerPrices
    efficiency_j_per_th: float | None = None
    usd_per_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """An assumption on a day: value and central 90% in ``unit``, NaN where it is not known.

    stated: Unix seconds from which it could be known; before that it is hindsight. 0: ever.
    """

    name: str
    title: str
    unit: Unit
    value: Interval
    source: str
    stated: int


@dataclass(frozen=True, slots=True)
class StatedDays:
    """An assumption by day: values in ``unit``, sd of their logarithm, and who says so.

    stated: Unix seconds from which it could be known; before that it is hindsight. 0: ever.
    """

    name: str
    title: str
    unit: Unit
    values: Floats
    spread: Floats
    source: str
    stated: int = 0

    def moved(self, sigmas: float) -> Floats:
        """The values this many standard deviations off."""
        moved: Floats = self.values * np.exp(sigmas * self.spread)
        return moved

    def on(self, row: int) -> StatedFigure:
        """The assumption on a day, by the number of its row."""
        value, wide = float(self.values[row]), float(np.exp(SIGMAS * float(self.spread[row])))
        band = Interval(value, value / wide, value * wide, f"central {LEVEL:.0%}", LEVEL)
        return StatedFigure(self.name, self.title, self.unit, band, self.source, self.stated)


def assume(
    assumptions: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
    efficiency_j_per_th: float | None = None,
    usd_per_kwh: float | None = None,
) -> Assumed:
    """The assumptions that come with hashcanary, what is given in place of them.

    Raises BadFigures for a file, UsageError for a figure of the user's that cannot be.
    """
    figures = read_assumptions(assumptions)
    if usd_per_kwh is not None:
        figures = with_power_price(figures, usd_per_kwh)
    if efficiency_j_per_th is not None and not (
        BEST_J_PER_TH <= efficiency_j_per_th <= WORST_J_PER_TH
    ):
        raise UsageError(
            argument="--efficiency",
            expected=f"J/TH, a number from {BEST_J_PER_TH:g} to {WORST_J_PER_TH:g}",
            found=efficiency_j_per_th,
            remedy="W / (TH/s) are J/TH.",
        )
    return Assumed(
        figures,
        read_rigs(rigs),
        read_power_prices(power_prices),
        efficiency_j_per_th,
        usd_per_kwh,
    )


def stated_days(
    assumed: Assumed, names: tuple[str, ...], days: Mapping[str, Floats]
) -> dict[str, StatedDays]:
    """The named assumptions by day. Raises KeyError where there is no such name.

    days: ``time`` (Unix seconds of days' starts) and, for the network's efficiency,
    ``hashrate.sma30``, ``hashprice`` and ``hashprice.subsidy``.
    """
    time = days["time"]
    found = {}
    for name in names:
        if name == EFFICIENCY:
            found[name] = _efficiency(assumed, days)
        elif name == POWER_PRICE:
            found[name] = _power_price(assumed, time)
        else:
            one = assumed.figures[name]
            found[name] = StatedDays(
                name,
                one.title,
                one.unit,
                np.full(time.size, one.median),
                np.full(time.size, one.spread),
                one.source,
                one.stated,
            )
    return found


def _efficiency(assumed: Assumed, days: Mapping[str, Floats]) -> StatedDays:
    title, time = "fleet", days["time"]
    if assumed.efficiency_j_per_th is not None:
        own = np.full(time.size, assumed.efficiency_j_per_th)
        return StatedDays(EFFICIENCY, title, J_PER_TH, own, np.zeros(time.size), "as given")
    off = assumed.figures[_OFF]
    # where fees are not known the subsidy's hashprice, a few percent low, stands in
    hashprice = np.where(
        np.isfinite(days["hashprice"]), days["hashprice"], days["hashprice.subsidy"]
    )
    values, drawn = network_efficiency(time, days["hashrate.sma30"], hashprice, assumed.catalogue)
    spread = np.hypot(off.spread, drawn)
    return StatedDays(EFFICIENCY, title, J_PER_TH, values * off.median, spread, DEFINITION)


def _power_price(assumed: Assumed, time: Floats) -> StatedDays:
    """Mean price of power over the hashrate: it changes on days on which something became known."""
    prices = assumed.power
    steps = sorted({one.known for one in prices.regions} | {one.known for one in prices.shares})
    # a day may use what was known at its end
    step = np.searchsorted(np.array(steps), time + DAY, side="right") - 1
    mean, spread = np.zeros((2, len(steps)))
    source = "power_prices.toml, by region as known then; prices of grids are not used"
    if assumed.usd_per_kwh is not None:
        mean[:], source = assumed.usd_per_kwh, "as given"
    else:
        for at, moment in enumerate(steps):
            mean[at], spread[at] = _mean_price(power_mix(prices, moment))
    row = np.maximum(step, 0)
    # before anything was known the earliest entry stands: that is hindsight
    first = 0 if assumed.usd_per_kwh is not None else steps[0]
    return StatedDays(POWER_PRICE, "power", USD_PER_KWH, mean[row], spread[row], source, first)


def _mean_price(mix: PowerMix) -> tuple[float, float]:
    """USD/kWh, mean over the hashrate, median of its draws; and the sd of its logarithm."""
    drawn = draw_power(mix, _DRAWS, _SEED)
    each = np.exp(drawn.log_median + drawn.spread**2 / 2)
    logs = np.log((drawn.shares * each).sum(axis=1))
    return float(np.exp(np.median(logs))), float(np.std(logs))
