"""Drops in hashrate that the blocks show, each with its alarm, depth and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.interval import Interval
from hashcanary.units import BLOCKS, COUNT, FRACTION, HASHRATE, UNIX_TIME, YEARS
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table
from hashcanary.views.text import count, day, how_often

if TYPE_CHECKING:
    from hashcanary.inference.drops.drops import Drop, DropList
    from hashcanary.store.record import Record
    from hashcanary.views.table import Cell

# what noise does more often than once in so many years is not worth a sentence
_WORTH_A_LINE = 0.1
_LIMIT = "header time of the block at that end of the central 95% of the posterior"
_NULL = "noise, ordinary variation and growth of the hashrate as learned by then; no drop"


def _limit(name: str, title: str, get: str) -> Column:
    # header times need not follow heights: an Interval of them could be out of order
    return Column(name, title, UNIX_TIME, get, definition=_LIMIT, hidden=True)


def _depth(drop: Drop) -> Cell:
    return Interval(drop.depth, drop.depth_low, drop.depth_high)


VIEW = View(
    "drops",
    "study drops",
    "When did the hashrate drop, by its blocks, at a stated rate of false alarms?",
    facts=(
        Column("between_false_alarms", "between false alarms", YEARS, "years"),
        Column("watched_blocks", "blocks watched", COUNT, "watched"),
        Column("false_alarms", "false alarms expected in them, at most", COUNT),
        Column("now_once_in", "return period of now", YEARS, "luck_years_now"),
    ),
    tables={
        "drops": (
            Column("start", "start", UNIX_TIME, "start_time", text=day),
            _limit("start_low", "start, lower limit", "start_low_time"),
            _limit("start_high", "start, upper limit", "start_high_time"),
            Column("start_height", "start height", COUNT, "start", hidden=True),
            Column("alarm", "alarm", UNIX_TIME, "alarm_time", text=day),
            Column("alarm_height", "alarm at block", COUNT, "alarm", spare=2),
            Column("delay", "delay", BLOCKS, spare=3, definition="from its start to its alarm"),
            Column("depth", "depth", FRACTION, _depth, "central 95% of the posterior", digits=0),
            Column("end", "until", UNIX_TIME, "end_time", text=day),
            Column("end_height", "end height", COUNT, "end", hidden=True),
            Column("returned", "recovered", spare=1),
            Column("once_in", "return period", YEARS, "luck_years"),
            Column("level_before", "before", HASHRATE, "level", hidden=True),
        ),
    },
    more={
        "watched": "first and last heights of the unbroken runs of blocks that were watched",
        "null_hypothesis": "what a drop is tested against",
    },
)
_NOTE = (
    "Depth: of the mean hashrate from start to end, below the level before (95%). Until: the last "
    "block that made the drop more certain. Recovered: more than half of it within three days of "
    "the end. Return period: of noise that looks as much like a drop."
)


def drops(record: Record, *, years: float = 1.0) -> Answer:
    """Drops in hashrate of a record, with the alarm that each raised.

    years: of blocks between two false alarms. Raises NoBlocksToObserve, NothingObserved,
    NoRetargets.
    """
    from hashcanary.inference.drops.drops import find_drops

    found = find_drops(record, years)
    table = Table(
        "drops",
        "Drops in hashrate",
        VIEW.tables["drops"],
        found.drops,
        _NOTE,
        empty="No drop raised an alarm.",
    )
    return Answer(
        VIEW,
        record,
        f"Drops in hashrate, as known at {record.at_text}",
        (table,),
        facts=VIEW.facts_of(found),
        more={
            "watched": [{"first_height": first, "last_height": last} for first, last in found.runs],
            "null_hypothesis": _NULL,
        },
        sentences=_sentences(found),
        result=found,
    )


def _sentences(found: DropList) -> list[str]:
    lines = [
        f"{count(len(found.drops), 'alarm')} in {count(found.watched, 'block')}; noise and "
        f"ordinary variation alone raise {found.false_alarms:.1f} on average, or fewer."
    ]
    if len(found.runs) > 1:
        runs = ", ".join(f"{first:,} to {last:,}" for first, last in found.runs)
        lines.append(f"Watched heights: {runs}. A drop across a gap cannot be seen.")
    if found.luck_years_now < _WORTH_A_LINE:
        return [*lines, "The blocks since the last alarm show no further drop."]
    often = how_often(found.luck_years_now)
    return [*lines, f"At constant hashrate, noise looks as much like a drop as now {often}."]
