"""How companies that reported stand now: treasury, debt, power and AI, each figure with its date.

Every figure is the newest that was published by the record's moment, with the period that it is of.
Figures grow old: flows and what follows from them count for 200 days after their period, balances
for 400, contracts and capacity until others are reported. What was not reported stays missing; a
sum is of those that told, and says how many they are.

A sum is over those that told all of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import exp, isfinite
from operator import truediv
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.economics.companies.power import (
    MONTH_DAYS,
    Ai,
    NetworkPower,
    SourcedFigure,
    ai_of,
    bill_of,
    cost_per_coin,
    inverse,
    network_cost_per_coin,
    network_power,
    product,
)
from hashcanary.economics.companies.reports import (
    Company,
    NetworkCoins,
    Told,
    companies_of,
    network_coins,
)
from hashcanary.economics.errors import NoMarket
from hashcanary.economics.hash_economics import Stated, hash_economics
from hashcanary.economics.hosting.contracts import read_hosting
from hashcanary.economics.machines.fleet import History
from hashcanary.economics.supply import study as supply_study
from hashcanary.interval import Interval, corners
from hashcanary.metrics.errors import NothingToMeasure

if TYPE_CHECKING:
    from hashcanary.store.record import Record


@dataclass(frozen=True, slots=True)
class CompanyNow:
    """A company as known at the moment; None where it did not tell, or too long ago.

    produced: of the last period told; produced_a_month: BTC a month then; sold_share: fraction, of
    that period; network_share: fraction of all coins earned then. free: coins not restricted, BTC;
    treasury_usd: all coins at today's price. bill: USD a month; funds_usd: free coins at today's
    price and cash; covered: months of the bill that they pay; must_sell: fraction of a month's
    coins, at today's price, that pays the bill: above 1 more must be sold than is mined. per_coin:
    power a coin, USD/BTC; over_network: ratio to the network's. debt_to_treasury: ratio;
    debt_price: USD/BTC at which all coins are worth the debt, exact; debt_price_net: the same of
    the debt less cash.
    """

    company: Company
    produced: Told | None
    produced_a_month: Fraction | None
    sold_share: Fraction | None
    network_share: float | None
    held: Told | None
    restricted: Told | None
    free: Fraction | None
    treasury_usd: float | None
    cash: Told | None
    debt: Told | None
    convertible: Told | None
    bill: SourcedFigure | None
    funds_usd: float | None
    covered: Interval | None
    must_sell: Interval | None
    per_coin: SourcedFigure | None
    over_network: Interval | None
    debt_to_treasury: float | None
    debt_price: Fraction | None
    debt_price_net: Fraction | None
    ai: Ai | None


Parts = Callable[[CompanyNow], tuple[Interval | None, ...]]


@dataclass(frozen=True, slots=True)
class Total:
    """A sum. band: in the unit of its name's end, None where nobody told; its ends are those of the
    parts added up, as if all were off to one side. companies: number of them.
    """

    band: Interval | None
    companies: int


def totals_of(companies: Sequence[CompanyNow], price_usd_per_btc: float | None) -> dict[str, Total]:
    """Sums by name.

    produced_btc_per_month, network_share_fraction: each company's of its own last period; held_btc,
    restricted_btc, cash_usd, debt_usd, bill_usd_per_month. Sums over sums: sold_share_fraction,
    forced_selling_fraction (bills over coins at today's price), covered_months (free coins and cash
    over bills), debt_to_treasury_ratio; ai_contracted_mw, ai_revenue_usd_per_year.
    """
    sums: dict[str, Parts] = {
        "produced_btc_per_month": lambda one: (_exact(one.produced_a_month),),
        "network_share_fraction": lambda one: (_exact(one.network_share),),
        "held_btc": lambda one: (_told(one.held),),
        "restricted_btc": lambda one: (_told(one.restricted),),
        "cash_usd": lambda one: (_told(one.cash),),
        "debt_usd": lambda one: (_told(one.debt),),
        "bill_usd_per_month": lambda one: (_bill(one),),
        "ai_contracted_mw": lambda one: (_told(one.ai.contracted if one.ai else None),),
        "ai_revenue_usd_per_year": lambda one: (_told(one.ai.revenue if one.ai else None),),
    }
    ratios: dict[str, Parts] = {
        "sold_share_fraction": lambda one: (_sold(one), _told(one.produced)),
        "forced_selling_fraction": lambda one: (_bill(one), _worth(one, price_usd_per_btc)),
        "covered_months": lambda one: (_exact(one.funds_usd), _bill(one)),
        "debt_to_treasury_ratio": lambda one: (_told(one.debt), _exact(one.treasury_usd)),
    }
    found = {name: _summed(companies, parts) for name, parts in sums.items()}
    return found | {name: _summed(companies, parts) for name, parts in ratios.items()}


def _summed(companies: Iterable[CompanyNow], parts: Parts) -> Total:
    rows = [row for row in map(parts, companies) if None not in row]
    if not rows:
        return Total(None, 0)
    sums = [
        corners(lambda *parts: sum(parts), [band for band in column if band])
        for column in zip(*rows, strict=True)
    ]
    if len(sums) == 1:
        return Total(sums[0], len(rows))
    above, below = sums
    if below.value <= 0:
        return Total(None, 0)
    return Total(corners(truediv, [above], [below]), len(rows))


def _exact(value: Fraction | float | None) -> Interval | None:
    return None if value is None else Interval.exact(float(value))


def _told(told: Told | None) -> Interval | None:
    return None if told is None else _exact(told.amount)


def _bill(one: CompanyNow) -> Interval | None:
    return None if one.bill is None else one.bill.band


def _sold(one: CompanyNow) -> Interval | None:
    if one.sold_share is None or one.produced is None:
        return None
    return _exact(one.sold_share * one.produced.amount)


def _worth(one: CompanyNow, price: float | None) -> Interval | None:
    """A month's coins at today's price, USD."""
    if one.produced_a_month is None or price is None:
        return None
    return _exact(float(one.produced_a_month) * price)


# days after the end of its period for which a figure counts; judgement
FLOW_DAYS, BALANCE_DAYS = 200, 400
_SIGMAS = 1.959964


@dataclass(frozen=True, slots=True)
class CompaniesNow:
    """All companies that reported. moment: Unix seconds up to which anything was used.

    price_usd_per_btc: the newest, or as stated. hashprice_usd_per_phs_day: at that price and the
    newest difficulty and fees. price_day, hash_day: Unix seconds of the starts of their days.
    network_per_coin: power a coin of the network, USD/BTC. None where not known. totals: by name,
    see ``totals_of``; of real companies alone, unless all are simulated. silent: names of those
    whose figures are all too old, with the last day that they are of. lacks: in words.
    """

    companies: tuple[CompanyNow, ...]
    moment: int
    price_usd_per_btc: float | None
    price_day: int | None
    hashprice_usd_per_phs_day: Interval | None
    hash_day: int | None
    network_per_coin: Interval | None
    totals: dict[str, Total]
    silent: tuple[tuple[str, date], ...]
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Prices:
    """The newest price, and what a hash earns in coins, each with its day."""

    price: float | None = None
    price_day: int | None = None
    btc_per_phs_day: Interval | None = None
    hash_day: int | None = None
    history: History | None = None
    lacks: tuple[str, ...] = ()

    @property
    def hashprice(self) -> Interval | None:
        if self.btc_per_phs_day is None or self.price is None:
            return None
        return self.btc_per_phs_day.scaled(self.price)


@dataclass(frozen=True, slots=True)
class _World:
    """What all companies are measured against."""

    today: date
    prices: _Prices
    power: NetworkPower
    coins: NetworkCoins
    connection: Interval

    @property
    def flows_since(self) -> date:
        return self.today - timedelta(days=FLOW_DAYS)

    @property
    def balances_since(self) -> date:
        return self.today - timedelta(days=BALANCE_DAYS)


def companies_now(
    record: Record,
    name: str | None = None,
    price_usd_per_btc: float | None = None,
) -> CompaniesNow:
    """How each company stands at the record's moment, or only the one called ``name``.

    price_usd_per_btc: in place of the record's newest. Raises NoCompanyReports, UnknownCompany,
    UsageError for a price that cannot be.
    """
    companies = companies_of(record, name)
    moment = _moment(record)
    known = _prices(record, price_usd_per_btc)
    power = network_power(record, moment, known.history)
    # the day that ends at the moment, or has begun
    today = datetime.fromtimestamp(moment - 1, UTC).date()
    world = _World(today, known, power, network_coins(record), _connection(moment))
    every = tuple(_now(company, world) for company in companies)
    told = tuple(one for one in every if _tells(one))
    return CompaniesNow(
        told,
        moment,
        known.price,
        known.price_day,
        known.hashprice,
        known.hash_day,
        network_cost_per_coin(power, known.btc_per_phs_day),
        totals_of([one for one in told if not one.company.simulated] or told, known.price),
        tuple((one.company.name, one.company.last) for one in every if not _tells(one)),
        (*known.lacks, *power.notes),
    )


def _connection(moment: int) -> Interval:
    """A site's power over critical IT load where it is not told, ratio: as hosts name it."""
    prior = read_hosting().assumed_at(moment)[0]["connection"]
    low, high = (prior.median * exp(side * _SIGMAS * prior.spread) for side in (-1, 1))
    return Interval(prior.median, max(low, prior.low), min(high, prior.high))


