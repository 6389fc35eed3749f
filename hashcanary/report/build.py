"""Builds the report: a document of data from a record, and from nothing beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.report.datasets import datasets
from hashcanary.report.document import Dataset, Report, Section, glossary
from hashcanary.report.reading import Reading
from hashcanary.report.sections.basis import basis
from hashcanary.report.sections.history import history, last_true, ribbons
from hashcanary.report.sections.hurt import after_of, compute_hurt, hurt_datasets, who_is_hurt
from hashcanary.report.sections.now import now, pace, revenue
from hashcanary.report.sections.outlook import next_retarget, outlook, outlook_datasets
from hashcanary.report.sections.pools import pools, who_mined
from hashcanary.report.sections.why import explained, why
from hashcanary.report.verdict import RecentDrop, Signs, judge
from hashcanary.studies.luck import Drawdown, luck_of_drawdowns
from hashcanary.version import __version__
from hashcanary.views.text import harmless

if TYPE_CHECKING:
    from hashcanary.inference.explain.attribution import Explanation
    from hashcanary.store.record import Record
    from hashcanary.studies.episodes import EpisodeStudy

TITLE = "Bitcoin mining stress"
ORDER = ("now", "history", "why", "revenue", "hurt", "pools", "ribbons", "next", "basis")


def build_report(record: Record) -> Report:
    """The report on a record. Raises NothingToMeasure when it holds nothing to report on."""
    with ThreadPoolExecutor(3) as beside:
        counted = beside.submit(compute_hurt, record)
        inferred, explaining = beside.submit(outlook, record), beside.submit(explained, record)
        as_of, seen, sections, drawn = _measured(record)
        ahead, hurting = inferred.result(), counted.result()
        explanation = explaining.result()
    after, no_after = after_of(record, hurting, ahead)
    chapters = {section.key: section for section in sections}
    chapters["why"] = why(explanation)
    chapters["hurt"] = who_is_hurt(hurting, after, no_after)
    chapters["next"] = next_retarget(ahead)
    blocks = record.chain
    return Report(
        title=TITLE,
        network=record.network.name,
        simulated=record.simulated,
        at_text=harmless(record.at_text),
        as_of=as_of,
        tip_height=int(blocks["height"][-1]) if blocks.height else None,
        tip_time=int(blocks["time"][-1]) if blocks.height else None,
        verdict=judge(replace(seen, stress=hurting.years.stress, drop=_recent_drop(explanation))),
        sections=tuple(chapters[key] for key in ORDER),
        glossary=glossary(),
        datasets=(*drawn, *hurt_datasets(hurting), *outlook_datasets(ahead)),
        code_version=__version__,
        command=_command(record),
        provenance=dict(record.provenance),
    )


def _recent_drop(explanation: Explanation | str) -> RecentDrop | None:
    from hashcanary.inference.explain.causes import LUCK

    if isinstance(explanation, str):
        return None
    real = 1 - explanation.probabilities[LUCK]
    return RecentDrop(real, round(explanation.drop.start), explanation.reach)


def _measured(
    record: Record,
) -> tuple[int | None, Signs, tuple[Section, ...], tuple[Dataset, ...]]:
    """What is read off the metrics; the first of it is ``as_of`` of ``Report``."""
    from hashcanary.metrics.engine import metrics_of
    from hashcanary.metrics.vendor import VENDOR
    from hashcanary.studies.episodes import find_episodes, with_luck

    # of those in the record, prices of power among them, the one whose figures stand in for blocks
    metrics = metrics_of(record)
    reading = Reading(metrics, [VENDOR] if VENDOR in record.daily["vendor"] else [])
    studies = with_luck(metrics, find_episodes(metrics, simulated=record.simulated))
    as_of = None if reading.today is None else reading.today + DAY
    mined = who_mined(record, reading.today)
    return (
        as_of,
        signs(reading, studies[0]),
        (
            now(reading),
            history(reading),
            revenue(reading),
            pools(record, reading, mined),
            ribbons(reading, studies),
            basis(record, reading, _command(record)),
        ),
        datasets(record, metrics, studies[0], as_of, mined.shares),
    )


def _command(record: Record) -> str:
    if record.at is None:
        return "hashcanary report --html report.html"
    return f"hashcanary report --at {harmless(record.at_text)} --html report.html"


def signs(reading: Reading, study: EpisodeStudy) -> Signs:
    """What the verdict looks at, read off the results."""
    fall = reading.current("drawdown.sma30")
    if reading.today is None or fall is None:
        missing = reading.figure("drawdown.sma30", "").missing
        return Signs(missing=f"the 30-day mean of the hashrate is not known ({missing})")
    rate = reading.current("hashrate.sma30")
    state = reading.current("ribbon.state")
    counted = reading.current("ribbon.days_inverted")
    ended = [one for one in study.episodes if one.end is not None]
    found = pace(reading)
    (luck,) = luck_of_drawdowns(reading.metrics, "sma30", [Drawdown.of(fall)])
    lasting = None if study.current is None else study.current.luck
    return Signs(
        today=reading.today,
        hashrate=Interval(rate["value"], rate["low"], rate["high"]) if rate else None,
        drawdown=Interval(fall["value"], fall["low"], fall["high"]),
        luck=luck,
        peak=int(fall["peak_time"]),
        inverted=None if state is None else state["value"] == "inverted",
        days_inverted=int(counted["value"]) if counted else 0,
        inversion=None if lasting is None else lasting.inversion,
        ended=ended[-1].end if ended else None,
        ended_days=ended[-1].days if ended else 0,
        buy=last_true(reading, "ribbon.buy_state"),
        block_minutes=found[0] if found else None,
    )
