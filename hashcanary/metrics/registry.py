"""Finds declared metrics through the ``hashcanary.metrics`` entry points.

An entry names a package; every ``Metric`` at the top level of its modules is registered. The
built-in catalogue comes through the same door as a third party's.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING

from hashcanary.metrics.declaration import Metric
from hashcanary.metrics.errors import DuplicateMetric, UnknownMetric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

GROUP = "hashcanary.metrics"


@cache
def all_metrics() -> Mapping[str, Metric]:
    """Every registered metric by name, sorted. Raises DuplicateMetric on a name used twice."""
    found: dict[str, Metric] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        for module in _modules(entry.value):
            for declared in _declared(module):
                if found.setdefault(declared.name, declared) is not declared:
                    raise DuplicateMetric(name=declared.name, module=module.__name__)
    return dict(sorted(found.items()))


def find_metric(name: str) -> Metric:
    """The metric called ``name``. Raises UnknownMetric, with the nearest names."""
    metrics = all_metrics()
    if name not in metrics:
        from difflib import get_close_matches

        near = ", ".join(get_close_matches(name, metrics, n=3, cutoff=0.4)) or "none is near"
        raise UnknownMetric(name=name, near=near)
    return metrics[name]


def _modules(package_name: str) -> Iterator[ModuleType]:
    package = importlib.import_module(package_name)
    yield package
    for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
        yield importlib.import_module(f"{package_name}.{info.name}")


def _declared(module: ModuleType) -> Iterator[Metric]:
    """Metrics bound at the top of a module, alone or in a tuple of a family."""
    for value in vars(module).values():
        if isinstance(value, Metric):
            yield value
        elif isinstance(value, tuple) and value and all(isinstance(item, Metric) for item in value):
            yield from value
