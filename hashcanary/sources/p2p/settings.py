"""What the user may say about peers, read from text."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.sources.feed import Setting
from hashcanary.sources.p2p.address import PORTS, SEEDS, Address, read_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.chain.networks import Network

MAX_PEERS = 16
SETTINGS = (
    Setting(
        "peers",
        "nodes to ask: HOST:PORT, separated by commas; IPv6 in brackets; NAME.onion with a proxy; "
        "without a port, the network's",
        "127.0.0.1",
    ),
    Setting("proxy", "SOCKS5 proxy for all connections, as Tor's socks5://127.0.0.1:9050"),
    Setting("timeout", "seconds for a peer to answer, each time", "20"),
    Setting("poll", "seconds after which a follower asks again without any notice", "60"),
    Setting("seeds", "yes: ask the network's public seed nodes too", "no"),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS}
_TRUTHS = {"yes": True, "no": False}
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
    text = {name: settings.get(name, default).strip() for name, default in _DEFAULTS.items()}
    port = PORTS.get(network.name)
    proxy = _proxy(text["proxy"])
    named = [one.strip() for one in text["peers"].split(",") if one.strip()]
    peers = [read_address(one, port, "peers") for one in named]
    if _yes(text["seeds"]):
        peers += [Address(name, port) for name in SEEDS.get(network.name, ()) if port]
    peers = list(dict.fromkeys(peers))
    if not 0 < len(peers) <= MAX_PEERS:
        raise UsageError(
            argument="peers",
            expected=f"1 to {MAX_PEERS} peers",
            found=text["peers"],
            remedy="Name nodes as HOST:PORT, separated by commas.",
        )
    hidden = [peer for peer in peers if peer.is_onion]
    if hidden and proxy is None:
        raise UsageError(
            argument="peers",
            expected="a proxy for .onion names",
            found=str(hidden[0]),
            remedy="Start Tor and add -o proxy=socks5://127.0.0.1:9050.",
        )
    return Peering(
        tuple(peers), proxy, _seconds("timeout", text["timeout"]), _seconds("poll", text["poll"])
    )


def _proxy(text: str) -> Address | None:
    if not text:
        return None
    for scheme in _SCHEMES:
        if text.startswith(scheme) and "@" not in text:
            return read_address(text.removeprefix(scheme).rstrip("/"), None, "proxy")
    raise UsageError(
        argument="proxy",
        expected="socks5://HOST:PORT, without a user or password",
        found=text.rpartition("@")[2],
        remedy="Tor listens on socks5://127.0.0.1:9050.",
    )


def _yes(text: str) -> bool:
    if text not in _TRUTHS:
        raise UsageError(
            argument="seeds", expected="yes or no", found=text, remedy="Write yes or no."
        )
    return _TRUTHS[text]


def _seconds(name: str, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not (isfinite(seconds) and 0 < seconds <= 3600):
        raise UsageError(
            argument=name,
            expected="seconds, more than 0 and at most 3600",
            found=text,
            remedy="Write a number.",
        )
    return seconds
