"""Hosting AI against mining: what share of the hashrate an offer would take, with a band.

Contracts, assumptions and convertible shares as known at the record's moment, the supply curve's
draws of machines and power prices, and the record's own drift of hashprice.

A site leaves when an offer's even margin beats mining's (``offers``) and it can: its region's
convertible share says how likely that is, whatever its machines and power price. A part of the
machines of sites that leave runs again elsewhere and does not count as left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.draws import Moved, band_of, moved_by
from hashcanary.economics.errors import TooFewDaysForDrift
from hashcanary.economics.hash_economics import UNKNOWN_FEES, Stated, hash_economics
from hashcanary.economics.hosting.contracts import read_hosting
from hashcanary.economics.hosting.offers import (
    Ahead,
    at_price,
    contract_figures,
    draw_assumptions,
    mining_of,
    musd_per_mw_year,
    sites_of,
    terms_of,
    usd_per_kw_month,
)
from hashcanary.economics.power.prices import CHEAPEST, DEAREST
from hashcanary.economics.priors import parameter_units
from hashcanary.economics.supply.study import study_supply
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.metrics.windows import floats
from hashcanary.random import Purpose, generator
from hashcanary.units import FRACTION, PER_YEAR

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.economics.hash_economics import HashEconomics
    from hashcanary.economics.hosting.contracts import (
        Convertible,
        HostingAssumption,
        HostingFigures,
    )
    from hashcanary.economics.hosting.offers import ContractFigures, Mining, Sites, Terms
    from hashcanary.economics.machines.rigs import Catalogue
    from hashcanary.economics.power.prices import PowerPrices
    from hashcanary.economics.supply.curve import Supply
    from hashcanary.economics.supply.study import SupplyStudy
    from hashcanary.store.record import Record


# sites whose building is dear or whose mining is good: the last tenth
_BEST = 0.1
_MEANINGS = {
    "decline": "drift of hashprice, of its logarithm a year",
    "power_level": "power price of the network, USD/kWh",
    "network_j_per_th": "the fleet's efficiency, J/TH",
    "fees": "transaction fees, of the subsidy, fraction",
    "convertible": "part of the hashrate that stands where AI could, fraction",
}
_UNITS = {"decline": PER_YEAR, "fees": FRACTION, "convertible": FRACTION}


@dataclass(frozen=True, slots=True)
class OfferPoint:
    """A rent, and what it would take.

    rent_usd_per_mwh, rent_usd_per_kw_month, rent_musd_per_mw_year: of critical IT, million USD the
    last; margin_usd_per_mwh: the even margin of the median site, a MWh of connection; beaten:
    fraction of the hashrate for whose sites it beats mining, could they take it; leaves,
    leaves_mean: fraction of it that would leave for good; leaves_ehs: EH/s; hashprice_change:
    fraction by which the hashprice of those who stay rises, with nobody coming back.
    """

    rent_usd_per_mwh: float
    rent_usd_per_kw_month: float
    rent_musd_per_mw_year: float
    margin_usd_per_mwh: Interval
    beaten: Interval
    leaves: Interval
    leaves_mean: float
    leaves_ehs: Interval
    hashprice_change: Interval


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Rents at which hosting is worth what mining is, USD/MWh of critical IT.

    no_margin: of a site that mining leaves nothing; median: of the median machine; best: of the
    tenth of sites to which mining is worth most or building costs most. own: of the median machine
    at a user's own power price, own_usd_per_kwh; None without one.
    """

    no_margin_usd_per_mwh: Interval
    median_usd_per_mwh: Interval
    best_usd_per_mwh: Interval
    own_usd_per_mwh: Interval | None
    own_usd_per_kwh: float | None


