"""A conversation with one peer: handshake, questions, answers, each within time and bounds.

Any message that is not awaited is unrelated: it is answered where politeness asks for it (ping,
getheaders), counted, and forgotten. A peer that sends too many of them, too many bytes, or
nothing in time is dropped.

Connections are opened to all peers at once, directly or through a SOCKS5 proxy such as Tor's.
Through a proxy names are never looked up here: the proxy is given them (RFC 1928, without
authentication), so that nothing tells whom we ask for. Account is kept of peers that were dropped.
"""

from __future__ import annotations

import json
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.errors import NoPeerLeft, PeerDropped, Reason
from hashcanary.sources.facts import EVENTS, Facts
from hashcanary.sources.p2p.messages import (
    LEAST_VERSION,
    SERVES_BLOCKS,
    Deframer,
    Message,
    Version,
    frame,
    getheaders_payload,
    read_headers,
    read_version,
    version_payload,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from hashcanary.chain.networks import Network
    from hashcanary.sources.p2p.settings import Address, Peering


_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}
_BOUND = {1: 4, 4: 16}


def connect(peer: Address, proxy: Address | None, timeout: float) -> socket.socket:
    """A connected socket, within ``timeout`` seconds for all steps. Raises PeerDropped."""
    deadline = time.monotonic() + timeout
    first = proxy or peer
    try:
        connection = _dial(first, deadline)
    except OSError as error:
        where = f"the proxy {proxy}" if proxy else "the peer"
        raise PeerDropped(
            Reason.PROXY if proxy else Reason.UNREACHABLE,
            f"expected {where} to take a connection, found: {_words(error)}",
        ) from error
    if proxy is not None:
        try:
            _through(connection, peer, deadline)
        except BaseException:
            connection.close()
            raise
    return connection


def remaining(deadline: float) -> float:
    """Seconds until ``deadline`` (monotonic), at least a millisecond: zero would not block."""
    return max(deadline - time.monotonic(), 0.001)


def _dial(address: Address, deadline: float) -> socket.socket:
    """Connect to the first of a name's addresses that answers before the deadline."""
    failure: OSError = TimeoutError("timed out")
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, where in found:
        if time.monotonic() >= deadline:
            break
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(remaining(deadline))
            connection.connect(where)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _through(connection: socket.socket, peer: Address, deadline: float) -> None:
    """Ask a SOCKS5 proxy to connect to the peer."""
    try:
        connection.sendall(b"\x05\x01\x00")
        if (method := _exactly(connection, 2, deadline)) != b"\x05\x00":
            raise _refused(f"no SOCKS5 without authentication (answer {method.hex()})")
        connection.sendall(b"\x05\x01\x00" + _destination(peer))
        version, reply, _, kind = _exactly(connection, 4, deadline)
        if version != 5:
            raise _refused("an answer that is not SOCKS5")
        if reply != 0:
            raise _refused(_REPLIES.get(reply, f"failure {reply}"))
        if kind == 3:
            length = _exactly(connection, 1, deadline)[0]
        elif kind in _BOUND:
            length = _BOUND[kind]
        else:
            raise _refused(f"an address of kind {kind}")
        _exactly(connection, length + 2, deadline)
    except OSError as error:
        raise _refused(_words(error)) from error


def _destination(peer: Address) -> bytes:
    port = peer.port.to_bytes(2, "big")
    try:
        address = ip_address(peer.host)
    except ValueError:
        name = peer.host.encode("ascii")
        return bytes([3, len(name)]) + name + port
    return bytes([1 if address.version == 4 else 4]) + address.packed + port


def _exactly(connection: socket.socket, count: int, deadline: float) -> bytes:
    data = b""
    while len(data) < count:
        connection.settimeout(remaining(deadline))
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise _refused("the end of the connection")
        data += chunk
    return data


def _refused(found: str) -> PeerDropped:
    return PeerDropped(Reason.PROXY, f"expected the proxy to reach the peer, found: {found}")


def _words(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)


MAX_UNRELATED = 1_000
MAX_UNRELATED_BYTES = 8_000_000
_CHUNK = 1 << 18


