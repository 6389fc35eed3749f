"""What a hash earns at a moment: from the record as known then, or from stated inputs.

The moment is that of the record's last block, or that of its last price where that is older by more
than ``STALE_DAYS``. Difficulty is the one in force, which the next block has to meet; price that of
the last day known by then; subsidy the next block's; fees those of the last day known of the last
30, between the lowest and the highest of them. Where a vendor's days reach further than blocks, it
is the last of them with its own mean difficulty. What is stated takes their place one by one.

Differs from the daily metric ``hashprice``, which takes the mean difficulty of a day's blocks: on
the day of a retarget, and until the next day ends, the two are apart by part of the adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hashcanary.chain.retarget import next_bits
from hashcanary.chain.subsidy import COIN, subsidy
from hashcanary.chain.targets import difficulty_float64
from hashcanary.economics.errors import NoMarket
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.metrics.catalogue.hashvalue import HASHES_PER_DIFFICULTY
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats, Ints
    from hashcanary.store.record import Record

# days whose fees say between what they move
FEE_DAYS = 30
# years of daily changes that a path is drawn from
CHANGE_YEARS = 4
# a price may be so many days older than the last block
STALE_DAYS = 7
_READ = (
    "price",
    "fees.to_subsidy",
    "blocks.fees_btc",
    "blocks.count",
    "blocks.difficulty_mean",
    "blocks.issuance_btc",
)
_PETA = 1e15
_BLOCKS_A_DAY = 144


# fees over subsidy where they are not known, a fraction
UNKNOWN_FEES = Interval(0.0, 0.0, 0.10)
_NO_FEES = (
    f"fees: {UNKNOWN_FEES.low:.0%} to {UNKNOWN_FEES.high:.0%} of the subsidy are taken, and none "
    "for now; state them"
)


@dataclass(frozen=True, slots=True)
class Stated:
    """What is given in place of the record's; None where it is not.

    difficulty: as a ratio to difficulty one; price: USD/BTC; subsidy: BTC/block; fees_to_subsidy:
    fraction of the subsidy; hashprice: USD/PH/s/day, in place of all of them.
    """

    difficulty: float | None = None
    price_usd_per_btc: float | None = None
    subsidy_btc: float | None = None
    fees_to_subsidy: float | None = None
    hashprice_usd_per_phs_day: float | None = None

    def __post_init__(self) -> None:
        for name in ("difficulty", "price_usd_per_btc", "subsidy_btc", "hashprice_usd_per_phs_day"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise UsageError(name, "a number above 0", value, "Omit it to use the record's.")
        fees = self.fees_to_subsidy
        if fees is not None and not 0 <= fees <= 100:
            raise UsageError(
                argument="fees",
                expected="a fraction of 0 or more",
                found=fees,
                remedy="Write 0.013 for fees of 1.3% of the subsidy.",
            )

    @property
    def enough(self) -> bool:
        """Whether a hashprice follows from what is stated, with no record."""
        return self.hashprice_usd_per_phs_day is not None or None not in (
            self.difficulty,
            self.price_usd_per_btc,
            self.subsidy_btc,
            self.fees_to_subsidy,
        )


_NOT_YET = Interval(nan, nan, nan)


@dataclass(frozen=True, slots=True)
class HashEconomics:
    """What a hash earns at a moment.

    hashprice_usd_per_phs_day: its band is that of the fees. fees_to_subsidy: fraction of the
    subsidy. difficulty: in force, a ratio to difficulty one. price_usd_per_btc: None where a
    hashprice is stated without it. moment: Unix seconds, day: of the price, Unix seconds of its
    start; None without a record. to_halving: days to the next one, by ten minutes a block.
    log_changes: of USD a hash earns for each coin of subsidy, a day, oldest first. stated: what was
    given; lacks: in words.
    """

    hashprice_usd_per_phs_day: Interval = _NOT_YET
    fees_to_subsidy: Interval = UNKNOWN_FEES
    difficulty: float | None = None
    price_usd_per_btc: float | None = None
    subsidy_btc: float | None = None
    moment: int | None = None
    day: int | None = None
    to_halving: float | None = None
    log_changes: Floats = field(default_factory=lambda: np.empty(0))
    stated: tuple[str, ...] = ()
    lacks: tuple[str, ...] = (_NO_FEES,)


def hashprice_of(
    difficulty: float, price_usd_per_btc: float, subsidy_btc: float, fees_to_subsidy: float
) -> float:
    """USD/PH/s/day that a hash expects to earn: 86400e15 x reward x price / (D 2^32).

    difficulty: a ratio, to difficulty one; fees_to_subsidy: fraction of the subsidy.
    """
    reward = subsidy_btc * (1 + fees_to_subsidy)
    return reward * price_usd_per_btc * DAY * _PETA / (difficulty * HASHES_PER_DIFFICULTY)


@dataclass(frozen=True, slots=True)
class Days:
    """Days of a record, ascending. time: Unix seconds at which each begins; price_usd_per_btc: at
    its end; fees_btc: a block; difficulty_mean: of the day's blocks, a ratio to difficulty one;
    subsidy_btc: mean of a block; NaN where not known. price_known_at, fees_known_at: Unix seconds.
    """

    time: Ints
    price_usd_per_btc: Floats
    price_known_at: Ints
    fees_btc: Floats
    fees_known_at: Ints
    difficulty_mean: Floats
    subsidy_btc: Floats


def days_of(record: Record) -> Days:
    """The days of a record. Raises NothingToMeasure."""
    from hashcanary.metrics.engine import metrics_of

    frame = metrics_of(record).frame("day", _READ)
    price, _, fees, count, difficulty, issuance = (floats(frame, name) for name in _READ)
    whole = frame["fees.to_subsidy"].is_not_null().to_numpy()
    known = (
        frame[name].fill_null(0).to_numpy().astype(np.int64)
        for name in ("time", "price.known_at", "fees.to_subsidy.known_at")
    )
    time, price_known, fees_known = known
    blocks = np.where(count > 0, count, np.nan)
    a_block = np.where(whole, fees / blocks, np.nan)
    return Days(time, price, price_known, a_block, fees_known, difficulty, issuance / blocks)


class Fees(NamedTuple):
    """Fees known at a moment. now, recent: of the last day and of the last 30, BTC a block; day: of
    the last one, Unix seconds of its start, None where none is known.
    """

    now: float
    recent: Floats
    day: int | None

    def to_subsidy(self, subsidy_btc: float) -> Interval:
        """The last day's over the subsidy of a block, between lowest and highest: fractions."""
        low, high = float(self.recent.min()), float(self.recent.max())
        return Interval(self.now, low, high).scaled(1 / subsidy_btc)


