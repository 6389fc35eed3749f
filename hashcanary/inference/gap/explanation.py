"""Why a drop came: how probable each cause is, with the evidence for it, by kind.

The draws of the last year hold the answer: of those that have the drop, each has a cause for it.
What the month, the hashprice, the price of power and pools' blocks say is known by itself; the rest
of the distance from prior to posterior odds is what the times of blocks say: how it dropped, and
how it came back. So the log factors of all kinds add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import HeightNotKnown, WindowNotKnown
from hashcanary.inference.explain.causes import DEPTHS, LUCK, REAL
from hashcanary.inference.explain.margins import Margin, Missing, PowerPrice, margin_at, power_at
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
from hashcanary.inference.filter.observations import blocks_of
from hashcanary.inference.gap.gap import ENOUGH, drops_of, parts_of
from hashcanary.inference.gap.kernel import BEGIN, DEPTH
from hashcanary.inference.gap.past_year import past_year
from hashcanary.inference.gap.pools import low_time
from hashcanary.inference.gap.seen import DAYS
from hashcanary.inference.luck.luck import REFERENCE_BLOCKS, window_luck
from hashcanary.inference.luck.windows import between_blocks, between_times, blocks_before
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.inference.explain.assumptions import Assumptions
    from hashcanary.inference.explain.causes import Causes, PoolRegions
    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.inference.gap.gap import Drop
    from hashcanary.inference.gap.past_year import PastYear
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.store.record import Record

Factors = dict[str, float]
CANNOT_TELL = "cannot tell"
KINDS = ("blocks", "pools", "season", "hashprice", "power")
# how probable a drop must be to be one, what of it must be out for it to matter now, and of the
# highest level of the year how much, in it and in all
REAL_FROM, _OUT, _MATTERS = 0.5, 0.1, 0.015
# days back in which a drop that is not certain is told of, where no certain one is
LATE_DAYS = 100.0
_LAST_DAYS, _SHORTEST = 3.0, 0.5


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence. factors: log Bayes factors against luck; None where it is missing."""

    kind: str
    factors: Factors | None


@dataclass(frozen=True, slots=True)
class Recent:
    """The last days. days: how many; blocks: in them; once_in_years: how long one waits for as few
    at the hashrate of before the drop, NaN where that cannot be told; change: of the hashrate from
    before the drop to now, by the draws.
    """

    days: float
    blocks: int
    once_in_years: float
    change: Interval


@dataclass(frozen=True, slots=True)
class Explained:
    """The drop that is explained. height: of the last block before it; low_from, low_to: Unix
    seconds between which more than half of it was missing.
    """

    drop: Drop
    height: int
    low_from: float
    low_to: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the hashrate dropped, as known at the record's moment.

    explained: None where no drop is likely. answer: the most probable cause, or ``CANNOT_TELL``
    where none reaches ``ENOUGH``. probabilities, prior: by cause, summing to 1; the prior is that a
    drop begins within those days. evidence: each kind, whose factors add up to the way from prior
    to posterior odds. recent: None where too few blocks are known. others: of the last year, the
    earliest first. pools, losing_regions, region_probabilities: who lost; empty where labels are
    missing. margin, power: None, () where missing, and then ``missing`` says why. now, last: Unix
    seconds and height of the last block; below: of the year's highest level, the median gap.
    """

    now: float
    last: int
    below: float
    explained: Explained | None
    others: tuple[Drop, ...]
    answer: str
    probabilities: Factors
    prior: Factors
    evidence: tuple[Evidence, ...]
    recent: Recent | None
    pools: tuple[PoolLoss, ...]
    losing_regions: tuple[RegionLoss, ...]
    region_probabilities: Factors
    margin: Margin | None
    power: tuple[PowerPrice, ...]
    missing: tuple[Missing, ...]
    causes: Causes
    regions: PoolRegions

    @property
    def over(self) -> bool:
        """Whether the drop that is explained has come back, or growth has made up for it."""
        return self.explained is not None and not matters(self.explained.drop, self.below)


def explain_drop(
    record: Record, given: Assumptions | None = None, since: float | None = None
) -> Explanation:
    """Explain the drop that matters now: the newest real one that has not come back.

    since: Unix seconds; of what began since then, the first real one. Raises NoRetargets,
    TooFewToExplain, BadStatement.
    """
    past = past_year(record, given)
    found, below = drops_of(past.draws), usual_gap(past.draws)
    chosen = choose([one for _, one in found], past.now, since, below)
    others = tuple(one for at, (_, one) in enumerate(found) if at != chosen)
    blocks = blocks_of(record) if record.chain.height else None
    last = int(blocks.height[-1]) if blocks is not None else 0
    if chosen is None:
        return _none(past, last, below, others)
    mask, drop = found[chosen]
    low, part = low_time(past.draws, mask)
    counts: PoolCounts | Missing = Missing("pools", "no labels")
    if blocks is not None:
        counts = count_pools(record, blocks, low)
    begin = drop.begin.value
    margin = margin_at(
        record, (begin, begin + drop.days.value * DAY, low.low_to), past.given.machines
    )
    power = power_at(record, past.given.regions, begin)
    silent = () if power else (Missing("power", "no power price"),)
    missing = tuple(one for one in (counts, margin, *silent) if isinstance(one, Missing))
    known = counts if isinstance(counts, PoolCounts) else None
    prior, probabilities = _prior(past, mask), _probabilities(past, mask)
    leading = max(probabilities, key=lambda name: probabilities[name])
    return Explanation(
        now=past.now,
        last=last,
        below=below,
        explained=Explained(drop, _height(blocks, begin), low.low_from, low.low_to),
        others=others,
        answer=leading if probabilities[leading] >= ENOUGH else CANNOT_TELL,
        probabilities=probabilities,
        prior=prior,
        evidence=_evidence(past, mask, prior, probabilities),
        recent=_recent(record, past, blocks, mask, begin),
        pools=pool_losses(known) if known else (),
        losing_regions=region_losses(known, past.given.regions, begin) if known else (),
        region_probabilities=_regions(past, known, drop, part) if known else {},
        margin=margin if isinstance(margin, Margin) else None,
        power=power,
        missing=missing,
        causes=past.given.causes,
        regions=past.given.regions,
    )


def usual_gap(draws: Draws) -> float:
    """Median of the gap over draws, a fraction of the year's highest level."""
    return float(np.median(parts_of(draws).below))


