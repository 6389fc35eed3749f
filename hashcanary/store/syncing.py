"""Brings what live sources have into the lake, batch by batch.

1. The feed is told what the lake holds and where it stopped.
2. Its batches are gathered until they are worth a version of the lake, or the feed has no more.
3. Headers are placed by their parents and checked behind the blocks before them; what is new goes
   into the tables; blocks whose coinbase came are labelled with who mined them; a reorganisation is
   noted; the cursor is kept: all in one version.
4. What fails is refused batch by batch, so that what came before it stays.

A feed cut off anywhere goes on from the last version.

Follows live sources: sync, wait for news, sync again, until the user stops it.

One feed is asked and waited for in turn. Of several each is waited for in a thread of its own,
which touches nothing of the lake; whichever has news is synced next, one at a time. A feed that
fails is left alone for a while, twice as long after each failure, and the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.errors import Exit, HashcanaryError
from hashcanary.moments import iso_day
from hashcanary.sources.facts import BLOCKS, EVENTS, HEADERS, POOL_LABELS, TABLES
from hashcanary.sources.feed import Asked, Batch, Clock, Feed
from hashcanary.sources.pools.pool_lists import PoolList, built_in
from hashcanary.store.errors import LakeBusy, LakeFull, LakeNotWritable
from hashcanary.store.held import UNKNOWN, HeldHeaders, held_of
from hashcanary.store.manifest import FeedState, LoadedFile
from hashcanary.store.merging import add_rows
from hashcanary.store.placing import placed_and_checked
from hashcanary.store.pool_labels import add_labels

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake, Transaction

Progress = Callable[[int, int | None, str], None]
REORG = "reorg"


def reorganisation(
    before: HeldHeaders, after: HeldHeaders, source: str, time: int
) -> pl.DataFrame | None:
    """One row of EVENTS where the tip there was before is no longer on the active chain.

    height: of the fork, the last block both branches share; null where the new chain shares none.
    depth: how many blocks were left. time: Unix seconds at which it was seen. None where the tip
    stands.
    """
    old, new = before.tip, after.tip
    if old is None or new is None or after.is_active(old):
        return None
    fork = after.fork_below(old)
    detail = {
        "depth": None if fork is None else old.height - fork.height,
        "old_height": old.height,
        "old_tip": old.hash.hex(),
        "new_height": new.height,
        "new_tip": new.hash.hex(),
    }
    row = {
        "time": time,
        "kind": REORG,
        "height": None if fork is None else fork.height,
        "detail": json.dumps(detail, sort_keys=True),
        "source": source,
        "known_at": time,
    }
    return pl.DataFrame([row], schema=EVENTS.schema)


# a version is worth its files from so many rows on, or after so long a wait for them
MOST_ROWS = 50_000
MOST_SECONDS = 10.0
_NOTES_KEPT = 50


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one feed gave, and the lake as it is afterwards.

    rows: facts it brought, by table; new: those the lake did not have; labels of pools that were
    made from them count too. first, last: where the new
    facts begin and end, as people write it (heights or dates). versions: how many were made.
    notes: what was not brought or not checked, and why. events: rows of EVENTS that were added.
    error: what ended it, None where it came to its end; what was committed before stays.
    """

    feed: str
    lake: Lake
    rows: dict[str, int]
    new: dict[str, int]
    first: str = ""
    last: str = ""
    versions: int = 0
    notes: tuple[str, ...] = ()
    events: tuple[dict[str, object], ...] = ()
    error: HashcanaryError | None = None


def sync(
    lake: Lake,
    feed: Feed,
    settings: Mapping[str, str],
    clock: Clock,
    progress: Progress | None = None,
    pools: PoolList | None = None,
) -> SyncReport:
    """Bring everything that a feed has and the lake has not.

    settings: by name, defaults filled in. progress: called with what is done, of how much (None:
    not known), in which unit. pools: the list that says who mined a block, the built-in one when
    None. An error of the feed, or facts of its that cannot be taken, is in
    the report's ``error``; raises LakeBusy, LakeFull, LakeNotWritable, LakeDamaged.
    """
    return Syncer(lake, pools).sync(feed, settings, clock, progress)