def fees_known(days: Days, moment: float, subsidy_btc: float) -> tuple[Fees, tuple[str, ...]]:
    """What fees were by a moment, and what is not known of them.

    moment: Unix seconds; subsidy_btc: BTC a block.
    """
    known = np.isfinite(days.fees_btc) & (days.fees_known_at <= moment)
    known &= days.time > moment - (FEE_DAYS + 1) * DAY
    recent = days.fees_btc[known][-FEE_DAYS:]
    if not recent.size:
        unknown = np.linspace(UNKNOWN_FEES.low, UNKNOWN_FEES.high, FEE_DAYS) * subsidy_btc
        return Fees(UNKNOWN_FEES.value * subsidy_btc, unknown, None), (_NO_FEES,)
    return Fees(float(recent[-1]), recent, int(days.time[known][-1])), ()


def last_price(days: Days, moment: float) -> int | None:
    """The place of the last day whose price was known by a moment, a number of days.

    moment: Unix seconds.
    """
    known = np.flatnonzero((days.price_known_at <= moment) & (days.price_usd_per_btc > 0))
    return int(known[-1]) if known.size else None


def moment_of(record: Record, height: int) -> int:
    """When a block that the record holds was known, Unix seconds. height: number of the block."""
    return _block(record, height, "known_at") or 0


def difficulty_at(record: Record, height: int) -> float:
    """The difficulty of a block that the record holds, as a ratio to difficulty one.

    height: number of the block.
    """
    return difficulty_float64(_block(record, height, "bits") or 0)


def in_force(record: Record, height: int) -> float:
    """The difficulty that the block after one that the record holds has to meet.

    A ratio to difficulty one; that block's own where the first of an epoch that has ended is not
    known. height: number of the block.
    """
    network = record.network
    first = height + 1 - network.retarget_interval
    begun = None if (height + 1) % network.retarget_interval else _block(record, first, "time")
    own, ended = _block(record, height, "bits"), _block(record, height, "time")
    if own is None or ended is None or begun is None:
        return difficulty_at(record, height)
    bits = next_bits(own, begun, ended, network, _block(record, first, "bits"))
    return difficulty_float64(bits)


