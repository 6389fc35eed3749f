"""The clock that tests give to feeds and syncs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

NOW = 1_700_000_000.0


@dataclass
class Clock:
    """Stands still but for what is slept, and for ``step`` seconds at each look.

    waits_left: how often it may be slept on; whoever sleeps more often gets an error of the kind
    ``at_end``. slept: the seconds of each sleep; ``when_slept`` is called at each.
    """

    time: float = NOW
    step: float = 0.0
    waits_left: float = inf
    at_end: type[BaseException] = AssertionError
    slept: list[float] = field(default_factory=list)
    when_slept: Callable[[], None] = lambda: None

    def now(self) -> float:
        self.time += self.step
        return self.time

    def sleep(self, seconds: float) -> None:
        if not self.waits_left:
            raise self.at_end(f"no wait was expected, of {seconds} s")
        self.waits_left -= 1
        self.slept.append(seconds)
        self.time += seconds
        self.when_slept()


@dataclass
class SystemClock(Clock):
    """The machine's time; a sleep lasts at most ``longest`` seconds."""

    longest: float = inf

    def now(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        time.sleep(min(seconds, self.longest))
