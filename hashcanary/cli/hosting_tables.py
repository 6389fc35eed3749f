"""Columns of the tables of ``hashcanary study hosting``, and their rows as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.cli.output import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashcanary.cli.output import Row

# name, unit and form of figures whose limits people read in the same cell
_BANDS: dict[tuple[str, str], str] = {
    ("margin", "usd_per_mwh"): ".0f",
    ("beaten", "fraction"): ".0%",
    ("leaves", "fraction"): ".1%",
    ("leaves", "ehs"): ",.0f",
    ("hashprice_change", "fraction"): "+.1%",
    ("difficulty_change", "fraction"): "+.1%",
    ("hashprice", "usd_per_phs_day"): ".2f",
    ("under_water", "fraction"): ".0%",
    ("returned", "fraction"): ".1%",
    ("hashrate", "ehs"): ",.0f",
    ("at_meter", "usd_per_mwh"): ".0f",
    ("rent", "usd_per_mwh"): ".0f",
    ("critical_it", "mw"): ".0f",
}


def for_people(rows: Sequence[Row]) -> list[Row]:
    """The rows with each figure and its limits as one text; a figure that is exact without."""
    told: list[Row] = []
    for row in rows:
        cells = dict(row)
        for (name, unit), form in _BANDS.items():
            keys = [f"{name}{end}_{unit}" for end in ("", "_low", "_high")]
            if all(key in row for key in keys):
                value, low, high = (format(row[key], form) for key in keys)
                cells[keys[0]] = value if low == value == high else f"{value} ({low} to {high})"
        told.append(cells)
    return told


def columns(shown: str) -> list[Column]:
    """Of a table: ``offers``, ``contracts``, ``assumptions`` or ``left``."""
    if shown == "offers":
        return [
            Column("rent_usd_per_mwh", "USD/MWh", people=_whole),
            Column("rent_usd_per_kw_month", "USD/kW-month", people=_whole, spare=1),
            Column("rent_musd_per_mw_year", "million USD/MW/year", people=_two, spare=5),
            *_band("margin", "usd_per_mwh", "margin, USD/MWh"),
            *_band("beaten", "fraction", "beats mining", spare=3),
            *_band("leaves", "fraction", "leaves"),
            Column("leaves_mean_fraction", "mean", people=_percent_one, spare=4),
            *_band("leaves", "ehs", "EH/s", spare=2),
            *_band("hashprice_change", "fraction", "hashprice after", spare=6),
        ]
    if shown == "contracts":
        return _contract_columns()
    if shown == "assumptions":
        return [
            Column("assumption", "assumption", wide=True),
            Column("name", "name", data_only=True),
            Column("low", "from", people=_three_digits),
            Column("high", "to", people=_three_digits),
            Column("leaves_at_low_fraction", "leaves at", people=_percent_one),
            Column("leaves_at_high_fraction", "at", people=_percent_one),
            Column("variance_explained_fraction", "of variance", people=_percent, spare=1),
            Column("source", "source", data_only=True),
        ]
    return [
        Column("left_fraction", "left", people=_percent),
        Column("selection", "who", spare=1),
        Column("difficulty_change_alone_fraction", "difficulty alone", people=_signed, spare=3),
        Column("hashprice_change_alone_fraction", "hashprice alone", people=_signed, spare=4),
        *_band("difficulty_change", "fraction", "difficulty"),
        *_band("hashprice_change", "fraction", "hashprice"),
        *_band("hashprice", "usd_per_phs_day", "USD/PH/s/day", spare=5),
        *_band("returned", "fraction", "returns", spare=2),
        *_band("under_water", "fraction", "under water"),
        Column("under_water_mean_fraction", "mean", people=_percent_one, spare=6),
        Column("under_water_before_fraction", "before", data_only=True),
        Column("under_water_before_mean_fraction", "mean before", data_only=True),
        *_band("hashrate", "ehs", "EH/s", spare=7),
    ]


def _contract_columns() -> list[Column]:
    return [
        Column("published", "published", spare=2),
        Column("host", "host"),
        Column("tenant", "tenant", spare=3),
        Column("what", "what", wide=True, spare=1),
        Column("kind", "kind", spare=4),
        *_band("critical_it", "mw", "MW", spare=5),
        Column("term_years", "years", people=_whole),
        Column("revenue_usd_per_year", "USD/year", data_only=True),
        *_band("rent", "usd_per_mwh", "USD/MWh"),
        *_band("rent", "usd_per_kw_month", "USD/kW-month", hidden=True),
        *_band("at_meter", "usd_per_mwh", "connection", spare=2),
        *_band("margin", "usd_per_mwh", "after building"),
        Column("capex_by", "capex", data_only=True),
        Column("power_by", "power by", spare=6),
        Column("pays_for", "pays for", data_only=True),
        Column("stated", "stated", data_only=True),
        Column("counted", "counted", data_only=True),
        Column("counted_or_why_not", "counted"),
        Column("another_reading", "another reading", data_only=True),
        Column("source", "source", data_only=True),
    ]


def _band(
    name: str, unit: str, title: str, spare: int = 0, *, hidden: bool = False
) -> list[Column]:
    """A figure, and its limits, which people read in the same cell."""
    return [
        Column(f"{name}_{unit}", title, spare=spare, data_only=hidden),
        Column(f"{name}_low_{unit}", "low", data_only=True),
        Column(f"{name}_high_{unit}", "high", data_only=True),
    ]


def _two(value: object) -> str:
    return f"{float(str(value)):,.2f}"


def _three_digits(value: object) -> str:
    return f"{float(str(value)):.3g}"


def _whole(value: object) -> str:
    return f"{float(str(value)):,.0f}"


def _percent(value: object) -> str:
    return f"{float(str(value)):.0%}"


def _percent_one(value: object) -> str:
    return f"{float(str(value)):.1%}"


def _signed(value: object) -> str:
    return f"{float(str(value)):+.2%}"
