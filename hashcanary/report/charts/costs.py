"""Price against what a coin costs: two costs with their bands, regression-based valuations."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    band_layer,
    halving_rules,
    line_layers,
    time_axis,
    value_axis,
    within_window,
)

# models drawn one by one, with their bands: the least that is paid for a coin, and all that is
DRAWN: tuple[tuple[str, str], ...] = (("electricity", "hashrate"), ("all-in", "second"))


def key(model: str) -> str:
    """A model's column."""
    return model.replace("-", "_")


PRICE = Line("price", "price", "price")
COSTS_DRAWN = tuple(
    Line(key(name), f"{name}, 90% band", token, low=f"{key(name)}_low", high=f"{key(name)}_high")
    for name, token in DRAWN
)
FAMILY = Line(
    "",
    "regression-based valuations, lowest to highest",
    "fourth",
    "band",
    low="fitted_low",
    high="fitted_high",
)
OTHERS = Line("usd_per_btc", "published by others, external inputs", "third", "dot")
_Y = value_axis("log", "usd", title="USD per BTC")


def _published() -> Spec:
    return {
        "data": {"name": "published_costs"},
        "transform": [within_window()],
        "mark": {
            "type": "point",
            "shape": "circle",
            "size": 60,
            "filled": True,
            "opacity": 1,
            "clip": True,
            "color": f"@{OTHERS.token}",
            "description": OTHERS.label,
        },
        "encoding": {
            "x": time_axis(),
            "y": {"field": OTHERS.column, **_Y},
            "tooltip": [
                {"field": "who", "title": "published by"},
                {"field": "time", "type": "temporal", "format": "%-d %b %Y", "title": "of"},
                {"field": OTHERS.column, "format": ",.0f", "title": "USD per BTC"},
            ],
        },
    }


COSTS = Chart(
    name="costs",
    title="Price and what a coin costs",
    description=(
        "Price of bitcoin beside what a coin costs to make, in US dollars: electricity alone and "
        "all-in, each with its 90% band. Shaded: the range of regression-based valuation models. "
        "Dots: published figures, as printed. Dotted lines: halvings."
    ),
    datasets=("costs", "published_costs", "halving"),
    columns=(
        *(name for line in COSTS_DRAWN for name in (line.column, line.low, line.high)),
        FAMILY.low,
        FAMILY.high,
        "price",
    ),
    format="usd",
    lines=(PRICE, *COSTS_DRAWN, FAMILY, OTHERS),
    layers=(
        *halving_rules(),
        band_layer("costs", FAMILY, _Y, positive=True),
        *(
            layer
            for line in reversed(COSTS_DRAWN)
            for layer in line_layers("costs", line, _Y, positive=True)
        ),
        *line_layers("costs", PRICE, _Y, positive=True),
        _published(),
    ),
    height=320,
    scale="log",
    toggles=True,
)
