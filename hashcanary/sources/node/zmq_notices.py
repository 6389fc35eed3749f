"""Waits for a node's next block: by its notices over ZMQ where it gives them, else by asking.

A notice is three parts: the topic (``hashblock`` or ``rawblock``), the body, a sequence number. It
is a hint and no more: what it says is read from the node afterwards. A notice may get lost, so the
node is asked now and then all the same; a subscription takes a moment to stand, so it is asked
again soon after the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from hashcanary.errors import UsageError
from hashcanary.sources.errors import MissingExtra

if TYPE_CHECKING:
    from hashcanary.sources.feed import Asked, Clock

TOPICS = (b"hashblock", b"rawblock")
OFF = "off"
_BODIES = {b"hashblock": (32, 32), b"rawblock": (81, 4_000_000)}
_PARTS = 3
_SOON = 1.0
_UNHEARD_OF = 60.0
_EVERYWHERE = ("0.0.0.0", "[::]", "*")


class Tip(Protocol):
    """Tells the hash of a node's tip."""

    def best(self) -> bytes:
        """32 bytes, printed order. Raises ServiceError's kinds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait for a node's next block.

    seen: hash of the tip as last read, as text; interval: seconds between questions without
    notices; clock: what passes then.
    """

    node: Tip
    seen: str
    interval: float
    clock: Clock

    @classmethod
    def of(cls, asked: Asked, node: Tip, interval: float) -> Waiting:
        """As asked; the tip as last read is the one that the last walk ended with."""
        tip = asked.cursor.get("tip")
        seen = tip if isinstance(tip, str) else node.best().hex()
        return cls(node, seen, interval, asked.clock)

    def by_asking(self) -> None:
        """Return when the node's tip is another one."""
        while not self._moved():
            self.clock.sleep(self.interval)

    def by_notices(self, addresses: list[str], source: str) -> None:
        """Return when a notice comes, or when the node's tip is another one all the same.

        Raises MissingExtra without pyzmq, UsageError for an address that is none.
        """
        with _Subscription(addresses, source) as notices:
            wait = _SOON
            while not self._moved() and not notices.heard(wait):
                wait = _UNHEARD_OF

    def _moved(self) -> bool:
        return self.node.best().hex() != self.seen


def can_listen() -> bool:
    """Whether pyzmq is installed."""
    return find_spec("zmq") is not None


def reachable(addresses: list[str], url: str) -> list[str]:
    """The addresses a node listens at, as seen from here: every interface is the node's host."""
    host = urlsplit(url).hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    for everywhere in _EVERYWHERE:
        addresses = [one.replace(f"//{everywhere}:", f"//{host}:") for one in addresses]
    return list(dict.fromkeys(addresses))


class _Subscription:
    """A subscription to notices of blocks at some addresses, while it is entered."""

    def __init__(self, addresses: list[str], source: str) -> None:
        if not can_listen():
            raise MissingExtra(source=source, package="pyzmq", extra="node")
        self._addresses = addresses

    def __enter__(self) -> _Subscription:
        import zmq

        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 100)
        self._socket.setsockopt(zmq.MAXMSGSIZE, 4_000_000)
        for topic in TOPICS:
            self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        for address in self._addresses:
            try:
                self._socket.connect(address)
            except zmq.ZMQError as error:
                self.__exit__()
                raise UsageError(
                    argument="the setting zmq",
                    expected="an address such as tcp://127.0.0.1:28332",
                    found=address,
                    remedy=f"Correct it, or set zmq=off to poll ({error}).",
                ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._context.term()

    def heard(self, seconds: float) -> bool:
        """Whether a notice of a block comes within so many seconds."""
        import time

        import zmq

        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._socket.poll(int(left * 1000) + 1, zmq.POLLIN):
                return False
            if is_notice(self._socket.recv_multipart(zmq.NOBLOCK)):
                return True
        return False


def is_notice(parts: list[bytes]) -> bool:
    """Whether the parts of a message are a notice of a block, as Bitcoin Core sends them."""
    if len(parts) != _PARTS or parts[0] not in _BODIES:
        return False
    least, most = _BODIES[parts[0]]
    return least <= len(parts[1]) <= most and len(parts[2]) == 4
