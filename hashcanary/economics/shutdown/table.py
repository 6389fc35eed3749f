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

from hashcanary.economics.market import Band
from hashcanary.economics.shutdown.payback import Paths, Payback, payback
from hashcanary.economics.shutdown.switching import Flow, thresholds
from hashcanary.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.machines.rigs import Rig
    from hashcanary.economics.market import Market

# kWh that 1 W takes in a day
_KWH_A_DAY = 24 / 1000
# Cambridge's index of 2019: power usage effectiveness, a ratio, 1.10, from 1.01 to 1.20
USUAL_PUE = Band(1.10, 1.01, 1.20)
# what pools that pay per share have asked in public, a fraction; judgement
USUAL_POOL_FEE = Band(0.02, 0.0, 0.04)
# a technician's minutes, and the boards that do not come back from the cold; judgement
USUAL_RESTART_USD = Band(20.0, 5.0, 80.0)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms machines run, beside the price of their power.

    pool_fee: fraction of what is earned; pue: power that the site takes over that of its machines,
    a ratio;
    restart_usd: what starting one machine again costs; flow: how revenue moves, for the thresholds
    of switching; rig_usd_per_ths: what a machine is bought for, None where not stated.
    """

    pool_fee: Band = USUAL_POOL_FEE
    pue: Band = USUAL_PUE
    restart_usd: Band = USUAL_RESTART_USD
    rig_usd_per_ths: float | None = None

    def __post_init__(self) -> None:
        checks = (
            ("pool fee", self.pool_fee, 0.0, 0.99, "a fraction, such as 0.02 for 2%"),
            ("PUE", self.pue, 1.0, 5.0, "power of the site over power of its machines"),
            ("restart cost", self.restart_usd, 0.0, 1e6, "USD a machine and restart"),
            ("price of a rig", (self.rig_usd_per_ths or 0.0,), 0.0, 1e6, "USD/TH/s"),
        )
        for name, values, low, high, what in checks:
            for value in values:
                if not (isfinite(value) and low <= value <= high):
                    raise UsageError(
                        argument=name,
                        expected=f"{low:g} to {high:g}",
                        found=value,
                        remedy=f"It is {what}.",
                    )


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
    power_band_usd_per_kwh: Band
    shutdown_hashprice_usd_per_phs_day: Band
    shutdown_price_usd_per_btc: Band | None
    break_even_usd_per_kwh: Band
    revenue_usd_per_mwh: Band
    profit_usd_per_day: Band
    off_below_usd_per_phs_day: Band | None
    on_above_usd_per_phs_day: Band | None
    off_below_usd_per_btc: Band | None
    on_above_usd_per_btc: Band | None
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
    power_usd_per_kwh: Sequence[float | Band],
    market: Market,
    terms: Terms,
    flow: Flow | None,
    paths: Paths | str,
) -> tuple[Line, ...]:
    """A line for each machine and price of power, machines in their order.

    power_usd_per_kwh: exact prices, or assumed ones with their bands; flow: how revenue moves, None
    where it is not known; paths: of the hashprice, or why none.
    """
    powers = [one if isinstance(one, Band) else Band(one, one, one) for one in power_usd_per_kwh]
    return tuple(_line(rig, power, market, terms, flow, paths) for rig in rigs for power in powers)


def _line(
    rig: Rig, power: Band, market: Market, terms: Terms, flow: Flow | None, paths: Paths | str
) -> Line:
    efficiency = Band(rig.efficiency_j_per_th, *rig.efficiency_band_j_per_th)
    earned, fee, pue = market.hashprice_usd_per_phs_day, terms.pool_fee, terms.pue
    cost = Band(*map(energy_cost, efficiency, pue, power))
    floor = Band(*(1000 * c / (1 - p) for c, p in zip(cost, fee, strict=True)))
    # what is left at the power meter: the favourable corner is the high end
    break_even = Band(
        break_even_power(earned.value, efficiency.value, pue.value, fee.value),
        break_even_power(earned.low, efficiency.high, pue.high, fee.high),
        break_even_power(earned.high, efficiency.low, pue.low, fee.low),
    )
    profit = Band(
        *(
            (h / 1000 * (1 - p) - c) * rig.hashrate_ths
            for h, p, c in (
                (earned.value, fee.value, cost.value),
                (earned.low, fee.high, cost.high),
                (earned.high, fee.low, cost.low),
            )
        )
    )
    price = market.price_usd_per_btc
    off, on, ratios = _switching(rig, cost, floor, terms, flow)

    def as_price(hashprice: Band | None) -> Band | None:
        if price is None or hashprice is None:
            return None
        over = zip(hashprice, (earned.value, earned.high, earned.low), strict=True)
        return Band(*(price * one / h for one, h in over))

    return Line(
        rig=rig,
        power_band_usd_per_kwh=power,
        shutdown_hashprice_usd_per_phs_day=floor,
        shutdown_price_usd_per_btc=as_price(floor),
        break_even_usd_per_kwh=break_even,
        revenue_usd_per_mwh=Band(*(1000 * one for one in break_even)),
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
    rig: Rig, cost: Band, floor: Band, terms: Terms, flow: Flow | None
) -> tuple[Band | None, Band | None, tuple[float, float]]:
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
    off = Band(
        floor.value * middle[0],
        floor.low * both(cost.low, restart.high)[0],
        floor.high * both(cost.high, restart.low)[0],
    )
    on = Band(
        floor.value * middle[1],
        floor.low * both(cost.low, restart.low)[1],
        floor.high * both(cost.high, restart.high)[1],
    )
    return off, on, middle
