"""The supply curve in words and rows, for whoever prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT, band_of
from hashcanary.economics.machines.fleet import HOURS
from hashcanary.economics.supply.curve import LITERATURE_ELASTICITY, LITERATURE_ERROR
from hashcanary.economics.supply.study import assumptions
from hashcanary.interval import Interval
from hashcanary.moments import iso_day
from hashcanary.report.rows import three
from hashcanary.units import HASHRATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.economics.supply.own import OwnFleet, Standing
    from hashcanary.economics.supply.study import RigPoint, SupplyStudy

    Row = Mapping[str, object]

_NEXT, _LEVERS = 3, 3
_MIDDLE = "of the assumption: middle 60% of draws; under water: mean of draws at either end"
_OWN = "; of your machines: their nameplates' limits"
_EXA_IN_TERA = 1e-6


def rows_of(study: SupplyStudy, shown: str, stands: tuple[Standing, ...] = ()) -> list[Row]:
    """The rows of a table: ``curve``, ``rigs``, ``assumptions`` or ``own``; units in the keys.

    Each says what its limits are, and what it rests on.
    """
    if shown == "curve":
        rows = curve_rows(study)
    elif shown == "rigs":
        rows = rig_rows(study)
    else:
        rows = lever_rows(study) if shown == "assumptions" else own_rows(study, stands)
    interval = _MIDDLE if shown == "assumptions" else f"{BAND_TEXT}{_OWN * (shown == 'own')}"
    said = assumptions(study)
    return [{**row, "interval": interval, "rests_on": said} for row in rows]


def curve_rows(study: SupplyStudy) -> list[Row]:
    """The curve by hashprice, ascending."""
    under = [study.supply.under_water(one.hashprice_usd_per_phs_day) for one in study.curve]
    return [
        {
            "hashprice_usd_per_phs_day": one.hashprice_usd_per_phs_day,
            "price_usd_per_btc": one.price_usd_per_btc,
            **three("paying", "fraction", one.paying),
            **three("paying", "ehs", one.paying_ehs),
            **three("under_water", "fraction", band_of(dear)),
            "under_water_mean_fraction": float(dear.mean()),
        }
        for one, dear in zip(study.curve, under, strict=True)
    ]


def rig_rows(study: SupplyStudy) -> list[Row]:
    """The network's rigs, the first to go on top."""
    return [
        {
            "rig": one.name,
            **three("efficiency", "j_per_th", one.j_per_th),
            **three("share", "fraction", one.share),
            **three("off_at", "usd_per_phs_day", one.off_at_usd_per_phs_day),
            **three("off_at", "usd_per_btc", one.off_at_usd_per_btc),
            **three("under_water", "fraction", one.under_water),
        }
        for one in study.rigs
    ]


def lever_rows(study: SupplyStudy) -> list[Row]:
    """What the share under water rests on, what moves it most on top."""
    return [
        {
            "assumption": one.meaning,
            "name": one.name,
            "low": one.low,
            "high": one.high,
            "unit": one.unit.suffix,
            "under_water_at_low_fraction": one.under_low,
            "under_water_at_high_fraction": one.under_high,
            "variance_explained_fraction": one.part,
        }
        for one in study.levers
    ]


def own_rows(study: SupplyStudy, stands: tuple[Standing, ...]) -> list[Row]:
    """A user's own machines on the network's curve."""
    hashprice = study.market.hashprice_usd_per_phs_day
    per_dollar = study.price_usd_per_btc / hashprice
    rows: list[Row] = []
    for one in sorted(stands, key=lambda each: -each.cost_usd_per_phs_day.value):
        cost = one.cost_usd_per_phs_day
        rows.append(
            {
                "rig": one.machines.rig.name,
                "hashrate_ths": one.machines.hashrate_ths,
                "power_price_usd_per_kwh": one.machines.usd_per_kwh,
                **three("efficiency", "j_per_th", one.machines.efficiency_j_per_th),
                **three("off_at", "usd_per_phs_day", cost),
                **three("off_at", "usd_per_btc", cost.scaled(per_dollar)),
                **three("cheaper", "fraction", one.cheaper),
                "pays": one.pays,
                **three("margin", "fraction", cost.map(lambda usd: 1 - usd / hashprice)),
            }
        )
    return rows


def sentences(study: SupplyStudy) -> list[str]:
    """What the study says, with bands and what it rests on."""
    market, under, room = study.market, study.under_water, study.room_ehs
    told = [
        f"Under water at {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day: "
        f"{_percent(under)} of what runs; mean {study.under_water_mean:.1%}. Room for further "
        f"shutdown: {_rate(room.value)} ({_rate(room.low)} to {_rate(room.high)}) of "
        f"{_rate(market.hashrate_ths * _EXA_IN_TERA)}.",
        _gone(study),
        f"At the margin 1% less hashprice takes {study.elasticity.value:.2f}% of what pays "
        f"({study.elasticity.low:.2f} to {study.elasticity.high:.2f}, over a fall of 10%); fitted "
        f"to October to December 2018 it was {LITERATURE_ELASTICITY} (standard error "
        f"{LITERATURE_ERROR}; Noda, Okumura and Hashimoto).",
        *_next(study),
        f"Rests on: {assumptions(study)}.",
        _moves(study),
    ]
    return [*told, *(f"Lacks: {one}." for one in study.lacks)]