class Leaving:
    """The draws behind a study: sites, what mining is to them, and which rent each would take.

    values: draws of the hosting file's assumptions by name, in the unit of each; convertible:
    fraction of each part of the power mix that could leave, (draws, parts).
    """

    def __init__(
        self,
        supply: Supply,
        values: dict[str, Floats],
        ahead: Ahead,
        convertible: Floats,
        seed: int,
    ) -> None:
        self._supply, self._values, self._ahead = supply, values, ahead
        self._terms: Terms = terms_of(values)
        self._sites: Sites = sites_of(supply, seed)
        self._mining = self._mines(self._sites)
        self._dearer = np.exp(values["capex_between"][:, None] * self._sites.building)
        self._rents = self._terms.rent_for(self._mining.even_usd_per_mwh, self._dearer)
        self._weight = self._sites.weight
        rows = np.arange(supply.left.size)[:, None]
        self._can = self._weight * convertible[rows, self._sites.region]
        self._gone = 1.0 - values["moved"]
        self._ehs = supply.market.hashrate_ths / 1e6

    def _mines(self, sites: Sites) -> Mining:
        return mining_of(sites, self._ahead, self._values, self._supply.parameters, self._terms)

    @property
    def could(self) -> Floats:
        """The fraction of the hashrate that would leave at any rent: (draws,)."""
        return np.asarray(self._can.sum(axis=1) * self._gone)

    def leaves(self, rent_usd_per_mwh: float) -> Floats:
        """The fraction of the hashrate that would leave at a rent: (draws,)."""
        takes = self._rents <= rent_usd_per_mwh
        return np.asarray((self._can * takes).sum(axis=1) * self._gone)

    def offer(self, rent_usd_per_mwh: float) -> OfferPoint:
        """A point of the curve."""
        leaves = self.leaves(rent_usd_per_mwh)
        beaten = (self._weight * (self._rents <= rent_usd_per_mwh)).sum(axis=1)
        return OfferPoint(
            rent_usd_per_mwh,
            usd_per_kw_month(rent_usd_per_mwh),
            musd_per_mw_year(rent_usd_per_mwh),
            band_of(self._terms.margin(rent_usd_per_mwh)),
            band_of(beaten),
            band_of(leaves),
            float(leaves.mean()),
            band_of(leaves * self._ehs),
            band_of(1.0 / (1.0 - leaves) - 1.0),
        )

    def break_even(self, power_usd_per_kwh: float | None) -> BreakEven:
        """Rents at which sites are indifferent."""
        own = None
        if power_usd_per_kwh is not None:
            mining = self._mines(at_price(self._sites, power_usd_per_kwh))
            rents = self._terms.rent_for(mining.even_usd_per_mwh, self._dearer)
            own = band_of(_quantile(rents, self._weight, 0.5))
        nothing = self._terms.rent_for(np.zeros((self._gone.size, 1)))[:, 0]
        return BreakEven(
            band_of(nothing),
            band_of(_quantile(self._rents, self._weight, 0.5)),
            band_of(_quantile(self._rents, self._weight, 1.0 - _BEST)),
            own,
            power_usd_per_kwh,
        )

    def mining_bands(self) -> tuple[Interval, Interval, Interval]:
        """Revenue, margin and even margin of the median site: bands of USD/MWh of connection."""
        one, weight = self._mining, self._weight
        parts = (one.revenue_usd_per_mwh, one.margin_usd_per_mwh, one.even_usd_per_mwh)
        revenue, margin, even = (band_of(_quantile(part, weight, 0.5)) for part in parts)
        return revenue, margin, even

    def levers(
        self, rent_usd_per_mwh: float, assumed: dict[str, HostingAssumption]
    ) -> tuple[Moved, ...]:
        """What each assumption moves of the share that would leave at a rent, USD/MWh."""
        parameters = {
            **self._supply.parameters,
            **self._values,
            "decline": self._ahead.drift,
            "fees": self._ahead.fees,
            "convertible": self._can.sum(axis=1),
        }
        # how long it takes to build moves when they leave, not how many
        meanings = {name: one.title for name, one in assumed.items() if name != "build"}
        units = {name: one.unit for name, one in assumed.items()}
        return moved_by(
            {**meanings, **_MEANINGS},
            parameters,
            self.leaves(rent_usd_per_mwh),
            {**parameter_units(), **units, **_UNITS},
            {name: one.source for name, one in assumed.items()},
        )


def _quantile(values: Floats, weight: Floats, part: float) -> Floats:
    """A quantile over sites of each draw: (draws,). weight: (draws, sites), rows sum to 1."""
    order = np.argsort(values, axis=1)
    rows = np.arange(values.shape[0])[:, None]
    total = np.cumsum(weight[rows, order], axis=1)
    at = np.minimum((total < part - 1e-12).sum(axis=1), values.shape[1] - 1)
    return np.asarray(values[rows[:, 0], order[rows[:, 0], at]])


