"""Small invented records of ribbons, epochs and prices, for episodes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, cast

import polars as pl

from hashcanary.metrics.declaration import find_metric
from hashcanary.metrics.engine import MetricResult
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.studies.episodes import EpisodeStudy

FIRST = day_start(date(2024, 1, 1))
SEEN = {"i": "inverted", "n": "normal", "?": None}


class Given(dict[str, MetricResult]):
    """Results by name, as the engine would give them."""


def daily(name: str, **columns: list[object]) -> MetricResult:
    rows = len(next(iter(columns.values())))
    frame = pl.DataFrame(columns).with_columns(time=FIRST + DAY * pl.int_range(rows))
    return MetricResult(find_metric(name), frame)


def results(
    states: str,
    falls: list[float] | None = None,
    prices: list[float | None] | None = None,
    *,
    delay: int = 0,
    epochs: list[float | None] | None = None,
    basis: list[str] | None = None,
) -> Metrics:
    """A record of one day a letter of ``states``: i inverted, n normal, ? not known.

    delay: seconds after the end of a day at which its row was known.
    """
    count = len(states)
    depths = falls or [-0.1] * count
    known = [FIRST + (day + 1) * DAY + delay for day in range(count)]
    state = daily(
        "ribbon.state",
        value=[SEEN[letter] for letter in states],
        known_at=known,
        basis=basis or ["blocks"] * count,
    )
    drawdown = daily(
        "drawdown.sma30",
        value=depths,
        low=[depth - 0.02 for depth in depths],
        high=[depth + 0.02 for depth in depths],
        peak_time=[FIRST] * count,
    )
    epoch_falls = epochs or [0.0]
    start = [FIRST + 14 * DAY * index for index in range(len(epoch_falls))]
    epoch = pl.DataFrame(
        {
            "time": start,
            "value": pl.Series(epoch_falls, dtype=pl.Float64),
            "low": pl.Series(epoch_falls, dtype=pl.Float64) - 0.05,
            "high": pl.Series(epoch_falls, dtype=pl.Float64) + 0.05,
            "peak_time": [start[0]] * len(start),
            "known_at": [
                None if fall is None else begun + 14 * DAY
                for begun, fall in zip(start, epoch_falls, strict=True)
            ],
            "basis": ["blocks"] * len(start),
        }
    )
    given = Given(
        {
            "ribbon.state": state,
            "drawdown.sma30": drawdown,
            "hashrate.sma30": daily("hashrate.sma30", value=[1e21] * count),
            "drawdown.epoch": MetricResult(find_metric("drawdown.epoch"), epoch),
            "hashrate.epoch": MetricResult(
                find_metric("hashrate.epoch"), pl.DataFrame({"time": start, "value": 2e21})
            ),
            "price": daily(
                "price", value=pl.Series(prices or [100.0] * count, dtype=pl.Float64).to_list()
            ),
        }
    )
    return cast("Metrics", given)


def ribbon(found: tuple[EpisodeStudy, ...]) -> EpisodeStudy:
    (study,) = (study for study in found if study.rule.name == "ribbon")
    return study


def epoch(found: tuple[EpisodeStudy, ...]) -> EpisodeStudy:
    (study,) = (study for study in found if study.rule.name == "epoch")
    return study


def day(index: int) -> int:
    return FIRST + index * DAY
