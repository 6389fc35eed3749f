"""What a company's power costs, and what an AI contract pays for it, in the units of mining.

From its own figures where it has any, else from bands. A month's bill, in this order: (1) the power
that it paid for, over the days of that period; (2) its hashrate x efficiency x what the site takes
over its machines x price of power, each as reported, else assumed. What was reported is taken as
exact. The parts assumed are independent and log-normal: their distances on the log scale are added
as squares.

What AI earns is told by the megawatt hour of a site. A contract's revenue is for critical IT load
that is reserved round the clock; mining's is of what machines and their site draw. Both are put
over the megawatt hours of the site, before any power is paid: under most leases the tenant pays it
on top, under a cloud's the host does, and machines too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import exp, hypot, log
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import band_of
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR
from hashcanary.economics.machines.fleet import History, draw_fleets
from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.economics.power.prices import draw_power, power_mix, read_power_prices
from hashcanary.economics.priors import read_priors
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from hashcanary.economics.companies.reports import Company, Told
    from hashcanary.store.record import Record


MONTH_DAYS = 365.25 / 12
_HOURS_A_DAY = 24.0
# EH/s x J/TH are megawatts
_MW_TO_KW = 1_000.0
# standard deviations of 95%
_SIGMAS = 1.959964
_DRAWS, _SEED = 1_000, 1
# points of a grid of the log of a price
_GRID = 500
# of energized machines, the fraction that runs on average. From monthly reports: Riot 67% in July
# 2024 and 88% in September 2025, CleanSpark 91% then, Cango 87% and 74% in the winter after
RUNNING = Interval(0.87, 0.65, 0.97)


@dataclass(frozen=True, slots=True)
class Input:
    """What a figure is computed from. name: of the company's figure, or of an assumption.

    band: in the unit of the figure's head; running, of energized machines, is a fraction, pue and
    connection are ratios. reported: by the company; None where it is assumed.
    """

    name: str
    band: Interval
    reported: Told | None = None


@dataclass(frozen=True, slots=True)
class SourcedFigure:
    """A figure with what it is computed from. band: in the unit of what it estimates."""

    band: Interval
    inputs: tuple[Input, ...]

    @property
    def own(self) -> bool:
        """Whether all is from the company's own figures, but for what the site takes besides."""
        return all(part.reported is not None for part in self.inputs if part.name != "pue")


@dataclass(frozen=True, slots=True)
class NetworkPower:
    """What the network's machines take and pay at a moment, with 95% bands; None where not known.

    pue: ratio; efficiency: J/TH of what runs; one_price: USD/kWh of one miner among all, the middle
    and 95% of the hashrate; middle_price: USD/kWh of the middle miner. notes: in words.
    """

    pue: Interval
    efficiency_j_per_th: Interval | None
    one_price_usd_per_kwh: Interval
    middle_price_usd_per_kwh: Interval
    notes: tuple[str, ...]


def product(*parts: Interval) -> Interval:
    """Of independent log-normal parts: in the product of their units, as ratios go.

    A part that is zero is exact, and makes the product zero.
    """
    if any(part.value == 0 for part in parts):
        return Interval.exact(0.0)
    value = up = down = 0.0
    for part in parts:
        value += log(part.value)
        up = hypot(up, log(part.high / part.value))
        down = hypot(down, log(part.value / part.low))
    return Interval(exp(value), exp(value - down), exp(value + up))


def inverse(part: Interval) -> Interval:
    """1 over a band, a ratio to it. part: in any unit."""
    return part.map(lambda value: 1 / value)


