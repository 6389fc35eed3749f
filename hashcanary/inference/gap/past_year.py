"""The year before a record's moment: what was seen of it, and draws of what happened in it.

Every answer about that year, the verdict and the explanation of a drop among them, reads the same
draws, so that two answers on one page cannot part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.explain.assumptions import assume, check_regions
from hashcanary.inference.filter.observations import blocks_of
from hashcanary.inference.gap.evidence import Circumstances, summed
from hashcanary.inference.gap.pools import PoolEvidence, pool_evidence
from hashcanary.inference.gap.sampling import FOLLOWING, Effort, Evidence, Sampler, read_background
from hashcanary.inference.gap.seen import Sightings
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints
    from hashcanary.inference.explain.assumptions import Assumptions
    from hashcanary.inference.gap.sampling import Draws
    from hashcanary.inference.gap.seen import Seen
    from hashcanary.store.record import Record

# steps until drops are found, whose pools are looked at, and after
_TO_FIND, _TO_TELL = Effort(steps=500, kept=8), Effort(settling=800)
# after more days than these chains begin anew
_FOLLOWED_DAYS = 15


@dataclass(frozen=True, slots=True)
class PastYear:
    """What is known of the year before a record's moment.

    now: Unix seconds of the last block. factors: log factors by kind of evidence, (causes, days)
    each; pools: what pools' blocks say, None where the record has no labels; evidence: both
    together; draws: of what happened; sampler: the chains that drew them.
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


class PastYears:
    """The years before moments of a record; each is drawn on from where the one before it ended."""

    def __init__(self, record: Record, given: Assumptions | None = None) -> None:
        """Raises NoRetargets, BadStatement."""
        self._given = given or assume()
        check_regions(self._given.causes, self._given.regions)
        self._record = record
        self._sightings: Sightings | None = None
        self._around = Circumstances(record, self._given.regions, self._given.machines)
        self._blocks = None
        if record.chain.height and record.pool_list is not None:
            self._blocks = blocks_of(record)
        self._last: PastYear | None = None

    def until(self, moment: float | None) -> PastYear:
        """The year before a moment, Unix seconds; None: before the last block.

        Nothing that came later is used. Raises TooFewToExplain where too little is known.
        """
        if self._sightings is None:
            self._sightings = Sightings(self._record)
        seen = self._sightings.until(moment)
        passed = None if self._last is None else float(seen.end[-1]) - self._last.now
        follows = passed is not None and 0 <= passed <= _FOLLOWED_DAYS * DAY
        self._last = self._follow(seen) if follows else self._begin(seen)
        return self._last

    def around(self, seen: Seen) -> PastYear:
        """The year of given windows, on its own."""
        return self._begin(seen)

    def _begin(self, seen: Seen) -> PastYear:
        given, (factors, log_factor) = self._given, self._factors(seen)
        sampler, none = Sampler(seen, given.causes, read_background()), Evidence.none()
        evidence, pools = Evidence(log_factor, none.place, none.log_likelihood), None
        if self._blocks is not None:
            pools = self._pools(sampler.draw(evidence, _TO_FIND))
            evidence = Evidence(log_factor, pools.place, pools.log_likelihood)
        draws = sampler.draw(evidence, _TO_TELL)
        return PastYear(given, seen, self._around, factors, pools, evidence, sampler, draws)

    def _follow(self, seen: Seen) -> PastYear:
        last, (factors, log_factor) = self._last, self._factors(seen)
        assert last is not None
        sampler = last.sampler.after(seen)
        # drops of before, whose pools are looked at anew
        pools = None if self._blocks is None else self._pools(last.draws)
        passed = round((float(seen.end[-1]) - last.now) / DAY)
        found = last.evidence if pools is None else pools
        evidence = Evidence(log_factor, moved_by(found.place, passed), found.log_likelihood)
        draws = sampler.draw(evidence, FOLLOWING)
        return PastYear(self._given, seen, self._around, factors, pools, evidence, sampler, draws)

    def _factors(self, seen: Seen) -> tuple[dict[str, Floats], Floats]:
        factors = self._around.factors(float(seen.end[-1]), self._given.causes)
        return factors, summed(factors)

    def _pools(self, draws: Draws) -> PoolEvidence:
        assert self._blocks is not None
        return pool_evidence(
            self._record, self._blocks, draws, self._given.causes, self._given.regions
        )


def moved_by(place: Ints, days: int) -> Ints:
    """A table by day as of so many days later."""
    return np.concatenate((place[days:], np.zeros(days, dtype=np.int64)))


def past_year(record: Record, given: Assumptions | None = None) -> PastYear:
    """The year before the record's moment, under the built-in assumptions unless others are given.

    Raises NoRetargets, TooFewToExplain, BadStatement.
    """
    return record.once(_as_assumed) if given is None else _until_its_moment(record, given)


def _as_assumed(record: Record) -> PastYear:
    return _until_its_moment(record, None)


def _until_its_moment(record: Record, given: Assumptions | None) -> PastYear:
    return PastYears(record, given).until(record.at)
