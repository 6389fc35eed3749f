"""No metric looks ahead.

Computed on the record cut at a moment, every declared metric gives exactly those rows of the full
run that were known by then, bit for bit, and none that was not. The moments lie in the years with
header times that run backwards, in the years that rest on a vendor, at the beginnings and ends of
gaps, at an epoch's end, at midnight and in the middle of a day. That the test can fail is shown on
a metric made to look ahead.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from hashcanary.metrics import declaration, engine
from hashcanary.metrics.declaration import Metric, all_metrics
from hashcanary.metrics.engine import Metrics, metrics_of
from hashcanary.moments import Moment
from hashcanary.store.recording import record_of
from hashcanary.units import HASHES

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashcanary.metrics.engine import MetricResult
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record

DAY = 86_400


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


MOMENTS = {
    "before the second block": seconds("2009-01-06T12:00"),
    "in the first weeks, between two blocks": seconds("2009-02-01T13:07"),
    "header times run backwards": seconds("2011-08-14T00:41"),
    "a gap's first day": seconds("2009-04-13T06:00"),
    "in a gap, at midnight": seconds("2010-06-15T00:00"),
    "soon after a gap": seconds("2010-12-29T18:00"),
    "the last blocks before the long gap": seconds("2015-01-22T15:30"),
    "a day into the long gap": seconds("2015-01-23T17:00"),
    "in the vendor's years": seconds("2016-08-03T15:20"),
    "in the vendor's years, at midnight": seconds("2018-12-16T00:00"),
    "one second before midnight": seconds("2021-06-30T23:59:59"),
    "at midnight, no block of the new day known": seconds("2021-07-03T00:00"),
    "the first block of an epoch": 1_625_292_000,
    "the day before the record ends": seconds("2026-02-02T09:30"),
}


def present(result: MetricResult) -> pl.DataFrame:
    return result.present()


def assert_no_look_ahead(name: str, full: Metrics, cut: Metrics, moment: int) -> None:
    then = present(cut[name])
    known = present(full[name]).filter(pl.col("known_at") <= moment)
    assert then.filter(pl.col("known_at") > moment).is_empty()
    assert then["known_at"].null_count() == 0
    assert_frame_equal(then, known, check_exact=True)


def as_known_at(lake: Lake, moment: int) -> Record:
    return record_of(lake, Moment(str(moment), time=moment))


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_every_metric_equals_its_full_run_where_that_was_known(
    moment: int, real_results: Metrics, real_lake: Lake
) -> None:
    cut = metrics_of(as_known_at(real_lake, moment))
    failed = {}
    for name in all_metrics():
        try:
            assert_no_look_ahead(name, real_results, cut, moment)
        except AssertionError as error:
            failed[name] = str(error)
    assert not failed


def test_every_metric_is_compared_on_many_rows(real_results: Metrics) -> None:
    few = {name: present(real_results[name]).height for name in all_metrics()}
    assert {name: rows for name, rows in few.items() if rows < 100} == {}


def next_row(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(value=pl.col("blocks.work").shift(-1))


def share_of_the_whole(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(value=pl.col("blocks.work") / pl.col("blocks.work").max())


@pytest.mark.parametrize("cheat", [next_row, share_of_the_whole])
def test_a_metric_that_looks_ahead_is_caught(
    cheat: Callable[[pl.DataFrame], pl.DataFrame],
    real_lake: Lake,
    real_record: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cheating = Metric(
        name="cheat",
        title="looks ahead",
        unit=HASHES,
        grain="day",
        inputs=("blocks.work",),
        definition="",
        source="",
        compute=cheat,
    )
    for place in (engine, declaration):
        monkeypatch.setattr(place, "all_metrics", lambda: {"cheat": cheating})
    moment = MOMENTS["in the vendor's years"]
    full = Metrics(real_record)
    then = Metrics(as_known_at(real_lake, moment))
    with pytest.raises(AssertionError):
        assert_no_look_ahead("cheat", full, then, moment)
