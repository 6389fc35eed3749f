"""What a user may say about a node, read and checked; cookies, passwords and ports.

A node writes a new cookie at each start. The file is read anew for every request, so that a
restarted node is followed; nothing of it is kept or shown.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hashcanary.errors import UsageError
from hashcanary.sources.errors import BadCookie
from hashcanary.sources.feed import Setting
from hashcanary.sources.http.client import Http
from hashcanary.sources.http.line import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hashcanary.sources.feed import Asked

PORTS = {"main": 8332, "testnet4": 48332, "signet": 38332, "regtest": 18443, "simnet": 18556}
_FOLDERS = {"main": ""}
_COOKIE_BYTES = 4096
_ALL = "all"
# A block has at most 4,000,000 bytes; as hex digits in JSON twice that and a little more.
_BODY = 64 << 20

URL = Setting("url", "URL of the node, without name and password; default: port of the network")
TIMEOUT = Setting("timeout", "seconds until an answer must have begun", "120")
CONNECTIONS = Setting("connections", "connections used at once, 1 to 16", "4")
ZMQ = Setting(
    "zmq",
    "address of the node's hashblock or rawblock notices (tcp://127.0.0.1:28332); empty: as the "
    "node says, where pyzmq is installed; off: poll",
)
INTERVAL = Setting("interval", "seconds between questions for a new block where polling", "10")
RPC_SETTINGS = (
    URL,
    Setting("datadir", "the node's data folder, for its cookie", "~/.bitcoin"),
    Setting("cookie", "the node's cookie file; default: .cookie in the data folder"),
    Setting("user", "name, in place of the cookie"),
    Setting("password", "password of that name; from sources.toml only", secret=True),
    Setting("stats", "fees and sizes of how many of the newest blocks: a number or all", _ALL),
    Setting(
        "coinbases", "coinbases of how many of the newest blocks (up to 4 MB each), or all", "144"
    ),
    TIMEOUT,
    CONNECTIONS,
    Setting("warmup", "seconds to wait for a node that is starting", "600"),
    ZMQ,
    INTERVAL,
)
REST_SETTINGS = (
    URL,
    Setting(
        "blocks", "how many of the newest blocks to read whole (up to 5 MB each), or all", "144"
    ),
    TIMEOUT,
    CONNECTIONS,
    ZMQ,
    INTERVAL,
)
_DEFAULTS = {setting.name: setting.default for setting in (*RPC_SETTINGS, *REST_SETTINGS)}


@dataclass(frozen=True, slots=True)
class Said:
    """The settings of a feed, by name; each reader raises UsageError for what cannot be used."""

    settings: Mapping[str, str]

    def text(self, name: str) -> str:
        """The value given, or the default."""
        return self.settings.get(name) or _DEFAULTS[name]

    def number(self, name: str, low: float, high: float) -> float:
        """A number within bounds."""
        text = self.text(name)
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise self._refused(name, f"a number from {low:g} to {high:g}", text)
        return value

    def newest(self, name: str) -> int | None:
        """How many of the newest blocks: None for all."""
        text = self.text(name)
        if text == _ALL:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise self._refused(name, "a number of blocks, or all", text)
        return int(text)

    def _refused(self, name: str, expected: str, found: str) -> UsageError:
        return UsageError(
            argument=f"the setting {name}",
            expected=expected,
            found=found,
            remedy="Correct it in sources.toml, in the environment or after -o.",
        )


def node_url(asked: Asked) -> str:
    """The URL of the node: the one set, or this machine's, at the port of the network."""
    given = Said(asked.settings).text("url")
    return given or f"http://127.0.0.1:{PORTS[asked.held.network.name]}"


def clients(asked: Asked, service: str, auth: Callable[[], dict[str, str]] | None) -> list[Http]:
    """As many clients as connections are allowed; each is for one thread."""
    said = Said(asked.settings)
    timeout = said.number("timeout", 0.001, 3600)
    limits = Limits(
        connect=min(10.0, timeout), read=timeout, total=4 * timeout, body=_BODY, longest_wait=60.0
    )
    return [
        Http(base=node_url(asked), service=service, clock=asked.clock, limits=limits, auth=auth)
        for _ in range(int(said.number("connections", 1, 16)))
    ]


def authentication(asked: Asked) -> Callable[[], dict[str, str]]:
    """Gives the header that proves who asks: by name and password where set, else by cookie."""
    said = Said(asked.settings)
    user, password = said.text("user"), said.text("password")
    if bool(user) != bool(password):
        raise UsageError(
            argument="the settings user and password",
            expected="both, or neither (the node's cookie is then used)",
            found="only one of them",
            remedy="Set both in sources.toml, readable by you alone.",
        )
    if user:
        header = _basic(f"{user}:{password}".encode())
        return lambda: header
    path = cookie_path(asked)
    return lambda: _basic(_cookie(path))


def cookie_path(asked: Asked) -> Path:
    """Where the node's cookie is: as set, or in its data folder, by network."""
    said = Said(asked.settings)
    if said.text("cookie"):
        return Path(said.text("cookie")).expanduser()
    name = asked.held.network.name
    return Path(said.text("datadir")).expanduser() / _FOLDERS.get(name, name) / ".cookie"


def _cookie(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_COOKIE_BYTES + 1)
    except OSError as error:
        raise BadCookie(file=path, found=error.strerror or "an error of the system") from error
    line = content.strip()
    if len(content) > _COOKIE_BYTES or b":" not in line or b"\n" in line:
        raise BadCookie(file=path, found="something else")
    return line


def _basic(pair: bytes) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}
