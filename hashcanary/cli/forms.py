"""How people read a number in a cell; ``Column.people`` takes these."""

from __future__ import annotations


def percent_one(value: object) -> str:
    """A fraction as percent with one decimal: 12.3%."""
    return f"{float(str(value)):.1%}"


def gain(value: object) -> str:
    """A change as whole percent with its sign: +12%."""
    return f"{float(str(value)):+.0%}"
