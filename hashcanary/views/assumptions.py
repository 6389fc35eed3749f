"""What answers of the economics rest on: the fleet's draws, and what moves an answer most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT, Moved, band_of
from hashcanary.units import FRACTION, J_PER_TH, RATIO, USD_PER_KWH, Unit
from hashcanary.views.table import Column
from hashcanary.views.text import banded, day, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.economics.supply.study import SupplyStudy


def fleet_assumptions(study: SupplyStudy) -> str:
    """What every share of a supply study rests on, with the values used."""
    drawn = {
        name: band_of(study.supply.parameters[name].astype(float))
        for name in ("pue", "pool_fee", "overhead")
    }
    return (
        f"Assumptions: power {banded(study.power_usd_per_kwh, USD_PER_KWH, 3)}, running machines "
        f"{banded(study.network_j_per_th, J_PER_TH, 3)}, PUE {banded(drawn['pue'], RATIO, 3)}, "
        f"pool fee {banded(drawn['pool_fee'], FRACTION)}, overhead on power "
        f"{banded(drawn['overhead'], FRACTION)}. Bands: {BAND_TEXT}. Hashprice at the difficulty "
        f"in force, with the price of {day(study.market.day)}."
    )


def fleet_facts(path: str = "") -> tuple[Column, Column]:
    """Facts of the fleet that a study drew. path: to the study, with a dot at its end."""
    return (
        Column(
            *("network_efficiency", "efficiency of the fleet", J_PER_TH),
            *(f"{path}network_j_per_th", BAND_TEXT),
        ),
        Column(
            *("network_power_price", "power price of the network", USD_PER_KWH),
            *(f"{path}power_usd_per_kwh", BAND_TEXT),
        ),
    )


def most_sensitive(levers: Sequence[Moved], decimals: int = 1) -> str:
    """What moves a share most, in a line: each assumption's range, and the share at its ends."""
    return "; ".join(
        f"{lever.meaning}, {lever.low:.3g} to {lever.high:.3g}: {percent(lever.at_low, decimals)} "
        f"to {percent(lever.at_high, decimals)}"
        for lever in levers
    )


def sensitivity(name: str, title: str, unit: Unit, digits: int | None = None) -> tuple[Column, ...]:
    """Columns of what each assumption moves (``economics.draws.Moved``).

    name, title, unit, digits: of the answer that moves.
    """
    return (
        Column("assumption", "assumption", get="meaning", wide=True),
        Column("name", "name", hidden=True),
        Column(
            "low", "from", text=_three, definition="lower end of its middle 60%, in the row's unit"
        ),
        Column(
            "high", "to", text=_three, definition="upper end of its middle 60%, in the row's unit"
        ),
        Column("unit", "unit", get="unit.suffix", hidden=True),
        Column(
            f"{name}_at_low",
            f"{title} at from",
            unit,
            "at_low",
            digits=digits,
            definition="mean of draws with the assumption in its lowest fifth",
        ),
        Column(
            f"{name}_at_high",
            "at to",
            unit,
            "at_high",
            digits=digits,
            definition="mean of draws with the assumption in its highest fifth",
        ),
        Column(
            "variance_explained",
            "of variance",
            FRACTION,
            "part",
            digits=0,
            spare=1,
            definition="of the variance of the answer over draws",
        ),
    )


def _three(value: float) -> str:
    return f"{value:.3g}"
