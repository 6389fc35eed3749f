"""Who mined how much, and whose share changed by more than luck."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.metrics.concentration import HHI, NAKAMOTO, SHARE
from hashcanary.metrics.intervals import POISSON
from hashcanary.sources.pools.pool_lists import UNKNOWN, built_in
from hashcanary.studies.pools import CHANGE, FALSE_ALARM, RATE_CHANGE, study_pools
from hashcanary.units import COUNT, DAYS, FRACTION, HASHRATE, P_VALUE, RATIO, UNIX_TIME
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import count, harmless, in_points, percent, period

if TYPE_CHECKING:
    from hashcanary.store.record import Record
    from hashcanary.studies.pools import By, PoolRow, PoolStudy


def _named(name: str) -> str:
    return "no known pool" if name == UNKNOWN else name


VIEW = View(
    "pools",
    "pools",
    "Who mined how much, and whose share changed by more than luck?",
    facts=(
        Column("list", "list that labels the blocks"),
        Column("by", "whether pools or groups of pools are counted"),
        Column("window", "length of the window", DAYS, "days"),
        Column("start", "start of the window", UNIX_TIME),
        Column("end", "end of the window", UNIX_TIME),
        Column("known_at", "moment at which the window was known", UNIX_TIME),
        Column("blocks", "blocks of the window", COUNT),
        Column("blocks_before", "blocks of the window before", COUNT, "before"),
        Column("unknown_share", "share of no known pool", FRACTION, limits=SHARE),
        Column("hhi", "Herfindahl-Hirschman index", RATIO, limits=HHI),
        Column("nakamoto", "fewest pools above a half", COUNT, limits=NAKAMOTO),
        Column("false_alarm_rate", "tables with a false flag", FRACTION, lambda _: FALSE_ALARM),
        Column("compared", "pools compared", COUNT),
    ),
    tables={
        "pools": (
            Column("pool", "slug", hidden=True),
            Column("name", "pool", text=_named),
            Column("blocks", "blocks", COUNT),
            Column("share", "share (95%)", FRACTION, limits=SHARE),
            Column("hashrate", "hashrate (95%)", HASHRATE, limits=POISSON, digits=3, spare=2),
            Column("blocks_before", "before", COUNT, "before", hidden=True),
            Column("share_change", "change (95%)", FRACTION, limits=CHANGE, points=True),
            Column(
                "hashrate_change",
                "change of its hashrate (95%)",
                FRACTION,
                limits=RATE_CHANGE,
                digits=0,
                signed=True,
                spare=3,
            ),
            Column("p_value", "p-value", P_VALUE, definition="Fisher's exact test", hidden=True),
            Column("p_corrected", "corrected", P_VALUE, definition="Holm", hidden=True),
            Column("beyond_luck", "beyond luck"),
        )
    },
    more={"test": "the test that tells a change from luck"},
)
_TEST = "Fisher's exact test of equal shares, Holm's correction"


def pools(record: Record, *, days: int = 7, by: By = "pool") -> Answer:
    """Pools of the last measured days: blocks, shares, hashrates, and changes beyond luck.

    days: length of the window and of the one before it. by: ``pool``, or ``group`` for pools
    believed to share templates or an owner. Raises NoPoolLabels.
    """
    return answer(record, study_pools(record, days, by))


def answer(record: Record, study: PoolStudy) -> Answer:
    """The answer of a study that was computed."""
    return Answer(
        VIEW,
        record,
        f"{'Groups of pools' if study.by == 'group' else 'Pools'}, "
        f"{period(study.start, study.end)}, as known at {record.at_text}",
        (Table("pools", "Pools", VIEW.tables["pools"], study.rows),),
        facts=VIEW.facts_of(study),
        more={"test": _TEST},
        sentences=[
            lead(study),
            *([] if study.before is None else [_compared(study)]),
            *_concentration(study),
            *_groups(study),
        ],
        result=study,
    )


def shares(study: PoolStudy) -> Table:
    """Blocks, shares and hashrates alone, of pools that found a block."""
    return Table(
        "pool_shares",
        f"Shares and hashrate, {study.days} days",
        VIEW.columns("pools", "name", "blocks", "share", "hashrate"),
        [row for row in study.rows if row.blocks],
        note="Intervals: of shares exact (Clopper and Pearson); of hashrates exact for the luck of "
        "finding blocks. They do not cover wrong labels.",
    )


def changes(study: PoolStudy) -> Table:
    """Changes of the share alone, those beyond luck first."""
    rows = [row for row in study.rows if row.share_change is not None]
    return Table(
        "pool_changes",
        f"Change of the share against the {study.days} days before",
        VIEW.columns("pools", "name", "share_change", "beyond_luck"),
        # the sort is stable: else by size
        sorted(rows, key=lambda row: row.beyond_luck is not True),
        note="Intervals: of the difference of two shares (Zou and Donner). Beyond luck: by "
        f"Fisher's exact test, with Holm's correction. {_compared(study)}",
        empty=_compared(study),
        drawn=True,
    )


def lead(study: PoolStudy) -> str:
    """Who found most, how many pools make a half, and whose share changed by more than luck."""
    known = [row for row in study.rows if row.pool != UNKNOWN and row.blocks]
    span = period(study.start, study.end)
    if not known:
        return f"Of the {count(study.blocks, 'block')} of {span} none is of a known pool."
    text = (
        f"Of the {count(study.blocks, 'block')} of {span} {harmless(known[0].name)} found "
        f"{percent(known[0].share.value)} (95%: {percent(known[0].share.low)} to "
        f"{percent(known[0].share.high)})"
    )
    fewest = study.nakamoto.value
    if isfinite(fewest):
        text += f", and {fewest:.0f} pools more than half" if fewest > 1 else ", more than half"
    return f"{text}. {_moved(study)}"


def _moved(study: PoolStudy) -> str:
    """What changed by more than luck, in a sentence."""
    if study.before is None:
        return _compared(study)
    beyond = [row for row in study.rows if row.beyond_luck]
    against = f"Against the {study.days} days before"
    if not beyond:
        return f"{against} no pool's share changed by more than luck."
    named = ", ".join(map(_in_points, beyond))
    return f"{against} these shares changed by more than luck: {named}."


def _in_points(row: PoolRow) -> str:
    change = "" if row.share_change is None else in_points(row.share_change.value)
    return f"{harmless(row.name)} ({change} points)"


def _concentration(study: PoolStudy) -> list[str]:
    index, fewest = study.hhi, study.nakamoto
    half = "the known pools have no majority"
    if isfinite(fewest.value):
        top = f"{fewest.high:.0f}" if isfinite(fewest.high) else "more"
        half = f"{fewest.value:.0f} ({fewest.low:.0f} to {top})"
    return [
        f"Herfindahl-Hirschman index: {index.value:.4f} ({index.low:.4f} to {index.high:.4f}). "
        f"Fewest pools above a half: {half}.",
        f"Labels: {study.list}; {percent(study.unknown_share.value)} of the blocks are of no known "
        "pool.",
    ]


def _compared(study: PoolStudy) -> str:
    if study.before is None:
        return f"The {study.days} days before are not all labelled: nothing is compared."
    return (
        f"If no share had changed, luck would flag any of the {study.compared} pools compared in "
        f"at most {percent(FALSE_ALARM, 0)} of such tables."
    )


def _groups(study: PoolStudy) -> list[str]:
    if study.by != "group":
        return []

    return [f"{group.name}: {group.relation} ({group.source})." for group in built_in().groups]
