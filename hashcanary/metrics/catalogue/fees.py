"""Fees: what miners earned beside the subsidy, in all, a block, and as a share."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric
from hashcanary.units import BTC, BTC_PER_BLOCK, FRACTION

_NO_FEES = "missing on days on which the fees of any block are unknown and no vendor gives them"


def fees_btc(frame: pl.DataFrame) -> pl.DataFrame:
    """Fees of the day's blocks, BTC."""
    return frame.select(value=pl.col("blocks.fees_btc"))


def fees_per_block(frame: pl.DataFrame) -> pl.DataFrame:
    """Mean fees of a block of the day, BTC; null on a day without blocks."""
    count = pl.col("blocks.count")
    return frame.select(value=pl.when(count > 0).then(pl.col("fees.btc") / count))


def fees_mtp_btc(frame: pl.DataFrame) -> pl.DataFrame:
    """Fees of the blocks whose median time past lies in the day, BTC."""
    return frame.select(value=pl.col("mtp.fees_btc"))


def fees_share(frame: pl.DataFrame) -> pl.DataFrame:
    """Fees as a fraction of the whole reward; null on a day without reward."""
    reward = pl.col("fees.btc") + pl.col("issuance.btc")
    return frame.select(value=pl.when(reward > 0).then(pl.col("fees.btc") / reward))


def fees_to_subsidy(frame: pl.DataFrame) -> pl.DataFrame:
    """Fees as a fraction of the subsidy; null on a day without subsidy."""
    subsidy = pl.col("issuance.btc")
    return frame.select(value=pl.when(subsidy > 0).then(pl.col("fees.btc") / subsidy))


FEES_BTC = Metric(
    name="fees.btc",
    title="Fees",
    unit=BTC,
    grain="day",
    inputs=("blocks.fees_btc",),
    definition="sum of the fees of the day's blocks, as their transactions pay them; UTC day by "
    "header time",
    source="Bitcoin Core, getblockstats, totalfee",
    compute=fees_btc,
    missing=_NO_FEES,
)

FEES_PER_BLOCK = Metric(
    name="fees.per_block",
    title="Mean fees of a block",
    unit=BTC_PER_BLOCK,
    grain="day",
    inputs=("fees.btc", "blocks.count"),
    definition="fees.btc / number of the day's blocks",
    source="Coin Metrics, FeeTotNtv / BlkCnt",
    compute=fees_per_block,
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="Coin Metrics in the day: theirs is cut by median time past",
)

FEES_MTP_BTC = Metric(
    name="fees.mtp_btc",
    title="Fees, day by median time past",
    unit=BTC,
    grain="day",
    inputs=("mtp.fees_btc",),
    definition="sum of the fees of the blocks whose median time past lies in the UTC day",
    source="Coin Metrics, FeeTotNtv",
    compute=fees_mtp_btc,
    missing="missing on days on which the fees or the median time past of any block are unknown",
)

FEES_SHARE = Metric(
    name="fees.share",
    title="Fees as a share of the reward",
    unit=FRACTION,
    grain="day",
    inputs=("fees.btc", "issuance.btc"),
    definition="fees.btc / (issuance.btc + fees.btc)",
    source="Hashrate Index roundups: transaction fees as a percentage of block rewards",
    compute=fees_share,
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="figures quoted as fees / subsidy, which are higher: see fees.to_subsidy",
)

FEES_TO_SUBSIDY = Metric(
    name="fees.to_subsidy",
    title="Fees as a fraction of the subsidy",
    unit=FRACTION,
    grain="day",
    inputs=("fees.btc", "issuance.btc"),
    definition="fees.btc / issuance.btc",
    source="the field's common figure 'fees to subsidy'",
    compute=fees_to_subsidy,
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="fees as a share of the whole reward, which are lower: see fees.share; some sites "
    "divide the whole coinbase by the fees under the same name",
)
