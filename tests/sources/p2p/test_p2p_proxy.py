"""Through a SOCKS5 proxy: names are looked up there, never here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import p2p_peer as p2p
from support.mining import REGTEST_GENESIS, grow
from support.p2p_asking import ask as ask_peers

from hashcanary.chain.networks import REGTEST
from hashcanary.sources.errors import PeerDropped, Reason
from hashcanary.sources.p2p.session import connect
from hashcanary.sources.p2p.settings import Address

ONION = "abcdefghijklmnop" * 3 + "abcdefgh.onion"
Talk = Callable[[socket.socket], None]


@contextmanager
def listening(talk: Talk) -> Iterator[Address]:
    """A server for one connection on 127.0.0.1."""

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(10)
        with connection:
            talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address("127.0.0.1", listener.getsockname()[1])
        thread.join(10)
        assert not thread.is_alive()


def proxy_to(target: Address | None, asked: list[bytes], reply: int = 0) -> Talk:
    """A SOCKS5 proxy after RFC 1928 that leads every request to one target."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        while True:
            try:
                chunk = source.recv(65536)
            except OSError:
                chunk = b""
            if not chunk:
                break
            sink.sendall(chunk)
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def talk(client: socket.socket) -> None:
        assert client.recv(3) == b"\x05\x01\x00"
        client.sendall(b"\x05\x00")
        asked.append(client.recv(300))
        client.sendall(bytes([5, reply, 0, 1]) + bytes(6))
        if target is None:
            return
        with socket.create_connection((target.host, target.port), timeout=10) as server:
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join(10)

    return talk


def test_headers_come_from_an_onion_peer_through_the_proxy() -> None:
    chain = [REGTEST_GENESIS, *grow(50)]
    asked: list[bytes] = []
    with p2p.Peer(REGTEST.magic, chain) as peer:
        target = Address("127.0.0.1", peer.port)
        with listening(proxy_to(target, asked)) as proxy:
            answer = ask_peers(REGTEST, [f"{ONION}:18444"], timeout="5", proxy=f"socks5://{proxy}")
    assert answer.error is None
    assert answer.headers == chain
    name = ONION.encode()
    assert asked == [b"\x05\x01\x00\x03" + bytes([len(name)]) + name + (18444).to_bytes(2, "big")]


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("10.1.2.3", b"\x01\x0a\x01\x02\x03"),
        ("2001:db8::1", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01"),
        ("node.example", b"\x03\x0cnode.example"),
    ],
)
def test_every_kind_of_address_is_sent_as_rfc_1928_has_it(host: str, sent: bytes) -> None:
    asked: list[bytes] = []
    with listening(proxy_to(None, asked)) as proxy:
        connect(Address(host, 258), proxy, 5).close()
    assert asked == [b"\x05\x01\x00" + sent + b"\x01\x02"]


def test_a_name_is_not_looked_up_here(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[object] = []
    lookup = socket.getaddrinfo

    def note(host: str, *more: Any, **named: Any) -> Any:
        looked_up.append(host)
        return lookup(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", note)
    with listening(proxy_to(None, [])) as proxy:
        connect(Address("node.example", 1), proxy, 5).close()
    assert looked_up == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("reply", "words"), [(1, "general"), (5, "refused"), (4, "unreachable"), (99, "99")]
)
def test_what_the_proxy_could_not_do_is_said(reply: int, words: str) -> None:
    with (
        listening(proxy_to(None, [], reply)) as proxy,
        pytest.raises(PeerDropped, match=words) as caught,
    ):
        connect(Address("node.example", 1), proxy, 5)
    assert caught.value.reason == Reason.PROXY


@pytest.mark.parametrize(
    "talk",
    [
        lambda connection: connection.recv(1),
        lambda connection: connection.sendall(b"HTTP/1.0 400 Bad\r\n\r\n"),
        lambda connection: connection.sendall(b"\x05\xff"),
        lambda connection: connection.sendall(b"\x05\x00\x04\x00\x00\x01"),
        lambda connection: connection.sendall(b"\x05\x00\x05\x00\x00\x09"),
        lambda connection: connection.sendall(b"\x05\x00\x05\x00\x00\x03\xff"),
        lambda connection: (connection.recv(9), connection.recv(9)),
    ],
    ids=["gone", "http", "wants a password", "socks4", "odd address", "cut short", "silent"],
)
def test_what_is_no_proxy_is_said(talk: Talk) -> None:
    with listening(talk) as proxy, pytest.raises(PeerDropped) as caught:
        connect(Address("node.example", 1), proxy, 0.3)
    assert caught.value.reason == Reason.PROXY


def test_a_proxy_that_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(PeerDropped, match="proxy") as caught:
        connect(Address("node.example", 1), Address("127.0.0.1", port), 5)
    assert caught.value.reason == Reason.PROXY
