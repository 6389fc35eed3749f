"""``hashcanary sync``: what live sources have into the lake, once or on and on."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Format, Row, Table
    from hashcanary.sources.feed import Feed
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake
    from hashcanary.store.syncing import SyncReport

    Asked = list[tuple[Feed, Mapping[str, str]]]

_NOTES_SHOWN = 6
_DESCRIPTION = """\
Brings what live sources have and the lake has not: a node, its block files, a
peer, public services. Without --source all that have a table in sources.toml, a
file in the lake's home, in its order. Makes the lake where there is none.

Each step commits what it brought together with how far the source came, so that a
sync that is cut off goes on from there. A reorganisation switches the branch; the
stale one is kept and the event is noted.

With --follow it goes on: it waits for news, from the node where that gives
notices, and leaves a source that fails alone for a while. Ctrl-C or SIGTERM ends
it. Then each step is a line, with --json a JSON object a line.

Settings come from sources.toml, then HASHCANARY_<SOURCE>_<SETTING> in the
environment, then -o; secrets from the file alone, mode 0600. Exit code 4: a
source failed; what was committed before stays.
"""
_EXAMPLES = """\
  hashcanary sync --list
  hashcanary sync --source p2p
  hashcanary sync --source p2p -o peers=192.0.2.7 --follow
  hashcanary sync --json | jq '.rows[].new'
"""


class _Stopped(KeyboardInterrupt):
    """SIGTERM: what a service manager says to end a service."""


def add(commands: Commands, shared: Parser) -> None:
    """Declare the command."""
    parser = add_command(
        commands,
        shared,
        "sync",
        run,
        summary="what live sources have into the lake: a node, a peer, services",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--source", metavar="NAME", action="append", help="sync this one; may be given again"
    )
    parser.add_argument(
        "-o",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="options",
        help="a setting of the source; may be given again",
    )
    parser.add_argument(
        "--pools",
        metavar="FILE",
        help="say who mined each new block by the list of pools in FILE (pools-v2.json, or TOML "
        "like the built-in list), not by the built-in one",
    )
    parser.add_argument("--follow", action="store_true", help="go on until stopped")
    parser.add_argument(
        "--list", action="store_true", help="list sources and their settings, and end"
    )
    parser.add_argument(
        "--network", metavar="NAME", help="network of a lake that is made (default: main)"
    )


def run(args: argparse.Namespace) -> Exit:
    """Sync, and print what each source gave."""
    from hashcanary.cli.opening import home_of, lake_to_load
    from hashcanary.cli.output import emit, format_of, say

    if args.list:
        emit(_list(home_of(args)), format_of(args))
        return Exit.DONE
    if args.follow and args.csv:
        raise UsageError(
            argument="--csv",
            expected="a sync that ends",
            found="--follow",
            remedy="Use --json: an object a line.",
        )
    asked, pools = _asked(args, home_of(args)), _pools(args)
    with lake_to_load(args, args.network) as lake:
        if lake.simulated:
            say(f"hashcanary: {lake.home} holds simulated history; all it reports is marked so.")
        if args.follow:
            return _follow(lake, asked, format_of(args), pools)
        return _once(args, lake, asked, pools)


def _once(args: argparse.Namespace, lake: Lake, asked: Asked, pools: PoolList | None) -> Exit:
    from hashcanary.cli.clock import SystemClock
    from hashcanary.cli.errors import SyncFailed
    from hashcanary.cli.output import emit, format_of
    from hashcanary.cli.progress import pace
    from hashcanary.store.syncing import sync

    reports: list[SyncReport] = []
    for feed, settings in asked:
        with pace(feed.name) as tell:
            reports.append(sync(lake, feed, settings, SystemClock(), tell, pools))
        lake = reports[-1].lake
    emit(_table(lake, reports), format_of(args))
    failed = [report for report in reports if report.error is not None]
    for report in failed:
        if report.error is not None and (report.error.exit_code != Exit.SOURCE or len(asked) == 1):
            raise report.error
    if failed:
        problems = "; ".join(f"{report.feed}: {report.error}" for report in failed)
        raise SyncFailed(failed=len(failed), asked=len(asked), problems=problems)
    return Exit.DONE


def _follow(lake: Lake, asked: Asked, how: Format, pools: PoolList | None) -> Exit:
    """A line for each step. SIGTERM ends it with success; Ctrl-C rises as KeyboardInterrupt."""
    from hashcanary.cli.clock import SystemClock
    from hashcanary.cli.output import say
    from hashcanary.store.following import follow

    clock = SystemClock()
    troubled: set[str] = set()

    def tell(report: SyncReport) -> None:
        _tell(report, clock.now(), how, troubled)

    with _ended_by_sigterm():
        try:
            follow(lake, asked, clock, tell, pools=pools)
        except _Stopped:
            say("hashcanary: stopped; the lake is as its last commit left it.")
    return Exit.DONE


def _tell(report: SyncReport, now: float, how: Format, troubled: set[str]) -> None:
    """Say what a step brought; silence while nothing happens."""
    import json

    from hashcanary.cli.output import say
    from hashcanary.moments import iso_time
    from hashcanary.views.data import jsonable
    from hashcanary.views.text import harmless

    time = iso_time(int(now))
    if report.error is not None:
        troubled.add(report.feed)
        say(f"hashcanary: {time} {report.feed}: {report.error} Asked again later.")
    elif report.feed in troubled:
        troubled.discard(report.feed)
        say(f"hashcanary: {time} {report.feed} answers again.")
    if not report.versions:
        return
    if how == "json":
        line = {"time": time, "version": report.lake.version, **_as_row(report)}
        sys.stdout.write(json.dumps(jsonable(line), allow_nan=False) + "\n")
    else:
        span = report.first if report.first == report.last else f"{report.first} to {report.last}"
        head = f"{time} version {report.lake.version}"
        lines = [f"{head} {report.feed}: {span}"] if span else []
        sys.stdout.writelines(harmless(line) + "\n" for line in (*lines, *_remarks(report)))
    sys.stdout.flush()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    import signal

    def end(number: int, frame: FrameType | None) -> None:
        raise _Stopped

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _pools(args: argparse.Namespace) -> PoolList | None:
    """The user's list of pools; None for the built-in one. Raises BadPoolList."""
    from pathlib import Path

    from hashcanary.sources.pools.pool_lists import read_pool_list

    return None if args.pools is None else read_pool_list(Path(args.pools))


