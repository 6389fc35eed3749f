"""At which prices a machine stops paying for its power, and what it earns until then.

For a machine of e J/TH at c USD/kWh, with overhead u (PUE) and pool fee p, a hash earning h
USD/PH/s/day at bitcoin's price P:

- it costs e x 24/1000 x u x c USD/TH/s/day; hashprice at shutdown is 1000 x that / (1 - p);
- shutdown price of bitcoin: P x (hashprice at shutdown / h), difficulty and fees as they are;
- break-even power price: h (1 - p) / (e x 24 x u) USD/kWh; revenue per MWh is 1000 times that.

Source: ViaBTC's and F2Pool's shutdown tables; theirs leave out overhead, and mostly fees. Bands
are the outermost corners: all that is uncertain at its favourable end, and at its other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.economics.shutdown.switching import Flow, Paths, Payback, payback, thresholds
from hashcanary.errors import UsageError
from hashcanary.interval import Interval, corners

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.hash_economics import HashEconomics
    from hashcanary.economics.machines.rigs import Rig

# kWh that 1 W takes in a day
_KWH_A_DAY = 24 / 1000
# Cambridge's index of 2019: power usage effectiveness, a ratio, 1.10, from 1.01 to 1.20
USUAL_PUE = Interval(1.10, 1.01, 1.20)
# what pools that pay per share have asked in public, a fraction; judgement
USUAL_POOL_FEE = Interval(0.02, 0.0, 0.04)
# a technician's minutes, and the boards that do not come back from the cold; judgement
USUAL_RESTART_USD = Interval(20.0, 5.0, 80.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms machines run, beside the price of their power.

    pool_fee: fraction of what is earned; pue: power that the site takes over that of its machines,
    a ratio;
    restart_usd: what starting one machine again costs; flow: how revenue moves, for the thresholds
    of switching; rig_usd_per_ths: what a machine is bought for, None where not stated.
    """

    pool_fee: Interval = USUAL_POOL_FEE
    pue: Interval = USUAL_PUE
    restart_usd: Interval = USUAL_RESTART_USD
    rig_usd_per_ths: float | None = None

    def __post_init__(self) -> None:
        checks = (
            ("pool fee", self.pool_fee, 0.0, 0.99, "a fraction, such as 0.02 for 2%"),
            ("PUE", self.pue, 1.0, 5.0, "power of the site over power of its machines"),
            ("restart cost", self.restart_usd, 0.0, 1e6, "USD a machine and restart"),
            ("price of a rig", Interval.exact(self.rig_usd_per_ths or 0.0), 0.0, 1e6, "USD/TH/s"),
        )
        for name, values, low, high, what in checks:
            for value in values.three:
                if not (isfinite(value) and low <= value <= high):
                    raise UsageError(name, f"{low:g} to {high:g}", value, f"It is {what}.")


@dataclass(frozen=True, slots=True)
class Line:
    """A machine at a price of power: every figure with the ends of its band.

    power_band_usd_per_kwh: stated, or with the band of what was assumed. shutdown_hashprice:
    USD/PH/s/day; shutdown_price: USD/BTC, None where
    no price is known; break_even: USD/kWh; revenue: USD/MWh; profit: USD a day of one machine,
    negative where it loses. off_below, on_above: hashprice at which a running machine is worth
    stopping and an idle one starting, USD/PH/s/day, None where no volatility is known; the same as
    prices of bitcoin. earns: over years, in words why not.
    """

    rig: Rig
    power_band_usd_per_kwh: Interval
    shutdown_hashprice_usd_per_phs_day: Interval
    shutdown_price_usd_per_btc: Interval | None
    break_even_usd_per_kwh: Interval
    revenue_usd_per_mwh: Interval
    profit_usd_per_day: Interval
    off_below_usd_per_phs_day: Interval | None
    on_above_usd_per_phs_day: Interval | None
    off_below_usd_per_btc: Interval | None
    on_above_usd_per_btc: Interval | None
    earns: Payback | str

    @property
    def power_usd_per_kwh(self) -> float:
        """The middle of the price of power."""
        return self.power_band_usd_per_kwh.value


def energy_cost(efficiency_j_per_th: float, pue: float, power_usd_per_kwh: float) -> float:
    """USD/TH/s/day that power costs. pue: a ratio."""
    return efficiency_j_per_th * _KWH_A_DAY * pue * power_usd_per_kwh


