"""Coins issued by the consensus schedule: supply at the end of a day, and new coins a day."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.units import BTC, USD

SUPPLY_BTC = Metric(
    name="supply.btc",
    title="Supply",
    unit=BTC,
    inputs=("blocks.supply_btc",),
    definition="sum of the subsidies of all blocks up to the day's last one, by the consensus "
    "schedule; UTC day by header time",
    source="Bitcoin Core, validation.cpp, GetBlockSubsidy",
    compute=value(pl.col("blocks.supply_btc")),
    missing="missing on days whose blocks are not known and for which there is no vendor's supply",
    differs="what can be spent: it counts the genesis coins, the coinbases that two later ones "
    "overwrote (100 BTC) and the subsidy that miners left unclaimed (about 29 BTC); rows of basis "
    "vendor use Coin Metrics' SplyCur, which omits these",
)

ISSUANCE_BTC = Metric(
    name="issuance.btc",
    title="Issuance",
    unit=BTC,
    inputs=("blocks.issuance_btc",),
    definition="sum of the subsidies of the day's blocks, by the consensus schedule "
    "(50 BTC halved every 210,000 blocks on the main network); UTC day by header time",
    source="Bitcoin Core, validation.cpp, GetBlockSubsidy",
    compute=value(pl.col("blocks.issuance_btc")),
    missing="missing on days without a count of blocks; 0 on days on which none was found",
    differs="Coin Metrics' IssTotNtv in its day only: theirs is cut by median time past; both "
    "count the subsidy a block may claim, also where its miner claimed less",
)

ISSUANCE_USD = Metric(
    name="issuance.usd",
    title="Issuance in US dollars",
    unit=USD,
    inputs=("issuance.btc", "price.usd"),
    definition="issuance.btc x the day's price in USD",
    source="Coin Metrics, IssTotUSD",
    compute=value(pl.col("issuance.btc") * pl.col("price.usd")),
    missing="missing where the issuance or the price of the day is missing",
    differs="Coin Metrics in the day: theirs is cut by median time past",
)
