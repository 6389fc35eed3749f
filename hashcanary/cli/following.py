"""``sync --follow``: a line for each step, until a signal ends it."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hashcanary.cli.clock import SystemClock
from hashcanary.cli.commands.sync import as_row, remarks
from hashcanary.cli.output import harmless, jsonable, say
from hashcanary.errors import Exit
from hashcanary.moments import iso_time
from hashcanary.store.following import follow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from hashcanary.cli.output import Format
    from hashcanary.sources.feed import Feed
    from hashcanary.sources.pools.pool_lists import PoolList
    from hashcanary.store.lake import Lake
    from hashcanary.store.syncing import SyncReport


class _Stopped(KeyboardInterrupt):
    """SIGTERM: what a service manager says to end a service."""


def follow_until_stopped(
    lake: Lake,
    asked: Sequence[tuple[Feed, Mapping[str, str]]],
    how: Format,
    pools: PoolList | None = None,
) -> Exit:
    """Follow feeds, labelling by ``pools`` (None: the built-in list).

    SIGTERM ends it with success; Ctrl-C rises as KeyboardInterrupt.
    """
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
        line = {"time": time, "version": report.lake.version, **as_row(report)}
        sys.stdout.write(json.dumps(jsonable(line), allow_nan=False) + "\n")
    else:
        span = report.first if report.first == report.last else f"{report.first} to {report.last}"
        head = f"{time} version {report.lake.version}"
        lines = [f"{head} {report.feed}: {span}"] if span else []
        sys.stdout.writelines(harmless(line) + "\n" for line in (*lines, *remarks(report)))
    sys.stdout.flush()


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise _Stopped

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
