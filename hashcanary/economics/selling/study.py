"""What of the coins mined must be sold, of a record: by margin, after a fall, through time.

Beside it stands what others published of it (``published_selling.toml``).

A machine that runs earns the hashprice h, of which its pool keeps a part. Its power costs w, in
USD/PH/s/day, and is paid in money: it must sell w/h of the coins it mines. Where that is more than
the pool leaves it mines too little: it sells all, and the rest of the bill, its *shortfall*, comes
out of a treasury or another purse, or it stops. What is neither the pool's nor sold is *free*:
whether its owner keeps or sells it, power does not decide.

A machine's margin is 1 - c/h, where c is its cost in the supply curve: power, what else ends when
it is off, and the pool's fee. Below 0 it is underwater. With overheads (site and staff,
administration; the wear of machines is no bill of the day) more must be sold: that is told apart.

A bound and no measurement: nobody says which coins were sold, and owners with other money need sell
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hashcanary.arrays import Floats
from hashcanary.economics.costs.stated import Assumption, read_assumptions
from hashcanary.economics.draws import Moved, mean_band, moved_by
from hashcanary.economics.errors import BadFigures
from hashcanary.economics.machines.fleet import History
from hashcanary.economics.machines.rigs import Catalogue, read_rigs
from hashcanary.economics.power.prices import PowerPrices, read_power_prices
from hashcanary.economics.priors import parameter_units
from hashcanary.economics.supply.curve import Supply
from hashcanary.economics.supply.fleet_history import (
    FIRST_DAY,
    FleetHistory,
    Running,
    fleet_history,
)
from hashcanary.economics.supply.study import DRAWS, MEANINGS, SupplyStudy, history_of, study_supply
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.random import Purpose, generator
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from hashcanary.store.record import Record


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


Kind = Literal["power_of_revenue", "power_of_costs", "sold_of_mined"]
_FILE = "published_selling.toml"
_MOST = 100.0


@dataclass(frozen=True, slots=True)
class PublishedShare:
    """A share as published. low, high: a fraction, equal where one figure was given.

    first, last: Unix seconds of the start of the first and the end of the last day it speaks of,
    None where it is said of all times; known: Unix seconds of the end of the day it was public.
    """

    who: str
    kind: Kind
    whose: str
    first: int | None
    last: int | None
    known: int
    low: float
    high: float
    source: str


def read_published_shares(path: Path | None = None) -> tuple[PublishedShare, ...]:
    """All figures, in the order of the file. Raises BadFigures."""
    document = read_document("hashcanary.economics.selling", _FILE, path, BadFigures)
    document.only("figure")
    found = tuple(_share(one) for one in document.parts("figure"))
    if not found:
        raise document.bad("figure", "a [[figure]] or more", None)
    return found


def _share(place: Place) -> PublishedShare:
    place.only("who", "kind", "whose", "first", "last", "known", "low", "high", "source")
    first, last = (place.day(key, 0) if key in place.table else None for key in ("first", "last"))
    if (first is None) != (last is None) or (first or 0) > (last or 0):
        raise place.bad("last", "first and last, in this order, or none of them", last)
    known, low = place.day("known") + DAY, place.number("low", 0.0, _MOST)
    if last is not None and known <= last:
        raise place.bad("known", "a day not before `last`", place.table["known"])
    return PublishedShare(
        place.text("who"),
        place.one_of("kind", get_args(Kind)),
        place.text("whose"),
        first,
        None if last is None else last + DAY,
        known,
        low,
        place.number("high", low, _MOST),
        place.text("source"),
    )


# of the price of bitcoin, fractions
FALLS = (0.0, 0.1, 0.2, 0.3)
_TERA_IN_PETA = 1e3
# days that must be known for a rank among them
_FEWEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class ClassSold:
    """What becomes of the coins of a class of machines; means of the draws, and their band.

    share: fraction of the hashrate, and of the coins mined; power: fraction of all coins mined that
    must be sold for power, and in USD/day; the others in BTC/day: mined; kept by pools; that must
    be sold for power; for power and overheads; free of power; short of its bill.
    """

    name: str
    title: str
    share: Interval
    mined_btc_per_day: Interval
    pool_btc_per_day: Interval
    power_btc_per_day: Interval
    whole_btc_per_day: Interval
    free_btc_per_day: Interval
    shortfall_btc_per_day: Interval
    power: Interval
    power_usd_per_day: Interval


@dataclass(frozen=True, slots=True)
class Fallen:
    """After a fall of the price by a fraction, at the same difficulty and with all that runs now.

    fall: fraction; underwater, power, whole, shortfall: fractions of what is mined, as in ``Sold``.
    """

    fall: float
    price_usd_per_btc: float
    hashprice_usd_per_phs_day: float
    underwater: Interval
    power: Interval
    whole: Interval
    shortfall: Interval
    power_btc_per_day: Interval
    power_usd_per_day: Interval


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the last day stands among those before it. day, since: Unix seconds; days: number of.

    rank: fraction of the days before on which less had to be sold, each draw with its own past.
    """

    day: int
    since: int
    days: int
    rank: Interval


