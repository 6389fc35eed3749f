"""Pools: who mined how much over the last days, and whose share changed by more than luck.

1. The window is the last N days that are measured (``metrics/pool_days.py``): final, and every
   block labelled. The window before is the N days before it.
2. A pool's share is a binomial proportion of the window's blocks: exact limits.
3. Its hashrate is its own work over the window's time. Blocks of a pool are a Poisson process of
   their own (thinning), so that the limits of a network's hashrate hold for its blocks alone.
4. A share changed by more than luck when Fisher's exact test of the two windows rejects that it
   is the same, after Holm's correction for the number of pools compared: if no share had changed,
   luck alone would flag any pool in at most 5% of such comparisons.

References: R. A. Fisher, J. R. Stat. Soc. 98 (1935) 39; S. Holm, Scand. J. Stat. 6 (1979) 65;
R. G. Newcombe, Stat. Med. 17 (1998) 873, and G. Y. Zou and A. Donner, Stat. Med. 27 (2008) 1693
(limits of a difference from those of its parts).

Shares of the largest pools, day by day back through the record, are of all blocks of the last N
days: measured ones, every one of them, else there is no share.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Literal

import numpy as np

from hashcanary.interval import Interval
from hashcanary.metrics import concentration
from hashcanary.metrics.chain_columns import NEVER, ChainColumns, chain_columns
from hashcanary.metrics.intervals import INDEPENDENT_RATIO, POISSON, rate_ratio, weighted_poisson
from hashcanary.metrics.pool_days import PoolBlocks, pool_blocks
from hashcanary.moments import DAY
from hashcanary.sources.pools.pool_lists import built_in
from hashcanary.studies.errors import NoPoolLabels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.arrays import Bools, Floats, Ints
    from hashcanary.store.record import Record


# tables as likely as the one seen but for rounding count as equally likely
_SAME = 1 + 1e-7


def fisher(first: int, first_of: int, second: int, second_of: int) -> float:
    """Two-sided p-value that ``first`` of ``first_of`` and ``second`` of ``second_of`` are drawn
    at one rate, given their sum: the chance of a table no likelier than the one seen.
    """
    drawn, every = first + second, first_of + second_of
    low, high = max(0, drawn - second_of), min(drawn, first_of)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, every + 1)))])

    def log_choose(n: int, k: np.ndarray) -> np.ndarray:
        ways: np.ndarray = log_factorial[n] - log_factorial[k] - log_factorial[n - k]
        return ways

    one = np.arange(low, high + 1)
    log_chance = log_choose(first_of, one) + log_choose(second_of, drawn - one)
    chance = np.exp(log_chance - log_chance.max())
    seen = chance[first - low]
    return float(min(chance[chance <= seen * _SAME].sum() / chance.sum(), 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected so that any of a family below a level is a false alarm that seldom."""
    corrected = [0.0] * len(p_values)
    least = 0.0
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = least
    return corrected


