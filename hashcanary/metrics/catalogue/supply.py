"""Supply: how many coins the consensus schedule had issued by the end of a day."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric
from hashcanary.units import BTC


def supply_btc(frame: pl.DataFrame) -> pl.DataFrame:
    """Coins issued by the end of the day, BTC."""
    return frame.select(value=pl.col("blocks.supply_btc"))


SUPPLY_BTC = Metric(
    name="supply.btc",
    title="Supply",
    unit=BTC,
    grain="day",
    inputs=("blocks.supply_btc",),
    definition="sum of the subsidies of all blocks up to the day's last one, by the consensus "
    "schedule; UTC day by header time",
    source="Bitcoin Core, validation.cpp, GetBlockSubsidy",
    compute=supply_btc,
    missing="missing on days whose blocks are not known and for which there is no vendor's supply",
    differs="what can be spent: it counts the genesis coins, the coinbases that two later ones "
    "overwrote (100 BTC) and the subsidy that miners left unclaimed (about 29 BTC); rows of basis "
    "vendor use Coin Metrics' SplyCur, which omits these",
)
