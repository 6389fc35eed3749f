"""What each kind of evidence says of the causes: log Bayes factors against luck.

Each kind is worth nothing in some worlds (``silent`` in ``causes.toml``): its likelihood is mixed
with one that does not depend on the cause, so no single kind decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import BadStatement
from hashcanary.inference.explain.causes import LUCK, Cause, Causes, Normal2, PoolRegions
from hashcanary.inference.explain.pool_loss import LOSSES
from hashcanary.inference.explain.profile import log_sum
from hashcanary.inference.explain.shapes import DEPTHS
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.inference.explain.margins import Margin, PowerPrice
    from hashcanary.inference.explain.pool_loss import PoolTables
    from hashcanary.inference.explain.profile import DropProfile, Fitted

    Floats = NDArray[np.float64]

Factors = dict[str, float]
# how much wider than ordinary margins and power prices are in a world not like these pages
_WIDE = 2.0


@dataclass(frozen=True, slots=True)
class PoolFactors:
    """Factors of the pools' blocks; regions: probability of each, given that one region lost."""

    factors: Factors
    regions: Factors


def drop_factors(luck: tuple[float, float], fitted: tuple[Fitted, ...]) -> tuple[Factors, Factors]:
    """Of the blocks until the drop had gone down, and of those after it given those before."""
    early = {one.cause.name: one.early - luck[0] for one in fitted}
    later = {one.cause.name: one.whole - one.early - (luck[1] - luck[0]) for one in fitted}
    return {LUCK: 0.0} | early, {LUCK: 0.0} | later


def pool_factors(
    tables: PoolTables,
    fitted: tuple[Fitted, ...],
    causes: Causes,
    low: tuple[float, float],
) -> PoolFactors:
    """Of who found the blocks, given the shapes that agree with them. low: days of the window."""
    quiet = np.log(causes.silent) + tables.silent
    plain = float(np.logaddexp(np.log1p(-causes.silent) + tables.luck, quiet))
    factors, places = {LUCK: 0.0}, dict.fromkeys(tables.regions, -np.inf)
    start, end = np.array([low[0]]), np.array([low[1]])
    for one in fitted:
        lost = np.clip(one.shapes.over(start, end), 0.0, None) * DEPTHS
        table = _of_cause(one.cause, tables)
        with_pools = np.interp(lost, LOSSES, np.logaddexp(np.log1p(-causes.silent) + table, quiet))
        joint = float(log_sum(one.weight + with_pools, (0, 1)))
        # a cause that the blocks rule out is left as it is
        possible = np.isfinite(joint)
        factors[one.cause.name] = joint - one.whole - plain if possible else 0.0
        for region, share in one.cause.regions.items():
            if one.cause.regional and share:
                own = one.weight + np.interp(lost, LOSSES, tables.regions[region])
                term = float(log_sum(own, (0, 1))) + np.log(share * max(one.cause.a_year, 1e-12))
                places[region] = float(np.logaddexp(places[region], term))
    most = max(places.values(), default=0.0)
    if not np.isfinite(most):
        return PoolFactors(factors, {})
    shares = {region: float(np.exp(value - most)) for region, value in places.items()}
    total = sum(shares.values())
    return PoolFactors(factors, {region: one / total for region, one in shares.items()})


def _of_cause(cause: Cause, tables: PoolTables) -> Floats:
    """Log likelihood by mean loss: one region lost, or all alike."""
    found = np.full(LOSSES.size, -np.inf)
    if cause.regional < 1:
        found = np.log1p(-cause.regional) + tables.alike
    total = sum(cause.regions.values())
    for region, share in cause.regions.items():
        if share and cause.regional:
            part = np.log(cause.regional * share / total) + tables.regions[region]
            found = np.logaddexp(found, part)
    return found


def season_factors(causes: Causes, start: float) -> Factors:
    """Of the month in which the drop began; luck knows no season."""
    month = datetime.fromtimestamp(start, UTC).month - 1
    return {LUCK: 0.0} | {
        cause.name: float(np.log((1 - causes.silent) * 12 * cause.season[month] + causes.silent))
        for cause in causes.real
    }


def margin_factors(causes: Causes, margin: Margin) -> Factors:
    """Of hashprice against what machines cost to run, and against what it was."""
    usual, added = causes.luck.margin, margin.squeeze.break_even_log_sd
    wide = Normal2(usual.mean, (usual.sd[0] * _WIDE, usual.sd[1] * _WIDE), usual.correlation)
    at = margin.log_margin, margin.log_change
    densities = {LUCK: usual.log_density(at, added)} | {
        cause.name: cause.looks.margin.log_density(at, added) for cause in causes.real
    }
    return _mixed(densities, wide.log_density(at, added), causes.silent)


def power_factors(causes: Causes, power: PowerPrice) -> Factors:
    """Of the price of power in one region; a storm may have been in another."""
    mean, sd = causes.luck.power
    at = power.log_ratio
    plain = causes.luck.power_log_density(at)
    densities = {LUCK: plain}
    for cause in causes.real:
        there = cause.regional * cause.regions.get(power.region, 0.0) if cause.regional else 1.0
        own = np.log(max(there, 1e-12)) + cause.looks.power_log_density(at)
        densities[cause.name] = float(np.logaddexp(own, np.log1p(-min(there, 1 - 1e-12)) + plain))
    wide = -0.5 * ((at - mean) / (_WIDE * sd)) ** 2 - np.log(_WIDE * sd * np.sqrt(2 * np.pi))
    return _mixed(densities, float(wide), causes.silent)


def _mixed(densities: Factors, wide: float, silent: float) -> Factors:
    mixed = {
        name: float(np.logaddexp(np.log1p(-silent) + one, np.log(silent) + wide))
        for name, one in densities.items()
    }
    return {name: one - mixed[LUCK] for name, one in mixed.items()}


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


def low_window(drop: DropProfile) -> tuple[float, float]:
    """The window in which pools are counted, days before the last block."""
    until = min(drop.low_to, drop.low_from + 45 * DAY)
    return (drop.low_from - drop.now) / DAY, (until - drop.now) / DAY
