"""Difficulty changes against published figures, and how a fall reads by its smoothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.chain.targets import difficulty_change
from hashcanary.moments import day_start, iso_day

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics


@pytest.fixture(scope="module")
def changes(real_results: Metrics) -> pl.DataFrame:
    epochs = real_results.frame("epoch", ["epoch.first_height"])
    heights = epochs.select("time", height="epoch.first_height")
    return real_results["difficulty.change"].present().join(heights, on="time")


def at(changes: pl.DataFrame, height: int) -> dict[str, object]:
    return changes.row(by_predicate=pl.col("height") == height, named=True)


@pytest.mark.parametrize(
    ("height", "change", "day"),
    [
        (689_472, -0.279427, "2021-07-03"),
        (921_312, 0.063095, "2025-10-29"),
    ],
)
def test_published_changes(height: int, change: float, day: str, changes: pl.DataFrame) -> None:
    row = at(changes, height)
    assert row["value"] == pytest.approx(change, abs=5e-7)
    time = row["time"]
    assert isinstance(time, int)
    assert iso_day(time) == day


def test_the_record_rise_is_the_limit(changes: pl.DataFrame) -> None:
    # 0x1c05a3f4 to 0x1c0168fd, of Bitcoin Core's tests: a quarter of the target, truncated
    assert at(changes, 68_544)["value"] == pytest.approx(3.0, abs=1e-6)
    assert changes.sort("value").row(-1, named=True)["height"] == 68_544


def test_the_record_fall_is_that_of_july_2021(changes: pl.DataFrame) -> None:
    assert changes.sort("value").row(0, named=True)["height"] == 689_472


def test_the_fall_of_february_2026_will_be_the_tenth_largest(changes: pl.DataFrame) -> None:
    # height 935,424, after this record's end: 0x1701fca1 to 0x17023c7e, called the tenth largest
    fall = float(difficulty_change(0x1701FCA1, 0x17023C7E))
    assert fall == pytest.approx(-0.111553, abs=5e-7)
    assert (changes["value"] < fall).sum() == 9


def test_difficulty_was_highest_in_october_2025(real_results: Metrics) -> None:
    epochs = real_results["difficulty.epoch"].present()
    highest = epochs.filter(pl.col("value") == epochs["value"].max())
    assert highest["value"].item() == pytest.approx(155.9730e12, abs=5e7)
    assert iso_day(highest["time"].item()) == "2025-10-29"


def test_the_storm_of_january_2026_reads_as_published_only_with_its_smoothing(
    real_results: Metrics,
) -> None:
    def fall(smoothing: str, day: date) -> float:
        rows = real_results[f"drawdown.{smoothing}"].rows.filter(time=day_start(day))
        return float(rows["value"].item())

    # published: -12% (30-day mean, 31 January), -15% (near the storm), -47% (the day itself)
    assert fall("sma30", date(2026, 1, 31)) == pytest.approx(-0.12, abs=0.005)
    assert fall("day", date(2026, 1, 24)) == pytest.approx(-0.47, abs=0.005)
    storm = date(2026, 1, 24)
    by_smoothing = [fall(name, storm) for name in ("day", "sma7", "sma14", "sma30", "sma60")]
    assert by_smoothing == sorted(by_smoothing)
    assert fall("sma7", storm) == pytest.approx(-0.15, abs=0.01)


def test_the_deepest_fall_since_2013_is_chinas_ban_and_was_no_luck(real_results: Metrics) -> None:
    rows = (
        real_results["drawdown.sma30"]
        .present()
        .filter(pl.col("time") >= day_start(date(2013, 1, 1)))
    )
    deepest = rows.row(by_predicate=pl.col("value") == rows["value"].min(), named=True)
    assert iso_day(deepest["time"]).startswith("2021-07")
    # the blackout of Xinjiang began on 16 April 2021, and no day was better until after the ban
    assert iso_day(deepest["peak_time"]) == "2021-04-15"
    assert deepest["high"] < 0
