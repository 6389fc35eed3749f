"""Chapter 5: ribbons and episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.report.verdict import INVERTED_DAYS
from hashcanary.units import STATE
from hashcanary.views.episodes import rule_after, rule_table
from hashcanary.views.text import count, day

if TYPE_CHECKING:
    from hashcanary.report.reading import Reading
    from hashcanary.studies.episodes import EpisodeStudy


def ribbons(reading: Reading, studies: tuple[EpisodeStudy, ...]) -> Section:
    """The ribbons today, and every episode with what the price did next."""
    return Section(
        key="ribbons",
        short="Ribbons, episodes",
        title="Ribbons and episodes",
        lead=_lead(reading, studies[0]),
        parts=(
            Drawing("price"),
            Drawing("ribbon"),
            Ledger("ribbons", "The ribbons today", _today(reading)),
            *(part for study in studies for part in (rule_table(study), rule_after(study))),
        ),
    )


def _today(reading: Reading) -> tuple[Figure, ...]:
    return (
        reading.figure("ribbon.state", "Hash ribbons", term="ribbons"),
        reading.figure("ribbon.oscillator", "30-day mean / 60-day mean − 1", term="ribbons"),
        reading.figure("ribbon.days_inverted", "Inverted for", term="ribbons"),
        _last_true(reading, "ribbon.recovery", "Last recovery", "ribbons"),
        _last_true(reading, "ribbon.buy_state", "Last day the buy rule was met", "buy"),
    )


def last_true(reading: Reading, name: str) -> int | None:
    """Start of the last day on which a mark stands, Unix seconds."""
    rows = reading.metrics[name].present()
    true = rows.filter(rows["value"])["time"]
    return int(true[-1]) if true.len() else None


def _last_true(reading: Reading, name: str, label: str, term: str) -> Figure:
    time = last_true(reading, name)
    known = reading.last(name)
    if time is None:
        why = reading.figure(name, label).missing if known is None else "no such day on record"
        return Figure(key=name, label=label, value=None, unit=STATE, missing=why, term=term)
    return Figure(
        key=name,
        label=label,
        value=day(time),
        unit=STATE,
        since=time,
        until=time + DAY,
        source=reading.grounds[known["basis"]] if known else "",
        note="up to " + day(known["time"]) if known else "",
        term=term,
    )


def _lead(reading: Reading, study: EpisodeStudy) -> str:
    long = [one for one in study.episodes if one.days >= INVERTED_DAYS]
    if study.covered_from is None:
        return "Missing: the 60 days of hashrate that the ribbons need."
    text = (
        f"Since {day(study.covered_from)} the ribbons have been inverted "
        f"{count(len(study.episodes), 'time')}, {len(long)} of them for a week or more."
    )
    row = reading.current("ribbon.state")
    if row is None:
        return text
    state = "They are inverted now" if row["value"] == "inverted" else "They are not inverted now"
    return (
        f"{text} {state}. Few of their windows are independent, so past returns are weak evidence."
    )
