"""Builds the report: a document of data from a record, and from nothing beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from hashcanary.moments import DAY
from hashcanary.report.datasets import datasets
from hashcanary.report.document import Dataset, Report, Section, glossary
from hashcanary.report.reading import Reading
from hashcanary.report.sections.basis import basis
from hashcanary.report.sections.history import history, ribbons
from hashcanary.report.sections.hurt import after_of, compute_hurt, hurt_datasets, who_is_hurt
from hashcanary.report.sections.now import now, revenue
from hashcanary.report.sections.outlook import next_retarget, outlook, outlook_datasets
from hashcanary.report.sections.pools import pools, who_mined
from hashcanary.report.sections.why import explained, why
from hashcanary.studies.episodes import EpisodeStudy
from hashcanary.version import __version__
from hashcanary.views.text import harmless
from hashcanary.views.verdict import head, no_head

if TYPE_CHECKING:
    from hashcanary.store.record import Record
    from hashcanary.studies.verdict.verdict import Verdict

TITLE = "Bitcoin mining stress"
ORDER = ("now", "history", "why", "revenue", "hurt", "pools", "ribbons", "next", "basis")


def build_report(record: Record) -> Report:
    """The report on a record. Raises NothingToMeasure when it holds nothing to report on."""
    with ThreadPoolExecutor(3) as beside:
        counted, inferred = beside.submit(compute_hurt, record), beside.submit(outlook, record)
        # one after the other: both read the draws of the last year
        telling = beside.submit(lambda: (judged(record), explained(record)))
        measured = _measured(record)
        ahead, hurting = inferred.result(), counted.result()
        found, explanation = telling.result()
    if isinstance(found, str):
        first = no_head(record, found)
    else:
        first = head(record, found, ahead.forecast, hurting.years.costs)
    after, no_after = after_of(record, hurting, ahead)
    chapters = {section.key: section for section in measured.sections}
    chapters["ribbons"] = ribbons(measured.reading, measured.studies, first.state)
    chapters["why"] = why(explanation)
    chapters["hurt"] = who_is_hurt(hurting, first.state, after, no_after)
    chapters["next"] = next_retarget(ahead)
    blocks = record.chain
    return Report(
        title=TITLE,
        network=record.network.name,
        simulated=record.simulated,
        at_text=harmless(record.at_text),
        as_of=measured.as_of,
        tip_height=int(blocks["height"][-1]) if blocks.height else None,
        tip_time=int(blocks["time"][-1]) if blocks.height else None,
        head=first,
        sections=tuple(chapters[key] for key in ORDER),
        glossary=glossary(),
        datasets=(*measured.datasets, *hurt_datasets(hurting), *outlook_datasets(ahead)),
        code_version=__version__,
        command=_command(record),
        provenance=dict(record.provenance),
    )


def judged(record: Record) -> Verdict | str:
    """The verdict, or why there is none."""
    from hashcanary.inference.errors import NoBlocksToObserve, NoRetargets, TooFewToExplain
    from hashcanary.metrics.errors import NothingToMeasure
    from hashcanary.studies.verdict.verdict import verdict_of

    try:
        return verdict_of(record)
    except (NoBlocksToObserve, NoRetargets, NothingToMeasure, TooFewToExplain) as error:
        return str(error)


class _Measured(NamedTuple):
    """What is read off the metrics; as_of: as ``Report`` has it."""

    as_of: int | None
    reading: Reading
    studies: tuple[EpisodeStudy, ...]
    sections: tuple[Section, ...]
    datasets: tuple[Dataset, ...]


def _measured(record: Record) -> _Measured:
    from hashcanary.metrics.engine import metrics_of
    from hashcanary.metrics.vendor import VENDOR
    from hashcanary.studies.episodes import find_episodes, with_luck

    # of those in the record, prices of power among them, the one whose figures stand in for blocks
    metrics = metrics_of(record)
    reading = Reading(metrics, [VENDOR] if VENDOR in record.daily["vendor"] else [])
    studies = with_luck(metrics, find_episodes(metrics, simulated=record.simulated))
    as_of = None if reading.today is None else reading.today + DAY
    mined = who_mined(record, reading.today)
    return _Measured(
        as_of,
        reading,
        studies,
        (
            now(reading),
            history(reading),
            revenue(reading),
            pools(record, reading, mined),
            basis(record, reading, _command(record)),
        ),
        datasets(record, metrics, studies[0], as_of, mined.shares),
    )


def _command(record: Record) -> str:
    if record.at is None:
        return "hashcanary report --html report.html"
    return f"hashcanary report --at {harmless(record.at_text)} --html report.html"
