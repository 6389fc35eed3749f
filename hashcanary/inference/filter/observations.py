"""What a chain's times and targets say about the hashrate, cut into bins of up to 18 blocks.

An edge is a block at a multiple of 18 (an epoch of 2016 is 112 bins), the first or last block of a
run of consecutive heights, or the tip. Between two edges n blocks of known work were found in the
time between their headers: the log rate is ``digamma(n) - log n + log(work / seconds)`` with
variance trigamma(n), the moments of a log Gamma variate (Abramowitz and Stegun 6.4), plus what the
clocks of the two headers add. Across a gap the same holds where the work between is known: when
both ends lie in one epoch or in two that follow each other. Otherwise nothing is observed there.

Header times are not ordered. An edge is kept within the second latest of the 11 times before and
the second earliest of the 11 after it (the span of the median-time-past rule), so one wrong clock
moves an edge only where nothing else is known yet: at the tip.

Beside them stands the 30-day change of the price, as it was known at each moment.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.chain.targets import work_float64_column
from hashcanary.inference.errors import NoBlocksToObserve
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.chain.networks import Network
    from hashcanary.store.record import Record

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


BIN = 18
BINS_PER_DAY = 144 // BIN
# blocks before and after an edge that vouch for its time: the median-time-past rule's span
VOUCHERS = 11
# fewer blocks than this say next to nothing, and their log is far from normal
FEWEST = 6
# standard deviation of a header's clock in seconds: vouched for, not yet, and moved into place
CLOCK, CLOCK_AT_TIP, CLOCK_MOVED = 300.0, 600.0, 900.0
# no honest span is shorter than this a block, in parts of the target spacing
SHORTEST = 1 / 20


@dataclass(frozen=True, slots=True)
class Blocks:
    """Known blocks ascending by height.

    height; time: of the header, Unix seconds; work: hashes; change: 30-day log change of the price
    known at that time, NaN where none was.
    """

    height: Ints
    time: Ints
    work: Floats
    change: Floats

    def part(self, start: int, stop: int | None = None) -> Blocks:
        """Those from index ``start`` to before ``stop``."""
        cut = slice(start, stop)
        return Blocks(self.height[cut], self.time[cut], self.work[cut], self.change[cut])

    def find(self, height: int) -> int:
        """Index of the block at ``height``, -1 where it is not known."""
        at = int(np.searchsorted(self.height, height))
        return at if at < self.height.size and self.height[at] == height else -1


@dataclass(frozen=True, slots=True)
class Observations:
    """One entry a span between two edges, ascending.

    first, height: heights of the edges; index: of the later one in the blocks; time: its time,
    Unix seconds, repaired; step: bins the span lasts; count: blocks it observes, 0 for none;
    work: hashes; seconds; log_rate: of hashes a second, NaN for none; variance: of ``log_rate``;
    change: of the price as known at its start, 0 where not known; settled: whether later blocks
    can no longer move it.
    """

    first: Ints
    height: Ints
    index: Ints
    start_time: Floats
    time: Floats
    step: Floats
    count: Ints
    work: Floats
    seconds: Floats
    log_rate: Floats
    variance: Floats
    change: Floats
    settled: Bools

    @property
    def size(self) -> int:
        """Number of spans."""
        return int(self.height.size)

    def spans(self) -> Floats:
        """What the bank filters, (n, 4): log rate, variance, bins, change of the price."""
        return np.stack((self.log_rate, self.variance, self.step, self.change), axis=1)

    def where(self, chosen: Bools) -> Observations:
        """The spans that a (n,) mask chooses."""
        return Observations(*(getattr(self, one.name)[chosen] for one in fields(self)))


def blocks_of(record: Record) -> Blocks:
    """The record's blocks. Raises NoBlocksToObserve when it has fewer than two."""
    if record.chain.height < 2:
        raise NoBlocksToObserve(found=record.chain.height, at=record.at_text)
    time = record.chain["time"].to_numpy().astype(np.int64, copy=False)
    prices = PriceChanges(record, int(time.min()), int(time.max()))
    return Blocks(
        record.chain["height"].to_numpy().astype(np.int64, copy=False),
        time,
        work_float64_column(record.chain["bits"].to_numpy().astype(np.int64, copy=False)),
        prices.at(time),
    )


