"""Figures with limits as keys of a row: what CSV and JSON have."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashcanary.interval import Interval


def three(name: str, unit: str, band: Interval) -> dict[str, float]:
    """Keys of a figure and its limits: ``paying_fraction``, ``paying_low_fraction``."""
    return {
        f"{name}_{unit}": band.value,
        f"{name}_low_{unit}": band.low,
        f"{name}_high_{unit}": band.high,
    }