class Syncer:
    """Syncs one lake again and again, and keeps its header tree in memory meanwhile."""

    def __init__(self, lake: Lake, pools: PoolList | None = None) -> None:
        self.lake = lake
        self._pools = built_in() if pools is None else pools
        self._headers = HeldHeaders.of(lake)

    def asked(self, feed: Feed, settings: Mapping[str, str], clock: Clock) -> Asked:
        """The question to a feed, by what the lake holds now."""
        state = self.lake.manifest.feeds.get(feed.name)
        cursor = {} if state is None else state.cursor
        return Asked(held_of(self.lake, self._headers), cursor, settings, clock)

    def sync(
        self,
        feed: Feed,
        settings: Mapping[str, str],
        clock: Clock,
        progress: Progress | None = None,
    ) -> SyncReport:
        """As the function ``sync``, on the newest version of the lake."""
        self._renew()
        found = _Found()
        error: HashcanaryError | None = None
        waiting = _Waiting(clock.now())
        try:
            for batch in feed.batches(self.asked(feed, settings, clock)):
                waiting.add(batch)
                if progress is not None:
                    progress(batch.done, batch.total, batch.unit)
                if waiting.worth_a_version(clock.now()):
                    self._commit(feed, waiting.taken(clock.now()), clock, found)
        except HashcanaryError as raised:
            error = raised
        finally:
            try:
                self._commit(feed, waiting.taken(clock.now()), clock, found)
            except HashcanaryError as raised:
                error = raised
        if error is not None and error.exit_code == Exit.LAKE:
            raise error
        return found.report(feed.name, self.lake, error)

    def _renew(self) -> None:
        """Take up what another process wrote since."""
        newest = type(self.lake).open(self.lake.home)
        if newest.version != self.lake.version:
            self.lake, self._headers = newest, HeldHeaders.of(newest)

    def _commit(self, feed: Feed, batches: Sequence[Batch], clock: Clock, found: _Found) -> None:
        """Commit batches as one version; one by one where something among them is refused."""
        if not batches:
            return
        try:
            self._commit_together(feed, batches, clock, found)
        except HashcanaryError as error:
            if len(batches) == 1 or error.exit_code == Exit.LAKE:
                raise
            for batch in batches:
                self._commit_together(feed, [batch], clock, found)

    def _commit_together(
        self, feed: Feed, batches: Sequence[Batch], clock: Clock, found: _Found
    ) -> None:
        time = int(clock.now())
        with self.lake.writing() as transaction:
            base = transaction.base
            before = self._headers
            if base.version != before.version:
                before = HeldHeaders.of(base)
            rows = _by_table(batches)
            fresh = _headers_added(transaction, rows, before)
            after = before if fresh is None else before.extended(fresh)
            event = reorganisation(before, after, feed.name, time)
            if event is not None:
                rows[EVENTS.name] = pl.concat([rows.get(EVENTS.name, event.clear()), event])
            new = _others_added(transaction, rows)
            _label_blocks(transaction, rows, new, self._pools)
            if fresh is not None:
                new[HEADERS.name] = fresh
            first, last = _span(new)
            transaction.reach(feed.name, FeedState(dict(batches[-1].cursor), time, last))
            notes = tuple(note for batch in batches for note in batch.notes)
            given = _provenance(feed.name, rows, new, first, last, notes)
            self.lake = transaction.publish([given], time)
        self._headers = replace(after, version=self.lake.version)
        found.add(base, self.lake, rows, new, notes)


@dataclass(slots=True)
class _Waiting:
    """Batches that are not committed yet."""

    since: float
    batches: list[Batch] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.rows += sum(facts.frame.height for facts in batch.facts)

    def worth_a_version(self, now: float) -> bool:
        return self.rows >= MOST_ROWS or (bool(self.rows) and now - self.since >= MOST_SECONDS)

    def taken(self, now: float) -> list[Batch]:
        taken, self.batches, self.rows, self.since = self.batches, [], 0, now
        return taken


