"""Selling pressure: coins mined against coins that must be sold to pay for power, by margin.

A machine that runs earns the hashprice h, of which its pool keeps a part. Its power costs w, in
USD/PH/s/day, and is paid in money: it must sell w/h of the coins it mines. Where that is more than
the pool leaves it mines too little: it sells all, and the rest of the bill, its *shortfall*, comes
out of a treasury or another purse, or it stops. What is neither the pool's nor sold is *free*:
whether its owner keeps or sells it, power does not decide.

A machine's margin is 1 - c/h, where c is its cost in the supply curve: power, what else ends when
it is off, and the pool's fee. Below 0 it is underwater. With overheads (site and staff,
administration; the wear of machines is no bill of the day) more must be sold: that is told apart.

A bound and no measurement: nobody says which coins were sold, and owners with other money need sell
none. What public miners said they sold stands in ``published_selling.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hashcanary.economics.supply.fleet_history import Running
from hashcanary.random import Purpose, generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from hashcanary.economics.costs.stated import Assumption
    from hashcanary.economics.supply.curve import Supply

    Floats = NDArray[np.float64]

_ROUNDING = 1e-9
OVERHEADS = ("running", "administration")


@dataclass(frozen=True, slots=True)
class MarginClass:
    """A class of machines. low, high: ends of their margin, fractions of the hashprice."""

    name: str
    title: str
    low: float
    high: float


# margins as fractions of the hashprice
CLASSES = (
    MarginClass("underwater", "underwater", -np.inf, 0.0),
    MarginClass("to_20", "0 to 20%", 0.0, 0.2),
    MarginClass("to_40", "20 to 40%", 0.2, 0.4),
    MarginClass("to_60", "40 to 60%", 0.4, 0.6),
    MarginClass("above_60", "over 60%", 0.6, 1.0),
)


@dataclass(frozen=True, slots=True)
class Sold:
    """Of all coins mined, what becomes of those of each class: fractions, (classes, draws).

    mined: fraction by the class, which is its share of the hashrate too; pool: fraction kept by
    pools; power: fraction that must be sold to pay for power; whole: fraction that must be sold to
    pay for power and overheads; shortfall: fraction by which the bill for power is more than is
    left to sell. mined less pool less power is free.
    """

    mined: Floats
    pool: Floats
    power: Floats
    whole: Floats
    shortfall: Floats

    @property
    def free(self) -> Floats:
        """Neither the pool's nor sold for power: fraction, (classes, draws)."""
        return np.asarray(self.mined - self.pool - self.power)

    @property
    def total(self) -> Sold:
        """The sum of the classes: fractions, (1, draws)."""
        parts = (self.mined, self.pool, self.power, self.whole, self.shortfall)
        return Sold(*(one.sum(axis=0, keepdims=True) for one in parts))


def draw_overheads(figures: Mapping[str, Assumption], draws: int, seed: int) -> Floats:
    """Site, staff and administration over the cost of power: a fraction, (draws,)."""
    normal = generator(seed, Purpose.OVERHEADS).standard_normal((len(OVERHEADS), draws))
    stated = [figures[name] for name in OVERHEADS]
    parts = [one.median * np.exp(one.spread * normal[at]) for at, one in enumerate(stated)]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def sold(supply: Supply, hashprice_usd_per_phs_day: float, overheads: Floats) -> Sold:
    """What must be sold at a hashprice by what runs now. overheads: fraction of power, (draws,).

    What runs stays what runs now, at any hashprice: a lower one puts more of it underwater.
    """
    running, values = Running.of(supply), supply.parameters
    price, fee, ends = hashprice_usd_per_phs_day, values["pool_fee"], 1.0 + values["overhead"]
    # the dearest of each class is the cheapest of the one before it
    dearest = [np.inf if np.isinf(one.low) else price * (1.0 - one.low) for one in CLASSES]

    def by_class(below: list[Floats]) -> Floats:
        inside = np.stack([*below, np.zeros_like(below[0])])
        return np.asarray(inside[:-1] - inside[1:], dtype=np.float64)

    def bill(times: Floats) -> Floats:
        # power is cost without fee and what ends with the machine; a machine sells what it has
        cap = price * ends / times
        return by_class([running.capped_below(one, cap) for one in dearest]) * (1.0 - fee)

    mined = by_class([running.share(one) for one in dearest])
    whole_bill = by_class([running.cost(one) for one in dearest]) * (1.0 - fee) / (price * ends)
    power = bill(np.ones_like(fee))
    return Sold(
        mined=mined,
        pool=mined * fee,
        power=power,
        whole=bill(1.0 + overheads),
        # the two are sums of the same numbers but for rounding where each machine pays its power
        shortfall=np.where(whole_bill - power > _ROUNDING, whole_bill - power, 0.0),
    )
