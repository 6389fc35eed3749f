"""Was a drop luck, curtailment, economics or a structural exit: probabilities, and their evidence.

Bayes' rule on stated likelihoods. How often drops of each cause begin gives the prior. The blocks
say how deep and how fast the hashrate fell, whether and how it came back, and how long that has
taken (``shapes.py``); the pools say who lost (``pool_loss.py``); the month, what the hashprice
put under water and the price of power (``margins.py``) add what they can.
Evidence that is missing changes nothing and is named.

Each kind of evidence is worth nothing in some worlds (``silent`` in ``causes.toml``): its
likelihood is mixed with one that does not depend on the cause, so no single kind decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import BadStatement
from hashcanary.inference.explain.causes import (
    LUCK,
    NAMES,
    REAL,
    Cause,
    Causes,
    Normal2,
    PoolRegions,
    read_causes,
    read_pool_regions,
)
from hashcanary.inference.explain.margins import (
    Machines,
    Margin,
    Missing,
    PowerPrice,
    machines,
    margin_at,
    power_at,
)
from hashcanary.inference.explain.pool_loss import (
    LOSSES,
    PoolCounts,
    PoolLoss,
    RegionLoss,
    count_pools,
    pool_losses,
    pool_tables,
    region_losses,
)
from hashcanary.inference.explain.profile import (
    DropProfile,
    Fitted,
    Place,
    RecentChange,
    fit_causes,
    locate_drop,
    log_sum,
    profile_of,
    recent_change,
)
from hashcanary.inference.explain.shapes import DEPTHS, REACH, observed
from hashcanary.inference.filter.observations import blocks_of
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.arrays import Floats
    from hashcanary.inference.explain.pool_loss import PoolTables
    from hashcanary.store.record import Record


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
        table = by_loss(one.cause, tables)
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
    told = np.isfinite(max(places.values(), default=0.0))
    return PoolFactors(factors, _shares(places) if told and places else {})


def by_loss(cause: Cause, tables: PoolTables) -> Floats:
    """Log likelihood of pools' blocks by mean loss, (LOSSES,): one region lost, or all alike."""
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
    return {LUCK: 0.0} | {
        cause.name: float(np.log((1 - causes.silent) * cause.season_at(start) + causes.silent))
        for cause in causes.real
    }


def margin_factors(causes: Causes, margin: Margin) -> Factors:
    """Of hashprice against what machines cost to run, and against what it was."""
    usual, added = causes.luck.margin, margin.squeeze.break_even_log_sd
    wide = Normal2(usual.mean, (usual.sd[0] * _WIDE, usual.sd[1] * _WIDE), usual.correlation)
    at = margin.log_margin, margin.log_change
    densities = {LUCK: float(usual.log_density(at, added))} | {
        cause.name: float(cause.looks.margin.log_density(at, added)) for cause in causes.real
    }
    return _mixed(densities, float(wide.log_density(at, added)), causes.silent)


def power_factors(causes: Causes, power: PowerPrice) -> Factors:
    """Of the price of power in one region; a storm may have been in another."""
    mean, sd = causes.luck.power
    at = power.log_ratio
    plain = float(causes.luck.power_log_density(at))
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


