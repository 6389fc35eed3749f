"""The words for why the hashrate fell: the sentence a reader needs, and what each evidence says."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite
from typing import TYPE_CHECKING

from hashcanary.inference.explain.attribution import CANNOT_TELL, ENOUGH
from hashcanary.inference.explain.causes import LUCK
from hashcanary.moments import iso_day, iso_time
from hashcanary.views.text import moved, probability

if TYPE_CHECKING:
    from hashcanary.inference.explain.attribution import Explanation
    from hashcanary.inference.explain.evidence import Factors

_BLOCKS = "block headers"
_MOST_POOLS = 3
# years; longer waits rest on the far tail of a law
_RAREST = 1e5


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """One kind of evidence in words. factors: log Bayes factors against luck; None: missing."""

    kind: str
    title: str
    says: str
    factors: Factors | None
    source: str


def headline(found: Explanation) -> str:
    """The answer in a line."""
    day = iso_day(int(found.drop.start))
    if found.answer == LUCK:
        return f"No drop beyond luck in the last {found.reach:.0f} days ({_share(found, LUCK)})"
    if found.answer == CANNOT_TELL:
        leading = max(found.probabilities, key=lambda name: found.probabilities[name])
        return (
            f"The fall from {day} on: cannot tell; most likely {found.causes.title(leading)} "
            f"({_share(found, leading)})"
        )
    title = found.causes.title(found.answer)
    return f"The fall from {day} on was {title} ({_share(found, found.answer)})"


def sentences(found: Explanation) -> list[str]:
    """What a reader needs, without the table."""
    drop, recent = found.drop, found.recent
    said = []
    if isfinite(recent.low):
        said.append(
            f"Blocks of the last {recent.days:.1f} days are consistent with hashrate "
            f"{moved(recent.low, recent.high)} from what it was before "
            f"{iso_day(int(drop.start))} (95%){_luck(found)}."
        )
    real = 1 - found.probabilities[LUCK]
    if found.answer == LUCK:
        said.append(
            f"The fall that its blocks speak of most begins on {iso_day(int(drop.start))}; that it "
            f"is more than luck and ordinary wander has a probability of {probability(real)}."
        )
    else:
        said.append(
            f"If real ({probability(real)}), hashrate fell by {drop.depth:.0%} ({drop.low:.0%} to "
            f"{drop.high:.0%}), from {iso_time(int(drop.start))[:16].replace('T', ' ')} UTC on."
        )
    others = ", ".join(
        f"{found.causes.title(name)} {_share(found, name)}"
        for name in sorted(found.probabilities, key=lambda name: -found.probabilities[name])
    )
    return [*said, f"Probabilities: {others}."]


def notes(found: Explanation, *, simulated: bool, at: str) -> list[str]:
    """What people are told under the table of evidence."""
    lines = ["SIMULATED: drawn by a random generator; nothing here happened."] if simulated else []
    lines += sentences(found)
    if found.answer == CANNOT_TELL:
        lines.append(f"No cause is named below {ENOUGH:.0%}.")
    lines.append(
        f"As known at {at}, up to block {found.drop.last} of {iso_time(int(found.drop.now))}. "
        "xN, /N: how many times likelier, or less likely, the evidence is than under luck, each "
        "kind given those above it."
    )
    prior = ", ".join(
        f"{found.causes.title(name)} {probability(share)}" for name, share in found.prior.items()
    )
    lines.append(
        f"Before evidence, of a fall at such a place: {prior}, from how often falls of each cause "
        "begin."
    )
    return [*lines, *(f"Lacks {what}." for what in found.lacks)]


def evidence_lines(found: Explanation) -> list[EvidenceLine]:
    """Each kind of evidence with what it says, in the order in which it counts."""
    words = {
        "fall": ("how it fell", _fall(found), _BLOCKS),
        "return": ("how it came back", _return(found), _BLOCKS),
        "pools": ("which pools lost", _pools(found), "labels of pools; pool_regions"),
        "season": ("season", _season(found), _BLOCKS),
        "hashprice": ("hashprice against cost", _hashprice(found), "price; difficulty"),
        "power": ("price of power", _power(found), "daily series of power prices"),
    }
    return [
        EvidenceLine(one.kind, *words[one.kind][:2], one.factors, words[one.kind][2])
        for one in found.evidence
    ]


def _share(found: Explanation, name: str) -> str:
    return probability(found.probabilities[name])


def _luck(found: Explanation) -> str:
    """How rarely luck alone leaves so few blocks; nothing where they are not few."""
    years = found.recent.once_in_years
    if not found.recent.high < 0 or not years > 0:
        return ""
    if years < 1:
        return f"; luck alone would do this {1 / years:.0f} times a year"
    if years > _RAREST:
        return f"; luck alone would do this less than once in {_RAREST:,.0f} years"
    return f"; luck alone would do this once in {years:,.{0 if years >= 10 else 1}f} years"


def _fall(found: Explanation) -> str:
    drop = found.drop
    low, middle, high = drop.fall_days
    return (
        f"down {drop.depth:.0%} ({drop.low:.0%} to {drop.high:.0%}) over {middle:.1f} days "
        f"({low:.1f} to {high:.1f})"
    )


def _return(found: Explanation) -> str:
    low, middle, high = found.drop.returned
    days = (found.drop.now - found.drop.start) / 86_400
    return f"{days:.1f} days on, {middle:.0%} of it is back ({low:.0%} to {high:.0%})"


def _pools(found: Explanation) -> str:
    if not found.pools:
        return "missing"
    rows = [row for row in found.pools if row.pool != "unknown" and isfinite(row.change)]
    lost = "; ".join(
        f"{row.name} {row.change:+.0%} ({row.low:+.0%} to {row.high:+.0%})"
        for row in rows[:_MOST_POOLS]
    )
    if not found.losing_regions:
        return lost
    most = max(found.losing_regions, key=lambda row: row.loss[0] - row.share[0])
    return (
        f"{lost}; {found.regions.names[most.region]}: {most.loss[0]:.0%} of the loss "
        f"({most.loss[1]:.0%} to {most.loss[2]:.0%}), {most.share[0]:.0%} of the hashrate "
        f"({most.share[1]:.0%} to {most.share[2]:.0%})"
    )


def _season(found: Explanation) -> str:
    from datetime import UTC, datetime

    return f"began in {datetime.fromtimestamp(found.drop.start, UTC):%B}"


def _hashprice(found: Explanation) -> str:
    margin = found.margin
    if margin is None:
        return "missing"
    squeeze = margin.squeeze
    cost, newly = squeeze.break_even_usd_per_phs_day, squeeze.newly
    return (
        f"{margin.hashprice:.1f} USD/PH/s/day to {iso_day(margin.day)}, "
        f"{exp(margin.log_change) - 1:+.0%} against the 60 days before, above "
        f"{margin.percentile:.0%} of the year's days, which put {_points(newly.value)} "
        f"({_points(newly.low)} to {_points(newly.high)}) of what ran under water; the mean "
        f"machine takes {cost.value:.0f} ({cost.low:.0f} to {cost.high:.0f}): {squeeze.rests_on}; "
        f"price {margin.price_drawdown:.0%} below its high of 90 days"
    )


def _points(share: float) -> str:
    """A share as people read it; none of it is not minus none of it."""
    return f"{share:.0%}".replace("-0%", "0%")


def _power(found: Explanation) -> str:
    if not found.power:
        return "missing"
    said = []
    for one in found.power:
        text = (
            f"{one.vendor}: {one.highest:.0f} USD/MWh on {iso_day(one.day)}, usual {one.usual:.0f}"
        )
        if isfinite(one.load) and isfinite(one.usual_load):
            text += f"; load {one.load:,.0f} MW, usual {one.usual_load:,.0f}"
        said.append(text)
    return "; ".join(said)
