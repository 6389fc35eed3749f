"""``hashcanary study drops``: falls of the hashrate, each with its alarm, depth and end."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_at, add_command
from hashcanary.cli.forms import percent
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.inference.drops.drops import Drop, DropList
    from hashcanary.store.record import Record

_EXAMPLES = """\
  hashcanary study drops
  hashcanary study drops --one-in 5
  hashcanary study drops --at 2026-01-25 --json
"""
_DESCRIPTION = """\
Lists the falls of the hashrate that its blocks show. Each raises an alarm at the
block at which luck, the ordinary wander of the hashrate and its growth no longer
explain how slowly blocks came; --one-in says how many years may pass between two
false alarms. The alarm uses no block after it; the start, the depth and the end
of a fall are told from all blocks known at --at.

Only unbroken runs of blocks are watched: a fall across a gap cannot be seen.
"""
_FEWEST_YEARS, _MOST_YEARS = 0.01, 1000.0
# what luck does more often than once in so many years is not worth saying
_WORTH_A_LINE = 0.1


def add(studies: Commands, shared: Parser) -> None:
    """Declare the study."""
    parser = add_command(
        studies,
        shared,
        "drops",
        run,
        summary="falls of the hashrate, at a stated rate of false alarms",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--one-in",
        metavar="YEARS",
        type=_years,
        default=1.0,
        help="years of blocks between two false alarms, 0.01 to 1000 (default: 1)",
    )
    add_at(parser)


def _years(text: str) -> float:
    try:
        years = float(text)
    except ValueError:
        years = math.nan
    if not _FEWEST_YEARS <= years <= _MOST_YEARS:
        raise argparse.ArgumentTypeError(f"expected years from 0.01 to 1000, found {text!r}")
    return years


def run(args: argparse.Namespace) -> Exit:
    """Find the falls and print them."""
    from hashcanary.cli.opening import open_record
    from hashcanary.cli.output import emit, format_of
    from hashcanary.inference.drops.drops import find_drops

    record = open_record(args)
    emit(_table(record, find_drops(record, args.one_in)), format_of(args))
    return Exit.DONE


def _table(record: Record, found: DropList) -> Table:
    from hashcanary.cli.output import Column, Table
    from hashcanary.units import HASHRATE

    columns = [
        Column("start", "start", people=_minute),
        Column("start_low", "95% from", people=_minute, spare=2),
        Column("start_high", "to", people=_minute, spare=2),
        Column("start_height", "start height", data_only=True),
        Column("alarm", "alarm", people=_minute),
        Column("alarm_height", "at block", people=str),
        Column("delay_blocks", "delay, blocks", people=str),
        Column("depth_fraction", "depth", people=percent),
        Column("depth_low_fraction", "95% from", people=percent),
        Column("depth_high_fraction", "to", people=percent),
        Column("end", "until", people=_minute),
        Column("end_height", "end height", data_only=True),
        Column("returned", "came back"),
        Column("luck_years", "luck alone: once in", people=_rarely, spare=1),
        Column("level_before", "level before", HASHRATE, data_only=True),
    ]
    return Table(
        columns,
        [_row(drop) for drop in found.drops],
        title=f"Falls of the hashrate, as known at {record.at_text}",
        notes=_notes(record, found),
        document=_document(record, found),
    )


def _row(drop: Drop) -> Row:
    from hashcanary.moments import iso_time

    return {
        "start": iso_time(drop.start_time),
        "start_low": iso_time(drop.start_low_time),
        "start_high": iso_time(drop.start_high_time),
        "start_height": drop.start,
        "alarm": iso_time(drop.alarm_time),
        "alarm_height": drop.alarm,
        "delay_blocks": drop.delay,
        "depth_fraction": drop.depth,
        "depth_low_fraction": drop.depth_low,
        "depth_high_fraction": drop.depth_high,
        "end": None if drop.end_time is None else iso_time(drop.end_time),
        "end_height": drop.end,
        "returned": drop.returned,
        "luck_years": drop.luck_years,
        "level_before": drop.level,
    }


def _minute(value: object) -> str:
    return str(value)[:16].replace("T", " ")


def _rarely(value: object) -> str:
    years = float(str(value))
    if years >= 1e6:
        return "over 1,000,000 years"
    return f"{years:,.1f} years" if years < 100 else f"{years:,.0f} years"


def _document(record: Record, found: DropList) -> dict[str, object]:
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "years_between_false_alarms": found.years,
        "watched_blocks": found.watched,
        "watched_heights": [list(run) for run in found.runs],
        "false_alarms_expected_at_most": found.false_alarms,
        "luck_years_now": found.luck_years_now,
        "interval": "95%, posterior",
        "null": "luck, wander and growth of the hashrate as learned by then; no fall that returns",
        "provenance": record.provenance,
    }


def _notes(record: Record, found: DropList) -> list[str]:
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if record.simulated else []
    notes.append(
        f"{len(found.drops)} alarms in {found.watched:,} blocks. At one false alarm in "
        f"{_rarely(found.years)} of blocks luck and ordinary wander alone raise "
        f"{found.false_alarms:.1f} in as many, or fewer."
    )
    notes.append(
        "Depth: of the mean rate from start to end against the level before. Until: the last "
        "block that made the fall surer; '-' where less than a day of blocks is known after it. "
        "Came back: more than half of it within three days of the end. Times: UTC, by header."
    )
    if len(found.runs) > 1:
        runs = ", ".join(f"{first} to {last}" for first, last in found.runs)
        notes.append(f"Watched heights: {runs}. A fall across a gap cannot be seen.")
    if found.luck_years_now < _WORTH_A_LINE:
        notes.append("Nothing since the last alarm speaks of a further fall.")
    else:
        notes.append(
            "The last blocks look as much like a fall as luck alone does once in "
            f"{_rarely(found.luck_years_now)}."
        )
    return notes