def matters(drop: Drop, below: float) -> bool:
    """Whether a real drop has not come back, and counts: growth may have made up for it.

    below: median fraction that hashrate is below the year's highest level.
    """
    out = 1 - drop.returned.value > _OUT and below >= _MATTERS
    return drop.probability >= REAL_FROM and out and drop.share.value >= _MATTERS


def choose(drops: list[Drop], now: float, since: float | None, below: float) -> int | None:
    """Which drop is explained, of drops in the order of their begins; None where none is likely.

    now, since: Unix seconds; below: as ``matters`` has it. The newest that matters; else the
    likeliest of late. Since a moment: the first real one, else the likeliest.
    """
    places = range(len(drops))
    if since is not None:
        after = [at for at in places if drops[at].begin.value >= since - DAY / 2]
        real = [at for at in after if drops[at].probability >= REAL_FROM]
        likeliest = max(after, key=lambda at: drops[at].probability, default=None)
        return real[0] if real else likeliest
    live = [at for at in places if matters(drops[at], below)]
    if live:
        return live[-1]
    late = [at for at in places if drops[at].begin.value >= now - LATE_DAYS * DAY]
    return max(late, key=lambda at: drops[at].probability, default=None)


def _none(past: PastYear, last: int, below: float, others: tuple[Drop, ...]) -> Explanation:
    """That no drop is likely."""
    nothing = {LUCK: 1.0, **dict.fromkeys(REAL, 0.0)}
    return Explanation(
        now=past.now,
        last=last,
        below=below,
        explained=None,
        others=others,
        answer=LUCK,
        probabilities=nothing,
        prior=past.given.causes.priors(LATE_DAYS),
        evidence=tuple(Evidence(kind, None) for kind in KINDS),
        recent=None,
        pools=(),
        losing_regions=(),
        region_probabilities={},
        margin=None,
        power=(),
        missing=(),
        causes=past.given.causes,
        regions=past.given.regions,
    )


def _begins(past: PastYear, mask: Bools) -> Ints:
    """Days, as ``Evidence.log_factor`` counts them, on which the drop begins; of draws with it."""
    begin = past.draws.falls[:, :, BEGIN][mask]
    return np.clip(np.floor(begin + DAYS), 0, DAYS - 1).astype(np.int64)


def _prior(past: PastYear, mask: Bools) -> Factors:
    """That a drop of each cause begins within the days on which this one may have begun."""
    days = _begins(past, mask)
    return past.given.causes.priors(float(np.ptp(days)) + 1)


