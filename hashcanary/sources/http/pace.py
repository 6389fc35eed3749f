"""How long to wait: between requests, after a failure, and when a server says for how long."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