# a count of draws
DRAWS = 4_000
# rents of the curve, USD/MWh of critical IT
OFFERS = tuple(float(rent) for rent in (*range(60, 300, 10), *range(300, 520, 20)))
# USD/MWh of critical IT that are no slip of the pen
CHEAPEST_OFFER, DEAREST_OFFER = 1.0, 10_000.0
# USD/MWh of critical IT, where no contract was known: the first ones' rent
UNKNOWN_OFFER = 166.0
_ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asks about; raises UsageError.

    offers_usd_per_mwh: rents, USD/MWh of critical IT, beside those of the curve; power_usd_per_kwh:
    what the user pays for power, USD/kWh.
    """

    offers_usd_per_mwh: tuple[float, ...] = ()
    power_usd_per_kwh: float | None = None

    def __post_init__(self) -> None:
        for rent in self.offers_usd_per_mwh:
            if not CHEAPEST_OFFER <= rent <= DEAREST_OFFER:
                raise UsageError(
                    argument="--offer",
                    expected=f"USD per MWh of critical IT from {CHEAPEST_OFFER:g} to "
                    f"{DEAREST_OFFER:,.0f}",
                    found=rent,
                    remedy="1 million USD a MW and year are 114; 100 USD/kW-month are 137.",
                )
        price = self.power_usd_per_kwh
        if price is not None and not CHEAPEST <= price <= DEAREST:
            raise UsageError(
                argument="--power-price",
                expected=f"USD per kWh from {CHEAPEST:g} to {DEAREST:g}",
                found=price,
                remedy="Write 0.05 for five US cents.",
            )


@dataclass(frozen=True, slots=True)
class HostingStudy:
    """All that is told.

    typical_usd_per_mwh: USD/MWh of critical IT, the median of comparable contracts known by then,
    None where there is none; reference_usd_per_mwh: the rent that the sensitivity is of; could:
    fraction of the hashrate that could leave at any rent; build_months: months until it has.
    Mining's are of the median site, USD/MWh of connection: revenue and margin now, and the even
    margin over a contract. drift_per_year: of the logarithm of hashprice, a year; drift_days: Unix
    seconds of the first and last day that it is of, None where it is stated. contracted_mw: MW of
    connection of all contracts known by then, mining_mw: MW that mining draws.
    """

    supply: SupplyStudy
    market: HashEconomics
    figures: HostingFigures
    assumed: dict[str, HostingAssumption]
    convertible: dict[str, Convertible]
    contracts: tuple[ContractFigures, ...]
    typical_usd_per_mwh: float | None
    reference_usd_per_mwh: float
    offers: tuple[OfferPoint, ...]
    break_even: BreakEven
    could: Interval
    contracted_mw: Interval
    mining_mw: Interval
    build_months: Interval
    mining_revenue_usd_per_mwh: Interval
    mining_margin_usd_per_mwh: Interval
    mining_even_usd_per_mwh: Interval
    drift_per_year: Interval
    drift_days: tuple[int, int] | None
    levers: tuple[Moved, ...]
    lacks: tuple[str, ...]


def study_hosting(
    record: Record,
    figures: HostingFigures | None = None,
    catalogue: Catalogue | None = None,
    prices: PowerPrices | None = None,
    *,
    asked: Asked | None = None,
    draws: int = DRAWS,
    seed: int = 1,
) -> HostingStudy:
    """Hosting against mining as known at the record's moment, with 95% bands of the draws.

    Raises NoRigYet, TooFewDaysForFleet, NoHashprice, TooFewDaysForDrift.
    """
    asked = Asked() if asked is None else asked
    figures = read_hosting() if figures is None else figures
    base = study_supply(record, catalogue, prices, draws=draws, seed=seed)
    # hashprice is the supply curve's; of the market its fees and the next halving are wanted
    stated = Stated(hashprice_usd_per_phs_day=base.market.hashprice_usd_per_phs_day)
    market = hash_economics(record, stated)
    moment = base.supply.fleets.moment
    assumed, late = figures.assumed_at(moment)
    convertible, late_regions = figures.convertible_at(moment)
    values = draw_assumptions(assumed, draws, seed)
    ahead, days = _ahead(base, market, figures, record, seed)
    can = _convertible(base.supply, convertible, seed)
    drawn = Leaving(base.supply, values, ahead, can, seed)
    contracts = contract_figures(figures.contracts_by(moment), values, seed)
    rents = [one.rent_usd_per_mwh.value for one in contracts if one.contract.comparable]
    typical = float(np.median(rents)) if rents else None
    reference = (*asked.offers_usd_per_mwh, *([typical] if typical else []), UNKNOWN_OFFER)[0]
    told = sorted({*OFFERS, reference, *asked.offers_usd_per_mwh, typical or reference})
    return HostingStudy(
        base,
        market,
        figures,
        assumed,
        convertible,
        contracts,
        typical,
        reference,
        tuple(drawn.offer(rent) for rent in told),
        drawn.break_even(asked.power_usd_per_kwh),
        band_of(drawn.could),
        _contracted(contracts, values),
        band_of(_mining_mw(base)),
        band_of(values["build"]),
        *drawn.mining_bands(),
        band_of(ahead.drift),
        days,
        drawn.levers(reference, assumed),
        (*base.lacks, *_lacks(market, len(late), len(late_regions), bool(contracts))),
    )


def _contracted(contracts: tuple[ContractFigures, ...], values: dict[str, Floats]) -> Interval:
    """MW of connection of every contract but other readings of one."""
    total = np.zeros_like(values["connection"])
    for one in (each.contract for each in contracts if not each.contract.again):
        stated = one.capacity_mw if one.of_grid else one.connection_mw
        total += one.capacity_mw * values["connection"] if stated is None else stated
    return band_of(total)


def _mining_mw(base: SupplyStudy) -> Floats:
    """MW that the network draws: hashrate x J/TH x PUE."""
    parameters = base.supply.parameters
    watts = base.market.hashrate_ths * parameters["network_j_per_th"] * parameters["pue"]
    return np.asarray(watts / 1e6)


def _lacks(market: HashEconomics, late: int, late_regions: int, contracts: bool) -> tuple[str, ...]:
    told = []
    if market.fees_to_subsidy == UNKNOWN_FEES:
        told.append("fees: none to 10% of the subsidy are taken")
    if market.to_halving is None:
        told.append("the chain's height of late: no halving is in what mining is worth")
    if late or late_regions:
        told.append(
            f"hindsight: {late} of the assumptions of hosting and {late_regions} of the regions' "
            "convertible shares were known only later"
        )
    if not contracts:
        told.append("contracts: none was published by then")
    return tuple(told)


def _ahead(
    base: SupplyStudy, market: HashEconomics, figures: HostingFigures, record: Record, seed: int
) -> tuple[Ahead, tuple[int, int] | None]:
    """How hashprice goes on in each draw, and the days that its drift is of."""
    decline = figures.decline
    random = generator(seed, Purpose.DRIFT)
    draws = base.supply.left.size
    normal, place = random.standard_normal(draws), random.random(draws)
    days = None
    if decline.per_year is not None:
        mean, error = decline.per_year, decline.spread or 0.0
    else:
        mean, error, days = drift_of(record, decline.reach_years)
    fees = market.fees_to_subsidy
    drawn = np.interp(place, (0.0, 0.5, 1.0), (fees.low, fees.value, fees.high))
    price = base.market.hashprice_usd_per_phs_day * (1.0 + drawn) / (1.0 + fees.value)
    years = None if market.to_halving is None else market.to_halving / 365.25
    drift = np.minimum(mean + error * normal, decline.highest)
    return Ahead(price, drift, drawn, years), days


def _convertible(supply: Supply, regions: dict[str, Convertible], seed: int) -> Floats:
    """The fraction of each part of the power mix that could leave: (draws, parts).

    A region of a user's own prices that nothing is said of is taken for ``elsewhere``.
    """
    random, draws = generator(seed, Purpose.CONVERTIBLE), supply.left.size
    drawn = {
        name: random.beta(one.mean * one.sure, (1.0 - one.mean) * one.sure, draws)
        for name, one in regions.items()
    }
    parts = supply.power.parts
    return np.stack([drawn.get(one.region, drawn[_ELSEWHERE]) for one in parts], axis=1)


FEWEST_DAYS = 365
_A_YEAR = 365.25


def drift_of(record: Record, reach_years: float) -> tuple[float, float, tuple[int, int]]:
    """The mean change of the logarithm of price over difficulty a year, its standard error, days.

    Over the last ``reach_years`` years of days with both, or as many as there are; the standard
    error as if days were independent; days: Unix seconds of the first and the last. Raises
    TooFewDaysForDrift.
    """
    from hashcanary.metrics.engine import metrics_of

    names = ("price", "blocks.difficulty_mean")
    frame = metrics_of(record).frame("day", names)
    price, difficulty = (floats(frame, name) for name in names)
    logs = np.log(price / difficulty)
    known = np.flatnonzero(np.isfinite(logs))
    if known.size < FEWEST_DAYS:
        raise TooFewDaysForDrift(days=FEWEST_DAYS, found=known.size)
    first = max(int(known[-1] - round(reach_years * _A_YEAR)), int(known[0]))
    changes = np.diff(logs[first : known[-1] + 1])
    changes = changes[np.isfinite(changes)]
    mean, error = changes.mean(), changes.std(ddof=1) / np.sqrt(changes.size)
    times = frame["time"].to_numpy()
    days = int(times[first]), int(times[known[-1]])
    return float(mean * _A_YEAR), float(error * _A_YEAR), days
