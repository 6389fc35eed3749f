"""What hashrate earns: hashprice, and the Puell multiple."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    capitulation_bands,
    halving_rules,
    line_layers,
    value_axis,
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
