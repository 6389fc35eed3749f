"""The base columns metrics start from, one frame a grain, prepared from a record.

Days run without a hole from the first to the last that anything is known of, so that a window of
rows is a window of days; what is not known on a day is null. ``days.py`` says when a day's blocks
are complete, ``vendor.py`` when a vendor's figures stand in for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from hashcanary.metrics.chain_columns import chain_columns, supply_btc
from hashcanary.metrics.days import NEVER, core_lookup, sum_days
from hashcanary.metrics.declaration import BaseInput, Grain
from hashcanary.metrics.epochs import epoch_frame
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.metrics.pool_days import pool_blocks
from hashcanary.metrics.vendor import daily_price, since_revised, vendor_series, vendor_turn
from hashcanary.moments import DAY
from hashcanary.units import BLOCKS, BTC, DIFFICULTY, HASHES, SECONDS, USD, Unit

if TYPE_CHECKING:
    from hashcanary.metrics.chain_columns import Bools, ChainColumns, Floats, Ints
    from hashcanary.metrics.days import Cut, DaySums
    from hashcanary.store.record import Record

    Columns = dict[str, Ints | Floats | Bools]

# exact work of a block of difficulty one, 2^256 / (target + 1), as a float
HASHES_OF_DIFFICULTY_ONE = 2.0**32 * 65536 / 65535
_NOT_FINAL = (
    "the day's blocks are not all known, or the day was not final yet, "
    "and no vendor's daily figure stands in"
)
_NEEDS_BLOCKS = "needs the day's blocks, which are not all known or were not final yet"
_NO_FEES = "the fees of the day's blocks are not all known, and no vendor's daily figure stands in"
_NO_PRICE = "no closing price of the day is known"
_NO_LABELS = (
    "the day's blocks are not all known with a pool label by one list, or were not final yet"
)
_NO_FIRST_BLOCK = "the first block of the epoch is not known"
_NO_PREVIOUS = "no block of the epoch before is known"
_EPOCH_OPEN = (
    "the epoch had not ended yet, or its last block is not known and the next target does not tell"
)


def _day_inputs(prefix: str, by: str) -> list[BaseInput]:
    def declare(name: str, title: str, unit: Unit) -> BaseInput:
        return BaseInput(
            f"{prefix}.{name}",
            f"{title} of the day by {by}",
            unit,
            "day",
            f"{prefix}.known_at",
            _NOT_FINAL,
            f"{prefix}.vendor",
        )

    return [
        declare("count", "number of blocks", BLOCKS),
        declare("work", "sum of the work of the blocks", HASHES),
        declare("work_squared", "sum of the squared work of the blocks", HASHES),
        declare("work_max", "largest work of one block", HASHES),
        declare("difficulty_mean", "mean difficulty of the blocks", DIFFICULTY),
        declare("issuance_btc", "new bitcoin", BTC),
        BaseInput(
            f"{prefix}.fees_btc",
            f"fees of the blocks of the day by {by}",
            BTC,
            "day",
            f"{prefix}_fees.known_at",
            _NO_FEES,
            f"{prefix}_fees.vendor",
        ),
    ]


def _chain_input(name: str, title: str, unit: Unit, reason: str = _NOT_FINAL) -> BaseInput:
    return BaseInput(name, title, unit, "day", "blocks.known_at", reason, "blocks.vendor")


def _epoch_input(
    name: str, title: str, unit: Unit, *, ends: bool = False, reason: str = _NO_FIRST_BLOCK
) -> BaseInput:
    known_at = "epoch.end_known_at" if ends else "epoch.known_at"
    return BaseInput(name, title, unit, "epoch", known_at, _EPOCH_OPEN if ends else reason)


_DAY = [
    *_day_inputs("blocks", "header time"),
    *_day_inputs("mtp", "median time past"),
    _chain_input("blocks.difficulty_last", "difficulty at the day's last block", DIFFICULTY),
    _chain_input("blocks.supply_btc", "supply after the day's last block", BTC),
    _chain_input("blocks.last_height", "height of the day's last block", BLOCKS, _NEEDS_BLOCKS),
    _chain_input(
        "blocks.core_work", "work of the last 120 blocks at the day's end", HASHES, _NEEDS_BLOCKS
    ),
    _chain_input(
        "blocks.core_seconds",
        "time of the last 120 blocks, as Core takes it",
        SECONDS,
        _NEEDS_BLOCKS,
    ),
    BaseInput(
        "price.usd",
        "price of a bitcoin at the day's close",
        USD,
        "day",
        "price.known_at",
        _NO_PRICE,
    ),
]
_POOL_INPUTS = {"pools.counts": "pool", "pools.group_counts": "group of pools"}
_DAY += [
    BaseInput(
        name,
        f"blocks of the day by {what}, those of no known pool first",
        BLOCKS,
        "day",
        "pools.known_at",
        _NO_LABELS,
    )
    for name, what in _POOL_INPUTS.items()
]
_EPOCH = [
    _epoch_input("epoch.first_height", "height of the epoch's first block", BLOCKS),
    _epoch_input("epoch.bits", "compact target of the epoch", BLOCKS),
    _epoch_input("epoch.difficulty", "difficulty of the epoch", DIFFICULTY),
    _epoch_input(
        "epoch.previous_difficulty",
        "difficulty of the epoch before",
        DIFFICULTY,
        reason=_NO_PREVIOUS,
    ),
    _epoch_input("epoch.block_work", "work of each block of the epoch", HASHES),
    _epoch_input("epoch.intervals", "block intervals inside a whole epoch", BLOCKS),
    _epoch_input("epoch.last_height", "height of the epoch's last block", BLOCKS, ends=True),
    _epoch_input("epoch.last_time", "header time of the epoch's last block", SECONDS, ends=True),
    _epoch_input("epoch.span", "time from the epoch's first to its last block", SECONDS, ends=True),
    _epoch_input("epoch.work", "work of the intervals inside the epoch", HASHES, ends=True),
]

BASE_INPUTS: dict[Grain, dict[str, BaseInput]] = {
    "day": {declared.name: declared for declared in _DAY},
    "epoch": {declared.name: declared for declared in _EPOCH},
}

# a vendor's daily figures that may stand in for a day's blocks
_OF_A_DAY = ("BlkCnt", "DiffMean", "IssTotNtv", "SplyCur")


def base_frames(record: Record) -> dict[Grain, pl.DataFrame]:
    """One frame a grain; columns: ``time``, the base inputs, their known_at and basis columns.

    Raises NothingToMeasure when the record holds neither blocks nor daily rows nor prices.
    """
    chain = chain_columns(record)
    starts = _day_starts(record, chain)
    if starts.size == 0:
        raise NothingToMeasure(at=record.at_text, lake=record.network.name)
    columns: Columns = {"time": starts}
    columns |= _day_columns(record, chain, starts, "blocks", "header")
    columns |= _day_columns(record, chain, starts, "mtp", "mtp")
    price, known_at = daily_price(record.daily, record.candles, starts)
    columns |= {"price.usd": price, "price.known_at": known_at}
    pools, columns["pools.known_at"] = _pool_columns(record, chain, starts)
    return {"day": _as_of(columns, pools, record.at), "epoch": epoch_frame(record, chain)}


def _day_starts(record: Record, chain: ChainColumns) -> Ints:
    """Start of every UTC day from the first to the last one that blocks, prices or vendors know.

    As known at a moment of the day after, that day too: what rests on yesterday stands in its row.
    """
    days = [
        chain.time // DAY,
        # prices of power reach further than what is measured here, and measure none of it
        record.daily.filter(~pl.col("series").str.starts_with("power_"))["day"]
        .cast(pl.Int64)
        .to_numpy(),
        record.candles["open_time"].to_numpy() // DAY,
    ]
    edges = [int(edge) for column in days if column.size for edge in (column.min(), column.max())]
    if not edges:
        return np.empty(0, dtype=np.int64)
    last = max(edges)
    if record.at is not None:
        last = max(last, min(last + 1, record.at // DAY))
    return np.arange(min(edges), last + 1, dtype=np.int64) * DAY


def _day_columns(
    record: Record, chain: ChainColumns, starts: Ints, prefix: str, cut: Cut
) -> Columns:
    """The columns of one day cut, from its blocks or, where they do not settle it, a vendor."""
    sums = sum_days(chain, starts, cut)
    told = {name: vendor_series(record.daily, name, starts) for name in _OF_A_DAY}
    count, mean = told["BlkCnt"].value, told["DiffMean"].value
    # a vendor that counts no block gives no rate to rest on
    given = np.where(count > 0, np.maximum(told["BlkCnt"].first, told["DiffMean"].first), NEVER)
    turn = vendor_turn(chain, starts, given)
    by_blocks = (sums.known_at <= turn) & (sums.known_at != NEVER)
    known_at = np.where(by_blocks, sums.known_at, since_revised(turn, told.values()))

    def choose(own: Floats, theirs: Floats) -> Floats:
        chosen: Floats = np.where(by_blocks, own, theirs)
        return chosen

    def vendor(series: str) -> Floats:
        in_time: Floats = np.where(told[series].first <= turn, told[series].value, np.nan)
        return in_time

    block_work = mean * HASHES_OF_DIFFICULTY_ONE
    with np.errstate(invalid="ignore", divide="ignore"):
        own_mean = sums.difficulty / sums.count
    columns: Columns = {
        "count": choose(sums.count.astype(np.float64), count),
        "work": choose(sums.work, count * block_work),
        "work_squared": choose(sums.work_squared, count * block_work**2),
        "work_max": choose(sums.work_max, block_work),
        "difficulty_mean": choose(own_mean, mean),
        "issuance_btc": choose(sums.issuance, vendor("IssTotNtv")),
        "known_at": known_at,
        "vendor": ~by_blocks & (turn != NEVER),
    }
    if cut == "header":
        ends = _last_block_columns(record, chain, sums)
        theirs = {"difficulty_last": mean, "supply_btc": vendor("SplyCur")}
        none = np.full(starts.size, np.nan)
        columns |= {name: choose(own, theirs.get(name, none)) for name, own in ends.items()}
    named = {f"{prefix}.{name}": column for name, column in columns.items()}
    return named | _fee_columns(record, sums, starts, prefix, by_blocks, known_at)


def _last_block_columns(record: Record, chain: ChainColumns, sums: DaySums) -> dict[str, Floats]:
    """What the last block of each final day says; NaN where there is none."""
    at = np.flatnonzero(sums.last >= 0)
    last = sums.last[at]
    core_work, core_seconds = core_lookup(chain, sums.last)
    columns = {
        name: np.full(sums.last.size, np.nan)
        for name in ("last_height", "difficulty_last", "supply_btc")
    }
    columns["last_height"][at] = chain.height[last]
    columns["difficulty_last"][at] = chain.difficulty[last]
    columns["supply_btc"][at] = supply_btc(chain.height[last], record.network)
    return columns | {"core_work": core_work, "core_seconds": core_seconds}


def _fee_columns(
    record: Record, sums: DaySums, starts: Ints, prefix: str, by_blocks: Bools, known_at: Ints
) -> Columns:
    """Fees of each day: of its blocks where all are known, else the vendor's."""
    vendor = vendor_series(record.daily, "FeeTotNtv", starts)
    theirs = vendor.value
    whole = by_blocks & (sums.unknown_fees == 0)
    return {
        f"{prefix}.fees_btc": np.where(whole, sums.fees, theirs),
        f"{prefix}_fees.known_at": np.where(whole, known_at, np.maximum(known_at, vendor.known_at)),
        f"{prefix}_fees.vendor": ~whole & ~np.isnan(theirs) & (known_at != NEVER),
    }


