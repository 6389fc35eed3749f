"""Cuts the chain into UTC days, and says from when on each day was final.

1. A block's day is that of its header time, or of its median time past (MTP).
2. Consensus lets no block have a time at or below its parent's MTP. So once a block's MTP has
   reached the end of a day, no later block can fall into that day, by either cut: the day is
   final, and was known to be when that block was known.
3. That settles only what comes after. Blocks before a run of known heights could fall into its
   first day too. By MTP they cannot once a known MTP lies before the day. By header time nothing
   but the nodes' rule of at most two hours into the future bounds them: a day counts only when it
   begins two hours after the latest of the run's first eleven header times. A run from height 0
   has nothing before it, and counts from its first day on.
4. A day is measured when one run of consecutive heights holds it between these two ends.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.chain.header_times import MEDIAN_SPAN
from hashcanary.chain.subsidy import COIN
from hashcanary.metrics.chain_columns import NEVER, ChainColumns
from hashcanary.moments import DAY

Cut = Literal["header", "mtp"]
FUTURE_LIMIT = 7200
CORE_LOOKUP = 120


class DaySums:
    """What the blocks of each final day add up to: arrays over days, each at its first use.

    Blocks are added in order of height, so that a cut changes no bit. known_at: Unix seconds, NEVER
    where the day is not final (all else is meaningless there). last: index into the chain of the
    day's last block; of the last one before it on a day without blocks, -1 where there is none.
    """

    def __init__(self, chain: ChainColumns, starts: Ints, cut: Cut) -> None:
        """Of days beginning at ``starts``."""
        self._chain, self._days = chain, starts.size
        self._day, self.known_at, run = days_of_blocks(chain, starts, cut)
        self.last: Ints = _last_block(chain, self._day, self.known_at, run)

    def _total(self, values: Floats | Ints | Bools | None = None) -> Floats:
        sums = np.bincount(self._day, weights=values, minlength=self._days + 1)
        return sums[: self._days].astype(np.float64)

    @cached_property
    def count(self) -> Floats:
        """Number of blocks."""
        return self._total()

    @property
    def work(self) -> Floats:
        """Hashes."""
        return self._total(self._chain.work)

    @property
    def work_squared(self) -> Floats:
        """Squares of hashes."""
        return self._total(self._chain.work**2)

    @property
    def work_max(self) -> Floats:
        """Hashes of the hardest block; of the last block before a day without any."""
        most = np.zeros(self._days + 1)
        np.maximum.at(most, self._day, self._chain.work)
        most = most[: self._days]
        # a day without blocks still had a target: it bounds the rate from above
        empty = (self.count == 0) & (self.last >= 0)
        most[empty] = self._chain.work[self.last[empty]]
        return most

    @property
    def difficulty(self) -> Floats:
        """Ratios to difficulty one."""
        return self._total(self._chain.difficulty)

    @property
    def issuance(self) -> Floats:
        """New coins, BTC."""
        return self._total(self._chain.subsidy) / COIN

    @property
    def fees(self) -> Floats:
        """BTC of the blocks whose fees are known."""
        return self._total(np.nan_to_num(self._chain.fee)) / COIN

    @property
    def unknown_fees(self) -> Floats:
        """Number of blocks whose fees are not known."""
        return self._total(np.isnan(self._chain.fee))


def final_days(chain: ChainColumns, starts: Ints, cut: Cut) -> tuple[Ints, Ints]:
    """Of days beginning at ``starts``: when each was final (NEVER: it is not), in which run."""
    known_at = np.full(starts.size, NEVER, dtype=np.int64)
    run = np.full(starts.size, -1, dtype=np.int64)
    if chain.height.size == 0:
        return known_at, run
    closing = np.searchsorted(chain.mtp, starts + DAY)
    reached = np.flatnonzero(closing < chain.mtp.size)
    closing = closing[reached]
    opens = _first_countable(chain, cut)[chain.run[closing]]
    held = chain.mtp_known[closing] & (starts[reached] >= opens)
    if cut == "header":
        # the bound rests on eleven blocks: a day must not close before all of them are known
        begins = chain.run_starts[chain.run[closing]]
        held &= (closing >= begins + MEDIAN_SPAN - 1) | (chain.height[begins] == 0)
    days = reached[held]
    known_at[days] = chain.known_at[closing[held]]
    run[days] = chain.run[closing[held]]
    return known_at, run


def _first_countable(chain: ChainColumns, cut: Cut) -> Ints:
    """For each run: the earliest start of a day that no block before the run can fall into."""
    begins = chain.run_starts
    if cut == "header":
        first_eleven = np.minimum(begins[:, None] + np.arange(MEDIAN_SPAN), chain.time.size - 1)
        bound = chain.time[first_eleven].max(axis=1) + FUTURE_LIMIT
    else:
        known = np.flatnonzero(chain.mtp_known)
        position = np.searchsorted(known, begins)
        bound = np.full(begins.size, NEVER, dtype=np.int64)
        there = position < known.size
        bound[there] = chain.mtp[known[position[there]]] + 1
    genesis = begins[chain.height[begins] == 0]
    bound[: genesis.size] = chain.time[genesis] // DAY * DAY  # before its day there was no chain
    earliest: Ints = bound
    return earliest


def days_of_blocks(chain: ChainColumns, starts: Ints, cut: Cut) -> tuple[Ints, Ints, Ints]:
    """Per block the index of its final day, one past the last where it is in none.

    Also per day when it was final (NEVER: it is not) and in which run.
    """
    days = starts.size
    known_at, run = final_days(chain, starts, cut)
    first = starts[0] // DAY if days else 0
    stamp = chain.time if cut == "header" else chain.mtp
    day: Ints = stamp // DAY - first
    inside = (day >= 0) & (day < days)
    if cut == "mtp":
        inside &= chain.mtp_known
    day[~inside] = days
    inside &= np.append(run, -1)[day] == chain.run
    day[~inside] = days
    return day, known_at, run


def _last_block(chain: ChainColumns, day: Ints, known_at: Ints, run: Ints) -> Ints:
    """The highest block of each final day, or of the nearest one before it in its run."""
    last = np.full(known_at.size + 1, -1, dtype=np.int64)
    last[day] = np.arange(day.size)  # ascending heights: the last assignment stays
    last = last[:-1]
    final = known_at != NEVER
    carried = np.maximum.accumulate(last)
    fill = final & (last < 0) & (carried >= 0)
    fill[fill] = chain.run[carried[fill]] == run[fill]
    last[fill] = carried[fill]
    return last


def core_lookup(chain: ChainColumns, last: Ints) -> tuple[Floats, Floats]:
    """Work (hashes) and time (s) of Bitcoin Core's ``getnetworkhashps(120)`` at blocks ``last``.

    Core takes the largest and the smallest of the 121 header times. NaN where ``last`` is -1 or
    the 120 blocks before it are not all known; fewer are taken near genesis, as Core does.
    """
    work = np.full(last.size, np.nan)
    seconds = np.full(last.size, np.nan)
    at = np.flatnonzero(last >= 0)
    end = last[at]
    lookup = np.minimum(CORE_LOOKUP, chain.height[end])
    start = end - lookup
    whole = (start >= 0) & (lookup > 0)
    whole[whole] = chain.run[start[whole]] == chain.run[end[whole]]
    at, end, lookup = at[whole], end[whole], lookup[whole]
    back = np.minimum(np.arange(CORE_LOOKUP + 1), lookup[:, None])
    window = end[:, None] - back
    times = chain.time[window]
    work[at] = np.where(
        np.arange(CORE_LOOKUP) < lookup[:, None], chain.work[window[:, :-1]], 0.0
    ).sum(axis=1)
    seconds[at] = times.max(axis=1, initial=np.iinfo(np.int64).min) - times.min(
        axis=1, initial=NEVER
    )
    return work, seconds