def network_power(
    record: Record,
    moment: int,
    history: History | None,
) -> NetworkPower:
    """What the network takes and pays as known at a moment. moment: Unix seconds.

    history: days of hashrate and hashprice, None where the record has none.
    """
    from hashcanary.economics.errors import NoRigYet, TooFewDaysForFleet

    prior = read_priors().supply["pue"]
    low, high = (prior.median * exp(side * _SIGMAS * prior.spread) for side in (-1, 1))
    pue = Interval(prior.median, low, high).map(lambda ratio: max(ratio, 1.0))
    efficiency: Interval | None = None
    notes: tuple[str, ...] = ()
    try:
        if history is not None:
            fleets = draw_fleets(read_rigs(), history, moment, _DRAWS, _SEED)
            efficiency = band_of(fleets.network_j_per_th)
    except (NoRigYet, TooFewDaysForFleet) as lack:
        notes = (f"the network's efficiency is not known: {lack}",)
    mix = power_mix(read_power_prices(), moment, record.daily)
    paid = draw_power(mix, _DRAWS, _SEED)
    middle = band_of(np.exp(paid.log_network_median()))
    grid = np.linspace(log(0.001), log(1.0), _GRID)
    share = paid.below(grid).mean(axis=0)
    value, low, high = (exp(float(np.interp(at, share, grid))) for at in (0.5, 0.025, 0.975))
    return NetworkPower(
        pue,
        efficiency,
        Interval(value, low, high, "95% of the hashrate"),
        middle,
        (*mix.notes, *notes),
    )


def price_of(company: Company, network: NetworkPower, since: date) -> Input:
    """What it pays for power, USD/kWh: as reported since a day, else as one miner among all."""
    reported = company.newest("power_price", since)
    if reported is not None:
        return as_reported(reported)
    return Input("power_price", network.one_price_usd_per_kwh)


def efficiency_of(company: Company, network: NetworkPower, since: date) -> Input | None:
    """J/TH of its machines: as reported since a day, else the network's; None where not known."""
    reported = company.newest("efficiency", since)
    if reported is not None:
        return as_reported(reported)
    band = network.efficiency_j_per_th
    return None if band is None else Input("efficiency", band)


def as_reported(told: Told) -> Input:
    """A figure as a company reported it, exact, in the unit of its head."""
    return Input(told.figure.name, Interval.exact(float(told.amount)), told)


def hashrate_of(company: Company, since: date) -> SourcedFigure | None:
    """EH/s that run: as reported since a day, else a part of what is energized; None for neither.

    What is energized at the end of a later period than the last average counts in its place.
    """
    average = company.newest("hashrate_average", since)
    energized = company.newest("hashrate_energized", since)
    if average is not None and (energized is None or energized.last <= average.last):
        runs = as_reported(average)
        return SourcedFigure(runs.band, (runs,))
    if energized is None:
        return None
    inputs = as_reported(energized), Input("running", RUNNING)
    return SourcedFigure(product(*(part.band for part in inputs)), inputs)


def bill_of(company: Company, network: NetworkPower, since: date) -> SourcedFigure | None:
    """A month's power, USD: as reported since a day, else from its parts; None without.

    A price of power that was reported later than a bill does not displace it: a bill is what was
    paid.
    """
    paid = company.newest("power_cost", since)
    if paid is not None and paid.stored > 0:
        usd = float(paid.amount) / paid.days * MONTH_DAYS
        return SourcedFigure(Interval.exact(usd), (as_reported(paid),))
    rate, machines = hashrate_of(company, since), efficiency_of(company, network, since)
    if rate is None or machines is None or rate.band.value <= 0:
        return None
    price = price_of(company, network, since)
    scale = Interval.exact(_MW_TO_KW * _HOURS_A_DAY * MONTH_DAYS)
    band = product(rate.band, machines.band, network.pue, price.band, scale)
    return SourcedFigure(band, (*rate.inputs, machines, price, Input("pue", network.pue)))


def cost_per_coin(
    company: Company, network: NetworkPower, btc_per_phs_day: Interval | None, since: date
) -> SourcedFigure | None:
    """Power a coin, USD/BTC, where a company reported enough of its own; None otherwise.

    From its efficiency and price at what a hash earns now (btc_per_phs_day, BTC/PH/s/day), else
    from the bill and the coins of its last period.
    """
    machines, price = efficiency_of(company, network, since), price_of(company, network, since)
    own = machines is not None and machines.reported is not None and price.reported is not None
    if machines is not None and own and btc_per_phs_day is not None:
        a_day = product(machines.band, price.band, network.pue, Interval.exact(_HOURS_A_DAY))
        band = product(a_day, inverse(btc_per_phs_day))
        return SourcedFigure(band, (machines, price, Input("pue", network.pue)))
    paid = company.newest("power_cost", since)
    coins = None if paid is None else company.of("produced", paid.first, paid.last)
    if paid is None or coins is None or not coins.stored or not paid.stored:
        return None
    band = Interval.exact(float(paid.amount / coins.amount))
    return SourcedFigure(band, (as_reported(paid), as_reported(coins)))


