"""Was a drop luck, curtailment, economics or a structural exit: probabilities, and their evidence.

Bayes' rule on stated likelihoods. How often drops of each cause begin gives the prior. The blocks
say how deep and how fast the hashrate fell, whether and how it came back, and how long that has
taken (``shapes.py``); the pools say who lost (``pool_loss.py``); the month, what the hashprice
put under water and the price of power (``margins.py``) add what they can.
Evidence that is missing changes nothing and is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.explain.causes import (
    LUCK,
    NAMES,
    REAL,
    Causes,
    PoolRegions,
    read_causes,
    read_pool_regions,
)
from hashcanary.inference.explain.evidence import (
    Factors,
    check_regions,
    drop_factors,
    low_window,
    margin_factors,
    pool_factors,
    power_factors,
    season_factors,
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
    profile_of,
    recent_change,
)
from hashcanary.inference.explain.shapes import REACH, observed
from hashcanary.inference.filter.observations import blocks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.store.record import Record

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
    around = _around(record, blocks, drop, fitted, given)
    evidence = (Evidence("decline", early), Evidence("recovery", later), *around.evidence)
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
        pools=around.pools,
        losing_regions=around.losing_regions,
        region_probabilities=around.region_probabilities,
        margin=around.margin,
        power=around.power,
        missing=around.missing,
        causes=given.causes,
        regions=given.regions,
        reach=reach,
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What is known around a drop beside the times of blocks."""

    evidence: tuple[Evidence, ...]
    pools: tuple[PoolLoss, ...]
    losing_regions: tuple[RegionLoss, ...]
    region_probabilities: Factors
    margin: Margin | None
    power: tuple[PowerPrice, ...]
    missing: tuple[Missing, ...]


def _around(
    record: Record,
    blocks: Blocks,
    drop: DropProfile,
    fitted: tuple[Fitted, ...],
    given: Assumptions,
) -> _Around:
    counts = count_pools(record, blocks, drop)
    margin = margin_at(record, (drop.start, drop.down, drop.low_to), given.machines)
    power = power_at(record, given.regions, drop.start)
    missing = [each for each in (counts, margin) if isinstance(each, Missing)]
    if not power:
        missing.append(Missing("power", "no power price"))
    pools: Factors | None = None
    places: Factors = {}
    if isinstance(counts, PoolCounts):
        tables = pool_tables(counts, given.regions, given.causes, drop.start)
        said = pool_factors(tables, fitted, given.causes, low_window(drop))
        pools, places = said.factors, said.regions
    loudest = max(power, key=lambda one: one.log_ratio, default=None)
    return _Around(
        evidence=(
            Evidence("pools", pools),
            Evidence("season", season_factors(given.causes, drop.start)),
            Evidence(
                "hashprice",
                margin_factors(given.causes, margin) if isinstance(margin, Margin) else None,
            ),
            Evidence("power", power_factors(given.causes, loudest) if loudest else None),
        ),
        pools=pool_losses(counts) if isinstance(counts, PoolCounts) else (),
        losing_regions=region_losses(counts, given.regions, drop.start)
        if isinstance(counts, PoolCounts)
        else (),
        region_probabilities=places,
        margin=margin if isinstance(margin, Margin) else None,
        power=power,
        missing=tuple(missing),
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
