"""Saved answers: what was fetched can be parsed again without a network.

One file an answer, named by the digest of what was asked and how often it had been asked before:
a line of JSON about the answer, then its body as it came. Neither holds credentials. A folder
holds one session, or several one after another; a replay goes through them in order.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hashcanary.sources.errors import DamagedArchive, NotArchived, UnreadableFile


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
                file=path,
                reason=error.strerror or "an error of the system",
                remedy="Check its permissions.",
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
