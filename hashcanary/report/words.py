"""How a report's figures and its moment read: what terminal, page and pictures share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.units import PROBABILITY, STATE
from hashcanary.views.text import NOTHING, bounds, day, minute, percent, probability, quantity

if TYPE_CHECKING:
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
