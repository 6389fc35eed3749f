"""The columns that the charts of who is hurt draw: by week, and along the supply curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.report.charts.costs import COSTS, FAMILY
from hashcanary.report.charts.stress import FLEET, STRESS
from hashcanary.report.charts.supply import SUPPLY, supply_data
from hashcanary.report.document import Dataset, Series
from hashcanary.units import FRACTION, HASHRATE, INDEX_100, USD, USD_PER_BTC, USD_PER_PHS_DAY
from hashcanary.views.text import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.report.charts.definition import Chart
    from hashcanary.report.hurt import Hurt
    from hashcanary.units import Unit

_DIGITS = 5
# of shares and points, whose bands are wide
_FEW_DIGITS = 3
_TITLES = {
    FAMILY.low: "lowest of the lines through past prices",
    FAMILY.high: "highest of the lines through past prices",
}
_UNITS: Mapping[str, Unit] = {
    "bitcoin": USD_PER_BTC,
    "paying": HASHRATE,
    "low": HASHRATE,
    "high": HASHRATE,
    "hashrate": HASHRATE,
    "hashprice": USD_PER_PHS_DAY,
}


def hurt_datasets(found: Hurt) -> tuple[Dataset, ...]:
    """Everything the chapter's charts draw; empty columns where nothing is known."""
    years = found.years
    return (
        _of("costs", years.cost_days, COSTS, USD_PER_BTC, _DIGITS),
        _published(found),
        *_supply(found),
        _of("fleet", years.fleet_days, FLEET, FRACTION, _FEW_DIGITS),
        _of("stress", years.stress_days, STRESS, INDEX_100, _FEW_DIGITS),
    )


def _of(name: str, days: pl.DataFrame, chart: Chart, unit: Unit, digits: int) -> Dataset:
    return Dataset(
        name,
        days["time"].to_list(),
        tuple(
            Series(
                column,
                _TITLES.get(column, column.replace("_", " ")),
                USD if column == "price" else unit,
                _rounded(days[column], digits) if column in days.columns else [],
            )
            for column in chart.columns
        ),
    )


def _published(found: Hurt) -> Dataset:
    shown = sorted(found.published, key=lambda one: one.day)
    return Dataset(
        "published_costs",
        [one.day for one in shown],
        (
            Series("who", "published by", None, [harmless(one.title) for one in shown]),
            Series("usd_per_btc", "as published", USD_PER_BTC, [one.usd_per_btc for one in shown]),
        ),
    )


def _supply(found: Hurt) -> tuple[Dataset, ...]:
    study = found.supply
    rows = {name: [] for name in SUPPLY.datasets} if study is None else supply_data(study)
    here = None if study is None else study.market.hashprice_usd_per_phs_day
    return tuple(_along(name, rows[name], here) for name in SUPPLY.datasets)


_SUPPLY_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "supply": SUPPLY.columns,
    "supply_now": ("hashprice", "hashrate"),
    "supply_rigs": ("hashprice", "low", "high", "rig"),
}


def _along(name: str, rows: Sequence[Mapping[str, object]], here: float | None) -> Dataset:
    of_rigs = name == "supply_rigs"
    return Dataset(
        name,
        [],
        tuple(
            Series(
                column,
                column,
                None if column == "rig" else USD_PER_PHS_DAY if of_rigs else _UNITS[column],
                _rounded(pl.Series([row[column] for row in rows], dtype=None, strict=False)),
            )
            for column in _SUPPLY_COLUMNS[name]
        ),
        along="hashprice",
        here=here,
    )


def _rounded(values: pl.Series, digits: int = _DIGITS) -> list[float | int | str | None]:
    """To what a reader can use; no figure where it is not known."""
    if values.dtype.is_float():
        values = values.fill_nan(None).round_sig_figs(digits)
    return values.to_list()