def _asked(args: argparse.Namespace, home: Path) -> Asked:
    """The feeds the user means, with their settings. Raises errors of usage."""
    import os

    from hashcanary.sources.registry import all_feeds, find_feed
    from hashcanary.sources.settings import FILE, read_settings, settings_of

    configured = read_settings(home)
    names = list(dict.fromkeys(args.source or configured))
    if not names:
        raise UsageError(
            argument="--source",
            expected=f"one of {', '.join(all_feeds()) or '(none)'}",
            found="none, nor a table for one in " + str(home / FILE),
            remedy="`hashcanary sync --list` says what each gives and which settings it has.",
        )
    options = dict(_option(text) for text in args.options)
    if options and len(names) > 1:
        raise UsageError(
            argument="-o",
            expected="one source that it is for",
            found=", ".join(names),
            remedy="Name it with --source.",
        )
    feeds = [find_feed(name) for name in names]
    return [
        (feed, settings_of(feed, configured.get(feed.name, {}), os.environ, options))
        for feed in feeds
    ]


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(
            argument="-o", expected="KEY=VALUE", found=text, remedy="Put = between them."
        )
    return name, value


def _table(lake: Lake, reports: Sequence[SyncReport]) -> Table:
    from hashcanary.cli.output import Column, Table

    columns = [
        Column("source", "source"),
        Column("new_facts", "new facts"),
        Column("first", "first"),
        Column("last", "last"),
        Column("versions", "versions"),
        *(Column(key, key, data_only=True) for key in ("rows", "new", "notes", "events", "error")),
    ]
    document = {
        "home": lake.home,
        "network": lake.network.name,
        "simulated": lake.simulated,
        "version": lake.version,
    }
    notes = [note for report in reports for note in _remarks(report)]
    notes.append(f"The lake at {lake.home} is at version {lake.version}.")
    return Table(columns, [_as_row(one) for one in reports], notes=notes, document=document)


def _as_row(report: SyncReport) -> Row:
    """A report as a row of the output."""
    from hashcanary.cli.events import event_as_row

    return {
        "source": report.feed,
        "new_facts": sum(report.new.values()),
        "first": report.first,
        "last": report.last,
        "versions": report.versions,
        "rows": report.rows,
        "new": report.new,
        "notes": list(report.notes),
        "events": [event_as_row(event) for event in report.events],
        "error": None if report.error is None else str(report.error),
    }


def _remarks(report: SyncReport) -> Iterator[str]:
    """What people are told under a report: what is new, what happened, what was not brought."""
    from hashcanary.cli.events import event_in_words

    for table, count in report.new.items():
        if count:
            yield f"{report.feed}: {count:,} new in {table}"
    for event in report.events:
        yield f"{report.feed}: {event_in_words(event)}"
    yield from (f"  {note}" for note in report.notes[:_NOTES_SHOWN])
    more = len(report.notes) - _NOTES_SHOWN
    if more > 0:
        yield f"  and {more} more, all in --json"
    if report.error is not None:
        yield f"{report.feed}: ended by an error; what was committed before stays."


def _list(home: Path) -> Table:
    """Every feed with its settings."""
    from hashcanary.cli.output import Column, Table
    from hashcanary.sources.registry import all_feeds
    from hashcanary.sources.settings import FILE, read_settings, variable_of

    configured = read_settings(home)
    columns = [
        Column("source", "source"),
        Column("setting", "setting", optional=True),
        Column("default", "default", optional=True),
        Column("help", "what it is", wide=True),
        *(Column(key, key, data_only=True) for key in ("secret", "variable", "gives", "costs")),
        Column("configured", "configured", data_only=True),
    ]
    rows: list[Row] = []
    for feed in all_feeds().values():
        about = {"source": feed.name, "gives": list(feed.gives), "costs": feed.costs}
        known = {"configured": feed.name in configured}
        rows.append({**about, "setting": None, "default": None, "help": feed.title, **known})
        rows += [
            {
                **about,
                "setting": setting.name,
                "default": setting.default,
                "help": setting.help,
                "secret": setting.secret,
                "variable": None if setting.secret else variable_of(feed, setting),
                **known,
            }
            for setting in feed.settings
        ]
    notes = [
        f"Settings are read from {home / FILE}, a table for each source; then from the "
        "environment (HASHCANARY_<SOURCE>_<SETTING>); then from -o."
    ]
    return Table(columns, rows, notes=notes, people_rows=_named_once(rows))


def _named_once(rows: Sequence[Row]) -> list[Row]:
    """Rows for people: a feed's name stands only beside its title."""
    blank = {"setting": " ", "default": " "}
    return [{**row, "source": " "} if row.get("setting") else {**row, **blank} for row in rows]
