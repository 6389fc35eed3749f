"""Brings all headers that peers have and we have not; waits for more.

1. Connect to every peer named; those that fail are dropped with a reason.
2. Walk each peer's headers, one peer after the other, from a locator of the best chain known so
   far. The next message is asked for before the last is judged, so the peer works meanwhile.
3. What becomes part of the best chain is given in batches; a branch with less work is not.
4. Headers missing below what the lake holds are asked of those who were followed to their tips.
5. At the end every peer must have been on the best chain: one that was not is said.
"""

from __future__ import annotations

import select
from collections.abc import Generator, Iterator

import numpy as np
import polars as pl

from hashcanary.arrays import Ints
from hashcanary.chain.headers import HEADER_SIZE, HeaderColumns, decode_headers, header_hash
from hashcanary.chain.networks import Genesis
from hashcanary.chain.validate import ValidatedRun
from hashcanary.sources.errors import PeerDropped
from hashcanary.sources.facts import HEADERS, Facts
from hashcanary.sources.feed import Asked, Batch
from hashcanary.sources.p2p.best_chain import BestChain
from hashcanary.sources.p2p.branch import Branch, Gap, fill, gaps_of
from hashcanary.sources.p2p.messages import MAX_HEADERS, read_blocks
from hashcanary.sources.p2p.session import SOURCE, Peers, Session, open_peers
from hashcanary.sources.p2p.settings import read_settings

BATCH = 50_000
"""Headers in a batch, about: 25 messages."""
_LOOK = 1.0


def batches(asked: Asked) -> Iterator[Batch]:
    """All headers of the peers' best chain that the lake has not, validated.

    Raises UsageError for settings, NoPeerLeft when no peer could be followed to its tip; what was
    validated by then has been given.
    """
    network, now = asked.held.network, int(asked.clock.now())
    peering = read_settings(asked.settings, network)
    best = BestChain(asked.held)
    gathered = _Gathered(asked, best)
    with open_peers(peering, network, now, best.tip_height) as peers:
        claims = [session.version.start_height for session in peers.sessions]
        gathered.expect(max(claims, default=0))
        followed = []
        for session in list(peers.sessions):
            branch = Branch(best, network, now)
            with peers.watched(session):
                for run in _walk(session, best, branch):
                    yield from gathered.add(run)
                followed.append((session, branch))
        said = _said(followed, best)
        for gap in gaps_of(asked.held):
            if best.find(gap.above) is not None and followed:
                said += yield from _filled(gap, peers, best, gathered, now)
        yield from gathered.rest(peers, now, said)
        if not followed:
            raise peers.none_left()


def wait(asked: Asked) -> None:
    """Return when a peer has headers that would extend or replace the best chain, or after a while.

    Peers that misbehave are let go; without any the time of a poll passes.
    """
    network, now = asked.held.network, asked.clock.now
    peering = read_settings(asked.settings, network)
    until = now() + peering.poll
    tip = asked.held.tip_height or 0
    with open_peers(peering, network, int(now()), tip) as peers:
        for session in list(peers.sessions):
            if _news(session, asked, peers, first=True):
                return
        while peers.sessions and (left := until - now()) > 0:
            for session in list(peers.sessions):
                if _notified(session, peers) and _news(session, asked, peers):
                    return
            readable, _, _ = select.select(peers.sessions, [], [], min(left, _LOOK))
            for session in readable:
                with peers.watched(session):
                    session.hear()
    if (left := until - now()) > 0:
        asked.clock.sleep(left)


def _walk(session: Session, best: BestChain, branch: Branch) -> Iterator[ValidatedRun]:
    """Follow one peer to its tip; gives what becomes part of the best chain."""
    session.ask_headers(best.locator())
    while data := session.headers():
        whole = len(data) == MAX_HEADERS * HEADER_SIZE
        if whole:
            session.ask_headers([header_hash(data[-HEADER_SIZE:])])
        yield from branch.take(data)
        if not whole:
            break
    branch.finish()


def _filled(
    gap: Gap, peers: Peers, best: BestChain, gathered: _Gathered, now: int
) -> Generator[Batch, None, tuple[str, ...]]:
    """A gap's headers from the first peer whose chain fits; gives notes where none has."""
    for session in list(peers.sessions):
        walk = fill(session, gap, best, now)
        came = 0
        try:
            while True:
                came += next(walk)
                yield gathered.underway(came, len(gap))
        except StopIteration as end:
            first = gap.first
            for columns in end.value:
                yield from gathered.put_below(columns, first)
                first += len(columns)
            if first > gap.first:
                return ()
        except PeerDropped as why:
            peers.drop(session, why)
    return (gap.missing(),)


