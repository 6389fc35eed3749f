"""What a lake holds, whether it is sound, and what a load or a sync brought."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hashcanary.moments import iso_time
from hashcanary.units import COUNT
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Column, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import FileReport, LoadReport
    from hashcanary.store.status import LakeStatus, SeriesStatus, TableStatus
    from hashcanary.store.syncing import SyncReport
    from hashcanary.store.verify import VerifyReport

_DISAGREEMENTS_SHOWN, _FINDINGS_SHOWN, _GAPS_SHOWN, _NOTES_SHOWN = 8, 10, 4, 6
_LAKE = {"home": "folder of the lake", "version": "of the lake"}


def _day(moment: str) -> str:
    """Of an instant its day; a height or a day as it is."""
    return moment.partition("T")[0] if moment.endswith("Z") else moment


STATUS = View(
    "status",
    "status",
    "How complete is the lake, and where do its sources disagree?",
    tables={
        "series": (
            Column("table", "table"),
            Column("series", "series", wide=True, optional=True),
            Column("rows", "rows", COUNT),
            Column("first", "first", text=_day),
            Column("last", "last", text=_day),
            Column("missing", "missing", COUNT, definition="blocks, candles or days inside"),
            Column("ranges", "ranges", hidden=True, definition="stretches without a gap"),
        )
    },
    more={
        **_LAKE,
        "loaded_at": "when this version was made",
        "stale_headers": "headers that are not on the active chain",
        "feeds": "how far each live source came",
        "events": "newest events of the chain",
        "tables": "each table with its rows, sources and the newest fact",
        "disagreements": "facts on which sources differ: the value taken, and the other",
    },
)


def status(lake: Lake) -> Answer:
    """How complete a lake is, and where sources disagree. Raises LakeDamaged."""
    from hashcanary.store.status import status as status_of

    state = status_of(lake)
    rows = [_series(table, series) for table in state.tables for series in table.series]
    table = Table("series", "", STATUS.tables["series"], rows, shown=_alike_together(rows))
    return Answer(
        STATUS,
        None,
        f"Lake at {state.home}, version {state.version}, network {state.network}",
        (table,),
        more={
            "home": state.home,
            "network": state.network,
            "simulated": state.simulated,
            "version": state.version,
            "loaded_at": _moment(state.time),
            "stale_headers": state.stale,
            "feeds": [
                {"name": feed.name, "last_sync": _moment(feed.time), "reached": feed.reached}
                for feed in state.feeds
            ],
            "events": [event_record(event) for event in state.events],
            "tables": [
                {
                    "name": each.name,
                    "title": each.title,
                    "rows": each.rows,
                    "version": each.version,
                    "last_known_at": _moment(each.last_known_at),
                    "disagreements": each.disagreements,
                    "sources": each.sources,
                }
                for each in state.tables
            ],
            "disagreements": [asdict(each) for each in state.disagreements],
        },
        notes=[*_status_notes(state)],
    )


def _moment(seconds: int | None) -> str | None:
    return None if seconds is None else iso_time(seconds)


def _series(table: TableStatus, series: SeriesStatus) -> dict[str, Any]:
    return {
        "table": table.name,
        "series": series.name,
        "rows": series.rows,
        "first": series.first,
        "last": series.last,
        "missing": series.missing,
        "ranges": [f"{first} to {last}" for first, last in series.ranges],
    }


def _alike_together(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Series of a table that begin, end and miss the same as one row; tables are named once."""
    groups: dict[tuple[object, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        alike = tuple(row[key] for key in ("table", "rows", "first", "last", "missing"))
        groups.setdefault(alike, []).append(row)
    together: list[dict[str, Any]] = []
    named = ""
    for group in groups.values():
        first, more = group[0], len(group) - 1
        series = f"{first['series']} and {more} more" if more else first["series"]
        table = " " if first["table"] == named else first["table"]
        together.append({**first, "table": table, "series": series})
        named = first["table"]
    return together


def _status_notes(state: LakeStatus) -> Iterator[str]:
    yield "Missing: blocks, candles or days inside; --json has the ranges without a gap."
    if empty := [table.name for table in state.tables if not table.rows]:
        yield f"Empty: {', '.join(empty)}."
    if state.stale:
        yield f"{state.stale:,} headers are not on the active chain; they are kept."
    for feed in state.feeds:
        reached = f", up to {feed.reached}" if feed.reached else ""
        yield f"Live source {feed.name}: last commit {iso_time(feed.time)}{reached}."
    for event in state.events:
        yield f"Event of {iso_time(int(str(event['time'])))}: {event_text(event)}"
    if not state.disagreements:
        yield "No two sources disagree on a fact."
        return
    yield f"Sources disagree on {len(state.disagreements):,} facts. All are kept; by precedence:"
    for each in state.disagreements[:_DISAGREEMENTS_SHOWN]:
        yield (
            f"  {each.table}, {each.where}, {each.fact}: {each.taken} ({each.taken_source}) "
            f"counts, {each.other} ({each.other_source}) is superseded"
        )
    if (more := len(state.disagreements) - _DISAGREEMENTS_SHOWN) > 0:
        yield f"  and {more:,} more, all in --json"


def event_record(event: Mapping[str, object]) -> dict[str, object]:
    """An event with its times in ISO 8601, and its detail unfolded."""
    return {
        **event,
        "time": iso_time(int(str(event["time"]))),
        "known_at": iso_time(int(str(event["known_at"]))),
        "detail": json.loads(str(event["detail"])),
    }


def event_text(event: Mapping[str, object]) -> str:
    """An event in one line."""
    detail = json.loads(str(event["detail"]))
    height = event["height"]
    if event["kind"] == "reorg":
        left = "all blocks" if detail["depth"] is None else f"{detail['depth']:,} blocks"
        fork = "no shared block" if height is None else f"block {height:,}"
        return (
            f"reorganisation: {left} above {fork} went stale; the tip is now block "
            f"{detail['new_height']:,}, {detail['new_tip']}"
        )
    place = "" if height is None else f" at block {height:,}"
    parts = ", ".join(f"{name} {value}" for name, value in detail.items())
    return f"{event['kind']}{place}: {parts}"


VERIFY = View(
    "verify",
    "verify",
    "Is what the lake holds sound?",
    tables={
        "findings": tuple(
            Column(key, key) for key in ("check", "table", "place", "expected", "found")
        ),
        "checks": (
            Column("name", "check"),
            Column("title", "that", wide=True),
            Column("covered", "covered", COUNT),
            Column("of", "of"),
            Column("findings", "findings", COUNT),
        ),
    },
    more={
        **_LAKE,
        "sound": "whether nothing was found",
        "checks": "each check, with how much it covered",
    },
)


def verify(home: Path, progress: Callable[[str, int, int], None] | None = None) -> Answer:
    """Every check of a lake made again. progress: as in ``store.verify``. Raises NoLake."""
    from hashcanary.store.verify import verify as verify_lake

    report = verify_lake(home, progress)
    findings = [
        {"check": check.name, **asdict(finding)}
        for check in report.checks
        for finding in check.findings
    ]
    checks = Table(
        "checks",
        "",
        VERIFY.tables["checks"],
        [
            (check.name, check.title, check.covered, check.what, len(check.findings))
            for check in report.checks
        ],
    )
    version = "a damaged version" if report.version is None else f"version {report.version}"
    return Answer(
        VERIFY,
        None,
        f"Lake at {report.home}, {version}",
        (Table("findings", "", VERIFY.tables["findings"], findings), checks),
        more={
            "home": report.home,
            "version": report.version,
            "sound": report.sound,
            "checks": checks.records(),
        },
        notes=[*_finding_notes(report)],
        read="checks",
        result=report,
    )


def _finding_notes(report: VerifyReport) -> Iterator[str]:
    for check in report.checks:
        if check.findings:
            yield f"{check.name}:"
        for finding in check.findings[:_FINDINGS_SHOWN]:
            yield (
                f"  {finding.table}, {finding.place}: expected {finding.expected}, "
                f"found {finding.found}"
            )
        if (more := len(check.findings) - _FINDINGS_SHOWN) > 0:
            yield f"  and {more:,} more, all in --json and --csv"
    yield "Nothing was found." if report.sound else f"{len(report.findings):,} findings."


def _file_name(path: str) -> str:
    return Path(path).name


LOAD = View(
    "load",
    "load",
    "What did each file give to the lake?",
    tables={
        "files": (
            Column("path", "file", wide=True, text=_file_name),
            Column("kind", "kind"),
            Column("rows", "rows", COUNT),
            Column("new", "new", COUNT),
            Column("first", "first", wide=True, text=_day),
            Column("last", "last", wide=True, text=_day),
            Column("gaps", "gaps", hidden=True, definition="ranges missing inside"),
            Column("notes", "notes", hidden=True, definition="what was not kept or not checked"),
            Column("reason", "reason", hidden=True, definition="why it was passed over"),
            Column("sha256", "sha256", hidden=True),
        )
    },
    more={
        **_LAKE,
        "facts": "facts read",
        "new_facts": "facts that the lake did not have",
        "files_read": "files that gave facts",
        "files_passed_over": "files that gave none",
    },
)


def loaded(report: LoadReport) -> Answer:
    """What each file gave; files passed over are rows too, with the reason."""
    lake = report.lake
    read = [file for file in report.files if file.kind]
    passed_over = [file for file in report.files if not file.kind]
    table = Table("files", "", LOAD.tables["files"], [*read, *passed_over], shown=read)
    return Answer(
        LOAD,
        None,
        "",
        (table,),
        more={
            **_of_lake(lake),
            "facts": report.rows,
            "new_facts": report.new,
            "files_read": len(read),
            "files_passed_over": len(passed_over),
        },
        notes=[
            *_file_notes(read),
            *_passed_over(passed_over),
            f"{report.rows:,} facts in {len(read)} files, {report.new:,} of them new; "
            f"{len(passed_over)} files passed over. The lake at {lake.home} is at version "
            f"{lake.version}.",
        ],
    )


def _of_lake(lake: Lake) -> dict[str, object]:
    return {
        "home": str(lake.home),
        "network": lake.network.name,
        "simulated": lake.simulated,
        "version": lake.version,
    }


def _passed_over(files: Sequence[FileReport]) -> Iterator[str]:
    """Files that gave nothing, by the reason why."""
    reasons: dict[str, list[str]] = {}
    for file in files:
        reasons.setdefault(file.reason, []).append(_file_name(file.path))
    for reason, names in reasons.items():
        yield f"passed over: {reason}"
        yield f"  {', '.join(names)}"


def _file_notes(read: Sequence[FileReport]) -> Iterator[str]:
    """What is missing inside the files, and what was not kept or not checked."""
    for file in read:
        if file.gaps or file.notes:
            yield _file_name(file.path)
        if file.gaps:
            shown = "; ".join(file.gaps[:_GAPS_SHOWN])
            more = len(file.gaps) - _GAPS_SHOWN
            rest = f"; and {more} more, all in --json" if more > 0 else ""
            yield f"  missing inside: {shown}{rest}"
        yield from (f"  {note}" for note in file.notes)


SYNC = View(
    "sync",
    "sync",
    "What did each live source bring?",
    tables={
        "sources": (
            Column("source", "source"),
            Column("new_facts", "new facts", COUNT),
            Column("first", "first"),
            Column("last", "last"),
            Column("versions", "versions", COUNT),
            Column("rows", "rows", hidden=True, definition="facts brought, by table"),
            Column("new", "new", hidden=True, definition="facts that were new, by table"),
            Column("notes", "notes", hidden=True, definition="what was not brought, and why"),
            Column("events", "events", hidden=True, definition="events of the chain"),
            Column("error", "error", hidden=True, definition="what ended it; null at its end"),
        )
    },
    more=_LAKE,
)
FEEDS = View(
    "feeds",
    "sync --list",
    "Which live sources are there, and which settings have they?",
    tables={
        "settings": (
            Column("source", "source"),
            Column("setting", "setting", optional=True),
            Column("default", "default", optional=True),
            Column("help", "what it is", wide=True),
            Column("secret", "secret", hidden=True, definition="whether only the file gives it"),
            Column("variable", "variable", hidden=True, definition="of the environment"),
            Column("gives", "gives", hidden=True, definition="tables it has facts for"),
            Column("costs", "costs", hidden=True, definition="what it takes"),
            Column("configured", "configured", hidden=True, definition="whether the file has it"),
        )
    },
)


def synced(lake: Lake, reports: Sequence[SyncReport]) -> Answer:
    """What each live source brought."""
    notes = [note for report in reports for note in sync_notes(report)]
    notes.append(f"The lake at {lake.home} is at version {lake.version}.")
    rows = [sync_record(report) for report in reports]
    table = Table("sources", "", SYNC.tables["sources"], rows)
    return Answer(SYNC, None, "", (table,), more=_of_lake(lake), notes=notes)


def sync_record(report: SyncReport) -> dict[str, Any]:
    """What one live source brought, as a row."""
    return {
        "source": report.feed,
        "new_facts": sum(report.new.values()),
        "first": report.first,
        "last": report.last,
        "versions": report.versions,
        "rows": report.rows,
        "new": report.new,
        "notes": list(report.notes),
        "events": [event_record(event) for event in report.events],
        "error": None if report.error is None else str(report.error),
    }


def sync_notes(report: SyncReport) -> Iterator[str]:
    """What is new, what happened, and what was not brought."""
    for table, count in report.new.items():
        if count:
            yield f"{report.feed}: {count:,} new in {table}"
    for event in report.events:
        yield f"{report.feed}: {event_text(event)}"
    yield from (f"  {note}" for note in report.notes[:_NOTES_SHOWN])
    if (more := len(report.notes) - _NOTES_SHOWN) > 0:
        yield f"  and {more} more, all in --json"
    if report.error is not None:
        yield f"{report.feed}: ended by an error; what was committed before stays."


def feeds(home: Path) -> Answer:
    """Every live source with its settings. home: of the lake whose file configures them."""
    from hashcanary.sources.feed import FILE, all_feeds, read_settings, variable_of

    configured = read_settings(home)
    rows: list[dict[str, Any]] = []
    for feed in all_feeds().values():
        about = dict.fromkeys(("setting", "default", "secret", "variable")) | {
            "source": feed.name,
            "gives": list(feed.gives),
            "costs": feed.costs,
            "configured": feed.name in configured,
        }
        rows.append({**about, "help": feed.title})
        rows += [
            {
                **about,
                "setting": setting.name,
                "default": setting.default,
                "help": setting.help,
                "secret": setting.secret,
                "variable": None if setting.secret else variable_of(feed, setting),
            }
            for setting in feed.settings
        ]
    table = Table("settings", "", FEEDS.tables["settings"], rows, shown=_named_once(rows))
    note = (
        f"Settings are read from {home / FILE}, a table for each source; then from the "
        "environment (HASHCANARY_<SOURCE>_<SETTING>); then from -o."
    )
    return Answer(FEEDS, None, "", (table,), notes=[note])


def _named_once(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for people: a source's name stands only beside its title."""
    blank = {"setting": " ", "default": " "}
    return [{**row, "source": " "} if row["setting"] else {**row, **blank} for row in rows]
