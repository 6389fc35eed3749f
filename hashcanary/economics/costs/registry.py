"""Finds cost models through the ``hashcanary.cost_models`` entry points.

An entry names a package; every ``CostModel`` at the top level of its modules is found. The
built-in ones come through the same door as a third party's.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.economics.costs.model import CostModel
from hashcanary.economics.errors import DuplicateCostModel, UnknownCostModel
from hashcanary.plugins import declared_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GROUP = "hashcanary.cost_models"


@cache
def all_cost_models() -> Mapping[str, CostModel]:
    """Every model by name, sorted. Raises DuplicateCostModel on a name used twice."""
    return declared_once(
        GROUP,
        CostModel,
        lambda model: model.name,
        lambda name, module: DuplicateCostModel(name=name, module=module),
    )


def find_cost_models(names: Iterable[str] = ()) -> tuple[CostModel, ...]:
    """The models called ``names``, all of them where none is named. Raises UnknownCostModel."""
    models = all_cost_models()
    wanted = tuple(names) or tuple(models)
    for name in wanted:
        if name not in models:
            raise UnknownCostModel(name=name, known=", ".join(models))
    return tuple(models[name] for name in dict.fromkeys(wanted))
