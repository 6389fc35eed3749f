"""What a fall of the hashprice put underwater, by the supply curve of the machines that ran then.

The fleet and its owners are those of before the drop: fleets, power prices and all that was known
by its beginning. Of what ran, the usual hashprice did not pay a part; the hashprice that the fall
came with does not pay more. The difference is what the fall of the hashprice alone can have
switched off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import band_of
from hashcanary.economics.errors import NoHashprice, NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import HOURS, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import power_mix, read_power_prices
from hashcanary.economics.supply.curve import market_at, supply_curve
from hashcanary.inference.explain.missing import Missing
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.economics.machines.fleet import History
    from hashcanary.economics.machines.rigs import Catalogue
    from hashcanary.economics.power.prices import PowerPrices
    from hashcanary.economics.supply.curve import Supply

    Floats = NDArray[np.float64]

# number of fleets: medians within a hundredth of those of many more
DRAWS, SEED = 500, 1


@dataclass(frozen=True, slots=True)
class Machines:
    """What machines there are, and what their owners pay."""

    rigs: Catalogue
    power: PowerPrices


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Who was underwater before a fall of the hashprice, and who with it; all over draws.

    break_even_usd_per_phs_day: hashprice that pays for the network's mean machine at its median
    price of power, with what else ends when it is off; break_even_log_sd: sd of the log of it;
    underwater_before: fraction of what ran that the usual hashprice did not pay; newly: fraction
    that the fall put underwater beside it. network_j_per_th, power_usd_per_kwh: the fleet's
    efficiency and its median price of power.
    """

    break_even_usd_per_phs_day: Interval
    break_even_log_sd: float
    underwater_before: Interval
    newly: Interval
    network_j_per_th: Interval
    power_usd_per_kwh: Interval


def machines(rigs: Catalogue | None = None, power: PowerPrices | None = None) -> Machines:
    """The machines and prices of power that come with hashcanary, but for those given."""
    return Machines(rigs or read_rigs(), power or read_power_prices())


def squeeze(
    history: History,
    moment: int,
    usual_usd_per_phs_day: float,
    now_usd_per_phs_day: float,
    given: Machines,
) -> Squeeze | Missing:
    """What a fall of the hashprice from usual to now does to what ran, or what is missing.

    moment: Unix seconds at which the drop began; nothing known later is used. Prices of grids are
    left out: whoever asks why a drop came has them as evidence of their own.
    """
    try:
        market = market_at(history, moment)
        fleets = draw_fleets(given.rigs, history, moment, DRAWS, SEED)
    except NoRigYet:
        return Missing("hashprice", "no rig")
    except (NoHashprice, TooFewDaysForFleet):
        return Missing("hashprice", "no fleet")
    supply = supply_curve(fleets, market, power_mix(given.power, moment), SEED)
    before = supply.under_water(usual_usd_per_phs_day)
    newly = supply.under_water(now_usd_per_phs_day) - before
    break_even = _break_even(supply)
    return Squeeze(
        break_even_usd_per_phs_day=band_of(break_even),
        break_even_log_sd=float(np.log(break_even).std()),
        underwater_before=band_of(before),
        newly=band_of(newly),
        network_j_per_th=band_of(supply.fleets.network_j_per_th),
        power_usd_per_kwh=band_of(np.exp(supply.log_power_median)),
    )


def _break_even(supply: Supply) -> Floats:
    """Hashprice that pays for the mean machine that runs at the median price of power, (draws,)."""
    drawn = supply.parameters
    overhead = drawn["pue"] * (1.0 + drawn["overhead"]) / (1.0 - drawn["pool_fee"])
    return HOURS * supply.fleets.network_j_per_th * drawn["power_level"] * overhead
