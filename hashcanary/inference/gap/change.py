"""Whether the hashrate is lower than at another time, by draws of what happened around both.

A drop that lasts for hours is a drop in the draws, and not spread over the days around it; so the
change between two times is told by what tells drops (``sampling.py``), with the same causes,
margins and seasons. Days are cut finer around the later time, whose ends are ends of windows.
Blocks of a month after it are used where they are known: whether a fall came back says what it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.errors import WindowNotKnown
from hashcanary.inference.filter.observations import blocks_of, must_retarget
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.inference.gap.seen import DAYS, FEWEST_DAYS, Seen, windows_of
from hashcanary.moments import DAY, iso_time

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.inference.filter.observations import Blocks
    from hashcanary.inference.gap.past_year import PastYear
    from hashcanary.store.record import Record

# days after the later time that are looked at, and around it within which days are cut finer
_AFTER_DAYS, _FINE_DAYS, _FINE = 30, 2, DAY // 4
# a longer time is not cut finer inside
_LONG_DAYS = 14

# a time from and to, Unix seconds
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Change:
    """The relative change of the mean hashrate from one time to another.

    then, now: Unix seconds from and to. log_ratio: (m,) of equally likely accounts. correlation: of
    the two log rates. lacks: in words.
    """

    then: Span
    now: Span
    log_ratio: Floats
    correlation: float
    lacks: tuple[str, ...]

    def fallen(self, fraction: float) -> float:
        """Probability that the hashrate is lower by more than ``fraction`` (0: lower at all).

        So many draws cannot tell 0 or 1: half a draw is left over (Jeffreys' prior). Raises
        ValueError unless it is below 1.
        """
        if not fraction < 1:
            raise ValueError(f"expected a fraction below 1, found {fraction}")
        count = float((self.log_ratio < np.log1p(-fraction)).sum())
        return (count + 0.5) / (self.log_ratio.size + 1)

    @property
    def least(self) -> float:
        """The least probability above 0 that so many draws can tell."""
        return 1.0 / self.log_ratio.size

    def quantiles(self, levels: Floats) -> Floats:
        """Relative change at each of ``levels``."""
        return np.asarray(np.expm1(np.quantile(self.log_ratio, levels)))


def change_between(record: Record, then: Span, now: Span) -> Change:
    """The change of the hashrate from ``then`` to ``now``, each a time from and to, Unix seconds.

    Raises NoBlocksToObserve, NoRetargets; WindowNotKnown where they are more than a year apart, do
    not lie within the blocks or hold a gap, or where less than a month around them is known.
    """
    must_retarget(record.network)
    seen = windows_around(blocks_of(record), then, now)
    return change_of(PastYears(record).around(seen), then, now)


def change_of(year: PastYear, then: Span, now: Span) -> Change:
    """The change from ``then`` to ``now`` in the draws of a year whose windows end where these do.

    Raises WindowNotKnown where no blocks of one of them are known.
    """
    seen, log_rate = year.seen, year.draws.log_rate[:, :-1]
    parts = [_part(seen, span) for span in (then, now)]
    logs = np.stack([np.log(np.exp(log_rate) @ part) for part in parts])
    lacks = [
        f"{1 - covered:.0%} of the days of {what} time"
        for what, covered in zip(
            ("the earlier", "the later"),
            (_covered(seen, span) for span in (then, now)),
            strict=True,
        )
        if covered < 0.9
    ]
    together = float(np.corrcoef(logs)[0, 1])
    return Change(then, now, logs[1] - logs[0], together, tuple(lacks))


def windows_around(blocks: Blocks, then: Span, now: Span) -> Seen:
    """Days of blocks around two times, the later one's ends among their edges.

    Raises WindowNotKnown.
    """
    latest = np.maximum.accumulate(blocks.time)
    (start, end), tip = now, float(latest[-1])
    if not blocks.time[0] <= then[0] < then[1] <= start < end <= tip:
        known = f"blocks from {_said(blocks.time[0])} to {_said(tip)}"
        raise WindowNotKnown(_said(start), _said(end), "a time within the blocks", known)
    last = min(end + _AFTER_DAYS * DAY, tip)
    if then[1] < last - DAYS * DAY:
        apart = f"{(last - then[1]) / DAY:.0f} days"
        raise WindowNotKnown(
            _said(start), _said(end), f"at most {DAYS} days from the blocks before it", apart
        )
    first = np.ceil((last - DAYS * DAY) / DAY) * DAY
    edges = [np.arange(first, last, DAY), np.array([start, end, last])]
    if end - start <= _LONG_DAYS * DAY:
        around = (start - _FINE_DAYS * DAY, min(end + _FINE_DAYS * DAY, last))
        edges.append(np.arange(np.ceil(around[0] / _FINE) * _FINE, around[1], _FINE))
    seen = windows_of(blocks, np.unique(np.concatenate(edges)), (start, end))
    seen_days = float((seen.end - seen.start).sum()) / DAY
    if seen_days < FEWEST_DAYS:
        expected = f"{FEWEST_DAYS} days of blocks around it"
        raise WindowNotKnown(_said(start), _said(end), expected, f"{seen_days:.1f}")
    for span in (then, now):
        if not _overlap(seen, span).any():
            raise WindowNotKnown(_said(span[0]), _said(span[1]), "blocks in it", "none, or a gap")
    return seen


def _overlap(seen: Seen, span: Span) -> Floats:
    inside = np.minimum(seen.end, span[1]) - np.maximum(seen.start, span[0])
    return np.asarray(np.clip(inside, 0.0, None))


def _covered(seen: Seen, span: Span) -> float:
    return float(_overlap(seen, span).sum() / (span[1] - span[0]))


def _part(seen: Seen, span: Span) -> Floats:
    """Share of each window in a time, (n,). Raises WindowNotKnown where none is in it."""
    inside = _overlap(seen, span)
    if not inside.any():
        raise WindowNotKnown(_said(span[0]), _said(span[1]), "windows of blocks in it", "none")
    return np.asarray(inside / inside.sum())


def _said(time: float) -> str:
    return iso_time(round(float(time)))
