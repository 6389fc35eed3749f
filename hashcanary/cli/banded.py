"""Tables whose figures have limits: in data three columns, for people one cell."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hashcanary.cli.output import Column, Row


def band_columns(name: str, unit: str, title: str, spare: int = 0) -> list[Column]:
    """A figure, and its limits, which people read in the same cell (``with_bands``)."""
    from hashcanary.cli.output import Column

    return [
        Column(f"{name}_{unit}", title, spare=spare),
        Column(f"{name}_low_{unit}", "low", data_only=True),
        Column(f"{name}_high_{unit}", "high", data_only=True),
    ]


def lever_columns(key: str, title: str, people: Callable[[object], str]) -> list[Column]:
    """Of a table of what each assumption moves: its span, and the answer at either end of it."""
    from hashcanary.cli.forms import percent, three_digits
    from hashcanary.cli.output import Column

    return [
        Column("assumption", "assumption", wide=True),
        Column("name", "name", data_only=True),
        Column("low", "from", people=three_digits),
        Column("high", "to", people=three_digits),
        Column("unit", "unit", data_only=True),
        Column(f"{key}_at_low_fraction", f"{title} at", people=people),
        Column(f"{key}_at_high_fraction", "at", people=people),
        Column("variance_explained_fraction", "of variance", people=percent, spare=1),
    ]


def resting() -> list[Column]:
    """On every row of data what its limits are, and what it rests on; people read both below."""
    from hashcanary.cli.output import Column

    return [
        Column("interval", "interval", data_only=True),
        Column("rests_on", "rests on", data_only=True),
    ]


def with_bands(
    rows: Sequence[Row],
    forms: Mapping[tuple[str, str], str],
    scales: Mapping[str, float] | None = None,
) -> list[Row]:
    """The rows with each figure and its limits as one text.

    forms: by name and unit; scales: by unit, what people's figures are divided by.
    """
    told: list[Row] = []
    for row in rows:
        cells = dict(row)
        for (name, unit), form in forms.items():
            keys = [f"{name}{end}_{unit}" for end in ("", "_low", "_high")]
            values = [row.get(key) for key in keys]
            numbers = [one for one in values if isinstance(one, float) and isfinite(one)]
            if len(numbers) == len(keys):
                scale = (scales or {}).get(unit, 1.0)
                value, low, high = (format(one / scale, form) for one in numbers)
                cells[keys[0]] = value if low == value == high else f"{value} ({low} to {high})"
        told.append(cells)
    return told
