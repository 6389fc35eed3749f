"""AI contracts of a company, in the units of mining: what a megawatt hour of its site earns.

A contract's revenue is for critical IT load that is reserved round the clock; mining's is of what
machines and their site draw. Both are put over the megawatt hours of the site, before any power is
paid: under most leases the tenant pays it on top, under a cloud's the host does, and machines too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.economics.companies.power import Input, as_reported, efficiency_of, inverse, product
from hashcanary.economics.hosting.contracts import HOURS_A_YEAR
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from datetime import date

    from hashcanary.economics.companies.power import NetworkPower
    from hashcanary.economics.companies.reports import Company, Told

_HOURS_A_DAY = 24.0
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
