"""How figures read: numbers, days, intervals and counts as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hashcanary.report.document import Estimate
from hashcanary.units import (
    COUNT,
    DAYS,
    HASHRATE,
    INDEX_100,
    PROBABILITY,
    RATIO,
    STATE,
    UNIX_TIME,
    YEARS,
)

if TYPE_CHECKING:
    from hashcanary.report.document import Cell, Column, Figure, Report
    from hashcanary.units import Unit

MINUS = "−"
NOTHING = "–"
# characters that change the direction of the text around them without being seen
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def harmless(text: str) -> str:
    """Text that came from outside, its control and direction characters written out."""
    return "".join(
        char
        if char.isprintable() and char not in _DIRECTION
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def day(seconds: int) -> str:
    """The UTC day in which ``seconds`` lie: ``3 Feb 2026``."""
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when.day} {when:%b %Y}"


def minute(seconds: int) -> str:
    """``3 Feb 2026, 04:41 UTC``."""
    return f"{day(seconds)}, {datetime.fromtimestamp(seconds, UTC):%H:%M} UTC"


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


def percent(value: float, decimals: int = 1, *, signed: bool = False) -> str:
    """A fraction as ``14.1%``; a true minus sign, and a plus where ``signed``."""
    number = f"{abs(value) * 100:.{decimals}f}%"
    if float(number[:-1]) == 0:
        return number
    if value < 0:
        return MINUS + number
    return "+" + number if signed else number


def count(number: int, one: str, many: str = "") -> str:
    """``1 day``, ``62 days``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def quantity(value: float | str, unit: Unit | None, digits: int = 4) -> str:
    """A value with its unit, as people read it."""
    if isinstance(value, str):
        return value
    if unit is None or unit is COUNT:
        return f"{value:,.{0 if float(value).is_integer() else 2}f}"
    if unit.percent:
        return percent(value, 1)
    if unit in {UNIX_TIME, DAYS}:
        return day(round(value)) if unit is UNIX_TIME else count(round(value), "day")
    if unit is HASHRATE and (abs(value) >= 1e18 or value == 0):
        # one prefix throughout, so that figures can be compared at sight
        places = max(digits - len(str(int(abs(value) / 1e18))), 0) if value else 0
        return f"{value / 1e18:,.{places}f} EH/s"
    shown = min(digits, 3) if unit in {RATIO, INDEX_100} else digits
    return unit.people(value, shown).replace("-", MINUS)


def bounds(
    low: float | None,
    high: float | None,
    unit: Unit | None,
    *,
    points: bool = False,
    digits: int = 4,
) -> str:
    """An interval as ``923 to 979 EH/s``, empty where there is none."""
    if low is None or high is None:
        return ""
    first, second = (
        in_points(value) if points else quantity(value, unit, digits) for value in (low, high)
    )
    tail = first.rsplit(" ", 1)
    if len(tail) == 2 and second.endswith(" " + tail[1]):
        first = tail[0]
    return f"{first} to {second}"


def in_points(difference: float) -> str:
    """The difference of two fractions in percentage points, without their name: ``+1.8``."""
    return percent(difference, 1, signed=True).removesuffix("%")


def probability(share: float) -> str:
    """A probability in whole percents; never as certain."""
    return ">99%" if share > 0.995 else "<1%" if share < 0.005 else percent(share, 0)


def moved(low: float, high: float) -> str:
    """A relative change from ``low`` to ``high`` in words: ``down 8 to 31%``."""
    if high < 0:
        return f"down {-high * 100:.0f} to {-low * 100:.0f}%"
    if low > 0:
        return f"up {low * 100:.0f} to {high * 100:.0f}%"
    return f"between {-low * 100:.0f}% down and {high * 100:.0f}% up"


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


def period(since: int | None, until: int | None) -> str:
    """The period a figure stands for: one day, or first to last."""
    if since is None:
        return ""
    last = day(since if until is None else until - 1)
    first = day(since)
    for shared in (3, 2, 1):
        # what both dates end in is said once: 27 Jan to 2 Feb 2026, 8 to 22 Jan 2026
        if first.split()[-shared:] == last.split()[-shared:]:
            first = " ".join(first.split()[:-shared])
            break
    return f"{first} to {last}" if first else last


def cell(value: Cell, column: Column) -> str:
    """A cell of a table as text."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    if isinstance(value, Estimate):
        unit, points, digits = column.unit, column.points, column.digits
        inner = bounds(value.low, value.high, unit, points=points, digits=digits)
        shown = in_points(value.value) if points else quantity(value.value, unit, digits)
        return _bare(f"{shown} ({inner})" if inner else shown, column)
    return _bare(_number(value, column), column)


def _bare(text: str, column: Column) -> str:
    """A cell without its unit where the column's title has it."""
    if not column.headed or column.unit is None:
        return text
    return text.replace(f" {column.unit.symbol}", "")


def _number(value: float, column: Column) -> str:
    if column.kind == "day":
        return day(int(value))
    if column.unit is DAYS:
        return f"{round(value):,}"
    if column.unit is YEARS:
        return wait(value)
    if column.unit is not None and column.unit.percent:
        return percent(value, 1, signed=True)
    return quantity(value, column.unit, column.digits)


def ordinal(number: int, *, best: str = "") -> str:
    """``5th``; with ``best``: ``deepest``, ``2nd deepest``."""
    if best and number == 1:
        return best
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number:,}{ending}" + (f" {best}" if best else "")


# years beyond which a wait is not told apart
_LONG_WAIT = 10_000


def how_often(once_in_years: float) -> str:
    """How often something happens: ``3 times a year``, ``once in 400 years``."""
    if once_in_years < 1.5:
        times = round(1 / max(once_in_years, 1e-3))
        return "about once a year" if times <= 1 else f"{times} times a year"
    if once_in_years > _LONG_WAIT:
        return f"once in over {_LONG_WAIT:,} years"
    digits = 0 if once_in_years >= 9.5 else 1
    years = float(f"{once_in_years:.2g}")
    return f"once in {years:,.{digits}f} years"


def wait(once_in_years: float) -> str:
    """How long one waits for something, short: ``4 months``, ``400 years``."""
    if once_in_years > _LONG_WAIT:
        return f"> {_LONG_WAIT:,} years"
    days = once_in_years * 365.25
    if days < 45:
        return count(max(round(days), 1), "day")
    if once_in_years < 1.5:
        return count(round(once_in_years * 12), "month")
    return how_often(once_in_years).removeprefix("once in ")


def chance(value: float, at_most: float) -> str:
    """A probability from counted worlds: ``47%``; ``under 0.7%`` where it happened in none."""
    if value == 0:
        return f"under {percent(at_most, 1)}"
    if value > 0.99:
        return "over 99%"
    return percent(value, 1 if value < 0.095 else 0)
