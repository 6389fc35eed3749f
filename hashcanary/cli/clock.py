"""The clock of the machine, which live sources are given."""

from __future__ import annotations

import time


class SystemClock:
    """``hashcanary.sources.feed.Clock``, by the system's time."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let time pass; Ctrl-C ends it by KeyboardInterrupt."""
        time.sleep(max(seconds, 0.0))
