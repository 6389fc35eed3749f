"""Companies as they stand: the newest of each figure, what follows from it, and sums.

A sum is over those that told all of its parts, and says how many they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import truediv
from typing import TYPE_CHECKING

from hashcanary.interval import Interval, corners

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    from hashcanary.economics.companies.power import Ai, SourcedFigure
    from hashcanary.economics.companies.reports import Company, Told


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