class Session:
    """An open connection. peer: its address; version: what it says of itself, after handshake."""

    def __init__(
        self, connection: socket.socket, peer: Address, network: Network, timeout: float
    ) -> None:
        self.peer = peer
        self.version = Version(0, 0, b"", "", 0)
        self._connection = connection
        self._network = network
        self._timeout = timeout
        self._deframer = Deframer(network)
        self._asked = 0
        self._unrelated = 0
        self._unrelated_bytes = 0

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def fileno(self) -> int:
        """The socket, for ``select``."""
        return self._connection.fileno()

    def handshake(self, nonce: bytes, now: int, height: int, ours: Collection[bytes]) -> None:
        """Exchange ``version`` and ``verack``.

        nonce: 8 bytes of chance; ours: the nonces of all our connections: a peer that shows one of
        them is ourselves. Raises PeerDropped.
        """
        deadline = self._deadline()
        self._send("version", version_payload(nonce, now, height))
        self.version = read_version(self._await(("version",), deadline).payload)
        if self.version.nonce in ours:
            raise PeerDropped(
                Reason.SELF_CONNECTION, "expected another node, found the nonce of our own version"
            )
        if self.version.protocol < LEAST_VERSION:
            raise PeerDropped(
                Reason.TOO_OLD,
                f"expected protocol version {LEAST_VERSION} or later, "
                f"found {self.version.protocol}",
            )
        if not self.version.services & SERVES_BLOCKS:
            raise PeerDropped(
                Reason.SERVES_NO_HEADERS,
                f"expected a node that serves the chain, found services {self.version.services:#x}",
            )
        self._send("verack")
        self._await(("verack",), deadline)

    def ask_headers(self, locator: Sequence[bytes]) -> None:
        """Ask for the headers after the first hash of the locator that the peer has.

        A ping goes with the question: some nodes are silent where they have nothing to answer, but
        every node takes messages in order, so its pong before any headers says just that.
        """
        self._asked += 1
        self._send("getheaders", getheaders_payload(locator))
        self._send("ping", self._ping())

    def headers(self) -> bytes:
        """The answer: headers of 80 bytes each, concatenated, at most 2,000; may be none."""
        message = self._await(("headers", "pong"), self._deadline())
        return read_headers(message.payload) if message.command == "headers" else b""

    def announce_by_headers(self) -> None:
        """Ask the peer to announce new blocks by their headers."""
        self._send("sendheaders")

    def hear(self) -> None:
        """Take in what has arrived, for a caller that saw the socket readable."""
        self._receive(self._deadline())

    def notices(self) -> list[Message]:
        """The whole messages taken in that nobody awaited."""
        messages = []
        while (message := self._deframer.next_message()) is not None:
            self._answer(message)
            messages.append(message)
        return messages

    def _deadline(self) -> float:
        return time.monotonic() + self._timeout

    def _ping(self) -> bytes:
        return self._asked.to_bytes(8, "little")

    def _await(self, commands: tuple[str, ...], deadline: float) -> Message:
        """The next such message; what comes before it is unrelated, so is the pong of another."""
        self._unrelated = self._unrelated_bytes = 0
        while True:
            message = self._deframer.next_message()
            if message is None:
                self._receive(deadline, commands[0])
            elif message.command in commands and self._is_latest(message):
                return message
            else:
                self._answer(message)

    def _is_latest(self, message: Message) -> bool:
        """A pong may be that of an earlier question, whose answer has come."""
        return message.command != "pong" or message.payload == self._ping()

    def _answer(self, message: Message) -> None:
        self._unrelated += 1
        self._unrelated_bytes += len(message.payload)
        if self._unrelated > MAX_UNRELATED or self._unrelated_bytes > MAX_UNRELATED_BYTES:
            raise PeerDropped(
                Reason.TOO_MANY_MESSAGES,
                f"expected at most {MAX_UNRELATED:,} messages and {MAX_UNRELATED_BYTES:,} bytes "
                f"beside the answer, found more; the last was {message.command!r}",
            )
        if message.command == "ping" and len(message.payload) == 8:
            self._send("pong", message.payload)
        elif message.command == "getheaders":
            self._send("headers", b"\0")  # none: a node would wait for us otherwise

    def _send(self, command: str, payload: bytes = b"") -> None:
        try:
            self._connection.settimeout(self._timeout)
            self._connection.sendall(frame(self._network, command, payload))
        except OSError as error:
            raise _lost(error, f"to take a message {command!r}", self._timeout) from error

    def _receive(self, deadline: float, command: str = "") -> None:
        expected = f"to send a message {command!r}" if command else "to send whole messages"
        if time.monotonic() >= deadline:
            raise _lost(TimeoutError(), expected, self._timeout)
        try:
            self._connection.settimeout(remaining(deadline))
            chunk = self._connection.recv(_CHUNK)
        except OSError as error:
            raise _lost(error, expected, self._timeout) from error
        if not chunk:
            raise PeerDropped(
                Reason.CLOSED, f"expected the peer {expected}, found the connection closed"
            )
        self._deframer.feed(chunk)


def _lost(error: OSError, expected: str, timeout: float) -> PeerDropped:
    if isinstance(error, TimeoutError):
        return PeerDropped(
            Reason.SILENT, f"expected the peer {expected} within {timeout:g} s, found no such thing"
        )
    return PeerDropped(
        Reason.CLOSED, f"expected the peer {expected}, found: {error.strerror or error}"
    )


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

    @contextmanager
    def watched(self, session: Session) -> Iterator[None]:
        """Drop a session that misbehaves meanwhile, for its reason."""
        try:
            yield
        except PeerDropped as why:
            self.drop(session, why)

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
        )
        return EVENTS.facts(rows, SOURCE, known_at="time")

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