def _pool_columns(
    record: Record, chain: ChainColumns, starts: Ints
) -> tuple[dict[str, pl.Series], Ints]:
    """Blocks by pool and by group of pools: arrays of counts a day; and when they were known."""
    known_at = np.full(starts.size, NEVER, dtype=np.int64)
    counts = {name: np.zeros((starts.size, 1), np.int64) for name in _POOL_INPUTS}
    if not record.pool_labels.is_empty():
        blocks = pool_blocks(record, chain, starts)
        known_at = blocks.known_at
        both = (blocks.counts(), blocks.grouped(chain.time).counts())
        counts = dict(zip(_POOL_INPUTS, both, strict=True))
    columns = {
        name: pl.Series(name, one, dtype=pl.Array(pl.Int64, one.shape[1]))
        for name, one in counts.items()
    }
    return columns, known_at


def _as_of(columns: Columns, pools: dict[str, pl.Series], at: int | None) -> pl.DataFrame:
    """The frame with null where a value is not known, or was not yet at ``at``."""
    frame = pl.DataFrame({**columns, **pools}).with_columns(pl.col(pl.Float64).fill_nan(None))
    clocks = [name for name in frame.columns if name.endswith(".known_at")]
    limit = NEVER - 1 if at is None else at
    frame = frame.with_columns(pl.when(pl.col(c) <= limit).then(pl.col(c)).alias(c) for c in clocks)
    return frame.with_columns(
        pl.when(pl.col(base.known_at).is_not_null()).then(pl.col(base.name)).alias(base.name)
        for base in BASE_INPUTS["day"].values()
    ).with_columns(pl.col("blocks.last_height").cast(pl.Int64))
