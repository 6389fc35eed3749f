"""How often luck alone makes a drawdown, or inverts the hash ribbons.

Every drawdown that is shown anywhere is judged here, so that one fall has one answer.

Of the ribbons, SIMULATED, in a network that never falls:

1. The world: the record's own growth made monotone, the path nearest to the logarithm of its 30-day
   mean among all that never fall (isotonic regression). It pauses where the record fell or paused.
2. Each world draws the blocks of every day: a Poisson count about 144, weighed by that day's
   hashrate. Retargets keep to 144 a day within a few percent, which moves nothing that is counted
   here (``tests/studies/test_ribbon_luck.py`` holds it against fully mined chains).
3. The ribbons of each world are read as those of the record. A day on which the record has no
   ribbon counts in no world.
4. An inversion of the record is compared with those that began within a year of it, before or
   after: growth decides how often luck inverts the ribbons, and it was not the same in all years.
   Where the record fell for long, the path is flat, and luck inverts it most: the comparison errs
   towards luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.inference.luck.luck import YEAR, DrawdownLuck, drawdown_luck
from hashcanary.metrics.engine import Metrics
from hashcanary.moments import DAY
from hashcanary.random import Purpose, generator

SEED, WORLDS = 1, 300
BLOCKS_A_DAY = 144
SHORT, LONG = 30, 60
NEAR_DAYS, WEEK = 365, 7
_YEAR = 365.25
# worlds at once: few enough for a processor's cache
_TOGETHER = 20
DEFINITION = (
    "SIMULATED: inversions of the ribbons in a network that grows as the record did but never "
    "falls (isotonic regression of its 30-day mean), and finds 144 blocks a day on average"
)


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability a year, from counted worlds: per_year, and the 95% upper limit of it.

    per_record: share of worlds in which it happens at least once in the whole record.
    """

    per_year: float
    at_most: float
    per_record: float


@dataclass(frozen=True, slots=True)
class InversionLuck:
    """SIMULATED: how likely luck alone gives an inversion at least this long, and this deep.

    lowest: of the oscillator, a fraction below 0, None where it is not known.
    """

    lowest: float | None
    as_long: Chance
    as_deep: Chance | None


@dataclass(frozen=True, slots=True)
class RibbonLuck:
    """SIMULATED inversions of all worlds.

    first, known: start of the first day that can be inverted, Unix seconds, and which days are.
    world, start, days, lowest: (k,) of each inversion: its world, first day, length and lowest
    oscillator. per_year: inversions a year on average; low, high: in four of five years;
    weeks_per_year: those of a week or more.
    """

    seed: int
    worlds: int
    first: int
    known: Bools
    world: Ints
    start: Ints
    days: Ints
    lowest: Floats
    per_year: float
    low: float
    high: float
    weeks_per_year: float

    @property
    def years(self) -> float:
        """Simulated years in which the ribbons were read."""
        return self.worlds * float(self.known.sum()) / _YEAR

    def of(self, start: int, days: int, lowest: float | None) -> InversionLuck:
        """The luck of an inversion from ``start`` (Unix seconds) of ``days`` and ``lowest``."""
        day = (start - self.first) // DAY
        deep = None if lowest is None else self._chance(day, self.lowest <= lowest)
        return InversionLuck(lowest, self._chance(day, self.days >= days), deep)

    def _chance(self, day: int, such: Bools) -> Chance:
        from scipy.special import gammaincinv

        low, high = max(day - NEAR_DAYS, 0), min(day + NEAR_DAYS, self.known.size)
        years = self.worlds * max(float(self.known[low:high].sum()), 1.0) / _YEAR
        near = such & (self.start >= low) & (self.start < high)
        count = int(near.sum())
        most = float(gammaincinv(count + 1, 0.975))
        everywhere = np.unique(self.world[such]).size / self.worlds
        return Chance(float(-np.expm1(-count / years)), float(-np.expm1(-most / years)), everywhere)


def ribbon_luck(metrics: Metrics, *, worlds: int = WORLDS) -> RibbonLuck | None:
    """The inversions of ``worlds`` unstressed worlds; None where the record has no ribbon.

    Needs ``hashrate.sma30`` and ``ribbon.oscillator`` computed.
    """
    rows = metrics["ribbon.oscillator"].rows
    has = rows["value"].is_not_null().to_numpy()
    if not has.any():
        return None
    first, end = int(has.argmax()), has.size - int(has[::-1].argmax())
    mean = metrics["hashrate.sma30"].rows["value"].cast(float).to_numpy()
    path = never_falling(np.log(np.where(mean > 0, mean, np.nan)))
    # a mean stands for the middle of its days; the first ribbon rests on the 60 days up to it
    day = np.arange(first - LONG + 1, end) + SHORT // 2
    found = simulate(path[np.clip(day, 0, path.size - 1)], SEED, worlds)
    return _of(found, int(rows["time"][first]), np.asarray(has[first:end]), SEED, worlds)


def never_falling(values: Floats) -> Floats:
    """The nearest path (n,) to ``values`` (n,), by squares, that never falls.

    NaN where there is no value: such places are bridged. Pool-adjacent-violators (M. Ayer and
    others, Annals of Mathematical Statistics 26, 1955).
    """
    there = np.flatnonzero(np.isfinite(values))
    means: list[float] = []
    sizes: list[int] = []
    for value in values[there].tolist():
        mean, size = value, 1
        while means and means[-1] >= mean:
            other, count = means.pop(), sizes.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        means.append(mean)
        sizes.append(size)
    return np.asarray(np.interp(np.arange(values.size), there, np.repeat(means, sizes)))