def network_cost_per_coin(
    network: NetworkPower, btc_per_phs_day: Interval | None
) -> Interval | None:
    """Power a coin of the network, USD/BTC: its efficiency at the middle miner's price of power."""
    if network.efficiency_j_per_th is None or btc_per_phs_day is None:
        return None
    parts = (network.efficiency_j_per_th, network.middle_price_usd_per_kwh, network.pue)
    return product(*parts, Interval.exact(_HOURS_A_DAY), inverse(btc_per_phs_day))


# J/TH x PH/s are kilowatts
_KW_TO_MW = 0.001


@dataclass(frozen=True, slots=True)
class Ai:
    """AI contracts of a company. contracted, gross, energized: MW as told; revenue: USD a year.

    over_capacity: gross load, or the contracted one, over capacity, fraction. usd_per_mwh_load: of
    critical IT load, round the clock, USD/MWh; usd_per_mwh_site: of the site behind it, USD/MWh;
    mining_usd_per_mwh: what mining earns there, both before power; ratio: of the two, site's over
    mining's. inputs: what both are computed from.
    """

    contracted: Told | None
    gross: Told | None
    energized: Told | None
    revenue: Told | None
    over_capacity: float | None
    usd_per_mwh_load: float | None
    usd_per_mwh_site: Interval | None
    mining_usd_per_mwh: Interval | None
    ratio: Interval | None
    inputs: tuple[Input, ...]


def ai_of(
    company: Company,
    power: NetworkPower,
    hashprice_usd_per_phs_day: Interval | None,
    connection: Interval,
    since: date,
) -> Ai | None:
    """Its AI contracts as last told, None where it told none.

    connection: ratio of a site's power to critical IT load, where it is not told; since: the day
    before which its own efficiency is too old.
    """
    names = ("ai_contracted", "ai_gross", "ai_energized", "ai_revenue_per_year")
    contracted, gross, energized, revenue = (company.newest(name) for name in names)
    if contracted is None and gross is None and energized is None:
        return None
    # a site told before more load was let is not behind all of it
    if gross is not None and contracted is not None and gross.last < contracted.last:
        gross = None
    site, inputs = _site_mw(contracted, gross, connection)
    load = None if contracted is None or not contracted.stored else float(contracted.amount)
    usd = None if revenue is None else float(revenue.amount) / HOURS_A_YEAR
    of_site = None if usd is None or site is None else product(Interval.exact(usd), inverse(site))
    machines = efficiency_of(company, power, since)
    mining = None
    if machines is not None and hashprice_usd_per_phs_day is not None:
        a_day = product(machines.band, power.pue, Interval.exact(_HOURS_A_DAY * _KW_TO_MW))
        mining = product(hashprice_usd_per_phs_day, inverse(a_day))
        inputs = (*inputs, machines)
    capacity = company.newest("capacity")
    there = gross or contracted
    return Ai(
        contracted,
        gross,
        energized,
        revenue,
        None
        if capacity is None or there is None or not capacity.stored
        else float(there.amount / capacity.amount),
        None if usd is None or load is None else usd / load,
        of_site,
        mining,
        None if of_site is None or mining is None else product(of_site, inverse(mining)),
        inputs,
    )


def _site_mw(
    contracted: Told | None, gross: Told | None, connection: Interval
) -> tuple[Interval | None, tuple[Input, ...]]:
    """MW of the site behind the load, as reported, else assumed; and what that is from."""
    if gross is not None and gross.stored:
        site = as_reported(gross)
        return site.band, (site,)
    if contracted is None or not contracted.stored:
        return None, ()
    inputs = as_reported(contracted), Input("connection", connection)
    return product(*(part.band for part in inputs)), inputs
