"""What a hash earned and what power cost around a drop, and whom that put underwater.

Hashprice is the daily metric of that name. The fleet and its owners are those of before the drop:
fleets, power prices and all that was known by its beginning. Of what ran, the usual hashprice did
not pay a part; the hashprice that the drop came with does not pay more. The difference is what the
fall of the hashprice alone can have switched off.

The price of power is any vendor's daily series named ``power_price_usd_per_mwh`` (and
``power_load_mw``, which is shown) loaded by a mapping file; ``pool_regions.toml`` says of which
region a vendor speaks. What a record does not have is told as ``Missing``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Ints
from hashcanary.economics.draws import band_of
from hashcanary.economics.errors import NoHashprice, NoRigYet, TooFewDaysForFleet
from hashcanary.economics.machines.fleet import HOURS, History, draw_fleets
from hashcanary.economics.machines.rigs import Catalogue, read_rigs
from hashcanary.economics.power.prices import PowerPrices, power_mix, read_power_prices
from hashcanary.economics.supply.curve import Supply, market_at, supply_curve
from hashcanary.economics.supply.study import history_of
from hashcanary.inference.filter.observations import prices_on
from hashcanary.interval import Interval
from hashcanary.metrics.windows import floats
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.inference.explain.causes import PoolRegions
    from hashcanary.store.record import Record


Reason = Literal[
    "no labels", "few labels", "gaps", "no hashprice", "no rig", "no fleet", "no power price"
]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a kind of evidence is missing.

    since, until: Unix seconds of the days that lack it, where it is missing on some days only;
    labelled: of these days' ``blocks`` known, those with a label.
    """

    kind: str
    reason: Reason
    since: float = 0.0
    until: float = 0.0
    labelled: int = 0
    blocks: int = 0


# number of fleets: medians within a hundredth of those of many more
DRAWS, SEED = 500, 1


@dataclass(frozen=True, slots=True)
class Machines:
    """What machines there are, and what their owners pay."""

    rigs: Catalogue
    power: PowerPrices


@dataclass(frozen=True, slots=True)
class Squeeze:
    """Who was underwater before a fall of the hashprice, and who with it; all over draws.

    break_even_usd_per_phs_day: hashprice that pays for the network's mean machine at its median
    price of power, with what else ends when it is off; break_even_log_sd: sd of the log of it;
    underwater_before: fraction of what ran that the usual hashprice did not pay; newly: fraction
    that the fall put underwater beside it. network_j_per_th, power_usd_per_kwh: the fleet's
    efficiency and its median price of power.
    """

    break_even_usd_per_phs_day: Interval
    break_even_log_sd: float
    underwater_before: Interval
    newly: Interval
    network_j_per_th: Interval
    power_usd_per_kwh: Interval


def machines() -> Machines:
    """The machines and prices of power that come with hashcanary."""
    return Machines(read_rigs(), read_power_prices())


def squeeze(
    history: History,
    moment: int,
    usual_usd_per_phs_day: float,
    now_usd_per_phs_day: float,
    given: Machines,
) -> Squeeze | Missing:
    """What a fall of the hashprice from usual to now does to what ran, or what is missing.

    moment: Unix seconds at which the drop began; nothing known later is used. Prices of grids are
    left out: whoever asks why a drop came has them as evidence of their own.
    """
    try:
        market = market_at(history, moment)
        fleets = draw_fleets(given.rigs, history, moment, DRAWS, SEED)
    except NoRigYet:
        return Missing("hashprice", "no rig")
    except (NoHashprice, TooFewDaysForFleet):
        return Missing("hashprice", "no fleet")
    supply = supply_curve(fleets, market, power_mix(given.power, moment), SEED)
    before = supply.under_water(usual_usd_per_phs_day)
    newly = supply.under_water(now_usd_per_phs_day) - before
    break_even = _break_even(supply)
    return Squeeze(
        break_even_usd_per_phs_day=band_of(break_even),
        break_even_log_sd=float(np.log(break_even).std()),
        underwater_before=band_of(before),
        newly=band_of(newly),
        network_j_per_th=band_of(supply.fleets.network_j_per_th),
        power_usd_per_kwh=band_of(np.exp(supply.log_power_median)),
    )


def _break_even(supply: Supply) -> Floats:
    """Hashprice that pays for the mean machine that runs at the median price of power, (draws,)."""
    drawn = supply.parameters
    overhead = drawn["pue"] * (1.0 + drawn["overhead"]) / (1.0 - drawn["pool_fee"])
    return HOURS * supply.fleets.network_j_per_th * drawn["power_level"] * overhead


# days before a drop that say what a hash earned; days that say what it earns at it: so many before
# it was down, and at most so many while it is
USUAL_DAYS, NOW_DAYS, LOW_DAYS = 60, 3, 14
_FEWEST_USUAL = 30


