"""What ``hashcanary shutdown`` prints: one row a machine and price of power."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.cli.output import Column, Table
from hashcanary.moments import iso_day
from hashcanary.report.shutdown import assumptions, figures, headline, hints, people_cells
from hashcanary.units import (
    DAYS,
    DIFFICULTY,
    FRACTION,
    J_PER_TH,
    USD_PER_BTC,
    USD_PER_DAY,
    USD_PER_KWH,
    USD_PER_MWH,
    USD_PER_PHS_DAY,
    USD_PER_THS,
)
from hashcanary.views.text import SIMULATED

if TYPE_CHECKING:
    from hashcanary.economics.shutdown.table import Line
    from hashcanary.interval import Interval
    from hashcanary.report.shutdown import Shutdown
    from hashcanary.units import Unit


def table(found: Shutdown) -> Table:
    """Everything for people, JSON and CSV."""
    powers = len({line.power_band_usd_per_kwh for line in found.lines})
    priced = found.market.price_usd_per_btc is not None
    columns = [
        Column("rig", "rig"),
        *_band("efficiency", "J/TH", J_PER_TH, spare=7),
        *_band("power", "at", USD_PER_KWH, hidden=powers < 2),
        *_band("shutdown_price", "USD/BTC", USD_PER_BTC, hidden=not priced),
        *_band("shutdown_hashprice", "hashprice", USD_PER_PHS_DAY, hidden=priced),
        *_band("break_even", "USD/kWh", USD_PER_KWH),
        *_band("revenue", "USD/MWh", USD_PER_MWH, spare=8),
        *_band("profit", "USD/day", USD_PER_DAY, spare=3),
        *_switching(priced),
        *_band("earned_3_years", "USD/TH/s", USD_PER_THS, spare=5),
        *_band("payback", "payback days", DAYS, spare=2),
        *_band("paid_back", "paid back", FRACTION, spare=4),
        Column("missing", "missing", data_only=True),
        Column("interval", "interval", data_only=True),
        Column("assumptions", "assumptions", data_only=True),
    ]
    notes = [SIMULATED] if found.simulated else []
    notes += [
        "USD/BTC: bitcoin's price at which power alone is paid, difficulty and fees as they are; "
        "USD/kWh: power price it can bear; USD/day: profit of one machine; stop, restart: prices "
        "worth acting on; USD/TH/s: earned in 3 years."
        if priced
        else "hashprice: USD/PH/s/day at which power alone is paid; USD/kWh: power price it can "
        "bear; USD/day: profit of one machine; USD/TH/s: earned in 3 years."
    ]
    said = ". ".join((headline(found), " ".join(assumptions(found))))
    return Table(
        columns,
        [_row(line) | {"interval": _INTERVAL, "assumptions": said} for line in found.lines],
        title=headline(found),
        notes=[*notes, *assumptions(found), *hints(found)],
        document=_document(found),
        people_rows=[people_cells(line) for line in found.shown],
    )


def _band(
    key: str, title: str, unit: Unit, *, spare: int = 0, hidden: bool = False
) -> tuple[Column, ...]:
    """A figure, its low and its high; people see the three in one cell."""
    return (
        Column(key, title, unit, people=str, optional=True, spare=spare, data_only=hidden),
        Column(f"{key}_low", "low", unit, data_only=True),
        Column(f"{key}_high", "high", unit, data_only=True),
    )


def _switching(priced: bool) -> tuple[Column, ...]:
    """Both thresholds, as prices of bitcoin and as hashprices; people see the first if they can."""
    return tuple(
        column
        for end, unit, hidden in (
            ("", USD_PER_BTC, not priced),
            ("_hashprice", USD_PER_PHS_DAY, priced),
        )
        for key, title in (("off_below", "stop"), ("on_above", "restart"))
        for column in _band(f"{key}{end}", title, unit, spare=6, hidden=hidden)
    )


def _row(line: Line) -> dict[str, object]:
    missing = []
    if isinstance(line.earns, str):
        missing.append(f"earned_3_years, payback: {line.earns}")
    elif line.earns.days is None:
        missing.append("payback: no price of a rig is stated")
    if line.shutdown_price_usd_per_btc is None:
        missing.append("shutdown_price: a hashprice is stated without a price")
    if line.off_below_usd_per_phs_day is None:
        missing.append("off_below, on_above: no volatility, or power is free")
    found: dict[str, object] = {"rig": line.rig.name}
    for key, value in figures(line).items():
        found |= _cells(key, value)
    return {**found, "missing": missing}


def _cells(key: str, band: Interval | None) -> dict[str, object]:
    values = (None,) * 3 if band is None else band.three
    return dict(zip((key, f"{key}_low", f"{key}_high"), values, strict=True))


def _document(found: Shutdown) -> dict[str, object]:
    market, terms, flow = found.market, found.terms, found.flow
    fees = market.fees_to_subsidy
    return {
        "at": found.at_text or None,
        "network": found.network or None,
        "simulated": found.simulated,
        "day": iso_day(market.day) if market.day is not None else None,
        "rigs": found.catalogue,
        **_cells("hashprice_usd_per_phs_day", market.hashprice_usd_per_phs_day),
        "price_usd_per_btc": market.price_usd_per_btc,
        "difficulty": market.difficulty,
        "subsidy_btc": market.subsidy_btc,
        **_cells("fees_to_subsidy_fraction", None if _HASHPRICE in market.stated else fees),
        "stated": list(market.stated),
        "lacks": list(market.lacks),
        **_cells("pool_fee_fraction", terms.pool_fee),
        **_cells("pue_ratio", terms.pue),
        **_cells("restart_usd", terms.restart_usd),
        "rig_price_usd_per_ths": terms.rig_usd_per_ths,
        "flow": None
        if flow is None
        else {
            "volatility_per_year": flow.volatility,
            "drift_per_year": flow.drift,
            "discount_per_year": flow.discount,
            "source": flow.source,
        },
        "paths": found.paths,
        "payback": "null where a rig price is stated: not within 1096 days",
        "band": _INTERVAL,
        "profit": "of one machine",
        "units": {"difficulty": DIFFICULTY.suffix},
        "provenance": found.provenance,
    }


_HASHPRICE = "hashprice_usd_per_phs_day"
_INTERVAL = (
    "all that is uncertain at its favourable end, and at its other end; of earned_3_years and "
    "payback: 5% and 95% of paths; of paid_back: exact 90% of 1,000 paths"
)
