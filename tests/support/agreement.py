"""Written rules by which the head of a page and its chapters agree; each finds what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.inference.gap.explanation import REAL_FROM, matters
from hashcanary.studies.verdict.states import OF_CAUSE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.inference.gap.gap import Drop, Gap
    from hashcanary.report.document import Report

_CAUSE_OF = {state: cause for cause, state in OF_CAUSE.items()}
# a state that is said to hold, and one that is said to hold for sure
_HOLDS, _SURE = 0.5, 0.9
# part of the highest level that nobody can call calm
_LARGE = 0.05
# and one below which a drop has come back
_COUNTS = 0.005


def contradictions(
    probabilities: Mapping[str, float],
    gap: Gap,
    rising: float,
    explained: Drop | None,
    below: float,
) -> list[str]:
    """What the head and the explanation of a drop say against each other, in words.

    below: the median gap.
    """
    state = max(probabilities, key=lambda name: probabilities[name])
    share = probabilities[state]
    live = [one for one in gap.drops if matters(one, below)]
    found = [*_parts(gap), *_of_drop(gap, explained, live)]
    if state in {"calm", "noise"} and share > _HOLDS:
        found += [
            f"{state}, and a real drop takes {one.share.value:.1%} away"
            for one in live
            if one.probability >= _SURE and one.share.value > _LARGE
        ]
        if gap.below.low > _LARGE:
            found.append(f"{state}, and hashrate is at least {gap.below.low:.1%} below its high")
    if state in _CAUSE_OF and share > _SURE and not _caused(_CAUSE_OF[state], gap):
        found.append(f"{state} for sure, and no part of the gap has that cause")
    if state == "recovering" and share > _SURE and rising < 1 - _SURE:
        found.append(f"recovering for sure, and rising with probability {rising:.0%}")
    if state in {"capitulating", "exiting"} and share > _SURE and rising > 0.99:
        found.append(f"{state} for sure, and rising with probability {rising:.0%}")
    return found


def _parts(gap: Gap) -> list[str]:
    total = sum(one.share.value for one in gap.drops) + gap.scattered.value + gap.growth.value
    by_cause = sum(one.value for one in gap.causes.values()) + gap.growth.value
    return [
        f"parts add up to {one:.4f} of a gap of {gap.below.value:.4f}"
        for one in (total, by_cause)
        if abs(one - gap.below.value) > 1e-9
    ]


def _of_drop(gap: Gap, explained: Drop | None, live: list[Drop]) -> list[str]:
    if explained is None:
        return ["a real drop is out, and none is explained"] if live else []
    if explained not in gap.drops:
        return ["the drop that is explained is none of the head's"]
    if live and explained != live[-1]:
        return ["the drop that is explained is not the newest that is out"]
    return []


def _caused(cause: str, gap: Gap) -> bool:
    """Whether a drop has the cause as its likeliest, or what is in no drop takes as much."""
    own = any(
        max(one.causes, key=lambda name: one.causes[name]) == cause
        and one.probability >= REAL_FROM / 2
        and one.share.value >= _COUNTS
        for one in gap.drops
    )
    return own or gap.scattered.value + gap.growth.value > gap.below.value / 3


def page_contradictions(report: Report, gauge: str | None, *, inverted: bool | None) -> list[str]:
    """Sentences of a page that are missing where ribbons or gauge part from the head's state."""
    from hashcanary.views.verdict import gauge_difference, ribbon_difference

    state, found = report.head.state, []
    texts = {each.key: " ".join((each.lead, *each.notes)) for each in report.sections}
    wanted = [("hurt", gauge_difference(state, gauge))]
    if inverted is not None:
        wanted.append(("ribbons", ribbon_difference(state, inverted=inverted)))
    for key, sentence in wanted:
        if sentence and sentence not in texts[key]:
            found.append(f"the chapter {key} does not say: {sentence}")
    return found


def stamps(report: Report, others: Sequence[str]) -> list[str]:
    """Leads of chapters that call the state another one."""
    said = f"mining is {report.head.state}"
    return [
        f"the chapter {each.key} says that mining is {other}"
        for each in report.sections
        for other in others
        if f"mining is {other}" in each.lead and f"mining is {other}" != said
    ]
