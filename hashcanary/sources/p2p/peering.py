"""Connects to all peers at once, and keeps account of those that were dropped."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.errors import NoPeerLeft, PeerDropped, Reason
from hashcanary.sources.facts import EVENTS, Facts
from hashcanary.sources.p2p.connecting import connect
from hashcanary.sources.p2p.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hashcanary.chain.networks import Network
    from hashcanary.sources.p2p.settings import Address, Peering

SOURCE = "p2p"
# a peer that never was there did nothing: it is said, but is no event
_NO_EVENT = (Reason.UNREACHABLE, Reason.PROXY)


@dataclass(slots=True)
class Peers:
    """The sessions that are open, and why each of the others is not."""

    network: Network
    sessions: list[Session] = field(default_factory=list)
    dropped: list[tuple[Address, PeerDropped]] = field(default_factory=list)

    def drop(self, session: Session, why: PeerDropped) -> None:
        """Close a session for a reason."""
        session.close()
        self.sessions.remove(session)
        self.dropped.append((session.peer, why))

    def notes(self) -> tuple[str, ...]:
        """A line for each peer that was dropped."""
        return tuple(
            f"peer {peer} dropped ({why.reason}): {why.detail}" for peer, why in self.dropped
        )

    def events(self, now: int, height: int) -> Facts | None:
        """A row ``peer-dropped`` for each peer that answered and was dropped."""
        details = [
            json.dumps({"peer": str(peer), "reason": why.reason, "detail": why.detail})
            for peer, why in self.dropped
            if why.reason not in _NO_EVENT
        ]
        if not details:
            return None
        rows = pl.DataFrame({"detail": details}).with_columns(
            time=pl.lit(now, pl.Int64),
            kind=pl.lit("peer-dropped"),
            height=pl.lit(height, pl.Int64),
            source=pl.lit(SOURCE),
            known_at=pl.lit(now, pl.Int64),
        )
        return Facts(EVENTS, rows.select(list(EVENTS.schema)))

    def none_left(self) -> NoPeerLeft:
        """The error that names every peer's reason."""
        reasons = "; ".join(f"{peer}: {why.reason}, {why.detail}" for peer, why in self.dropped)
        return NoPeerLeft(network=self.network.name, count=len(self.dropped), reasons=reasons)


@contextmanager
def open_peers(peering: Peering, network: Network, now: int, height: int) -> Iterator[Peers]:
    """Sessions after their handshake, in the order in which the peers were named."""
    nonces = [secrets.token_bytes(8) for _ in peering.peers]

    def greet(peer: Address, nonce: bytes) -> Session | PeerDropped:
        try:
            connection = connect(peer, peering.proxy, peering.timeout)
        except PeerDropped as why:
            return why
        session = Session(connection, peer, network, peering.timeout)
        try:
            session.handshake(nonce, now, height, nonces)
        except PeerDropped as why:
            session.close()
            return why
        return session

    peers = Peers(network)
    try:
        with ThreadPoolExecutor(len(peering.peers)) as pool:
            for peer, met in zip(
                peering.peers, pool.map(greet, peering.peers, nonces), strict=True
            ):
                if isinstance(met, Session):
                    peers.sessions.append(met)
                else:
                    peers.dropped.append((peer, met))
        yield peers
    finally:
        for session in peers.sessions:
            session.close()
