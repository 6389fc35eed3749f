"""Hashvalue: what a unit of hashrate earns a day, in bitcoin.

The difficulty form is an expectation: mean reward of a block times the blocks a day that 1 PH/s
expects at this difficulty. Luck in the number of blocks does not enter it.
"""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.metrics.windows import over
from hashcanary.units import BTC_PER_PHS_DAY, SAT_PER_THS_DAY

HASHES_PER_DIFFICULTY = 2.0**32
"""Expected hashes to a block at difficulty 1, as the field rounds it (exact: 65536/65535 of it)."""
_SECONDS = 86_400
_PETA = 1e15
_SATS_PER_BTC_TERA_PER_PETA = 1e8 / 1e3


def earned_by_phs(*columns: str) -> pl.Expr:
    """Expected units a day of 1 PH/s: of the columns' sum over the day's blocks, a block's mean.

    (144 x mean) / (difficulty x 2^32 / 600 / 1e15); 144 x 600 = 86,400 s.
    """
    a_day = mean_reward(*columns) * (_SECONDS * _PETA / HASHES_PER_DIFFICULTY)
    return a_day / pl.col("blocks.difficulty_mean")


def mean_reward(*columns: str) -> pl.Expr:
    """Sum of daily columns over the number of the day's blocks; null on a day without blocks."""
    return over(pl.sum_horizontal(columns, ignore_nulls=False), pl.col("blocks.count"))


def per_estimated_hashrate(revenue: str) -> list[pl.Expr]:
    """Revenue of a day over the day's estimated hashrate, a PH/s; low and high from its interval.

    A higher hashrate means less for each of its hashes, so the bounds change places. A bound is
    null where the hashrate's is 0: it would be without limit.
    """
    bounds = (("value", "hashrate.day"), ("low", "hashrate.day.high"), ("high", "hashrate.day.low"))
    return [(over(pl.col(revenue), pl.col(rate)) * _PETA).alias(name) for name, rate in bounds]


def hashvalue_realised(frame: pl.DataFrame) -> pl.DataFrame:
    """Revenue over estimated hashrate: BTC per PH/s per day, with low and high."""
    return frame.select(per_estimated_hashrate("revenue.btc"))


HASHVALUE = Metric(
    name="hashvalue",
    title="Hashvalue",
    unit=BTC_PER_PHS_DAY,
    inputs=(
        "blocks.issuance_btc",
        "blocks.fees_btc",
        "blocks.count",
        "blocks.difficulty_mean",
    ),
    definition="(144 x mean subsidy + 144 x mean fees of the day's blocks) / "
    "(D x 2^32 / 600 / 1e15), D the mean difficulty of the day's blocks",
    source="Luxor, Hashrate Index: Bitcoin hashprice index in BTC",
    compute=value(earned_by_phs("blocks.issuance_btc", "blocks.fees_btc")),
    missing="missing on days without blocks, or where fees or difficulty are missing",
    differs="Luxor takes the fees of the last 144 blocks and the difficulty of the moment, here "
    "both are means over the UTC day",
)

HASHVALUE_SUBSIDY = Metric(
    name="hashvalue.subsidy",
    title="Hashvalue from the subsidy alone",
    unit=BTC_PER_PHS_DAY,
    inputs=("blocks.issuance_btc", "blocks.count", "blocks.difficulty_mean"),
    definition="144 x mean subsidy of the day's blocks / (D x 2^32 / 600 / 1e15), D the mean "
    "difficulty of the day's blocks; what is earned when nobody pays fees",
    source="Luxor, Hashrate Index: Bitcoin hashprice index in BTC",
    compute=value(earned_by_phs("blocks.issuance_btc")),
    missing="missing on days without blocks, or where the difficulty is missing",
    differs="Luxor's index, which includes fees: see hashvalue",
)

HASHVALUE_SATS = Metric(
    name="hashvalue.sats",
    title="Hashvalue in satoshis",
    unit=SAT_PER_THS_DAY,
    inputs=("hashvalue",),
    definition="hashvalue x 1e8 / 1000",
    source="Luxor, Hashrate Index: sats per TH/s per day",
    compute=value(pl.col("hashvalue") * _SATS_PER_BTC_TERA_PER_PETA),
    missing="missing where hashvalue is missing",
    differs="Luxor takes the fees of the last 144 blocks and the difficulty of the moment, here "
    "both are means over the UTC day",
)

HASHVALUE_REALISED = Metric(
    name="hashvalue.realised",
    title="Realised hashvalue",
    unit=BTC_PER_PHS_DAY,
    inputs=("revenue.btc", "hashrate.day"),
    definition="revenue.btc / hashrate.day; the number of blocks cancels out of value, so it "
    "equals the difficulty form; low and high say what a hash may really have earned, the day's "
    "luck included",
    source="Bitcoin Research Kit: coinbase of 24 hours / hashrate",
    compute=hashvalue_realised,
    interval="revenue over the exact 95% interval of hashrate.day",
    missing="missing where the revenue or the hashrate of the day is missing",
    differs="theirs is over the last 24 hours at any moment, here over a UTC day",
)
