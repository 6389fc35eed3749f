"""Shutdown prices as a chart and as a page of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hashcanary.report import theme
from hashcanary.report.charts.definition import VEGA_LITE, alone, png
from hashcanary.report.render.html import Html, document, table, tag
from hashcanary.units import USD_PER_KWH
from hashcanary.version import __version__
from hashcanary.views.text import SIMULATED, banded

if TYPE_CHECKING:
    from hashcanary.views.answer import Answer
    from hashcanary.views.table import Table

_STEP = 17


def chart_spec(answer: Answer) -> dict[str, Any]:
    """Break-even power price of each machine with its band, and the prices paid; Vega-Lite.

    answer: of ``hashcanary.views.shutdown``. Colours are tokens, to be replaced by
    ``theme.coloured``.
    """
    shown = _shown(answer).rows
    lines = {line.rig.name: line for line in shown}
    rows = [
        {
            "rig": name,
            "value": line.break_even_usd_per_kwh.value,
            "low": line.break_even_usd_per_kwh.low,
            "high": line.break_even_usd_per_kwh.high,
        }
        for name, line in lines.items()
    ]
    powers = sorted({line.power_band_usd_per_kwh for line in shown}, key=lambda band: band.three)
    y = {
        "field": "rig",
        "type": "nominal",
        "sort": {"field": "value", "order": "descending"},
        "axis": {"orient": "left", "minExtent": 0, "maxExtent": 260, "labelLimit": 240},
    }
    x = {
        "type": "quantitative",
        "axis": {
            "title": "break-even power price, USD/kWh",
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
    assumed = [power for power in powers if power.low < power.high]
    if assumed:
        band = {
            "data": {"values": [{"low": power.low, "high": power.high} for power in assumed]},
            "mark": {"type": "rect", "color": "@stress", "opacity": 0.12},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}},
        }
        layers.insert(0, band)
    stated = ", ".join(banded(power, USD_PER_KWH, 3) for power in powers)
    shaded = "; shaded: its band" if assumed else ""
    return alone(
        "Which machines pay for their power",
        [answer.title, f"Rule: power at {stated}; left of it a machine loses{shaded}"],
        "Break-even power price of each machine with its band, and the power prices paid as "
        "rules: a machine left of a rule loses money there.",
        layers,
        simulated=answer.simulated,
        data={"values": rows},
        height={"step": _STEP},
    )


def _shown(answer: Answer) -> Table:
    """The lines that people are shown, without figures that none of them has."""
    table = answer.tables[0]
    rows = table.rows if table.shown is None else table.shown
    columns = [
        column
        for place, column in enumerate(table.columns)
        if not column.optional or any(column.cell(row, place) is not None for row in rows)
    ]
    note = " ".join((*answer.sentences, *answer.notes))
    return replace(table, columns=columns, rows=rows, shown=None, note=note)


def picture(answer: Answer) -> bytes:
    """The chart as a PNG."""
    return png(theme.coloured(chart_spec(answer), theme.colours("light")))


def render_page(answer: Answer) -> str:
    """Table and chart as one page that loads nothing; the same figures give the same bytes."""
    import vl_convert

    # colours by name of the style sheet, so that the chart follows the reader's theme
    spec = theme.coloured(chart_spec(answer), theme.variable_references())
    drawn: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE)
    banner = tag("p", SIMULATED, class_="simulated-banner") if answer.simulated else Html("")
    # it shrinks with the page as far as its words can be read
    drawn = drawn.replace("<svg ", '<svg style="max-width:100%;min-width:640px;height:auto" ', 1)
    shown = _shown(answer)
    chart = tag("div", Html(drawn), class_="scroll") if shown.rows else Html("")
    rigs = answer.more["rigs_file"]
    chapter = tag(
        "section",
        tag("h2", tag("span", "Shutdown prices")),
        tag("p", answer.title, class_="lead"),
        chart,
        table(shown),
        class_="chapter",
    )
    foot = tag("footer", f"hashcanary {__version__}. Rigs: {rigs}.")
    return document(
        ("SIMULATED. " if answer.simulated else "") + "Shutdown prices · hashcanary",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        *(banner, tag("div", chapter, foot, class_="frame")),
    )
