"""Finds what packages declare through entry points: metrics and sources come through this door.

An entry names a package; every object of the wanted class at the top level of the package or of
one of its modules, alone or in a tuple of a family, is found. The built-in ones come the same way.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import TypeVar

from hashcanary.errors import DuplicateName, HashcanaryError

T = TypeVar("T")


def declared(group: str, wanted: type[T]) -> Iterator[tuple[str, T]]:
    """Every ``wanted`` object declared under an entry point group, with its module's name.

    In the order of entry names, then module names. One object imported into two modules is
    yielded from each; the caller decides whether a name used twice is an error.
    """
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        for module in _modules(entry.value):
            for value in vars(module).values():
                family = value if isinstance(value, tuple) else (value,)
                if family and all(isinstance(item, wanted) for item in family):
                    yield from ((module.__name__, item) for item in family)


def declared_once(
    group: str, wanted: type[T], key: str, twice: type[HashcanaryError] = DuplicateName
) -> dict[str, T]:
    """What is declared under a group by its attribute ``key``, sorted.

    Raises ``twice``, whose template has the fields name and module, where two share a name.
    """
    by_name: dict[str, T] = {}
    for module, value in declared(group, wanted):
        name = getattr(value, key)
        if by_name.setdefault(name, value) is not value:
            raise twice(name=name, module=module)
    return dict(sorted(by_name.items()))


def _modules(package_name: str) -> Iterator[ModuleType]:
    package = importlib.import_module(package_name)
    yield package
    for info in pkgutil.iter_modules(getattr(package, "__path__", ())):
        yield importlib.import_module(f"{package_name}.{info.name}")
