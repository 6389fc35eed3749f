"""Difficulty by epoch, its change at each retarget, and where hashrate and difficulty go next."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    fan_layers,
    halving_rules,
    line_layers,
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


BAND_COLUMNS = ("median", "low_50", "high_50", "low_80", "high_80", "low_95", "high_95")

_RATE_LINES = (
    Line("median", "estimate, with 50, 80 and 95% bands", "hashrate"),
    Line("", "forecast, with the same bands", "second", "bar"),
)
_Y_RATE = value_axis("linear", "hashrate", title="hashes per second") | {
    "scale": {"type": "linear", "zero": False, "nice": False, "padding": 6}
}
OUTLOOK = Chart(
    name="outlook",
    title="Hashrate: estimate and forecast",
    description=(
        "Hashrate estimated from every 18 blocks, and its forecast from the last block on: medians "
        "with 50, 80 and 95% bands."
    ),
    datasets=("rate",),
    columns=(*BAND_COLUMNS, "kind"),
    format="hashrate",
    lines=_RATE_LINES,
    layers=(
        *fan_layers("rate", "hashrate", _RATE_LINES[0].label, _Y_RATE, "known"),
        *fan_layers("rate", "second", _RATE_LINES[1].label, _Y_RATE, "ahead"),
    ),
    height=280,
    own_window=True,
)

_NEXT_LINES = (
    Line("median", "forecast, with 50, 80 and 95% bands", "hashrate"),
    Line("mempool", "mempool.space's rule", "stress", "dashed"),
    Line("naive", "mean interval so far", "faint", "thin"),
)
_Y_NEXT = value_axis("linear", "signed_percent", title="change of the difficulty")
NEXT_CHANGE = Chart(
    name="next_change",
    title="Forecast of the next change of difficulty, along the epoch",
    description=(
        "Forecast of the change at the next retarget, repeated along the epoch from the blocks "
        "known at each moment: the median with 50, 80 and 95% bands, and the two rules in common "
        "use."
    ),
    datasets=("next_change",),
    columns=(*BAND_COLUMNS, "mempool", "naive"),
    format="signed_percent",
    lines=_NEXT_LINES,
    layers=(
        *fan_layers("next_change", "hashrate", _NEXT_LINES[0].label, _Y_NEXT),
        *line_layers("next_change", _NEXT_LINES[2], _Y_NEXT, positive=False),
        *line_layers("next_change", _NEXT_LINES[1], _Y_NEXT, positive=False),
    ),
    height=240,
    own_window=True,
)
