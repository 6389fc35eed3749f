"""Shutdown prices as a table, a chart and a page of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import hashcanary
from hashcanary.moments import iso_day
from hashcanary.report import theme
from hashcanary.report.blocks import table
from hashcanary.report.charts.definition import SCHEMA, VEGA_LITE, simulated_mark
from hashcanary.report.document import Column, Estimate, Table
from hashcanary.report.html import style_sheet
from hashcanary.report.markup import Html, tag
from hashcanary.report.pictures import SCALE
from hashcanary.units import J_PER_TH, USD_PER_BTC, USD_PER_DAY, USD_PER_KWH, USD_PER_MWH

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
        f"stop, restart: with {terms.restart_usd:g} USD a restart, discounted at "
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
            f"earned in 3 years: median and 90% of paths: {found.paths}."
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


def document_table(found: Shutdown) -> Table:
    """The lines as a table of a report, each estimate with its band."""
    columns = (
        Column("rig", "rig"),
        Column("efficiency", "J/TH", "number", J_PER_TH),
        Column("power", "power", "number", USD_PER_KWH),
        Column("shutdown", "shuts down at", "estimate", USD_PER_BTC),
        Column("break_even", "bears power at", "estimate", USD_PER_KWH),
        Column("revenue", "earns a MWh", "estimate", USD_PER_MWH),
        Column("profit", "profit of a machine", "estimate", USD_PER_DAY),
        Column("switching", "stop, restart"),
        Column("payback", "payback, days"),
    )
    rows = tuple(
        (
            line.rig.name,
            line.rig.efficiency_j_per_th,
            line.power_usd_per_kwh,
            _estimate(line.shutdown_price_usd_per_btc),
            _estimate(line.break_even_usd_per_kwh),
            _estimate(line.revenue_usd_per_mwh),
            _estimate(line.profit_usd_per_day),
            switching_words(line),
            payback_words(line),
        )
        for line in found.shown
    )
    return Table(
        "shutdown",
        "At which prices machines stop",
        columns,
        rows,
        note=" ".join(assumptions(found)),
        empty="no machine",
    )


def switching_words(line: Line) -> str:
    """Both thresholds: prices of bitcoin in USD where known, else hashprices."""
    off, on = line.off_below_usd_per_btc, line.on_above_usd_per_btc
    if off is not None and on is not None:
        return f"{off:,.0f}, {on:,.0f} USD/BTC"
    off, on = line.off_below_usd_per_phs_day, line.on_above_usd_per_phs_day
    if off is not None and on is not None:
        return f"{off:.1f}, {on:.1f} USD/PH/s/day"
    return "–"


def payback_words(line: Line) -> str:
    """Median and 90% limits of the days to pay back, ``never`` for a path that does not."""
    if isinstance(line.earns, str) or line.earns.days is None or line.earns.share is None:
        return "–"
    said = [f"{one:,.0f}" if one != float("inf") else "never" for one in line.earns.days]
    return f"{said[0]} ({said[1]} to {said[2]}); {line.earns.share:.0%} of paths"


def _estimate(band: Band | None) -> Estimate | None:
    return None if band is None else Estimate(band.value, band.low, band.high)


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
