"""Price, with inversions of the ribbons, recoveries and buy signals."""

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

LINES = (
    Line("price", "price, USD", "price"),
    Line("", "ribbons inverted", "stress", "band"),
    Line("recovery", "recovery", "second", "ring"),
    Line("buy", "buy signal", "third", "dot"),
)
_Y = value_axis("log", "usd", title="USD per BTC")


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
            "y": {"field": "price", **_Y},
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
    lines=LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", LINES[0], _Y, positive=True),
        _marks("recovery", LINES[2], filled=False),
        _marks("buy", LINES[3], filled=True),
    ),
    height=300,
    scale="log",
    toggles=True,
)
