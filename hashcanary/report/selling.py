"""What of the coins mined must be sold, in words and rows."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.priors import parameter_units
from hashcanary.economics.supply.study import assumptions
from hashcanary.interval import Interval
from hashcanary.moments import DAY, iso_day
from hashcanary.report.rows import three

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.economics.selling.study import Beside, ClassSold, SellingStudy

    Row = Mapping[str, object]

_LEVERS = 3
_MILLION = 1e6
_INTERVAL = f"mean, and ends of {BAND_TEXT}"
_MIDDLE = "of the assumption: middle 60% of draws; must sell: mean of draws at either end"
_PAST = (
    "fleets of each month from rigs.toml, prices of power by region from power_prices.toml, "
    "hashrate and hashprice, all as known then; power alone, pool fee 1.5%"
)
_KINDS = {
    "power_of_revenue": "power, of revenue",
    "power_of_costs": "power, of cash costs",
    "sold_of_mined": "sold, of mined",
}


def rows_of(study: SellingStudy, shown: str) -> list[Row]:
    """The rows of a table: classes, falls, history, published or assumptions."""
    rows = {
        "classes": class_rows,
        "falls": fall_rows,
        "history": history_rows,
        "published": published_rows,
        "assumptions": lever_rows,
    }[shown](study)
    interval = _MIDDLE if shown == "assumptions" else _INTERVAL
    said = _PAST if shown in ("history", "published") else assumptions(study.supply)
    return [{**row, "interval": interval, "rests_on": said} for row in rows]


def class_rows(study: SellingStudy) -> list[Row]:
    """What becomes of the coins of each class of machines; the last row is of all."""
    price = study.supply.price_usd_per_btc
    return [_class_row(one, price) for one in (*study.classes, study.total)]


def _class_row(one: ClassSold, price: float) -> Row:
    sold = one.power_btc_per_day.scaled(price)
    return {
        "class": one.name,
        "margin": one.title,
        **three("share", "fraction", one.share),
        **three("mined", "btc_per_day", one.mined_btc_per_day),
        **three("pool", "btc_per_day", one.pool_btc_per_day),
        **three("must_sell", "btc_per_day", one.power_btc_per_day),
        **three("with_overheads", "btc_per_day", one.whole_btc_per_day),
        **three("free", "btc_per_day", one.free_btc_per_day),
        **three("lacks", "btc_per_day", one.lacks_btc_per_day),
        **three("must_sell", "usd_per_day", sold),
    }


def fall_rows(study: SellingStudy) -> list[Row]:
    """What a fall of the price does, at the same difficulty."""
    return [
        {
            "fall_fraction": one.fall,
            "price_usd_per_btc": one.price_usd_per_btc,
            "hashprice_usd_per_phs_day": one.hashprice_usd_per_phs_day,
            **three("under_water", "fraction", one.under_water),
            **three("must_sell", "fraction", one.power),
            **three("with_overheads", "fraction", one.whole),
            **three("lacks", "fraction", one.lacks),
            **three("must_sell", "btc_per_day", one.power_btc_per_day),
            **three("must_sell", "usd_per_day", one.power_usd_per_day),
        }
        for one in study.falls
    ]


def history_rows(study: SellingStudy) -> list[Row]:
    """Every day that is known, as known then."""
    past = study.through_time
    rows: list[Row] = []
    for at, mined in enumerate(study.through_time_mined_btc_per_day.tolist()):
        sold = Interval(
            float(past.must_sell[at]), float(past.must_sell_low[at]), float(past.must_sell_high[at])
        )
        if not isfinite(sold.value):
            continue
        under = Interval(
            float(past.under_water[at]),
            float(past.under_water_low[at]),
            float(past.under_water_high[at]),
        )
        rows.append(
            {
                "day": iso_day(int(past.time[at])),
                **three("must_sell", "fraction", sold),
                **three("must_sell", "btc_per_day", sold.scaled(mined)),
                "mined_btc_per_day": mined,
                **three("under_water", "fraction", under),
                "hashprice_usd_per_phs_day": float(past.hashprice_usd_per_phs_day[at]),
                "hindsight": bool(past.hindsight[at]),
            }
        )
    return rows


def published_rows(study: SellingStudy) -> list[Row]:
    """Figures that others published, beside ours of the same days."""
    return [_published_row(one) for one in study.beside]


def _published_row(one: Beside) -> Row:
    said, ours = one.published, one.ours
    days = "at all times"
    if said.first is not None and said.last is not None:
        days = _span(said.first, said.last)
    low, high = f"{said.low:.0%}", f"{said.high:.0%}"
    return {
        "who": said.who,
        "what": _KINDS[said.kind],
        "whose": said.whose,
        "days": days,
        "published": low if low == high else f"{low} to {high}",
        "published_low_fraction": said.low,
        "published_high_fraction": said.high,
        **({} if ours is None else three("ours", "fraction", ours)),
        "known": iso_day(said.known - DAY),
        "source": said.source,
    }


def _span(first: int, end: int) -> str:
    """Days as people read them: whole months by their names."""
    begin, last = iso_day(first), iso_day(end - DAY)
    if begin.endswith("-01") and iso_day(end).endswith("-01"):
        begin, last = begin[:7], last[:7]
    return begin if begin == last else f"{begin} to {last}"


def lever_rows(study: SellingStudy) -> list[Row]:
    """What the share that must be sold rests on, what moves it most on top."""
    units = parameter_units()
    return [
        {
            "assumption": one.meaning,
            "name": one.name,
            "low": one.low,
            "high": one.high,
            "unit": units[one.name].suffix,
            "must_sell_at_low_fraction": one.at_low,
            "must_sell_at_high_fraction": one.at_high,
            "variance_explained_fraction": one.part,
        }
        for one in study.levers
    ]


def sentences(study: SellingStudy) -> list[str]:
    """What the study says, with bands and what it rests on."""
    total, market = study.total, study.supply.market
    power, whole = total.power_btc_per_day, total.whole_btc_per_day
    dollars = study.falls[0].power_usd_per_day
    return [
        f"Must be sold to pay for power: {_percent(study.power)} of {study.mined_btc_per_day:,.0f} "
        f"BTC mined a day at {market.hashprice_usd_per_phs_day:.2f} USD/PH/s/day: {_btc(power)} "
        f"a day, {dollars.value / _MILLION:,.1f} ({dollars.low / _MILLION:,.1f} to "
        f"{dollars.high / _MILLION:,.1f}) million USD. With site, staff and administration, "
        f"{study.overheads.value:.0%} ({study.overheads.low:.0%} to {study.overheads.high:.0%}) of "
        f"power: {_percent(study.whole)}, {_btc(whole)}. Free of power: "
        f"{_btc(total.free_btc_per_day)}; pools keep the rest.",
        _under_water(study),
        _standing(study),
        "A bound, not a measurement: owners with other money need sell none, and those with debt "
        "must sell more.",
        f"Rests on: {assumptions(study.supply)}. Figures before the limits are means.",
        _moves(study),
        *(f"Lacks: {one}." for one in study.lacks_of),
    ]


def _under_water(study: SellingStudy) -> str:
    below = study.classes[0]
    lacks = below.lacks_btc_per_day
    if below.share.high < 1e-3:
        return "Under water: none of the hashrate; all of it pays its power from what it mines."
    return (
        f"Under water: {_percent(below.share)} of the hashrate. Of the "
        f"{below.mined_btc_per_day.value:,.0f} BTC that it mines a day it must sell "
        f"{_btc(below.power_btc_per_day)}, and its power costs {_small(lacks)} more: from a "
        "treasury, from another purse, or it stops."
    )


def _standing(study: SellingStudy) -> str:
    standing = study.standing
    if standing is None:
        return "Too few days are known to say where that stands among others."
    return (
        f"On {iso_day(standing.day)} more than on {_percent(standing.rank)} of the "
        f"{standing.days:,} days before, since {iso_day(standing.since)}, each as known then."
    )


def _moves(study: SellingStudy) -> str:
    parts = "; ".join(
        f"{one.meaning}, {one.low:.3g} to {one.high:.3g}: {one.at_low:.0%} to {one.at_high:.0%}"
        for one in study.levers[:_LEVERS]
    )
    return f"Moves the share most (mean of lowest and highest fifth): {parts}."


def document(study: SellingStudy) -> dict[str, object]:
    """The study as JSON has it, units in the keys."""
    market, standing = study.supply.market, study.standing
    return {
        "day": iso_day(market.day),
        "hashprice_usd_per_phs_day": market.hashprice_usd_per_phs_day,
        "price_usd_per_btc": study.supply.price_usd_per_btc,
        "mined_btc_per_day": study.mined_btc_per_day,
        **three("must_sell", "fraction", study.power),
        **three("with_overheads", "fraction", study.whole),
        **three("lacks", "fraction", study.lacks),
        **three("overheads", "fraction_of_power", study.overheads),
        "rank": None
        if standing is None
        else {
            "day": iso_day(standing.day),
            "since": iso_day(standing.since),
            "days": standing.days,
            **three("rank", "fraction", standing.rank),
        },
        "interval": _INTERVAL,
        "draws": int(study.supply.supply.left.size),
        "history_draws": study.through_time.draws,
        "assumptions": assumptions(study.supply),
        "sentences": sentences(study),
        "lacks_of": list(study.lacks_of),
        "classes": class_rows(study),
        "falls": fall_rows(study),
        "published": published_rows(study),
        "assumptions_moved": lever_rows(study),
    }


def of_quarters(rows: Sequence[Row]) -> list[Row]:
    """Of rows by day the first of each quarter and the last one."""
    found: list[Row] = []
    seen = ""
    for row in rows:
        year, month, _ = str(row["day"]).split("-")
        quarter = f"{year}-{(int(month) - 1) // 3}"
        if quarter != seen:
            found.append(row)
            seen = quarter
    return found if not rows or found[-1] is rows[-1] else [*found, rows[-1]]


def _percent(band: Interval) -> str:
    return f"{band.value:.0%} ({band.low:.0%} to {band.high:.0%})"


def _btc(band: Interval) -> str:
    return f"{band.value:,.0f} BTC ({band.low:,.0f} to {band.high:,.0f})"


def _small(band: Interval) -> str:
    return f"{band.value:,.1f} BTC ({band.low:,.1f} to {band.high:,.1f})"
