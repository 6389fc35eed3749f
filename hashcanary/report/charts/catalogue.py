"""The charts that are drawn along time, from the hashrate to the stress gauge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    Spec,
    band_layer,
    capitulation_bands,
    dots,
    fan_layers,
    halving_rules,
    layer,
    line_layers,
    value_axis,
    within_window,
)
from hashcanary.report.charts.supply import SUPPLY

if TYPE_CHECKING:
    from hashcanary.report.document import Dataset, Report


def _behind(*layers: Spec) -> tuple[Spec, ...]:
    """Layers over halvings and the spans in which the ribbons were inverted."""
    return (capitulation_bands(), *halving_rules(), *layers)


def _columns(*lines: Line) -> tuple[str, ...]:
    return tuple(name for line in lines for name in line.columns)


_DAY = Line("hashrate_day", "one day", "faint", "thin")
_MEAN = "30-day mean, with 95% interval"
_SMA30 = Line.banded("hashrate_sma30", _MEAN, "hashrate")
_SMA60 = Line("hashrate_sma60", "60-day mean", "second", "dashed")
_Y_HASHRATE = value_axis("log", "hashrate", title="hashes per second")
HASHRATE = Chart(
    name="hashrate",
    title="Hashrate and its uncertainty",
    description="Hashrate of the network in hashes per second: single days faint, the 30-day mean "
    "with its 95% interval, the 60-day mean dashed. Shaded: ribbons inverted. Dotted lines: "
    "halvings.",
    datasets=("day", "capitulation", "halving"),
    columns=(
        "hashrate_day",
        "hashrate_day_low",
        "hashrate_day_high",
        *_SMA30.columns,
        "hashrate_sma60",
        "basis",
    ),
    format="hashrate",
    lines=(_DAY, _SMA30, _SMA60),
    layers=_behind(*line_layers("day", _Y_HASHRATE, _DAY, _SMA60, _SMA30, positive=True)),
    height=320,
    scale="log",
)

_DRAWDOWNS = (
    Line("drawdown_day", "one day", "faint", "thin"),
    Line("drawdown_sma7", "7-day mean", "second", "thin"),
    Line("drawdown_sma14", "14-day mean", "fourth", "thin"),
    # near its peak a mean is compared with days it shares, or with itself
    Line.banded("drawdown_sma30", _MEAN, "hashrate", "datum.drawdown_sma30 < -0.02"),
    Line("drawdown_sma60", "60-day mean", "third", "dashed"),
)
_Y_DRAWDOWN = value_axis("linear", "percent", title="distance below the peak so far")
DRAWDOWN = Chart(
    name="drawdown",
    title="Drawdown from the peak, by every smoothing",
    description="Distance of each smoothing of the hashrate below its own peak so far. A shorter "
    "smoothing is noisier, so its drawdowns are deeper. The band is drawn where the 30-day mean "
    "is more than 2% below its peak.",
    datasets=("day", "halving"),
    columns=_columns(*_DRAWDOWNS),
    format="percent",
    lines=_DRAWDOWNS,
    layers=(
        *halving_rules(),
        *line_layers("day", _Y_DRAWDOWN, *_DRAWDOWNS[:3], _DRAWDOWNS[4], _DRAWDOWNS[3]),
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
        Line.banded(key, titles[key], token)
        for key, token in zip(pools, _POOL_TOKENS, strict=False)
    ]
    if _UNKNOWN in titles:
        lines.append(Line(_UNKNOWN, titles[_UNKNOWN], "quiet", "dashed"))
    return Chart(
        name="pools",
        title="Shares of the largest pools, 30 days",
        description="Share of the blocks of the last 30 days found by each of the pools that are "
        "largest today, with its 95% interval. Dashed: blocks of no known pool. Dotted lines: "
        "halvings.",
        datasets=(POOLS, "halving"),
        columns=tuple(titles),
        format="percent",
        lines=tuple(lines),
        layers=(*halving_rules(), *line_layers(POOLS, _Y_POOLS, *reversed(lines))),
        height=280,
    )


_LEVEL = Line("difficulty", "difficulty", "ink")
_EPOCH = within_window("time", "end")
_Y_LEVEL = value_axis("log", "difficulty", title="difficulty")
DIFFICULTY = Chart(
    name="difficulty",
    title="Difficulty",
    description="Difficulty of each epoch of 2,016 blocks. It follows the hashrate with a delay "
    "of up to two weeks. Gaps: epochs whose first block is missing. Dotted lines: halvings.",
    datasets=("epoch", "halving"),
    columns=("difficulty", "change", "end"),
    format="difficulty",
    lines=(_LEVEL,),
    layers=(
        *halving_rules(),
        layer(
            "epoch",
            {
                "type": "rule",
                "clip": True,
                "strokeWidth": 2,
                "color": "@ink",
                "description": "difficulty",
            },
            _EPOCH,
            x2={"field": "end"},
            y={"field": "difficulty", **_Y_LEVEL},
        ),
    ),
    height=180,
    scale="log",
)

_HARDER = Line("change", "harder", "hashrate", "bar")
_EASIER = Line("change", "easier", "stress", "bar")
_Y_CHANGE = value_axis("linear", "signed_percent", title="change against the epoch before")


def _bars(line: Line, test: str) -> Spec:
    return layer(
        "epoch",
        {"type": "rect", "clip": True, "color": f"@{line.token}", "description": line.label},
        _EPOCH,
        {"filter": f"isValid(datum.change) && datum.change {test} 0"},
        x2={"field": "end"},
        y={"field": "change", **_Y_CHANGE},
        y2={"datum": 0},
    )


RETARGETS = Chart(
    name="retargets",
    title="Change at each retarget",
    description="Change of the difficulty at the start of each epoch. The width of a bar is the "
    "length of the epoch.",
    datasets=("epoch",),
    columns=("change", "difficulty", "end"),
    format="signed_percent",
    lines=(_HARDER, _EASIER),
    layers=(_bars(_HARDER, ">="), _bars(_EASIER, "<")),
    height=130,
)

_HASHPRICE = Line("hashprice", "hashprice, USD per PH/s per day", "third")
_Y_HASHPRICE = value_axis("log", "usd", title="USD per PH/s per day")
HASHPRICE = Chart(
    name="hashprice",
    title="Hashprice",
    description="What one petahash per second earns in a day at the day's difficulty, fees and "
    "price, in US dollars. Shaded: ribbons inverted. Dotted lines: halvings.",
    datasets=("day", "capitulation", "halving"),
    columns=("hashprice", "hashvalue", "fees_share", "revenue_usd"),
    format="usd",
    lines=(_HASHPRICE,),
    layers=_behind(*line_layers("day", _Y_HASHPRICE, _HASHPRICE, positive=True)),
    height=220,
    scale="log",
)

_PUELL = Line("puell", "Puell multiple", "fourth")
_Y_PUELL = value_axis("log", "ratio", title="issuance in USD / its 365-day mean")
PUELL = Chart(
    name="puell",
    title="Puell multiple",
    description="Value of the day's new coins in US dollars over its mean of 365 days. Below 1, "
    "miners earn less from new coins than over the past year.",
    datasets=("day", "capitulation", "halving"),
    columns=("puell",),
    format="ratio",
    lines=(_PUELL,),
    layers=_behind(*line_layers("day", _Y_PUELL, _PUELL, positive=True)),
    height=150,
    scale="log",
)

# models drawn one by one, with their bands: the least that is paid for a coin, and all that is
DRAWN: tuple[tuple[str, str], ...] = (("electricity", "hashrate"), ("all-in", "second"))


def cost_key(model: str) -> str:
    """A model's column."""
    return model.replace("-", "_")


