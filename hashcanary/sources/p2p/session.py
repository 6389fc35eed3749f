"""A conversation with one peer: handshake, questions, answers, each within time and bounds.

Any message that is not awaited is unrelated: it is answered where politeness asks for it (ping,
getheaders), counted, and forgotten. A peer that sends too many of them, too many bytes, or
nothing in time is dropped.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hashcanary.sources.errors import PeerDropped, Reason
from hashcanary.sources.p2p.connecting import remaining
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
    import socket
    from collections.abc import Collection, Sequence

    from hashcanary.chain.networks import Network
    from hashcanary.sources.p2p.settings import Address

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
