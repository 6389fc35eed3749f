"""How the tables of the stress gauge show their figures, and what all their documents hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.views.text import SIMULATED

if TYPE_CHECKING:
    from hashcanary.store.record import Record


def whole(value: object) -> str:
    """Without decimals."""
    return f"{float(str(value)):.0f}"


def tenths(value: object) -> str:
    """With one decimal."""
    return f"{float(str(value)):.1f}"


def thousandths(value: object) -> str:
    """With three decimals."""
    return f"{float(str(value)):.3f}"


def percent(value: object) -> str:
    """A fraction in percent, with a decimal where it is small."""
    number = float(str(value))
    return f"{number:.1%}" if 0 < number < 0.1 else f"{number:.0%}"


def change(value: object) -> str:
    """A change, a fraction, in percent with its sign."""
    return f"{float(str(value)):+.0%}"


def many(value: object) -> str:
    """How many a list has."""
    return str(len(value)) if isinstance(value, list) else str(value)


def number(value: float) -> float | None:
    """None for what is not known."""
    return float(value) if np.isfinite(value) else None


def document(record: Record, **more: object) -> dict[str, object]:
    """What every JSON document of the gauge holds, and more."""
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        **more,
        "provenance": record.provenance,
    }


def marked(record: Record) -> list[str]:
    """The note that marks what is simulated."""
    return [SIMULATED] if record.simulated else []