@dataclass(slots=True)
class _Found:
    """What a sync brought so far."""

    rows: dict[str, int] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    events: list[dict[str, object]] = field(default_factory=list)
    versions: int = 0

    def add(
        self,
        before: Lake,
        after: Lake,
        rows: Mapping[str, pl.DataFrame],
        new: Mapping[str, pl.DataFrame],
        notes: Sequence[str],
    ) -> None:
        self.versions += after.version - before.version
        for counts, frames in ((self.rows, rows), (self.new, new)):
            for name, frame in frames.items():
                counts[name] = counts.get(name, 0) + frame.height
        heights, days = _reach(new)
        self.places += heights
        self.days += days
        self.notes |= dict.fromkeys(notes[:_NOTES_KEPT])
        if EVENTS.name in new:
            self.events += new[EVENTS.name].to_dicts()

    def report(self, feed: str, lake: Lake, error: HashcanaryError | None) -> SyncReport:
        first, last = _as_people_write(self.places, self.days)
        return SyncReport(
            feed=feed,
            lake=lake,
            rows=self.rows,
            new=self.new,
            first=first,
            last=last,
            versions=self.versions,
            notes=tuple(self.notes)[:_NOTES_KEPT],
            events=tuple(self.events),
            error=error,
        )


def _by_table(batches: Sequence[Batch]) -> dict[str, pl.DataFrame]:
    """The rows of all batches for each table, in the order in which they came."""
    frames: dict[str, list[pl.DataFrame]] = {}
    for batch in batches:
        for facts in batch.facts:
            wanted = facts.frame.select(list(facts.table.schema))
            frames.setdefault(facts.table.name, []).append(wanted)
    return {name: pl.concat(parts) for name, parts in frames.items()}


def _headers_added(
    transaction: Transaction, rows: Mapping[str, pl.DataFrame], before: HeldHeaders
) -> pl.DataFrame | None:
    """Put the rows for headers; gives those that are new, None where none came."""
    if not len(rows.get(HEADERS.name, ())):
        return None
    placed = placed_and_checked(transaction.base, before, rows)
    known = pl.Series(before.rows_of(placed["hash"]) != UNKNOWN)
    fresh = placed.filter(~known)
    if known.any():
        add_rows(transaction, HEADERS, placed)
    elif len(fresh):
        transaction.append(HEADERS.name, fresh)
    return fresh


def _others_added(
    transaction: Transaction, rows: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Put the rows for all tables but headers; gives those that are new."""
    return {
        table.name: add_rows(transaction, table, rows[table.name])
        for table in TABLES.values()
        if table is not HEADERS and len(rows.get(table.name, ()))
    }


def _label_blocks(
    transaction: Transaction,
    rows: dict[str, pl.DataFrame],
    new: dict[str, pl.DataFrame],
    pools: PoolList,
) -> None:
    """Say who mined the blocks whose coinbase came, and count that among the rows."""
    blocks = rows.get(BLOCKS.name, pl.DataFrame(schema=BLOCKS.schema))
    known = blocks.filter(pl.col("coinbase_script").is_not_null())
    if known.is_empty():
        return
    made = add_labels(transaction, pools, known)
    if made.height:
        for counts in (rows, new):
            counts[POOL_LABELS.name] = pl.concat([counts.get(POOL_LABELS.name, made.clear()), made])


def _reach(new: Mapping[str, pl.DataFrame]) -> tuple[list[int], list[int]]:
    """The least and greatest height of new rows, and the times they were known at."""
    heights: list[int] = []
    times: list[int] = []
    for name, frame in new.items():
        column = "height" if name in ("headers", "blocks", "pool_labels") else "known_at"
        ends = [frame[column].min(), frame[column].max()]
        found = [end for end in ends if isinstance(end, int)]
        (heights if column == "height" else times).extend(found)
    return heights, times


def _as_people_write(heights: Sequence[int], times: Sequence[int]) -> tuple[str, str]:
    """From where to where: in heights where there are any, else in days."""
    if heights:
        return f"block {min(heights):,}", f"block {max(heights):,}"
    return (iso_day(min(times)), iso_day(max(times))) if times else ("", "")


def _span(new: Mapping[str, pl.DataFrame]) -> tuple[str, str]:
    return _as_people_write(*_reach(new))


def _provenance(
    feed: str,
    rows: Mapping[str, pl.DataFrame],
    new: Mapping[str, pl.DataFrame],
    first: str,
    last: str,
    notes: Sequence[str],
) -> LoadedFile:
    return LoadedFile(
        path=feed,
        sha256="",
        kind="feed",
        rows=sum(frame.height for frame in rows.values()),
        new=sum(frame.height for frame in new.values()),
        first=first,
        last=last,
        notes=tuple(notes[:_NOTES_KEPT]),
    )


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