def simulate(path: Floats, seed: int, worlds: int) -> tuple[Ints, Ints, Ints, Floats]:
    """World, first day, length and lowest oscillator (k,) of each inversion on a log path (n,).

    Days count from the 60th of the path, the first that has a ribbon.
    """
    scale = np.exp(path - path[-1]) / BLOCKS_A_DAY
    parts = []
    for begin in range(0, worlds, _TOGETHER):
        own = range(begin, min(begin + _TOGETHER, worlds))
        counts = [
            generator(seed, Purpose.RIBBONS, one).poisson(BLOCKS_A_DAY, path.size) for one in own
        ]
        world, start, days, lowest = inversions(np.array(counts) * scale)
        parts.append((world + begin, start, days, lowest))
    world, start, days = (np.concatenate([part[place] for part in parts]) for place in range(3))
    return world, start, days, np.concatenate([part[3] for part in parts])


def inversions(rate: Floats) -> tuple[Ints, Ints, Ints, Floats]:
    """Row, first day, length and lowest oscillator (k,) of the inversions of daily rates (w, n).

    One that the first day finds under way is left out: nobody knows how long it had been.
    """
    total = np.cumsum(np.pad(rate, ((0, 0), (1, 0))), axis=1)
    short = (total[:, LONG:] - total[:, LONG - SHORT : -SHORT]) / SHORT
    long = (total[:, LONG:] - total[:, :-LONG]) / LONG
    oscillator = short / long - 1
    # a day that is never inverted keeps the end of a row apart from the start of the next
    flat = np.pad(oscillator, ((0, 0), (1, 1)), constant_values=1.0).ravel()
    turn = np.diff((flat < 0).astype(np.int8), prepend=np.int8(0))
    starts, ends = np.flatnonzero(turn == 1), np.flatnonzero(turn == -1)
    width = oscillator.shape[1] + 2
    row, day = starts // width, starts % width - 1
    lowest = np.minimum.reduceat(flat, np.stack((starts, ends), axis=1).ravel())[::2]
    begun = day > 0
    return row[begun], day[begun], (ends - starts)[begun], lowest[begun]


def _of(
    found: tuple[Ints, Ints, Ints, Floats],
    first: int,
    known: Bools,
    seed: int,
    worlds: int,
) -> RibbonLuck:
    counted = known[found[1]]
    world, start, days = found[0][counted], found[1][counted], found[2][counted]
    years = worlds * float(known.sum()) / _YEAR
    whole = max(int(known.size / _YEAR), 1)
    year = np.minimum((start / _YEAR).astype(np.int64), whole)
    each = np.bincount(world * (whole + 1) + year, minlength=worlds * (whole + 1))
    each = each.reshape(worlds, whole + 1)[:, :whole]
    low, high = np.quantile(each, [0.1, 0.9])
    return RibbonLuck(
        seed=seed,
        worlds=worlds,
        first=first,
        known=known,
        world=world,
        start=start,
        days=days,
        lowest=found[3][counted],
        per_year=world.size / years,
        low=float(low),
        high=float(high),
        weeks_per_year=float((days >= WEEK).sum()) / years,
    )


EPOCHS_PER_YEAR = YEAR / 14
RETURN_PERIOD = (
    "how often block arrivals alone take this mean as far below its highest of the last year (or "
    "since its peak, where that is longer) at constant hashrate; growth makes it rarer"
)


class Drawdown(NamedTuple):
    """A drawdown: fraction below 0, start of its row and of its peak's, Unix seconds."""

    value: float
    time: int
    peak_time: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Drawdown:
        """Of a row of a metric of drawdowns."""
        return cls(row["value"], row["time"], row["peak_time"])


def luck_of_drawdowns(
    metrics: Metrics, smoothing: str, falls: Sequence[Drawdown | None]
) -> list[DrawdownLuck | None]:
    """The luck of falls of ``drawdown.SMOOTHING``; None where there is none or nothing to rest on.

    smoothing: ``day``, ``sma7`` and so on, or ``epoch``. Needs ``hashrate.SMOOTHING`` computed.
    """
    epoch = smoothing == "epoch"
    counted = "intervals" if epoch else "effective_blocks"
    rows = metrics[f"hashrate.{smoothing}"].rows.select("time", pl.col(counted).cast(pl.Float64))
    blocks: dict[int, float | None] = dict(rows.iter_rows())
    window = 1.0 if epoch or smoothing == "day" else float(smoothing.removeprefix("sma"))
    row_days = YEAR / EPOCHS_PER_YEAR if epoch else 1.0
    found: list[DrawdownLuck | None] = [None] * len(falls)
    known = [
        (place, fall, (now + peak) / 2)
        for place, fall in enumerate(falls)
        if fall is not None
        and fall.value < 0
        and (now := blocks.get(fall.time)) is not None
        and (peak := blocks.get(fall.peak_time)) is not None
    ]
    luck = drawdown_luck(
        [-fall.value for _, fall, _ in known],
        [count for _, _, count in known],
        [window] * len(known),
        [(fall.time - fall.peak_time) / DAY / row_days for _, fall, _ in known],
        law="blocks" if epoch else "time",
        rows_per_year=YEAR / row_days,
    )
    for (place, _, _), one in zip(known, luck, strict=True):
        found[place] = one
    return found
