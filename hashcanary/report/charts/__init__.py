"""The report's charts: one Vega-Lite definition each, serving page, picture and notebook."""

from __future__ import annotations

from hashcanary.report.charts.definition import Chart, specification
from hashcanary.report.charts.difficulty import DIFFICULTY, RETARGETS
from hashcanary.report.charts.drawdown import DRAWDOWN
from hashcanary.report.charts.hashprice import HASHPRICE, PUELL
from hashcanary.report.charts.hashrate import HASHRATE
from hashcanary.report.charts.outlook import NEXT_CHANGE, OUTLOOK
from hashcanary.report.charts.price import PRICE
from hashcanary.report.charts.ribbon import RIBBON

CHARTS: dict[str, Chart] = {
    chart.name: chart
    for chart in (
        HASHRATE,
        DRAWDOWN,
        DIFFICULTY,
        RETARGETS,
        HASHPRICE,
        PUELL,
        PRICE,
        RIBBON,
        OUTLOOK,
        NEXT_CHANGE,
    )
}

__all__ = ["CHARTS", "Chart", "specification"]
