"""Difficulty by epoch, and its change at each retarget."""

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

_LEVEL = (Line("difficulty", "difficulty", "ink"),)
_CHANGES = (
    Line("change", "harder", "hashrate", "bar"),
    Line("change", "easier", "stress", "bar"),
)
_Y_LEVEL = value_axis("log", "difficulty", title="difficulty")
_Y_CHANGE = value_axis("linear", "signed_percent", title="change against the epoch before")

_SEGMENTS: Spec = {
    "data": {"name": "epoch"},
    "transform": [within_window("time", "end")],
    "mark": {
        "type": "rule",
        "clip": True,
        "strokeWidth": 2,
        "color": "@ink",
        "description": "difficulty",
    },
    "encoding": {
        "x": time_axis(),
        "x2": {"field": "end"},
        "y": {"field": "difficulty", **_Y_LEVEL},
    },
}


def _bars(line: Line, test: str) -> Spec:
    return {
        "data": {"name": "epoch"},
        "transform": [
            within_window("time", "end"),
            {"filter": f"isValid(datum.change) && datum.change {test} 0"},
        ],
        "mark": {
            "type": "rect",
            "clip": True,
            "color": f"@{line.token}",
            "description": line.label,
        },
        "encoding": {
            "x": time_axis(),
            "x2": {"field": "end"},
            "y": {"field": "change", **_Y_CHANGE},
            "y2": {"datum": 0},
        },
    }


DIFFICULTY = Chart(
    name="difficulty",
    title="Difficulty",
    description=(
        "Difficulty of each epoch of 2,016 blocks. It follows the hashrate with a delay of up to "
        "two weeks. Gaps: epochs whose first block is missing. Dotted lines: halvings."
    ),
    datasets=("epoch", "halving"),
    columns=("difficulty", "change", "end"),
    format="difficulty",
    lines=_LEVEL,
    layers=(*halving_rules(), _SEGMENTS),
    height=180,
    scale="log",
    toggles=True,
)

RETARGETS = Chart(
    name="retargets",
    title="Change at each retarget",
    description=(
        "Change of the difficulty at the start of each epoch. The width of a bar is the length of "
        "the epoch."
    ),
    datasets=("epoch",),
    columns=("change", "difficulty", "end"),
    format="signed_percent",
    lines=_CHANGES,
    layers=(_bars(_CHANGES[0], ">="), _bars(_CHANGES[1], "<")),
    height=130,
)
