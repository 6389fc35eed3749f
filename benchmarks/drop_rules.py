"""Rules that say the hashrate fell, run on simulated blocks whose rate before the fall is known.

Intervals are exponential with mean 1 before a fall by a part d, and mean 1 / (1 - d) after it; a
day is 144 of the former. Each simulation gives, a run, the blocks and the time from the fall to the
alarm, of runs in which there was none before it. SIMULATED, all of it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.inference.filter.kernels import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DAY = 144
# blocks before the fall: enough for every statistic to forget how it began
WARM = 6000
# a rule that has not alarmed by then, in blocks before the fall, has missed it
LONGEST = 60 * DAY


@compiled
def cusum(seed: int, runs: int, fall: float, threshold: float, drop: float, warm: int) -> Floats:
    """Blocks and time (runs, 2) to the alarm of the CUSUM for ``fall`` after one by ``drop``."""
    np.random.seed(seed)
    out, back = np.empty((runs, 2)), np.log(1 - fall)
    for run in range(runs):
        count = 0
        while count <= warm:
            count, time, level = 0, 0.0, 0.0
            while level < threshold:
                count += 1
                x = np.random.exponential(1.0 if count <= warm else 1 / (1 - drop))
                time += x if count > warm else 0.0
                level = max(0.0, level + back + fall * x)
        out[run, 0], out[run, 1] = count - warm, time
    return out


@compiled
def mixture(
    seed: int, runs: int, falls: Floats, threshold: float, drop: float, warm: int
) -> Floats:
    """The same for the mixture Shiryaev-Roberts rule; third: the statistic at the alarm."""
    np.random.seed(seed)
    out, level = np.empty((runs, 3)), np.empty(falls.size)
    for run in range(runs):
        count, total = 0, 0.0
        while count <= warm:
            count, time, total = 0, 0.0, 0.0
            level[:] = 0.0
            while total < threshold:
                count += 1
                x = np.random.exponential(1.0 if count <= warm else 1 / (1 - drop))
                time += x if count > warm else 0.0
                total = 0.0
                for j in range(falls.size):
                    level[j] = (1 + level[j]) * (1 - falls[j]) * np.exp(falls[j] * x)
                    total += level[j] / falls.size
        out[run, 0], out[run, 1], out[run, 2] = count - warm, time, total
    return out


def mixture_threshold(falls: Floats, blocks: float) -> float:
    """The threshold with one false alarm in ``blocks``.

    The statistic less the number of blocks is a martingale, so the mean number is the mean of what
    the statistic has at the alarm: the threshold and an excess that hardly depends on it.
    """
    tried = 10_000.0
    found = mixture(9, 3000, falls, tried, 0.0, 0)
    return float(blocks * tried / found[:, 2].mean())


@compiled
def _pulses(x: Floats, short: int, long: int, out: Floats) -> None:
    """Rate of the last ``short`` blocks over that of the last ``long``, less 1; NaN at first."""
    recent, whole = 0.0, 0.0
    for i in range(x.size):
        recent += x[i] - (x[i - short] if i >= short else 0.0)
        whole += x[i] - (x[i - long] if i >= long else 0.0)
        out[i] = (whole / long) / (recent / short) - 1 if i >= long else np.nan


class Pulse:
    """A day's hashrate against the mean of ``days``: an alarm where it is lower by a part."""

    def __init__(self, days: int) -> None:
        """days: 14 or 30 in use."""
        self.name = f"24 hours against {days} days"
        self._long = days * DAY

    def quiet(self, seed: int) -> Floats:
        """The reading after each block of 200 years without a fall."""
        x = np.random.default_rng(seed).exponential(1.0, 200 * 365 * DAY)
        out = np.empty(x.size)
        _pulses(x, DAY, self._long, out)
        return out[self._long :]

    def fallen(self, seed: int, drop: float) -> tuple[Floats, Floats, Floats]:
        """Readings before a fall, those after it, and the time at each of those."""
        x = np.random.default_rng(seed).exponential(1.0, self._long + DAY + LONGEST)
        at = self._long + DAY
        x[at:] /= 1 - drop
        out = np.empty(x.size)
        _pulses(x, DAY, self._long, out)
        return out[self._long : at], out[at:], np.cumsum(x[at:])

    # blocks between two readings
    step = 1


class Ribbons:
    """The 30-day mean of daily hashrate against the 60-day mean: an alarm where it is lower."""

    name = "ribbons, 30 against 60 days"
    step = DAY

    def quiet(self, seed: int) -> Floats:
        """The reading after each day of 2000 years without a fall."""
        return _ribbons(np.random.default_rng(seed).poisson(DAY, 2000 * 365).astype(np.float64))

    def fallen(self, seed: int, drop: float) -> tuple[Floats, Floats, Floats]:
        """Readings before a fall, those after it, and the time at each of those."""
        rng = np.random.default_rng(seed)
        mean = np.full(92 + LONGEST // DAY, float(DAY))
        # the fall comes at any hour of its day
        part = rng.random()
        mean[91] *= 1 - drop * part
        mean[92:] *= 1 - drop
        readings = _ribbons(rng.poisson(mean).astype(np.float64))
        after = readings[-1 - LONGEST // DAY :]
        return readings[: -1 - LONGEST // DAY], after, DAY * (part + np.arange(after.size))


def _ribbons(daily: Floats) -> Floats:
    total = np.concatenate(([0.0], np.cumsum(daily)))
    short = (total[60:] - total[30:-30]) / 30
    return np.asarray(short / ((total[60:] - total[:-60]) / 60) - 1)


Rule = Pulse | Ribbons


def entries(readings: Floats, depth: float, apart: int) -> int:
    """How often readings fall below -depth, not having been there for ``apart`` readings."""
    below = np.flatnonzero(readings < -depth)
    return int((np.diff(below) > apart).sum()) + 1 if below.size else 0


@cache
def depth_for(rule: Rule, a_year: float) -> float:
    """The part at which a rule alarms ``a_year`` times without a fall."""
    from scipy.optimize import brentq

    readings = rule.quiet(3)
    years = readings.size * rule.step / (365 * DAY)
    apart = DAY // rule.step

    def excess(depth: float) -> float:
        return entries(readings, depth, apart) / years - a_year

    return float(brentq(excess, 0.0, 0.9, xtol=1e-4))


@cache
def false_alarms(rule: Rule, depth: float) -> float:
    """How often a year a rule alarms without a fall."""
    readings = rule.quiet(3)
    years = readings.size * rule.step / (365 * DAY)
    return entries(readings, depth, DAY // rule.step) / years


def delays(rule: Rule, depth: float, drop: float, runs: int) -> Floats:
    """Blocks and time (runs, 2) from a fall to a rule's alarm, NaN where it never came."""
    out: list[tuple[float, float]] = []
    seed = 0
    while len(out) < runs:
        seed += 1
        before, after, time = rule.fallen(seed, drop)
        if (before[-DAY // rule.step :] < -depth).any():
            continue
        hit = np.flatnonzero(after < -depth)
        first = float(time[hit[0]]) if hit.size else np.nan
        out.append((first * (1 - drop), first))
    return np.array(out)
