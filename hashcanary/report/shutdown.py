"""Shutdown prices in words and rows, for whoever prints them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.moments import iso_day
from hashcanary.views.table import Column, Table

if TYPE_CHECKING:
    from hashcanary.economics.market import Market
    from hashcanary.economics.shutdown.switching import Flow
    from hashcanary.economics.shutdown.table import Line, Terms


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Shutdown prices with all that they rest on.

    paths: how the paths were drawn, or what lacked for them; at_text: as known when; network: empty
    where no record was read; catalogue: the file of the rigs; seldom: Unix seconds before which a
    machine came out that people are no longer shown, data keep it; power_source: who says what
    power costs.
    """

    lines: tuple[Line, ...]
    market: Market
    terms: Terms
    flow: Flow | None
    paths: str
    at_text: str
    network: str
    simulated: bool
    catalogue: str
    power_source: str = "stated"
    seldom: int = 0
    provenance: dict[str, object] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines that people are shown."""
        return tuple(line for line in self.lines if line.rig.released >= self.seldom)


def headline(found: Shutdown) -> str:
    """What a hash earns, in a line."""
    market = found.market
    earns = market.hashprice_usd_per_phs_day
    said = f"{earns.value:.2f} USD/PH/s/day"
    if earns.low != earns.high:
        said += f" ({earns.low:.2f} to {earns.high:.2f} by fees)"
    when = f" of {iso_day(market.day)}" if market.day is not None else ""
    coin = market.price_usd_per_btc
    price = "" if coin is None else f", bitcoin at {coin:,.0f} USD"
    known = f"as known at {found.at_text}" if found.network else "from stated inputs"
    return f"Shutdown prices at a hashprice of {said}{price}{when}; {known}"


def assumptions(found: Shutdown) -> tuple[str, ...]:
    """What the figures rest on, a sentence each."""
    market, terms, flow = found.market, found.terms, found.flow
    given = f"Stated: {', '.join(market.stated)}." if market.stated else ""
    restart = (
        f"stop, restart: with {between(terms.restart_usd)} USD a restart, discounted at "
        f"{flow.discount:.0%} a year, {flow.source}; Dixit 1989."
        if flow is not None
        else "stop, restart: missing: no year of hashprice and no stated --volatility."
    )
    drawn = found.lines and not isinstance(found.lines[0].earns, str)
    return tuple(
        one
        for one in (
            given,
            power_sentence(found),
            f"Pool fee {between(terms.pool_fee, percent=True)}; PUE "
            f"{between(terms.pue)}; nameplates {found.lines[0].rig.nameplate_spread:.0%} either "
            "way. low, high: all of it at its favourable end, and at its other end."
            if found.lines
            else "",
            restart,
            "earned in 3 years: median and 90% of paths, each with its own nameplate, PUE, pool "
            f"fee and price of power within their bands: {found.paths}."
            if drawn
            else f"earned in 3 years: missing: {found.paths}.",
            f"payback at {terms.rig_usd_per_ths:g} USD/TH/s: median days and 90% of paths; never: "
            "not within 3 years; paid back: of paths, with the 90% limits that their number leaves."
            if terms.rig_usd_per_ths is not None
            else "",
            *(f"Lacks {one}." for one in market.lacks),
        )
        if one
    )


def hints(found: Shutdown) -> tuple[str, ...]:
    """What people may ask for beside what they see."""
    older = len({line.rig.name for line in found.lines if line.rig.released < found.seldom})
    return tuple(
        one
        for one in (
            "" if found.terms.rig_usd_per_ths else "Payback: state --rig-price USD/TH/s.",
            f"{older} older machines are in --json and --csv." if older else "",
        )
        if one
    )


def power_sentence(found: Shutdown) -> str:
    """What power costs, and who says so."""
    powers = dict.fromkeys(line.power_band_usd_per_kwh for line in found.lines)
    if not powers:
        return ""
    prices = ", ".join(between(one) for one in powers)
    source = "" if found.power_source == "stated" else f": {found.power_source}"
    return f"Power at {prices} USD/kWh{source}."


def between(band: Interval, *, percent: bool = False) -> str:
    """A figure, stated or assumed with its band: ``1.1 (assumed, 1.01 to 1.2)``."""

    def said(value: float) -> str:
        return f"{value:.3g}" if not percent else f"{value:.3%}".replace(".000%", "%")

    if band.low == band.high:
        return f"{said(band.value)} (stated)"
    return f"{said(band.value)} (assumed, {said(band.low)} to {said(band.high)})"


# how people read each figure of a line: its key, its title on a page, its form
_FORMS: tuple[tuple[str, str, str], ...] = (
    ("efficiency", "J/TH", ".4g"),
    ("power", "power, USD/kWh", ".3f"),
    ("shutdown_price", "stops paying at, USD/BTC", ",.0f"),
    ("shutdown_hashprice", "or at, USD/PH/s/day", ".1f"),
    ("break_even", "bears power at, USD/kWh", ".3f"),
    ("revenue", "earns, USD/MWh", ",.0f"),
    ("profit", "profit, USD/day", ",.1f"),
    ("off_below", "stop, USD/BTC", ",.0f"),
    ("on_above", "restart, USD/BTC", ",.0f"),
    ("off_below_hashprice", "stop, USD/PH/s/day", ".1f"),
    ("on_above_hashprice", "restart, USD/PH/s/day", ".1f"),
    ("earned_3_years", "earned in 3 years, USD/TH/s", ",.1f"),
    ("payback", "payback, days", ",.0f"),
    ("paid_back", "paid back, of paths", ".0%"),
)


# of these people read the middle: their band is told under the table
_PLAIN = ("efficiency",)


def figures(line: Line) -> dict[str, Interval | None]:
    """Every figure of a line by its key; None where it is missing."""
    earned = None if isinstance(line.earns, str) else line.earns
    return {
        "efficiency": line.rig.nameplate_j_per_th,
        "power": line.power_band_usd_per_kwh,
        "shutdown_price": line.shutdown_price_usd_per_btc,
        "shutdown_hashprice": line.shutdown_hashprice_usd_per_phs_day,
        "break_even": line.break_even_usd_per_kwh,
        "revenue": line.revenue_usd_per_mwh,
        "profit": line.profit_usd_per_day,
        "off_below": line.off_below_usd_per_btc,
        "on_above": line.on_above_usd_per_btc,
        "off_below_hashprice": line.off_below_usd_per_phs_day,
        "on_above_hashprice": line.on_above_usd_per_phs_day,
        "earned_3_years": None if earned is None else earned.earned_usd_per_ths,
        "payback": None if earned is None else earned.days,
        "paid_back": None if earned is None else earned.share,
    }


def people_cells(line: Line) -> dict[str, str]:
    """A line as people read it, without units: ``28,558 (24,412 to 33,584)``; no key if missing."""
    said = {"rig": line.rig.name}
    found = figures(line)
    for key, _, form in _FORMS:
        value = found[key]
        if value is not None and (key in _PLAIN or value.low == value.high):
            said[key] = _said(value.value, form)
        elif value is not None:
            middle, low, high = (_said(one, form) for one in value.three)
            said[key] = f"{middle} ({low} to {high})"
    return said


def _said(value: float, form: str) -> str:
    # a payback that does not come within the horizon
    if not isfinite(value):
        return "never"
    text = format(value, form)
    return text.removeprefix("-") if float(text.rstrip("%").replace(",", "")) == 0 else text


def document_table(found: Shutdown) -> Table:
    """The lines that people are shown as a table of a report; figures no line has are left out."""
    cells = [people_cells(line) for line in found.shown]
    priced = any("shutdown_price" in row for row in cells)
    columns = [Column("rig", "machine")] + [
        Column(key, title)
        for key, title, _ in _FORMS
        if any(key in row for row in cells) and not (priced and key.endswith("_hashprice"))
    ]
    return Table(
        "shutdown",
        "At which prices machines stop",
        tuple(columns),
        tuple(tuple(row.get(column.key) for column in columns) for row in cells),
        note=" ".join((*assumptions(found), *hints(found))),
        empty="no machine",
    )
