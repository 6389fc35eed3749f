"""Sums over companies: each over those that told all of its parts, and how many they are."""

from __future__ import annotations

from dataclasses import dataclass
from operator import truediv
from typing import TYPE_CHECKING

from hashcanary.interval import Interval, corners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from fractions import Fraction

    from hashcanary.economics.companies.company import CompanyNow
    from hashcanary.economics.companies.reports import Told

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
