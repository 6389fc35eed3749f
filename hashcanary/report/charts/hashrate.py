"""Hashrate by several smoothings, how far each lies below its peak, and who found the blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    capitulation_bands,
    halving_rules,
    line_layers,
    value_axis,
)

if TYPE_CHECKING:
    from hashcanary.report.document import Dataset

_HASHRATE_LINES = (
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
_Y_HASHRATE = value_axis("log", "hashrate", title="hashes per second")

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
    lines=_HASHRATE_LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *line_layers("day", _HASHRATE_LINES[0], _Y_HASHRATE, positive=True),
        *line_layers("day", _HASHRATE_LINES[2], _Y_HASHRATE, positive=True),
        *line_layers("day", _HASHRATE_LINES[1], _Y_HASHRATE, positive=True),
    ),
    height=320,
    scale="log",
    toggles=True,
)


_DRAWDOWN_LINES = (
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
_Y_DRAWDOWN = value_axis("linear", "percent", title="distance below the peak so far")

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
    lines=_DRAWDOWN_LINES,
    layers=(
        *halving_rules(),
        *(
            layer
            for line in (
                _DRAWDOWN_LINES[0],
                _DRAWDOWN_LINES[1],
                _DRAWDOWN_LINES[2],
                _DRAWDOWN_LINES[4],
                _DRAWDOWN_LINES[3],
            )
            for layer in line_layers("day", line, _Y_DRAWDOWN, positive=False)
        ),
    ),
    height=260,
)


_POOL_TOKENS = ("hashrate", "second", "third", "fourth", "price")
MOST_POOLS = len(_POOL_TOKENS)
POOLS = "pools"
_UNKNOWN = "unknown"
_Y_POOLS = value_axis("linear", "percent", title="share of the blocks of the last 30 days")


def pools_chart(dataset: Dataset) -> Chart:
    """The chart of a dataset ``pools``.

    Its columns are, for each pool, the largest first, a share named by the pool and its bounds,
    ``KEY_low`` and ``KEY_high``; ``unknown`` stands last.
    """
    titles = {series.key: series.title for series in dataset.series}
    pools = [key for key in titles if f"{key}_low" in titles]
    lines = [
        Line(key, titles[key], token, low=f"{key}_low", high=f"{key}_high")
        for key, token in zip(pools, _POOL_TOKENS, strict=False)
    ]
    if _UNKNOWN in titles:
        lines.append(Line(_UNKNOWN, titles[_UNKNOWN], "quiet", "dashed"))
    return Chart(
        name="pools",
        title="Shares of the largest pools, 30 days",
        description=(
            "Share of the blocks of the last 30 days found by each of the pools that are largest "
            "today, with its 95% interval. Dashed: blocks of no known pool. Dotted lines: halvings."
        ),
        datasets=(POOLS, "halving"),
        columns=tuple(titles),
        format="percent",
        lines=tuple(lines),
        layers=(
            *halving_rules(),
            *(
                layer
                for line in reversed(lines)
                for layer in line_layers(POOLS, line, _Y_POOLS, positive=False)
            ),
        ),
        height=280,
    )
