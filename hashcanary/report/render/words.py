"""How a report's figures, its moment and its span of time read: what all renderings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.units import PROBABILITY, STATE
from hashcanary.views.text import NOTHING, bounds, day, minute, percent, probability, quantity

if TYPE_CHECKING:
    from hashcanary.report.charts.definition import Chart
    from hashcanary.report.document import Figure, Report


def as_known(report: Report) -> str:
    """At which moment the report sees the world."""
    return "latest" if report.at_text in {"", "latest"} else f"as known at {report.at_text}"


def facts_line(report: Report) -> str:
    """As known when, up to which day and block."""
    parts = [as_known(report)]
    if report.as_of is not None:
        parts.append(f"last full day {day(report.as_of - 1)}")
    if report.tip_height is not None and report.tip_time is not None:
        parts.append(f"block {report.tip_height:,}, {minute(report.tip_time)}")
    return " · ".join(parts)


def figure_value(figure: Figure) -> str:
    """A figure's value, or a dash."""
    if figure.value is None:
        return NOTHING
    if figure.unit is STATE or isinstance(figure.value, str):
        return str(figure.value)
    if figure.unit is PROBABILITY:
        return probability(figure.value)
    if figure.unit.percent and figure.low is None:
        # nothing is estimated here: two decimals are known
        return percent(figure.value, 2)
    return quantity(figure.value, figure.unit)


def figure_bounds(figure: Figure) -> str:
    """A figure's interval with its level, or nothing."""
    text = bounds(figure.low, figure.high, figure.unit)
    # the unit stands beside the value already
    words, unit = text.rsplit(" ", 1) if " " in text else (text, "")
    if unit and figure_value(figure).endswith(f" {unit}"):
        text = words
    return f"{figure.level:.0%}: {text}" if text else ""


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
