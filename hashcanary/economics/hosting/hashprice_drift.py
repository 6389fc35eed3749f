"""How the hashprice went on in the record's own last years, halvings apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import TooFewDaysForDrift
from hashcanary.moments import iso_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.metrics.engine import Results

    Floats = NDArray[np.float64]

# metrics whose frame it reads
METRICS = ("hashprice.subsidy", "price")
FEWEST_DAYS = 365
_A_YEAR = 365.25


def drift_of(results: Results, reach_years: float) -> tuple[float, float, str]:
    """The mean change of the logarithm of price over difficulty a year, its standard error, words.

    Over the last ``reach_years`` years of days with both, or as many as there are; the standard
    error as if days were independent. Raises TooFewDaysForDrift.
    """
    frame = results.frames["day"]
    price, difficulty = (
        frame[name].cast(float).fill_null(np.nan).to_numpy()
        for name in ("price", "blocks.difficulty_mean")
    )
    logs = np.log(price / difficulty)
    known = np.flatnonzero(np.isfinite(logs))
    if known.size < FEWEST_DAYS:
        raise TooFewDaysForDrift(days=FEWEST_DAYS, found=known.size)
    first = max(int(known[-1] - round(reach_years * _A_YEAR)), int(known[0]))
    changes = np.diff(logs[first : known[-1] + 1])
    changes = changes[np.isfinite(changes)]
    mean, error = changes.mean(), changes.std(ddof=1) / np.sqrt(changes.size)
    times = frame["time"].to_numpy()
    said = f"the record's, {iso_day(int(times[first]))} to {iso_day(int(times[known[-1]]))}"
    return float(mean * _A_YEAR), float(error * _A_YEAR), said
