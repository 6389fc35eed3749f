"""Sites that mine, and what mining is worth to them over the years of a hosting contract.

In each draw of the supply curve ``SITES`` sites stand for the hashrate: a rig of the fleet, a
region, a power price of it and what it costs to build for AI there, evenly spread over all four by
a Kronecker sequence. Sites whose cost is beyond what the curve counts as gone are none.

A site's margin a MWh is hashprice / (24 h x J/TH x PUE) less power and its other costs. Hashprice
drifts by a stated or recorded rate and falls by half of its subsidy when a halving is due. Rigs die
as in the fleet's model; where its rigs are dead, or do not pay, a site buys new ones: those earn
just what they cost at the power price of free entry, so that only a site with cheaper power
keeps the difference (Prat and Walter, 2021). No year earns less than nothing: a site can close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.machines.fleet import HOURS, YEAR
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hashcanary.economics.hosting.offers import Terms
    from hashcanary.economics.supply.curve import Supply

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

# number of sites a draw
SITES = 64
# of a Kronecker sequence in four dimensions: powers of the inverse of the root of x^5 = x + 1
_DIMENSIONS, _ROOT = 4, 1.1673039782614187
_MEGA = 1e3
_HALVING_YEARS = 210_000 / 144 / 365.25
# contracts run no longer
_MOST_YEARS = 40


@dataclass(frozen=True, slots=True)
class Sites:
    """Sites of each draw; all (draws, sites).

    efficiency_j_per_th: J/TH; age_years: years since the rig's release; region: number of the part
    of the power mix; usd_per_kwh: what is paid for power; building: standard deviations by which
    the logarithm of the building's cost differs from the median site's; there: whether it runs.
    """

    efficiency_j_per_th: Floats
    age_years: Floats
    region: Ints
    usd_per_kwh: Floats
    building: Floats
    there: NDArray[np.bool_]

    @property
    def weight(self) -> Floats:
        """Of a draw's hashrate, the fraction that each site stands for: (draws, sites)."""
        there = self.there.astype(np.float64)
        return np.asarray(there / np.maximum(there.sum(axis=1, keepdims=True), 1.0))


@dataclass(frozen=True, slots=True)
class Ahead:
    """How hashprice goes on; each (draws,) but for to_halving_years.

    hashprice_usd_per_phs_day: now, USD/PH/s/day; drift: of its logarithm a year, halvings apart;
    fees: fraction of the subsidy; to_halving_years: years, None where it is not known.
    """

    hashprice_usd_per_phs_day: Floats
    drift: Floats
    fees: Floats
    to_halving_years: float | None

    def at(self, years: float) -> Floats:
        """Hashprice later: (draws,), USD/PH/s/day. years: years from now."""
        price = self.hashprice_usd_per_phs_day * np.exp(self.drift * years)
        if self.to_halving_years is None or years < self.to_halving_years:
            return np.asarray(price)
        halvings = 1 + int((years - self.to_halving_years) / _HALVING_YEARS)
        return np.asarray(price * (0.5**halvings + self.fees) / (1.0 + self.fees))


def revenue_usd_per_mwh(
    hashprice_usd_per_phs_day: Floats | float, j_per_th: Floats | float, pue: Floats | float = 1.0
) -> Floats:
    """What a MWh earns in mining, USD/MWh: 1 PH/s of 1 J/TH draws 1 kW, 24 kWh a day.

    pue: ratio of the site's power to the machines'.
    """
    kwh = HOURS * np.asarray(j_per_th) * pue
    return np.asarray(hashprice_usd_per_phs_day / kwh * _MEGA)


