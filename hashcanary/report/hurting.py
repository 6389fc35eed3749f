"""The words for who is hurt: the paragraph that answers, from what was computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.costs.model import LEVEL
from hashcanary.economics.draws import band_of
from hashcanary.economics.supply.study import assumptions
from hashcanary.report.charts.costs import FITTED
from hashcanary.units import HASHRATE, USD
from hashcanary.views.text import day, percent, quantity

if TYPE_CHECKING:
    from hashcanary.economics.costs.answers import CostAnswer, CostAnswers
    from hashcanary.economics.supply.study import RigPoint, SupplyStudy
    from hashcanary.interval import Interval
    from hashcanary.report.hurt import Hurt

# rigs named as the next to go, and as gone
_NEXT, _GONE = 2, 2
# the model whose cost the answer names beside the lowest and the highest: the least that is paid
_LEAST_PAID = "electricity"
# a later price closer to the hashprice's own than this is no news
_MOVED = 0.01
_EXA = 1e18


def answer(found: Hurt) -> str:
    """The whole answer in a paragraph; what cannot be said is said to be missing."""
    study, costs = found.supply, found.years.costs
    if study is None and costs is None:
        reasons = " ".join(dict.fromkeys((found.no_supply, found.years.no_costs)))
        return f"Who is hurt cannot be said: {reasons}"
    told: list[str] = []
    if study is None:
        told.append(f"Who is under water cannot be said: {found.no_supply}")
    else:
        told += [_under_water(study), *_since(study, costs), *_rigs(study, costs)]
    if costs is None:
        told.append(f"What a coin costs cannot be said: {found.years.no_costs}")
    else:
        told.append(_costs(costs))
    if study is not None:
        told.append(f"It rests on {assumptions(study)}; bands of costs: {LEVEL:.0%}.")
    return " ".join(told)


def _under_water(study: SupplyStudy) -> str:
    market = study.market
    return (
        f"On {day(market.day)}, when a petahash a second earned "
        f"{market.hashprice_usd_per_phs_day:.2f} USD a day, {share(study.under_water)} of the "
        f"hashrate that ran did not earn its power: room for {rates(study.room_ehs)} of "
        f"{quantity(market.hashrate_ths * 1e12, HASHRATE, 3)} to switch off."
    )


def share(of: Interval) -> str:
    """A share with its limits: ``3.6% (0.0% to 24.5%)``."""
    return f"{percent(of.value)} ({percent(of.low)} to {percent(of.high)})"


def rates(ehs: Interval) -> str:
    """Hashrate with its limits, ``none`` for none: ``34.4 EH/s (none to 235 EH/s)``."""
    value, low, high = (
        quantity(one * _EXA, HASHRATE, 3) if one >= 0.05 else "none" for one in ehs.three
    )
    return f"{value} ({low} to {high})"


def dollars(value: float, low: float | None, high: float | None) -> str:
    """US dollars with their limits: ``74,771 USD (55,187 to 102,957)``."""
    shown = quantity(value, USD)
    if low is None or high is None:
        return shown
    ends = (quantity(one, USD).removesuffix(f" {USD.symbol}") for one in (low, high))
    return f"{shown} ({' to '.join(ends)})"


def _reference(study: SupplyStudy, costs: CostAnswers | None) -> tuple[float, int]:
    """The newest price and its day: the hashprice's own where none is newer."""
    own = study.price_usd_per_btc, study.market.day
    if costs is None or costs.price_usd is None or costs.price_day is None:
        return own
    return own if costs.price_day <= own[1] else (costs.price_usd, costs.price_day)


def _since(study: SupplyStudy, costs: CostAnswers | None) -> list[str]:
    """What a newer price makes of it, where the hashprice is of an older day."""
    price, when = _reference(study, costs)
    ratio = price / study.price_usd_per_btc
    if abs(ratio - 1) < _MOVED:
        return []
    now = study.market.hashprice_usd_per_phs_day
    under = band_of(study.supply.under_water(now * ratio))
    return [
        f"With bitcoin at {price:,.0f} USD, as on {day(when)}, in place of "
        f"{study.price_usd_per_btc:,.0f}, and difficulty and fees unmoved, it is {share(under)}."
    ]


def _rigs(study: SupplyStudy, costs: CostAnswers | None) -> list[str]:
    """Which rigs are next, and which no longer pay, at the median power price."""
    price, _ = _reference(study, costs)
    gone = [one for one in study.rigs if one.off_at_usd_per_btc.value > price]
    going = [one for one in study.rigs if one.off_at_usd_per_btc.value <= price][:_NEXT]
    told = []
    if going:
        text = ", then ".join(f"{one.name} below {_off(one)}" for one in going)
        told.append(f"next to stop paying, as bitcoin falls: {text}")
    if gone:
        names = " and ".join(one.name for one in gone[-_GONE:])
        less = ", like less efficient machines," if len(gone) > _GONE else ""
        told.append(f"{names}{less} already {'does' if len(gone) == 1 else 'do'} not pay")
    return [f"At the median price of power, {'; '.join(told)}."] if told else []


def _off(one: RigPoint) -> str:
    return dollars(*one.off_at_usd_per_btc.three)


def _costs(costs: CostAnswers) -> str:
    """The lowest and the highest cost, lines through past prices apart, and what power alone is."""
    known = [one for one in costs.answers if one.usd_per_btc is not None]
    bills = [one for one in known if one.model.name not in FITTED]
    if not bills:
        return "What a coin costs cannot be said yet; lines through past prices are in the table."
    least, most = bills[0], bills[-1]
    on = f"On {day(most.day)} a" if most.day is not None else "A"
    if least is most:
        return f"{on} coin cost {_cost(least)}{_price(costs, least)}."
    paid = next((one for one in bills if one.model.name == _LEAST_PAID), None)
    alone = ""
    if paid is not None and paid not in (least, most):
        alone = f", and {_dollars(paid)} in electricity alone"
    text = f"{on} coin cost, depending on who counts, from {_cost(least)} to {_cost(most)}{alone}"
    return f"{text}{_price(costs, paid or least)}."


def _cost(one: CostAnswer) -> str:
    return f"{_dollars(one)} by {one.model.title}"


def _dollars(one: CostAnswer) -> str:
    return dollars(one.usd_per_btc or float("nan"), one.low, one.high)


def _price(costs: CostAnswers, beside: CostAnswer) -> str:
    """The newest price, and over one of the costs named."""
    if costs.price_usd is None or costs.price_day is None:
        return "; no price is known"
    told = f"; bitcoin was at {costs.price_usd:,.0f} USD on {day(costs.price_day)}"
    if beside.ratio is None or beside.ratio_low is None or beside.ratio_high is None:
        return told
    named = _LEAST_PAID if beside.model.name == _LEAST_PAID else f"the cost by {beside.model.title}"
    times = f"{beside.ratio:.2f} times ({beside.ratio_low:.2f} to {beside.ratio_high:.2f})"
    return f"{told}, {times} {named}"
