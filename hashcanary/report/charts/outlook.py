"""Hashrate and its forecast; the next change of difficulty along the epoch."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    fan_layers,
    line_layers,
    value_axis,
)

BAND_COLUMNS = ("median", "low_50", "high_50", "low_80", "high_80", "low_95", "high_95")

_RATE = (
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
    lines=_RATE,
    layers=(
        *fan_layers("rate", "hashrate", _RATE[0].label, _Y_RATE, "known"),
        *fan_layers("rate", "second", _RATE[1].label, _Y_RATE, "ahead"),
    ),
    height=280,
    own_window=True,
)

_CHANGE = (
    Line("median", "forecast, with 50, 80 and 95% bands", "hashrate"),
    Line("mempool", "mempool.space's rule", "stress", "dashed"),
    Line("naive", "mean interval so far", "faint", "thin"),
)
_Y_CHANGE = value_axis("linear", "signed_percent", title="change of the difficulty")
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
    lines=_CHANGE,
    layers=(
        *fan_layers("next_change", "hashrate", _CHANGE[0].label, _Y_CHANGE),
        *line_layers("next_change", _CHANGE[2], _Y_CHANGE, positive=False),
        *line_layers("next_change", _CHANGE[1], _Y_CHANGE, positive=False),
    ),
    height=240,
    own_window=True,
)
