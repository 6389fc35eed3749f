"""Chapter: was the fall real, and why; with the evidence that says so."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.report.document import Figure, Ledger, Section
from hashcanary.units import COUNT, FRACTION, PROBABILITY
from hashcanary.views.table import INTERVAL, Column, Table
from hashcanary.views.text import count, harmless, probability

if TYPE_CHECKING:
    from hashcanary.inference.explain.attribution import Explanation
    from hashcanary.store.record import Record

_KEY, _TITLE = "why", "Is it real, and why"
_INTERVAL = "central 95% interval of the posterior"
_NOT_SHOWN = "luck"
# of a pool with fewer blocks before a fall not even half its loss could be told from luck
_ENOUGH_BLOCKS = 30


def why(record: Record) -> Section:
    """The largest fall of late: how surely it is one, and what probably caused it."""
    from hashcanary.inference.errors import NoBlocksToObserve, NoRetargets, TooFewToExplain
    from hashcanary.inference.explain.attribution import explain_drop

    try:
        found = explain_drop(record)
    except (NoBlocksToObserve, NoRetargets, TooFewToExplain) as error:
        lead = f"Why the hashrate moved cannot be said: {error}"
        return Section(_KEY, "Why", _TITLE, lead, ())
    return told(found)


def told(found: Explanation) -> Section:
    """An explanation as a chapter."""
    from hashcanary.report.explaining import headline, sentences

    return Section(
        key=_KEY,
        short="Why",
        title=_TITLE,
        # the ledger below gives the probabilities
        lead=" ".join([f"{headline(found)}.", *sentences(found)[:-1]]),
        parts=(_causes(found), _evidence(found), *_pools(found)),
        notes=_notes(found),
    )


def _causes(found: Explanation) -> Ledger:
    drop = found.drop
    since, until = round(drop.start), round(drop.now)
    depth = Figure(
        key="explain.depth",
        label="Depth of the fall, if it is real",
        value=-drop.depth,
        unit=FRACTION,
        low=-drop.high,
        high=-drop.low,
        interval=_INTERVAL,
        since=since,
        until=until,
        source="block headers",
        term="cause",
    )
    probable = sorted(found.probabilities, key=lambda name: -found.probabilities[name])
    return Ledger(
        "causes",
        "How probable each cause is",
        (
            depth,
            *(
                Figure(
                    key=f"explain.{name.replace(' ', '_')}",
                    label=f"Probability of {found.causes.title(name)}",
                    value=found.probabilities[name],
                    unit=PROBABILITY,
                    since=since,
                    until=until,
                    source="the evidence below",
                    note=f"{probability(found.prior[name])} before any evidence",
                    term="cause",
                )
                for name in probable
            ),
        ),
    )


def _evidence(found: Explanation) -> Table:
    from hashcanary.inference.explain.causes import NAMES
    from hashcanary.report.explaining import evidence_lines

    shown = [name for name in NAMES if name != _NOT_SHOWN]
    return Table(
        key="evidence",
        title="The evidence",
        columns=(
            Column("evidence", "evidence"),
            Column("says", "what it says"),
            *(Column(name.replace(" ", "_"), found.causes.title(name)) for name in shown),
            Column("source", "rests on", spare=1),
        ),
        rows=tuple(
            (
                line.title,
                harmless(line.says),
                *(None if line.factors is None else factor(line.factors[name]) for name in shown),
                line.source,
            )
            for line in evidence_lines(found)
        ),
        note=(
            "×N, ÷N: how many times likelier, or less likely, the evidence is under a cause than "
            "under luck, each kind given those above it. What causes look like and where pools' "
            "machines stand are stated assumptions, and on simulated worlds of known causes the "
            "probabilities are right as often as they say."
        ),
    )


def factor(log_factor: float) -> str:
    """A log Bayes factor as people read it: ``×7.2``, ``÷17``."""
    times = exp(min(abs(log_factor), 30.0))
    size = f"{times:,.0f}" if times >= 10 else f"{times:.1f}"
    return size if size == "1.0" else ("×" if log_factor > 0 else "÷") + size


def _pools(found: Explanation) -> tuple[Table, ...]:
    shown = [row for row in found.pools if row.before >= _ENOUGH_BLOCKS]
    left = len(found.pools) - len(shown)
    if not shown:
        return ()
    return (
        Table(
            key="pool_losses",
            title="Which pools lost",
            columns=(
                Column("pool", "pool"),
                Column("before", "blocks before", COUNT),
                Column("after", "blocks while low", COUNT),
                Column("change", "change of its hashrate (95%)", FRACTION, limits=INTERVAL),
            ),
            rows=tuple(
                (harmless(row.name), row.before, row.after, Interval(row.change, row.low, row.high))
                for row in shown
            ),
            note=f"{count(left, 'smaller pool')} left out: too few blocks to tell." if left else "",
            drawn=True,
        ),
    )


def _notes(found: Explanation) -> tuple[str, ...]:
    return tuple(f"Lacks {what}." for what in found.lacks)