def observe(blocks: Blocks, network: Network) -> Observations:
    """The observations of ``blocks``, as their last one showed them."""
    height, size = blocks.height, blocks.height.size
    run = np.cumsum(np.diff(height, prepend=height[:1]) > 1, dtype=np.int64)
    edge_mask = height % BIN == 0
    edge_mask[:1] = edge_mask[-1:] = True
    breaks = np.flatnonzero(np.diff(run))
    edge_mask[breaks] = edge_mask[breaks + 1] = True
    edges = np.flatnonzero(edge_mask)
    time, clock = repaired(blocks.time, run, edges)
    start, end = edges[:-1], edges[1:]
    count = height[end] - height[start]
    summed = np.concatenate(([0.0], np.cumsum(blocks.work)))
    work = summed[end + 1] - summed[start + 1]
    gap = run[end] != run[start]
    work[gap] = _work_across(blocks, network, start[gap], end[gap])
    shortest = SHORTEST * network.target_spacing * count
    measured = time[1:] - time[:-1]
    seconds = np.maximum(measured, shortest)
    seen = (count >= FEWEST) & (work > 0)
    observed = np.where(seen, count, 1)
    log_rate = _digamma(observed) - np.log(observed)
    log_rate += np.log(np.where(seen, work, 1.0) / seconds)
    # by the time that the blocks should take: by the time they took, spans that happened to be
    # slow would seem the surest, and the rate too low
    should = network.target_spacing * observed
    variance = _trigamma(observed) + (clock[1:] ** 2 + clock[:-1] ** 2) / should**2
    # a span no clock can have shown: its rate is not believed to better than a factor of e
    variance += measured < shortest
    run_size = np.bincount(run)[run]
    place = np.arange(size) - np.searchsorted(run, run)
    after = (run_size - 1 - place)[end]
    lasting = (height[end] % BIN == 0) | (place[end] == 0)
    return Observations(
        first=height[start],
        height=height[end],
        index=end,
        start_time=time[:-1],
        time=time[1:],
        step=count / BIN,
        count=np.where(seen, count, 0),
        work=np.where(seen, work, np.nan),
        seconds=seconds,
        log_rate=np.where(seen, log_rate, np.nan),
        variance=variance,
        change=np.nan_to_num(blocks.change[start]),
        settled=(lasting & (after >= VOUCHERS)) | (run[end] != run[-1]),
    )


def repaired(times: Ints, run: Ints, edges: Ints) -> tuple[Floats, Floats]:
    """Edges' times kept between their neighbours', and the standard deviation of each, seconds."""
    own = times[edges].astype(np.float64)
    reach = np.arange(1, VOUCHERS + 1)
    low = np.partition(_near(times, run, edges, -reach, -np.inf), -2, axis=1)[:, -2]
    high = np.partition(_near(times, run, edges, reach, np.inf), 1, axis=1)[:, 1]
    crossed = low > high
    middle = np.clip(own, low, np.maximum(low, high))
    middle[crossed] = (low[crossed] + high[crossed]) / 2
    clock = np.where(np.isinf(high), CLOCK_AT_TIP, CLOCK)
    return middle, np.where(np.abs(middle - own) > CLOCK, CLOCK_MOVED, clock)


def _near(times: Ints, run: Ints, edges: Ints, offsets: Ints, missing: float) -> Floats:
    """Times of an edge's neighbours in its run, (edges, offsets)."""
    at = edges[:, None] + offsets[None, :]
    inside = np.clip(at, 0, times.size - 1)
    known = (at == inside) & (run[inside] == run[edges][:, None])
    return np.where(known, times[inside].astype(np.float64), missing)


def _work_across(blocks: Blocks, network: Network, start: Ints, end: Ints) -> Floats:
    """Work of the blocks after ``start`` up to ``end``, those between not being known; or 0."""
    size = network.retarget_interval
    epoch = blocks.height // size
    later = epoch[end] - epoch[start]
    in_new = np.where(later == 0, 0, blocks.height[end] % size + 1)
    in_old = blocks.height[end] - blocks.height[start] - in_new
    work = in_old * blocks.work[start] + in_new * blocks.work[end]
    if network.min_difficulty_rule:
        return np.zeros(work.size)
    return np.where(later <= 1, work, 0.0)


def _digamma(count: Ints) -> Floats:
    from scipy.special import digamma

    return np.asarray(digamma(count.astype(np.float64)))


def _trigamma(count: Ints) -> Floats:
    from scipy.special import polygamma

    return np.asarray(polygamma(1, count.astype(np.float64)))


SPAN_DAYS = 30
# a close older than this says nothing about now
STALE_DAYS = 4


def prices_on(record: Record, days: Ints) -> pl.DataFrame:
    """The metric ``price`` of days, a row each: ``price`` (USD) and ``price.known_at``, null where
    none is known. days: numbers of UTC days since 1970, in any order.
    """
    prices = metrics_of(record).frame("day", ["price"])
    wanted = pl.DataFrame({"time": days * DAY})
    return wanted.join(prices, on="time", how="left", maintain_order="left")


class PriceChanges:
    """Closes of a record and when each was known; ``at`` looks a change up.

    It uses no close before it was known, so a record cut at T gives the same changes up to T.
    """

    def __init__(self, record: Record, start: int, end: int) -> None:
        """Take the closes of the days from 30 before ``start`` to ``end``, Unix seconds."""
        first = start // DAY - SPAN_DAYS - STALE_DAYS - 1
        self._days = np.arange(first, end // DAY + 1, dtype=np.int64)
        closes = prices_on(record, self._days)
        price = floats(closes, "price")
        good = np.isfinite(price) & (price > 0)
        self._log = np.where(good, np.log(np.where(good, price, 1.0)), np.nan)
        self._known_at = closes["price.known_at"].fill_null(0).to_numpy()
        self.any = bool(good.any())

    def at(self, times: Ints) -> Floats:
        """Log change over 30 days up to the last close known at each of ``times``; NaN: none."""
        change = np.full(times.size, np.nan)
        today = times // DAY - self._days[0]
        for back in range(1, STALE_DAYS + 1):
            day = today - back
            inside = (day >= SPAN_DAYS) & (day < self._days.size) & np.isnan(change)
            if not inside.any():
                continue
            day, before = day[inside], day[inside] - SPAN_DAYS
            known = (self._known_at[day] <= times[inside]) & (
                self._known_at[before] <= times[inside]
            )
            change[inside] = np.where(known, self._log[day] - self._log[before], np.nan)
        return change
