"""``hashcanary forecast retarget`` on a simulated lake."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]


def test_people_see_two_retargets_and_that_they_are_simulated(call: Run, lake: Path) -> None:
    told = call("--home", lake, "forecast", "retarget")
    assert told.returncode == 0
    document = json.loads(call("--home", lake, "forecast", "retarget", "--json").stdout)
    for row in document["rows"]:
        assert f"{row['height']:,}" in told.stdout
        assert f"{abs(row['change_fraction']) * 100:.1f}%" in told.stdout
    assert "SIMULATED" in told.stdout


def test_json_has_every_interval_and_what_is_missing(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "forecast", "retarget", "--json").stdout)
    first, second = document["rows"]
    assert second["height"] - first["height"] == 2016
    assert first["height"] % 2016 == 0
    for row in (first, second):
        for name in ("change{}_fraction{}", "date{}{}"):
            values = [
                row[name.format(level, end)]
                for level, end in (
                    ("", "_low"),
                    ("_80", "_low"),
                    ("_50", "_low"),
                    ("", ""),
                    ("_50", "_high"),
                    ("_80", "_high"),
                    ("", "_high"),
                )
            ]
            assert values == sorted(values)
    low, middle, high = (
        document[f"hashrate_hashes_per_second{end}"] for end in ("_low", "", "_high")
    )
    assert 0 < low < middle < high
    assert 0 <= document["decrease_probability"] <= 1
    assert document["simulated"] is True
    assert document["missing"] == []
    assert document["intervals_needed"] == 2015


def test_csv_has_the_same_rows(call: Run, lake: Path) -> None:
    text = call("--home", lake, "forecast", "retarget", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2
    low, middle, high = (float(rows[0][f"change_fraction{end}"]) for end in ("_low", "", "_high"))
    assert low < middle < high
    assert rows[0]["date_low"] < rows[0]["date_high"] < rows[1]["date_high"]


def test_from_a_height_it_is_what_was_known_there(call: Run, lake: Path) -> None:
    whole = json.loads(call("--home", lake, "forecast", "retarget", "--json").stdout)
    height = whole["height"] - 5000
    one = call("--home", lake, "forecast", "retarget", "--height", height, "--json")
    document = json.loads(one.stdout)
    assert document["height"] == height
    cut = call("--home", lake, "forecast", "retarget", "--at", height, "--json")
    assert json.loads(cut.stdout)["rows"][0] == pytest.approx(document["rows"][0])


def test_a_height_the_lake_has_not_is_a_named_error(call: Run, lake: Path) -> None:
    failed = call("--home", lake, "forecast", "retarget", "--height", 7, "--json")
    assert failed.returncode == 3
    error = json.loads(failed.stderr)
    assert error["error"] == "HeightNotKnown"


def test_the_study_of_calibration_counts_outcomes_in_each_interval(
    call: Run, reported: Path
) -> None:
    asked = ("--home", reported, "study", "calibration")
    document = json.loads(call(*asked, "--json").stdout)
    assert document["simulated"] is True
    assert document["first_epoch"] < document["last_epoch"]
    blocks = [row["block"] for row in document["rows"] if row["retarget"] == "next"]
    assert blocks == [36, 72, 144, 288, 504, 1008, 1512]
    for row in document["rows"]:
        for level in ("50", "80", "95"):
            low, share, high = (row[f"held_{level}_fraction{end}"] for end in ("_low", "", "_high"))
            assert 0 <= low <= share <= high <= 1
        assert (row["error_to_mempool_ratio"] is None) == (row["retarget"] == "second")
    none = call(*asked, "--start", "2090-01-01")
    assert none.returncode == 3
    assert "4,033 consecutive blocks" in none.stderr


def test_reliability_counts_every_epoch_once_at_each_block(call: Run, reported: Path) -> None:
    asked = ("--home", reported, "--json", "study", "calibration")
    scores, reliability = (
        json.loads(call(*asked, "--show", show).stdout)["rows"]
        for show in ("scores", "reliability")
    )
    for row in scores:
        if row["retarget"] == "next":
            judged = [each for each in reliability if each["block"] == row["block"]]
            assert sum(each["forecasts"] for each in judged) == row["epochs"]
    for row in reliability:
        assert row["forecast_from_fraction"] <= row["mean_forecast_fraction"]
        assert row["mean_forecast_fraction"] <= row["forecast_to_fraction"]
