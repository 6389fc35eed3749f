"""Shutdown prices as a chart and as a page of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hashcanary.report import theme
from hashcanary.report.blocks import table
from hashcanary.report.charts.definition import SCHEMA, VEGA_LITE, simulated_mark
from hashcanary.report.html import style_sheet
from hashcanary.report.markup import Html, tag
from hashcanary.report.pictures import SCALE
from hashcanary.report.shutdown import between, document_table, headline
from hashcanary.version import __version__

if TYPE_CHECKING:
    from hashcanary.report.pictures import Kind
    from hashcanary.report.shutdown import Shutdown
    from hashcanary.report.theme import Theme

_WIDTH, _STEP = 760, 17
SIMULATED = "SIMULATED: invented history. Nothing here is Bitcoin's."


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
    powers = sorted(
        {line.power_band_usd_per_kwh for line in found.shown}, key=lambda one: one.three
    )
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
            "titleColor": "@quiet",
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
            "data": {"values": [{"power": power.value} for power in powers]},
            "mark": {"type": "rule", "color": "@stress", "strokeWidth": 1.4},
            "encoding": {"x": {"field": "power", **x}},
        },
    ]
    assumed = [one for one in powers if one.low < one.high]
    if assumed:
        band = {
            "data": {"values": [{"low": one.low, "high": one.high} for one in assumed]},
            "mark": {"type": "rect", "color": "@stress", "opacity": 0.12},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
        }
        layers.insert(0, band)
    if found.simulated:
        layers.append(simulated_mark())
    mark = "SIMULATED. " if found.simulated else ""
    stated = ", ".join(between(power) for power in powers)
    shaded = "; shaded: its band" if assumed else ""
    return {
        "$schema": SCHEMA,
        "description": mark + "Break-even power price of each machine with its band, and the "
        "prices of power asked about as rules: a machine left of a rule loses money there.",
        "title": {
            "text": f"{mark}Which machines pay for their power",
            "subtitle": [
                headline(found),
                f"Rule: {stated} USD/kWh; left of it a machine loses{shaded}",
            ],
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
            tag("footer", f"hashcanary {__version__}. Rigs: {found.catalogue}."),
            class_="frame",
        ),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"
