"""The report's charts: one Vega-Lite definition each, serving page, picture and notebook."""

from __future__ import annotations

from hashcanary.report.charts.catalogue import CHARTS, charts_of
from hashcanary.report.charts.definition import Chart, specification

__all__ = ["CHARTS", "Chart", "charts_of", "specification"]
