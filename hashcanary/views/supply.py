"""Which hashrate is profitable at each hashprice, what is underwater, which rigs are next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT, Moved, band_of
from hashcanary.economics.machines.fleet import HOURS
from hashcanary.economics.supply.curve import LITERATURE_ELASTICITY, LITERATURE_ERROR, HashMarket
from hashcanary.economics.supply.own import OwnFleet, Standing, own_rigs, read_own_fleet, standing
from hashcanary.economics.supply.study import RigPoint, SupplyStudy, study_supply
from hashcanary.errors import UsageError
from hashcanary.units import (
    COUNT,
    DATE,
    EXAHASHES,
    FRACTION,
    J_PER_TH,
    RATIO,
    TERAHASHES,
    USD_PER_BTC,
    USD_PER_KWH,
    USD_PER_PHS_DAY,
    Unit,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.table import Cell, Column, Table, defined
from hashcanary.views.text import banded, day, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashcanary.store.record import Record


TABLES = ("curve", "rigs", "assumptions", "own")
# rigs named as the next to switch off; assumptions named as those that move most
_NEXT, _LEVERS = 3, 3
# of the curve, the points that people see
_PEOPLE_STEP = 3
_EXA_IN_TERA = 1e-6
LITERATURE = (
    f"Noda, Okumura and Hashimoto fitted {LITERATURE_ELASTICITY}, standard error "
    f"{LITERATURE_ERROR}, to October to December 2018"
)
_RUNNING = "running hashrate underwater"
_AT_RISK = "hashrate at risk: unprofitable but running"
_NAMEPLATES = f"{BAND_TEXT}; of your machines the nameplates' limits"


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


def fleet_facts(path: str = "") -> tuple[Column, ...]:
    """Facts of the fleet that a study drew. path: to the study, with a dot at its end."""
    figures = (
        ("network_efficiency", "efficiency of the fleet", J_PER_TH, "network_j_per_th"),
        ("network_power_price", "power price of the network", USD_PER_KWH, "power_usd_per_kwh"),
    )
    return tuple(
        Column(name, title, unit, path + get, BAND_TEXT) for name, title, unit, get in figures
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
    low, high = f"{name}_at_low", f"{name}_at_high"
    drawn = "mean of draws with the assumption in its"
    return defined(
        {
            "low": "lower end of its middle 60%, in the row's unit",
            "high": "upper end of its middle 60%, in the row's unit",
            f"{low}_{unit.suffix}": f"{drawn} lowest fifth",
            f"{high}_{unit.suffix}": f"{drawn} highest fifth",
            "variance_explained_fraction": "of the variance of the answer over draws",
        },
        Column("assumption", "assumption", get="meaning", wide=True),
        Column("name", "name", hidden=True),
        Column("low", "from", text="{:.3g}".format),
        Column("high", "to", text="{:.3g}".format),
        Column("unit", "unit", get="unit.suffix", hidden=True),
        Column(low, f"{title} at from", unit, "at_low", digits=digits),
        Column(high, "at to", unit, "at_high", digits=digits),
        Column("variance_explained", "of variance", FRACTION, "part", digits=0, spare=1),
    )


def sensitivity_note(title: str) -> str:
    """What is read under a table of ``sensitivity``. title: of the answer that moves."""
    return (
        f"From, to: ends of the middle 60% of the draws. {title}: the mean among draws with the "
        "assumption in its lowest, then in its highest fifth."
    )


VIEW = View(
    "supply",
    "study supply",
    "Which hashrate is profitable at each hashprice, and what is underwater?",
    facts=defined(
        {"hashprice_usd_per_phs_day": "at the difficulty in force, with the price of that day"},
        Column("day", "day of the price", DATE, "market.day"),
        Column("hashprice", "hashprice now", USD_PER_PHS_DAY, "market.hashprice_usd_per_phs_day"),
        Column("price", "price of bitcoin", USD_PER_BTC),
        Column("hashrate", "30-day mean of the hashrate", EXAHASHES),
        Column("highest_hashrate", "highest 30-day mean of a year", EXAHASHES),
        Column("underwater", f"{_RUNNING}, median of draws", FRACTION, "under_water", BAND_TEXT),
        Column("underwater_mean", f"{_RUNNING}, mean of draws", FRACTION, "under_water_mean"),
        Column("at_risk", _AT_RISK, EXAHASHES, "room_ehs", BAND_TEXT),
        Column(
            "elasticity",
            "percent of profitable hashrate lost for 1% less hashprice",
            RATIO,
            limits=BAND_TEXT,
        ),
        Column("literature_elasticity", "the same, October to December 2018", RATIO),
        *fleet_facts(),
        Column("draws", "number of draws", COUNT, "supply.left.size"),
    ),
    tables={
        "curve": defined(
            {
                "profitable_fraction": "of what ran when hashrate was highest in a year",
                "underwater_fraction": "of what runs now",
            },
            Column("hashprice", "hashprice", USD_PER_PHS_DAY),
            Column("price", "bitcoin", USD_PER_BTC, digits=1),
            Column("profitable", "profitable", FRACTION, limits=BAND_TEXT, digits=0),
            Column("profitable", "profitable", EXAHASHES, limits=BAND_TEXT, digits=3, spare=2),
            Column("underwater", "underwater", FRACTION, limits=BAND_TEXT, digits=0, spare=3),
            Column("underwater_mean", "underwater, mean", FRACTION, hidden=True),
        ),
        "rigs": defined(
            {
                "off_at_usd_per_phs_day": "hashprice that pays for it at the network's median "
                "power price",
                "off_at_usd_per_btc": "price of bitcoin at that hashprice, difficulty and fees as "
                "now",
                "underwater_fraction": "of its machines, by what each owner pays for power",
            },
            Column("rig", "rig", get="name"),
            Column("efficiency", "efficiency", J_PER_TH, "j_per_th", BAND_TEXT, digits=3, spare=2),
            Column("share", "of the hashrate", FRACTION, limits=BAND_TEXT, digits=0, spare=1),
            Column("off_at", "off at", USD_PER_PHS_DAY, None, BAND_TEXT, digits=3),
            Column("off_at", "bitcoin at", USD_PER_BTC, None, BAND_TEXT, digits=1, spare=3),
            Column("underwater", "underwater", FRACTION, "under_water", BAND_TEXT, digits=0),
        ),
        "assumptions": sensitivity("underwater", "underwater", FRACTION),
        "own": defined(
            {"cheaper_fraction": "of the network's machines, those that run for less"},
            Column("rig", "rig"),
            Column("hashrate", "hashrate", TERAHASHES, digits=1, spare=4),
            Column("power_price", "power", USD_PER_KWH, digits=3, spare=2),
            Column("efficiency", "efficiency", J_PER_TH, limits=_NAMEPLATES, digits=3, spare=3),
            Column("off_at", "off at", USD_PER_PHS_DAY, limits=_NAMEPLATES, digits=3),
            Column("off_at", "bitcoin at", USD_PER_BTC, limits=_NAMEPLATES, digits=1, spare=2),
            Column("cheaper", "cheaper", FRACTION, limits=BAND_TEXT, digits=0),
            Column("profitable", "profitable"),
            Column("margin", "margin", FRACTION, limits=_NAMEPLATES, digits=0, spare=5),
        ),
    },
    more={
        "power": "power prices of the network by part, with source and whether they are judgement",
        "shares_source": "source of the shares of hashrate by part",
        "missing": "what was not known",
    },
)
_TITLES = {
    "curve": "Hash supply curve",
    "rigs": "The network's rigs, the first to switch off on top",
    "assumptions": "Sensitivity of the share underwater",
    "own": "Your machines on the network's supply curve",
}
NOTES = {
    "curve": "Profitable: of what ran when hashrate was highest in a year. Bitcoin: its price at "
    "that hashprice, with difficulty and fees in bitcoin as now.",
    "rigs": "Off at: the hashprice that pays for it at the network's median power price. "
    "Underwater: of its machines, by what each owner pays for power.",
    "assumptions": sensitivity_note("Underwater"),
    "own": "Off at: break-even hashprice at your power price, with the nameplate's band. Cheaper: "
    "the network's machines that run for less. Pool fee, PUE and overheads count where the file "
    "has them.",
}


def supply(
    record: Record,
    *,
    show: str | None = None,
    power_price: float | None = None,
    fleet: Path | None = None,
    rigs: Path | None = None,
    power_prices: Path | None = None,
    seed: int = 1,
) -> Answer:
    """The hash supply curve as known at the record's moment, with 95% bands.

    show: the main table, one of ``TABLES``; None takes ``own`` with a power price or a fleet, else
    ``curve``. power_price: USD/kWh of your own contract. fleet, rigs, power_prices: TOML files.
    seed: of the draws. Raises UsageError, BadFigures, NoRigYet, TooFewDaysForFleet, NoHashprice.
    """
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices

    _check(show, own=fleet is not None or power_price is not None)
    catalogue = read_rigs(rigs)
    own = None if fleet is None else read_own_fleet(fleet, catalogue, power_price, record.at)
    study = study_supply(record, catalogue, read_power_prices(power_prices), seed=seed)
    if own is None and power_price is not None:
        listed = {rig.name for rig in study.rigs}
        network = tuple(rig for rig in study.supply.fleets.rigs if rig.name in listed)
        own = own_rigs(network, power_price)
    stands = () if own is None else standing(own, study.supply)
    return answer(record, study, show or ("curve" if own is None else "own"), own, stands)


def _check(show: str | None, *, own: bool) -> None:
    if show is not None:
        VIEW.ordered(show)
    if show == "own" and not own:
        raise UsageError(
            argument="--show",
            expected="your own machines with own",
            found=show,
            remedy="Give --fleet FILE or --power-price USD/KWH too.",
        )


def answer(
    record: Record,
    study: SupplyStudy,
    show: str = "curve",
    own: OwnFleet | None = None,
    stands: tuple[Standing, ...] = (),
) -> Answer:
    """The answer of a study that was computed. show: the main table."""
    keys = [show, *(key for key in TABLES if key != show and (key != "own" or stands))]
    return Answer(
        VIEW,
        record,
        f"{_TITLES[show]}, as known at {record.at_text}",
        tuple(table(study, key, stands) for key in keys),
        facts=facts(study),
        more=_power(study) | {"missing": list(study.lacks)},
        sentences=[*([] if own is None else [_own(study, own, stands)]), *sentences(study)],
        notes=[NOTES[show]],
        result=study,
    )


def facts(study: SupplyStudy) -> dict[str, Cell]:
    """Figures beside the rows, by the names of the view's facts."""
    known: dict[str, Cell] = {
        "hashrate": study.market.hashrate_ths * _EXA_IN_TERA,
        "highest_hashrate": study.market.peak_ths * _EXA_IN_TERA,
        "literature_elasticity": LITERATURE_ELASTICITY,
    }
    return VIEW.facts_of(study, known)