@dataclass(frozen=True, slots=True)
class Beside:
    """A published share and ours. ours: a fraction, of the same days; None where none is known."""

    published: PublishedShare
    ours: Interval | None


@dataclass(frozen=True, slots=True)
class SellingStudy:
    """All answers. power, whole, shortfall: fractions of the coins mined (``Sold``), power's with
    overheads in whole; through_time_mined_btc_per_day: (days,), of ``through_time``; overheads:
    fraction of the cost of power; missing: what was not known.
    """

    supply: SupplyStudy
    mined_btc_per_day: float
    sold: Sold
    power: Interval
    whole: Interval
    shortfall: Interval
    classes: tuple[ClassSold, ...]
    total: ClassSold
    falls: tuple[Fallen, ...]
    levers: tuple[Moved, ...]
    overheads: Interval
    through_time: FleetHistory
    through_time_mined_btc_per_day: Floats
    standing: Standing | None
    beside: tuple[Beside, ...]
    missing: tuple[str, ...]


def study_selling(
    record: Record,
    catalogue: Catalogue | None = None,
    prices: PowerPrices | None = None,
    figures: Mapping[str, Assumption] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 1,
    through: FleetHistory | None = None,
) -> SellingStudy:
    """What must be sold as known at the record's moment, with 95% bands of the draws.

    through: the record's days, where they were computed already. Raises NoRigYet,
    TooFewDaysForFleet, NoHashprice.
    """
    catalogue = read_rigs() if catalogue is None else catalogue
    prices = read_power_prices() if prices is None else prices
    figures = read_assumptions() if figures is None else figures
    study = study_supply(record, catalogue, prices, draws=draws, seed=seed)
    history, dollars, _ = history_of(record)
    if through is None:
        through = fleet_history(history, catalogue, prices, record.daily, seed=seed)
    overheads = draw_overheads(figures, draws, seed)
    mined = mined_btc_per_day(study)
    now = sold(study.supply, study.market.hashprice_usd_per_phs_day, overheads)
    whole = now.total
    *classes, total = margin_classes(study, now)
    return SellingStudy(
        supply=study,
        mined_btc_per_day=mined,
        sold=now,
        power=mean_band(whole.power[0]),
        whole=mean_band(whole.whole[0]),
        shortfall=mean_band(whole.shortfall[0]),
        classes=tuple(classes),
        total=total,
        falls=tuple(_fallen(study, overheads, fall, mined) for fall in FALLS),
        levers=moved_by(MEANINGS, study.supply.parameters, whole.power[0], parameter_units()),
        overheads=mean_band(overheads),
        through_time=through,
        through_time_mined_btc_per_day=_mined(history, dollars, through),
        standing=_standing(through),
        beside=_beside(through, overheads, study.market.history),
        missing=(*study.lacks, *_hindsight(figures, study.market.day)),
    )


