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


@pytest.fixture(scope="module")
def forecast_lake(tmp_path_factory: pytest.TempPathFactory, simulated_files: Path) -> Path:
    """A lake of two simulated years, marked so."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path_factory.mktemp("forecast") / "lake"
    load(Lake.create(home, MAIN, simulated=True), [simulated_files], now=0)
    return home


def test_people_are_told_the_change_its_date_and_that_it_is_simulated(
    call: Run, forecast_lake: Path
) -> None:
    told = call("--home", forecast_lake, "forecast", "retarget")
    assert told.returncode == 0
    for word in ("next change", "second change", "95% from", "SIMULATED", "EH/s", "intervals"):
        assert word in told.stdout


def test_json_has_every_level_with_its_unit_and_what_it_lacks(
    call: Run, forecast_lake: Path
) -> None:
    document = json.loads(call("--home", forecast_lake, "forecast", "retarget", "--json").stdout)
    rows = document["rows"]
    assert [row["unit"] for row in rows] == [
        "fraction",
        "unix_seconds",
        "fraction",
        "unix_seconds",
        "hashes_per_second",
    ]
    for row in rows:
        levels = ["low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95"]
        values = [row[name] for name in levels]
        assert values == sorted(values)
    assert document["simulated"] is True
    assert document["retarget_height"] % 2016 == 0
    assert document["lacks"] == []
    assert "provenance" in document


def test_csv_has_the_same_rows(call: Run, forecast_lake: Path) -> None:
    text = call("--home", forecast_lake, "forecast", "retarget", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5
    assert float(rows[0]["low_95"]) < float(rows[0]["median"]) < float(rows[0]["high_95"])


def test_from_a_height_it_is_what_was_known_there(call: Run, forecast_lake: Path) -> None:
    whole = json.loads(call("--home", forecast_lake, "forecast", "retarget", "--json").stdout)
    height = whole["height"] - 5000
    one = call("--home", forecast_lake, "forecast", "retarget", "--height", height, "--json")
    document = json.loads(one.stdout)
    assert document["height"] == height
    cut = call("--home", forecast_lake, "forecast", "retarget", "--at", height, "--json")
    assert json.loads(cut.stdout)["rows"][0] == pytest.approx(document["rows"][0])


def test_a_height_the_lake_has_not_is_a_named_error(call: Run, forecast_lake: Path) -> None:
    failed = call("--home", forecast_lake, "forecast", "retarget", "--height", 7, "--json")
    assert failed.returncode == 3
    error = json.loads(failed.stderr)
    assert error["error"] == "HeightNotKnown"


def test_the_study_of_calibration_says_how_good_the_forecasts_were(
    call: Run, forecast_lake: Path
) -> None:
    told = call("--home", forecast_lake, "study", "calibration")
    assert told.returncode == 0
    for word in ("SIMULATED", "50% held", "/ mempool", "second"):
        assert word in told.stdout
    document = json.loads(call("--home", forecast_lake, "--json", "study", "calibration").stdout)
    assert document["simulated"] is True
    points = [row["point"] for row in document["rows"] if row["what"] == "next"]
    assert points == [36, 72, 144, 288, 504, 1008, 1512]
    for row in document["rows"]:
        for band in ("50", "80", "95"):
            low, share, high = (row[f"held_{band}{part}"] for part in ("_low", "", "_high"))
            assert 0 <= low <= share <= high <= 1
    none = call("--home", forecast_lake, "study", "calibration", "--start", "2090-01-01")
    assert none.returncode == 3
    assert "4,033 consecutive blocks" in none.stderr