def _probabilities(past: PastYear, mask: Bools) -> Factors:
    """Parts of the draws; what none of them has is less probable than one of them."""
    size = mask.shape[0]
    cause = past.draws.cause[mask]
    counts = {LUCK: size - cause.size} | {
        name: int((cause == at).sum()) for at, name in enumerate(REAL)
    }
    raw = {name: max(count, 0.5) for name, count in counts.items()}
    total = sum(raw.values())
    return {name: one / total for name, one in raw.items()}


def _evidence(
    past: PastYear, mask: Bools, prior: Factors, probabilities: Factors
) -> tuple[Evidence, ...]:
    days = _begins(past, mask)
    found: dict[str, Factors | None] = dict.fromkeys(KINDS)
    for kind, factor in past.factors.items():
        found[kind] = _against_luck(_mean(factor[:, days]))
    place = past.evidence.place[days]
    if place.any():
        depth = np.abs(past.draws.falls[:, :, DEPTH][mask])
        at = np.argmin(np.abs(DEPTHS[None, :] - depth[:, None]), axis=1)
        found["pools"] = _against_luck(_mean(past.evidence.log_likelihood[place, :, at].T))
    odds = {
        name: float(np.log(probabilities[name] / probabilities[LUCK]))
        - float(np.log(max(prior[name], 1e-12) / prior[LUCK]))
        for name in REAL
    }
    told = [each for each in found.values() if each is not None]
    found["blocks"] = {LUCK: 0.0} | {
        name: odds[name] - sum(each[name] for each in told) for name in REAL
    }
    return tuple(Evidence(kind, found[kind]) for kind in KINDS)


def _mean(logs: Floats) -> Floats:
    """Log of the mean of exponentials over the last axis."""
    return np.asarray(np.logaddexp.reduce(logs, axis=1) - np.log(logs.shape[1]))


def _against_luck(factors: Floats) -> Factors:
    return {LUCK: 0.0} | dict(zip(REAL, factors.tolist(), strict=True))


def _height(blocks: Blocks | None, begin: float) -> int:
    """Of the last block before a moment, 0 where none is known."""
    if blocks is None:
        return 0
    place = int(np.searchsorted(np.maximum.accumulate(blocks.time), begin)) - 1
    return int(blocks.height[max(place, 0)])


def _recent(
    record: Record, past: PastYear, blocks: Blocks | None, mask: Bools, begin: float
) -> Recent | None:
    if blocks is None:
        return None
    chosen = mask.any(axis=1)
    before = np.searchsorted(past.draws.time, past.draws.falls[:, :, BEGIN][mask]) - 1
    rate = past.draws.log_rate[chosen]
    change = rate[:, -1] - rate[np.arange(rate.shape[0]), np.maximum(before, 0)]
    low, middle, high = np.expm1(np.quantile(change, (0.025, 0.5, 0.975))).tolist()
    last = float(np.maximum.reduce(blocks.time))
    seconds = max(min(_LAST_DAYS * DAY, last - begin), _SHORTEST * DAY)
    try:
        window = between_times(blocks, record.network, last - seconds, last)
        height = int(blocks.height[-1])
        since = between_blocks(blocks, record.network, _height(blocks, begin), height)
        reference = blocks_before(blocks, record.network, since, REFERENCE_BLOCKS)
        once = window_luck(blocks, record.network, window, reference=reference).once_in_years
    except (WindowNotKnown, HeightNotKnown):
        return None
    return Recent(seconds / DAY, window.blocks, once, Interval(middle, low, high))


def _regions(past: PastYear, counts: PoolCounts, drop: Drop, part: float) -> Factors:
    """If one region lost, which: by pools' blocks, and where falls of each cause are."""
    tables = pool_tables(counts, past.given.regions, past.given.causes, drop.begin.value)
    lost = -np.log1p(-drop.depth.value) * part
    logs: dict[str, float] = {}
    for cause in past.given.causes.real:
        for region, share in cause.regions.items():
            weight = cause.regional * share * drop.causes[cause.name]
            if weight > 0:
                own = float(np.log(weight) + np.interp(lost, LOSSES, tables.regions[region]))
                logs[region] = float(np.logaddexp(logs.get(region, -np.inf), own))
    if not logs:
        return {}
    most = max(logs.values())
    raw = {region: float(np.exp(one - most)) for region, one in logs.items()}
    return {region: one / sum(raw.values()) for region, one in raw.items()}
