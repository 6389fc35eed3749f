"""Chapter: whether hashrate dropped of late, and why; with the evidence for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.report.document import Figure, Ledger, Section, ends
from hashcanary.units import FRACTION, PROBABILITY
from hashcanary.views.drop import POSTERIOR, details, headline, missing_text, sentences, table
from hashcanary.views.text import probability

if TYPE_CHECKING:
    from hashcanary.inference.explain.attribution import Explanation
    from hashcanary.store.record import Record
    from hashcanary.views.table import Table

_KEY, _TITLE = "why", "Is it real, and why"
_ASSUMPTIONS = (
    "What causes look like and where pools' machines stand are stated assumptions; on simulated "
    "worlds of known causes the probabilities are calibrated."
)


def explained(record: Record) -> Explanation | str:
    """The likeliest drop of late and its causes, or why the blocks do not tell."""
    from hashcanary.inference.errors import NoBlocksToObserve, NoRetargets, TooFewToExplain
    from hashcanary.inference.explain.attribution import explain_drop

    try:
        return explain_drop(record)
    except (NoBlocksToObserve, NoRetargets, TooFewToExplain) as error:
        return str(error)


def why(explanation: Explanation | str) -> Section:
    """An explanation as a chapter; a line where there is none."""
    if isinstance(explanation, str):
        lead = f"Why hashrate moved is unknown: {explanation}"
        return Section(_KEY, "Why", _TITLE, lead, ())
    evidence, pools = table(explanation, "evidence"), table(explanation, "pools")
    parts: list[Ledger | Table] = [
        _causes(explanation),
        replace(evidence, note=f"{evidence.note} {_ASSUMPTIONS}"),
    ]
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
    drop = explanation.drop
    since, until = round(drop.start), round(drop.now)
    depth = Figure(
        "explain.depth",
        "Depth of the drop, if it is real",
        **ends(drop.depth.scaled(-1)),
        unit=FRACTION,
        interval=POSTERIOR,
        since=since,
        until=until,
        source="block headers",
        term="cause",
    )
    return Ledger(
        "causes",
        "How probable each cause is",
        (
            depth,
            *(
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
            ),
        ),
    )