_COIN = Line("price", "price", "price")
_COSTS_DRAWN = tuple(Line.banded(cost_key(name), f"{name}, 90% band", to) for name, to in DRAWN)
_VALUATIONS = "regression-based valuations, lowest to highest"
FAMILY = Line("", _VALUATIONS, "fourth", "band", low="fitted_low", high="fitted_high")
_OTHERS = Line("usd_per_btc", "published by others, external inputs", "third", "dot")
_Y_PRICE = value_axis("log", "usd", title="USD per BTC")
COSTS = Chart(
    name="costs",
    title="Price and what a coin costs",
    description="Price of bitcoin beside what a coin costs to make, in US dollars: electricity "
    "alone and all-in, each with its 90% band. Shaded: the range of regression-based valuation "
    "models. Dots: published figures, as printed. Dotted lines: halvings.",
    datasets=("costs", "published_costs", "halving"),
    columns=(*_columns(*_COSTS_DRAWN), FAMILY.low, FAMILY.high, "price"),
    format="usd",
    lines=(_COIN, *_COSTS_DRAWN, FAMILY, _OTHERS),
    layers=(
        *halving_rules(),
        band_layer("costs", FAMILY, _Y_PRICE, positive=True),
        *line_layers("costs", _Y_PRICE, *reversed(_COSTS_DRAWN), _COIN, positive=True),
        layer(
            "published_costs",
            dots(_OTHERS, {"size": 60, "filled": True}),
            within_window(),
            y={"field": _OTHERS.column, **_Y_PRICE},
            tooltip=[
                {"field": "who", "title": "published by"},
                {"field": "time", "type": "temporal", "format": "%-d %b %Y", "title": "of"},
                {"field": _OTHERS.column, "format": ",.0f", "title": "USD per BTC"},
            ],
        ),
    ),
    height=320,
    scale="log",
)

