"""Price: the day's price, its moving means, and its distance from the longest of them."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.units import RATIO, USD

_DAYS_OF_MAYER = 200


def _sma(days: int) -> Metric:
    return Metric(
        name=f"price.sma{days}",
        title=f"Price, {days}-day mean",
        unit=USD,
        inputs=("price.usd",),
        definition=f"simple mean of the price over {days} days, the day's own included",
        source="simple moving average",
        compute=value(pl.col("price.usd").rolling_mean(days)),
        window=days,
        missing=f"missing until {days} days with a price have passed, and for {days} days after "
        "a gap",
    )


PRICE = Metric(
    name="price",
    title="Price",
    unit=USD,
    inputs=("price.usd",),
    definition="price of a bitcoin in USD at the end of the UTC day, from the vendor or market "
    "the record names",
    source="the record's daily price",
    compute=value(pl.col("price.usd")),
    missing="missing on days without a price; never carried over from another day",
)

PRICE_MEANS = tuple(_sma(days) for days in (10, 20, 50, _DAYS_OF_MAYER))

PRICE_MAYER = Metric(
    name="price.mayer",
    title="Mayer multiple",
    unit=RATIO,
    inputs=("price.usd", "price.sma200"),
    definition="price / mean of the price over 200 days, the day's own included",
    source="T. Mayer's multiple; Glassnode Academy, Mayer Multiple",
    compute=value(pl.col("price.usd") / pl.col("price.sma200")),
    window=_DAYS_OF_MAYER,
    missing="missing until 200 days with a price have passed, and for 200 days after a gap",
)
