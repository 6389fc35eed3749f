"""The price of a coin over what the power for it costs."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from hashcanary.economics.costs.model import LEVEL
from hashcanary.studies.stress.component import COMMON, Component, Sources
from hashcanary.units import RATIO

MODEL = "electricity"


def price_to(model: str) -> Callable[[Sources], pl.DataFrame]:
    """A function that gives the price over a model's cost with its band."""

    def compute(sources: Sources) -> pl.DataFrame:
        ratio = "price_to_cost"
        return sources.costs[model].days.select(
            "time",
            pl.col(ratio).alias("value"),
            pl.col(f"{ratio}_low").alias("low"),
            pl.col(f"{ratio}_high").alias("high"),
            pl.when(pl.col(ratio).is_not_null()).then(pl.col("known_at")).alias("known_at"),
            pl.when(pl.col(ratio).is_null())
            .then(pl.coalesce("missing", pl.lit("no price of the day is known")))
            .alias("missing"),
        )

    return compute


PRICE_TO_COST = Component(
    name="price_to_cost",
    title="Price / cost of power",
    unit=RATIO,
    stress="low",
    definition=f"price / cost of a coin by the model `{MODEL}`",
    source="first principles; docs/costs.md",
    why="margin of the network. Of the models it alone needs no constant that was fitted to "
    "prices, and has a fleet and a price of power for each day. `all-in` is the same but for a "
    "factor that is one number for all years: its percentiles are the same",
    compute=price_to(MODEL),
    uncertainty="cost of the fleet",
    shared=COMMON,
    band=f"{LEVEL:.0%}: efficiency of the fleet, price of power, cooling and losses",
    level=LEVEL,
    costs=(MODEL,),
)