def _said(followed: list[tuple[Session, Branch]], best: BestChain) -> tuple[str, ...]:
    """What is to be said of peers that were followed to their tips."""
    notes = []
    for session, branch in followed:
        standing = branch.standing()
        if standing is not None:
            notes.append(f"peer {session.peer}: {standing}")
        notes += [f"peer {session.peer}: {note}" for note in branch.notes]
        claimed, tip = session.version.start_height, best.tip_height
        if claimed < tip and branch.last != best.locator()[0]:
            notes.append(f"peer {session.peer} is behind: it had {claimed:,} blocks of {tip:,}")
        elif claimed > tip:
            notes.append(f"peer {session.peer} claimed {claimed:,} blocks, but gave {tip:,}")
    return tuple(notes)


def _notified(session: Session, peers: Peers) -> bool:
    """Whether what the peer sent speaks of a block."""
    try:
        return any(
            message.command == "headers"
            or (message.command == "inv" and read_blocks(message.payload))
            for message in session.notices()
        )
    except PeerDropped as why:
        peers.drop(session, why)
        return False


def _news(session: Session, asked: Asked, peers: Peers, first: bool = False) -> bool:
    """Whether the peer proves headers that the best chain lacks."""
    best = BestChain(asked.held)
    branch = Branch(best, asked.held.network, int(asked.clock.now()))
    found = None
    with peers.watched(session):
        found = next(_walk(session, best, branch), None)
        if first and found is None:
            session.announce_by_headers()
    return found is not None


class _Gathered:
    """Runs on their way into batches. The first run of an empty lake brings genesis with it."""

    def __init__(self, asked: Asked, best: BestChain) -> None:
        self._best = best
        self._start = best.tip_height
        self._claimed = 0
        self._genesis = asked.held.network.genesis
        self._columns: list[HeaderColumns] = []
        self._heights: list[Ints] = []
        self._count = 0
        self._without_genesis = asked.held.height_of(self._genesis.hash) is None

    def expect(self, claimed: int) -> None:
        """The greatest height that a peer claims, for the progress shown."""
        self._claimed = claimed

    def add(self, run: ValidatedRun) -> Iterator[Batch]:
        """Take a run; gives a batch when there is enough for one."""
        yield from self._taken(run.columns, run.first_height)

    def put_below(self, columns: HeaderColumns, first: int) -> Iterator[Batch]:
        """Take headers from height ``first`` on that fill a gap; gives a batch when it is due."""
        self._best.added += len(columns)
        yield from self._taken(columns, first)

    def underway(self, came: int, of: int) -> Batch:
        """How far a gap is fetched, without its facts."""
        return Batch((), {"height": self._best.tip_height}, came, of, "headers below")

    def _taken(self, columns: HeaderColumns, first: int) -> Iterator[Batch]:
        if first == 1 and self._without_genesis:
            self._put(decode_headers(_genesis_header(self._genesis)), 0)
            self._without_genesis = False
        self._put(columns, first)
        if self._count >= BATCH:
            yield self._batch((), ())

    def rest(self, peers: Peers, now: int, said: tuple[str, ...]) -> Iterator[Batch]:
        """The last batch, with what is to be said of the peers; none where there is nothing."""
        events = peers.events(now, self._best.tip_height)
        notes = (*said, *peers.notes())
        if self._count or events is not None or notes:
            yield self._batch(() if events is None else (events,), notes)

    def _put(self, columns: HeaderColumns, first: int) -> None:
        self._columns.append(columns)
        self._heights.append(np.arange(first, first + len(columns), dtype=np.int64))
        self._count += len(columns)

    def _batch(self, more: tuple[Facts, ...], notes: tuple[str, ...]) -> Batch:
        facts = (self._facts(), *more) if self._count else more
        self._columns, self._heights, self._count = [], [], 0
        total = self._claimed - self._start
        return Batch(
            facts=facts,
            cursor={"height": self._best.tip_height},
            done=self._best.added,
            total=total if total >= self._best.added else None,
            unit="headers",
            notes=notes,
        )

    def _facts(self) -> Facts:
        parts = self._columns
        columns = HeaderColumns(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in HeaderColumns.__slots__
            }
        )
        rows = columns.frame().with_columns(height=pl.Series(np.concatenate(self._heights)))
        return HEADERS.facts(rows, SOURCE, known_at="time")


def _genesis_header(genesis: Genesis) -> bytes:
    numbers = (genesis.time, genesis.bits, genesis.nonce)
    return b"".join(
        [
            genesis.version.to_bytes(4, "little"),
            bytes(32),
            genesis.merkle_root[::-1],
            *(number.to_bytes(4, "little") for number in numbers),
        ]
    )
