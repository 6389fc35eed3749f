"""What the user may say about peers, read from text: where they are, how to reach them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from hashcanary.sources.feed import Choice, Number, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.chain.networks import Network


PORTS = {"main": 8333, "testnet4": 48333, "signet": 38333, "regtest": 18444, "simnet": 18555}
# Bitcoin Core kernel/chainparams.cpp; contacted only where the user asks for it.
SEEDS = {
    "main": ("seed.bitcoin.sipa.be", "dnsseed.bluematt.me", "seed.bitcoin.sprovoost.nl"),
    "testnet4": ("seed.testnet4.bitcoin.sprovoost.nl", "seed.testnet4.wiz.biz"),
    "signet": ("seed.signet.bitcoin.sprovoost.nl",),
}
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_PARTS = re.compile(r"\[(?P<v6>[^\]]*)\](?::(?P<v6_port>.*))?|(?P<name>[^:]*)(?::(?P<port>.*))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A host (name, IPv4, IPv6 without brackets, or .onion) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_onion(self) -> bool:
        """Whether it can be reached through Tor alone."""
        return self.host.endswith(".onion")


def read_address(text: str, default_port: int | None, setting: Setting) -> Address:
    """``host``, ``host:port``, ``[IPv6]``, ``[IPv6]:port`` or a bare IPv6 address.

    Raises UsageError, which names the setting; without a default the port must be given.
    """
    if _is_ipv6(text):
        host, port = text, None
    else:
        parts = _PARTS.fullmatch(text)
        host = (parts["v6"] or parts["name"] or "") if parts else ""
        port = (parts["v6_port"] or parts["port"]) if parts else None
        if parts and parts["v6"] is not None and not _is_ipv6(host):
            host = ""
    number = default_port if port is None else _port(port)
    if number is None or not _is_host(host):
        remedy = "Examples: 127.0.0.1:8333, [::1]:8333, node.example:8333, NAME.onion:8333."
        raise setting.refused("HOST:PORT, an IPv6 address in brackets", text, remedy)
    return Address(host.lower(), number)


def _port(text: str) -> int | None:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        return None
    return int(text) if 0 < int(text) < 1 << 16 else None


def _is_ipv6(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv6Address)
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    if _is_ipv6(host):
        return "%" not in host
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


MAX_PEERS = 16
PEERS = Setting(
    "peers",
    "nodes to ask: HOST:PORT, separated by commas; IPv6 in brackets; NAME.onion with a proxy; "
    "without a port, the network's",
    "127.0.0.1",
)
PROXY = Setting("proxy", "SOCKS5 proxy for all connections, as Tor's socks5://127.0.0.1:9050")
TIMEOUT = Number("timeout", "seconds for a peer to answer, each time", "20", low=0.001, high=3600)
POLL = Number(
    "poll",
    "seconds after which a follower asks again without any notice",
    "60",
    low=0.001,
    high=3600,
)
SEEDED = Choice("seeds", "yes: ask the network's public seed nodes too", "no")
SETTINGS = (PEERS, PROXY, TIMEOUT, POLL, SEEDED)
_SCHEMES = ("socks5://", "socks5h://")


@dataclass(frozen=True, slots=True)
class Peering:
    """Whom to ask, how, and for how long. proxy: None to connect directly; seconds otherwise."""

    peers: tuple[Address, ...]
    proxy: Address | None
    timeout: float
    poll: float


def read_settings(settings: Mapping[str, str], network: Network) -> Peering:
    """The settings of this feed. Raises UsageError."""
    port = PORTS.get(network.name)
    proxy = _proxy(PROXY.text(settings))
    # no peers at all is an answer too: seeds alone
    named = settings.get(PEERS.name, PEERS.default)
    peers = [read_address(one.strip(), port, PEERS) for one in named.split(",") if one.strip()]
    if SEEDED.word(settings) == "yes":
        peers += [Address(name, port) for name in SEEDS.get(network.name, ()) if port]
    peers = list(dict.fromkeys(peers))
    if not 0 < len(peers) <= MAX_PEERS:
        remedy = "Name nodes as HOST:PORT, separated by commas."
        raise PEERS.refused(f"1 to {MAX_PEERS} peers", named, remedy)
    hidden = [peer for peer in peers if peer.is_onion]
    if hidden and proxy is None:
        remedy = "Start Tor and add -o proxy=socks5://127.0.0.1:9050."
        raise PEERS.refused("a proxy for .onion names", str(hidden[0]), remedy)
    return Peering(tuple(peers), proxy, TIMEOUT.number(settings), POLL.number(settings))


def _proxy(text: str) -> Address | None:
    if not text:
        return None
    for scheme in _SCHEMES:
        if text.startswith(scheme) and "@" not in text:
            return read_address(text.removeprefix(scheme).rstrip("/"), None, PROXY)
    remedy = "Tor listens on socks5://127.0.0.1:9050."
    expected = "socks5://HOST:PORT, without a user or password"
    raise PROXY.refused(expected, text.rpartition("@")[2], remedy)
