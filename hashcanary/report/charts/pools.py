"""Shares of the pools: the chart whose lines are named by the report it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.charts.definition import Chart, Line, halving_rules, line_layers, value_axis

if TYPE_CHECKING:
    from hashcanary.report.document import Dataset

_TOKENS = ("hashrate", "second", "third", "fourth", "price")
MOST = len(_TOKENS)
DATASET = "pools"
UNKNOWN = "unknown"
_Y = value_axis("linear", "percent", title="share of the blocks of the last 30 days")


def pools_chart(dataset: Dataset) -> Chart:
    """The chart of a dataset ``pools``.

    Its columns are, for each pool, the largest first, a share named by the pool and its bounds,
    ``KEY_low`` and ``KEY_high``; ``unknown`` stands last.
    """
    titles = {series.key: series.title for series in dataset.series}
    pools = [key for key in titles if f"{key}_low" in titles]
    lines = [
        Line(key, titles[key], token, low=f"{key}_low", high=f"{key}_high")
        for key, token in zip(pools, _TOKENS, strict=False)
    ]
    if UNKNOWN in titles:
        lines.append(Line(UNKNOWN, titles[UNKNOWN], "quiet", "dashed"))
    return Chart(
        name="pools",
        title="Shares of the largest pools, 30 days",
        description=(
            "Share of the blocks of the last 30 days found by each of the pools that are largest "
            "today, with its 95% interval. Dashed: blocks of no known pool. Dotted lines: halvings."
        ),
        datasets=(DATASET, "halving"),
        columns=tuple(titles),
        format="percent",
        lines=tuple(lines),
        layers=(
            *halving_rules(),
            *(
                layer
                for line in reversed(lines)
                for layer in line_layers(DATASET, line, _Y, positive=False)
            ),
        ),
        height=280,
    )
