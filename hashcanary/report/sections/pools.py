"""Chapter 4: who mined."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from hashcanary.moments import DAY
from hashcanary.report.document import Drawing, Ledger, Section
from hashcanary.report.reading import LATE_DAYS
from hashcanary.sources.pools.pool_lists import UNKNOWN
from hashcanary.units import COUNT, FRACTION, HASHRATE
from hashcanary.views.table import INTERVAL, Column, Table
from hashcanary.views.text import count, day, harmless, in_points, percent, period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.report.document import Figure
    from hashcanary.report.reading import Reading
    from hashcanary.store.record import Record
    from hashcanary.studies.pool_shares import PoolShares
    from hashcanary.studies.pools import PoolRow, PoolStudy
    from hashcanary.views.table import Cell

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
    from hashcanary.report.charts.pools import MOST
    from hashcanary.studies.errors import NoPoolLabels
    from hashcanary.studies.pool_shares import pool_shares
    from hashcanary.studies.pools import study_pools

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
        return WhoMined(study, pool_shares(record, most=MOST))
    except NoPoolLabels:
        return WhoMined(study)


def pools(record: Record, reading: Reading, found: WhoMined) -> Section:
    """Shares, changes beyond luck and concentration; one line where nothing is known."""
    study = found.study
    if study is None:
        return _section(f"Who mined the last blocks is not known: {found.missing}.", (), ())
    drawing = () if found.shares is None else (Drawing("pools"),)
    ledger = Ledger(
        "concentration",
        "How concentrated it is, 30 days",
        tuple(_figures(reading, f"labels of {harmless(study.list)}")),
    )
    return _section(
        _lead(study), (*drawing, _shares(study), _changes(study), ledger), (_labels(record, study),)
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


def _lead(study: PoolStudy) -> str:
    known = [row for row in study.rows if row.pool != UNKNOWN and row.blocks]
    span = period(study.start, study.end)
    if not known:
        return f"Of the {count(study.blocks, 'block')} of {span} none is of a known pool."
    first = known[0]
    text = (
        f"Of the {count(study.blocks, 'block')} of {span} {harmless(first.name)} found "
        f"{percent(first.share.value)} (95%: {percent(first.share.low)} to "
        f"{percent(first.share.high)})"
    )
    fewest = study.nakamoto.value
    if not isnan(fewest):
        text += f", and {fewest:.0f} pools more than half" if fewest > 1 else ", more than half"
    return f"{text}. {_verdict(study)}"


def _verdict(study: PoolStudy) -> str:
    """What changed by more than luck, in a sentence."""
    if study.before is None:
        return f"The {DAYS} days before are not all labelled: nothing is compared."
    moved = [row for row in study.rows if row.beyond_luck]
    if not moved:
        return f"Against the {DAYS} days before no pool's share changed by more than luck."
    named = ", ".join(
        f"{harmless(row.name)} ({in_points(row.share_change.value)} points)"
        for row in moved
        if row.share_change is not None
    )
    return f"Against the {DAYS} days before these shares changed by more than luck: {named}."


def _shares(study: PoolStudy) -> Table:
    return Table(
        key="pool_shares",
        title=f"Shares and hashrate, {DAYS} days",
        columns=(
            Column("pool", "pool"),
            Column("blocks", "blocks", COUNT),
            Column("share", "share of the blocks (95%)", FRACTION, limits=INTERVAL),
            Column("hashrate", "hashrate (95%)", HASHRATE, limits=INTERVAL),
        ),
        rows=tuple(_share_row(row) for row in study.rows if row.blocks),
        note="Intervals: of shares exact (Clopper and Pearson); of hashrates exact for the luck of "
        "finding blocks. They do not cover wrong labels.",
    )


def _share_row(row: PoolRow) -> tuple[Cell, ...]:
    share, rate = row.share, row.hashrate
    return (
        _named(row),
        row.blocks,
        share,
        rate,
    )


def _named(row: PoolRow) -> str:
    return "no known pool" if row.pool == UNKNOWN else harmless(row.name)


def _changes(study: PoolStudy) -> Table:
    rows = [
        (
            _named(row),
            row.share_change,
            {True: "yes", False: "no", None: ""}[row.beyond_luck],
        )
        for row in study.rows
        if row.share_change is not None
    ]
    rows.sort(key=lambda row: row[2] != "yes")  # the sort is stable: else by size
    return Table(
        key="pool_changes",
        title=f"Change of the share against the {DAYS} days before",
        columns=(
            Column("pool", "pool"),
            Column(
                "change", "change, percentage points (95%)", FRACTION, limits=INTERVAL, points=True
            ),
            Column("beyond_luck", "beyond luck"),
        ),
        rows=tuple(rows),
        note=(
            "Intervals: of the difference of two shares (Zou and Donner). Beyond luck: by Fisher's "
            f"exact test, corrected for the {study.compared} pools compared (Holm): if no share "
            "had changed, luck would flag any of them in at most 5% of such tables."
        ),
        empty=f"The {DAYS} days before are not all labelled: nothing is compared.",
        drawn=True,
    )


def _labels(record: Record, study: PoolStudy) -> str:
    """Which list labelled, how much of the record, and how many blocks it leaves out."""
    heights = record.pool_labels["height"]
    first = int(heights[0])
    whole = record.blocks.filter(record.blocks["height"] >= first).height
    left = whole - heights.len()
    after = int((record.blocks["time"] >= study.end).sum())
    without = "all of them" if not left else f"all but {left:,}"
    text = (
        f"Who mined is told by {harmless(study.list)}: from block {first:,} on the record holds "
        f"{count(whole, 'block')}, {without} with a label."
    )
    if after:
        text += f" The {count(after, 'block')} since {day(study.end)} are not counted yet."
    return text
