"""Series of metrics as tables: made-up chains whose counts are known, on days and on epochs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
from scipy.stats import chi2
from support.records import blocks_at, chain, record

from hashcanary.errors import UsageError
from hashcanary.metrics.declaration import all_metrics
from hashcanary.metrics.errors import UnknownMetric
from hashcanary.moments import DAY
from hashcanary.store.record import Record
from hashcanary.views.data import csv_text
from hashcanary.views.metrics import (
    PEOPLE_ROWS,
    check_rows,
    frame,
    metric,
    metric_frame,
    metric_list,
    side_by_side_frame,
)

# 11 April 1970
FIRST = 100
# Garwood's limits of a Poisson mean of which 24 were counted
FEWEST, MOST = chi2.ppf(0.025, 48) / 2, chi2.ppf(0.975, 50) / 2
HOURS = 3600


def hourly(first: int, days: int) -> list[int]:
    return list(range(first * DAY, (first + days) * DAY, HOURS))


@pytest.fixture
def four_days() -> Record:
    """24 blocks on each of four days, of which the last is not final: no later block is known."""
    return record(chain(hourly(FIRST, 4)))


@pytest.fixture
def gap() -> Record:
    """Two days, two days of which no block is known, four days."""
    heights = [*range(48), *range(96, 192)]
    return record(blocks_at(heights, [*hourly(FIRST, 2), *hourly(FIRST + 4, 4)]))


@pytest.fixture
def epochs() -> Record:
    """Three epochs of blocks ten minutes apart, from the first second of 1970 on."""
    return record(chain(range(0, 3 * 2016 * 600, 600)))


def test_a_series_has_a_row_a_day_with_limits_and_when_it_was_final(four_days: Record) -> None:
    document = metric(four_days, "blocks.mean_interval").to_dict()
    assert [row["time"] for row in document["rows"]] == [
        *("1970-04-11", "1970-04-12", "1970-04-13", "1970-04-14")
    ]
    for row in document["rows"][:3]:
        assert row["value"] == HOURS
        assert row["low"] == pytest.approx(DAY / MOST)
        assert row["high"] == pytest.approx(DAY / FEWEST)
        assert row["basis"] == "blocks"
        assert row["missing"] is None
    # the median of eleven hourly blocks passes midnight five hours after it
    assert document["rows"][0]["known_at"] == "1970-04-12T05:00:00Z"
    last = document["rows"][-1]
    assert last["value"] is last["low"] is last["high"] is last["known_at"] is None
    assert "not final" in last["missing"]


def test_a_document_says_what_the_metric_is_and_how_far_it_is_complete(four_days: Record) -> None:
    document = metric(four_days, "blocks.mean_interval").to_dict()
    declared = all_metrics()["blocks.mean_interval"]
    assert document["name"] == "blocks.mean_interval"
    assert document["definition"] == declared.definition
    assert document["interval"] == declared.interval
    assert document["source"] == declared.source
    assert (document["unit"], document["grain"]) == ("s", "day")
    assert document["known_to"] == "1970-04-14T05:00:00Z"
    assert (document["complete_from"], document["complete_to"]) == ("1970-04-11", "1970-04-13")
    value = document["columns"][1]
    # its unit stands beside the rows, not in the key
    assert (value["key"], value["unit"]) == ("value", "seconds")
    assert "shown" not in document


def test_what_is_counted_and_not_estimated_has_no_limits(four_days: Record) -> None:
    document = metric(four_days, "blocks.per_day").to_dict()
    assert [row["value"] for row in document["rows"]] == [24, 24, 24, None]
    assert {row["low"] for row in document["rows"]} == {None}
    assert {row["high"] for row in document["rows"]} == {None}
    assert document["interval"] == ""
    assert not any(line.startswith("low, high") for line in metric(four_days, "price").notes)


def test_complete_is_the_last_run_without_a_missing_value(gap: Record) -> None:
    document = metric(gap, "blocks.per_day").to_dict()
    values = [row["value"] for row in document["rows"]]
    # a day beside a gap may have had a block whose header nobody has
    assert values == [24, None, None, None, None, 24, 24, None]
    assert (document["complete_from"], document["complete_to"]) == ("1970-04-16", "1970-04-17")


def test_runs_of_missing_rows_have_one_line_each(gap: Record) -> None:
    notes = [note for note in metric(gap, "blocks.per_day").notes if note.startswith("Missing")]
    assert len(notes) == 2
    assert notes[0].startswith("Missing, 12 to 15 Apr 1970: ")
    assert notes[1].startswith("Missing, 18 Apr 1970: ")
    # and none of rows above those that people see
    few = metric(gap, "blocks.per_day", rows=1).notes
    assert [note for note in few if note.startswith("Missing")] == notes[1:]


def test_without_any_value_nothing_is_complete(four_days: Record) -> None:
    answer = metric(four_days, "price")
    document = answer.to_dict()
    assert document["complete_from"] is document["complete_to"] is document["known_to"] is None
    assert {row["value"] for row in document["rows"]} == {None}
    assert answer.tables[0].shown == []
    assert not any("rows;" in note for note in answer.notes)


def test_people_see_the_last_rows_that_have_a_value(four_days: Record) -> None:
    answer = metric(four_days, "blocks.per_day", rows=2)
    (table,) = answer.tables
    assert [row["time"] // DAY for row in table.shown or ()] == [FIRST + 1, FIRST + 2]
    assert len(table.rows) == 4
    assert answer.notes[-1].startswith("2 of 4 rows")
    text = answer.text()
    assert "12 Apr 1970" in text
    assert "11 Apr 1970" not in text
    whole = metric(four_days, "blocks.per_day", start=FIRST * DAY, end=(FIRST + 3) * DAY)
    assert len(whole.tables[0].shown or ()) == 3 < PEOPLE_ROWS
    assert not any("--rows" in note for note in whole.notes)


def test_start_counts_and_end_does_not(four_days: Record) -> None:
    def days(start: int | None, end: int | None) -> list[date]:
        found: list[date] = (
            metric(four_days, "blocks.per_day", start=start, end=end).table()["time"].to_list()
        )
        return found

    every = [date(1970, 4, 11 + place) for place in range(4)]
    assert days((FIRST + 1) * DAY, (FIRST + 3) * DAY) == every[1:3]
    assert days(None, (FIRST + 1) * DAY) == every[:1]
    assert days((FIRST + 1) * DAY + 1, None) == every[2:]
    assert days((FIRST + 9) * DAY, None) == []


@pytest.mark.parametrize("rows", [0, -3])
def test_no_rows_cannot_be_shown(four_days: Record, rows: int) -> None:
    with pytest.raises(UsageError, match="--rows"):
        metric(four_days, "blocks.per_day", rows=rows)
    check_rows(1)


def test_metrics_side_by_side_have_their_names_and_units_as_keys(four_days: Record) -> None:
    names = ["blocks.per_day", "blocks.mean_interval"]
    answer = metric(four_days, names)
    document = answer.to_dict()
    keys = [
        *("time", "blocks_per_day_blocks", "blocks_mean_interval_seconds"),
        *("blocks_mean_interval_seconds_low", "blocks_mean_interval_seconds_high", "known_at"),
    ]
    assert list(document["rows"][0]) == keys
    assert (document["name"], document["grain"]) == (names, "day")
    alone = metric(four_days, "blocks.mean_interval").to_dict()["rows"]
    for row, other in zip(document["rows"], alone, strict=True):
        assert row["blocks_mean_interval_seconds"] == other["value"]
        assert row["blocks_mean_interval_seconds_low"] == other["low"]
        assert row["blocks_mean_interval_seconds_high"] == other["high"]
        assert row["known_at"] == other["known_at"]
    described = {column["key"]: column for column in document["columns"]}
    assert described["blocks_mean_interval_seconds"]["interval"].startswith("95%")
    assert described["blocks_per_day_blocks"]["interval"] is None
    assert [note.split(":")[0] for note in answer.notes] == names


def test_a_metric_named_twice_is_one_column(four_days: Record) -> None:
    answer = metric(four_days, ["blocks.per_day", "blocks.per_day"])
    assert answer.tables[0].keys == ["time", "blocks_per_day_blocks", "known_at"]


def test_days_and_epochs_do_not_go_side_by_side(four_days: Record) -> None:
    with pytest.raises(UsageError, match=r"blocks\.per_day \(day\), difficulty\.epoch \(epoch\)"):
        metric(four_days, ["blocks.per_day", "difficulty.epoch"])
    with pytest.raises(UsageError, match="one grain"):
        frame(four_days, [])


def test_an_unknown_name_is_refused_with_the_nearest_ones(four_days: Record) -> None:
    with pytest.raises(UnknownMetric, match=r"hashrate\.sma30"):
        metric(four_days, "hashrate.sma31")
    with pytest.raises(UnknownMetric, match=r"blocks\.per_day"):
        frame(four_days, ["blocks.per_day", "block.per_day"])


def test_epochs_begin_at_an_instant(epochs: Record) -> None:
    document = metric(epochs, "blocks.epoch_interval").to_dict()
    starts = ["1970-01-01T00:00:00Z", "1970-01-15T00:00:00Z", "1970-01-29T00:00:00Z"]
    assert [row["time"] for row in document["rows"]] == starts
    for row in document["rows"]:
        assert row["value"] == 600
        # 2015 intervals in a fixed number: the time has a Gamma law
        assert row["low"] == pytest.approx(2 * 2015 * 600 / chi2.ppf(0.975, 4030), rel=1e-9)
        assert row["high"] == pytest.approx(2 * 2015 * 600 / chi2.ppf(0.025, 4030), rel=1e-9)
    assert document["complete_from"] == starts[0]
    assert document["complete_to"] == starts[2]
    wide = metric(epochs, ["difficulty.epoch", "blocks.per_epoch"]).table()
    assert wide.schema["time"] == pl.Datetime("us", "UTC")
    assert wide["difficulty_epoch_ratio_to_difficulty_one"].to_list() == [1.0] * 3
    assert wide["blocks_per_epoch_blocks"].to_list() == [2016] * 3


def test_csv_has_every_row_with_the_keys_of_json(four_days: Record) -> None:
    answer = metric(four_days, "blocks.mean_interval", rows=1)
    lines = list(csv.DictReader(io.StringIO(csv_text(answer.tables[0]))))
    rows = answer.to_dict()["rows"]
    assert len(lines) == 4
    for line, row in zip(lines, rows, strict=True):
        assert list(line) == list(row)
        assert line["time"] == row["time"]
        assert line["low"] == ("" if row["low"] is None else repr(row["low"]))
    assert lines[-1]["value"] == lines[-1]["known_at"] == ""


def test_a_metrics_frame_has_dates_limits_extras_and_reasons(four_days: Record) -> None:
    found = metric_frame(four_days, "blocks.per_day")
    assert found.columns == ["time", "value", "low", "high", "known_at", "basis", "missing"]
    assert found.schema["time"] == pl.Date
    assert found.schema["low"] == pl.Float64
    assert found["known_at"][0] == datetime(1970, 4, 12, 5, tzinfo=UTC)
    assert found["value"].to_list() == [24, 24, 24, None]
    deep = metric_frame(four_days, "drawdown.day")
    assert deep.columns[4:-3] == ["peak_time", "depth", "rank", "drawdowns", "deepest_since"]
    assert deep.schema["peak_time"] == pl.Datetime("us", "UTC")
    assert deep["peak_time"][0] == datetime(1970, 4, 11, tzinfo=UTC)


def test_a_frame_of_several_has_the_last_moment_at_which_a_row_was_final(epochs: Record) -> None:
    days = frame(epochs, ["blocks.per_day", "hashrate.sma7"])
    assert days.columns == [
        *("time", "blocks.per_day", "hashrate.sma7", "hashrate.sma7_low", "hashrate.sma7_high"),
        "known_at",
    ]
    full = days.filter(pl.col("hashrate.sma7").is_not_null())
    assert full["time"][0] == date(1970, 1, 7)
    # 144 blocks a day of 2**32 hashes at difficulty 1, give or take those of the target's rounding
    assert full["hashrate.sma7"][0] == pytest.approx(144 * 2**32 / DAY, rel=1e-4)
    assert (full["hashrate.sma7_low"] < full["hashrate.sma7"]).all()
    assert (full["hashrate.sma7"] < full["hashrate.sma7_high"]).all()
    row = days.filter(pl.col("time") == date(1970, 1, 7)).row(0, named=True)
    # the sixth of the next day's blocks has its midnight as the median
    assert row["known_at"] == datetime(1970, 1, 8, 0, 50, tzinfo=UTC)


def test_all_metrics_of_a_grain_go_side_by_side(epochs: Record) -> None:
    wide = side_by_side_frame(epochs, "epoch")
    names = [each.name for each in all_metrics().values() if each.grain == "epoch"]
    assert {*names, "time", "known_at"} <= set(wide.columns)
    assert wide.height == 3
    assert not any("." in name and name.split("_")[0] == "day" for name in wide.columns)


def test_the_list_has_every_metric_with_unit_and_definition() -> None:
    answer = metric_list()
    rows = answer.to_dict()["rows"]
    declared = all_metrics()
    assert [row["name"] for row in rows] == list(declared)
    for row in rows:
        each = declared[row["name"]]
        assert row["unit"] == (each.unit.symbol or each.unit.suffix)
        assert (row["title"], row["definition"]) == (each.title, each.definition)
        assert (row["grain"], row["window"]) == (each.grain, each.window)
        assert row["inputs"] == list(each.inputs)
    assert answer.simulated is False
    text = answer.text(200)
    assert "hashrate.sma30" in text
    # people read names, titles, units and grain; the rest is for machines
    assert all_metrics()["hashrate.sma30"].definition not in text
