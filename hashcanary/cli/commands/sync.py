"""``hashcanary sync``: new data from live sources, once or until stopped."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hashcanary.cli.declare import add_command
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from hashcanary.cli.declare import Commands, Parser
    from hashcanary.cli.output import Format
    from hashcanary.sources.feed import Feed
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake
    from hashcanary.store.syncing import SyncReport

    Asked = list[tuple[Feed, Mapping[str, str]]]

_DESCRIPTION = """\
Fetches new data from the configured sources: a node, its block files, a peer,
public services. Without --source it takes every source that has a table in
sources.toml in the lake's home, in that order. Creates the lake if there is none.

Each step commits its data together with the source's position, so an interrupted
sync resumes there. A reorganisation switches the branch; the stale branch is kept
and the event is recorded.

--follow keeps syncing: it waits for new blocks (by the node's notices where it has
them) and backs off from a source that fails. Ctrl-C or SIGTERM ends it. Each step
is then a line, with --json a JSON object a line.

Settings come from sources.toml. HASHCANARY_<SOURCE>_<SETTING> in the environment
overrides them, and -o overrides both. Secrets come from the file alone, mode 0600.
Exit code 4: a source failed; what was committed before stays.
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
        summary="fetch new data from a node, a peer or public services",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument(
        "--source", metavar="NAME", action="append", help="sync only this source; can be repeated"
    )
    parser.add_argument(
        "-o",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="options",
        help="a setting of the source; can be repeated",
    )
    parser.add_argument(
        "--pools",
        metavar="FILE",
        help="label new blocks by the list of pools in FILE (pools-v2.json, or TOML like the "
        "built-in list) instead of the built-in one",
    )
    parser.add_argument("--follow", action="store_true", help="keep syncing until stopped")
    parser.add_argument(
        "--list", action="store_true", help="list sources and their settings, and exit"
    )
    parser.add_argument("--network", metavar="NAME", help="network of a new lake (default: main)")


def run(args: argparse.Namespace) -> Exit:
    """Sync, and print what each source gave."""
    from hashcanary.cli.opening import home_of, lake_to_load
    from hashcanary.cli.output import format_of, say, show

    if args.list:
        from hashcanary.views.lake import feeds

        show(feeds(home_of(args)), format_of(args))
        return Exit.DONE
    if args.follow and args.csv:
        raise UsageError(
            argument="--csv",
            expected="a sync that ends",
            found="--follow",
            remedy="Use --json, which prints one object per line.",
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
    from hashcanary.cli.output import format_of, show
    from hashcanary.cli.progress import pace
    from hashcanary.store.syncing import sync
    from hashcanary.views.lake import synced

    reports: list[SyncReport] = []
    for feed, settings in asked:
        with pace(feed.name) as tell:
            reports.append(sync(lake, feed, settings, SystemClock(), tell, pools))
        lake = reports[-1].lake
    show(synced(lake, reports), format_of(args))
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
    from hashcanary.views.lake import sync_notes, sync_record
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
        line = {"time": time, "version": report.lake.version, **sync_record(report)}
        sys.stdout.write(json.dumps(jsonable(line), allow_nan=False) + "\n")
    else:
        span = report.first if report.first == report.last else f"{report.first} to {report.last}"
        head = f"{time} version {report.lake.version}"
        lines = [f"{head} {report.feed}: {span}"] if span else []
        sys.stdout.writelines(harmless(line) + "\n" for line in (*lines, *sync_notes(report)))
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

    from hashcanary.sources.feed import FILE, all_feeds, find_feed, read_settings, settings_of

    configured = read_settings(home)
    names = list(dict.fromkeys(args.source or configured))
    if not names:
        raise UsageError(
            argument="--source",
            expected=f"one of {', '.join(all_feeds()) or '(none)'}",
            found="none, nor a table for one in " + str(home / FILE),
            remedy="`hashcanary sync --list` describes each and its settings.",
        )
    options = dict(_option(text) for text in args.options)
    if options and len(names) > 1:
        raise UsageError(
            argument="-o",
            expected="one source for the setting",
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
