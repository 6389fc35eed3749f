"""The fleet through time as components read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from hashcanary.economics.supply.fleet_history import FIRST_DAY
from hashcanary.moments import iso_day
from hashcanary.studies.stress.component import COLUMNS

if TYPE_CHECKING:
    from hashcanary.studies.stress.component import Sources

_RESTS_ON = ("hashprice", "hashprice.subsidy", "hashrate.sma30")


def of_fleet(sources: Sources, name: str) -> pl.DataFrame:
    """A fraction of ``FleetHistory`` with its band: a frame of ``COLUMNS`` over all days."""
    days = sources.metrics.frame("day", _RESTS_ON).select(
        "time",
        known_at=pl.max_horizontal(
            pl.when(pl.col("hashprice").is_null())
            .then(pl.col("hashprice.subsidy.known_at"))
            .otherwise(pl.col("hashprice.known_at")),
            pl.col("hashrate.sma30.known_at"),
        ).cum_max(),
        reason=pl.coalesce("hashprice.subsidy.missing", "hashrate.sma30.missing"),
    )
    if sources.fleet is None:
        return _nothing(days, sources.fleet_missing or "no fleet can be told")
    told = pl.DataFrame(
        {"time": sources.fleet.time}
        | {
            column: getattr(sources.fleet, attribute)
            for column, attribute in zip(
                ("value", "low", "high"), (name, f"{name}_low", f"{name}_high"), strict=True
            )
        }
    ).with_columns(pl.col("value", "low", "high").fill_nan(None))
    early = f"fleets are drawn from {iso_day(FIRST_DAY)} on"
    why = pl.when(pl.col("time") < FIRST_DAY).then(pl.lit(early)).otherwise("reason")
    unknown = pl.col("value").is_null()
    return (
        days.join(told, on="time", how="left", maintain_order="left")
        .with_columns(
            known_at=pl.when(~unknown).then("known_at"),
            missing=pl.when(unknown).then(pl.coalesce(why, pl.lit("no fleet can be told"))),
        )
        .select(COLUMNS)
    )


def _nothing(days: pl.DataFrame, reason: str) -> pl.DataFrame:
    absent = pl.lit(None, pl.Float64)
    columns = (absent.alias(name) for name in ("value", "low", "high", "known_at"))
    return days.select("time", *columns, pl.lit(reason).alias("missing"))
