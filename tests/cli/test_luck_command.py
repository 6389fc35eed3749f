"""``hashcanary study luck`` and the luck of ``hashcanary episodes`` on a simulated lake."""

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


@pytest.fixture(scope="module")
def luck_lake(tmp_path_factory: pytest.TempPathFactory, simulated_files: Path) -> Path:
    """A lake of two simulated years, marked so."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path_factory.mktemp("luck") / "lake"
    load(Lake.create(home, MAIN, simulated=True), [simulated_files], now=0)
    return home


def test_people_see_the_count_and_its_limits(call: Run, luck_lake: Path) -> None:
    printed = call("--home", luck_lake, "study", "luck")
    assert printed.returncode == 0
    assert "SIMULATED" in printed.stdout
    (row,) = json.loads(call("--home", luck_lake, "study", "luck", "--json").stdout)["rows"]
    assert f" {row['blocks']} " in printed.stdout
    assert f" {row['expected_blocks']:.1f} " in printed.stdout
    # the last three days end where no block to come can fall into them any more
    assert "Missing" not in printed.stdout


def test_json_has_both_answers_and_what_they_rest_on(call: Run, luck_lake: Path) -> None:
    document = json.loads(call("--home", luck_lake, "study", "luck", "--json").stdout)
    (row,) = document["rows"]
    assert row["change_fraction_low"] < row["change_fraction"] < row["change_fraction_high"]
    assert row["p_value"] <= row["p_worst_of_span"]
    chances = [row[f"lower_by_{drop}_percent_probability"] for drop in (0, 5, 10, 20)]
    assert chances == sorted(chances, reverse=True)
    changes = [each["change_fraction"] for each in document["models"]]
    assert changes == sorted(changes)
    assert document["models_change_fraction_low"] == changes[0]
    assert document["reference_last"] - document["reference_first"] + 1 == 2016
    assert document["simulated"] is True
    assert document["missing"] == []


def test_a_window_nobody_knows_exits_with_3(call: Run, luck_lake: Path) -> None:
    told = call(
        "--home", luck_lake, "study", "luck", "--start", "2001-01-01", "--end", "2001-01-02"
    )
    assert told.returncode == 3
    assert "expected blocks before and after it" in told.stderr


def test_a_span_that_is_none_exits_with_2(
    call: Run, luck_lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call("--home", luck_lake, "study", "luck", "--span", "never")
    assert ended.value.code == 2
    assert "expected days from 1 to 36525" in capsys.readouterr().err


def test_episodes_tell_their_luck_in_json_and_csv(call: Run, luck_lake: Path) -> None:
    document = json.loads(call("--home", luck_lake, "episodes", "--json").stdout)
    ribbon = document["rules"][0]
    assert ribbon["simulated_inversions"]["definition"].startswith("SIMULATED")
    rows = list(csv.DictReader(io.StringIO(call("--home", luck_lake, "episodes", "--csv").stdout)))
    inversions = [row for row in rows if row["rule"] == "ribbon"]
    assert inversions
    for row in inversions:
        assert 0 <= float(row["simulated_as_long_probability"]) <= 1
        assert float(row["oscillator_lowest_fraction"]) < 0
        assert float(row["return_period_years"]) > 0
