"""Pools: how concentrated mining is, by pool and by group of pools that belong together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from hashcanary.arrays import Bools, Floats, Ints
from hashcanary.metrics import concentration
from hashcanary.metrics.declaration import Extra, Metric
from hashcanary.metrics.windows import as_columns
from hashcanary.units import BLOCKS, COUNT, FRACTION, RATIO

Estimate = Callable[[Ints, Ints, Ints], tuple[Floats, Floats, Floats]]


_LABELS = (
    "of the list that labels the record (see `hashcanary pools`); UTC days by header time; blocks "
    "of no known pool count in the whole, as each found by another miner"
)
_MISSING = (
    "missing where a day of the window is not final by its blocks, or one of them has no label; "
    "a vendor's figures are not used"
)
_GROUPS = (
    "pools that are believed to share block templates or an owner count as one, from the day to "
    "the day the built-in list says"
)
_EXTRAS = (Extra("blocks", "blocks in the window", BLOCKS),)


def over_days(column: str, days: int, estimate: Estimate) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A function that estimates from the blocks by pool of the last ``days`` days.

    estimate: gets (n, pools) blocks of each known pool, (n,) unknown and (n,) all blocks, of the
    windows without a hole; gives value, low and high.
    """

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        missing = frame[column].is_null().to_numpy()
        names = ("value", "low", "high", "blocks")
        columns = {name: np.full(missing.size, np.nan) for name in names}
        if not missing.all():
            summed, whole = _windows(frame[column].drop_nulls().to_numpy(), missing, days)
            total = summed.sum(axis=1)
            # the largest first: the order in which floats are added must not depend on names
            known = -np.sort(-summed[:, 1:], axis=1)
            found = (*estimate(known, summed[:, 0], total), total)
            for name, one in zip(names, found, strict=True):
                columns[name][whole] = one
        return as_columns(**columns)

    return compute


def _windows(counted: Ints, missing: Bools, days: int) -> tuple[Ints, Ints]:
    """Sums over each window without a hole, and the row at which it ends.

    counted: (m, pools) blocks of the m days that are not missing.
    """
    counts = np.zeros((missing.size, counted.shape[1]), np.int64)
    counts[~missing] = counted
    rows = np.arange(missing.size)
    before = np.concatenate([np.zeros((1, counts.shape[1]), np.int64), np.cumsum(counts, axis=0)])
    holes = np.concatenate([[0], np.cumsum(missing)])
    start = np.maximum(rows + 1 - days, 0)
    whole = rows[(rows + 1 >= days) & (holes[rows + 1] == holes[start])]
    return before[whole + 1] - before[start[whole]], whole


def unknown_share(known: Ints, unknown: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """Share of the blocks of no known pool."""
    return _share(unknown, total)


def largest_share(known: Ints, unknown: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """Share of the pool with most blocks."""
    return _share(known.max(axis=1, initial=0), total)


def hhi(known: Ints, unknown: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """Herfindahl-Hirschman index."""
    return concentration.hhi(known, total)


def nakamoto(known: Ints, unknown: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    """Nakamoto coefficient."""
    return concentration.nakamoto(known, total)


def _share(count: Ints, total: Ints) -> tuple[Floats, Floats, Floats]:
    low, high = concentration.share_limits(count, total)
    with np.errstate(invalid="ignore", divide="ignore"):
        return count / total, low, high


def _unknown(days: int) -> Metric:
    return Metric(
        name=f"pools.unknown_share{days}",
        title=f"Share of blocks of no known pool, {days} days",
        unit=FRACTION,
        inputs=("pools.counts",),
        definition=f"blocks labelled `unknown` / all blocks of the last {days} days, by the labels "
        "of the list that labels the record; UTC days by header time",
        source="mempool.space, pool ranking: the pool 'unknown'",
        compute=over_days("pools.counts", days, unknown_share),
        window=days,
        interval=concentration.SHARE,
        missing=_MISSING,
        extras=_EXTRAS,
    )


def _largest(days: int, prefix: str, column: str) -> Metric:
    who = "group of pools" if prefix else "pool"
    return Metric(
        name=f"pools.{prefix}largest_share{days}",
        title=f"Share of the largest {who}, {days} days",
        unit=FRACTION,
        inputs=(column,),
        definition=f"blocks of the {who} with most of them / all blocks of the last {days} days, "
        f"by the labels {_LABELS}" + (f"; {_GROUPS}" if prefix else ""),
        source="mainnet.observer, Mining Centralization Index",
        compute=over_days(column, days, largest_share),
        window=days,
        interval=concentration.LARGEST,
        missing=_MISSING,
        extras=_EXTRAS,
    )


def _hhi(days: int, prefix: str, column: str) -> Metric:
    who = "groups of pools" if prefix else "pools"
    return Metric(
        name=f"pools.{prefix}hhi{days}",
        title=f"Herfindahl-Hirschman index of {who}, {days} days",
        unit=RATIO,
        inputs=(column,),
        definition=f"sum over {who} of n (n - 1) / (N (N - 1)) for n of the N blocks of the last "
        f"{days} days, from 0 to 1 (times 10,000: the index of competition authorities), by the "
        f"labels {_LABELS}" + (f"; {_GROUPS}" if prefix else ""),
        source="E. H. Simpson, Nature 163, 688, 1949: the unbiased index",
        compute=over_days(column, days, hhi),
        window=days,
        interval=concentration.HHI,
        differs="the sum of squared shares by its bias, (1 - index) / (N - 1)",
        missing=_MISSING,
        extras=_EXTRAS,
    )


def _nakamoto(days: int, prefix: str, column: str) -> Metric:
    who = "groups of pools" if prefix else "pools"
    return Metric(
        name=f"pools.{prefix}nakamoto{days}",
        title=f"Nakamoto coefficient of {who}, {days} days",
        unit=COUNT,
        inputs=(column,),
        definition=f"the fewest known {who} that together found more than half of all blocks of "
        f"the last {days} days, by the labels {_LABELS}" + (f"; {_GROUPS}" if prefix else ""),
        source="B. Srinivasan and L. Lee, Quantifying Decentralization, 2017",
        compute=over_days(column, days, nakamoto),
        window=days,
        interval=concentration.NAKAMOTO,
        missing=f"{_MISSING}; missing where even all known {who} have no majority",
        extras=_EXTRAS,
    )


_KINDS = (("", "pools.counts"), ("group_", "pools.group_counts"))

POOLS = tuple(
    metric
    for days in (7, 30)
    for metric in (
        _unknown(days),
        *(
            declare(days, prefix, column)
            for prefix, column in _KINDS
            for declare in (_largest, _hhi, _nakamoto)
        ),
    )
)
