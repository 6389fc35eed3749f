"""What a megawatt hour earns from hosting AI, net of what it costs and mining does not pay.

A tenant pays a rent for the critical IT load it may draw, whether it draws it or not, and pays for
its power. The host keeps a part of it after the site's own costs, has built for it, and earned
nothing while halls were rebuilt. All of it is put into USD a MWh of the grid connection, used round
the clock, since that is what a mining site gives up:

    even margin = (rent x kept x level x v^dark - building x (1 - residual x v^end)) / connection,
    over the years from the last mining to the contract's end, at hosting's discount rate.

``level`` makes an average rent that rises year by year an even one of the same worth.

Beside it stands what mining is worth to sites over the years of a contract. In each draw of the
supply curve ``SITES`` sites stand for the hashrate: a rig of the fleet, a region, a power price of
it and what it costs to build for AI there, evenly spread over all four by a Kronecker sequence.
Sites whose cost is beyond what the curve counts as gone are none.

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

from hashcanary.economics.draws import band_of
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR, MONTHS_A_YEAR
from hashcanary.economics.machines.fleet import HOURS, YEAR
from hashcanary.interval import Interval
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.economics.hosting.contracts import Contract, HostingAssumption
    from hashcanary.economics.supply.curve import Supply


_MILLION = 1e6
_KILO = 1e3


def worth_of_years(rate: Floats | float, years: Floats | float) -> Floats:
    """What 1 a year, paid through each year, is worth at the start, in years of it.

    rate: fraction a year, above 0; years: how many years. The annuity (1 - (1 + r)^-n) / r, half a
    year earlier.
    """
    grown = 1.0 + np.asarray(rate, dtype=np.float64)
    return np.asarray((1.0 - grown ** -np.asarray(years)) / (grown - 1.0) * np.sqrt(grown))


def level_over_average(
    rate: Floats | float, escalator: Floats | float, years: Floats | float
) -> Floats:
    """The even rent worth as much as one of average 1 that rises by ``escalator`` each year: ratio.

    rate, escalator: fractions a year, above 0; years: how many years.
    """
    r, g = np.asarray(rate, dtype=np.float64), np.asarray(escalator, dtype=np.float64)
    n = np.asarray(years, dtype=np.float64)
    first = n * g / ((1.0 + g) ** n - 1.0)
    apart = np.where(np.abs(r - g) < 1e-9, 1e-9, r - g)
    rising = (1.0 - ((1.0 + g) / (1.0 + g + apart)) ** n) / apart
    return np.asarray(first * rising / ((1.0 - (1.0 + r) ** -n) / r))


def usd_per_kw_month(usd_per_mwh: float) -> float:
    """A rent in USD per kW of critical IT and month."""
    return usd_per_mwh * HOURS_A_YEAR / MONTHS_A_YEAR / _KILO


def musd_per_mw_year(usd_per_mwh: float) -> float:
    """A rent in million USD per MW of critical IT and year."""
    return usd_per_mwh * HOURS_A_YEAR / _MILLION


@dataclass(frozen=True, slots=True)
class Terms:
    """Draws of what hosting costs, each (draws,).

    connection: ratio to critical IT; kept, residual: fractions; capex_musd_per_mw: million USD/MW
    of critical IT; years: years of the contract; escalator, rate: fractions a year; dark_years:
    years from the last mining to the first rent.
    """

    connection: Floats
    kept: Floats
    capex_musd_per_mw: Floats
    years: Floats
    escalator: Floats
    rate: Floats
    residual: Floats
    dark_years: Floats

    @property
    def span_years(self) -> Floats:
        """Years from the last mining to the contract's end."""
        return np.asarray(self.years + self.dark_years)

    @property
    def rent_worth(self) -> Floats:
        """What a rent of 1 USD/MWh of critical IT is worth when mining stops: (draws,), years."""
        level = level_over_average(self.rate, self.escalator, self.years)
        waited = (1.0 + self.rate) ** -self.dark_years
        return np.asarray(self.kept * level * worth_of_years(self.rate, self.years) * waited)

    @property
    def building_usd_per_mwh(self) -> Floats:
        """What building costs, less what is left at the end: USD/MWh of critical IT in a year."""
        left = self.residual * (1.0 + self.rate) ** -self.span_years
        return np.asarray(self.capex_musd_per_mw * _MILLION * (1.0 - left) / HOURS_A_YEAR)

    def margin(self, rent_usd_per_mwh: Floats | float) -> Floats:
        """The even margin of a rent in USD/MWh of critical IT: (draws,), USD/MWh of connection."""
        worth = np.asarray(rent_usd_per_mwh) * self.rent_worth - self.building_usd_per_mwh
        return np.asarray(worth / self.connection / worth_of_years(self.rate, self.span_years))

    def rent_for(self, margin_usd_per_mwh: Floats, dearer: Floats | float = 1.0) -> Floats:
        """The rent whose even margin is this: (draws, size), USD/MWh of critical IT.

        margin_usd_per_mwh: (draws, size), a MWh of connection; dearer: ratio of a site's building
        cost to the terms', of the same shape. The inverse of ``margin``, exact.
        """
        span = worth_of_years(self.rate, self.span_years)
        scale = (self.connection * span / self.rent_worth)[:, None]
        fixed = (self.building_usd_per_mwh / self.rent_worth)[:, None]
        return np.asarray(margin_usd_per_mwh * scale + fixed * dearer)


