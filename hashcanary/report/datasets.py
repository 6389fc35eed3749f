"""The columns that charts draw and CSV gives, rounded to what a reader can use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.chain.networks import RETARGET_INTERVAL
from hashcanary.moments import DAY
from hashcanary.report.document import Dataset, Series, rounded
from hashcanary.units import DAYS, FRACTION, STATE, USD
from hashcanary.views.text import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record
    from hashcanary.studies.episodes import EpisodeStudy
    from hashcanary.studies.pools import PoolShares

# significant digits: of what is counted or paid, and of what is estimated to percents
DIGITS = 6
ESTIMATE_DIGITS = 4
# shares of pools: days of late that are all there; before them one of each week
_DAILY, _WEEK = 730, 7
# metric, and whether its bounds are drawn too
_DAY_METRICS: tuple[tuple[str, bool], ...] = (
    ("price", False),
    ("hashrate.day", True),
    ("hashrate.sma30", True),
    ("hashrate.sma60", False),
    ("drawdown.day", False),
    ("drawdown.sma7", False),
    ("drawdown.sma14", False),
    ("drawdown.sma30", True),
    ("drawdown.sma60", False),
    ("ribbon.oscillator", False),
    ("ribbon.state", False),
    ("ribbon.days_inverted", False),
    ("hashprice", False),
    ("hashvalue", False),
    ("fees.share", False),
    ("revenue.usd", False),
    ("puell", False),
)


def datasets(
    record: Record,
    metrics: Metrics,
    study: EpisodeStudy,
    as_of: int | None,
    shares: PoolShares | None,
) -> tuple[Dataset, ...]:
    """Everything charts draw. as_of: end of the last measured day, Unix seconds."""
    return (
        _days(metrics),
        _epochs(metrics, as_of),
        _capitulations(study, as_of),
        _signals(metrics),
        _halvings(record),
        _pools(shares),
    )


def _days(metrics: Metrics) -> Dataset:
    columns: list[Series] = []
    frames = {name: metrics[name] for name, _ in _DAY_METRICS}
    known = pl.any_horizontal(
        frames[name].rows["value"].is_not_null().alias(name) for name in ("price", "hashrate.day")
    )
    kept = pl.select(known.alias("known"))["known"].arg_true()
    first = int(kept[0]) if kept.len() else 0
    height = int(kept[-1]) + 1 - first if kept.len() else 0
    time = frames["price"].rows["time"].slice(first, height)
    for name, bounds in _DAY_METRICS:
        metric, rows = frames[name].metric, frames[name].rows.slice(first, height)
        unit = None if metric.unit is STATE else metric.unit
        # Vega takes a dot for a path
        key = name.replace(".", "_")
        digits = ESTIMATE_DIGITS if metric.interval else DIGITS
        columns.append(Series(key, metric.title, unit, rounded(rows["value"], digits)))
        if bounds:
            for bound in ("low", "high"):
                title = f"{metric.title}, {bound} end of its interval"
                columns.append(Series(f"{key}_{bound}", title, unit, rounded(rows[bound], digits)))
    basis = frames["hashrate.day"].rows.slice(first, height)
    told = basis.select(pl.when(pl.col("value").is_not_null()).then("basis").alias("basis"))
    columns.append(Series("basis", "source of the hashrate", None, told["basis"].to_list()))
    return Dataset("day", time.to_list(), tuple(columns))


def _epochs(metrics: Metrics, as_of: int | None) -> Dataset:
    level = metrics["difficulty.epoch"].present().select("time", difficulty="value")
    change = metrics["difficulty.change"].rows.select("time", change="value")
    frame = level.join(change, on="time", how="left", maintain_order="left").sort("time")
    # an epoch lasts two weeks; where the next one is not known, it is drawn that long
    following = frame["time"].shift(-1).fill_null(as_of or 0)
    end = [
        min(int(after), int(start) + 21 * DAY) if after > start else int(start) + DAY
        for start, after in zip(frame["time"], following, strict=True)
    ]
    unit = metrics["difficulty.epoch"].metric.unit
    return Dataset(
        "epoch",
        frame["time"].to_list(),
        (
            Series("end", "where it is drawn to", None, end),
            Series("difficulty", "difficulty", unit, rounded(frame["difficulty"], DIGITS)),
            Series("change", "change at the retarget", FRACTION, rounded(frame["change"], DIGITS)),
        ),
    )


def _capitulations(study: EpisodeStudy, as_of: int | None) -> Dataset:
    found = study.episodes
    ends = [one.end if one.end is not None else (as_of or one.start) for one in found]
    depth = [None if one.depth is None else round(one.depth.value, DIGITS) for one in found]
    return Dataset(
        "capitulation",
        [one.start for one in found],
        (
            Series("end", "first day no longer inverted", None, ends),
            Series("days", "days inverted", DAYS, [one.days for one in found]),
            Series("depth", "deepest drawdown", FRACTION, depth),
        ),
    )


def _signals(metrics: Metrics) -> Dataset:
    prices = metrics["price"].rows.select("time", price="value")
    marks = [
        metrics[name].rows.filter(pl.col("value")).select("time", kind=pl.lit(kind))
        for name, kind in (("ribbon.recovery", "recovery"), ("ribbon.buy_state", "buy"))
    ]
    frame = pl.concat(marks).join(prices, on="time", how="left").sort("time", "kind")
    return Dataset(
        "signal",
        frame["time"].to_list(),
        (
            Series("kind", "recovery or buy", None, frame["kind"].to_list()),
            Series("price", "price that day", USD, rounded(frame["price"], DIGITS)),
        ),
    )


def _pools(shares: PoolShares | None) -> Dataset:
    """Shares of the largest pools, their columns named by the pools, and of no known pool."""
    if shares is None:
        return Dataset("pools", [], ())
    # a mean of 30 days looks the same by week
    seen = (shares.time // DAY % _WEEK == 0) | (shares.time > shares.time[-1:] - _DAILY * DAY)
    columns: list[Series] = []
    for at, (key, name) in enumerate(zip(_pool_keys(shares.pools), shares.names, strict=True)):
        said = harmless(name)
        columns.append(_share(key, said, shares.share[seen, at]))
        for bound, values in (("low", shares.low), ("high", shares.high)):
            title = f"{said}, {bound} end of its interval"
            columns.append(_share(f"{key}_{bound}", title, values[seen, at]))
    columns.append(_share("unknown", "no known pool", shares.unknown[seen]))
    return Dataset("pools", shares.time[seen].tolist(), tuple(columns))


def _share(key: str, title: str, values: NDArray[np.float64]) -> Series:
    return Series(key, title, FRACTION, rounded(pl.Series(values), ESTIMATE_DIGITS))


def _pool_keys(slugs: Sequence[str]) -> list[str]:
    """A column's name for each pool: letters and digits, no two alike."""
    keys: list[str] = []
    for slug in slugs:
        key = "share_" + re.sub(r"[^a-z0-9]+", "_", slug.lower()).strip("_")
        keys.append(key if key not in keys else f"{key}_{len(keys) + 1}")
    return keys


def _halvings(record: Record) -> Dataset:
    """The halvings in the record; one whose block is not known, between two that are."""
    interval = record.network.halving_interval
    heights, times = record.chain["height"], record.chain["time"]
    found: list[tuple[int, int, str]] = []
    last = int(heights[-1]) if heights.len() else 0
    for height in range(interval, last + 1, interval):
        after = heights.search_sorted(height)
        if heights[after] == height:
            found.append((times[after], height, "its block"))
        elif after > 0 and heights[after] - heights[after - 1] <= RETARGET_INTERVAL:
            share = (height - heights[after - 1]) / (heights[after] - heights[after - 1])
            time = times[after - 1] + round(share * (times[after] - times[after - 1]))
            found.append((time, height, "between the first blocks of two epochs"))
    return Dataset(
        "halving",
        [time for time, _, _ in found],
        (
            Series("height", "height", None, [height for _, height, _ in found]),
            Series("label", "label", None, ["halving"] * len(found)),
            Series("rests_on", "how its time is known", None, [how for _, _, how in found]),
        ),
    )
