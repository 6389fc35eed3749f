"""The line to a server: one request at a time, each bounded in time and in size.

Socket time-outs bound each wait; a watchdog bounds the whole, since a server that sends a byte now
and then would never meet them.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from hashcanary.errors import UsageError
from hashcanary.sources.errors import AnswerTooLarge, CutBody, ServiceError, Unreachable
from hashcanary.sources.files.reading import one_line

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from pathlib import Path

    import httpx


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one client.

    connect, read, total: seconds until a connection stands, between two pieces of an answer, for
    a whole answer. body: bytes of an answer, unfolded. tries: of one request. first_wait: seconds
    before the second try, doubled before each further one. longest_wait: seconds, the most that
    is waited at once, whoever asks for it. per_minute: requests, 0 for no limit.
    """

    connect: float = 10.0
    read: float = 30.0
    total: float = 120.0
    body: int = 64 << 20
    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 300.0
    per_minute: float = 0.0


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked: enough to know it again."""

    method: str
    url: str
    body: bytes = b""
    content_type: str = ""

    @property
    def key(self) -> str:
        """A digest of method, URL and body, 32 hex digits."""
        text = f"{self.method} {self.url}\n".encode()
        return hashlib.sha256(text + self.body).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that failed in a way that may pass.

    error: what it becomes when it does not; wait: seconds the server asks for; sent: whether the
    server may have acted on the request.
    """

    reason: str
    error: type[ServiceError] = Unreachable
    wait: float | None = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request, redirects not followed. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Watchdog:
    """Cuts a connection off after a number of seconds, whatever it is doing."""

    seconds: float
    bit: bool = False
    _socket: socket.socket | None = None
    _timer: threading.Timer | None = None

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Told by the transport of each step: keeps the socket of the newest connection."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            self._socket = stream.get_extra_info("socket")  # type: ignore[attr-defined]

    def __enter__(self) -> Self:
        self.bit = False
        self._timer = threading.Timer(self.seconds, self._bite)
        self._timer.daemon = True
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._timer is not None
        self._timer.cancel()

    def _bite(self) -> None:
        self.bit = True
        try:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it ended by itself


@dataclass(slots=True)
class Line:
    """A connection to the server of ``service``, opened when first needed.

    https: whether certificates will be needed; ca: those to trust instead of the system's.
    """

    service: str
    limits: Limits
    https: bool
    proxy: str | None = None
    ca: Path | None = None
    _client: httpx.Client | None = None
    _watchdog: _Watchdog = field(init=False)

    def __post_init__(self) -> None:
        self._watchdog = _Watchdog(self.limits.total)

    def close(self) -> None:
        """Close the connection; a further request opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def send(self, asking: Asking, url: str, headers: Mapping[str, str]) -> Reply | Failure:
        """One request. Raises AnswerTooLarge; all else that goes wrong is a Failure."""
        import httpx

        client = self._opened()
        try:
            with (
                self._watchdog,
                client.stream(
                    asking.method,
                    url,
                    headers=dict(headers),
                    content=asking.body or None,
                    extensions={"trace": self._watchdog.trace},
                ) as response,
            ):
                body = self._body(response, asking)
                if self._watchdog.bit:
                    # without a declared length, what was cut off looks whole
                    return self._failure(httpx.ReadTimeout("cut off"))
                return Reply(response.status_code, dict(response.headers.items()), body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            return Failure(f"no connection: {one_line(error)}", sent=False)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return self._failure(error)

    def _failure(self, error: Exception) -> Failure:
        import httpx

        self.close()  # what is left on the line belongs to nobody
        if self._watchdog.bit:
            return Failure(f"no whole answer within {self.limits.total:g} s")
        if isinstance(error, httpx.TimeoutException):
            return Failure(f"silence for {self.limits.read:g} s")
        if isinstance(error, httpx.RemoteProtocolError | httpx.DecodingError | httpx.ReadError):
            return Failure(one_line(error), CutBody)
        return Failure(one_line(error))

    def _body(self, response: httpx.Response, asking: Asking) -> bytes:
        """All of a body, never more than the bound."""
        limit, declared = self.limits.body, response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
            self._refuse(asking, f"{int(declared[:20]):,}")
        pieces, size = [], 0
        for piece in response.iter_bytes():
            size += len(piece)
            if size > limit:
                self._refuse(asking, "more")
            pieces.append(piece)
        return b"".join(pieces)

    def _refuse(self, asking: Asking, found: str) -> None:
        raise AnswerTooLarge(
            service=self.service, url=asking.url, limit=self.limits.body, found=found
        )

    def _opened(self) -> httpx.Client:
        if self._client is None:
            import httpx

            # without https no certificate is ever read, and loading them takes 30 ms
            verify = self._certificates() if self.https or self.proxy else False
            try:
                self._client = httpx.Client(
                    verify=verify,
                    proxy=self.proxy,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=httpx.Timeout(self.limits.read, connect=self.limits.connect),
                    limits=httpx.Limits(max_connections=1),
                )
            except (ValueError, ImportError, httpx.InvalidURL) as error:
                raise UsageError(
                    argument=f"the proxy of {self.service}",
                    expected="the URL of a proxy, such as http://127.0.0.1:8118",
                    found="one that cannot be used",
                    remedy="For socks5:// install the package httpx[socks].",
                ) from error
        return self._client

    def _certificates(self) -> ssl.SSLContext:
        import ssl

        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise UsageError(
                argument=f"the certificates of {self.service}",
                expected="a PEM file of certificates",
                found=str(self.ca),
                remedy=f"Correct the path: {one_line(error)}.",
            ) from error
