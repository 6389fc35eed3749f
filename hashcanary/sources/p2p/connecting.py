"""Opens a connection to a peer, directly or through a SOCKS5 proxy such as Tor's.

Through a proxy names are never looked up here: the proxy is given them (RFC 1928, without
authentication), so that nothing tells whom we ask for.
"""

from __future__ import annotations

import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from hashcanary.sources.errors import PeerDropped, Reason

if TYPE_CHECKING:
    from hashcanary.sources.p2p.settings import Address

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
