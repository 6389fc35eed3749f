"""Follows live sources: sync, wait for news, sync again, until the user stops it.

One feed is asked and waited for in turn. Of several each is waited for in a thread of its own,
which touches nothing of the lake; whichever has news is synced next, one at a time. A feed that
fails is left alone for a while, twice as long after each failure, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from hashcanary.errors import Exit, HashcanaryError
from hashcanary.sources.feed import Asked, Clock, Feed
from hashcanary.sources.pools.pool_lists import PoolList
from hashcanary.store.errors import LakeBusy, LakeFull, LakeNotWritable
from hashcanary.store.syncing import Progress, Syncer, SyncReport

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake

FIRST_PAUSE = 5.0
"""Seconds a feed is left alone after it failed once."""
LONGEST_PAUSE = 600.0
"""Seconds a feed is left alone at most."""
# what passes by itself, or when the user makes room
_PASSING = (LakeBusy, LakeFull, LakeNotWritable)


@dataclass(slots=True)
class _Turn:
    """A feed's turn. failures: how often it failed since it last succeeded; error: of its wait."""

    feed: Feed
    settings: Mapping[str, str]
    failures: int = 0
    error: BaseException | None = None

    def wait(self, asked: Asked, clock: Clock) -> None:
        """Return when there may be news, or when a feed that failed may be asked again."""
        if self.failures or self.feed.wait is None:
            clock.sleep(min(FIRST_PAUSE * 2.0 ** (self.failures - 1), LONGEST_PAUSE))
        else:
            self.feed.wait(asked)


def follow(
    lake: Lake,
    feeds: Sequence[tuple[Feed, Mapping[str, str]]],
    clock: Clock,
    tell: Callable[[SyncReport], None],
    progress: Progress | None = None,
    pools: PoolList | None = None,
) -> None:
    """Keep a lake current with feeds, each with its settings, until KeyboardInterrupt.

    tell: called after each sync; a report with an ``error`` means that the feed is asked again
    later. pools: as for ``sync``. Returns only when no feed is left that can be waited for. Raises
    errors of usage and LakeDamaged, which no waiting mends.
    """
    syncer = Syncer(lake, pools)
    ready: SimpleQueue[_Turn] = SimpleQueue()
    for feed, settings in feeds:
        ready.put(_Turn(feed, settings))
    left = len(feeds)
    while left:
        turn = ready.get()
        report = _taken(syncer, turn, clock, progress)
        tell(report)
        turn.failures = 0 if report.error is None else turn.failures + 1
        if turn.feed.wait is None and report.error is None:
            left -= 1
            continue
        asked = syncer.asked(turn.feed, turn.settings, clock)
        if len(feeds) == 1:
            _wait(turn, asked, clock, ready)
        else:
            Thread(target=_wait, args=(turn, asked, clock, ready), daemon=True).start()


def _wait(turn: _Turn, asked: Asked, clock: Clock, ready: SimpleQueue[_Turn]) -> None:
    """Wait for a feed, then queue it; what goes wrong is for the one who takes it up."""
    try:
        turn.wait(asked, clock)
    except BaseException as error:  # noqa: BLE001  raised again by the thread that syncs
        turn.error = error
    ready.put(turn)


def _taken(syncer: Syncer, turn: _Turn, clock: Clock, progress: Progress | None) -> SyncReport:
    """Sync a feed whose wait is over. Raises what no waiting mends."""
    failed, turn.error = turn.error, None
    if failed is None:
        try:
            report = syncer.sync(turn.feed, turn.settings, clock, progress)
        except _PASSING as error:
            return SyncReport(turn.feed.name, syncer.lake, {}, {}, error=error)
        failed = report.error
    else:
        report = SyncReport(turn.feed.name, syncer.lake, {}, {})
    if failed is None:
        return report
    if not isinstance(failed, HashcanaryError) or failed.exit_code in (Exit.USAGE, Exit.LAKE):
        raise failed
    return report if report.error else SyncReport(report.feed, report.lake, {}, {}, error=failed)
