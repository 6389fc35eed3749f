"""One HTTP client for every source that asks a server: bounded, polite, and open to replay.

1. A request is paced (so many a minute) and sent; its body is read up to a bound, and the whole
   ends within a time (``line.py``).
2. What failed in a way that may pass is tried again, where asking twice can do no harm: after
   ``Retry-After`` where the server says so, else after a time that doubles. The error that ends
   it tells every try.
3. Redirects are followed within one origin only, TLS is verified, a proxy is used only where one
   is given, and nothing secret gets into an error or an archive.
4. Answers can be saved, and replayed later without a network (``Archive``).

Time passes through the clock given, except for the time-outs of sockets, which are the system's.
A client is for one thread.

A saved answer is a file named by the digest of what was asked and how often it had been asked
before: a line of JSON about the answer, then its body as it came. Neither holds credentials. A
folder holds one session, or several one after another; a replay goes through them in order.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urljoin, urlsplit

from hashcanary.errors import UsageError
from hashcanary.sources.errors import (
    DamagedArchive,
    NotArchived,
    RateLimited,
    Redirected,
    Refused,
    Unreachable,
    UnreadableFile,
)
from hashcanary.sources.http.json_documents import decode_json, printable
from hashcanary.sources.http.line import Asking, Failure, Limits, Line, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from hashcanary.sources.errors import ServiceError
    from hashcanary.sources.feed import Clock


@dataclass(slots=True)
class Pace:
    """Keeps requests apart, by a clock. per_minute: 0 for no limit."""

    clock: Clock
    per_minute: float
    _free: float = -math.inf

    def wait(self) -> None:
        """Wait until the next request may go out."""
        if self.per_minute <= 0:
            return
        apart, now = 60 / self.per_minute, self.clock.now()
        # a clock that was set back must not keep us waiting longer than the pace asks
        wait = min(self._free - now, apart)
        if wait > 0:
            self.clock.sleep(wait)
        self._free = max(now, now + wait) + apart


def backoff(first: float, failures: int, key: str) -> float:
    """Seconds before trying again: ``first``, doubled with each failure, less up to a half.

    The part taken off depends on what is asked, so that clients do not come back all at once, and
    is the same each time.
    """
    digest = hashlib.sha256(f"{key} {failures}".encode()).digest()
    share = int.from_bytes(digest[:4]) / (1 << 32)
    return float(first * 2 ** (failures - 1) * (1 - share / 2))


def retry_after(value: str | None, now: float) -> float | None:
    """The header ``Retry-After`` in seconds from ``now``: a number or an HTTP date.

    None where there is none, or none that makes sense (RFC 9110, 10.2.3).
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    try:
        return max(when.timestamp() - now, 0.0)
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Saved:
    """An answer as kept. at: Unix seconds at which it was whole."""

    status: int
    body: bytes
    at: float
    content_type: str


