"""Which span of time the charts show, and which they start with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.report.charts.definition import Chart
    from hashcanary.report.document import Report

START_DAYS = 730


def extent(report: Report) -> tuple[int, int] | None:
    """First and last moment of the record, Unix seconds UTC; None where there is no day."""
    times = report.dataset("day").time
    if not times:
        return None
    return times[0], times[-1] + DAY


def starting_window(report: Report) -> tuple[int, int] | None:
    """The last two years, or what there is; Unix seconds UTC."""
    whole = extent(report)
    if whole is None:
        return None
    return max(whole[0], whole[1] - START_DAYS * DAY), whole[1]


def own_window(report: Report, chart: Chart) -> tuple[int, int] | None:
    """The span of a chart that shows its whole dataset; None for one that moves with the others."""
    times = report.dataset(chart.datasets[0]).time if chart.own_window else ()
    return (times[0], times[-1]) if times else None
