"""The one formatter: numbers, days, intervals and counts as people write them.

Text that came from outside is made ``harmless`` before anyone shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor, isfinite, isinf, log10
from typing import TYPE_CHECKING, Any, Literal

from hashcanary.interval import Interval
from hashcanary.units import (
    COUNT,
    DATE,
    DAYS,
    HASHRATE,
    INDEX_100,
    PROBABILITY,
    RATIO,
    UNIX_TIME,
    YEARS,
    Unit,
)

_WHOLE = 1e15  # floats beyond are not whole numbers that can be counted on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hashcanary.views.table import Cell, Column, Row

SIMULATED = "SIMULATED: drawn by a random generator; nothing here happened."
MINUS = "−"
NOTHING = "–"
# characters that change the direction of the text around them without being seen
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


PREFIXES = ((1e21, "Z"), (1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
FormatName = Literal["hashrate", "difficulty", "usd", "percent", "signed_percent", "ratio"]


@dataclass(frozen=True, slots=True)
class Format:
    """How the values of a chart read, on its axis and where they are read off.

    before, after: what stands around the number. digits: significant ones, ``digits_from_1000``
    from 1,000 on; decimals: in their stead. scale: what values are multiplied by. signed: whether
    positive ones have a sign. prefixes: the SI prefixes taken, the largest first.
    """

    before: str = ""
    after: str = ""
    digits: int = 4
    digits_from_1000: int = 4
    decimals: int | None = None
    scale: int = 1
    signed: bool = False
    prefixes: tuple[tuple[float, str], ...] = ()


FORMATS: dict[FormatName, Format] = {
    # no prefix above EH/s, so that figures can be compared at sight
    "hashrate": Format(after="H/s", prefixes=PREFIXES[1:]),
    "difficulty": Format(prefixes=PREFIXES),
    "usd": Format(before="$", digits_from_1000=5),
    "percent": Format(after="%", decimals=1, scale=100),
    "signed_percent": Format(after="%", decimals=2, scale=100, signed=True),
    "ratio": Format(digits=3, digits_from_1000=3),
}
"""The formats of charts, for pages and pictures."""


def harmless(text: str) -> str:
    """Text that came from outside, its control and direction characters written out."""
    if text.isprintable() and not _DIRECTION.intersection(text):
        return text
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


def percent(value: float, decimals: int = 1, *, signed: bool = False) -> str:
    """A fraction as ``14.1%``; a true minus sign, and a plus where ``signed``."""
    number = f"{abs(value) * 100:.{decimals}f}%"
    if float(number[:-1]) == 0:
        return number
    if value < 0:
        return MINUS + number
    return "+" + number if signed else number


def decimals(digits: int, scale: float = 1.0, *, signed: bool = False) -> Callable[[Any], str]:
    """Writes a number times ``scale`` with so many decimals, thousands separated."""
    form = f"{'+' if signed else ''},.{digits}f"
    return lambda value: format(float(value) * scale, form).replace("-", MINUS)


def with_ends(band: Interval, form: Callable[[float], str], unit: str = "") -> str:
    """A figure with its limits in a sentence, each as ``form`` writes it: ``9.1 GW (8 to 9.7)``."""
    value, low, high = map(form, band.three)
    return f"{value}{unit} ({low} to {high})"


def month_ends(rows: Sequence[Row], time: Callable[[Row], float], most: int = 13) -> list[Row]:
    """Of rows by day the last one of each of the last months. time: a row's, Unix seconds."""
    last = {f"{datetime.fromtimestamp(time(row), UTC):%Y-%m}": row for row in rows}
    return list(last.values())[-most:]


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
    if unit in {UNIX_TIME, DATE, DAYS}:
        return count(round(value), "day") if unit is DAYS else day(round(value))
    if unit is HASHRATE and (abs(value) >= 1e18 or value == 0):
        # one prefix throughout, so that figures can be compared at sight
        places = max(digits - len(str(int(abs(value) / 1e18))), 0) if value else 0
        return f"{value / 1e18:,.{places}f} EH/s"
    shown = min(digits, 3) if unit in {RATIO, INDEX_100} else digits
    scale, prefix = 1.0, ""
    if unit.prefixed:
        scale, prefix = next((each for each in PREFIXES if abs(value) >= each[0]), (scale, prefix))
    text = f"{_plain(value / scale, shown)} {prefix}{unit.symbol}".rstrip()
    return MINUS + text[1:] if text.startswith("-") else text


def _plain(value: float, digits: int) -> str:
    """``digits`` significant digits, thousands separated, never in exponent form above 1e-6."""
    if value == 0 or not 1e-6 < abs(value) < 1e16:
        return f"{value:.{digits}g}"
    return f"{value:,.{max(digits - 1 - floor(log10(abs(value))), 0)}f}"


