"""PoW floor: a price that difficulty and issuance alone would suggest."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.catalogue.hashvalue import HASHES_PER_DIFFICULTY
from hashcanary.metrics.declaration import Metric
from hashcanary.units import USD

_DAYS = 180
_EXPONENT = 0.41
_FACTOR = 2 / 3


def pow_floor(frame: pl.DataFrame) -> pl.DataFrame:
    """2/3 x SMA180(D x 2^32)^0.41 / sum180(issuance BTC), USD."""
    hashes = (pl.col("blocks.difficulty_mean") * HASHES_PER_DIFFICULTY).rolling_mean(_DAYS)
    issued = pl.col("issuance.btc").rolling_sum(_DAYS)
    return frame.select(
        value=pl.when(issued > 0).then(_FACTOR * hashes.pow(_EXPONENT) / issued),
    )


POW_FLOOR = Metric(
    name="pow_floor",
    title="PoW floor",
    unit=USD,
    inputs=("blocks.difficulty_mean", "issuance.btc"),
    definition="2/3 x (mean of D x 2^32 over 180 days)^0.41 / (sum of issuance.btc over 180 days), "
    "D the mean difficulty of a day's blocks",
    source="Glassnode workbench btc-difficulty-issuance-price (kuntah, 2022)",
    compute=pow_floor,
    window=_DAYS,
    missing="missing until 180 days have passed, for 180 days after a gap, and within 180 days "
    "of a day without blocks",
    differs="the source does not say which of a day's difficulties it takes, here their mean; it "
    "was fitted to past prices, so it describes them and forecasts nothing",
)
