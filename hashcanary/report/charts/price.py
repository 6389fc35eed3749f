"""Price with capitulations and signals; how far the 30-day mean lies from the 60-day mean."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    capitulation_bands,
    halving_rules,
    line_layers,
    time_axis,
    value_axis,
    within_window,
)

_PRICE_LINES = (
    Line("price", "price, USD", "price"),
    Line("", "ribbons inverted", "stress", "band"),
    Line("recovery", "recovery", "second", "ring"),
    Line("buy", "buy signal", "third", "dot"),
)
_Y_PRICE = value_axis("log", "usd", title="USD per BTC")


def _marks(kind: str, line: Line, *, filled: bool) -> Spec:
    return {
        "data": {"name": "signal"},
        "transform": [within_window(), {"filter": f"datum.kind == '{kind}'"}],
        "mark": {
            "type": "point",
            "shape": "circle",
            "size": 70,
            "strokeWidth": 2,
            "filled": filled,
            "opacity": 1,
            "clip": True,
            "color": f"@{line.token}",
            "description": line.label,
        },
        "encoding": {
            "x": time_axis(),
            "y": {"field": "price", **_Y_PRICE},
            "tooltip": [
                {"field": "kind", "title": "ribbons"},
                {"field": "time", "type": "temporal", "format": "%-d %b %Y", "title": "day"},
                {"field": "price", "format": ",.0f", "title": "price, USD"},
            ],
        },
    }


PRICE = Chart(
    name="price",
    title="Price, capitulations and signals",
    description=(
        "Price of bitcoin in US dollars. Shaded: the 30-day mean of the hashrate is below the "
        "60-day mean. Rings: days on which the ribbons crossed back. Dots: days on which the buy "
        "rule was met. Dotted lines: halvings."
    ),
    datasets=("day", "capitulation", "signal", "halving"),
    columns=("price", "ribbon_state", "ribbon_oscillator", "ribbon_days_inverted"),
    format="usd",
    lines=_PRICE_LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", _PRICE_LINES[0], _Y_PRICE, positive=True),
        _marks("recovery", _PRICE_LINES[2], filled=False),
        _marks("buy", _PRICE_LINES[3], filled=True),
    ),
    height=300,
    scale="log",
    toggles=True,
)


_RIBBON_LINES = (
    Line("ribbon_oscillator", "above", "hashrate", "bar"),
    Line("ribbon_oscillator", "below: inverted", "stress", "bar"),
)
_Y_RIBBON = value_axis("linear", "signed_percent", title="30-day mean / 60-day mean − 1")


def _side(line: Line, keep: str) -> Spec:
    return {
        "data": {"name": "day"},
        "transform": [
            within_window(),
            {
                "calculate": "isValid(datum.ribbon_oscillator) ? "
                f"{keep}(datum.ribbon_oscillator, 0) : null",
                "as": f"ribbon_{keep}",
            },
        ],
        "mark": {
            "type": "area",
            "clip": True,
            "opacity": 0.75,
            "color": f"@{line.token}",
            "description": line.label,
        },
        "encoding": {
            "x": time_axis(),
            "y": {"field": f"ribbon_{keep}", **_Y_RIBBON, "stack": None},
        },
    }


RIBBON = Chart(
    name="ribbon",
    title="Hash ribbons: 30-day mean against 60-day mean",
    description=(
        "30-day mean of the hashrate / 60-day mean − 1. Below zero the ribbons are inverted: "
        "hashrate has been falling for about a month."
    ),
    datasets=("day", "halving"),
    columns=("ribbon_oscillator", "ribbon_state", "ribbon_days_inverted"),
    format="signed_percent",
    lines=_RIBBON_LINES,
    layers=(*halving_rules(), _side(_RIBBON_LINES[0], "max"), _side(_RIBBON_LINES[1], "min")),
    height=130,
)
