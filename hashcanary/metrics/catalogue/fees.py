"""Fees: what miners earned beside the subsidy, in all, a block, and as a share."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.metrics.windows import over
from hashcanary.units import BTC, BTC_PER_BLOCK, FRACTION

_NO_FEES = "missing on days on which the fees of any block are unknown and no vendor gives them"


FEES_BTC = Metric(
    name="fees.btc",
    title="Fees",
    unit=BTC,
    inputs=("blocks.fees_btc",),
    definition="sum of the fees of the day's blocks, as their transactions pay them; UTC day by "
    "header time",
    source="Bitcoin Core, getblockstats, totalfee",
    compute=value(pl.col("blocks.fees_btc")),
    missing=_NO_FEES,
)

FEES_PER_BLOCK = Metric(
    name="fees.per_block",
    title="Mean fees of a block",
    unit=BTC_PER_BLOCK,
    inputs=("fees.btc", "blocks.count"),
    definition="fees.btc / number of the day's blocks",
    source="Coin Metrics, FeeTotNtv / BlkCnt",
    compute=value(over(pl.col("fees.btc"), pl.col("blocks.count"))),
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="Coin Metrics in the day: theirs is cut by median time past",
)

FEES_MTP_BTC = Metric(
    name="fees.mtp_btc",
    title="Fees, day by median time past",
    unit=BTC,
    inputs=("mtp.fees_btc",),
    definition="sum of the fees of the blocks whose median time past lies in the UTC day",
    source="Coin Metrics, FeeTotNtv",
    compute=value(pl.col("mtp.fees_btc")),
    missing="missing on days on which the fees or the median time past of any block are unknown",
)

FEES_SHARE = Metric(
    name="fees.share",
    title="Fees as a share of the reward",
    unit=FRACTION,
    inputs=("fees.btc", "issuance.btc"),
    definition="fees.btc / (issuance.btc + fees.btc)",
    source="Hashrate Index roundups: transaction fees as a percentage of block rewards",
    compute=value(over(pl.col("fees.btc"), pl.col("fees.btc") + pl.col("issuance.btc"))),
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="figures quoted as fees / subsidy, which are higher: see fees.to_subsidy",
)

FEES_TO_SUBSIDY = Metric(
    name="fees.to_subsidy",
    title="Fees as a fraction of the subsidy",
    unit=FRACTION,
    inputs=("fees.btc", "issuance.btc"),
    definition="fees.btc / issuance.btc",
    source="the field's common figure 'fees to subsidy'",
    compute=value(over(pl.col("fees.btc"), pl.col("issuance.btc"))),
    missing=f"{_NO_FEES}; missing on days without blocks",
    differs="fees as a share of the whole reward, which are lower: see fees.share; some sites "
    "divide the whole coinbase by the fees under the same name",
)
