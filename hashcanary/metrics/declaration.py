"""What a metric declares.

From a declaration follow the docs page, the chart's axis, the CSV header, the JSON schema, the
warm-up length and the look-ahead test. The function beside it is pure: columns in, columns out.

Declared metrics are found through the ``hashcanary.metrics`` entry points. An entry names a
package; every ``Metric`` at the top level of its modules is registered. The built-in catalogue
comes through the same door as a third party's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import polars as pl

from hashcanary.metrics.errors import DuplicateMetric, UnknownMetric
from hashcanary.plugins import declared_once
from hashcanary.units import Unit

Grain = Literal["day", "epoch"]
Compute = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Extra:
    """A column a metric gives beside its value, such as the date of the peak it compares with."""

    name: str
    title: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of a metric.

    name: dotted and plain; its first part is the file in ``catalogue/`` that declares it.
    grain: rows are UTC days (``time``: start of the day) or difficulty epochs (``time``: header
    time of the epoch's first block).
    inputs: base inputs (``inputs.py``) or other metrics, by name; the frame given to ``compute``
    has a column for each, and for a metric also ``NAME.low``, ``NAME.high`` and ``NAME.EXTRA``
    where it has them.
    window: how many rows it looks back over, its own included; None: everything before.
    lag: how many rows back the newest input lies that it uses.
    rests_on: whose basis a row takes, that of every row in its window, or of its own row alone,
    for a metric that looks back over everything only to find a peak or a crossing.
    interval: what ``low`` and ``high`` are, with the level; empty when the value is no estimate.
    differs: "differs from the source in ...", empty when it does not.
    """

    name: str
    title: str
    unit: Unit
    inputs: tuple[str, ...]
    definition: str
    source: str
    compute: Compute
    grain: Grain = "day"
    window: int | None = 1
    lag: int = 0
    rests_on: Literal["window", "row"] = "window"
    interval: str = ""
    differs: str = ""
    missing: str = "missing where any input is missing in its window"
    extras: tuple[Extra, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns ``compute`` must return, in order."""
        bounds = ("low", "high") if self.interval else ()
        return ("value", *bounds, *(extra.name for extra in self.extras))


def value(of: pl.Expr) -> Compute:
    """A function that gives an expression over the inputs, in the unit of the metric."""
    return lambda frame: frame.select(value=of)


GROUP = "hashcanary.metrics"


@cache
def all_metrics() -> Mapping[str, Metric]:
    """Every registered metric by name, sorted. Raises DuplicateMetric on a name used twice."""
    return declared_once(GROUP, Metric, "name", DuplicateMetric)


def find_metric(name: str) -> Metric:
    """The metric called ``name``. Raises UnknownMetric, with the nearest names."""
    metrics = all_metrics()
    if name not in metrics:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, metrics, n=3, cutoff=0.4)) or "none"
        raise UnknownMetric(name=name, near=near)
    return metrics[name]
