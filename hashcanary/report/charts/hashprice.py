"""What hashrate earns, and what a coin costs: hashprice, Puell multiple, two costs with bands."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    band_layer,
    capitulation_bands,
    halving_rules,
    line_layers,
    time_axis,
    value_axis,
    within_window,
)

_PRICE_LINES = (Line("hashprice", "hashprice, USD per PH/s per day", "third"),)
_Y_PRICE = value_axis("log", "usd", title="USD per PH/s per day")
_PUELL_LINES = (Line("puell", "Puell multiple", "fourth"),)
_Y_PUELL = value_axis("log", "ratio", title="issuance in USD / its 365-day mean")

HASHPRICE = Chart(
    name="hashprice",
    title="Hashprice",
    description=(
        "What one petahash per second earns in a day at the day's difficulty, fees and price, in "
        "US "
        "dollars. Shaded: ribbons inverted. Dotted lines: halvings."
    ),
    datasets=("day", "capitulation", "halving"),
    columns=("hashprice", "hashvalue", "fees_share", "revenue_usd"),
    format="usd",
    lines=_PRICE_LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", _PRICE_LINES[0], _Y_PRICE, positive=True),
    ),
    height=220,
    scale="log",
    toggles=True,
)

PUELL = Chart(
    name="puell",
    title="Puell multiple",
    description=(
        "Value of the day's new coins in US dollars over its mean of 365 days. Below 1, miners "
        "earn "
        "less from new coins than over the past year."
    ),
    datasets=("day", "capitulation", "halving"),
    columns=("puell",),
    format="ratio",
    lines=_PUELL_LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", _PUELL_LINES[0], _Y_PUELL, positive=True),
    ),
    height=150,
    scale="log",
    toggles=True,
)


# models drawn one by one, with their bands: the least that is paid for a coin, and all that is
DRAWN: tuple[tuple[str, str], ...] = (("electricity", "hashrate"), ("all-in", "second"))


def cost_key(model: str) -> str:
    """A model's column."""
    return model.replace("-", "_")


_PRICE_LINE = Line("price", "price", "price")
COSTS_DRAWN = tuple(
    Line(
        cost_key(name),
        f"{name}, 90% band",
        token,
        low=f"{cost_key(name)}_low",
        high=f"{cost_key(name)}_high",
    )
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
_Y_COST = value_axis("log", "usd", title="USD per BTC")


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
            "y": {"field": OTHERS.column, **_Y_COST},
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
    lines=(_PRICE_LINE, *COSTS_DRAWN, FAMILY, OTHERS),
    layers=(
        *halving_rules(),
        band_layer("costs", FAMILY, _Y_COST, positive=True),
        *(
            layer
            for line in reversed(COSTS_DRAWN)
            for layer in line_layers("costs", line, _Y_COST, positive=True)
        ),
        *line_layers("costs", _PRICE_LINE, _Y_COST, positive=True),
        _published(),
    ),
    height=320,
    scale="log",
    toggles=True,
)
