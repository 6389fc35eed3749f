"""Finds components of the gauge through the ``hashcanary.stress_components`` entry points.

An entry names a package; every ``Component`` at the top level of its modules is found. The
built-in ones come through the same door as a third party's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.plugins import declared
from hashcanary.studies.errors import DuplicateStressComponent
from hashcanary.studies.stress.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashcanary.stress_components"


@cache
def all_components() -> Mapping[str, Component]:
    """Every component by name, sorted. Raises DuplicateStressComponent on a name used twice."""
    found: dict[str, Component] = {}
    for module, component in declared(GROUP, Component):
        if found.setdefault(component.name, component) is not component:
            raise DuplicateStressComponent(name=component.name, module=module)
    return dict(sorted(found.items()))
