"""The ribbon oscillator: distance of the 30-day mean from the 60-day mean."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    halving_rules,
    time_axis,
    value_axis,
    within_window,
)

LINES = (
    Line("ribbon_oscillator", "above", "hashrate", "bar"),
    Line("ribbon_oscillator", "below: inverted", "stress", "bar"),
)
_Y = value_axis("linear", "signed_percent", title="30-day mean / 60-day mean − 1")


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
            "y": {"field": f"ribbon_{keep}", **_Y, "stack": None},
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
    lines=LINES,
    layers=(*halving_rules(), _side(LINES[0], "max"), _side(LINES[1], "min")),
    height=130,
)