def _block(record: Record, height: int, column: str) -> int | None:
    import polars as pl

    values = record.chain.filter(pl.col("height") == height)[column]
    return int(values[0]) if values.len() else None


def hash_economics(record: Record | None, stated: Stated | None = None) -> HashEconomics:
    """What a hash earns at the record's end, or as stated. Raises NoMarket."""
    stated = stated or Stated()
    given = {name: getattr(stated, name) for name in Stated.__slots__}
    given = {name: value for name, value in given.items() if value is not None}
    changes: dict[str, Any] = {"stated": tuple(given)}
    for name, value in given.items():
        banded = name in ("fees_to_subsidy", "hashprice_usd_per_phs_day")
        changes[name] = Interval.exact(value) if banded else value
        if banded:
            changes["lacks"] = ()
    found = replace(HashEconomics() if record is None else _known(record), **changes)
    if "hashprice_usd_per_phs_day" in given:
        return found
    difficulty, price, subsidy_btc = found.difficulty, found.price_usd_per_btc, found.subsidy_btc
    if difficulty is None or price is None or subsidy_btc is None:
        parts = {"difficulty": difficulty, "price": price, "subsidy": subsidy_btc}
        missing = [name for name, value in parts.items() if value is None]
        when = "without a record" if record is None else f"at {record.at_text}"
        raise NoMarket(when=when, lacks=" and no ".join(missing))
    hashprice = found.fees_to_subsidy.map(partial(hashprice_of, difficulty, price, subsidy_btc))
    return replace(found, hashprice_usd_per_phs_day=hashprice)


def _known(record: Record) -> HashEconomics:
    """What a record holds, but for the hashprice that follows."""
    from hashcanary.metrics.errors import NothingToMeasure

    try:
        days = days_of(record)
    except NothingToMeasure:
        return HashEconomics()
    told = np.flatnonzero(np.isfinite(days.price_usd_per_btc / days.difficulty_mean))
    blocks = record.chain["height"].tail(1).to_list()
    if not blocks or (told.size and days.time[told[-1]] > moment_of(record, blocks[0])):
        # a vendor's days reach further than blocks
        return HashEconomics() if not told.size else _of_day(days, int(told[-1]))
    height = int(blocks[0])
    moment = moment_of(record, height)
    last = last_price(days, moment)
    if last is None:
        return HashEconomics()
    if moment - days.time[last] > (STALE_DAYS + 1) * DAY:
        moment = int(days.price_known_at[last])
        height = int(record.chain.filter(record.chain["known_at"] <= moment)["height"][-1])
    coins = subsidy(height + 1, record.network) / COIN
    interval = record.network.halving_interval
    return replace(
        _by_price(days, last, moment, coins),
        difficulty=in_force(record, height),
        to_halving=(interval - height % interval) / _BLOCKS_A_DAY,
    )


def _of_day(days: Days, last: int) -> HashEconomics:
    """What a day's own figures give, where no block as late is known."""
    found = _by_price(days, last, int(days.time[last]) + DAY, float(days.subsidy_btc[last]))
    lack = "blocks of late: the difficulty is the mean of the day, and no halving is in the paths"
    difficulty = float(days.difficulty_mean[last])
    return replace(found, difficulty=difficulty, lacks=(*found.lacks, lack))


def _by_price(days: Days, last: int, moment: int, coins: float) -> HashEconomics:
    """What follows from the price of a day, fees known by a moment and a subsidy in coins."""
    fees, lacks = fees_known(days, moment, coins)
    return HashEconomics(
        price_usd_per_btc=float(days.price_usd_per_btc[last]),
        subsidy_btc=coins,
        fees_to_subsidy=fees.to_subsidy(coins),
        moment=moment,
        day=int(days.time[last]),
        log_changes=_changes(days, last),
        lacks=lacks,
    )


def _changes(days: Days, last: int) -> Floats:
    """Daily changes of the logarithm of price over difficulty up to a day, oldest first."""
    earned = np.log(days.price_usd_per_btc / days.difficulty_mean)
    changes = np.diff(earned[max(last + 1 - round(CHANGE_YEARS * 365.25), 0) : last + 1])
    return np.asarray(changes[np.isfinite(changes)])
