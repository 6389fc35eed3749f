"""Shutdown prices as a table, a chart and a page of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

import hashcanary
from hashcanary.moments import iso_day
from hashcanary.report import theme
from hashcanary.report.blocks import table
from hashcanary.report.charts.definition import SCHEMA, VEGA_LITE, simulated_mark
from hashcanary.report.document import Column, Table
from hashcanary.report.html import style_sheet
from hashcanary.report.markup import Html, tag
from hashcanary.report.pictures import SCALE

if TYPE_CHECKING:
    from hashcanary.economics.market import Band, Market
    from hashcanary.economics.shutdown import Line, Terms
    from hashcanary.economics.switching import Flow
    from hashcanary.report.pictures import Kind
    from hashcanary.report.theme import Theme

_WIDTH, _STEP = 760, 17
SIMULATED = "SIMULATED: invented history. Nothing here is Bitcoin's."


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Shutdown prices with all that they rest on.

    paths: how the paths were drawn, or what lacked for them; at_text: as known when; network: empty
    where no record was read; catalogue: the file of the rigs; seldom: Unix seconds before which a
    machine came out that people are no longer shown, data keep it.
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
        f"stop, restart: with {_between(terms.restart_usd)} USD a restart, discounted at "
        f"{flow.discount:.0%} a year, {flow.source}; Dixit 1989."
        if flow is not None
        else "stop, restart: missing: no year of hashprice and no stated --volatility."
    )
    older = len({line.rig.name for line in found.lines if line.rig.released < found.seldom})
    drawn = found.lines and not isinstance(found.lines[0].earns, str)
    return tuple(
        one
        for one in (
            given,
            f"Pool fee {_between(terms.pool_fee, percent=True)}; PUE "
            f"{_between(terms.pue)}; nameplates {found.lines[0].rig.nameplate_spread:.0%} either "
            "way. low, high: all of it at its favourable end, and at its other end."
            if found.lines
            else "",
            restart,
            "earned in 3 years: median and 90% of paths, each with its own nameplate, PUE and pool "
            f"fee within their bands: {found.paths}."
            if drawn
            else f"earned in 3 years: missing: {found.paths}.",
            "payback: median days and 90% of paths; never: not within 3 years."
            if terms.rig_usd_per_ths is not None
            else "Payback: state --rig-price USD/TH/s.",
            f"{older} older machines are in --json and --csv." if older else "",
            *(f"Lacks {one}." for one in market.lacks),
        )
        if one
    )


def _between(band: Band, *, percent: bool = False) -> str:
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


# those of _FORMS that come with low and high
BANDED = (
    *("shutdown_price", "shutdown_hashprice", "break_even", "revenue", "profit"),
    *("off_below", "on_above", "off_below_hashprice", "on_above_hashprice"),
    *("earned_3_years", "payback"),
)


def figures(line: Line) -> dict[str, float | Band | None]:
    """Every figure of a line by its key; None where it is missing."""
    earned = None if isinstance(line.earns, str) else line.earns
    return {
        "efficiency": line.rig.efficiency_j_per_th,
        "power": line.power_usd_per_kwh,
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
        if isinstance(value, tuple):
            middle, low, high = (_said(one, form) for one in value)
            said[key] = f"{middle} ({low} to {high})"
        elif value is not None:
            said[key] = _said(value, form)
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
        note=" ".join(assumptions(found)),
        empty="no machine",
    )


def chart_spec(found: Shutdown) -> dict[str, Any]:
    """Price of power that each machine can bear, with its band, and the stated prices; Vega-Lite.

    Colours are tokens, to be replaced by ``theme.coloured``.
    """
    lines = {line.rig.name: line for line in found.shown}
    rows = [
        {
            "rig": name,
            "value": line.break_even_usd_per_kwh.value,
            "low": line.break_even_usd_per_kwh.low,
            "high": line.break_even_usd_per_kwh.high,
        }
        for name, line in lines.items()
    ]
    powers = sorted({line.power_usd_per_kwh for line in found.shown})
    y = {
        "field": "rig",
        "type": "nominal",
        "sort": {"field": "value", "order": "descending"},
        "axis": {"orient": "left", "minExtent": 0, "maxExtent": 260, "labelLimit": 240},
    }
    x = {
        "type": "quantitative",
        "axis": {
            "title": "USD/kWh that it can bear",
            "grid": True,
            "orient": "top",
            "minExtent": 0,
            "format": ".3~f",
        },
    }
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "color": "@hashrate", "opacity": 0.35, "strokeWidth": 6},
            "encoding": {"y": y, "x": {"field": "low", **x}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "color": "@hashrate", "size": 50},
            "encoding": {"y": y, "x": {"field": "value", **x}},
        },
        {
            "data": {"values": [{"power": power} for power in powers]},
            "mark": {"type": "rule", "color": "@stress", "strokeWidth": 1.4},
            "encoding": {"x": {"field": "power", **x}},
        },
    ]
    if found.simulated:
        layers.append(simulated_mark())
    mark = "SIMULATED. " if found.simulated else ""
    stated = ", ".join(f"{power:g}" for power in powers)
    return {
        "$schema": SCHEMA,
        "description": mark + "Break-even power price of each machine with its band, and the "
        "prices of power asked about as rules: a machine left of a rule loses money there.",
        "title": {
            "text": f"{mark}Which machines pay for their power",
            "subtitle": [headline(found), f"Rule: {stated} USD/kWh; left of it a machine loses"],
        },
        "data": {"values": rows},
        "width": _WIDTH,
        "height": {"step": _STEP},
        "padding": 20,
        "layer": layers,
        "config": theme.config() | {"background": "@paper"},
    }


def picture(found: Shutdown, kind: Kind = "png", look: Theme = "light") -> bytes:
    """The chart as a picture."""
    import vl_convert

    spec = theme.coloured(chart_spec(found), theme.colours(look))
    if kind == "svg":
        svg: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
        return svg.encode()
    png: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=SCALE)
    return png


def render_page(found: Shutdown) -> str:
    """Table and chart as one page that loads nothing; the same figures give the same bytes."""
    import vl_convert

    # colours by name of the style sheet, so that the chart follows the reader's theme
    spec = theme.coloured(chart_spec(found), theme.variable_references())
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        ),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", ("SIMULATED. " if found.simulated else "") + "Shutdown prices · hashcanary"),
        tag("style", Html(style_sheet())),
    )
    banner = tag("p", SIMULATED, class_="simulated-banner") if found.simulated else Html("")
    # it shrinks with the page as far as its words can be read
    drawn = drawn.replace("<svg ", '<svg style="max-width:100%;min-width:640px;height:auto" ', 1)
    chart = tag("div", Html(drawn), class_="scroll") if found.shown else Html("")
    body = tag(
        "body",
        banner,
        tag(
            "div",
            tag(
                "section",
                tag("h2", tag("span", "Shutdown prices")),
                tag("p", headline(found), class_="lead"),
                chart,
                table(document_table(found)),
                class_="chapter",
            ),
            tag("footer", f"hashcanary {hashcanary.__version__}. Rigs: {found.catalogue}."),
            class_="frame",
        ),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
