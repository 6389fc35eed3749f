"""The report's charts: one Vega-Lite definition each, serving page, picture and notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.report.charts.definition import Chart, specification
from hashcanary.report.charts.difficulty import DIFFICULTY, NEXT_CHANGE, OUTLOOK, RETARGETS
from hashcanary.report.charts.hashprice import COSTS, HASHPRICE, PUELL
from hashcanary.report.charts.hashrate import DRAWDOWN, HASHRATE, POOLS, pools_chart
from hashcanary.report.charts.price import PRICE, RIBBON
from hashcanary.report.charts.stress import FLEET, STRESS
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
