"""A small HTTP server on this machine that answers as told, and fails in the ways servers fail.

``Service`` takes a function from path and query to an answer; ``faults`` are answers given first,
in their order, whatever is asked. Each request is noted in ``asked``.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

_LONGEST = 20.0


@dataclass
class Reply:
    """An answer. how: whole; cut: half of the body promised; silent: nothing; drip: a header line
    now and then; endless: a body without length or end; hang: a body that stops halfway.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "whole"


def as_json(value: object, **headers: str) -> Reply:
    """An answer in JSON."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Reply(json.dumps(value).encode(), headers=kind | headers)


@dataclass
class Asking:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length") or 0)
        asking = Asking(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(size),
        )
        self.service.asked.append(asking)
        faults = self.service.faults
        reply = faults.popleft() if faults else self.service.answer(asking)
        try:
            getattr(self, f"_{reply.how}")(reply)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def _head(self, reply: Reply, length: int | None) -> bytes:
        lines = [f"HTTP/1.1 {reply.status} Told"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        if length is not None and "Content-Length" not in reply.headers:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _whole(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply, len(reply.body)) + reply.body)

    def _cut(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
        self.close_connection = True

    def _silent(self, reply: Reply) -> None:
        self.service.over.wait(_LONGEST)
        self.close_connection = True

    def _hang(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply, len(reply.body)) + reply.body[: len(reply.body) // 2])
        self._silent(reply)

    def _drip(self, reply: Reply) -> None:
        self.wfile.write(b"HTTP/1.1 200 Told\r\n")
        while not self.service.over.wait(0.05):
            self.wfile.write(b"X-Drop: 1\r\n")
        self.close_connection = True

    def _endless(self, reply: Reply) -> None:
        self.wfile.write(self._head(reply, None))
        while not self.service.over.is_set():
            self.wfile.write(b"x" * 65536)
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # clients may hang up
            super().handle_error(request, client_address)


class Service:
    """Serves on a free port of 127.0.0.1 while it is entered."""

    def __init__(self, answer: Callable[[Asking], Reply]) -> None:
        self.answer = answer
        self.faults: deque[Reply] = deque()
        self.asked: list[Asking] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/api"

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"service": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def rows_of(batches: list[Any], table: str) -> Any:
    """All rows that batches have for one table, or None."""
    import polars as pl

    frames = [facts.frame for b in batches for facts in b.facts if facts.table.name == table]
    return pl.concat(frames) if frames else None


def block_json(header: bytes, height: int, extras: bool = True) -> dict[str, Any]:
    """A block as Esplora's API.md and mempool's BlockExtended publish it, of 80 header bytes.

    It has one transaction, no fees, and takes the subsidy of 50 BTC.
    """
    block: dict[str, Any] = {
        "id": sha256(sha256(header).digest()).digest()[::-1].hex(),
        "height": height,
        "version": int.from_bytes(header[:4], "little", signed=extras),
        "timestamp": int.from_bytes(header[68:72], "little"),
        "tx_count": 1,
        "size": 285,
        "weight": 1140,
        "merkle_root": header[36:68][::-1].hex(),
        "previousblockhash": header[4:36][::-1].hex() if height else None,
        "mediantime": int.from_bytes(header[68:72], "little"),
        "nonce": int.from_bytes(header[76:80], "little"),
        "bits": int.from_bytes(header[72:76], "little"),
        "difficulty": 1.0,
    }
    if extras:
        block["extras"] = {
            "totalFees": 0,
            "reward": 5_000_000_000 >> height // 150,
            "coinbaseRaw": f"03{height.to_bytes(3, 'little').hex()}",
            "pool": {"id": 1, "name": "Test Pool", "slug": "testpool"},
        }
    return block


@dataclass
class Explorer:
    """Answers as a mempool (``extended``) or plain esplora instance that has ``chain``."""

    chain: list[bytes]
    extended: bool = True
    prices: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asking: Asking) -> Reply:
        place = asking.path.removeprefix("/api/")
        if place == "v1/historical-price" and self.extended:
            return as_json({"prices": self.prices, "exchangeRates": {}})
        if place.startswith("v1/") and not self.extended:
            return Reply(b"endpoint does not exist", 404)
        asked = place.removeprefix("v1/").removeprefix("blocks").strip("/")
        top = min(int(asked), len(self.chain) - 1) if asked else len(self.chain) - 1
        size = 15 if self.extended else 10
        heights = range(top, max(top - size, -1), -1)
        return as_json([block_json(self.chain[n], n, self.extended) for n in heights])
