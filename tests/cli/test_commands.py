"""Each command end to end on a small simulated lake: what it prints, in each form."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def data(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object on stdout of a command that succeeded without a word on stderr."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert isinstance(found, dict)
    return found


def table(done: subprocess.CompletedProcess[str]) -> list[dict[str, str]]:
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_metric_show_json_keeps_its_contract(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "--json", "metric", "show", "hashrate.sma30"))
    assert found["name"] == "hashrate.sma30"
    assert found["unit"] == "H/s"
    assert found["simulated"] is True
    assert found["definition"]
    assert found["interval"]
    assert found["at"] == "latest"
    times = [row["time"] for row in found["rows"]]
    assert times == sorted(times)
    assert found["complete_from"] in times
    assert found["complete_to"] in times
    for row in found["rows"]:
        assert {"time", "value", "low", "high", "known_at", "basis", "missing"} <= row.keys()
        if row["value"] is None:
            assert row["missing"]
        else:
            assert row["missing"] is None
            assert row["low"] < row["value"] < row["high"]
            assert 1e19 < row["value"] < 1e21


def test_several_metrics_stand_side_by_side_with_units_in_their_keys(call: Run, lake: Path) -> None:
    names = ("hashrate.sma30", "price")
    found = data(call("--home", lake, "--json", "metric", "show", *names))
    alone = {name: data(call("--home", lake, "--json", "metric", "show", name)) for name in names}
    for at in (100, -5):
        row = found["rows"][at]
        rate = alone["hashrate.sma30"]["rows"][at]
        assert row["time"] == rate["time"]
        assert row["hashrate_sma30_hashes_per_second_low"] == rate["low"]
        assert row["price_usd"] == alone["price"]["rows"][at]["value"]
    assert call("--home", lake, "metric", "show", "price", "difficulty.epoch").returncode == 2


def test_metric_show_without_an_interval_has_null_bounds(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "metric", "show", "price", "--json"))
    assert {row["low"] for row in found["rows"]} == {None}


def test_complete_range_is_the_last_run_without_a_missing_value(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "--json", "metric", "show", "hashrate.sma60"))
    inside = [
        row["value"]
        for row in found["rows"]
        if found["complete_from"] <= row["time"] <= found["complete_to"]
    ]
    before = [row["value"] for row in found["rows"] if row["time"] < found["complete_from"]]
    assert len(inside) > 600
    assert None not in inside
    assert before[-1] is None  # the window's warm-up


def test_metric_show_csv_has_the_keys_of_json(call: Run, lake: Path) -> None:
    rows = table(call("metric", "show", "hashprice", "--home", lake, "--csv"))
    assert list(rows[0])[:4] == ["time", "value", "low", "high"]
    assert len(rows[-5]["time"]) == len("2026-02-03")


def test_start_and_end_are_both_included(call: Run, lake: Path) -> None:
    bounds = ("--start", "2021-01-30", "--end", "2021-02-02")
    found = data(call("--home", lake, "--json", "metric", "show", "price", *bounds))
    days = [row["time"] for row in found["rows"]]
    assert days == ["2021-01-30", "2021-01-31", "2021-02-01", "2021-02-02"]


def test_at_sees_nothing_later(call: Run, lake: Path) -> None:
    now = data(call("--home", lake, "--json", "metric", "show", "price"))
    then = data(call("--home", lake, "--json", "metric", "show", "price", "--at", "2021-03-01"))
    known = {row["time"]: row["value"] for row in now["rows"]}
    past = {row["time"]: row["value"] for row in then["rows"] if row["value"] is not None}
    assert max(past) == "2021-03-01"
    assert past == {time: known[time] for time in past}
    assert then["at"] == "2021-03-01"


def test_epoch_metrics_show_the_moment_an_epoch_began(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "--json", "metric", "show", "difficulty.epoch"))
    assert found["grain"] == "epoch"
    assert len(found["rows"]) > 50


def test_people_see_the_last_rows_with_prefixes(call: Run, lake: Path) -> None:
    done = call("--home", lake, "metric", "show", "hashrate.sma30", "--rows", "3")
    assert done.returncode == 0
    assert done.stdout.count(" EH/s") == 9
    assert "Missing, 30 Dec 2021: " in done.stdout  # the last day is not final, and why
    assert "SIMULATED" in done.stdout
    assert "\x1b" not in done.stdout


def test_metric_list_names_every_metric_in_each_form(call: Run) -> None:
    names = {row["name"] for row in data(call("metric", "list", "--json"))["rows"]}
    assert {"hashrate.day", "hashprice", "ribbon.state", "puell", "rsi14"} <= names
    assert {row["name"] for row in table(call("--csv", "metric", "list"))} == names
    people = call("metric", "list").stdout
    assert all(name in people for name in names)


def test_status_says_what_is_there_and_that_it_is_simulated(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "status", "--json"))
    assert found["simulated"] is True
    rows = {table["name"]: table["rows"] for table in found["tables"]}
    assert rows["blocks"] > 100_000
    assert rows["candles"] == 730
    assert rows["headers"] == 0
    assert all(row["missing"] == 0 for row in found["rows"])
    assert "SIMULATED" in call("--home", lake, "status").stdout
    by_csv = table(call("--home", lake, "status", "--csv"))
    assert {row["table"] for row in by_csv} == {"blocks", "candles"}


def test_verify_finds_nothing_in_a_sound_lake(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "verify", "--json"))
    assert found["sound"] is True
    assert found["rows"] == []
    retargets = next(check for check in found["checks"] if check["name"] == "retargets")
    assert retargets["covered"] > 50  # every simulated retarget follows consensus
    assert "Nothing was found." in call("--home", lake, "verify").stdout


def test_verify_exits_with_1_and_names_the_file_that_was_altered(
    call: Run, lake: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "lake"
    shutil.copytree(lake, copy)
    victim = next((copy / "tables" / "blocks").glob("*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    done = call("--home", copy, "verify", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["sound"] is False
    assert any(victim.name in row["place"] for row in found["rows"])
    assert victim.name in call("--home", copy, "verify").stdout


def test_episodes_find_the_simulated_capitulation(call: Run, lake: Path) -> None:
    found = data(call("--home", lake, "episodes", "--json"))
    assert {rule["rule"] for rule in found["rules"]} == {"ribbon", "epoch"}
    assert found["simulated"] is True
    # the scenario takes 42% of the hashrate over 50 days, from 2021-05-21 on
    deep = [
        row for row in found["rows"] if row["rule"] == "ribbon" and row["depth_fraction"] < -0.25
    ]
    assert len(deep) == 1
    assert "2021-05-21" < deep[0]["start"] < "2021-07-01"
    rows = table(call("--home", lake, "episodes", "--csv"))
    assert len(rows) == len(found["rows"])
    people = call("--home", lake, "episodes").stdout
    start = date.fromisoformat(deep[0]["start"])
    assert f"{start.day} {start:%b %Y}" in people
    assert "SIMULATED" in people


def test_load_reports_every_file_and_what_was_passed_over(
    call: Run, simulated_files: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(simulated_files, folder)
    (folder / "notes.txt").write_text("nothing of use\n")
    home = tmp_path / "lake"
    found = data(call("--home", home, "load", folder, "--json"))
    assert found["files_read"] == 2
    assert found["files_passed_over"] == 1
    assert found["new_facts"] == found["facts"] > 100_000
    passed_over = [row for row in found["rows"] if row["kind"] is None]
    assert passed_over[0]["path"].endswith("notes.txt")
    assert passed_over[0]["reason"]
    again = data(call("--home", home, "load", folder, "--json"))
    assert again["new_facts"] == 0
    assert again["version"] == found["version"]
    people = call("--home", home, "load", folder).stdout
    assert "notes.txt" in people
    assert "simulated_blocks.parquet" in people


def test_loading_into_a_simulated_lake_is_said(
    call: Run, lake: Path, simulated_files: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "lake"
    shutil.copytree(lake, copy)
    done = call("--home", copy, "load", simulated_files)
    assert done.returncode == 0
    assert "simulated history" in done.stderr


def test_home_comes_from_the_environment_where_it_is_not_given(run: Run, lake: Path) -> None:
    found = data(run("status", "--json", HASHCANARY_HOME=str(lake)))
    assert found["home"] == str(lake)


def test_global_options_count_before_and_after_the_command(call: Run, lake: Path) -> None:
    before = call("--home", lake, "--json", "metric", "show", "price").stdout
    after = call("metric", "show", "price", "--json", "--home", lake).stdout
    between = call("--json", "metric", "--home", lake, "show", "price").stdout
    assert before == after == between
    assert json.loads(before)["name"] == "price"


def test_output_is_the_same_bytes_whatever_the_number_of_threads(
    run: Run, call: Run, lake: Path
) -> None:
    arguments = ("--home", lake, "--json", "metric", "show", "drawdown.sma30")
    assert call(*arguments).stdout == run(*arguments, POLARS_MAX_THREADS="1").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("verify",),
        ("report",),
        ("report", "--json"),
        ("metric", "show", "hashprice", "--csv"),
        ("episodes",),
    ],
    ids=" ".join,
)
def test_commands_run_in_a_process_of_their_own(
    run: Run, call: Run, lake: Path, arguments: tuple[str, ...]
) -> None:
    # however many threads of linear algebra the environment asks for
    done = run("--home", lake, *arguments, OPENBLAS_NUM_THREADS="4", POLARS_MAX_THREADS="3")
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout == call("--home", lake, *arguments).stdout


def test_report_writes_what_is_asked_for(call: Run, lake: Path, tmp_path: Path) -> None:
    html, png = tmp_path / "deep" / "report.html", tmp_path / "charts"
    done = call("--home", lake, "report", "--json", "--html", html, "--png", png)
    assert done.returncode == 0
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert found["simulated"] is True
    page = html.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "SIMULATED" in page
    pictures = sorted(png.iterdir())
    assert len(pictures) >= 5
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert all("SIMULATED" in path.name for path in pictures)
    assert str(html) in done.stderr


def test_report_at_a_moment_is_as_it_would_have_been_then(call: Run, lake: Path) -> None:
    found = json.loads(call("--home", lake, "report", "--at", "2021-03-01", "--json").stdout)
    assert found["at"] == "2021-03-01"
    assert found["tip"]["time"] <= "2021-03-02T00:00:00Z"
    assert found["complete_to"] <= "2021-03-02T00:00:00Z"