@dataclass(slots=True)
class Archive:
    """A folder of answers to write to (``save``), or one to read from (``replay``), or neither."""

    save: Path | None
    replay: Path | None
    _asked: Counter[str] = field(default_factory=Counter)

    def keep(self, asking: Asking, saved: Saved) -> None:
        """Write an answer, where answers are saved. Raises UnreadableFile where that fails."""
        if self.save is None:
            return
        about = {
            "method": asking.method,
            "url": asking.url,
            "status": saved.status,
            "at": saved.at,
            "content_type": saved.content_type,
            "sha256": hashlib.sha256(saved.body).hexdigest(),
        }
        try:
            self.save.mkdir(parents=True, exist_ok=True)
            path = self._next(self.save, asking)
            while path.exists():  # an earlier session's
                path = self._next(self.save, asking)
            draft = path.with_suffix(".draft")
            draft.write_bytes(json.dumps(about).encode() + b"\n" + saved.body)
            draft.replace(path)
        except OSError as error:
            raise UnreadableFile(
                file=self.save,
                reason=error.strerror or "an error of the system",
                remedy="Name a folder that can be written to.",
            ) from error

    def find(self, asking: Asking) -> Saved:
        """The next saved answer to what is asked. Raises NotArchived, DamagedArchive."""
        assert self.replay is not None
        path = self._next(self.replay, asking)
        try:
            line, _, body = path.read_bytes().partition(b"\n")
        except FileNotFoundError as error:
            raise NotArchived(
                folder=self.replay,
                asked=f"{asking.method} {asking.url}",
                nth=self._asked[asking.key],
            ) from error
        except OSError as error:
            raise UnreadableFile(
                path, error.strerror or "an error of the system", "Check its permissions."
            ) from error
        try:
            about = json.loads(line)
            status, at = int(about["status"]), float(about["at"])
            sha256, kind = str(about["sha256"]), str(about["content_type"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DamagedArchive(file=path, found="a first line that says nothing of it") from error
        if hashlib.sha256(body).hexdigest() != sha256:
            raise DamagedArchive(file=path, found="a body with another digest")
        return Saved(status, body, at, kind)

    def _next(self, folder: Path, asking: Asking) -> Path:
        self._asked[asking.key] += 1
        return folder / f"{asking.key}-{self._asked[asking.key]:06d}.answer"


Headers = dict[str, str]
_MAX_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 500, 502, 503, 504})
_UNAUTHORISED = 401
# less is no secret, and would be found in any word
_SHORTEST_SECRET = 4
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered. url: as people may see it; at: Unix seconds, when it was whole."""

    url: str
    status: int
    body: bytes
    at: float
    content_type: str = ""

    def json(self) -> object:
        """The body as JSON.

        Raises WrongSchema where it is no JSON in UTF-8, or nested deeper than any answer is.
        """
        return decode_json(self.body, self.url, self.content_type)


@dataclass(slots=True)
class Http:
    """A client of one server.

    base: the URL that paths are added to. service: its name in errors. clock: what waits.
    auth: headers that prove who asks; called for every try, so that a changed cookie is taken up,
    and never shown. proxy: the URL of one. ca: certificates to trust instead of the system's.
    save, replay: folders of answers, written to or read from (then nothing is sent).
    """

    base: str
    service: str
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    auth: Callable[[], Headers] | None = None
    proxy: str | None = None
    ca: Path | None = None
    save: Path | None = None
    replay: Path | None = None
    _line: Line = field(init=False)
    _pace: Pace = field(init=False)
    _archive: Archive = field(init=False)

    def __post_init__(self) -> None:
        check_url(self.base, self.service)
        https = self.base.startswith("https:")
        self._line = Line(self.service, self.limits, https, self.proxy, self.ca)
        self._pace = Pace(self.clock, self.limits.per_minute)
        self._archive = Archive(self.save, self.replay)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; a further request opens another."""
        self._line.close()

    def get(
        self, path: str, params: Mapping[str, str] | None = None, accept: Collection[int] = ()
    ) -> Answer:
        """Ask for ``path``, relative to the base.

        accept: statuses besides 2xx that are given back instead of raised or tried again.
        Raises Unreachable, RateLimited, CutBody, Refused, Redirected, AnswerTooLarge; NotArchived
        and DamagedArchive in a replay.
        """
        return self._ask(Asking("GET", self._url(path, params)), accept, safe=True)

    def post(self, path: str, body: bytes, *, safe: bool, accept: Collection[int] = ()) -> Answer:
        """Send ``body``, which is JSON, to ``path``; accept, errors: as ``get``.

        safe: whether asking twice does no more than asking once; if not, a request that may have
        arrived is not sent again.
        """
        asking = Asking("POST", self._url(path, None), body, "application/json")
        return self._ask(asking, accept, safe=safe)

    def _url(self, path: str, params: Mapping[str, str] | None) -> str:
        query = f"?{urlencode(sorted(params.items()))}" if params else ""
        return f"{self.base.rstrip('/')}/{path.lstrip('/')}{query}"

    def _ask(self, asking: Asking, accept: Collection[int], *, safe: bool) -> Answer:
        saved = self._archive.find(asking) if self.replay else self._fetched(asking, accept, safe)
        answer = Answer(asking.url, saved.status, saved.body, saved.at, saved.content_type)
        if 200 <= answer.status < 300 or answer.status in accept:
            return answer
        raise Refused(
            self.service, asking.url, answer.status, self._without_secrets(printable(answer.body))
        )

    def _fetched(self, asking: Asking, accept: Collection[int], safe: bool) -> Saved:
        """An answer that is final, whatever its status, after as many tries as it takes."""
        failures: list[Failure] = []
        while True:
            outcome = self._try(asking, accept)
            if isinstance(outcome, Reply):
                told = outcome.headers.get("content-type", "")
                kind = printable(told, 60) if told else ""
                saved = Saved(outcome.status, outcome.body, self.clock.now(), kind)
                self._archive.keep(asking, saved)
                return saved
            failures.append(outcome)
            wait = outcome.wait
            if wait is None:
                doubled = backoff(self.limits.first_wait, len(failures), asking.key)
                wait = min(doubled, self.limits.longest_wait)
            again = safe or not outcome.sent
            if len(failures) >= self.limits.tries or wait > self.limits.longest_wait or not again:
                raise self._given_up(asking, failures)
            self.clock.sleep(wait)

    def _try(self, asking: Asking, accept: Collection[int]) -> Reply | Failure:
        """One request with its redirects: a final reply, or a failure that may pass."""
        url = asking.url
        for _ in range(_MAX_REDIRECTS + 1):
            outcome = self._sent(asking, url)
            if isinstance(outcome, Failure) or outcome.status in accept:
                return outcome
            if outcome.status not in _MOVED:
                return self._weighed(outcome)
            url = self._next_place(asking, url, outcome.headers.get("location", ""))
        raise Redirected(
            service=self.service, url=asking.url, found=f"more than {_MAX_REDIRECTS} places"
        )

    def _sent(self, asking: Asking, url: str) -> Reply | Failure:
        """One request, and once more where the credentials changed while it was under way."""
        self._pace.wait()
        headers = self._headers(asking)
        outcome = self._line.send(asking, url, headers)
        if isinstance(outcome, Reply) and outcome.status == _UNAUTHORISED:
            renewed = self._headers(asking)
            if renewed != headers:
                return self._line.send(asking, url, renewed)
        return outcome

    def _weighed(self, reply: Reply) -> Reply | Failure:
        wait = retry_after(reply.headers.get("retry-after"), self.clock.now())
        if reply.status == _TOO_MANY:
            asked = "" if wait is None else f", asking for {wait:,.0f} s"
            return Failure(f"status {_TOO_MANY}{asked}", RateLimited, wait)
        if reply.status in _PASSING:
            said = self._without_secrets(printable(reply.body, 60))
            return Failure(f"status {reply.status}: {said}", Unreachable, wait)
        return reply

    def _next_place(self, asking: Asking, url: str, location: str) -> str:
        """Where a redirect leads, if it is of the same origin; credentials go nowhere else."""
        try:
            place = urljoin(url, location)
            same = urlsplit(place)[:2] == urlsplit(self.base)[:2]
        except ValueError:
            same = False
        if not location or not same:
            found = printable(location)
            raise Redirected(service=self.service, url=asking.url, found=found)
        return place

    def _headers(self, asking: Asking) -> Headers:
        headers = {"User-Agent": "hashcanary", "Accept-Encoding": "gzip"}
        if asking.content_type:
            headers["Content-Type"] = asking.content_type
        return headers | (self.auth() if self.auth else {})

    def _without_secrets(self, text: str) -> str:
        """What a server or a library said, without the credentials should they be in it."""
        for value in self.auth().values() if self.auth else ():
            for part in (value, value.rpartition(" ")[2]):
                text = text.replace(part, "***") if len(part) >= _SHORTEST_SECRET else text
        return text

    def _given_up(self, asking: Asking, failures: list[Failure]) -> ServiceError:
        told = "; ".join(f"try {n}: {one.reason}" for n, one in enumerate(failures, start=1))
        return failures[-1].error(
            service=self.service,
            url=asking.url,
            tries=len(failures),
            reasons=self._without_secrets(told),
        )


def check_url(url: str, service: str) -> None:
    """Raises UsageError for what is no URL of a server, or holds a name or a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    odd = parts.username or parts.password or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or odd:
        raise UsageError(
            argument=f"the URL of {service}",
            expected="http:// or https://, a host and optionally a path, without name or password",
            found=f"{parts.scheme}://{parts.hostname or ''}{parts.path}",
            remedy="Credentials go into files.",
        )
