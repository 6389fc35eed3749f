"""A vendor's daily figures, and which market's close is the price.

A day whose blocks are not all known may rest on a vendor's daily row. When it does must not
depend on what is learnt later, or a result would change after it was given:

1. The vendor is waited for until its figures are known, and at least to the end of the day.
2. If the chain was live then (a block known within the last 24 hours), one day more is given to
   the blocks, which as a rule settle a day about an hour after midnight.
3. Whichever is known first, the blocks or the vendor after this wait, stands for good.

A vendor revises. Which of them stands is decided by when its first value was known, so that no
revision changes it; the value itself is known only since it was revised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from hashcanary.arrays import Floats, Ints
from hashcanary.metrics.chain_columns import NEVER, ChainColumns
from hashcanary.moments import DAY
from hashcanary.sources.facts import prices_bitcoin

VENDOR = "coinmetrics"
DERIVATIVE = r"perp|swap"


@dataclass(frozen=True, slots=True)
class VendorDays:
    """A vendor's figure for each of some days; NaN and NEVER where it gives none.

    known_at: when the value was known; first: when the first value of that day was, which is
    earlier for one that was revised. Unix seconds, no earlier than the end of the day.
    """

    value: Floats
    known_at: Ints
    first: Ints


def vendor_series(
    daily: pl.DataFrame, series: str, starts: Ints, vendor: str = VENDOR
) -> VendorDays:
    """A vendor's series, Coin Metrics' without, on the days beginning at ``starts``."""
    value = np.full(starts.size, np.nan)
    known_at = np.full(starts.size, NEVER, dtype=np.int64)
    first = known_at.copy()
    rows = daily.filter(
        pl.col("vendor") == vendor, pl.col("series") == series, pl.col("value").is_not_null()
    ).unique("day", keep="first", maintain_order=True)
    if rows.height == 0 or starts.size == 0:
        return VendorDays(value, known_at, first)
    at = rows["day"].cast(pl.Int32).to_numpy().astype(np.int64) - starts[0] // DAY
    inside = (at >= 0) & (at < starts.size)
    at = at[inside]
    value[at] = rows["value"].to_numpy()[inside]
    earliest = "first_known_at" if "first_known_at" in rows.columns else "known_at"
    for moments, column in ((known_at, "known_at"), (first, earliest)):
        moments[at] = np.maximum(rows[column].to_numpy()[inside], starts[at] + DAY)
    return VendorDays(value, known_at, first)


def vendor_turn(chain: ChainColumns, starts: Ints, vendor_known_at: Ints) -> Ints:
    """From when on the vendor's row stands for a day, unless its blocks settled it before.

    vendor_known_at: when the vendor's first figures for it were known.
    """
    ends = starts + DAY
    waited = ends.copy()
    if chain.known_at.size:
        latest = np.searchsorted(chain.known_at, ends, side="right") - 1
        live = (latest >= 0) & (chain.known_at[latest] > ends - DAY)
        waited[live] += DAY
    turn: Ints = np.where(vendor_known_at == NEVER, NEVER, np.maximum(waited, vendor_known_at))
    return turn


def since_revised(turn: Ints, figures: Iterable[VendorDays]) -> Ints:
    """When days that a vendor stands for are known as its figures have them now.

    turn: from when on the vendor stands; figures: those that may be used, if known by then.
    """
    known_at = turn
    for days in figures:
        known_at = np.maximum(known_at, np.where(days.first <= turn, days.known_at, turn))
    return known_at


def daily_price(daily: pl.DataFrame, candles: pl.DataFrame, starts: Ints) -> tuple[Floats, Ints]:
    """The day's closing price in USD, and when it was known; NaN and NEVER where there is none.

    Precedence, among those known first: Coin Metrics' ``PriceUSD``; the close of the candle that
    ends at midnight, of a spot market of bitcoin against USD, USDT or USDC before a perpetual
    swap, a longer candle before a shorter one, then by name; another vendor's ``PriceUSD``, by
    name. Dated futures, CME's among them, and shares of companies are no price of bitcoin.
    """
    vendor = vendor_series(daily, "PriceUSD", starts)
    value, known_at, first = vendor.value, vendor.known_at, vendor.first.copy()
    _take_closes(_midnight_closes(candles), starts, value, known_at, first)
    others = daily.filter(pl.col("series") == "PriceUSD", pl.col("vendor") != VENDOR)["vendor"]
    for name in sorted(others.unique()):
        other = vendor_series(daily, "PriceUSD", starts, name)
        sooner = other.first < first
        value[sooner], known_at[sooner] = other.value[sooner], other.known_at[sooner]
        first[sooner] = other.first[sooner]
    return value, known_at


def _take_closes(
    closes: pl.DataFrame, starts: Ints, value: Floats, known_at: Ints, first: Ints
) -> None:
    """Put the closes that were known before what there is into its place."""
    if closes.height == 0 or starts.size == 0:
        return
    at = closes["day"].to_numpy() - starts[0] // DAY
    inside = (at >= 0) & (at < starts.size)
    at = at[inside]
    close_known = closes["known_at"].to_numpy()[inside]
    sooner = close_known < first[at]
    value[at[sooner]] = closes["close"].to_numpy()[inside][sooner]
    known_at[at[sooner]] = first[at[sooner]] = close_known[sooner]


def _midnight_closes(candles: pl.DataFrame) -> pl.DataFrame:
    """One row a day: ``day`` (days since 1970), ``close`` (USD), ``known_at``."""
    ends = pl.col("open_time") + pl.col("interval")
    names = (
        candles["market"]
        .unique()
        .to_frame()
        .select(
            "market",
            usable=prices_bitcoin(pl.col("market")),
            derivative=pl.col("market").str.to_lowercase().str.contains(DERIVATIVE),
        )
    )
    return (
        candles.lazy()
        .filter(ends % DAY == 0, pl.col("interval") <= DAY, pl.col("close").is_not_null())
        .join(names.lazy().filter("usable").drop("usable"), on="market")
        .select(
            "market",
            "derivative",
            "close",
            shorter=-pl.col("interval"),
            day=(ends // DAY - 1).cast(pl.Int64),
            known_at=pl.max_horizontal("known_at", ends),
        )
        .sort("day", "known_at", "derivative", "shorter", "market")
        .unique("day", keep="first", maintain_order=True)
        .select("day", "close", "known_at")
        .collect()
    )