_GAUGE = Line.banded("gauge", "stress gauge, 90% band", "fourth")
CUTS = (
    Line("strained", "threshold of strained", "third", "thin"),
    Line("stressed", "threshold of stressed", "second", "dashed"),
    Line("capitulation", "threshold of capitulation", "stress", "thin"),
)
_Y_GAUGE = value_axis("linear", "ratio", title="points, 0 calm to 100 stress")
STRESS = Chart(
    name="stress",
    title="The stress gauge",
    description="Weighted mean of the percentiles of seven components among their own past, 0 "
    "calm, 100 stress, with its 90% band. Lines: thresholds of strained, stressed and "
    "capitulation, quantiles of the gauge's own past. Shaded: ribbons inverted. Dotted lines: "
    "halvings.",
    datasets=("stress", "capitulation", "halving"),
    columns=_columns(_GAUGE, *CUTS),
    format="ratio",
    lines=(_GAUGE, *CUTS),
    layers=_behind(*line_layers("stress", _Y_GAUGE, *CUTS, _GAUGE)),
    height=240,
)

_SHARES = (
    Line.banded("under_water", "hashrate underwater, 95% band", "hashrate"),
    Line.banded("must_sell", "forced selling, 95% band", "second"),
)
_Y_SHARE = value_axis("linear", "percent", title="share of the hashrate, share of production")
FLEET = Chart(
    name="fleet",
    title="Hashrate underwater and forced selling",
    description="Share of the hashrate underwater, and share of production needed to pay for "
    "power: means of drawn fleets as known then, with the band of 95% of the draws. Shaded: "
    "ribbons inverted. Dotted lines: halvings.",
    datasets=("fleet", "capitulation", "halving"),
    columns=_columns(*_SHARES),
    format="percent",
    lines=_SHARES,
    layers=_behind(*line_layers("fleet", _Y_SHARE, *reversed(_SHARES))),
    height=240,
)

_PRICE = Line("price", "price, USD", "price")
_RECOVERY = Line("recovery", "recovery", "second", "ring")
_BUY = Line("buy", "buy signal", "third", "dot")


def _signals(line: Line, *, filled: bool) -> Spec:
    return layer(
        "signal",
        dots(line, {"size": 70, "strokeWidth": 2, "filled": filled}),
        within_window(),
        {"filter": f"datum.kind == '{line.column}'"},
        y={"field": "price", **_Y_PRICE},
        tooltip=[
            {"field": "kind", "title": "ribbons"},
            {"field": "time", "type": "temporal", "format": "%-d %b %Y", "title": "day"},
            {"field": "price", "format": ",.0f", "title": "price, USD"},
        ],
    )


PRICE = Chart(
    name="price",
    title="Price, capitulations and signals",
    description="Price of bitcoin in US dollars. Shaded: the 30-day mean of the hashrate is below "
    "the 60-day mean. Rings: days on which the ribbons crossed back. Dots: days on which the buy "
    "rule was met. Dotted lines: halvings.",
    datasets=("day", "capitulation", "signal", "halving"),
    columns=("price", "ribbon_state", "ribbon_oscillator", "ribbon_days_inverted"),
    format="usd",
    lines=(_PRICE, Line("", "ribbons inverted", "stress", "band"), _RECOVERY, _BUY),
    layers=_behind(
        *line_layers("day", _Y_PRICE, _PRICE, positive=True),
        _signals(_RECOVERY, filled=False),
        _signals(_BUY, filled=True),
    ),
    height=300,
    scale="log",
)

