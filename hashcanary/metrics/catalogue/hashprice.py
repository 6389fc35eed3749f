"""Hashprice: what a unit of hashrate earns a day, in US dollars."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.catalogue.hashvalue import per_estimated_hashrate
from hashcanary.metrics.declaration import Metric, value
from hashcanary.units import USD_PER_PHS_DAY, USD_PER_THS_DAY


def hashprice_realised(frame: pl.DataFrame) -> pl.DataFrame:
    """Revenue over estimated hashrate: USD per PH/s per day, with low and high."""
    return frame.select(per_estimated_hashrate("revenue.usd"))


HASHPRICE = Metric(
    name="hashprice",
    title="Hashprice",
    unit=USD_PER_PHS_DAY,
    inputs=("hashvalue", "price.usd"),
    definition="(144 x mean subsidy + 144 x mean fees of the day's blocks) x price / "
    "(D x 2^32 / 600 / 1e15), D the mean difficulty of the day's blocks, price the day's in USD",
    source="Luxor, Hashrate Index: Bitcoin hashprice index",
    compute=value(pl.col("hashvalue") * pl.col("price.usd")),
    missing="missing where hashvalue or the price of the day is missing",
    differs="Luxor takes the fees of the last 144 blocks, and price and difficulty of the moment; "
    "here all are the UTC day's",
)

HASHPRICE_SUBSIDY = Metric(
    name="hashprice.subsidy",
    title="Hashprice from the subsidy alone",
    unit=USD_PER_PHS_DAY,
    inputs=("hashvalue.subsidy", "price.usd"),
    definition="hashvalue.subsidy x the day's price in USD; what is earned when nobody pays fees",
    source="Luxor, Hashrate Index: Bitcoin hashprice index",
    compute=value(pl.col("hashvalue.subsidy") * pl.col("price.usd")),
    missing="missing where hashvalue.subsidy or the price of the day is missing",
    differs="Luxor's index, which includes fees: see hashprice",
)

HASHPRICE_THS = Metric(
    name="hashprice.ths",
    title="Hashprice of a terahash",
    unit=USD_PER_THS_DAY,
    inputs=("hashprice",),
    definition="hashprice / 1000",
    source="Luxor, Hashrate Index: hashprice in USD per TH/s per day",
    compute=value(pl.col("hashprice") / 1e3),
    missing="missing where hashprice is missing",
    differs="Luxor takes the fees of the last 144 blocks, and price and difficulty of the moment; "
    "here all are the UTC day's",
)

HASHPRICE_REALISED = Metric(
    name="hashprice.realised",
    title="Realised hashprice",
    unit=USD_PER_PHS_DAY,
    inputs=("revenue.usd", "hashrate.day"),
    definition="revenue.usd / hashrate.day; the number of blocks cancels out of value, so it "
    "equals the difficulty form; low and high say what a hash may really have earned, the day's "
    "luck included",
    source="Bitcoin Research Kit: coinbase USD of 24 hours / hashrate",
    compute=hashprice_realised,
    interval="revenue over the exact 95% interval of hashrate.day",
    missing="missing where the revenue or the hashrate of the day is missing",
    differs="theirs is over the last 24 hours at any moment, here over a UTC day",
)
