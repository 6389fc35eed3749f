"""Finds components of the gauge through the ``hashcanary.stress_components`` entry points.

An entry names a package; every ``Component`` at the top level of its modules is found. The
built-in ones come through the same door as a third party's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.plugins import declared_once
from hashcanary.studies.errors import DuplicateStressComponent
from hashcanary.studies.stress.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashcanary.stress_components"


@cache
def all_components() -> Mapping[str, Component]:
    """Every component by name, sorted. Raises DuplicateStressComponent on a name used twice."""
    return declared_once(
        GROUP,
        Component,
        lambda component: component.name,
        lambda name, module: DuplicateStressComponent(name=name, module=module),
    )