def _power(study: SupplyStudy) -> dict[str, object]:
    """What machines pay for power, by part of the network."""
    power = study.supply.power
    return {
        "power": [
            {
                "part": part.title,
                "share_fraction": part.share,
                "median_usd_per_kwh": part.usd_per_kwh,
                "spread_log_sd": part.spread,
                "judged": part.judged,
                "source": part.source,
            }
            for part in power.parts
        ],
        "shares_source": power.shares_source,
    }


def table(study: SupplyStudy, key: str, stands: tuple[Standing, ...] = ()) -> Table:
    """One of ``TABLES``."""
    rows: list[object] = []
    if key == "curve":
        rows += [
            (
                point.hashprice_usd_per_phs_day,
                point.price_usd_per_btc,
                point.paying,
                point.paying_ehs,
                band_of(dear := study.supply.under_water(point.hashprice_usd_per_phs_day)),
                float(dear.mean()),
            )
            for point in study.curve
        ]
    elif key == "rigs":
        rows += study.rigs
    elif key == "assumptions":
        rows += study.levers
    else:
        now = study.market.hashprice_usd_per_phs_day
        rows += [
            (
                stand.machines.rig.name,
                stand.machines.hashrate_ths,
                stand.machines.usd_per_kwh,
                stand.machines.efficiency_j_per_th,
                stand.cost_usd_per_phs_day,
                stand.cost_usd_per_phs_day.scaled(study.price_usd_per_btc / now),
                stand.cheaper,
                stand.pays,
                stand.cost_usd_per_phs_day.map(lambda cost: 1 - cost / now),
            )
            for stand in sorted(stands, key=lambda each: -each.cost_usd_per_phs_day.value)
        ]
    shown = rows[::_PEOPLE_STEP] if key == "curve" else None
    return Table(key, _TITLES[key], VIEW.tables[key], rows, shown=shown)