def _moment(record: Record) -> int:
    """Unix seconds: the record's moment, else of the last of its blocks, figures and reports."""
    if record.at is not None:
        return record.at
    daily = record.daily.filter(~pl.col("series").str.starts_with("power_"))
    ends = [
        frame["known_at"].max()
        for frame in (record.chain, daily, record.companies)
        if "known_at" in frame.columns and frame.height
    ]
    return max(end for end in ends if isinstance(end, int))


def _prices(record: Record, stated: float | None) -> _Prices:
    """The newest of each; a price that is stated takes the record's place."""
    lack = "price and difficulty: the record has no blocks or prices"
    try:
        history, dollars, _ = supply_study.history_of(record)
    except NothingToMeasure:
        return _Prices(Stated(price_usd_per_btc=stated).price_usd_per_btc, lacks=(lack,))
    seen = [day for day, usd in dollars.items() if isfinite(usd)]
    price, day = (dollars[max(seen)], max(seen)) if seen else (None, None)
    if stated is not None:
        price, day = Stated(price_usd_per_btc=stated).price_usd_per_btc, None
    try:
        found = hash_economics(record)
    except NoMarket:
        return _Prices(price, day, history=history, lacks=(lack,))
    at_its_day = found.price_usd_per_btc or 0.0
    coins = found.hashprice_usd_per_phs_day.map(lambda usd: usd / at_its_day)
    return _Prices(price, day, coins, found.day, history, found.lacks)


