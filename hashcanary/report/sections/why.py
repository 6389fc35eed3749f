"""Chapter: whether hashrate dropped of late, and why; with the evidence for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.report.document import Figure, Ledger, Section, ends
from hashcanary.units import FRACTION, PROBABILITY
from hashcanary.views.drop import POSTERIOR, details, headline, missing_text, sentences, table
from hashcanary.views.text import probability

if TYPE_CHECKING:
    from hashcanary.inference.gap.explanation import Explanation
    from hashcanary.interval import Interval
    from hashcanary.store.record import Record
    from hashcanary.views.table import Table

_KEY, _TITLE = "why", "Is it real, and why"
_ASSUMPTIONS = (
    "What causes look like and where pools' machines stand are stated assumptions; on simulated "
    "worlds of known causes the probabilities are calibrated."
)


def explained(record: Record) -> Explanation | str:
    """The drop that matters now and its causes, or why the blocks do not tell."""
    from hashcanary.inference.errors import NoBlocksToObserve, NoRetargets, TooFewToExplain
    from hashcanary.inference.gap.explanation import explain_drop
    from hashcanary.metrics.errors import NothingToMeasure

    try:
        return explain_drop(record)
    except (NoBlocksToObserve, NoRetargets, NothingToMeasure, TooFewToExplain) as error:
        return str(error)


def why(explanation: Explanation | str) -> Section:
    """An explanation as a chapter; a line where there is none."""
    if isinstance(explanation, str):
        lead = f"Why hashrate moved is unknown: {explanation}"
        return Section(_KEY, "Why", _TITLE, lead, ())
    if explanation.explained is None:
        return Section(_KEY, "Why", _TITLE, f"{headline(explanation)}.", ())
    evidence, pools = table(explanation, "evidence"), table(explanation, "pools")
    parts: list[Ledger | Table] = [
        _causes(explanation),
        replace(evidence, note=f"{evidence.note} {_ASSUMPTIONS}"),
    ]
    if explanation.others:
        parts.append(replace(table(explanation, "drops"), key="drops"))
    if pools.shown:
        parts.append(replace(pools, key="pool_losses", rows=pools.shown))
    return Section(
        key=_KEY,
        short="Why",
        title=_TITLE,
        lead=" ".join([f"{headline(explanation)}.", *sentences(explanation)]),
        parts=tuple(parts),
        notes=(
            *details(explanation),
            *(f"Missing: {missing_text(each)}." for each in explanation.missing),
        ),
    )


def _causes(explanation: Explanation) -> Ledger:
    since, until = None, round(explanation.now)
    figures: list[Figure] = []
    if explanation.explained is not None:
        drop = explanation.explained.drop
        since = round(drop.begin.value)
        figures.append(_depth(drop.depth, since, until))
    figures += [
        Figure(
            key=f"explain.{name}",
            label=f"Probability of {title}",
            value=posterior,
            unit=PROBABILITY,
            since=since,
            until=until,
            source="the evidence below",
            note=f"{probability(prior)} before any evidence",
            term="cause",
        )
        for name, title, posterior, prior in table(explanation, "causes").rows
    ]
    return Ledger("causes", "How probable each cause is", tuple(figures))


def _depth(depth: Interval, since: int, until: int) -> Figure:
    return Figure(
        "explain.depth",
        "Depth of the drop, if it is real",
        **ends(depth.scaled(-1)),
        unit=FRACTION,
        interval=POSTERIOR,
        since=since,
        until=until,
        source="block headers",
        term="cause",
    )
