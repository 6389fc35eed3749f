"""What explanations assume: stated causes, where pools' machines stand, what machines cost."""

from __future__ import annotations

from dataclasses import dataclass

from hashcanary.inference.errors import BadStatement
from hashcanary.inference.explain.causes import (
    Causes,
    PoolRegions,
    read_causes,
    read_pool_regions,
)
from hashcanary.inference.explain.margins import Machines, machines


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What causes look like, where pools' machines stand, and what machines cost to run."""

    causes: Causes
    regions: PoolRegions
    machines: Machines


def assume(
    causes: Causes | None = None,
    regions: PoolRegions | None = None,
    given: Machines | None = None,
) -> Assumptions:
    """The assumptions that come with hashcanary, but for those given. Raises BadStatement."""
    return Assumptions(causes or read_causes(), regions or read_pool_regions(), given or machines())


def check_regions(causes: Causes, regions: PoolRegions) -> None:
    """Refuse a cause in a region that no pool can be in. Raises BadStatement."""
    for cause in causes.real:
        for region in cause.regions:
            if region not in regions.regions:
                raise BadStatement(
                    file="the causes",
                    place=f"{cause.name}.regions",
                    expected=f"regions of the pools' file: {', '.join(regions.regions)}",
                    found=repr(region),
                )