def _tells(one: CompanyNow) -> bool:
    parts = (one.produced, one.held, one.cash, one.debt, one.bill, one.ai)
    return any(part is not None for part in parts)


def _now(company: Company, world: _World) -> CompanyNow:
    produced = company.newest("produced", world.flows_since)
    held, restricted, free = _coins(company, world.balances_since)
    cash, debt, convertible = (
        company.newest(name, world.balances_since) for name in ("cash", "debt", "convertible")
    )
    a_month = None if produced is None else produced.amount / produced.days
    a_month = None if a_month is None else a_month * Fraction(MONTH_DAYS)
    bill = bill_of(company, world.power, world.flows_since)
    funds = _funds(free, cash, world.prices.price)
    per_coin = cost_per_coin(company, world.power, world.prices.btc_per_phs_day, world.flows_since)
    network = network_cost_per_coin(world.power, world.prices.btc_per_phs_day)
    return CompanyNow(
        company,
        produced,
        a_month,
        _sold_share(company, produced),
        _network_share(produced, world),
        held,
        restricted,
        free,
        None
        if held is None or world.prices.price is None
        else float(held.amount) * world.prices.price,
        cash,
        debt,
        convertible,
        bill,
        funds,
        None
        if bill is None or funds is None
        else product(Interval.exact(funds), inverse(bill.band)),
        _must_sell(a_month, bill, world.prices.price),
        per_coin,
        None if per_coin is None or network is None else product(per_coin.band, inverse(network)),
        *_against_debt(held, debt, cash, world.prices.price),
        ai_of(company, world.power, world.prices.hashprice, world.connection, world.flows_since),
    )


def _coins(company: Company, since: date) -> tuple[Told | None, Told | None, Fraction | None]:
    """Coins held, the restricted ones as last told, be it of an earlier day, and the rest."""
    held, restricted = company.newest("held", since), company.newest("restricted", since)
    if held is None:
        return None, None, None
    held = company.at_end("held", held.last) or held
    if restricted is None:
        return held, None, held.amount
    return held, restricted, max(held.amount - restricted.amount, Fraction(0))


def _sold_share(company: Company, produced: Told | None) -> Fraction | None:
    sold = None if produced is None else company.of("sold", produced.first, produced.last)
    if produced is None or sold is None or not produced.stored:
        return None
    return sold.amount / produced.amount


def _network_share(produced: Told | None, world: _World) -> float | None:
    if produced is None:
        return None
    earned = world.coins.between(produced.first, produced.last)
    return None if earned is None or earned[0] <= 0 else float(produced.amount) / earned[0]


def _funds(free: Fraction | None, cash: Told | None, price: float | None) -> float | None:
    """USD of free coins and cash; of one alone where the other was not told."""
    if (free is None and cash is None) or (free and price is None):
        return None
    return float(free or 0) * (price or 0.0) + (0.0 if cash is None else float(cash.amount))


def _must_sell(
    a_month: Fraction | None, bill: SourcedFigure | None, price: float | None
) -> Interval | None:
    if a_month is None or bill is None or price is None or a_month == 0:
        return None
    return product(bill.band, Interval.exact(1 / (float(a_month) * price)))


def _against_debt(
    held: Told | None, debt: Told | None, cash: Told | None, price: float | None
) -> tuple[float | None, Fraction | None, Fraction | None]:
    """Debt over treasury at today's price; prices at which debt, and debt less cash, equal it."""
    if held is None or debt is None or not held.stored:
        return None, None, None
    alone = debt.amount / held.amount
    net = None if cash is None else max(debt.amount - cash.amount, Fraction(0)) / held.amount
    return (None if price is None else float(alone) / price), alone, net