def mined_btc_per_day(study: SupplyStudy) -> float:
    """BTC/day that the hashrate earns at the hashprice and the price of now."""
    market = study.market
    price = study.price_usd_per_btc
    return market.hashrate_ths / _TERA_IN_PETA * market.hashprice_usd_per_phs_day / price


def margin_classes(study: SupplyStudy, now: Sold) -> tuple[ClassSold, ...]:
    """What becomes of the coins of each class of margins, and of all of them last."""
    mined, price = mined_btc_per_day(study), study.price_usd_per_btc
    return (
        *(_class(one.name, one.title, now, at, mined, price) for at, one in enumerate(CLASSES)),
        _class("all", "all", now.total, 0, mined, price),
    )


def _class(name: str, title: str, of: Sold, at: int, mined: float, price: float) -> ClassSold:
    def btc(drawn: Floats) -> Interval:
        return mean_band(drawn[at] * mined)

    return ClassSold(
        name,
        title,
        mean_band(of.mined[at]),
        btc(of.mined),
        btc(of.pool),
        btc(of.power),
        btc(of.whole),
        btc(of.free),
        btc(of.shortfall),
        mean_band(of.power[at]),
        btc(of.power).scaled(price),
    )


def _fallen(study: SupplyStudy, overheads: Floats, fall: float, mined: float) -> Fallen:
    price = study.price_usd_per_btc * (1.0 - fall)
    hashprice = study.market.hashprice_usd_per_phs_day * (1.0 - fall)
    then = sold(study.supply, hashprice, overheads)
    whole = then.total
    return Fallen(
        fall,
        price,
        hashprice,
        mean_band(then.mined[0]),
        mean_band(whole.power[0]),
        mean_band(whole.whole[0]),
        mean_band(whole.shortfall[0]),
        mean_band(whole.power[0] * mined),
        mean_band(whole.power[0] * mined * price),
    )


def _mined(history: History, dollars: Mapping[int, float], through: FleetHistory) -> Floats:
    """BTC/day that the hashrate of each day earns at its hashprice: (days,)."""
    at = np.searchsorted(history.time, through.time)
    price = np.array([dollars[int(day)] for day in through.time], dtype=np.float64)
    rate = history.hashrate_ths[at] / _TERA_IN_PETA
    return np.asarray(rate * through.hashprice_usd_per_phs_day / price)


def _standing(through: FleetHistory) -> Standing | None:
    told = np.flatnonzero(np.isfinite(through.must_sell))
    if told.size <= _FEWEST_DAYS:
        return None
    drawn = through.must_sell_drawn[told]
    rank = (drawn[:-1] < drawn[-1]).mean(axis=0)
    return Standing(
        int(through.time[told[-1]]), int(through.time[told[0]]), told.size - 1, mean_band(rank)
    )


def _beside(through: FleetHistory, overheads: Floats, known: History) -> tuple[Beside, ...]:
    """The figures that were public by the end of the last day known, each with ours."""
    moment = int(known.time[-1]) + DAY
    public = [one for one in read_published_shares() if one.known <= moment]
    return tuple(Beside(one, _ours(one, through, overheads)) for one in public)


def _ours(one: PublishedShare, through: FleetHistory, overheads: Floats) -> Interval | None:
    if one.kind == "power_of_costs":
        return mean_band(1.0 / (1.0 + overheads))
    first = FIRST_DAY if one.first is None else one.first
    last = int(through.time[-1]) + DAY if one.last is None and through.time.size else one.last
    days = (through.time >= first) & (through.time < (last or 0)) & np.isfinite(through.must_sell)
    if not days.any():
        return None
    return mean_band(through.must_sell_drawn[days].mean(axis=0, dtype=np.float64))


def _hindsight(figures: Mapping[str, Assumption], day: int) -> tuple[str, ...]:
    late = [figures[name] for name in OVERHEADS if figures[name].stated > day + DAY]
    if not late:
        return ()
    told = ", ".join(f"{one.title} of {iso_day(one.stated)}" for one in late)
    return (f"overheads were stated only later: {told}",)