@dataclass(frozen=True, slots=True)
class Margin:
    """Hashprice at a drop and before it, USD/PH/s/day, and what it put underwater.

    day: of the last price, Unix seconds of its start. squeeze: by the supply curve of the machines
    that ran when the drop began; log_margin: log of hashprice over the break-even of their mean
    machine; log_change: log of hashprice over its mean of the 60 days before
    the drop; percentile: of it among those of the year before, a fraction; price_drawdown: of the
    price from its highest close of the 90 days before, a fraction.
    """

    day: int
    hashprice_usd_per_phs_day: float
    usual_usd_per_phs_day: float
    squeeze: Squeeze
    log_margin: float
    log_change: float
    percentile: float
    price_drawdown: float


def margin_at(
    record: Record, span: tuple[float, float, float], given: Machines
) -> Margin | Missing:
    """What a hash earned at a drop, or what is missing.

    span: Unix seconds at which the drop began, had gone down, and from which on less than half of
    it was missing, or of the last block. given: the machines there are, and what power costs.
    """
    start, down, until = span
    end = int(max(down, min(until, down + LOW_DAYS * DAY))) // DAY
    first = int(start) // DAY - 365
    days = np.arange(first, end + 1, dtype=np.int64)
    price = floats(prices_on(record, days), "price")
    history = history_of(record)[0]
    value = _hashprice_on(history, days)
    begin = int(start) // DAY - first
    usual = value[begin - USUAL_DAYS : begin]
    now = np.flatnonzero(np.isfinite(value[begin - 1 :])) + begin - 1
    if np.isfinite(usual).sum() < _FEWEST_USUAL or now.size == 0:
        return Missing("hashprice", "no hashprice")
    # the days on which it was down; the last before where nothing later is known
    late = now[now >= min(int(down) // DAY - first - NOW_DAYS + 1, now[-NOW_DAYS:][0])]
    at, before = float(np.mean(value[late])), float(np.nanmean(usual))
    moment = int(start) if record.at is None else min(int(start), record.at)
    found = squeeze(history, moment, before, at, given)
    if isinstance(found, Missing):
        return found
    year = value[np.isfinite(value)]
    highest = np.nanmax(price[begin - 90 : late[-1] + 1])
    return Margin(
        day=int(days[late[-1]]) * DAY,
        hashprice_usd_per_phs_day=at,
        usual_usd_per_phs_day=before,
        squeeze=found,
        log_margin=float(np.log(at / found.break_even_usd_per_phs_day.value)),
        log_change=float(np.log(at / before)),
        percentile=float((year < at).mean()),
        price_drawdown=float(1 - price[late[-1]] / highest),
    )


def _hashprice_on(history: History, days: Ints) -> Floats:
    """Hashprice of each day, numbered from 1970, USD/PH/s/day; NaN where it is not known."""
    at = np.minimum(np.searchsorted(history.time, days * DAY), history.time.size - 1)
    known = history.time[at] == days * DAY
    return np.where(known, history.hashprice_usd_per_phs_day[at], np.nan)


PRICE, LOAD = "power_price_usd_per_mwh", "power_load_mw"
AT_FALL_DAYS = 5
# prices below this, negative ones among them, are as good as free
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class PowerPrice:
    """The highest daily mean of a drop's first five days against the 60 days before it.

    region: it is of; highest, usual: USD/MWh; day: of the highest, Unix seconds of its start;
    log_ratio: log of the first over the second. load, usual_load: MW on that day and before, NaN
    where not known.
    """

    vendor: str
    region: str
    day: int
    highest: float
    usual: float
    log_ratio: float
    load: float
    usual_load: float


def power_at(record: Record, regions: PoolRegions, start: float) -> tuple[PowerPrice, ...]:
    """Of each vendor that the record has; none where it has none around it.

    start: of the drop, Unix seconds.
    """
    found = []
    for vendor, region in sorted(regions.power.items()):
        one = _of_vendor(record, vendor, region, int(start) // DAY)
        if one is not None:
            found.append(one)
    return tuple(found)


def _of_vendor(record: Record, vendor: str, region: str, begin: int) -> PowerPrice | None:
    rows = record.daily.filter(
        pl.col("vendor") == vendor, pl.col("series").is_in([PRICE, LOAD])
    ).select("series", "value", day=pl.col("day").cast(pl.Int32).cast(pl.Int64))
    near = rows.filter(pl.col("day").is_between(begin - USUAL_DAYS, begin + AT_FALL_DAYS - 1))
    price, load = (near.filter(series=name).drop_nulls().sort("day") for name in (PRICE, LOAD))
    before, since = price.filter(pl.col("day") < begin), price.filter(pl.col("day") >= begin)
    if before.height < _FEWEST_USUAL or since.height == 0:
        return None
    usual = max(float(np.median(before["value"].to_numpy())), _LEAST)
    values = since["value"].to_numpy()
    highest, day = float(values.max()), int(since["day"][int(values.argmax())])
    at_day = load.filter(day=day)["value"]
    earlier = load.filter(pl.col("day") < begin)["value"]
    return PowerPrice(
        vendor,
        region,
        day * DAY,
        highest,
        usual,
        float(np.log(max(highest, _LEAST) / usual)),
        float(at_day[0]) if len(at_day) else float("nan"),
        float(np.median(earlier.to_numpy())) if len(earlier) else float("nan"),
    )
