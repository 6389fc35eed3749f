"""What a hash earns: from the record as known at a moment, or from stated inputs.

Difficulty, price and fees are of the record's last day that has a hashprice, which then equals the
metric ``hashprice`` of that day. What is stated takes their place one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.errors import NoMarket
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.metrics.catalogue.hashvalue import HASHES_PER_DIFFICULTY
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY, iso_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hashcanary.store.record import Record

    Floats = NDArray[np.float64]

# days whose fees say between what they move
_FEE_DAYS = 30
# years of daily changes that a path is drawn from
CHANGE_YEARS = 4
_READ = (
    "hashprice.subsidy",
    "fees.to_subsidy",
    "issuance.btc",
    "price",
    "blocks.difficulty_mean",
    "blocks.count",
)
_PETA = 1e15
# a last block further back says nothing about when the subsidy halves
_STALE = 16 * DAY


# fees over subsidy where they are not known, a fraction
UNKNOWN_FEES = Interval(0.0, 0.0, 0.10)


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
                raise UsageError(
                    argument=name,
                    expected="a number above 0",
                    found=value,
                    remedy="Leave it out to take the record's.",
                )
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


@dataclass(frozen=True, slots=True)
class Market:
    """What a hash earns.

    hashprice_usd_per_phs_day: its band is that of the fees. fees_to_subsidy: fraction of the
    subsidy. difficulty: a ratio, to difficulty one. price_usd_per_btc: None where a
    hashprice is stated without it. day: that the record's figures are of, Unix seconds of its
    start. to_halving: days to the next one, by ten minutes a block. log_changes: of USD a hash
    earns for each coin of subsidy, a day, oldest first. stated: what was given; lacks: in words.
    """

    hashprice_usd_per_phs_day: Interval
    fees_to_subsidy: Interval
    difficulty: float | None
    price_usd_per_btc: float | None
    subsidy_btc: float | None
    day: int | None
    to_halving: float | None
    log_changes: Floats
    stated: tuple[str, ...]
    lacks: tuple[str, ...]


def hashprice_of(
    difficulty: float, price_usd_per_btc: float, subsidy_btc: float, fees_to_subsidy: float
) -> float:
    """USD/PH/s/day that a hash expects to earn: 86400e15 x reward x price / (D 2^32).

    difficulty: a ratio, to difficulty one; fees_to_subsidy: fraction of the subsidy.
    """
    reward = subsidy_btc * (1 + fees_to_subsidy)
    return reward * price_usd_per_btc * DAY * _PETA / (difficulty * HASHES_PER_DIFFICULTY)


def market_of(record: Record | None, stated: Stated | None = None) -> Market:
    """What a hash earns at the record's end, or as stated. Raises NoMarket."""
    given = stated or Stated()
    found = _recorded(record) if record is not None else _Recorded()
    difficulty = given.difficulty if given.difficulty is not None else found.difficulty
    price = given.price_usd_per_btc
    price = price if price is not None else found.price
    subsidy = given.subsidy_btc if given.subsidy_btc is not None else found.subsidy
    fees, lacks = found.fees, found.lacks
    if given.fees_to_subsidy is not None:
        fees, lacks = Interval.exact(given.fees_to_subsidy), ()
    if given.hashprice_usd_per_phs_day is not None:
        hashprice = Interval.exact(given.hashprice_usd_per_phs_day)
        lacks = ()
    else:
        parts = {"difficulty": difficulty, "price": price, "subsidy": subsidy}
        missing = [name for name, value in parts.items() if value is None]
        if difficulty is None or price is None or subsidy is None:
            at = record.at_text if record is not None else "without a record"
            when = f"at {at}" if record is not None else at
            raise NoMarket(when=when, lacks=" and no ".join(missing))
        hashprice = fees.map(partial(hashprice_of, difficulty, price, subsidy))
    names = tuple(name for name in Stated.__slots__ if getattr(given, name) is not None)
    return Market(
        hashprice,
        fees,
        difficulty,
        price,
        subsidy,
        found.day,
        found.to_halving,
        found.log_changes,
        names,
        lacks,
    )


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What a record says; nothing of it without one."""

    difficulty: float | None = None
    price: float | None = None
    subsidy: float | None = None
    fees: Interval = UNKNOWN_FEES
    day: int | None = None
    to_halving: float | None = None
    log_changes: Floats = field(default_factory=lambda: np.empty(0))
    lacks: tuple[str, ...] = (
        "fees: 0 to 10% of the subsidy are taken, and none for the middle; state them",
    )


def _recorded(record: Record) -> _Recorded:
    from hashcanary.metrics.engine import metrics_of

    if record.blocks.height == 0:
        return _Recorded()
    frame = metrics_of(record).frame("day", _READ)
    columns = {name: floats(frame, name) for name in _READ}
    earns = np.flatnonzero(np.isfinite(columns["hashprice.subsidy"]))
    if earns.size == 0:
        return _Recorded()
    last, times = int(earns[-1]), frame["time"].to_numpy()
    fees = _fees(columns["fees.to_subsidy"][: last + 1])
    per_coin = columns["price"] / columns["blocks.difficulty_mean"]
    start = max(last + 1 - round(CHANGE_YEARS * 365.25), 0)
    changes = np.diff(np.log(per_coin[start : last + 1]))
    lacks = () if fees else (f"fees of {iso_day(int(times[last]))}: {_Recorded().lacks[0]}",)
    to_halving = _to_halving(record, int(times[last]))
    if to_halving is None:
        lacks = (*lacks, "the chain's height of late: no halving is in the paths")
    return _Recorded(
        difficulty=float(columns["blocks.difficulty_mean"][last]),
        price=float(columns["price"][last]),
        subsidy=float(columns["issuance.btc"][last] / columns["blocks.count"][last]),
        fees=fees or UNKNOWN_FEES,
        day=int(times[last]),
        to_halving=to_halving,
        log_changes=changes[np.isfinite(changes)],
        lacks=lacks,
    )


def _to_halving(record: Record, day: int) -> float | None:
    """Days from the record's last block to the next halving; None where none is near the day."""
    tip = record.blocks.select("height", "time").sort("height").row(-1)
    if tip[1] < day - _STALE:
        return None
    interval = record.network.halving_interval
    return float((interval - tip[0] % interval) / 144)


def _fees(to_subsidy: Floats) -> Interval | None:
    """The day's, between the least and the most of the last 30 days; None where not known."""
    recent = to_subsidy[-_FEE_DAYS:]
    if not np.isfinite(recent[-1]):
        return None
    return Interval(float(recent[-1]), float(np.nanmin(recent)), float(np.nanmax(recent)))
