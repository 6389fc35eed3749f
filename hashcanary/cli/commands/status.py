"""``hashcanary status``: how complete the lake is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Row, Table
    from hashcanary.store.status import LakeStatus, SeriesStatus, TableStatus

_DISAGREEMENTS_SHOWN = 8
_DESCRIPTION = """\
Says how complete the lake is: what each table holds, from where to where, which
ranges are missing, and where sources disagree on a fact (both are kept; the one
that counts is named).
"""
_EXAMPLES = """\
  hashcanary status
  hashcanary status --json | jq '.tables'
"""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    add_command(
        commands,
        shared,
        "status",
        run,
        summary="how complete the lake is, and where sources disagree",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )


def run(args: argparse.Namespace) -> Exit:
    """Print what each table holds."""
    from hashcanary.cli.opening import open_lake
    from hashcanary.cli.output import emit, format_of
    from hashcanary.store.status import status

    emit(_table(status(open_lake(args))), format_of(args))
    return Exit.DONE


def _table(found: LakeStatus) -> Table:
    from hashcanary.cli.output import Column, Table

    columns = [
        Column("table", "table"),
        Column("series", "series", wide=True, optional=True),
        Column("rows", "rows"),
        Column("first", "first", people=_short),
        Column("last", "last", people=_short),
        Column("missing", "missing"),
        Column("ranges", "ranges", data_only=True),
    ]
    rows = [_row(table, series) for table in found.tables for series in table.series]
    return Table(
        columns,
        rows,
        title=f"Lake at {found.home}, version {found.version}, network {found.network}",
        notes=_notes(found),
        document=_document(found),
        people_rows=_alike_together(rows),
    )


def _short(moment: object) -> str:
    """A height as it is, of a time its date."""
    return str(moment)[: len("2026-02-03")]


def _row(table: TableStatus, series: SeriesStatus) -> Row:
    return {
        "table": table.name,
        "series": series.name,
        "rows": series.rows,
        "first": series.first,
        "last": series.last,
        "missing": series.missing,
        "ranges": [f"{first} to {last}" for first, last in series.ranges],
    }


def _alike_together(rows: Sequence[Row]) -> list[Row]:
    """Series of a table that begin, end and miss the same as one row; tables are named once."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        alike = tuple(row[key] for key in ("table", "rows", "first", "last", "missing"))
        groups.setdefault(alike, []).append(row)
    together: list[Row] = []
    for group in groups.values():
        again = bool(together) and together[-1]["of"] == group[0]["table"]
        named = {"of": group[0]["table"], "table": " " if again else group[0]["table"]}
        together.append({**group[0], **named, "series": _names(group)})
    return together


def _names(group: Sequence[Row]) -> str:
    first, more = group[0]["series"], len(group) - 1
    return f"{first} and {more} more" if more else str(first)


def _document(found: LakeStatus) -> dict[str, object]:
    from dataclasses import asdict

    from hashcanary.cli.events import event_as_row
    from hashcanary.moments import iso_time

    def moment(seconds: int | None) -> str | None:
        return None if seconds is None else iso_time(seconds)

    return {
        "home": found.home,
        "network": found.network,
        "simulated": found.simulated,
        "version": found.version,
        "loaded_at": moment(found.time),
        "stale_headers": found.stale,
        "feeds": [
            {"name": feed.name, "last_sync": moment(feed.time), "reached": feed.reached}
            for feed in found.feeds
        ],
        "events": [event_as_row(event) for event in found.events],
        "tables": [
            {
                "name": table.name,
                "title": table.title,
                "rows": table.rows,
                "version": table.version,
                "last_known_at": moment(table.last_known_at),
                "disagreements": table.disagreements,
                "sources": table.sources,
            }
            for table in found.tables
        ],
        "disagreements": [asdict(one) for one in found.disagreements],
    }


def _live(found: LakeStatus) -> Iterator[str]:
    """How far live sources came, and what happened while they were followed."""
    from hashcanary.cli.events import event_in_words
    from hashcanary.moments import iso_time

    for feed in found.feeds:
        reached = f", up to {feed.reached}" if feed.reached else ""
        yield f"Live source {feed.name}: news last committed {iso_time(feed.time)}{reached}."
    for event in found.events:
        yield f"Event of {iso_time(int(str(event['time'])))}: {event_in_words(event)}"


def _notes(found: LakeStatus) -> list[str]:
    """What people are told under the table."""
    from hashcanary.views.text import SIMULATED

    notes = [SIMULATED] if found.simulated else []
    notes.append("missing: blocks, candles or days inside; --json has the ranges without a gap.")
    empty = [table.name for table in found.tables if not table.rows]
    if empty:
        notes.append(f"Empty: {', '.join(empty)}.")
    if found.stale:
        notes.append(f"{found.stale:,} headers are not on the active chain; they are kept.")
    notes += _live(found)
    if not found.disagreements:
        return [*notes, "No two sources disagree on a fact."]
    notes.append(f"Sources disagree on {len(found.disagreements):,} facts; all are kept:")
    notes += [
        f"  {one.table}, {one.where}, {one.fact}: {one.taken} ({one.taken_source}) is taken, "
        f"{one.other} ({one.other_source}) is not"
        for one in found.disagreements[:_DISAGREEMENTS_SHOWN]
    ]
    more = len(found.disagreements) - _DISAGREEMENTS_SHOWN
    return [*notes, f"  and {more:,} more, all in --json"] if more > 0 else notes
