"""Moments: what ``--at T`` means, and times as people write them.

Times are Unix seconds UTC throughout the house. A date means the end of that UTC day: "as known
at 2026-02-03" includes what that day showed and nothing later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from hashcanary.errors import UsageError

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of knowledge: exactly one of ``time`` (Unix seconds UTC) and ``height`` is set."""

    text: str
    time: int | None = None
    height: int | None = None


def parse_moment(text: str) -> Moment:
    """Read T of ``--at T``: a date, a time with zone (``Z`` or an offset), or a block height.

    Raises UsageError when it is none of them; a time without a zone is refused, not guessed.
    """
    if re.fullmatch(r"\d{1,8}", text):
        return Moment(text, height=int(text))
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return Moment(text, time=day_start(date.fromisoformat(text)) + DAY)
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise UsageError(
            argument="--at",
            expected="a date (2026-02-03), a UTC time (2026-02-03T12:00:00Z) or a height (934295)",
            found=text,
            remedy="Write the time zone: Z or an offset such as +01:00.",
        )
    return Moment(text, time=int(when.timestamp()))


def as_moment(when: str | int | date) -> Moment:
    """A moment of text, of a height, of a date (its end, UTC) or of an aware datetime.

    Raises UsageError.
    """
    if isinstance(when, datetime):
        return parse_moment(when.isoformat())
    return parse_moment(when.isoformat() if isinstance(when, date) else str(when))


def require_past(moment: Moment, now: float) -> None:
    """Raise UsageError for a moment that has not come; a date that has begun has.

    now: Unix seconds.
    """
    whole_day = len(moment.text) == len("2026-02-03")
    if moment.time is not None and moment.time - (DAY if whole_day else 0) > now:
        raise UsageError(
            argument="--at",
            expected=f"a moment that has come, no later than {iso_time(int(now))}",
            found=moment.text,
            remedy="Omit it for all that is known.",
        )


def day_start(day: date) -> int:
    """Unix seconds at which a UTC day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def iso_time(seconds: int) -> str:
    """Unix seconds as ``2026-02-03T04:41:22Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def iso_day(seconds: int) -> str:
    """The UTC date in which Unix ``seconds`` lie, as ``2026-02-03``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:10]
