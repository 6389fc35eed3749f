"""``hashcanary study drops`` on a simulated lake."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]


def test_people_are_told_what_an_alarm_means_and_that_it_is_simulated(
    call: Run, lake: Path
) -> None:
    told = call("--home", lake, "study", "drops", "--one-in", 0.05)
    assert told.returncode == 0
    for word in ("SIMULATED", "alarms in", "95% from", "luck alone", "Until:", "UTC"):
        assert word in told.stdout


def test_json_has_each_fall_with_units_and_what_was_watched(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "study", "drops", "--one-in", 0.05, "--json").stdout)
    assert document["simulated"] is True
    assert document["years_between_false_alarms"] == 0.05
    (run,) = document["watched_heights"]
    assert document["watched_blocks"] == run[1] - run[0] + 1
    assert "provenance" in document
    assert document["rows"]
    for row in document["rows"]:
        assert row["start_low"] <= row["start"] <= row["start_high"]
        assert row["start_height"] < row["alarm_height"]
        assert row["delay_blocks"] == row["alarm_height"] - row["start_height"]
        assert 0 < row["depth_low_fraction"] <= row["depth_fraction"] <= row["depth_high_fraction"]
        assert row["luck_years"] >= 0.05
        assert row["level_before"] > 0


def test_csv_has_the_same_rows(call: Run, lake: Path) -> None:
    asked = ("--home", lake, "study", "drops", "--one-in", 0.05)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert [int(row["alarm_height"]) for row in rows] == [
        row["alarm_height"] for row in document["rows"]
    ]


def test_rarer_false_alarms_are_not_more_alarms(call: Run, lake: Path) -> None:
    counts = [
        len(
            json.loads(call("--home", lake, "study", "drops", "--one-in", years, "--json").stdout)[
                "rows"
            ]
        )
        for years in (0.05, 100)
    ]
    assert counts[0] > counts[1]


@pytest.mark.parametrize("years", ["0", "-1", "nan", "inf", "often", "2000"])
def test_years_that_mean_nothing_are_wrong_usage(
    call: Run, lake: Path, capsys: pytest.CaptureFixture[str], years: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--home", lake, "study", "drops", "--one-in", years)
    assert ended.value.code == 2
    assert "expected years from 0.01 to 1000" in capsys.readouterr().err


def test_a_moment_before_any_block_is_a_named_error(call: Run, lake: Path) -> None:
    failed = call("--home", lake, "study", "drops", "--at", "2009-01-01", "--json")
    assert failed.returncode == 3
    assert json.loads(failed.stderr)["error"] == "NoBlocksToObserve"