def _gone(study: SupplyStudy) -> str:
    idle = study.market.idle
    if idle < 0.005:
        return "Hashrate is at its highest 30-day mean of a year: none has gone that was running."
    return (
        f"Hashrate is {idle:.1%} below its highest 30-day mean of a year; how much of that were "
        "the dearest machines, already gone, is unknown: none to all of it in the draws."
    )


def _next(study: SupplyStudy) -> list[str]:
    now = study.market.hashprice_usd_per_phs_day
    gone = [one for one in study.rigs if one.off_at_usd_per_phs_day.value > now]
    going = [one for one in study.rigs if one.off_at_usd_per_phs_day.value <= now][:_NEXT]
    told = []
    if gone:
        names = ", ".join(one.name for one in gone)
        told.append(f"Do not pay at the network's median power price: {names}.")
    if going:
        told.append(f"Next to go: {'; '.join(_at(one) for one in going)}.")
    return told


def _at(one: RigPoint) -> str:
    off, price = one.off_at_usd_per_phs_day, one.off_at_usd_per_btc
    return (
        f"{one.name} at {off.value:.1f} ({off.low:.1f} to {off.high:.1f}) USD/PH/s/day, bitcoin at "
        f"{price.value:,.0f} ({price.low:,.0f} to {price.high:,.0f}) USD"
    )


def _moves(study: SupplyStudy) -> str:
    parts = "; ".join(
        f"{one.meaning}, {one.low:.3g} to {one.high:.3g}: {one.under_low:.1%} to "
        f"{one.under_high:.1%}"
        for one in study.levers[:_LEVERS]
    )
    return f"Moves the share under water most (mean of lowest and highest fifth): {parts}."


def own_sentence(study: SupplyStudy, own: OwnFleet, stands: tuple[Standing, ...]) -> str:
    """How many of a user's machines pay."""
    now = study.market.hashprice_usd_per_phs_day
    explained = (
        "Off at: your power price, with the nameplate's band. Cheaper: the network's machines "
        "that run for less."
    )
    if own.contract:
        price = own.machines[0].usd_per_kwh if own.machines else 0.0
        best = now / (HOURS * price) if price else 0.0
        return (
            f"At {price:g} USD/kWh and {now:.2f} USD/PH/s/day machines of {best:.1f} J/TH or less "
            f"pay for their power, with no fee and no overhead. {explained}"
        )
    total = sum(one.machines.hashrate_ths for one in stands)
    paying = sum(one.machines.hashrate_ths for one in stands if one.pays)
    return (
        f"Of your {total:,.0f} TH/s, {paying / total:.0%} pay for their power at {now:.2f} "
        f"USD/PH/s/day. {explained}"
    )


def document(study: SupplyStudy, stands: tuple[Standing, ...] = ()) -> dict[str, object]:
    """The study as JSON has it, units in the keys."""
    market, supply = study.market, study.supply
    return {
        "day": iso_day(market.day),
        "hashprice_usd_per_phs_day": market.hashprice_usd_per_phs_day,
        "price_usd_per_btc": study.price_usd_per_btc,
        "hashrate_ehs": market.hashrate_ths * _EXA_IN_TERA,
        "highest_hashrate_ehs": market.peak_ths * _EXA_IN_TERA,
        **three("under_water", "fraction", study.under_water),
        "under_water_mean_fraction": study.under_water_mean,
        **three("room_for_shutdown", "ehs", study.room_ehs),
        **three("elasticity", "ratio", study.elasticity),
        "literature_elasticity_ratio": LITERATURE_ELASTICITY,
        **three("network_efficiency", "j_per_th", study.network_j_per_th),
        **three("network_power_price", "usd_per_kwh", study.power_usd_per_kwh),
        "interval": BAND_TEXT,
        "draws": int(supply.left.size),
        "assumptions": assumptions(study),
        "sentences": sentences(study),
        "lacks": list(study.lacks),
        "power": [
            {
                "part": one.title,
                "share_fraction": one.share,
                "median_usd_per_kwh": one.usd_per_kwh,
                "spread_log_sd": one.spread,
                "judged": one.judged,
                "source": one.source,
            }
            for one in supply.power.parts
        ],
        "shares_source": supply.power.shares_source,
        "curve": curve_rows(study),
        "rigs": rig_rows(study),
        "assumptions_moved": lever_rows(study),
        "own": own_rows(study, stands),
    }


def _rate(ehs: float) -> str:
    """EH/s as people read it."""
    return HASHRATE.people(ehs * 1e18, 3) if ehs else "none"


def _percent(band: Interval) -> str:
    return f"{band.value:.1%} ({band.low:.1%} to {band.high:.1%})"
