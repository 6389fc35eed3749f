"""Peers as people write them: names, addresses, ports, a proxy."""

from __future__ import annotations

import pytest

from hashcanary.chain.networks import MAIN, REGTEST, SIGNET, TESTNET4
from hashcanary.errors import UsageError
from hashcanary.sources.feed import all_feeds
from hashcanary.sources.p2p.settings import PEERS, Address, read_address, read_settings

ONION = "expyuzz4wqqyqhjn" * 3 + "abcdefgh.onion"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1", "127.0.0.1", 8333),
        ("127.0.0.1:18444", "127.0.0.1", 18444),
        ("[::1]:8334", "::1", 8334),
        ("[2001:db8::7]", "2001:db8::7", 8333),
        ("2001:db8::7", "2001:db8::7", 8333),
        ("Node.Example:1", "node.example", 1),
        (f"{ONION}:65535", ONION, 65535),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    address = read_address(text, 8333, PEERS)
    assert (address.host, address.port) == (host, port)
    assert read_address(str(address), None, PEERS) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8333",
        "host:0",
        "host:65536",
        "host:+1",
        "host:٣",
        "host:1:2",
        "[127.0.0.1]:1",
        "[::1",
        "::1]:1",
        "[fe80::1%eth0]:1",
        "-x:1",
        "a..b:1",
        "a b:1",
        "user@host:1",
        "x" * 64 + ":1",
        ".".join(["abcdefgh"] * 40) + ":1",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"peers: expected HOST:PORT"):
        read_address(text, 8333, PEERS)


@pytest.mark.parametrize(
    ("network", "port"), [(MAIN, 8333), (TESTNET4, 48333), (SIGNET, 38333), (REGTEST, 18444)]
)
def test_without_settings_ones_own_node_is_asked(network: object, port: int) -> None:
    asked = read_settings({}, network)  # type: ignore[arg-type]
    assert (asked.peers, asked.proxy) == ((Address("127.0.0.1", port),), None)


def test_peers_named_twice_are_asked_once() -> None:
    asked = read_settings({"peers": "a:1, b:2,A:1,"}, MAIN)
    assert asked.peers == (Address("a", 1), Address("b", 2))


def test_seeds_are_asked_only_where_the_user_says_so() -> None:
    assert len(read_settings({"peers": "a", "seeds": "no"}, MAIN).peers) == 1
    assert len(read_settings({"peers": "", "seeds": "yes"}, MAIN).peers) > 1


def test_a_proxy_is_read() -> None:
    asked = read_settings({"peers": ONION, "proxy": "socks5://127.0.0.1:9050"}, MAIN)
    assert (asked.proxy, asked.peers) == (Address("127.0.0.1", 9050), (Address(ONION, 8333),))


@pytest.mark.parametrize(
    "settings",
    [
        {"peers": ""},
        {"peers": ",".join(f"h{at}" for at in range(17))},
        {"peers": ONION},
        {"peers": "a", "proxy": "http://127.0.0.1:1"},
        {"peers": "a", "proxy": "socks5://127.0.0.1"},
        {"peers": "a", "timeout": "0"},
        {"peers": "a", "timeout": "nan"},
        {"peers": "a", "timeout": "soon"},
        {"peers": "a", "poll": "1e9"},
        {"peers": "a", "seeds": "maybe"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_settings(settings, MAIN)


def test_a_proxys_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        read_settings({"peers": "a", "proxy": "socks5://me:secret@127.0.0.1:9050"}, MAIN)
    assert "secret" not in str(caught.value)


def test_the_feed_is_declared() -> None:
    feed = all_feeds()["p2p"]
    assert feed.gives == ("headers", "events")
    assert not any(setting.secret for setting in feed.settings)
