"""Finds declared metrics through the ``hashcanary.metrics`` entry points.

An entry names a package; every ``Metric`` at the top level of its modules is registered. The
built-in catalogue comes through the same door as a third party's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.metrics.declaration import Metric
from hashcanary.metrics.errors import DuplicateMetric, UnknownMetric
from hashcanary.plugins import declared_once

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashcanary.metrics"


@cache
def all_metrics() -> Mapping[str, Metric]:
    """Every registered metric by name, sorted. Raises DuplicateMetric on a name used twice."""
    return declared_once(
        GROUP,
        Metric,
        lambda metric: metric.name,
        lambda name, module: DuplicateMetric(name=name, module=module),
    )


def find_metric(name: str) -> Metric:
    """The metric called ``name``. Raises UnknownMetric, with the nearest names."""
    metrics = all_metrics()
    if name not in metrics:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, metrics, n=3, cutoff=0.4)) or "none"
        raise UnknownMetric(name=name, near=near)
    return metrics[name]
