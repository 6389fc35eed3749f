"""``hashcanary stress`` and ``hashcanary study stress``: what people and machines see."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Run = Callable[..., CompletedProcess[str]]

# two simulated years are too few for the stated windows
_SOON = "[percentiles]\nwindow_days = 365\nfewest_days = 60\n"


@pytest.fixture
def soon(tmp_path: Path) -> Path:
    path = tmp_path / "soon.toml"
    path.write_text(_SOON, encoding="utf-8")
    return path


def test_every_part_is_shown_and_sums_to_the_gauge(call: Run, lake: Path, soon: Path) -> None:
    done = call("--home", lake, "stress", "--weights", soon, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["simulated"] is True
    rows = {row["name"]: row for row in found["rows"]}
    gauge = [row for row in found["rows"] if row["figure"] == "gauge" and row["name"] != "gauge"]
    assert len(gauge) == 7
    assert sum(row["contribution_index_0_100"] or 0 for row in gauge) == pytest.approx(
        found["gauge_index_0_100"]
    )
    low, high = found["gauge_index_0_100_low"], found["gauge_index_0_100_high"]
    assert low <= found["gauge_index_0_100"] <= high
    for row in found["rows"]:
        assert row["unit"]
        assert row["value"] is not None or row["missing"]
        assert row["value"] is None or row["value_low"] <= row["value"] <= row["value_high"]
    assert rows["hashprice"]["unit"] == "ratio"
    assert sum(row["weight_fraction"] for row in gauge) == pytest.approx(1.0)
    parts = [rows[name]["contribution_index_0_100"] for name in ("profitable", "margin", "renewal")]
    assert sum(parts) == pytest.approx(found["index_index_0_100"])
    assert found["weights_file"] == str(soon)


def test_people_read_the_figure_first(call: Run, lake: Path, soon: Path) -> None:
    done = call("--home", lake, "stress", "--weights", soon)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Stress gauge ")
    assert " of 100 (" in lines[0]
    assert "SIMULATED" in done.stdout
    assert "Miner sustainability" in done.stdout
    assert "last 365 days" in done.stdout


def test_history_has_a_row_a_day(call: Run, lake: Path, soon: Path) -> None:
    done = call("--home", lake, "stress", "--weights", soon, "--history", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) > 200
    days = [row["day"] for row in rows]
    assert days == sorted(set(days))
    spoken = [row for row in rows if row["gauge_index_0_100"]]
    assert all(0 <= float(row["gauge_index_0_100"]) <= 100 for row in spoken)
    assert {"ribbon_percentile_index_0_100", "hashprice_value_ratio", "known_at"} <= set(rows[0])
    cut = call(
        *("--home", lake, "stress", "--weights", soon, "--history", "--csv"),
        *("--start", days[10], "--end", days[19]),
    )
    assert [row["day"] for row in csv.DictReader(io.StringIO(cut.stdout))] == days[10:20]
    shown = call("--home", lake, "stress", "--weights", soon, "--history")
    # two simulated years: a line a month, and not a line a day
    assert 8 < shown.stdout.count(" 2021 ") + shown.stdout.count(" 2022 ") < 40


def test_two_years_are_too_few_and_the_error_says_so(call: Run, lake: Path) -> None:
    done = call("--home", lake, "stress")
    assert done.returncode == 3
    assert "730 days" in done.stderr
    assert done.stdout == ""


def test_weights_that_cannot_be_are_one_error(call: Run, lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    # the component was called under_water before
    for text, place, names in (
        ("ribbon = -1", "weights.mine.ribbon", "a number"),
        ("under_water = 1", "weights.mine.under_water", "underwater"),
    ):
        path.write_text(f"[weights.mine]\ngroup = 1\n{text}\n", encoding="utf-8")
        done = call("--home", lake, "stress", "--weights", path)
        assert done.returncode == 2
        assert place in done.stderr
        assert names in done.stderr
        assert done.stdout == ""


def test_a_component_without_weight_is_not_there(call: Run, lake: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(_SOON + "[weights.mine]\ngroup = 1\npuell = 1\n", encoding="utf-8")
    found = json.loads(call("--home", lake, "stress", "--weights", path, "--json").stdout)
    assert [row["name"] for row in found["rows"] if row["figure"] == "gauge"] == ["puell", "gauge"]
    assert found["rows"][0]["percentile_index_0_100"] == pytest.approx(found["gauge_index_0_100"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stress", "--start", "2020-01-01"], "--history"),
        (["study", "stress", "--seed", "x"], "--seed"),
        (["study", "stress", "--worlds", "0"], "--worlds"),
        (["study", "stress", "--draws", "3.5"], "--draws"),
    ],
)
def test_arguments_that_cannot_be_are_named(
    call: Run, lake: Path, arguments: list[str], said: str
) -> None:
    done = call("--home", lake, *arguments)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.fixture
def seen(tmp_path: Path, call: Run, lake: Path, soon: Path) -> Path:
    """Two capitulations, the first where the gauge of the lake is highest."""
    done = call("--home", lake, "stress", "--weights", soon, "--history", "--json")
    rows = [row for row in json.loads(done.stdout)["rows"] if row["word"]]
    top = max(rows[40:], key=lambda row: row["gauge_index_0_100"])["day"]
    path = tmp_path / "seen.toml"
    path.write_text(
        f"[[capitulation]]\nname = 'top'\nstart = {top}\nend = {top}\nsource = 'the gauge'\n"
        "[[capitulation]]\nname = 'early'\nstart = 2000-01-01\nend = 2000-02-01\nsource = 's'\n",
        encoding="utf-8",
    )
    return path


def test_the_study_judges_by_the_capitulations_given(
    call: Run, lake: Path, soon: Path, seen: Path
) -> None:
    given = ("--home", lake, "study", "stress", "--weights", soon, "--capitulations", seen)
    found = json.loads(call(*given, "--json").stdout)
    by = {row["capitulation"]: row for row in found["rows"]}
    assert by["top"]["hit"] is True
    # before the record there is nothing to judge
    assert (by["early"]["covered"], by["early"]["hit"]) == (False, None)
    assert (found["hits"], found["judged"], found["hit_fraction"]) == (1, 1, 1.0)
    # Wilson's lower limit of one of one: 1 / (1 + 1.96**2)
    assert found["hit_fraction_low"] == pytest.approx(1 / (1 + 1.959964**2), rel=1e-6)
    assert "SIMULATED" in call(*given).stdout


@pytest.mark.parametrize("shown", ["components", "weights", "choices", "returns"])
def test_every_table_of_the_study_has_rows(
    call: Run, lake: Path, soon: Path, seen: Path, shown: str
) -> None:
    given = ("--home", lake, "study", "stress", "--weights", soon, "--capitulations", seen)
    done = call(*given, "--show", shown, "--draws", "20", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["simulated"] is True
    assert found["rows"]
    assert call(*given, "--show", shown, "--draws", "20").stdout.count("\n") > 5


@pytest.mark.parametrize("rule", ["ribbon", "epoch"])
def test_the_records_own_episodes_stand_in(call: Run, lake: Path, soon: Path, rule: str) -> None:
    given = ("--home", lake, "study", "stress", "--weights", soon, "--against", rule, "--json")
    found = json.loads(call(*given).stdout)
    own = json.loads(call("--home", lake, "episodes", "--json").stdout)["rows"]
    weeks = {row["start"][:10] for row in own if row["rule"] == rule and row["length_days"] >= 7}
    assert found["against"] == rule
    assert weeks
    assert {row["start"] for row in found["rows"]} == weeks
    if rule == "ribbon":
        # in a simulated lake nothing published happened: its own episodes stand in
        assert json.loads(call(*given[:6], "--json").stdout)["against"] == "ribbon"
    done = call(*given, "--capitulations", soon)
    assert done.returncode == 2
    assert "--against published" in done.stderr


def test_luck_is_marked_as_simulated(call: Run, lake: Path, soon: Path) -> None:
    given = ("--home", lake, "study", "stress", "--weights", soon, "--show", "luck", "--worlds", 1)
    done = call(*given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SIMULATED")
