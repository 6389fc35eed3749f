"""Which share of the coins mined is sold to pay for power, by margin of the machines."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.priors import read_priors
from hashcanary.economics.selling.study import Beside, ClassSold, SellingStudy, study_selling
from hashcanary.interval import Interval
from hashcanary.moments import DAY
from hashcanary.units import (
    BTC_PER_DAY,
    COUNT,
    DATE,
    DAYS,
    FRACTION,
    USD_PER_BTC,
    USD_PER_DAY,
    USD_PER_PHS_DAY,
)
from hashcanary.views.answer import Answer, View
from hashcanary.views.supply import fleet_assumptions, most_sensitive, sensitivity, sensitivity_note
from hashcanary.views.table import Cell, Column, Table
from hashcanary.views.text import banded, count, day, decimals, percent, period, with_ends

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hashcanary.store.record import Record

_LEVERS = 3
_MILLION = 1e6
_MEAN = f"mean, and ends of {BAND_TEXT}"
_KINDS = {
    "power_of_revenue": "power / revenue",
    "power_of_costs": "power / cash costs",
    "sold_of_mined": "sold / mined",
}


def _share(name: str, title: str, digits: int = 0, spare: int = 0, get: str = "") -> Column:
    return Column(name, title, FRACTION, get or name, _MEAN, digits=digits, spare=spare)


def _coins(name: str, title: str, digits: int = 0, spare: int = 0, get: str = "") -> Column:
    read, text = f"{get or name}_btc_per_day", decimals(digits)
    return Column(name, title, BTC_PER_DAY, read, _MEAN, text=text, spare=spare)


def _millions(spare: int) -> Column:
    read, text = "power_usd_per_day", decimals(1, 1 / _MILLION)
    title = "million USD/day"
    return Column("forced_selling", title, USD_PER_DAY, read, _MEAN, text=text, spare=spare)


def _fact(name: str, title: str, get: str | None = None) -> Column:
    return Column(name, title, FRACTION, get, _MEAN)


def _period(row: Beside) -> str:
    return period(row.published.first, row.published.last) or "at all times"


def _last_day(row: Beside) -> int | None:
    return None if row.published.last is None else row.published.last - DAY


def _stated(row: Beside) -> str:
    low, high = percent(row.published.low, 0), percent(row.published.high, 0)
    return low if low == high else f"{low} to {high}"


_HASHPRICE = "supply.market.hashprice_usd_per_phs_day"
_EACH_DAY = "number of draws of each day of the history"
VIEW = View(
    "selling",
    "study selling",
    "Which share of production is sold to pay for power?",
    facts=(
        Column("day", "day of the hashprice", DATE, "supply.market.day"),
        Column("hashprice", "hashprice", USD_PER_PHS_DAY, _HASHPRICE),
        Column("price", "price of bitcoin", USD_PER_BTC, "supply.price_usd_per_btc"),
        Column("mined", "production", BTC_PER_DAY),
        _fact("forced_selling", "share of production needed for power", "power"),
        _fact("with_overheads", "the same for power, site and staff, administration", "whole"),
        _fact("shortfall", "cost of power beyond what is mined, of all coins mined"),
        _fact("overheads", "site, staff and administration / power"),
        _fact("rank", "days before with a lower share", "standing.rank"),
        Column("rank_day", "day that is ranked", DATE, "standing.day"),
        Column("rank_since", "first day of the comparison", DATE, "standing.since"),
        Column("compared", "days of the comparison", DAYS, "standing.days"),
        Column("draws", "number of draws", COUNT, "supply.supply.left.size"),
        Column("history_draws", _EACH_DAY, COUNT, "through_time.draws"),
    ),
    tables={
        "classes": (
            Column("class", "class", get="name", hidden=True),
            Column("margin", "margin", get="title"),
            _share("share", "hashrate"),
            _coins("mined", "mined", spare=2),
            _coins("pool", "pools' fees", 1, 6),
            _coins("forced_selling", "forced selling", get="power"),
            _coins("with_overheads", "with overheads", spare=3, get="whole"),
            _coins("free", "free", spare=1),
            _coins("shortfall", "shortfall", 1, 4),
            _millions(5),
        ),
        "drops": (
            Column("drop", "drop in price", FRACTION, "fall", digits=0),
            Column("price", "bitcoin", USD_PER_BTC, spare=4),
            Column("hashprice", "hashprice", USD_PER_PHS_DAY, digits=3, spare=5),
            _share("underwater", "underwater"),
            _share("forced_selling", "forced selling", get="power"),
            _share("with_overheads", "with overheads", spare=2, get="whole"),
            _share("shortfall", "shortfall", 1, 3),
            _coins("forced_selling", "forced selling", spare=1, get="power"),
            _millions(6),
        ),
        "history": (
            Column("day", "day", DATE),
            Column("forced_selling", "forced selling", FRACTION, limits=_MEAN, digits=0),
            Column("forced_selling", "forced selling", BTC_PER_DAY, limits=_MEAN, digits=3),
            Column("mined", "mined", BTC_PER_DAY, digits=3, spare=2),
            Column("underwater", "underwater", FRACTION, limits=_MEAN, digits=0, spare=1),
            Column("hashprice", "hashprice", USD_PER_PHS_DAY, digits=3, spare=3),
            Column("hindsight", "uses power prices published later", hidden=True),
        ),
        "published": (
            Column("who", "who", get="published.who", wide=True),
            Column("what", "what", get=lambda row: _KINDS[row.published.kind], wide=True),
            Column("whose", "of", get="published.whose", spare=1),
            Column("period", "period", get=_period, wide=True),
            Column("first", "first day", DATE, "published.first", hidden=True),
            Column("last", "last day", DATE, _last_day, hidden=True),
            Column("published", "published", get=_stated),
            Column("published_low", "published, low", FRACTION, "published.low", hidden=True),
            Column("published_high", "published, high", FRACTION, "published.high", hidden=True),
            Column("ours", "ours", FRACTION, limits=_MEAN, digits=0),
            Column("known", "known", DATE, lambda row: row.published.known - DAY, spare=2),
            Column("source", "source", get="published.source", hidden=True),
        ),
        "assumptions": sensitivity("forced_selling", "forced selling", FRACTION, 0),
    },
    more={"missing": "what was not known"},
)
TABLES = tuple(VIEW.tables)
_TITLES = {
    "classes": "Production and forced selling, by margin of the machines",
    "drops": "Forced selling after a drop in price",
    "history": "Forced selling, day by day",
    "published": "Published shares and ours",
    "assumptions": "Sensitivity of the share of production needed for power",
}
_NOTES = {
    "classes": "Margin: of the hashprice, after power, other costs that end when a machine is off, "
    "and the pool's fee. Values are means, which add up. With overheads: site, staff and "
    "administration too. Shortfall: cost of power beyond the coins mined.",
    "drops": "Difficulty, fees in bitcoin and machines as now. Shortfall: cost of power beyond the "
    "coins mined, of all coins mined.",
    "history": "Each day as known at its end, since January 2017, when regional power prices are "
    "first known. The table has the first day of each quarter; --csv and --json have every day.",
    "published": "Ours: share needed for power, mean of the same days (of cash costs: power / "
    "power, site, staff and administration). Coins sold and coins that pay for power differ.",
    "assumptions": sensitivity_note("Forced selling"),
}
_EMPTY = {
    "history": "No day since January 2017 is known.",
    "published": "No such figure was public yet.",
}


def selling(
    record: Record,
    *,
    show: str = "classes",
    rigs: Path | None = None,
    power_prices: Path | None = None,
    assumptions: Path | None = None,
    seed: int = 1,
) -> Answer:
    """Share of production needed for power as known at the record's moment, with 95% bands.

    show: the main table, one of ``TABLES``. rigs, power_prices, assumptions: TOML files in place of
    the built-in figures. seed: of the draws. Raises UsageError, BadFigures, NoRigYet,
    TooFewDaysForFleet, NoHashprice.
    """
    from hashcanary.economics.costs.stated import read_assumptions
    from hashcanary.economics.machines.rigs import read_rigs
    from hashcanary.economics.power.prices import read_power_prices

    VIEW.ordered(show)
    catalogue, prices = read_rigs(rigs), read_power_prices(power_prices)
    study = study_selling(record, catalogue, prices, read_assumptions(assumptions), seed=seed)
    return answer(record, study, show)


def answer(record: Record, study: SellingStudy, show: str = "classes") -> Answer:
    """The answer of a study that was computed. show: the main table."""
    return Answer(
        VIEW,
        record,
        f"{_TITLES[show]}, as known at {record.at_text}",
        tuple(table(study, key) for key in VIEW.ordered(show)),
        facts=VIEW.facts_of(study),
        more={"missing": list(study.missing)},
        sentences=sentences(study, through_time=show in _EMPTY),
        notes=[_NOTES[show]],
        result=study,
    )


def table(study: SellingStudy, key: str) -> Table:
    """One of ``TABLES``."""
    rows: Sequence[object]
    if key == "classes":
        rows = (*study.classes, study.total)
    elif key == "history":
        rows = _history(study)
    elif key == "published":
        rows = study.beside
    else:
        rows = study.falls if key == "drops" else study.levers
    shown = _quarters(rows) if key == "history" else None
    return Table(key, _TITLES[key], VIEW.tables[key], rows, empty=_EMPTY.get(key, ""), shown=shown)


def _history(study: SellingStudy) -> list[tuple[Cell, ...]]:
    """Every day that is known, as known then."""
    past = study.through_time
    forced = zip(past.must_sell, past.must_sell_low, past.must_sell_high, strict=True)
    below = zip(past.under_water, past.under_water_low, past.under_water_high, strict=True)
    every = zip(
        past.time.tolist(),
        (Interval(float(value), float(low), float(high)) for value, low, high in forced),
        study.through_time_mined_btc_per_day.tolist(),
        (Interval(float(value), float(low), float(high)) for value, low, high in below),
        past.hashprice_usd_per_phs_day.tolist(),
        past.hindsight.tolist(),
        strict=True,
    )
    return [
        (at, share, share.scaled(mined), mined, *rest)
        for at, share, mined, *rest in every
        if isfinite(share.value)
    ]


def _quarters(rows: Sequence[Any]) -> list[Any]:
    """Of rows by day the first of each quarter and the last one."""
    first: dict[tuple[int, int], Any] = {}
    for row in rows:
        when = datetime.fromtimestamp(row[0], UTC)
        first.setdefault((when.year, (when.month - 1) // 3), row)
    shown = list(first.values())
    return shown if not rows or shown[-1] is rows[-1] else [*shown, rows[-1]]


def by_margin(rows: Sequence[ClassSold], since: int) -> Table:
    """The table of the report: classes of margins, all of them last. since: day of the hashprice,
    Unix seconds.
    """
    return Table(
        key="selling",
        title="Forced selling: coins needed to pay for power, by margin",
        columns=(
            Column("margin", "machines by margin"),
            Column("mined", "of production", FRACTION, limits=_MEAN),
            Column("forced_selling", "forced selling, of all production", FRACTION, limits=_MEAN),
            Column("forced_selling", "forced selling", BTC_PER_DAY, limits=_MEAN, digits=3),
        ),
        rows=tuple((row.title, row.share, row.power, row.power_btc_per_day) for row in rows),
        note=(
            f"Means, and {BAND_TEXT}. Hashprice of {day(since)}; margin: of the hashprice, after "
            "running costs. A bound, not a measurement: owners with other money need sell none. "
            "With overheads, after a drop in price, through time: hashcanary study selling."
        ),
        empty="Nothing is known.",
    )


def sentences(study: SellingStudy, *, through_time: bool = False) -> list[str]:
    """What the study says, with bands and what it assumes. through_time: of the days before."""
    total = study.total
    dollars = total.power_usd_per_day.scaled(1 / _MILLION)
    return [
        f"Forced selling: {_percent(study.power)} of production is needed to pay for power, "
        f"{_btc(total.power_btc_per_day)} of {study.mined_btc_per_day:,.0f} BTC a day.",
        f"At {study.supply.price_usd_per_btc:,.0f} USD/BTC that is {dollars.value:,.1f} "
        f"({dollars.low:,.1f} to {dollars.high:,.1f}) million USD a day; hashprice is "
        f"{study.supply.market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day.",
        f"With site, staff and administration, {_percent(study.overheads)} of the cost of power: "
        f"{_percent(study.whole)} of production, {_btc(total.whole_btc_per_day)} a day.",
        f"Power leaves {_btc(total.free_btc_per_day)} a day free to hold or to sell; pools keep "
        "the rest.",
        *_underwater(study),
        _standing(study),
        "This is a bound, not a measurement: owners with other money need sell none, and those "
        "with debt may sell more.",
        _past() if through_time else fleet_assumptions(study.supply),
        "Figures before the limits are means.",
        _sensitivity(study),
        *(f"Missing: {what}." for what in study.missing),
    ]


def _underwater(study: SellingStudy) -> list[str]:
    below = study.classes[0]
    if below.share.high < 1e-3:
        return ["No hashrate is underwater: every machine pays for its power from what it mines."]
    return [
        f"Underwater: {_percent(below.share)} of the hashrate, which mines "
        f"{below.mined_btc_per_day.value:,.0f} BTC a day and needs {_btc(below.power_btc_per_day)} "
        "of them for power.",
        f"Its power costs {_btc(below.shortfall_btc_per_day, 1)} a day more than that: paid from a "
        "treasury or other money, or the machines stop.",
    ]


def _standing(study: SellingStudy) -> str:
    standing = study.standing
    if standing is None:
        return "Too few days are known to rank the share among them."
    return (
        f"On {day(standing.day)} the share was higher than on {_percent(standing.rank)} of the "
        f"{count(standing.days, 'day')} since {day(standing.since)}, each as known then."
    )


def _past() -> str:
    fee = read_priors().supply["pool_fee"].median
    return (
        "Assumptions: the fleet of each month from release dates, regional power prices, hashrate "
        f"and hashprice, all as known then; power alone, pool fee {percent(fee)}."
    )


def _sensitivity(study: SellingStudy) -> str:
    parts = most_sensitive(study.levers[:_LEVERS], 0)
    return f"Sensitivity of the share (mean of lowest and highest fifth): {parts}."


def _percent(band: Interval) -> str:
    return banded(band, FRACTION, 0)


def _btc(band: Interval, digits: int = 0) -> str:
    return with_ends(band, decimals(digits), " BTC")