def sites_of(supply: Supply, seed: int, count: int = SITES) -> Sites:
    """The sites of each draw of a supply curve. The same seed gives the same bytes.

    count: number of sites a draw.
    """
    from scipy.special import ndtri

    fleets, paid = supply.fleets, supply.paid
    draws = fleets.shares.shape[1]
    start = generator(seed, Purpose.SITES).random((_DIMENSIONS, draws, 1))
    powers = _ROOT ** -np.arange(1.0, _DIMENSIONS + 1.0)
    place = (start + powers[:, None, None] * np.arange(count)) % 1.0
    normal = ndtri(np.clip(place[2:], 1e-6, 1 - 1e-6))
    rig = _chosen(fleets.shares.T.astype(np.float64), place[0])
    region = _chosen(paid.shares, place[1])
    rows = np.arange(draws)[:, None]
    log_price = paid.log_median[rows, region] + paid.spread[region] * normal[0]
    log_cost = supply.base_log.T[rows, rig] + log_price
    released = np.array([np.mean(one.released_band) for one in fleets.rigs])
    return Sites(
        fleets.efficiency_j_per_th.T[rows, rig].astype(np.float64),
        np.maximum((fleets.moment - released[rig]) / YEAR, 0.0),
        region,
        np.exp(log_price),
        normal[1],
        _still_there(supply, log_cost),
    )


def at_price(sites: Sites, usd_per_kwh: float) -> Sites:
    """The same sites if all paid one price for power, USD/kWh."""
    return replace(sites, usd_per_kwh=np.full_like(sites.usd_per_kwh, usd_per_kwh))


def _chosen(shares: Floats, place: Floats) -> Ints:
    """Which of (draws, parts) each of (draws, sites) falls into, by shares."""
    ends = np.cumsum(shares, axis=1)
    ends /= ends[:, -1:]
    return np.asarray((place[:, :, None] > ends[:, None, :-1]).sum(axis=2), dtype=np.int64)


def _still_there(supply: Supply, log_cost: Floats) -> NDArray[np.bool_]:
    """Not beyond what the last months paid, nor among the dearest that left since the peak."""
    there = log_cost <= supply.limit_log[:, None]
    rank = np.argsort(np.argsort(np.where(there, log_cost, np.inf), axis=1), axis=1)
    kept = np.ceil(there.sum(axis=1) * (1.0 - supply.left))
    return np.asarray(there & (rank < kept[:, None]))


@dataclass(frozen=True, slots=True)
class Mining:
    """What mining is to each site; all (draws, sites), USD/MWh of the grid connection.

    revenue, margin: now, at the site's uptime, before and after power and all other costs; even:
    the even margin over the years of the hosting terms that is worth as much, at hosting's rate.
    """

    revenue_usd_per_mwh: Floats
    margin_usd_per_mwh: Floats
    even_usd_per_mwh: Floats


def mining_of(
    sites: Sites,
    ahead: Ahead,
    values: Mapping[str, Floats],
    parameters: Mapping[str, Floats],
    terms: Terms,
) -> Mining:
    """Mining's side of the comparison.

    values: draws of the hosting file's assumptions by name, in the unit of each; parameters: those
    of the supply curve, in the unit of each.
    """
    from hashcanary.economics.hosting.offers import worth_of_years

    column = {name: one[:, None] for name, one in {**parameters, **values}.items()}
    power = sites.usd_per_kwh * _MEGA
    costs = power + column["site_cost"]
    earned = (1.0 - column["pool_fee"]) * revenue_usd_per_mwh(
        1.0, sites.efficiency_j_per_th, column["pue"]
    )
    renewed = np.maximum(column["power_level"] * _MEGA * column["entry"] - power, 0.0)
    now = earned * ahead.hashprice_usd_per_phs_day[:, None]
    worth = np.zeros_like(power)
    span, rate = terms.span_years, values["mining_rate"]
    life = column["fleet.life"]
    for year in range(min(int(np.ceil(span.max())), _MOST_YEARS)):
        middle = year + 0.5
        alive = np.exp((sites.age_years / life) ** 3 - ((sites.age_years + middle) / life) ** 3)
        margin = np.maximum(earned * ahead.at(middle)[:, None] - costs, renewed)
        part = np.clip(span - year, 0.0, 1.0) * (1.0 + rate) ** -middle
        worth += part[:, None] * (alive * margin + (1.0 - alive) * renewed)
    uptime = column["uptime"]
    return Mining(
        uptime * now,
        uptime * (now - costs),
        uptime * worth / worth_of_years(terms.rate, span)[:, None],
    )