def sentences(study: SupplyStudy) -> list[str]:
    """What the study says, with bands and what it assumes."""
    market = study.market
    return [
        *underwater(study),
        _idle(market),
        f"At the margin, 1% less hashprice makes {study.elasticity.value:.2f}% of the profitable "
        f"hashrate unprofitable ({study.elasticity.low:.2f} to {study.elasticity.high:.2f}; "
        f"{LITERATURE}).",
        *_next(study),
        sensitivity_sentence(study),
        fleet_assumptions(study),
        *(f"Missing: {what}." for what in study.lacks),
    ]


def underwater(study: SupplyStudy) -> list[str]:
    """The share underwater and the hashrate at risk, a sentence each."""
    market = study.market
    return [
        f"At {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day, the hashprice of the last full "
        f"day ({day(market.day)}), {banded(study.under_water, FRACTION)} of the running hashrate "
        f"is underwater by the median of draws, {percent(study.under_water_mean)} by their mean.",
        f"Hashrate at risk, unprofitable but running: {banded(study.room_ehs, EXAHASHES, 3)} of "
        f"{market.hashrate_ths * _EXA_IN_TERA:,.0f} EH/s.",
    ]


def _idle(market: HashMarket) -> str:
    if market.idle < 0.005:
        return "Hashrate is at its highest 30-day mean of a year."
    return (
        f"Hashrate is {percent(market.idle)} below its highest 30-day mean of a year. How much of "
        "that were the most expensive machines is unknown: the draws take none to all of it."
    )