def bounds(low: float | None, high: float | None, unit: Unit | None) -> str:
    """An interval as ``923 to 979 EH/s``, empty where there is none."""
    if low is None or high is None:
        return ""
    first, second = (quantity(value, unit) for value in (low, high))
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
    """A cell of a table as text; its unit is in the column's heading where that has one."""
    if isinstance(value, Interval):
        return _interval(value, column)
    if value is None or value == "" or (isinstance(value, float) and not _read(value, column)):
        return NOTHING
    if column.text is not None:
        text = column.text(value)
    elif isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, (int, float)):
        text = _number(value, column)
    else:
        text = "; ".join(cell(item, column) for item in value) or NOTHING
    return harmless(text)


def _interval(figure: Interval, column: Column) -> str:
    """``923 (901 to 945)``; the value alone where it is exact or its limits are unknown."""
    if not _read(figure.value, column):
        return NOTHING
    if column.unit in {DATE, UNIX_TIME} and column.text is None:
        return _days(figure, column)
    value = cell(figure.value, column)
    if not all(_read(end, column) for end in figure.ends) or figure.low == figure.high:
        return value
    low, high = cell(figure.low, column), cell(figure.high, column)
    if low == value == high:
        return value
    tail = low.rsplit(" ", 1)
    if len(tail) == 2 and high.endswith(f" {tail[1]}"):
        low = tail[0]
    return f"{low} to {high}" if column.ends else f"{value} ({low} to {high})"


def _days(figure: Interval, column: Column) -> str:
    """An uncertain instant by its days: ``7 Feb 2026 (7 to 8 Feb 2026)``."""
    days = period(int(figure.low), int(figure.high) + 1)
    return days if column.ends else f"{day(int(figure.value))} ({days})"


def _read(value: float, column: Column) -> bool:
    """Whether people can read a number: an infinite one where the column has words for it."""
    return isfinite(value) or (column.text is not None and isinf(value))


def heading(column: Column) -> tuple[str, str]:
    """A column's title, and its unit where the cells do without it: ``("off at", "USD/BTC")``."""
    unit = column.unit
    if column.points:
        return column.title, "percentage points"
    if unit is None or not unit.numeric or unit.prefixed or unit.percent or unit is YEARS:
        return column.title, ""
    return column.title, unit.symbol if unit.symbol not in column.title else ""


def _number(value: float, column: Column) -> str:
    unit = column.unit
    if column.points:
        return in_points(value)
    if unit in _PLAIN and (unit is not PROBABILITY or column.digits is None):
        return _PLAIN[unit](value)
    if unit is None or (isinstance(value, int) and not unit.prefixed and not unit.percent):
        return _grouped(value)
    if unit.percent:
        return percent(value, 1 if column.digits is None else column.digits, signed=column.signed)
    shown = quantity(value, unit, column.digits or 4)
    if not unit.prefixed:
        # it stands in the heading; which prefix another has is seen in its cell only
        shown = shown.removesuffix(f" {unit.symbol}")
    return f"+{shown}" if column.signed and value > 0 else shown


def _grouped(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < _WHOLE
    return f"{value:,.{0 if whole else 2}f}".replace("-", MINUS)


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


def banded(figure: Interval, unit: Unit, digits: int | None = None, *, signed: bool = False) -> str:
    """A figure with its limits in a sentence: ``34.4 EH/s (0 to 235)``; signed: a change."""
    value = _alone(figure.value, unit, digits, signed)
    if not (isfinite(figure.low) and isfinite(figure.high)) or figure.low == figure.high:
        return value
    low, high = (_alone(end, unit, digits, signed) for end in figure.ends)
    tail = f" {unit.symbol}"
    if unit.symbol and not unit.prefixed:
        # the value has it already
        low, high = low.removesuffix(tail), high.removesuffix(tail)
    elif unit.symbol and len({text.rsplit(" ", 1)[-1] for text in (value, low, high)}) == 1:
        low, high = (text.rsplit(" ", 1)[0] for text in (low, high))
    return f"{value} ({low} to {high})"


def _alone(value: float, unit: Unit, digits: int | None, signed: bool) -> str:
    if unit.percent:
        return percent(value, 1 if digits is None else digits, signed=signed)
    text = quantity(value, unit, digits or 4)
    return f"+{text}" if signed and value > 0 else text


# units whose values are read in a way of their own
_PLAIN: dict[Unit | None, Callable[[float], str]] = {
    COUNT: _grouped,
    DATE: lambda value: day(int(value)),
    UNIX_TIME: lambda value: minute(int(value)),
    DAYS: lambda value: _grouped(round(value, 0 if value >= 10 else 1)),
    YEARS: wait,
    PROBABILITY: probability,
}
