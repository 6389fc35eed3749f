"""Revenue: what all miners together earned in a day."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.units import BTC, USD

REVENUE_BTC = Metric(
    name="revenue.btc",
    title="Miners' revenue",
    unit=BTC,
    inputs=("issuance.btc", "fees.btc"),
    definition="issuance.btc + fees.btc",
    source="Hashrate Index roundups: block rewards collected by miners",
    compute=value(pl.col("issuance.btc") + pl.col("fees.btc")),
    missing="missing where the issuance or the fees of the day are missing",
    differs="what miners were paid outside the chain for including transactions is not in it",
)

REVENUE_USD = Metric(
    name="revenue.usd",
    title="Miners' revenue in US dollars",
    unit=USD,
    inputs=("revenue.btc", "price.usd"),
    definition="(issuance.btc + fees.btc) x the day's price in USD",
    source="Coin Metrics, IssTotUSD + FeeTotUSD",
    compute=value(pl.col("revenue.btc") * pl.col("price.usd")),
    missing="missing where the issuance, the fees or the price of the day is missing",
    differs="Coin Metrics in the day: theirs is cut by median time past; services that price "
    "each block at its own moment",
)