def _next(study: SupplyStudy) -> list[str]:
    now = study.market.hashprice_usd_per_phs_day
    gone = [rig.name for rig in study.rigs if rig.off_at_usd_per_phs_day.value > now]
    going = [rig for rig in study.rigs if rig.off_at_usd_per_phs_day.value <= now][:_NEXT]
    lines = []
    if gone:
        lines.append(f"Unprofitable at the network's median power price: {', '.join(gone)}.")
    if going:
        lines.append("Next to switch off:")
        lines += [f"  {_off_at(rig)}" for rig in going]
    return lines


def _off_at(rig: RigPoint) -> str:
    return (
        f"{rig.name}: below {banded(rig.off_at_usd_per_phs_day, USD_PER_PHS_DAY, 3)}, with bitcoin "
        f"at {banded(rig.off_at_usd_per_btc, USD_PER_BTC, 1)}"
    )


def sensitivity_sentence(study: SupplyStudy) -> str:
    """What the assumptions that matter most move."""
    parts = most_sensitive(study.levers[:_LEVERS])
    return f"Sensitivity of the share underwater (mean of lowest and highest fifth): {parts}."


def _own(study: SupplyStudy, own: OwnFleet, stands: tuple[Standing, ...]) -> str:
    """How many of a user's machines are profitable."""
    now = study.market.hashprice_usd_per_phs_day
    if own.contract:
        price = own.machines[0].usd_per_kwh if own.machines else 0.0
        best = now / (HOURS * price) if price else 0.0
        return (
            f"At {price:g} USD/kWh and {now:.2f} USD/PH/s/day machines of {best:.1f} J/TH or less "
            "are profitable, with no fee and no overhead."
        )
    total = sum(stand.machines.hashrate_ths for stand in stands)
    paying = sum(stand.machines.hashrate_ths for stand in stands if stand.pays)
    return (
        f"Of your {total:,.0f} TH/s, {percent(paying / total, 0)} are profitable at {now:.2f} "
        "USD/PH/s/day."
    )
