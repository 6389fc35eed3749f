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


def test_people_see_every_alarm_and_that_it_is_simulated(call: Run, lake: Path) -> None:
    words = ("--home", lake, "study", "drops", "--one-in", 0.05)
    printed = call(*words)
    assert printed.returncode == 0
    assert "SIMULATED" in printed.stdout
    rows = json.loads(call(*words, "--json").stdout)["rows"]
    for row in rows:
        assert f" {row['alarm_height']:,} " in printed.stdout
    assert f"{len(rows)} alarms in " in printed.stdout


def test_json_has_each_drop_with_units_and_what_was_watched(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "study", "drops", "--one-in", 0.05, "--json").stdout)
    assert document["simulated"] is True
    assert document["between_false_alarms_years"] == 0.05
    (run,) = document["watched"]
    assert document["watched_blocks"] == run["last_height"] - run["first_height"] + 1
    # at 52,596 blocks a year
    assert document["false_alarms"] == pytest.approx(
        document["watched_blocks"] / (0.05 * 52_596), rel=0.01
    )
    assert "provenance" in document
    assert document["rows"]
    for row in document["rows"]:
        assert row["start_low"] <= row["start"] <= row["start_high"]
        assert row["start_height"] < row["alarm_height"]
        assert row["delay_blocks"] == row["alarm_height"] - row["start_height"]
        assert 0 < row["depth_fraction_low"] <= row["depth_fraction"] <= row["depth_fraction_high"]
        assert row["once_in_years"] >= 0.05
        assert row["level_before_hashes_per_second"] > 0


def test_csv_has_the_same_rows(call: Run, answers_kept: None, lake: Path) -> None:
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
