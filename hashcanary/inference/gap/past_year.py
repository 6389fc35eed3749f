"""The year before a record's moment: what was seen of it, and draws of what happened in it.

Every answer about that year, the verdict and the explanation of a drop among them, reads the same
draws, so that two answers on one page cannot part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.inference.explain.attribution import assume
from hashcanary.inference.filter.observations import blocks_of
from hashcanary.inference.gap.evidence import Circumstances, summed
from hashcanary.inference.gap.pools import PoolEvidence, pool_evidence
from hashcanary.inference.gap.sampling import Effort, Evidence, Sampler, read_background
from hashcanary.inference.gap.seen import Sightings

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.inference.explain.attribution import Assumptions
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.inference.gap.seen import Seen
    from hashcanary.store.record import Record

# steps until drops are found, whose pools are looked at, and after
_TO_FIND, _TO_TELL = Effort(steps=500, kept=8), Effort(settling=800)


@dataclass(frozen=True, slots=True)
class PastYear:
    """What is known of the year before a record's moment.

    now: Unix seconds of the last block. factors: log factors by kind of evidence, (causes, days)
    each; pools: what pools' blocks say, None where the record has no labels of the time; evidence:
    both together; draws: of what happened; sampler: the chains that drew them.
    """

    given: Assumptions
    seen: Seen
    around: Circumstances
    factors: dict[str, Floats]
    pools: PoolEvidence | None
    evidence: Evidence
    sampler: Sampler
    draws: Draws

    @property
    def now(self) -> float:
        """Unix seconds of the last block."""
        return float(self.seen.end[-1])


def past_year(record: Record, given: Assumptions | None = None) -> PastYear:
    """The year before the record's moment, under the built-in assumptions unless others are given.

    Raises NoRetargets, TooFewToExplain, BadStatement.
    """
    return record.once(_as_assumed) if given is None else _drawn(record, given)


def _as_assumed(record: Record) -> PastYear:
    return _drawn(record, assume())


def _drawn(record: Record, given: Assumptions) -> PastYear:
    seen = Sightings(record).until(record.at)
    around = Circumstances(record, given.regions, given.machines)
    factors = around.factors(float(seen.end[-1]), given.causes)
    sampler = Sampler(seen, given.causes, read_background())
    none = Evidence.none()
    evidence, pools = Evidence(summed(factors), none.place, none.log_likelihood), None
    if record.chain.height and record.pool_list is not None:
        draws = sampler.draw(evidence, _TO_FIND)
        pools = pool_evidence(record, blocks_of(record), draws, given.causes, given.regions)
        evidence = Evidence(evidence.log_factor, pools.place, pools.log_likelihood)
    draws = sampler.draw(evidence, _TO_TELL)
    told = pools if pools is not None and pools.counts else None
    return PastYear(given, seen, around, factors, told, evidence, sampler, draws)
