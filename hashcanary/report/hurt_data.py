"""The columns that the charts of who is hurt draw: by week, and along the supply curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.moments import DAY
from hashcanary.report.charts.costs import COSTS, DRAWN, FAMILY, FITTED, key
from hashcanary.report.charts.stress import CUTS, FLEET, STRESS
from hashcanary.report.charts.supply import SUPPLY, supply_data
from hashcanary.report.document import Dataset, Series
from hashcanary.report.wording import harmless
from hashcanary.units import FRACTION, HASHRATE, INDEX_100, USD, USD_PER_BTC, USD_PER_PHS_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashcanary.economics.costs import ModelCosts
    from hashcanary.report.hurt import Hurt
    from hashcanary.units import Unit

_DIGITS = 5
# of shares and points, whose bands are wide
_FEW_DIGITS = 3
_WEEK = 7
_TITLES = {
    "price": "price",
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
    return _costs(found), _published(found), *_supply(found), _fleet(found), _stress(found)


def _costs(found: Hurt) -> Dataset:
    """By week, on the same day of each, and every day of the last one."""
    frame = pl.DataFrame({"time": []}) if found.costs is None else _frame(found.costs.history)
    return Dataset(
        "costs",
        frame["time"].to_list(),
        tuple(
            Series(
                name,
                _TITLES.get(name, name.replace("_", " ")),
                USD if name == "price" else USD_PER_BTC,
                _rounded(frame[name]) if name in frame.columns else [],
            )
            for name in COSTS.columns
        ),
    )


def _frame(history: Sequence[ModelCosts]) -> pl.DataFrame:
    """``time`` and the columns of the chart, from the first cost that is known."""
    by_name = {one.model.name: one.days for one in history}
    days = history[0].days
    columns = [pl.col("time"), pl.col("price_usd").alias("price")]
    nothing = pl.Series([None] * days.height, dtype=pl.Float64)
    for name, _ in DRAWN:
        model = by_name.get(name)
        for ending, column in (("", "cost"), ("_low", "low"), ("_high", "high")):
            values = nothing if model is None else model[f"{column}_usd_per_btc"]
            columns.append(pl.lit(values).alias(key(name) + ending))
    fitted = [
        # not what only later days could have told
        by_name[name].select(pl.when(~pl.col("hindsight")).then("cost_usd_per_btc")).to_series()
        for name in FITTED
        if name in by_name
    ] or [nothing]
    columns += [
        pl.min_horizontal(*map(pl.lit, fitted)).alias(FAMILY.low),
        pl.max_horizontal(*map(pl.lit, fitted)).alias(FAMILY.high),
    ]
    frame = days.select(columns)
    costs = [name for name in frame.columns if name not in ("time", "price")]
    known = frame.select(pl.any_horizontal(pl.col(costs).is_not_null())).to_series()
    first = known.arg_true()[:1]
    if first.is_empty():
        return frame.clear()
    last = frame.filter(known | pl.col("price").is_not_null())["time"][-1]
    return _weekly(frame[int(first[0]) :].filter(pl.col("time") <= last))


def _weekly(frame: pl.DataFrame) -> pl.DataFrame:
    """One day of each week, the same in every record, and every day of the last one."""
    time = pl.col("time")
    return frame.filter((time // DAY % _WEEK == 0) | (time > time.max() - _WEEK * DAY))


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


def _fleet(found: Hurt) -> Dataset:
    """Shares of ``FleetHistory``, under the names that they have there."""
    fleet, frame = found.fleet, pl.DataFrame({"time": []})
    if fleet is not None:
        columns = {name: getattr(fleet, name) for name in FLEET.columns}
        frame = _known(pl.DataFrame({"time": fleet.time, **columns}), FLEET.columns[0])
    return _of("fleet", frame, FLEET.columns, FRACTION)


def _stress(found: Hurt) -> Dataset:
    frame = pl.DataFrame({"time": []})
    if found.stress is not None:
        history = found.stress.history
        cuts = {line.column: history.cuts[at] for at, line in enumerate(CUTS)}
        gauge = {"gauge": history.gauge, "gauge_low": history.low, "gauge_high": history.high}
        frame = _known(pl.DataFrame({"time": history.time, **gauge, **cuts}), "gauge")
    return _of("stress", frame, STRESS.columns, INDEX_100)


def _known(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """By week, from the first to the last day on which a column is known."""
    frame = frame.with_columns(pl.all().exclude("time").fill_nan(None))
    known = frame[column].is_not_null().arg_true()
    return _weekly(frame[int(known[0]) : int(known[-1]) + 1] if known.len() else frame.clear())


def _of(name: str, frame: pl.DataFrame, columns: Sequence[str], unit: Unit) -> Dataset:
    return Dataset(
        name,
        frame["time"].to_list(),
        tuple(
            Series(
                column,
                column.replace("_", " "),
                unit,
                _rounded(frame[column], _FEW_DIGITS) if column in frame.columns else [],
            )
            for column in columns
        ),
    )


def _rounded(values: pl.Series, digits: int = _DIGITS) -> list[float | int | str | None]:
    """To what a reader can use; no figure where it is not known."""
    if values.dtype.is_float():
        values = values.fill_nan(None).round_sig_figs(digits)
    return values.to_list()
