"""What a hash earns, and what the network's new coins are worth, against their year."""

from __future__ import annotations

import polars as pl

from hashcanary.studies.stress.component import COLUMNS, Component, Sources, exact
from hashcanary.units import RATIO

YEAR_DAYS = 365


def hashprice(sources: Sources) -> pl.DataFrame:
    """Hashprice over its mean of 365 days; the mean asks for every day of the year."""
    rows = sources.metrics["hashprice"].rows
    year = pl.col("value").rolling_mean(YEAR_DAYS)
    ratio = pl.when(year > 0).then(pl.col("value") / year)
    return rows.with_columns(
        *exact(ratio),
        known_at=pl.col("known_at").rolling_max(YEAR_DAYS),
        missing=pl.when(ratio.is_null()).then(
            pl.coalesce("missing", pl.lit(f"no hashprice on one of the last {YEAR_DAYS} days"))
        ),
    ).select(COLUMNS)


HASHPRICE = Component(
    name="hashprice",
    title="Hashprice over its year",
    unit=RATIO,
    stress="low",
    definition=f"hashprice, fees included / its mean of {YEAR_DAYS} days",
    source="Luxor, Hashrate Index, for hashprice; the ratio is hashcanary's",
    why="revenue of one machine against the year in which it was bought and paid for. Hashprice "
    "itself falls by a quarter a year as machines get better: its percentile among all days would "
    "call every year the worst so far. The ratio keeps that trend as a constant",
    compute=hashprice,
)


_METRIC, _COUNTED = "puell", "hashrate.day"


def puell(sources: Sources) -> pl.DataFrame:
    """The multiple, with the limits that luck in the day's number of blocks gives it."""
    day = sources.metrics[_COUNTED].rows.select(
        below=pl.col("low") / pl.col("value"), above=pl.col("high") / pl.col("value")
    )
    rows = sources.metrics[_METRIC].rows
    return rows.with_columns(
        low=rows["value"] * day["below"], high=rows["value"] * day["above"]
    ).select(COLUMNS)


PUELL = Component(
    name="puell",
    title="Puell multiple",
    unit=RATIO,
    stress="low",
    definition="puell: the day's new coins in USD / their mean of 365 days",
    source="D. Puell, 2019",
    why="revenue of the whole network against its year, whatever the number of machines: falling "
    "prices and halvings enter, growth of the network does not, which tells it from hashprice",
    compute=puell,
    uncertainty="luck of a day's blocks",
    band="95%, exact: the day's number of blocks",
)
