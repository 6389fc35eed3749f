"""The hashrate's bands and where it goes; the next change of difficulty as each block left it."""

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
    Line("median", "what the blocks say, with 50, 80 and 95% bands", "hashrate"),
    Line("", "where it goes from there", "second", "bar"),
)
_Y_RATE = value_axis("linear", "hashrate", title="hashes per second") | {
    "scale": {"type": "linear", "zero": False, "nice": False, "padding": 6}
}
OUTLOOK = Chart(
    name="outlook",
    title="Hashrate by the blocks, and where it goes",
    description=(
        "Hashrate as each 18 blocks left it known, and its forecast from the last block: the "
        "median in bands that hold it with 50, 80 and 95%."
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
    title="The next change of difficulty, as each block left it",
    description=(
        "Forecast of the change at the next retarget, made anew along the epoch from the blocks "
        "known at each moment: the median in bands that hold the outcome with 50, 80 and 95%. "
        "Beside it the two rules in common use."
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