# a cause less probable than this is not named
ENOUGH = 0.6
CANNOT_TELL = "cannot tell"
KINDS = ("decline", "recovery", "pools", "season", "hashprice", "power")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence. factors: log Bayes factors against luck; None where it is missing."""

    kind: str
    factors: Factors | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the hashrate fell, as known at the record's moment.

    drop: the drop that is explained. answer: the most probable cause, or ``CANNOT_TELL`` where none
    reaches ``ENOUGH``. probabilities, prior: by cause, summing to 1; the prior is that a drop lies
    just there. evidence: each kind in turn,
    each given those before it. recent: of the last days against the time before the drop.
    pools, losing_regions, region_probabilities: who lost; empty where labels are missing.
    margin, power: None, () where missing, and then ``missing`` says why.
    reach: days back that a drop was looked for.
    """

    drop: DropProfile
    answer: str
    probabilities: Factors
    prior: Factors
    evidence: tuple[Evidence, ...]
    recent: RecentChange
    pools: tuple[PoolLoss, ...]
    losing_regions: tuple[RegionLoss, ...]
    region_probabilities: Factors
    margin: Margin | None
    power: tuple[PowerPrice, ...]
    missing: tuple[Missing, ...]
    causes: Causes
    regions: PoolRegions
    reach: float


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What an explanation assumes: stated causes, where pools' machines stand, what machines cost.

    prior: probabilities of the causes of the largest drop within reach, in place of those that the
    causes' rates give.
    """

    causes: Causes
    regions: PoolRegions
    machines: Machines
    prior: Mapping[str, float] | None = None


def assume(
    causes: Causes | None = None,
    regions: PoolRegions | None = None,
    given: Machines | None = None,
) -> Assumptions:
    """The assumptions that come with hashcanary, but for those given."""
    return Assumptions(causes or read_causes(), regions or read_pool_regions(), given or machines())


def explain_drop(
    record: Record, assumptions: Assumptions | None = None, reach: float = REACH
) -> Explanation:
    """Explain the drop that the record's blocks of the last ``reach`` days speak of most.

    Raises NoBlocksToObserve, TooFewToExplain, BadStatement.
    """
    given = assumptions or assume()
    check_regions(given.causes, given.regions)
    blocks = blocks_of(record)
    seen = observed(blocks, record.network, reach)
    place = locate_drop(seen, given.causes, reach)
    fine, luck, fitted = fit_causes(seen, given.causes, place, reach)
    prior = _prior(given.prior or given.causes.priors(reach), place, fitted)
    early, later = drop_factors(luck, fitted)
    share = _shares({name: _log(prior[name]) + early[name] + later[name] for name in REAL})
    drop = profile_of(fine, fitted, np.array([share[one.cause.name] for one in fitted]))
    told = count_pools(record, blocks, drop)
    margin = margin_at(record, (drop.start, drop.down, drop.low_to), given.machines)
    power = power_at(record, given.regions, drop.start)
    silent = () if power else (Missing("power", "no power price"),)
    missing = tuple(one for one in (told, margin, *silent) if isinstance(one, Missing))
    counts = told if isinstance(told, PoolCounts) else None
    known = margin if isinstance(margin, Margin) else None
    tables = counts and pool_tables(counts, given.regions, given.causes, drop.start)
    pools = tables and pool_factors(tables, fitted, given.causes, low_window(drop))
    loudest = max(power, key=lambda one: one.log_ratio, default=None)
    evidence = (
        Evidence("decline", early),
        Evidence("recovery", later),
        Evidence("pools", pools.factors if pools else None),
        Evidence("season", season_factors(given.causes, drop.start)),
        Evidence("hashprice", margin_factors(given.causes, known) if known else None),
        Evidence("power", power_factors(given.causes, loudest) if loudest else None),
    )
    found = _shares(
        {
            name: _log(prior[name]) + sum(one.factors[name] for one in evidence if one.factors)
            for name in NAMES
        }
    )
    leading = max(found, key=lambda name: found[name])
    return Explanation(
        drop=drop,
        answer=leading if found[leading] >= ENOUGH else CANNOT_TELL,
        probabilities=found,
        prior=prior,
        evidence=evidence,
        recent=recent_change(blocks, record.network, seen, drop),
        pools=pool_losses(counts) if counts else (),
        losing_regions=region_losses(counts, given.regions, drop.start) if counts else (),
        region_probabilities=pools.regions if pools else {},
        margin=known,
        power=power,
        missing=missing,
        causes=given.causes,
        regions=given.regions,
        reach=reach,
    )


def _prior(before: Mapping[str, float], place: Place, fitted: tuple[Fitted, ...]) -> Factors:
    """Probabilities that a drop of each cause lies just there; luck: none, but maybe elsewhere.

    before: of the causes of the largest drop, wherever it is.
    """
    raw = {LUCK: before[LUCK]}
    for one in fitted:
        name = one.cause.name
        raw[name] = before[name] * one.there
        raw[LUCK] += before[name] * place.elsewhere[name]
    total = sum(raw.values())
    return {name: share / total for name, share in raw.items()}


def _shares(logs: Factors) -> Factors:
    """Probabilities that sum to 1 from logs."""
    most = max(logs.values())
    raw = {name: float(np.exp(one - most)) for name, one in logs.items()}
    total = sum(raw.values())
    return {name: one / total for name, one in raw.items()}


def _log(value: float) -> float:
    return float(np.log(max(value, 1e-300)))
