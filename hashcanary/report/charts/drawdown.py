"""Drawdown by every smoothing."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    halving_rules,
    line_layers,
    value_axis,
)

LINES = (
    Line("drawdown_day", "one day", "faint", "thin"),
    Line("drawdown_sma7", "7-day mean", "second", "thin"),
    Line("drawdown_sma14", "14-day mean", "fourth", "thin"),
    Line(
        "drawdown_sma30",
        "30-day mean, with 95% interval",
        "hashrate",
        low="drawdown_sma30_low",
        high="drawdown_sma30_high",
        # near its peak a mean is compared with days it shares, or with itself
        band_where="datum.drawdown_sma30 < -0.02",
    ),
    Line("drawdown_sma60", "60-day mean", "third", "dashed"),
)
_Y = value_axis("linear", "percent", title="distance below the peak so far")

DRAWDOWN = Chart(
    name="drawdown",
    title="Drawdown from the peak, by every smoothing",
    description=(
        "Distance of each smoothing of the hashrate below its own peak so far. A shorter smoothing "
        "is noisier, so its drawdowns are deeper. The band is drawn where the 30-day mean is more "
        "than 2% below its peak."
    ),
    datasets=("day", "halving"),
    columns=(
        "drawdown_day",
        "drawdown_sma7",
        "drawdown_sma14",
        "drawdown_sma30",
        "drawdown_sma30_low",
        "drawdown_sma30_high",
        "drawdown_sma60",
    ),
    format="percent",
    lines=LINES,
    layers=(
        *halving_rules(),
        *(
            layer
            for line in (LINES[0], LINES[1], LINES[2], LINES[4], LINES[3])
            for layer in line_layers("day", line, _Y, positive=False)
        ),
    ),
    height=260,
)
