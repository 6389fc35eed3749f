"""Messages on the wire: a header of 24 bytes, then the payload.

magic of the network (4 bytes), command (12, padded with zeros), length of the payload (uint32),
the first 4 bytes of its double SHA-256. Integers are little endian.
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from hashcanary.sources.p2p.errors import PeerDropped, Reason

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network

MAX_PAYLOAD = 4_000_000
"""Bytes: Bitcoin Core's MAX_PROTOCOL_MESSAGE_LENGTH."""
_HEADER = Struct("<4s12sI4s")


class Message(NamedTuple):
    """A whole message, its checksum verified."""

    command: str
    payload: bytes


def frame(network: Network, command: str, payload: bytes = b"") -> bytes:
    """The bytes of a message."""
    header = _HEADER.pack(network.magic, command.encode(), len(payload), _checksum(payload))
    return header + payload


class Deframer:
    """Bytes in, cut anywhere; whole messages out. Holds at most one message and one chunk."""

    def __init__(self, network: Network) -> None:
        self._magic = network.magic
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take what has arrived."""
        self._buffer += chunk

    def next_message(self) -> Message | None:
        """The next whole message, None until more bytes come. Raises PeerDropped."""
        buffer = self._buffer
        # what cannot become a message is refused before the rest of its header is waited for
        if not self._magic.startswith(bytes(buffer[:4])):
            raise PeerDropped(
                Reason.BAD_MAGIC,
                f"expected messages that open with {self._magic.hex()}, "
                f"found {bytes(buffer[:4]).hex()}: another network, or no Bitcoin node",
            )
        if len(buffer) < _HEADER.size:
            return None
        _, padded, length, checksum = _HEADER.unpack_from(buffer)
        if length > MAX_PAYLOAD:
            raise PeerDropped(
                Reason.OVERSIZED,
                f"expected a payload of at most {MAX_PAYLOAD:,} bytes, found {length:,} announced",
            )
        command = _command(padded)
        end = _HEADER.size + length
        if len(buffer) < end:
            return None
        payload = bytes(memoryview(buffer)[_HEADER.size : end])
        del buffer[:end]
        if _checksum(payload) != checksum:
            raise PeerDropped(
                Reason.BAD_CHECKSUM,
                f"expected the checksum {_checksum(payload).hex()} of a message {command!r}, "
                f"found {checksum.hex()}",
            )
        return Message(command, payload)


def _command(padded: bytes) -> str:
    name = padded.rstrip(b"\0")
    if not name or not all(0x20 < code < 0x7F for code in name):
        raise PeerDropped(
            Reason.MALFORMED, f"expected a command of printable letters, found {padded.hex()}"
        )
    return name.decode("ascii")


def _checksum(payload: bytes) -> bytes:
    return sha256(sha256(payload).digest()).digest()[:4]
