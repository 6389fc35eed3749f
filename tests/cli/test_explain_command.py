"""``hashcanary explain drop`` on a simulated lake."""

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

CAUSES = ("luck", "curtailment", "economics", "exit")


def test_people_see_the_answer_its_evidence_and_what_is_missing(call: Run, lake: Path) -> None:
    printed = call("--home", lake, "explain", "drop")
    assert printed.returncode == 0
    document = json.loads(call("--home", lake, "explain", "drop", "--json").stdout)
    lines = printed.stdout.splitlines()
    assert lines[0] == document["headline"]
    assert "SIMULATED" in printed.stdout
    for row in document["rows"]:
        assert any(row["evidence"] in line and row["finding"] in line for line in lines)
    assert f"Missing: {document['missing'][0]}." in lines


def test_json_has_units_in_its_keys_and_probabilities_that_sum_to_one(
    call: Run, lake: Path
) -> None:
    document = json.loads(call("--home", lake, "explain", "drop", "--json").stdout)
    shares = {row["cause"]: row["posterior_probability"] for row in document["causes"]}
    assert set(shares) == set(CAUSES)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert document["simulated"] is True
    assert document["answer"] in {*CAUSES, "cannot tell"}
    assert document["depth_fraction_low"] <= document["depth_fraction"]
    assert document["depth_fraction"] <= document["depth_fraction_high"]
    assert document["hashprice_usd_per_phs_day"] > 0
    assert len(document["missing"]) == 1
    assert "provenance" in document
    assert len(document["rows"]) == 5
    for row in document["rows"]:
        assert row["source"]
        missing = row["curtailment_log_bayes_factor_nats"] is None
        assert missing == (row["finding"] == "missing")


def test_csv_has_the_evidence(call: Run, lake: Path) -> None:
    text = call("--home", lake, "explain", "drop", "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["kind"] == "blocks"
    assert float(rows[0]["luck_log_bayes_factor_nats"]) == 0.0


def test_a_drop_is_looked_for_since_a_date(call: Run, lake: Path) -> None:
    whole = json.loads(call("--home", lake, "explain", "drop", "--json").stdout)
    real = [row for row in whole["drops"] if row["real_probability"] >= 0.5]
    since = real[-1]["start"]
    found = json.loads(call("--home", lake, "explain", "drop", "--since", since, "--json").stdout)
    assert found["start"][:10] == since
    assert whole["start"][:10] in [row["start"] for row in found["drops"]]


@pytest.mark.parametrize("since", ["yesterday", "1999-01-01", "2100-01-01", "12345"])
def test_a_beginning_that_cannot_be_is_a_usage_error(call: Run, lake: Path, since: str) -> None:
    failed = call("--home", lake, "explain", "drop", "--since", since, "--json")
    assert failed.returncode == 2
    assert "--since" in json.loads(failed.stderr)["message"]


def test_before_the_data_it_says_that_there_are_no_blocks(call: Run, lake: Path) -> None:
    failed = call("--home", lake, "explain", "drop", "--at", "2009-01-03", "--json")
    assert failed.returncode == 3
    assert json.loads(failed.stderr)["error"] == "NothingToMeasure"


def test_soon_after_the_beginning_it_says_how_many_days_it_needs(call: Run, lake: Path) -> None:
    failed = call("--home", lake, "explain", "drop", "--at", "2020-01-08", "--json")
    assert failed.returncode == 3
    error = json.loads(failed.stderr)
    assert error["error"] == "TooFewToExplain"
    assert "30 days" in error["message"]


def test_own_assumptions_are_taken_and_wrong_ones_refused(
    call: Run, lake: Path, tmp_path: Path
) -> None:
    from hashcanary.inference.explain import causes

    text = Path(causes.__file__).with_name("causes.toml").read_text("utf-8")
    own = tmp_path / "own.toml"
    own.write_text(text.replace("a_year = 0.2", "a_year = 2.0"), "utf-8")
    usual = json.loads(call("--home", lake, "explain", "drop", "--json").stdout)
    found = call("--home", lake, "explain", "drop", "--causes", own, "--json")
    document = json.loads(found.stdout)
    priors = [
        next(row["prior_probability"] for row in each["causes"] if row["cause"] == "exit")
        for each in (usual, document)
    ]
    assert priors[1] > 3 * priors[0]
    own.write_text("regions = []", "utf-8")
    failed = call("--home", lake, "explain", "drop", "--regions", own, "--json")
    assert failed.returncode == 2
    assert json.loads(failed.stderr)["error"] == "BadStatement"


@pytest.mark.parametrize("option", ["--rigs", "--power-prices"])
def test_what_machines_cost_can_be_given_and_is_checked(
    call: Run, lake: Path, tmp_path: Path, option: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("rig = 1\nregion = 2", "utf-8")
    failed = call("--home", lake, "explain", "drop", option, own, "--json")
    assert failed.returncode == 2
    assert json.loads(failed.stderr)["error"] == "BadFigures"
