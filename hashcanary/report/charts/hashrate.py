"""Hashrate by several smoothings, the 30-day mean with its interval."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    capitulation_bands,
    halving_rules,
    line_layers,
    value_axis,
)

LINES = (
    Line("hashrate_day", "one day", "faint", "thin"),
    Line(
        "hashrate_sma30",
        "30-day mean, with 95% interval",
        "hashrate",
        low="hashrate_sma30_low",
        high="hashrate_sma30_high",
    ),
    Line("hashrate_sma60", "60-day mean", "second", "dashed"),
)
_Y = value_axis("log", "hashrate", title="hashes per second")

HASHRATE = Chart(
    name="hashrate",
    title="Hashrate and its uncertainty",
    description=(
        "Hashrate of the network in hashes per second: single days faint, the 30-day mean with its "
        "95% interval, the 60-day mean dashed. Shaded: ribbons inverted. Dotted lines: halvings."
    ),
    datasets=("day", "capitulation", "halving"),
    columns=(
        "hashrate_day",
        "hashrate_day_low",
        "hashrate_day_high",
        "hashrate_sma30",
        "hashrate_sma30_low",
        "hashrate_sma30_high",
        "hashrate_sma60",
        "basis",
    ),
    format="hashrate",
    lines=LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", LINES[0], _Y, positive=True),
        *line_layers("day", LINES[2], _Y, positive=True),
        *line_layers("day", LINES[1], _Y, positive=True),
    ),
    height=320,
    scale="log",
    toggles=True,
)