_ABOVE = Line("ribbon_oscillator", "above", "hashrate", "bar")
_BELOW = Line("ribbon_oscillator", "below: inverted", "stress", "bar")
_Y_RIBBON = value_axis("linear", "signed_percent", title="30-day mean / 60-day mean − 1")


def _side(line: Line, keep: str) -> Spec:
    kept = f"isValid(datum.ribbon_oscillator) ? {keep}(datum.ribbon_oscillator, 0) : null"
    return layer(
        "day",
        {
            "type": "area",
            "clip": True,
            "opacity": 0.75,
            "color": f"@{line.token}",
            "description": line.label,
        },
        within_window(),
        {"calculate": kept, "as": f"ribbon_{keep}"},
        y={"field": f"ribbon_{keep}", **_Y_RIBBON, "stack": None},
    )


RIBBON = Chart(
    name="ribbon",
    title="Hash ribbons: 30-day mean against 60-day mean",
    description="30-day mean of the hashrate / 60-day mean − 1. Below zero the ribbons are "
    "inverted: hashrate has been falling for about a month.",
    datasets=("day", "halving"),
    columns=("ribbon_oscillator", "ribbon_state", "ribbon_days_inverted"),
    format="signed_percent",
    lines=(_ABOVE, _BELOW),
    layers=(*halving_rules(), _side(_ABOVE, "max"), _side(_BELOW, "min")),
    height=130,
)

BAND_COLUMNS = ("median", "low_50", "high_50", "low_80", "high_80", "low_95", "high_95")
_KNOWN = Line("median", "estimate, with 50, 80 and 95% bands", "hashrate")
_AHEAD = Line("", "forecast, with the same bands", "second", "bar")
_Y_RATE = value_axis("linear", "hashrate", title="hashes per second") | {
    "scale": {"type": "linear", "zero": False, "nice": False, "padding": 6}
}
OUTLOOK = Chart(
    name="outlook",
    title="Hashrate: estimate and forecast",
    description="Hashrate estimated from every 18 blocks, and its forecast from the last block "
    "on: medians with 50, 80 and 95% bands.",
    datasets=("rate",),
    columns=(*BAND_COLUMNS, "kind"),
    format="hashrate",
    lines=(_KNOWN, _AHEAD),
    layers=(
        *fan_layers("rate", "hashrate", _KNOWN.label, _Y_RATE, "known"),
        *fan_layers("rate", "second", _AHEAD.label, _Y_RATE, "ahead"),
    ),
    height=280,
    own_window=True,
)

_NEXT = Line("median", "forecast, with 50, 80 and 95% bands", "hashrate")
_MEMPOOL = Line("mempool", "mempool.space's rule", "stress", "dashed")
_NAIVE = Line("naive", "mean interval so far", "faint", "thin")
_Y_NEXT = value_axis("linear", "signed_percent", title="change of the difficulty")
NEXT_CHANGE = Chart(
    name="next_change",
    title="Forecast of the next change of difficulty, along the epoch",
    description="Forecast of the change at the next retarget, repeated along the epoch from the "
    "blocks known at each moment: the median with 50, 80 and 95% bands, and the two rules in "
    "common use.",
    datasets=("next_change",),
    columns=(*BAND_COLUMNS, "mempool", "naive"),
    format="signed_percent",
    lines=(_NEXT, _MEMPOOL, _NAIVE),
    layers=(
        *fan_layers("next_change", "hashrate", _NEXT.label, _Y_NEXT),
        *line_layers("next_change", _Y_NEXT, _NAIVE, _MEMPOOL),
    ),
    height=240,
    own_window=True,
)

CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        HASHRATE,
        DRAWDOWN,
        DIFFICULTY,
        RETARGETS,
        HASHPRICE,
        PUELL,
        COSTS,
        SUPPLY,
        FLEET,
        STRESS,
        PRICE,
        RIBBON,
        OUTLOOK,
        NEXT_CHANGE,
    )
}
"""The charts that are the same in every report."""


def charts_of(report: Report) -> dict[str, Chart]:
    """The charts of a report: the catalogue's, and that of its pools."""
    found = [one for one in report.datasets if one.key == POOLS]
    named = {chart.name: chart for chart in map(pools_chart, found)}
    return {**CHARTS, **named}
