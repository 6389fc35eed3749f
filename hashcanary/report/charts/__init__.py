"""The report's charts: one Vega-Lite definition each, serving page, picture and notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.charts.catalogue import (
    COSTS,
    DIFFICULTY,
    DRAWDOWN,
    FLEET,
    HASHPRICE,
    HASHRATE,
    NEXT_CHANGE,
    OUTLOOK,
    POOLS,
    PRICE,
    PUELL,
    RETARGETS,
    RIBBON,
    STRESS,
    pools_chart,
)
from hashcanary.report.charts.definition import Chart, specification
from hashcanary.report.charts.supply import SUPPLY

if TYPE_CHECKING:
    from hashcanary.report.document import Report

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


__all__ = ["CHARTS", "Chart", "charts_of", "specification"]
