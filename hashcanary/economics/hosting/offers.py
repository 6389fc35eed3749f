"""What a megawatt hour earns from hosting AI, net of what it costs and mining does not pay.

A tenant pays a rent for the critical IT load it may draw, whether it draws it or not, and pays for
its power. The host keeps a part of it after the site's own costs, has built for it, and earned
nothing while halls were rebuilt. All of it is put into USD a MWh of the grid connection, used round
the clock, since that is what a mining site gives up:

    even margin = (rent x kept x level x v^dark - building x (1 - residual x v^end)) / connection,
    over the years from the last mining to the contract's end, at hosting's discount rate.

``level`` makes an average rent that rises year by year an even one of the same worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import band_of
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR, MONTHS_A_YEAR
from hashcanary.interval import Interval
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hashcanary.economics.hosting.contracts import Contract, HostingAssumption

    Floats = NDArray[np.float64]

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
    own = Terms(
        connection,
        kept,
        capex,
        ones * contract.years,
        terms.escalator,
        terms.rate,
        terms.residual,
        terms.dark_years,
    )
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
