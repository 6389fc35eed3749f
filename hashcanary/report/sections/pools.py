"""Chapter 4: who mined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Figure, Ledger, Section
from hashcanary.report.reading import LATE_DAYS, Reading
from hashcanary.views.pools import changes, lead, shares
from hashcanary.views.text import count, day, harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.store.record import Record
    from hashcanary.studies.pools import PoolShares, PoolStudy
    from hashcanary.views.table import Table

DAYS = 7
# metric, label, glossary term
_FIGURES: tuple[tuple[str, str, str], ...] = (
    ("pools.largest_share30", "Share of the largest pool", "pools"),
    ("pools.group_largest_share30", "Share of the largest group of pools", "groups"),
    ("pools.nakamoto30", "Nakamoto coefficient: pools above a half", "nakamoto"),
    ("pools.group_nakamoto30", "The same, by groups of pools", "groups"),
    ("pools.hhi30", "Herfindahl-Hirschman index", "hhi"),
    ("pools.group_hhi30", "The same, by groups of pools", "groups"),
    ("pools.unknown_share30", "Blocks of no known pool", "pools"),
)


@dataclass(frozen=True, slots=True)
class WhoMined:
    """What a record says of pools at its end; ``missing`` says why where it says nothing.

    shares: None where no 30 days in a row are labelled.
    """

    study: PoolStudy | None = None
    shares: PoolShares | None = None
    missing: str = ""


def who_mined(record: Record, today: int | None) -> WhoMined:
    """Pools of the last days and of the days before. today: start of the last measured day."""
    from hashcanary.report.charts.catalogue import MOST_POOLS
    from hashcanary.studies.errors import NoPoolLabels
    from hashcanary.studies.pools import pool_shares, study_pools

    if record.pool_list is None or record.pool_labels.is_empty():
        return WhoMined(
            missing="no block of the record has a label: `hashcanary pools --label` labels those "
            "whose coinbase is known, and a sync from a node or its block files brings coinbases"
        )
    try:
        study = study_pools(record, DAYS)
    except NoPoolLabels as error:
        return WhoMined(
            missing=f"it takes {DAYS} days in a row whose blocks all have a label, and the record "
            f"has {error.fields['found']}"
        )
    if today is None or study.end < today + DAY - LATE_DAYS * DAY:
        return WhoMined(
            missing=f"the last day whose blocks all have a label is {day(study.end - 1)}; "
            "`hashcanary pools --label` labels later ones whose coinbase is known"
        )
    try:
        return WhoMined(study, pool_shares(record, most=MOST_POOLS))
    except NoPoolLabels:
        return WhoMined(study)


def pools(record: Record, reading: Reading, found: WhoMined) -> Section:
    """Shares, changes beyond luck and concentration; one line where nothing is known."""
    study = found.study
    if study is None:
        return _section(
            f"Missing: pools of the last blocks. {found.missing[:1].upper()}{found.missing[1:]}.",
            (),
            (),
        )
    drawing = () if found.shares is None else (Drawing("pools"),)
    ledger = Ledger(
        "concentration",
        "Concentration, 30 days",
        tuple(_figures(reading, f"labels of {harmless(study.list)}")),
    )
    return _section(
        lead(study), (*drawing, shares(study), changes(study), ledger), (_labels(record, study),)
    )


def _section(
    lead: str, parts: tuple[Ledger | Table | Drawing, ...], notes: tuple[str, ...]
) -> Section:
    return Section(
        key="pools", short="Pools", title="Who mined", lead=lead, parts=parts, notes=notes
    )


def _figures(reading: Reading, source: str) -> Iterator[Figure]:
    """The figures of concentration; by groups only where any pools belong together."""
    last = {name: reading.last(name) for name, _, _ in _FIGURES}
    for name, label, term in _FIGURES:
        alone = last.get(name.replace("group_", "")) if "group_" in name else None
        grouped = last[name]
        if (
            alone
            and grouped
            and (alone["value"], alone["low"]) == (grouped["value"], grouped["low"])
        ):
            continue
        yield reading.figure(name, label, term=term, source=source)


def _labels(record: Record, study: PoolStudy) -> str:
    """Which list labelled, how much of the record, and how many blocks it leaves out."""
    heights = record.pool_labels["height"]
    first = int(heights[0])
    whole = record.chain.filter(record.chain["height"] >= first).height
    left = whole - heights.len()
    after = int((record.chain["time"] >= study.end).sum())
    without = "all of them" if not left else f"all but {left:,}"
    text = (
        f"Labels of pools: {harmless(study.list)}. From block {first:,} on the record holds "
        f"{count(whole, 'block')}, {without} labelled."
    )
    if after:
        text += f" The {count(after, 'block')} since {day(study.end)} are not counted yet."
    return text
