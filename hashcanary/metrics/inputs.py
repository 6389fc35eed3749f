"""The base inputs that metrics start from: declared like metrics, computed from a record.

A declaration says what the column is, when a row of it is final, and why one is missing; its
function is pure (``prepared.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter, methodcaller

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.metrics.chain_columns import NEVER, Epochs
from hashcanary.metrics.declaration import Grain
from hashcanary.metrics.pool_days import PoolBlocks
from hashcanary.metrics.prepared import DayCut, Prepared
from hashcanary.units import BLOCKS, BTC, DIFFICULTY, HASHES, SECONDS, USD, Unit

Values = Floats | Ints | pl.Series


@dataclass(frozen=True, slots=True)
class Clock:
    """When rows of base inputs are final, and whether they rest on a vendor's daily figures.

    rule: a row is final once this is so. known_at: Unix seconds of each row, NEVER where it is not
    known. vendor: None where that question does not arise, as for a price.
    """

    rule: str
    known_at: Callable[[Prepared], Ints]
    vendor: Callable[[Prepared], Bools] | None = None


@dataclass(frozen=True, slots=True)
class BaseInput:
    """The declaration of a column that metrics start from.

    compute: a value a row, NaN or null where there is none. reason: why one is missing.
    """

    name: str
    title: str
    unit: Unit
    grain: Grain
    clock: Clock
    reason: str
    compute: Callable[[Prepared], Values]

    def columns(self, prepared: Prepared) -> pl.DataFrame:
        """``NAME``, ``NAME.known_at``, ``NAME.vendor``, and the reason as ``NAME.missing``.

        Value and ``known_at`` are null where the row was not known at the record's moment.
        """
        at, name, vendor = prepared.record.at, self.name, self.clock.vendor
        value = pl.Series(name, self.compute(prepared), nan_to_null=True)
        clock = pl.Series(f"{name}.known_at", self.clock.known_at(prepared))
        flag = pl.lit(value=False) if vendor is None else pl.lit(pl.Series(vendor(prepared)))
        known = pl.lit(clock <= (NEVER - 1 if at is None else at))
        return pl.DataFrame([value, clock]).select(
            pl.when(known).then(pl.all()),
            flag.alias(f"{name}.vendor"),
            pl.lit(self.reason).alias(f"{name}.missing"),
        )


_NOT_FINAL = (
    "the day's blocks are not all known, or the day was not final yet, "
    "and there is no vendor's daily figure"
)
_NEEDS_BLOCKS = "needs the day's blocks, which are not all known or were not final yet"
_NO_FEES = "the fees of the day's blocks are not all known, and there is no vendor's daily figure"
_NO_LABELS = (
    "the day's blocks are not all known with a pool label by one list, or were not final yet"
)
_NO_FIRST_BLOCK = "the first block of the epoch is not known"
_EPOCH_OPEN = (
    "the epoch had not ended yet, or its last block is not known and the next target does not tell"
)

_CutOf = Callable[[Prepared], DayCut]


def _day_clock(by: str, cut: _CutOf) -> Clock:
    return Clock(
        f"no further block can fall into the day by {by}, or a vendor's figures are used",
        lambda of: cut(of).known_at,
        lambda of: cut(of).vendor,
    )


_HEADER = _day_clock("header time", lambda of: of.header)
_POOLS = Clock(
    "the day by header time is and each of its blocks has a label",
    lambda of: np.full(of.starts.size, NEVER) if of.pools is None else of.pools.known_at,
)
_PRICE = Clock("the candle has closed, or the vendor's figure is known", lambda of: of.price[1])
_BEGUN = Clock("the epoch's first block is known", lambda of: of.chain.known_at[of.epochs.first])
_ENDED = Clock(
    "the epoch's last block is known, or the next one's first", lambda of: of.epochs.end_known_at
)


def _sums(prefix: str, by: str, cut: _CutOf) -> tuple[BaseInput, ...]:
    """What the blocks of a day add up to by one cut, by methods of ``DayCut`` of the same names."""
    fees = Clock(
        f"the day by {by} is and, where the fees of a block are not known, the vendor's are",
        lambda of: cut(of).fees_known_at(),
        lambda of: cut(of).fees_vendor(),
    )

    def of_day(
        name: str,
        title: str,
        unit: Unit,
        final: tuple[Clock, str] = (_day_clock(by, cut), _NOT_FINAL),
    ) -> BaseInput:
        title, compute = f"{title} of the day by {by}", methodcaller(name)
        return BaseInput(
            f"{prefix}.{name}", title, unit, "day", *final, lambda of: compute(cut(of))
        )

    return (
        of_day("count", "number of blocks", BLOCKS),
        of_day("work", "sum of the work of the blocks", HASHES),
        of_day("work_squared", "sum of the squared work of the blocks", HASHES),
        of_day("work_max", "largest work of one block", HASHES),
        of_day("difficulty_mean", "mean difficulty of the blocks", DIFFICULTY),
        of_day("issuance_btc", "new bitcoin", BTC),
        of_day("fees_btc", "fees of the blocks", BTC, (fees, _NO_FEES)),
    )


def _last(name: str, title: str, unit: Unit, reason: str = _NEEDS_BLOCKS) -> BaseInput:
    """Of the last block of a day by header time, by the method of ``DayCut`` of that name."""
    compute = methodcaller(name)
    return BaseInput(
        f"blocks.{name}", title, unit, "day", _HEADER, reason, lambda of: compute(of.header)
    )


def _pools(name: str, what: str, blocks: Callable[[Prepared], PoolBlocks | None]) -> BaseInput:
    def counts(of: Prepared) -> pl.Series:
        found = blocks(of)
        counts = np.zeros((of.starts.size, 1), np.int64) if found is None else found.counts()
        return pl.Series(counts, dtype=pl.Array(pl.Int64, counts.shape[1]))

    title = f"blocks of the day by {what}, those of no known pool first"
    return BaseInput(f"pools.{name}", title, BLOCKS, "day", _POOLS, _NO_LABELS, counts)


def _epoch(
    name: str,
    title: str,
    unit: Unit,
    compute: Callable[[Epochs], Values] | None = None,
    clock: Clock = _BEGUN,
    reason: str = _NO_FIRST_BLOCK,
) -> BaseInput:
    """Of an epoch, by the property of ``Epochs`` of that name where no function is given."""
    of_epochs = compute or attrgetter(name)
    return BaseInput(
        f"epoch.{name}", title, unit, "epoch", clock, reason, lambda of: of_epochs(of.epochs)
    )


_ended = partial(_epoch, clock=_ENDED, reason=_EPOCH_OPEN)
_DAY = (
    *_sums("blocks", "header time", lambda of: of.header),
    *_sums("mtp", "median time past", lambda of: of.mtp),
    _last("difficulty_last", "difficulty at the day's last block", DIFFICULTY, _NOT_FINAL),
    _last("supply_btc", "supply after the day's last block", BTC, _NOT_FINAL),
    _last("last_height", "height of the day's last block", BLOCKS),
    _last("core_work", "work of the last 120 blocks at the day's end", HASHES),
    _last("core_seconds", "time of the last 120 blocks, as Core takes it", SECONDS),
    BaseInput(
        "price.usd",
        "price of a bitcoin at the day's close",
        USD,
        "day",
        _PRICE,
        "no closing price of the day is known",
        lambda of: of.price[0],
    ),
    _pools("counts", "pool", lambda of: of.pools),
    _pools(
        "group_counts",
        "group of pools",
        lambda of: None if of.pools is None else of.pools.grouped(of.chain.time),
    ),
)
_NO_EPOCH_BEFORE = "no block of the epoch before is known"
_EPOCH = (
    _epoch("first_height", "height of the epoch's first block", BLOCKS),
    _epoch("bits", "compact target of the epoch", BLOCKS, lambda e: e.chain.bits[e.first]),
    _epoch(
        "difficulty", "difficulty of the epoch", DIFFICULTY, lambda e: e.chain.difficulty[e.first]
    ),
    _epoch(
        "previous_difficulty", "difficulty of the epoch before", DIFFICULTY, reason=_NO_EPOCH_BEFORE
    ),
    _epoch(
        "block_work", "work of each block of the epoch", HASHES, lambda e: e.chain.work[e.first]
    ),
    _epoch("intervals", "block intervals inside a whole epoch", BLOCKS),
    _ended(
        "last_height",
        "height of the epoch's last block",
        BLOCKS,
        lambda e: e.of_last(e.chain.height),
    ),
    _ended(
        "last_time",
        "header time of the epoch's last block",
        SECONDS,
        lambda e: e.of_last(e.chain.time),
    ),
    _ended("span", "time from the epoch's first to its last block", SECONDS),
    _ended(
        "work",
        "work of the intervals inside the epoch",
        HASHES,
        lambda e: e.intervals * e.chain.work[e.first],
    ),
)

BASE_INPUTS: dict[Grain, dict[str, BaseInput]] = {
    "day": {declared.name: declared for declared in _DAY},
    "epoch": {declared.name: declared for declared in _EPOCH},
}
