"""What is said on the wire: messages, and payloads of the few that a client of headers speaks.

A message is a header of 24 bytes, then the payload. The header: magic of the network (4 bytes),
command (12, padded with zeros), length of the payload (uint32), the first 4 bytes of its double
SHA-256. Integers are little endian.

Of payloads: hashes are 32 bytes in the printed order here and reversed on the wire. Everything a
peer sends is hostile: a payload that is not exactly what its kind says is refused as malformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hashcanary.chain.headers import HEADER_SIZE
from hashcanary.sources.errors import PeerDropped, Reason
from hashcanary.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

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


PROTOCOL_VERSION = 70_016
LEAST_VERSION = 31_800
"""The first protocol version with ``getheaders``."""
MAX_HEADERS = 2_000
SERVES_BLOCKS = 1 | 1 << 10
"""NODE_NETWORK, NODE_NETWORK_LIMITED: those that serve the chain of headers."""
USER_AGENT = f"/hashcanary:{__version__}/"

_FIXED = Struct("<iQq26s26s8s")
_NO_ADDRESS = bytes(26)
_MAX_USER_AGENT = 256
_MAX_INVENTORY = 50_000
_BLOCK_KINDS = (2, 2 | 1 << 30)
_WIDTHS = {0xFD: 2, 0xFE: 4, 0xFF: 8}


@dataclass(frozen=True, slots=True)
class Version:
    """What a peer says of itself. nonce: 8 bytes; start_height: its own count, unproven."""

    protocol: int
    services: int
    nonce: bytes
    user_agent: str
    start_height: int


def version_payload(nonce: bytes, now: int, start_height: int) -> bytes:
    """Our ``version``: no services, no addresses, and no transactions wanted (relay off)."""
    fixed = _FIXED.pack(PROTOCOL_VERSION, 0, now, _NO_ADDRESS, _NO_ADDRESS, nonce)
    agent = USER_AGENT.encode("ascii")
    return fixed + compact_size(len(agent)) + agent + Struct("<i?").pack(start_height, False)


def read_version(payload: bytes) -> Version:
    """A peer's ``version``."""
    if len(payload) < _FIXED.size:
        raise _malformed("version", f"at least {_FIXED.size} bytes", f"{len(payload)}")
    protocol, services, _, _, _, nonce = _FIXED.unpack_from(payload)
    length, start = _read_compact_size(payload, _FIXED.size, "version")
    end = start + length
    if length > _MAX_USER_AGENT or len(payload) < end + 4:
        raise _malformed("version", "a user agent and a height", f"{len(payload)} bytes")
    agent = payload[start:end].decode("ascii", errors="replace")
    height = int.from_bytes(payload[end : end + 4], "little", signed=True)
    return Version(protocol, services, nonce, agent, height)


def getheaders_payload(locator: Sequence[bytes]) -> bytes:
    """``getheaders``: everything after the first hash of the locator that the peer has."""
    hashes = b"".join(block[::-1] for block in locator)
    version = PROTOCOL_VERSION.to_bytes(4, "little")
    return version + compact_size(len(locator)) + hashes + bytes(32)


def read_headers(payload: bytes) -> bytes:
    """The headers of a ``headers`` message, 80 bytes each, concatenated; at most 2,000."""
    count, start = _read_compact_size(payload, 0, "headers")
    if count > MAX_HEADERS:
        raise PeerDropped(
            Reason.OVERSIZED,
            f"expected at most {MAX_HEADERS:,} headers in a message, found {count:,}",
        )
    record = HEADER_SIZE + 1  # each is followed by a count of transactions, which is zero
    if len(payload) - start != count * record:
        raise _malformed("headers", f"{count * record} bytes for {count}", f"{len(payload)}")
    rows = np.frombuffer(payload, np.uint8, offset=start).reshape(count, record)
    if rows[:, HEADER_SIZE].any():
        raise _malformed("headers", "no transactions after a header", "some")
    return rows[:, :HEADER_SIZE].tobytes()


def read_blocks(payload: bytes) -> list[bytes]:
    """The hashes of blocks that an ``inv`` announces."""
    count, start = _read_compact_size(payload, 0, "inv")
    if count > _MAX_INVENTORY or len(payload) - start != count * 36:
        raise _malformed("inv", f"{count} entries of 36 bytes", f"{len(payload) - start} bytes")
    entries = (payload[at : at + 36] for at in range(start, len(payload), 36))
    return [
        entry[4:][::-1] for entry in entries if int.from_bytes(entry[:4], "little") in _BLOCK_KINDS
    ]


def compact_size(value: int) -> bytes:
    """An integer of 0 to 2^64 - 1 in Bitcoin's variable length."""
    if value < 0xFD:
        return bytes([value])
    for mark, width in _WIDTHS.items():
        if value < 1 << 8 * width:
            return bytes([mark]) + value.to_bytes(width, "little")
    raise ValueError(f"expected an integer below 2^64, found {value}")


def _read_compact_size(payload: bytes, start: int, command: str) -> tuple[int, int]:
    """The integer at ``start``, and where it ends; only the shortest form is one."""
    if start >= len(payload):
        raise _malformed(command, "a count", "the end")
    value, end = payload[start], start + 1
    if value in _WIDTHS:
        end += _WIDTHS[value]
        value = int.from_bytes(payload[start + 1 : end], "little")
        if end > len(payload) or len(compact_size(value)) != end - start:
            raise _malformed(command, "a count in its shortest form", payload[start:end].hex())
    return value, end


def _malformed(command: str, expected: str, found: str) -> PeerDropped:
    return PeerDropped(Reason.MALFORMED, f"message {command!r}: expected {expected}, found {found}")