By = Literal["pool", "group"]
FALSE_ALARM = 0.05
CHANGE = "95% confidence for the difference of two shares, from their exact limits (Zou and Donner)"
RATE_CHANGE = INDEPENDENT_RATIO.split(";", maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One pool over the window, largest first; ``unknown`` stands last.

    pool: its slug, or a group's; blocks, before: its blocks in the window and in the one before
    (None where that is not measured); share: of all blocks; hashrate: H/s. share_change: share
    less share before, in fractions of 1; hashrate_change: relative, -0.4 for a fall by 40% (NaN
    where there was no block before). p_value: that luck alone gives such a difference of shares;
    p_corrected: for the number of pools compared; beyond_luck: whether that is below 5%; None of
    ``unknown``, which is no pool, and where nothing is compared.
    """

    pool: str
    name: str
    blocks: int
    share: Interval
    hashrate: Interval
    before: int | None = None
    share_change: Interval | None = None
    hashrate_change: Interval | None = None
    p_value: float | None = None
    p_corrected: float | None = None
    beyond_luck: bool | None = None


@dataclass(frozen=True, slots=True)
class PoolStudy:
    """Pools over the window from ``start`` to ``end`` (Unix seconds UTC, whole days).

    list: what labelled the blocks; known_at: when the window was known. compared: pools in the
    family of tests; 0 where the window before is not measured. nakamoto: NaN where all known
    pools have no majority.
    """

    list: str
    by: By
    days: int
    start: int
    end: int
    known_at: int
    blocks: int
    before: int | None
    rows: tuple[PoolRow, ...]
    unknown_share: Interval
    hhi: Interval
    nakamoto: Interval
    compared: int
    simulated: bool


@dataclass(frozen=True, slots=True)
class _Window:
    """Blocks and work by pool (pools,) in one window; ``largest``: work of the hardest block."""

    blocks: Ints
    work: Floats
    squares: Floats
    largest: float


@dataclass(frozen=True, slots=True)
class MeasuredDays:
    """A record's days and who mined their blocks.

    list: what labelled the blocks; starts: of every UTC day, Unix seconds; measured: (days,)
    whether all blocks of a day are final and labelled; end: one past the last such day, before
    which at least as many as were asked for lie in a row.
    """

    list: str
    chain: ChainColumns
    starts: Ints
    blocks: PoolBlocks
    measured: Bools
    end: int


def measured_days(record: Record, days: int) -> MeasuredDays:
    """The days of a record, the last ``days`` of them measured. Raises NoPoolLabels."""
    chain = chain_columns(record)
    if record.pool_list is None or chain.time.size == 0:
        raise NoPoolLabels(days=days, at=record.at_text, found="none")
    first, last = int(chain.time.min()) // DAY, int(chain.time.max()) // DAY
    starts = np.arange(first, last + 1, dtype=np.int64) * DAY
    blocks = pool_blocks(record, chain, starts)
    measured = blocks.known_at <= (NEVER - 1 if record.at is None else record.at)
    end = _end(measured, days, record.at_text)
    return MeasuredDays(record.pool_list, chain, starts, blocks, measured, end)


def study_pools(record: Record, days: int = 7, by: By = "pool") -> PoolStudy:
    """Who mined what in the last measured days. Raises NoPoolLabels."""
    found = measured_days(record, days)
    chain, starts, blocks, measured = found.chain, found.starts, found.blocks, found.measured
    if by == "group":
        blocks = blocks.grouped(chain.time)
    end = found.end
    now = _window(blocks, chain, end - days, end)
    before = None
    if end >= 2 * days and measured[end - 2 * days : end - days].all():
        before = _window(blocks, chain, end - 2 * days, end - days)
    rows, compared = _rows(blocks.names, now, before, days * DAY)
    known, total = now.blocks[None, 1:], now.blocks.sum()[None]
    known = -np.sort(-known, axis=1)
    return PoolStudy(
        list=found.list,
        by=by,
        days=days,
        start=int(starts[end - days]),
        end=int(starts[end - 1]) + DAY,
        known_at=int(blocks.known_at[end - days : end].max()),
        blocks=int(total[0]),
        before=None if before is None else int(before.blocks.sum()),
        rows=rows,
        unknown_share=_share(int(now.blocks[0]), int(total[0])),
        hhi=_interval(concentration.hhi(known, total), 0, concentration.HHI),
        nakamoto=_interval(concentration.nakamoto(known, total), 0, concentration.NAKAMOTO),
        compared=compared,
        simulated=record.simulated,
    )


def _end(measured: Bools, days: int, at: str) -> int:
    """One past the last measured day. Raises NoPoolLabels unless the days before it are too."""
    last = np.flatnonzero(measured)
    run = 0
    if last.size:
        holes = np.flatnonzero(~measured[: last[-1] + 1])
        run = int(last[-1]) - (int(holes[-1]) if holes.size else -1)
    if run < days:
        raise NoPoolLabels(days=days, at=at, found=f"{run} up to the last such day")
    return int(last[-1]) + 1


def _window(blocks: PoolBlocks, chain: ChainColumns, first: int, last: int) -> _Window:
    inside = (blocks.day >= first) & (blocks.day < last)
    pool, work = blocks.pool[inside], chain.work[inside]
    size = len(blocks.names)
    return _Window(
        np.bincount(pool, minlength=size).astype(np.int64),
        np.bincount(pool, weights=work, minlength=size).astype(np.float64),
        np.bincount(pool, weights=work**2, minlength=size).astype(np.float64),
        float(work.max(initial=0.0)),
    )


def _rows(
    names: tuple[str, ...], now: _Window, before: _Window | None, seconds: int
) -> tuple[tuple[PoolRow, ...], int]:
    there = now.blocks + (0 if before is None else before.blocks) > 0
    chosen: list[int] = np.flatnonzero(there).tolist()
    # the largest first, of equal ones by name; unknown is no pool, and stands last
    order = sorted(chosen, key=lambda at: (at == 0, -now.blocks[at], names[at]))
    rates = _hashrates(now, seconds)
    shown = built_in().names()
    total = int(now.blocks.sum())
    compared = [at for at in order if at != 0] if before is not None else []
    tests = _tests(now, before, compared)
    rows = []
    for at in order:
        share, was = _share(int(now.blocks[at]), total), None
        if before is not None:
            was = _share(int(before.blocks[at]), int(before.blocks.sum()))
        p_value, corrected = tests.get(at, (None, None))
        rows.append(
            PoolRow(
                pool=names[at],
                name=shown.get(names[at], names[at]),
                blocks=int(now.blocks[at]),
                share=share,
                hashrate=_interval(rates, at, POISSON),
                before=None if before is None else int(before.blocks[at]),
                share_change=None if was is None else _difference(share, was),
                hashrate_change=None if before is None else _ratio(now, before, at),
                p_value=p_value,
                p_corrected=corrected,
                beyond_luck=None if corrected is None else corrected < FALSE_ALARM,
            )
        )
    return tuple(rows), len(compared)


def _share(count: int, total: int) -> Interval:
    low, high = concentration.share_limits(np.array([count]), np.array([total]))
    value = count / total if total else nan
    return Interval(value, float(low[0]), float(high[0]), concentration.SHARE)


def _interval(columns: tuple[Floats, Floats, Floats], row: int, kind: str) -> Interval:
    """A row of value, low and high."""
    value, low, high = (float(column[row]) for column in columns)
    return Interval(value, low, high, kind)


def _hashrates(window: _Window, seconds: int) -> tuple[Floats, Floats, Floats]:
    largest = np.full(window.work.size, window.largest)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = weighted_poisson(window.work, window.squares, largest)
    return window.work / seconds, low / seconds, high / seconds


def _difference(now: Interval, before: Interval) -> Interval:
    """The difference of two independent shares, its limits from theirs (Zou and Donner)."""
    value = now.value - before.value
    down = np.hypot(now.value - now.low, before.high - before.value)
    up = np.hypot(now.high - now.value, before.value - before.low)
    return Interval(value, max(value - float(down), -1.0), min(value + float(up), 1.0), CHANGE)


def _ratio(now: _Window, before: _Window, at: int) -> Interval:
    """Relative change of a pool's hashrate, by exact limits of the ratio of two Poisson rates.

    A window without a block is one of no work: its blocks are taken as hard as the hardest.
    """
    # the work of an effective block, by which counts become hashes in each window
    unit = [
        one.squares[at] / one.work[at] if one.work[at] else one.largest for one in (now, before)
    ]
    effective = [
        np.array([one.work[at] / size]) for one, size in zip((now, before), unit, strict=True)
    ]
    if before.work[at] == 0:
        return Interval(nan, nan, nan, RATE_CHANGE)
    if now.work[at] == 0:
        most = _most_of_none(float(effective[1][0]))
        return Interval(-1.0, -1.0, most * unit[0] / unit[1] - 1, RATE_CHANGE)
    works = [np.array([one.work[at]]) for one in (now, before)]
    low, high = rate_ratio(works[0], effective[0], works[1], effective[1])
    ratio = _interval((works[0] / works[1], low, high), 0, RATE_CHANGE)
    return ratio.map(lambda value: value - 1)


def _most_of_none(before: float) -> float:
    """Upper limit of a ratio of Poisson rates where the first gave no event (Clopper-Pearson)."""
    _, high = concentration.share_limits(np.array([0.0]), np.array([before]))
    return float(high[0] / (1 - high[0]))


def _tests(
    now: _Window, before: _Window | None, compared: list[int]
) -> dict[int, tuple[float, float]]:
    """p-values of equal shares by pool, alone and corrected for the number of pools."""
    if before is None:
        return {}
    sizes = int(now.blocks.sum()), int(before.blocks.sum())
    values = [
        fisher(int(now.blocks[at]), sizes[0], int(before.blocks[at]), sizes[1]) for at in compared
    ]
    return dict(zip(compared, zip(values, holm(values), strict=True), strict=True))


@dataclass(frozen=True, slots=True)
class PoolShares:
    """Shares of the blocks of ``days`` days, fractions of 1.

    time: (n,) Unix seconds, the starts of consecutive days; a row is about the days up to the end
    of its own. pools, names: the largest at the end, the largest first. share, low, high: (n,
    pools), NaN where a day of the window is not measured; unknown: (n,) of no known pool.
    """

    days: int
    time: Ints
    pools: tuple[str, ...]
    names: tuple[str, ...]
    share: Floats
    low: Floats
    high: Floats
    unknown: Floats


def pool_shares(record: Record, days: int = 30, most: int = 5) -> PoolShares:
    """Shares of at most ``most`` pools. Raises NoPoolLabels."""
    found = measured_days(record, days)
    summed, whole = _windows(found.blocks.counts(), found.measured, days)
    summed, whole = summed[: found.end], whole[: found.end]
    first = int(np.argmax(whole))
    summed, whole = summed[first:], whole[first:]
    slugs = found.blocks.names
    # the largest first, of equal ones by name; the first of all, ``unknown``, is no pool
    order = sorted(range(1, len(slugs)), key=lambda at: (-summed[-1, at], slugs[at]))
    chosen = [at for at in order if summed[-1, at] > 0][:most]
    total = np.where(whole, summed.sum(axis=1), 0)
    low, high = concentration.share_limits(summed[:, chosen], total[:, None])
    shown = built_in().names()
    with np.errstate(invalid="ignore", divide="ignore"):
        share, unknown = summed[:, chosen] / total[:, None], summed[:, 0] / total
    return PoolShares(
        days=days,
        time=found.starts[first : found.end],
        pools=tuple(slugs[at] for at in chosen),
        names=tuple(shown.get(slugs[at], slugs[at]) for at in chosen),
        share=np.where(whole[:, None], share, np.nan),
        low=low,
        high=high,
        unknown=np.where(whole, unknown, np.nan),
    )


def _windows(counts: Ints, measured: Bools, days: int) -> tuple[Ints, Bools]:
    """Blocks by pool in the ``days`` days up to each day, and whether all of them are measured."""
    counts = np.where(measured[:, None], counts, 0)
    sums = np.cumsum(counts, axis=0)
    holes = np.cumsum(~measured)
    before, holes_before = np.zeros_like(sums), np.zeros_like(holes)
    before[days:], holes_before[days:] = sums[:-days], holes[:-days]
    rows = np.arange(measured.size)
    return sums - before, (holes == holes_before) & (rows + 1 >= days)
