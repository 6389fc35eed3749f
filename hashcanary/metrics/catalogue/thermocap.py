"""Thermocap: what all coins were worth on the days they were issued."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Extra, Metric
from hashcanary.units import BTC, USD

_RULE = (
    "coins issued before the first price of the record count as 0 (in reality 3.4 million BTC, "
    "before 2010-07-18), value is 0 until then; from a gap after it on, value is missing"
)


def cumulative_since_first(column: str) -> pl.Expr:
    """Running sum that is 0 before the first value and null from the first gap after it on.

    Null too on a day whose issuance is not known: even a 0 must not be said of it.
    """
    begun = pl.col(column).is_not_null().cum_max()
    gap = (begun & pl.col(column).is_null()).cum_max()
    known = pl.col("issuance.btc").is_not_null()
    return pl.when(~gap & known).then(pl.col(column).fill_null(0.0).cum_sum())


def thermocap_of(frame: pl.DataFrame, income: str) -> pl.DataFrame:
    """Cumulative ``income`` in USD, and the coins that count as 0 in it: supply less what was
    issued since the first price, BTC; null where the sum is.
    """
    total = cumulative_since_first(income)
    priced = pl.col("price.usd").is_not_null().cum_max()
    counted = pl.when(priced).then(pl.col("issuance.btc")).otherwise(0.0).cum_sum()
    unpriced = pl.when(total.is_not_null()).then(pl.col("supply.btc") - counted)
    return frame.select(value=total, unpriced_btc=unpriced)


def thermocap(frame: pl.DataFrame) -> pl.DataFrame:
    """Cumulative issuance in USD, and the coins that count as 0 in it."""
    return thermocap_of(frame, "issuance.usd")


def thermocap_with_fees(frame: pl.DataFrame) -> pl.DataFrame:
    """Cumulative revenue in USD, and the coins that count as 0 in it."""
    return thermocap_of(frame, "revenue.usd")


_UNPRICED = Extra("unpriced_btc", "Coins issued before the first price, counted as 0", BTC)

THERMOCAP = Metric(
    name="thermocap",
    title="Thermocap",
    unit=USD,
    inputs=("issuance.usd", "issuance.btc", "price.usd", "supply.btc"),
    definition="sum over all days so far of issuance.usd",
    source="N. Carter's thermocap; Glassnode, Thermocap",
    compute=thermocap,
    window=None,
    missing=_RULE,
    differs="vendors that price the first coins at estimates from before markets",
    extras=(_UNPRICED,),
)

THERMOCAP_WITH_FEES = Metric(
    name="thermocap.with_fees",
    title="Thermocap, fees included",
    unit=USD,
    inputs=("revenue.usd", "issuance.btc", "price.usd", "supply.btc"),
    definition="sum over all days so far of revenue.usd",
    source="Glassnode, Thermocap, the variant with fees",
    compute=thermocap_with_fees,
    window=None,
    missing=_RULE,
    differs="vendors that price the first coins at estimates from before markets",
    extras=(_UNPRICED,),
)