def break_even_power(
    hashprice_usd_per_phs_day: float, efficiency_j_per_th: float, pue: float, pool_fee: float
) -> float:
    """USD/kWh at which a hash earns its power and no more. pue: a ratio; pool_fee: a fraction."""
    earned = hashprice_usd_per_phs_day / 1000 * (1 - pool_fee)
    return earned / (efficiency_j_per_th * _KWH_A_DAY * pue)


def shutdown_table(
    rigs: Sequence[Rig],
    power_usd_per_kwh: Sequence[float | Interval],
    market: HashEconomics,
    terms: Terms,
    flow: Flow | None,
    paths: Paths | str,
) -> tuple[Line, ...]:
    """A line for each machine and price of power, machines in their order.

    power_usd_per_kwh: exact prices, or assumed ones with their bands; flow: how revenue moves, None
    where it is not known; paths: of the hashprice, or why none.
    """
    powers = [
        one if isinstance(one, Interval) else Interval.exact(one) for one in power_usd_per_kwh
    ]
    return tuple(_line(rig, power, market, terms, flow, paths) for rig in rigs for power in powers)


def _line(
    rig: Rig,
    power: Interval,
    market: HashEconomics,
    terms: Terms,
    flow: Flow | None,
    paths: Paths | str,
) -> Line:
    efficiency = rig.nameplate_j_per_th
    earned, fee, pue = market.hashprice_usd_per_phs_day, terms.pool_fee, terms.pue
    cost = corners(energy_cost, [efficiency, pue, power])
    floor = corners(lambda c, p: 1000 * c / (1 - p), [cost, fee])
    break_even = corners(break_even_power, [earned], [efficiency, pue, fee])
    profit = corners(
        lambda h, p, c: (h / 1000 * (1 - p) - c) * rig.hashrate_ths, [earned], [fee, cost]
    )
    price = market.price_usd_per_btc
    off, on, ratios = _switching(rig, cost, floor, terms, flow)

    def as_price(hashprice: Interval | None) -> Interval | None:
        if price is None or hashprice is None:
            return None
        return corners(lambda off, h: price * off / h, [hashprice], [earned])

    return Line(
        rig=rig,
        power_band_usd_per_kwh=power,
        shutdown_hashprice_usd_per_phs_day=floor,
        shutdown_price_usd_per_btc=as_price(floor),
        break_even_usd_per_kwh=break_even,
        revenue_usd_per_mwh=break_even.scaled(1000),
        profit_usd_per_day=profit,
        off_below_usd_per_phs_day=off,
        on_above_usd_per_phs_day=on,
        off_below_usd_per_btc=as_price(off),
        on_above_usd_per_btc=as_price(on),
        earns=paths
        if isinstance(paths, str)
        else payback(
            paths,
            earned.value / 1000 * (1 - paths.within(fee, 2)),
            energy_cost(1.0, 1.0, 1.0)
            * paths.within(efficiency, 0)
            * paths.within(pue, 1)
            * paths.within(power, 3),
            terms.restart_usd.value / rig.hashrate_ths,
            ratios,
            terms.rig_usd_per_ths,
        ),
    )


def _switching(
    rig: Rig, cost: Interval, floor: Interval, terms: Terms, flow: Flow | None
) -> tuple[Interval | None, Interval | None, tuple[float, float]]:
    """Both thresholds as hashprices, and in the middle over the break-even.

    cost: of power, USD/TH/s/day; floor: hashprice at which it is paid. None and 1 where they cannot
    be told: no volatility is known, or power is free, which is never worth stopping.
    """
    if flow is None or cost.low == 0:
        return None, None, (1.0, 1.0)
    restart = terms.restart_usd

    def both(at: float, lump: float) -> tuple[float, float]:
        return thresholds(flow, at * rig.hashrate_ths, lump)

    middle = both(cost.value, restart.value)
    off = Interval(
        floor.value * middle[0],
        floor.low * both(cost.low, restart.high)[0],
        floor.high * both(cost.high, restart.low)[0],
    )
    on = Interval(
        floor.value * middle[1],
        floor.low * both(cost.low, restart.low)[1],
        floor.high * both(cost.high, restart.high)[1],
    )
    return off, on, middle
