"""``hashcanary companies``: tables, forms, marks, and the error where nothing was reported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Run = Callable[..., CompletedProcess[str]]
HEAD = "company,period,published,source_url"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Path:
    """A real lake with the example of reports and nothing else."""
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path_factory.mktemp("homes") / "lake"
    load(Lake.create(home, MAIN), [example], now=0)
    return home


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from importlib.resources import files

    path = tmp_path_factory.mktemp("reports") / "reports.csv"
    example = files("hashcanary.sources.files") / "company_reports_example.csv"
    path.write_bytes(example.read_bytes())
    return path


def shown(call: Run, home: Path, *arguments: object) -> dict[str, Any]:
    answer = call("--home", home, "companies", *arguments, "--json")
    assert (answer.returncode, answer.stderr) == (0, "")
    document: dict[str, Any] = json.loads(answer.stdout)
    return document


def test_without_reports_it_ends_with_3_and_says_how_to_load_one(call: Run, lake: Path) -> None:
    for show in ("now", "months", "debt", "ai"):
        answer = call("--home", lake, "companies", "--show", show)
        assert (answer.returncode, answer.stdout) == (3, "")
        assert answer.stderr.count("\n") == 1
        assert "hashcanary load reports.csv" in answer.stderr
        assert "hashcanary companies --example" in answer.stderr


def test_without_a_report_by_then_it_ends_with_3(call: Run, home: Path) -> None:
    answer = call("--home", home, "companies", "--at", "2022-08-04")
    assert answer.returncode == 3
    assert "as known at 2022-08-04" in answer.stderr
    assert call("--home", home, "companies", "--at", "2022-08-05").returncode == 0


def test_the_example_is_a_file_that_loads(call: Run, tmp_path: Path) -> None:
    printed = call("companies", "--example")
    assert printed.returncode == 0
    path = tmp_path / "printed.csv"
    path.write_text(printed.stdout, encoding="utf-8")
    loaded = call("--home", tmp_path / "lake", "load", path, "--json")
    assert json.loads(loaded.stdout)["rows"][0]["kind"] == "company-reports"
    assert call("--home", tmp_path / "lake", "verify").returncode == 0
    assert call("--home", tmp_path / "lake", "status").returncode == 0


def test_the_months_are_those_of_the_releases(call: Run, home: Path) -> None:
    rows = shown(call, home, "--show", "months", "--company", "riot")["rows"]
    (july,) = (row for row in rows if row["period_start"] == "2024-07-01")
    assert july["produced_btc"] == 370.0
    assert july["change_btc"] == 370.0
    assert july["unexplained_btc"] == 0.0
    assert july["adds_up"] is True
    assert july["known"] == "2024-08-05"
    (december,) = (row for row in rows if row["period"] == "Dec 2025")
    assert december["sold_share_fraction"] == pytest.approx(1818 / 460)
    # nothing of the network is in this lake
    assert december["network_share_fraction"] is None
    assert {row["companies"] for row in rows} == {1}


def test_debt_and_the_price_at_which_it_is_the_treasury(call: Run, home: Path) -> None:
    found = shown(call, home, "--show", "debt", "--price", "60000", "--at", "2026-02-05")
    assert (found["price_usd_per_btc"], found["price_day"]) == (60000.0, None)
    (one,) = (row for row in found["rows"] if row["debt_usd"] is not None)
    assert one["company"] == "CleanSpark"
    assert (one["debt_usd"], one["debt_to"]) == (1_822_519_000.0, "2025-12-31")
    assert (one["held_btc"], one["held_to"]) == (13_011.0, "2025-09-30")
    assert one["debt_equals_treasury_at_usd_per_btc"] == pytest.approx(1_822_519_000 / 13_011)
    assert one["debt_to_treasury_ratio"] == pytest.approx(1_822_519_000 / 13_011 / 60_000)
    assert one["debt_source"].startswith("https://www.stocktitan.net/sec-filings/CLSK/")
    # published on 5 February 2026: a day before, the debt of June counts
    before = shown(call, home, "--show", "debt", "--price", "60000", "--at", "2026-02-04")
    (one,) = (row for row in before["rows"] if row["debt_usd"] is not None)
    assert one["debt_usd"] == 820_300_000.0


def test_bands_hold_their_figure(call: Run, home: Path) -> None:
    for show in ("now", "debt", "ai", "months"):
        document = shown(call, home, "--show", show)
        assert document["rows"]
        banded = [column["key"] for column in document["columns"] if column["interval"]]
        for row in document["rows"]:
            for key in banded:
                if row[key] is not None:
                    assert row[f"{key}_low"] <= row[key] <= row[f"{key}_high"], key


def test_a_cost_stands_with_its_inputs(call: Run, home: Path) -> None:
    at = ("--at", "2026-02-05", "--price", "60000")
    document = shown(call, home, *at)
    bills = [row for row in document["rows"] if row["power_bill_usd_per_month"] is not None]
    assert bills
    text = call("--home", home, "companies", *at).stdout
    for row in bills:
        assert row["power_bill_inputs"]
        assert f"{row['company']}: {row['power_bill_inputs']}" in text
    assert {"company": "Bitfarms", "last": "2023-09-30"} in document["too_old"]


def test_simulated_reports_are_marked_everywhere(call: Run, tmp_path: Path) -> None:
    path = tmp_path / "made_up.csv"
    path.write_text(
        f"{HEAD},produced_btc,held_btc,debt_usd,ai_contracted_mw,simulated\n"
        "Made Up,2024-07,2024-08-05,u,5,6,7,8,yes\n"
    )
    call("--home", tmp_path / "lake", "load", path)
    for show in ("now", "months", "debt", "ai"):
        home = tmp_path / "lake"
        text = call("--home", home, "companies", "--show", show).stdout
        assert "Made Up (SIMULATED)" in text
        assert "SIMULATED: drawn by a random generator" in text
        row = shown(call, home, "--show", show)["rows"][0]
        assert row["simulated"] is True
        assert "SIMULATED" in row["company"]


def test_in_a_simulated_lake_all_is_marked(call: Run, tmp_path: Path, example: Path) -> None:
    from hashcanary.chain.networks import MAIN
    from hashcanary.store.lake import Lake
    from hashcanary.store.loading import load

    home = tmp_path / "lake"
    load(Lake.create(home, MAIN, simulated=True), [example], now=0)
    assert "SIMULATED: drawn" in call("--home", home, "companies").stdout
    assert shown(call, home)["simulated"] is True


def test_a_restatement_is_named(call: Run, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(f"{HEAD},produced_btc\nA,2024-07,2024-08-05,u,5\nA,2024-07,2024-09-05,v,6\n")
    home = tmp_path / "lake"
    call("--home", home, "load", path)
    arguments = ("--home", home, "companies", "--show", "months")
    assert "A, Jul 2024." in call(*arguments).stdout
    (row,) = shown(call, home, "--show", "months")["rows"]
    assert (row["produced_btc"], row["restated"]) == (6.0, True)
    (row,) = shown(call, home, "--show", "months", "--at", "2024-09-04")["rows"]
    assert (row["produced_btc"], row["restated"]) == (5.0, False)


def test_text_of_a_file_reaches_no_terminal_as_it_stands(call: Run, tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(f"{HEAD},held_btc\n=cmd|' /C calc',2024-07,2024-08-05,u,5\n")
    assert call("--home", tmp_path / "lake", "load", path).returncode == 0
    answer = call("--home", tmp_path / "lake", "companies", "--csv")
    (row,) = csv.DictReader(io.StringIO(answer.stdout))
    assert row["company"].startswith("'=")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--company", "Enron"), 2, "found 'Enron'"),
        (("--price", "much"), 2, "--price: expected US dollars a bitcoin"),
        (("--price", "-5"), 2, "--price: expected US dollars a bitcoin, a number above 0"),
        (("--at", "yesterday"), 2, "--at: expected a date"),
    ],
)
def test_wrong_usage_is_one_error(
    call: Run, home: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    answer = call("--home", home, "companies", *arguments)
    assert (answer.returncode, answer.stdout) == (code, "")
    assert says in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_lake_of_reports_alone_has_every_table(call: Run, home: Path) -> None:
    for show in ("now", "months", "debt", "ai"):
        answer = call("--home", home, "companies", "--show", show)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "as known at latest" in answer.stdout
    assert "no price is known" in call("--home", home, "companies").stdout


def test_reports_without_contracts_or_months_give_tables_without_rows(
    call: Run, tmp_path: Path
) -> None:
    path = tmp_path / "reports.csv"
    path.write_text(f"{HEAD},debt_usd\nA,2024-07-31,2024-08-05,u,5\n")
    home = tmp_path / "lake"
    call("--home", home, "load", path)
    for show in ("now", "months", "ai"):
        answer = call("--home", home, "companies", "--show", show)
        assert (answer.returncode, answer.stderr) == (0, "")
        assert call("--home", home, "companies", "--show", show, "--csv").returncode == 0
    assert shown(call, home, "--show", "ai")["rows"] == []
