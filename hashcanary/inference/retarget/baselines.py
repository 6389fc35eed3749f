"""The rules the forecast is measured against, as others publish them.

``change`` is the relative change of difficulty at the next retarget; times in seconds; intervals
counted from the epoch's first block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SPACING, _INTERVALS, _TIMESPAN = 600.0, 2015, 1_209_600.0
_LEAST, _MOST = -0.75, 3.0


def naive_change(intervals: int, elapsed: float) -> float:
    """The mean interval so far, held to the epoch's end: 600 m / tau - 1, clamped."""
    return float(np.clip(_SPACING * intervals / max(elapsed, 1.0) - 1, _LEAST, _MOST))


def mempool_change(
    *,
    height: int,
    epoch_time: float,
    now: float,
    quarter_time: float | None,
    previous_change: float,
    latest_time: float | None = None,
) -> float:
    """The rule of mempool.space's backend (``difficulty-adjustment.ts``).

    epoch_time: of the epoch's first block; now: the clock; quarter_time: of the block 504 back,
    None where not known; previous_change: relative, of the last retarget; latest_time: of the
    last block, used in place of the clock at an epoch's last one.
    """
    done = height % 2016
    since = now - epoch_time
    if done == 2015 and latest_time is not None:
        since = latest_time - epoch_time
    if done < 503 and quarter_time is not None:
        span = since + (epoch_time - quarter_time) * (1 + previous_change)
        change = _SPACING / (span / 504) - 1
    else:
        change = _SPACING / max(since / (done + 1), 1e-9) - 1
    return float(np.clip(change, _LEAST, _MOST))


@dataclass(frozen=True, slots=True)
class BetaLaw:
    """The exact predictive under a constant, unknown rate with Jeffreys' prior.

    New over old difficulty is (1209600 / elapsed) times Beta(m, 2015 - m), clamped, m the
    intervals done. elapsed: seconds they took. Needs 1 <= m <= 2014.
    """

    intervals: int
    elapsed: float

    def __post_init__(self) -> None:
        if not 1 <= self.intervals < _INTERVALS or self.elapsed <= 0:
            raise ValueError(
                f"expected 1 to {_INTERVALS - 1} intervals in a positive time, found "
                f"{self.intervals} in {self.elapsed} s"
            )

    def mean(self) -> float:
        """Mean relative change, before the clamp."""
        return _TIMESPAN / self.elapsed * self.intervals / _INTERVALS - 1

    def quantiles(self, levels: Floats) -> Floats:
        """Relative change at each of ``levels``."""
        from scipy.special import betaincinv

        share = betaincinv(self.intervals, _INTERVALS - self.intervals, levels)
        return np.asarray(np.clip(_TIMESPAN / self.elapsed * share - 1, _LEAST, _MOST))

    def below(self, change: Floats) -> Floats:
        """Probability (k,) that the relative change is at most ``change`` (k,)."""
        from scipy.special import betainc

        at = np.asarray(change, dtype=np.float64)
        share = np.clip((at + 1) * self.elapsed / _TIMESPAN, 0.0, 1.0)
        inside = betainc(self.intervals, _INTERVALS - self.intervals, share)
        return np.where(at >= _MOST, 1.0, np.where(at < _LEAST, 0.0, inside))


def discount_change(
    shape: float, scale: float, work: float, intervals: int, elapsed: float
) -> float:
    """Relative change at the epoch's end if the rate of a discount Gamma filter holds to it.

    shape, scale: of the Gamma posterior of the rate, an old block counting ever less (scale:
    seconds per hash); work: hashes a block; intervals: done, in ``elapsed`` seconds.
    """
    rest = (_INTERVALS - intervals) * work * scale / shape
    return float(np.clip(_TIMESPAN / (elapsed + rest) - 1, _LEAST, _MOST))
