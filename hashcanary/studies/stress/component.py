"""What a component of the stress gauge declares.

A component is a declaration and one function: what others have computed in, a figure a day out.
From the declaration follow its percentile, its part of the gauge, its row and its documentation.

Components are found through the ``hashcanary.stress_components`` entry points. An entry names a
package; every ``Component`` at the top level of its modules is found. The built-in ones come
through the same door as a third party's.

What the fleet through time says is read here for all components that rest on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import polars as pl

from hashcanary.economics.supply.fleet_history import FIRST_DAY, FleetHistory
from hashcanary.moments import iso_day
from hashcanary.plugins import declared_once
from hashcanary.studies.errors import BadStressComponent
from hashcanary.units import Unit

if TYPE_CHECKING:
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.metrics.engine import Metrics
COMMON = 0.5
"""Of the variance of margins, the part that is one error of all years (``Component.shared``).

Cooling, the level of prices of power and what the model of fleets is off are the same in all years,
some 70% of the variance as stated; half is taken. Worlds drawn through all years move the rank of
what must be sold by 14 points (90%); its whole band moves it by 32, half of the variance by 23.
"""
COLUMNS = ("time", "value", "low", "high", "known_at", "missing")


@dataclass(frozen=True, slots=True)
class Sources:
    """What components read, computed by whoever has it already.

    costs: by model's name; fleet: machines and who is under water by day, None where no fleet can
    be told, and fleet_missing says why.
    """

    metrics: Metrics
    costs: Mapping[str, ModelCosts]
    fleet: FleetHistory | None
    simulated: bool
    fleet_missing: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """The declaration of a component.

    stress: which end of it is stress. why: what it measures, and why days years apart may be
    compared. uncertainty: what its band comes from, by name: components that name the same are
    off together; empty where it is exact. level: probability of the band, of which ``band`` says
    what it is. shared: the part of the band's variance that is one error of all years, which moves
    no percentile. costs: names of the models that it reads.

    compute: gives a frame of ``COLUMNS``, ascending by time (Unix seconds of days' starts): value
    in ``unit`` with the limits of its band, when it was known, and why it is missing.
    """

    name: str
    title: str
    unit: Unit
    stress: Literal["low", "high"]
    definition: str
    source: str
    why: str
    compute: Callable[[Sources], pl.DataFrame]
    uncertainty: str = ""
    band: str = ""
    level: float = 0.95
    shared: float = 0.0
    costs: tuple[str, ...] = ()


def reading(component: Component, sources: Sources) -> pl.DataFrame:
    """What a component says by day. Raises BadStressComponent where its columns are others."""
    frame = component.compute(sources)
    if tuple(frame.columns) != COLUMNS:
        raise BadStressComponent(component.name, ", ".join(COLUMNS), ", ".join(frame.columns))
    return frame


def exact(value: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The columns value, low and high of what has no band."""
    return value.alias("value"), value.alias("low"), value.alias("high")


GROUP = "hashcanary.stress_components"


@cache
def all_components() -> Mapping[str, Component]:
    """Every component by name, sorted. Raises DuplicateName on a name used twice."""
    return declared_once(GROUP, Component, "name")


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
