"""What the next retarget does, in rows and as a document, units in the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hashcanary.economics.draws import BAND_TEXT
from hashcanary.economics.market import CHANGE_YEARS
from hashcanary.economics.shutdown.payback import BLOCK_DAYS
from hashcanary.inference.retarget.hashprice_basis import FEE_DAYS
from hashcanary.moments import iso_day, iso_time
from hashcanary.report.rows import three
from hashcanary.units import EXAHASHES, FRACTION, USD_PER_BTC, USD_PER_MWH, USD_PER_PHS_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashcanary.inference.retarget.after import AfterRetarget, Floats, Quantiles, Then
    from hashcanary.interval import Interval
    from hashcanary.units import Unit

    Row = Mapping[str, object]

LEVEL_NAMES = ("low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95")
INTERVAL = f"central; {BAND_TEXT} and of the forecast of the retarget"
_FEES = f"not quantiles but the least and the most of fees of the last {FEE_DAYS} days"
_HELD, _MOVING = "after, price held", "after, price moving"


class Line(NamedTuple):
    """A figure's row: what it is, when and at which price, its unit, and its distribution, or its
    value with the ends of a band that is no quantile's.
    """

    what: str
    when: str
    unit: Unit
    quantiles: Quantiles | None
    band: Interval | None = None


def lines_of(found: AfterRetarget) -> list[Line]:
    """The figures, those of now above those after the retarget."""
    now = found.hashprice_now_usd_per_phs_day
    return [
        Line("change of difficulty", "after", FRACTION, found.change),
        Line("hashprice", "now", USD_PER_PHS_DAY, None, now),
        *_both(found, "hashprice", USD_PER_PHS_DAY, "hashprice_usd_per_phs_day"),
        Line("under water", "now", FRACTION, found.under_water_now),
        *_both(found, "under water", FRACTION, "under_water"),
        Line("under water", "now", EXAHASHES, found.under_water_now_ehs),
        *_both(found, "under water", EXAHASHES, "under_water_ehs"),
        Line("revenue of a MWh", "now", USD_PER_MWH, found.revenue_now_usd_per_mwh),
        *_both(found, "revenue of a MWh", USD_PER_MWH, "revenue_usd_per_mwh"),
        Line("price that offsets it", "after", USD_PER_BTC, found.offset_usd_per_btc),
        *_both(found, "change of what pays", FRACTION, "response"),
    ]


def _both(found: AfterRetarget, what: str, unit: Unit, name: str) -> list[Line]:
    lines = [Line(what, _HELD, unit, getattr(found.held, name))]
    if found.moving is not None:
        lines.append(Line(what, _MOVING, unit, getattr(found.moving, name)))
    return lines


def rows_of(found: AfterRetarget, shown: str) -> list[Row]:
    """The rows of a table: ``hashprice``, ``rigs`` or ``variance``."""
    if shown == "rigs":
        return rig_rows(found)
    return figure_rows(found) if shown == "hashprice" else part_rows(found)


def figure_rows(found: AfterRetarget) -> list[Row]:
    """A row a figure, its unit named; quantiles of draws."""
    rows: list[Row] = []
    for one in lines_of(found):
        values = {} if one.quantiles is None else _told(one.quantiles)
        if one.band is not None:
            values = {"low_95": one.band.low, "median": one.band.value, "high_95": one.band.high}
        rows.append(
            {
                "what": one.what,
                "when": one.when,
                "unit": one.unit.suffix,
                **values,
                "interval": INTERVAL if one.band is None else _FEES,
                "rests_on": _resting(found, one),
            }
        )
    return rows


def _resting(found: AfterRetarget, line: Line) -> str:
    """What a figure rests on, in words."""
    basis, block = found.basis, found.forecast.height
    if line.quantiles is found.change:
        return f"blocks and prices up to block {block}"
    price = "stated" if basis.stated else f"of {iso_day(basis.day)}"
    parts = [f"price {basis.price_usd_per_btc:,.0f} USD, {price}"]
    if line.when == _MOVING:
        parts.append(
            f"moving by stretches of up to {BLOCK_DAYS} days of its {CHANGE_YEARS} years, no drift"
        )
    if line.when != "now":
        parts.append(
            f"difficulty as forecast from block {block}, fees off their "
            f"{FEE_DAYS}-day median as in {CHANGE_YEARS} years"
        )
    if line.unit not in (USD_PER_PHS_DAY, USD_PER_BTC):
        parts.append(found.rests_on)
    return "; ".join(parts)


def rig_rows(found: AfterRetarget) -> list[Row]:
    """The network's rigs at its median power price, the first to go on top."""
    return [
        {
            "rig": one.name,
            **three("efficiency", "j_per_th", one.j_per_th),
            **three("off_at_now", "usd_per_btc", one.off_at_now_usd_per_btc),
            **three("off_at_after", "usd_per_btc", one.off_at_after_usd_per_btc),
            "pays_now_probability": one.pays_now,
            "pays_after_price_held_probability": one.pays_after,
            "pays_after_price_moving_probability": one.pays_moving,
            "crosses": one.crosses,
            "interval": INTERVAL,
            "rests_on": f"the network's median power price, price held; {found.rests_on}",
        }
        for one in found.rigs
    ]


