"""One company as it stands: the newest of each figure, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    from hashcanary.economics.companies.ai import Ai
    from hashcanary.economics.companies.power import SourcedFigure
    from hashcanary.economics.companies.reports import Company, Told
    from hashcanary.interval import Interval


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
