"""The chart of drop detection: mean delay against false alarms, who watches by colour."""

from __future__ import annotations

from typing import Any

from hashcanary.report import theme
from hashcanary.report.charts.definition import VEGA_LITE

_COLOURS = {
    "optimum, fall and rate known": "@ink",
    "ours, rate known": "@hashrate",
    "ours, steady world": "@third",
    "ours, growing world": "@fourth",
    "24 hours against 14 days": "@second",
    "24 hours against 30 days": "@stress",
    "ribbons, 30 against 60 days": "@faint",
}


def draw(rows: list[tuple[str, float, float, float, float]]) -> bytes:
    """A PNG in the light theme; rows as ``drop_detection.roc`` gives them."""
    import vl_convert

    spec = theme.coloured(_spec(rows), theme.colours("light"))
    png: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=2.0)
    return png


def _spec(rows: list[tuple[str, float, float, float, float]]) -> dict[str, Any]:
    values = [
        {"who": who, "fall": f"fall of {drop:.0%}", "false": false, "days": delay / 144}
        for who, drop, false, delay, _ in rows
    ]
    encoding: dict[str, Any] = {
        "x": {
            "field": "false",
            "type": "quantitative",
            "scale": {"type": "log", "domain": [0.15, 16]},
            "axis": {"title": "false alarms a year", "values": [0.2, 1, 4, 12]},
        },
        "y": {
            "field": "days",
            "type": "quantitative",
            "scale": {"type": "log", "domain": [0.5, 60]},
            "axis": {
                "title": "mean delay, days of 144 blocks",
                "titleAngle": -90,
                "orient": "left",
                "values": [0.5, 1, 2, 5, 10, 20, 50],
            },
        },
        "color": {
            "field": "who",
            "type": "nominal",
            "title": None,
            "scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())},
            "legend": {"orient": "bottom", "columns": 2, "labelLimit": 300},
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {
            "text": "How soon a fall of the hashrate is noticed",
            "subtitle": "SIMULATED. Mean delay against false alarms a year; lower is better",
        },
        "padding": 20,
        "data": {"values": values},
        "facet": {"column": {"field": "fall", "type": "nominal", "title": None}},
        "spec": {
            "width": 380,
            "height": 320,
            "mark": {"type": "line", "point": True, "strokeWidth": 2},
            "encoding": encoding,
        },
        "config": theme.config() | {"background": "@paper"},
    }
