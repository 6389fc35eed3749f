"""How people read a number in a cell; ``Column.people`` takes these."""

from __future__ import annotations


def whole(value: object) -> str:
    """To the unit: 1,234."""
    return f"{float(str(value)):,.0f}"


def one_decimal(value: object) -> str:
    """With one decimal: 1,234.5."""
    return f"{float(str(value)):,.1f}"


def two_decimals(value: object) -> str:
    """With two decimals: 1,234.56."""
    return f"{float(str(value)):,.2f}"


def three_digits(value: object) -> str:
    """With three digits that count: 0.0473."""
    return f"{float(str(value)):.3g}"


def percent(value: object) -> str:
    """A fraction as whole percent: 12%."""
    return f"{float(str(value)):.0%}"


def percent_one(value: object) -> str:
    """A fraction as percent with one decimal: 12.3%."""
    return f"{float(str(value)):.1%}"


def gain(value: object) -> str:
    """A change as whole percent with its sign: +12%."""
    return f"{float(str(value)):+.0%}"
