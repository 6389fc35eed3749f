"""Puell multiples: today's issuance against its own yearly mean."""

from __future__ import annotations

import polars as pl

from hashcanary.metrics.declaration import Metric, value
from hashcanary.metrics.windows import over
from hashcanary.units import RATIO

_YEAR = 365


def over_yearly_mean(column: str) -> pl.Expr:
    """A column over the simple mean of its last 365 rows, its own included; null at mean 0."""
    return over(pl.col(column), pl.col(column).rolling_mean(_YEAR))


PUELL = Metric(
    name="puell",
    title="Puell multiple",
    unit=RATIO,
    inputs=("issuance.usd",),
    definition="issuance.usd / mean of issuance.usd over 365 days, the day's own included",
    source="D. Puell, 2019; Glassnode Academy, Puell Multiple",
    compute=value(over_yearly_mean("issuance.usd")),
    window=_YEAR,
    missing="missing until 365 days with a price have passed, and for 365 days after a gap",
    differs="versions computed a block, out of which slow blocks cancel",
)

PUELL_WITH_FEES = Metric(
    name="puell.with_fees",
    title="Puell multiple, fees included",
    unit=RATIO,
    inputs=("revenue.usd",),
    definition="revenue.usd / mean of revenue.usd over 365 days, the day's own included",
    source="D. Puell, 2019; Glassnode Academy, Puell Multiple",
    compute=value(over_yearly_mean("revenue.usd")),
    window=_YEAR,
    missing="missing until 365 days with price and fees have passed, and for 365 days after a gap",
    differs="the original in counting fees as income too",
)

PUELL_DIFFICULTY_ADJUSTED = Metric(
    name="puell.difficulty_adjusted",
    title="Puell multiple, adjusted for difficulty",
    unit=RATIO,
    inputs=("hashprice.subsidy",),
    definition="x / mean of x over 365 days, the day's own included, with "
    "x = 144 x mean subsidy x price / difficulty: the issuance a fixed hashrate expects, in USD",
    source="hashcanary's own form of the 'difficulty-adjusted Puell multiple' that the press "
    "quotes without a formula",
    compute=value(over_yearly_mean("hashprice.subsidy")),
    window=_YEAR,
    missing="missing until 365 days with a price have passed, and for 365 days after a gap",
    differs="the original in two ways: growth of the network counts against the miner, and luck "
    "in the day's number of blocks does not enter",
)