def draw_assumptions(
    assumptions: Mapping[str, HostingAssumption], draws: int, seed: int
) -> dict[str, Floats]:
    """By name, (draws,), in the unit of the assumption. The same seed gives the same bytes."""
    normal = generator(seed, Purpose.HOSTING).standard_normal((len(assumptions), draws))
    return {name: one.draw(normal[at]) for at, (name, one) in enumerate(assumptions.items())}


def terms_of(values: Mapping[str, Floats]) -> Terms:
    """Terms of an offer that no contract states.

    values: draws of the assumptions by name, in the unit of each.
    """
    return Terms(
        values["connection"],
        values["kept"],
        values["capex"],
        values["years"],
        values["escalator"],
        values["hosting_rate"],
        values["residual"],
        values["dark"] / MONTHS_A_YEAR,
    )


@dataclass(frozen=True, slots=True)
class ContractFigures:
    """A contract in the units of power. critical_it_mw: MW of critical IT, over draws.

    rent_usd_per_mwh, rent_usd_per_kw_month: of critical IT, on average over the contract.
    at_meter_usd_per_mwh: the rent a MWh of connection; margin_usd_per_mwh: the even margin a MWh of
    connection. stated: of connection, capex, kept, those that the contract states.
    """

    contract: Contract
    critical_it_mw: Interval
    rent_usd_per_mwh: Interval
    rent_usd_per_kw_month: Interval
    at_meter_usd_per_mwh: Interval
    margin_usd_per_mwh: Interval
    stated: tuple[str, ...]


def contract_figures(
    contracts: tuple[Contract, ...], values: Mapping[str, Floats], seed: int
) -> tuple[ContractFigures, ...]:
    """Each contract with what it states, and the assumptions' draws for what it does not.

    values: draws of the assumptions by name, in the unit of each.
    """
    draws = values["connection"].size
    random = generator(seed, Purpose.CONTRACTS)
    place, own = random.random((2, draws)), random.standard_normal(draws)
    # a contract that does not say what it costs to build stands for one site
    costs = values["capex"] * np.exp(values["capex_between"] * own)
    terms = terms_of({**values, "capex": costs})
    return tuple(_figures(one, terms, place) for one in contracts)


def _figures(contract: Contract, terms: Terms, place: Floats) -> ContractFigures:
    stated, ones = [], np.ones_like(terms.connection)
    connection, kept, capex = terms.connection, terms.kept, terms.capex_musd_per_mw
    it_mw = ones * contract.capacity_mw
    if contract.connection_mw is not None:
        stated.append("connection")
        connection = ones * contract.connection_mw / contract.capacity_mw
    if contract.of_grid:
        it_mw = it_mw / connection
    if contract.kept is not None:
        stated.append("kept")
        kept = _within(contract.kept, place[0])
    if contract.capex_by == "tenant":
        stated.append("capex")
        capex = 0.0 * ones
    elif contract.capex_musd_per_mw is not None:
        stated.append("capex")
        capex = _within(contract.capex_musd_per_mw, place[1])
    years = ones * contract.years
    own = replace(terms, connection=connection, kept=kept, capex_musd_per_mw=capex, years=years)
    rent = contract.usd_per_year / (it_mw * HOURS_A_YEAR)
    return ContractFigures(
        contract,
        band_of(it_mw),
        band_of(rent),
        band_of(rent * HOURS_A_YEAR / MONTHS_A_YEAR / _KILO),
        band_of(rent / connection),
        band_of(own.margin(rent)),
        tuple(stated),
    )


def _within(ends: tuple[float, float], place: Floats) -> Floats:
    return np.asarray(ends[0] + (ends[1] - ends[0]) * place)


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
    there: Bools

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


def _still_there(supply: Supply, log_cost: Floats) -> Bools:
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
