"""Columns of the tables of ``hashcanary study hosting``, and their rows as people read them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashcanary.cli.banded import band_columns, lever_columns, resting, with_bands
from hashcanary.cli.forms import percent, percent_one, two_decimals, whole
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
    """The rows with each figure and its limits as one text."""
    return with_bands(rows, _BANDS, {})


def columns(shown: str) -> list[Column]:
    """Of a table: ``offers``, ``contracts``, ``assumptions`` or ``left``."""
    return [*_shown_columns(shown), *resting()]


def _hidden(found: list[Column]) -> list[Column]:
    return [replace(one, data_only=True) for one in found]


def _shown_columns(shown: str) -> list[Column]:
    if shown == "offers":
        return [
            Column("rent_usd_per_mwh", "USD/MWh", people=whole),
            Column("rent_usd_per_kw_month", "USD/kW-month", people=whole, spare=1),
            Column("rent_musd_per_mw_year", "million USD/MW/year", people=two_decimals, spare=5),
            *band_columns("margin", "usd_per_mwh", "margin, USD/MWh"),
            *band_columns("beaten", "fraction", "beats mining", spare=3),
            *band_columns("leaves", "fraction", "leaves"),
            Column("leaves_mean_fraction", "mean", people=percent_one, spare=4),
            *band_columns("leaves", "ehs", "EH/s", spare=2),
            *band_columns("hashprice_change", "fraction", "hashprice after", spare=6),
        ]
    if shown == "contracts":
        return _contract_columns()
    if shown == "assumptions":
        return [
            *lever_columns("leaves", "leaves", percent_one),
            Column("source", "source", data_only=True),
        ]
    return [
        Column("left_fraction", "left", people=percent),
        Column("selection", "who", spare=1),
        Column("difficulty_change_alone_fraction", "difficulty alone", people=_signed, spare=3),
        Column("hashprice_change_alone_fraction", "hashprice alone", people=_signed, spare=4),
        *band_columns("difficulty_change", "fraction", "difficulty"),
        *band_columns("hashprice_change", "fraction", "hashprice"),
        *band_columns("hashprice", "usd_per_phs_day", "USD/PH/s/day", spare=5),
        *band_columns("returned", "fraction", "returns", spare=2),
        *band_columns("under_water", "fraction", "under water"),
        Column("under_water_mean_fraction", "mean", people=percent_one, spare=6),
        Column("under_water_before_fraction", "before", data_only=True),
        Column("under_water_before_mean_fraction", "mean before", data_only=True),
        *band_columns("hashrate", "ehs", "EH/s", spare=7),
    ]


def _contract_columns() -> list[Column]:
    return [
        Column("published", "published", spare=2),
        Column("host", "host"),
        Column("tenant", "tenant", spare=3),
        Column("what", "what", wide=True, spare=1),
        Column("kind", "kind", spare=4),
        *band_columns("critical_it", "mw", "MW", spare=5),
        Column("term_years", "years", people=whole),
        Column("revenue_usd_per_year", "USD/year", data_only=True),
        *band_columns("rent", "usd_per_mwh", "USD/MWh"),
        *_hidden(band_columns("rent", "usd_per_kw_month", "USD/kW-month")),
        *band_columns("at_meter", "usd_per_mwh", "connection", spare=2),
        *band_columns("margin", "usd_per_mwh", "after building"),
        Column("capex_by", "capex", data_only=True),
        Column("power_by", "power by", spare=6),
        Column("pays_for", "pays for", data_only=True),
        Column("stated", "stated", data_only=True),
        Column("counted", "counted", data_only=True),
        Column("counted_or_why_not", "counted"),
        Column("another_reading", "another reading", data_only=True),
        Column("source", "source", data_only=True),
    ]


def _signed(value: object) -> str:
    return f"{float(str(value)):+.2%}"
