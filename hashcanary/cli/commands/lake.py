"""Commands that fill a lake, check it and write what it holds."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hashcanary.cli import options as opt
from hashcanary.cli.declare import answer, beside, command, option
from hashcanary.cli.opening import SystemClock, home_of, lake_to_load, open_lake
from hashcanary.cli.output import Format, bar, format_of, pace, present, say
from hashcanary.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from hashcanary.sources.feed import Feed
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake
    from hashcanary.store.syncing import SyncReport

    Asked = list[tuple[Feed, Mapping[str, str]]]


@contextmanager
def _lake_to_load(args: argparse.Namespace) -> Iterator[Lake]:
    """The lake to load into; whether its history is simulated is said first."""
    with lake_to_load(args, args.network) as lake:
        if lake.simulated:
            say(f"hashcanary: {lake.home} holds simulated history; all it reports is marked so.")
        yield lake


@command(
    "load",
    "import files or folders into the lake",
    beside("paths", metavar="PATH", nargs="+", help="a file or a folder"),
    beside("--as", dest="kind", metavar="KIND", help="kind of the files, instead of detecting it"),
    opt.place("--mapping", "FILE", "a TOML file that describes the columns of a table"),
    beside("--market", metavar="NAME", help="the candles' market (default: the file's name)"),
    beside(
        "--interval",
        metavar="SECONDS",
        type=int,
        help="length of a candle, where the spacing of the rows does not show it",
    ),
    beside("--height", metavar="N", type=int, help="height of the first header of the file"),
    opt.NETWORK,
)
def load(args: argparse.Namespace) -> Exit:
    """Imports files and folders into the lake, and creates the lake if there is none.
    Files are recognised by their content, not by their names: raw block headers, block
    tables, Core's getblockstats, Coin Metrics daily series, candles, company reports,
    ERCOT's hourly prices of power; other tables need a mapping file. zstd-compressed
    files are read as they are.

    A load is atomic: on any error nothing is written. Loading the same data again, or
    in another order, changes nothing.

    Prints the rows and the range of each file, the gaps in it, and what was skipped and
    why.

    For example:
      hashcanary load ~/bitcoin-data
      hashcanary load headers.bin.zst blockstats.parquet
      hashcanary load prices.csv --as candles --market BTCUSD
      hashcanary load vendor.csv --mapping vendor.toml
      hashcanary load run.bin --height 150001
    """
    from hashcanary.sources.source import Options
    from hashcanary.store.loading import load
    from hashcanary.views.lake import loaded

    for name, least, unit in (("height", 0, "a block's height"), ("interval", 1, "seconds")):
        value = getattr(args, name)
        if value is not None and value < least:
            raise UsageError(
                argument=f"--{name}",
                expected=f"{unit}, {least} or more",
                found=value,
                remedy="Correct it, or omit it.",
            )
    options = Options(market=args.market, interval=args.interval, mapping=args.mapping)
    with _lake_to_load(args) as lake, bar() as tell:
        report = load(lake, args.paths, args.kind, options, tell, args.height)
    return present(args, loaded(report))


class _Stopped(KeyboardInterrupt):
    """SIGTERM: what a service manager says to end a service."""


def _once(args: argparse.Namespace, lake: Lake, asked: Asked, pools: PoolList | None) -> Exit:
    from hashcanary.cli.errors import SyncFailed
    from hashcanary.store.syncing import sync
    from hashcanary.views.lake import synced

    reports: list[SyncReport] = []
    for feed, settings in asked:
        with pace(feed.name) as tell:
            reports.append(sync(lake, feed, settings, SystemClock(), tell, pools))
        lake = reports[-1].lake
    done = present(args, synced(lake, reports))
    failed = [report for report in reports if report.error is not None]
    for report in failed:
        if report.error is not None and (report.error.exit_code != Exit.SOURCE or len(asked) == 1):
            raise report.error
    if failed:
        problems = "; ".join(f"{report.feed}: {report.error}" for report in failed)
        raise SyncFailed(failed=len(failed), asked=len(asked), problems=problems)
    return done


def _follow(lake: Lake, asked: Asked, how: Format, pools: PoolList | None) -> Exit:
    """A line for each step. SIGTERM ends it with success; Ctrl-C rises as KeyboardInterrupt."""
    from hashcanary.store.syncing import follow

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


@command(
    "sync",
    "fetch new data from a node, a peer or public services",
    beside(
        "--source",
        metavar="NAME",
        action="append",
        help="sync only this source; can be repeated",
    ),
    beside(
        "-o",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="options",
        help="a setting of the source; can be repeated",
    ),
    opt.place(
        *("--pools", "FILE"),
        "label new blocks by the list of pools in FILE (pools-v2.json, or TOML like the "
        "built-in list) instead of the built-in one",
    ),
    beside("--follow", action="store_true", help="keep syncing until stopped"),
    beside("--list", action="store_true", help="list sources and their settings, and exit"),
    opt.NETWORK,
)
def sync(args: argparse.Namespace) -> Exit:
    """Fetches new data from the configured sources: a node, its block files, a peer,
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

    For example:
      hashcanary sync --list
      hashcanary sync --source p2p
      hashcanary sync --source p2p -o peers=192.0.2.7 --follow
      hashcanary sync --json | jq '.rows[].new'
    """
    from hashcanary.sources.pools.pool_lists import read_pool_list

    if args.list:
        from hashcanary.views.lake import feeds

        return present(args, feeds(home_of(args)))
    if args.follow and args.csv:
        raise UsageError(
            argument="--csv",
            expected="a sync that ends",
            found="--follow",
            remedy="Use --json, which prints one object per line.",
        )
    asked = _asked(args, home_of(args))
    pools = None if args.pools is None else read_pool_list(args.pools)
    with _lake_to_load(args) as lake:
        if args.follow:
            return _follow(lake, asked, format_of(args), pools)
        return _once(args, lake, asked, pools)


@command("status", "how complete the lake is, and where sources disagree")
def status(args: argparse.Namespace) -> Exit:
    """Shows how complete the lake is: the rows and the range of each table, missing
    ranges, and values on which sources disagree. Superseded rows are kept; the row in
    force by source precedence is named.

    For example:
      hashcanary status
      hashcanary status --json | jq '.tables'
    """
    return answer(args, "lake", "status", open_lake)


@command("verify", "check proof of work, links, retargets, subsidies, checksums")
def verify(args: argparse.Namespace) -> Exit:
    """Verifies the lake again: proof of work and links of headers, targets at every
    retarget, subsidies, and the checksums of the lake's own files. Prints each check
    with its coverage, and each finding with its place.

    Exits with 0 if there is no finding, with 1 if there is one.

    For example:
      hashcanary verify
      hashcanary verify --json | jq '.rows[]'
    """
    from hashcanary.views.lake import verify

    with bar() as tell:
        answer = verify(home_of(args), tell)
    done = present(args, answer)
    return done if answer.result.sound else Exit.FOUND


@command(
    "export",
    "write blocks, days and epochs as Parquet or CSV",
    option("folder", metavar="DIR", type=opt.path_of, help="where to write; created if missing"),
    option(
        "--format",
        choices=("parquet", "csv"),
        default="parquet",
        dest="kind",
        help="default: parquet",
    ),
    opt.AT,
)
def export(args: argparse.Namespace) -> Exit:
    """Writes the record by source precedence into DIR: blocks (one row a height), days and
    epochs (every metric, with its limits), and export.json, which describes the
    columns. pandas, DuckDB, Polars and spreadsheets can read the files directly.

    DIR must be empty or missing. On any error nothing is written.

    For example:
      hashcanary export tables/
      hashcanary export tables-then/ --at 2026-02-03 --format csv
    """
    return answer(args, "export")
