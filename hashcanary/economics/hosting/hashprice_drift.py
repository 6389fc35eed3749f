"""How the hashprice went on in the record's own last years, halvings apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import TooFewDaysForDrift
from hashcanary.metrics.windows import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]

FEWEST_DAYS = 365
_A_YEAR = 365.25


def drift_of(record: Record, reach_years: float) -> tuple[float, float, tuple[int, int]]:
    """The mean change of the logarithm of price over difficulty a year, its standard error, days.

    Over the last ``reach_years`` years of days with both, or as many as there are; the standard
    error as if days were independent; days: Unix seconds of the first and the last. Raises
    TooFewDaysForDrift.
    """
    from hashcanary.metrics.engine import metrics_of

    names = ("price", "blocks.difficulty_mean")
    frame = metrics_of(record).frame("day", names)
    price, difficulty = (floats(frame, name) for name in names)
    logs = np.log(price / difficulty)
    known = np.flatnonzero(np.isfinite(logs))
    if known.size < FEWEST_DAYS:
        raise TooFewDaysForDrift(days=FEWEST_DAYS, found=known.size)
    first = max(int(known[-1] - round(reach_years * _A_YEAR)), int(known[0]))
    changes = np.diff(logs[first : known[-1] + 1])
    changes = changes[np.isfinite(changes)]
    mean, error = changes.mean(), changes.std(ddof=1) / np.sqrt(changes.size)
    times = frame["time"].to_numpy()
    days = int(times[first]), int(times[known[-1]])
    return float(mean * _A_YEAR), float(error * _A_YEAR), days