_INPUTS = {
    "difficulty": "difficulty: luck of the blocks to come, and the rate until then",
    "price": "price until then",
    "fees": "fees of that day",
    "curve": "who runs what at which power price: the supply curve's priors",
}


def part_rows(found: AfterRetarget) -> list[Row]:
    """What the bands come from with the price moving: fractions of variance, the largest first."""
    rows: list[Row] = [
        {
            "input": name,
            "meaning": meaning,
            "of_hashprice_variance_fraction": found.hashprice_parts.get(name, 0.0),
            "of_under_water_variance_fraction": found.under_water_parts[name],
            "interval": "parts are known to about 0.01, from draws",
            "rests_on": f"inputs drawn apart, price moving; {found.rests_on}",
        }
        for name, meaning in _INPUTS.items()
        if name in found.under_water_parts
    ]
    return sorted(rows, key=lambda row: -float(str(row["of_under_water_variance_fraction"])))


def document(found: AfterRetarget) -> dict[str, object]:
    """The answer as JSON has it, units in the keys."""
    return {
        **_basis(found),
        "difficulty_change_fraction": _told(found.change),
        "day_after_days": _told(found.days),
        "running_hashrate_ehs": found.running_ehs,
        "under_water_now_fraction": _told(found.under_water_now),
        "under_water_now_ehs": _told(found.under_water_now_ehs),
        "revenue_now_usd_per_mwh": _told(found.revenue_now_usd_per_mwh),
        **three("network_efficiency", "j_per_th", found.network_j_per_th),
        "offset_price_usd_per_btc": _told(found.offset_usd_per_btc),
        "price_held": _then(found.held),
        "price_moving": None if found.moving is None else _then(found.moving),
        "under_water_worst_dependence_fraction": _told(found.worst),
        "under_water_best_dependence_fraction": _told(found.best),
        "if_all_under_water_stopped": None
        if found.stopped is None
        else {
            "difficulty_change_fraction": _told(found.stopped.change),
            "retarget_later_days": _told(found.stopped.later_days),
        },
        "hashprice_variance_fraction": found.hashprice_parts,
        "under_water_variance_fraction": found.under_water_parts,
        "rigs": rig_rows(found),
        "interval": INTERVAL,
        "draws": found.draws,
        "lacks": list(found.lacks),
    }


def _basis(found: AfterRetarget) -> dict[str, object]:
    """What is known when asked."""
    basis, forecast, now = found.basis, found.forecast, found.hashprice_now_usd_per_phs_day
    return {
        "height": forecast.height,
        "time": iso_time(round(forecast.time)),
        "retarget_height": forecast.retarget_height,
        "price_day": iso_day(basis.day),
        "price_usd_per_btc": basis.price_usd_per_btc,
        "price_is_stated": basis.stated,
        "difficulty_now_ratio_to_difficulty_one": basis.difficulty,
        "subsidy_now_btc_per_block": basis.subsidy_btc,
        "subsidy_after_btc_per_block": basis.subsidy_after_btc,
        "fees_now_btc_per_block": basis.fees_now_btc,
        "fees_low_btc_per_block": float(basis.fees_btc.min()),
        "fees_high_btc_per_block": float(basis.fees_btc.max()),
        "price_changes_known_count": int(basis.log_changes.size),
        "hashprice_now_usd_per_phs_day": now.value,
        "hashprice_now_low_usd_per_phs_day": now.low,
        "hashprice_now_high_usd_per_phs_day": now.high,
    }


def _then(then: Then) -> dict[str, object]:
    return {
        "hashprice_usd_per_phs_day": _told(then.hashprice_usd_per_phs_day),
        "under_water_fraction": _told(then.under_water),
        "under_water_ehs": _told(then.under_water_ehs),
        "under_water_change_fraction": _told(then.gain),
        "revenue_usd_per_mwh": _told(then.revenue_usd_per_mwh),
        "paying_hashrate_change_fraction": _told(then.response),
        "paying_hashrate_change_ehs": _told(then.response_ehs),
        "coming_back_ehs": _told(then.back_ehs),
        "paying_rises_probability": then.rises,
        "paying_falls_probability": then.falls,
        "paying_change_by_elasticity_fraction": _told(then.by_elasticity),
    }


def _told(one: Quantiles) -> dict[str, float]:
    return {**_levels(one.values), "mean": one.mean}


def _levels(values: Floats) -> dict[str, float]:
    return dict(zip(LEVEL_NAMES, values.tolist(), strict=True))
