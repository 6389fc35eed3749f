"""Stress through time: the gauge with its thresholds; hashrate underwater and forced selling."""

from __future__ import annotations

from hashcanary.report.charts.definition import (
    Chart,
    Line,
    capitulation_bands,
    halving_rules,
    line_layers,
    value_axis,
)

GAUGE = Line("gauge", "stress gauge, 90% band", "fourth", low="gauge_low", high="gauge_high")
CUTS = (
    Line("strained", "threshold of strained", "third", "thin"),
    Line("stressed", "threshold of stressed", "second", "dashed"),
    Line("capitulation", "threshold of capitulation", "stress", "thin"),
)
_Y_GAUGE = value_axis("linear", "ratio", title="points, 0 calm to 100 stress")
STRESS = Chart(
    name="stress",
    title="The stress gauge",
    description=(
        "Weighted mean of the percentiles of seven components among their own past, 0 calm, 100 "
        "stress, with its 90% band. Lines: thresholds of strained, stressed and capitulation, "
        "quantiles of the gauge's own past. Shaded: ribbons inverted. Dotted lines: halvings."
    ),
    datasets=("stress", "capitulation", "halving"),
    columns=("gauge", "gauge_low", "gauge_high", *(line.column for line in CUTS)),
    format="ratio",
    lines=(GAUGE, *CUTS),
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *(
            layer
            for line in CUTS
            for layer in line_layers("stress", line, _Y_GAUGE, positive=False)
        ),
        *line_layers("stress", GAUGE, _Y_GAUGE, positive=False),
    ),
    height=240,
)

FLEET_LINES = (
    Line(
        "under_water",
        "hashrate underwater, 95% band",
        "hashrate",
        low="under_water_low",
        high="under_water_high",
    ),
    Line(
        "must_sell",
        "forced selling, 95% band",
        "second",
        low="must_sell_low",
        high="must_sell_high",
    ),
)
_Y_SHARE = value_axis("linear", "percent", title="share of the hashrate, share of production")
FLEET = Chart(
    name="fleet",
    title="Hashrate underwater and forced selling",
    description=(
        "Share of the hashrate underwater, and share of production needed to pay for power: means "
        "of drawn fleets as known then, with the band of 95% of the draws. Shaded: ribbons "
        "inverted. Dotted lines: halvings."
    ),
    datasets=("fleet", "capitulation", "halving"),
    columns=tuple(name for line in FLEET_LINES for name in (line.column, line.low, line.high)),
    format="percent",
    lines=FLEET_LINES,
    layers=(
        capitulation_bands(),
        *halving_rules(),
        *(
            layer
            for line in reversed(FLEET_LINES)
            for layer in line_layers("fleet", line, _Y_SHARE, positive=False)
        ),
    ),
    height=240,
)
