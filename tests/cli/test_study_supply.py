"""``hashcanary study supply`` on a simulated lake."""

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

_FLEET = """
power_price_usd_per_kwh = 0.05
[[machines]]
rig = "Antminer S9"
count = 100
"""


def test_people_are_told_shares_with_bands(call: Run, lake: Path) -> None:
    words = ("--home", lake, "study", "supply")
    text, document = call(*words).stdout, json.loads(call(*words, "--json").stdout)
    assert "SIMULATED" in text
    low, middle, high = (document[f"underwater_fraction{end}"] for end in ("_low", "", "_high"))
    assert f"{middle:.1%} ({low:.1%} to {high:.1%})" in text
    assert f"{document['underwater_mean_fraction']:.1%}" in text
    assert f"{document['hashprice_usd_per_phs_day']:.2f} USD/PH/s/day" in text
    # Noda, Okumura and Hashimoto's elasticity
    assert str(document["literature_elasticity_ratio"]) in text
    assert "95% of draws" in text


def test_json_has_the_curve_and_the_power_prices_with_units(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "study", "supply", "--json").stdout)
    assert document["simulated"] is True
    assert document["draws"] == 10_000
    low, middle, high = (document[f"underwater_fraction{end}"] for end in ("_low", "", "_high"))
    assert 0 <= low <= middle <= high <= 1
    profitable = [row["profitable_fraction"] for row in document["rows"]]
    assert profitable == sorted(profitable)
    assert all(part["source"] for part in document["power"])
    assert sum(part["share_fraction"] for part in document["power"]) == pytest.approx(1.0)
    assert "provenance" in document


def test_rigs_that_switch_off_first_stand_on_top(call: Run, lake: Path) -> None:
    words = ("--home", lake, "study", "supply", "--show", "rigs", "--json")
    off = [row["off_at_usd_per_phs_day"] for row in json.loads(call(*words).stdout)["rows"]]
    assert off == sorted(off, reverse=True)


@pytest.mark.parametrize("shown", ["curve", "rigs", "assumptions"])
def test_csv_has_the_rows_that_are_shown(call: Run, lake: Path, shown: str) -> None:
    asked = ("--home", lake, "study", "supply", "--show", shown)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert document["shown"] == shown
    assert len(rows) == len(document["rows"]) > 5


def test_own_machines_stand_on_the_curve(call: Run, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(_FLEET)
    told = call("--home", lake, "study", "supply", "--fleet", file, "--json")
    (own,) = json.loads(told.stdout)["rows"]
    # the nameplate of an S9: 98 J/TH
    assert own["off_at_usd_per_phs_day"] == pytest.approx(98 * 24 * 0.05, rel=1e-3)
    assert 0 <= own["cheaper_fraction_low"] <= own["cheaper_fraction_high"] <= 1
    contract = call("--home", lake, "study", "supply", "--fleet", file, "--power-price", 0.1)
    assert "Of your 1,350 TH/s" in contract.stdout


def test_a_contract_alone_says_which_machines_pay(call: Run, lake: Path) -> None:
    told = call("--home", lake, "study", "supply", "--power-price", 0.06, "--json")
    document = json.loads(told.stdout)
    assert document["shown"] == "own"
    for row in document["rows"]:
        best = document["hashprice_usd_per_phs_day"] / (24 * 0.06)
        assert row["profitable"] == (row["efficiency_j_per_th"] <= best)


@pytest.mark.parametrize(
    "words",
    [
        ("--power-price", "-0.05"),
        ("--power-price", "cheap"),
        ("--power-price", "nan"),
        ("--power-price", "50"),
        ("--seed", "-1"),
        ("--seed", "many"),
        ("--show", "own"),
        ("--fleet", "nowhere.toml"),
        ("--prices", "nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_wrong_usage(run: Run, lake: Path, words: tuple[str, str]) -> None:
    told = run("--home", lake, "study", "supply", f"{words[0]}={words[1]}")
    assert told.returncode == 2
    assert "expected" in told.stderr
    assert told.stdout == ""


def test_before_the_first_rig_there_is_nothing_to_say(run: Run, lake: Path) -> None:
    told = run("--home", lake, "study", "supply", "--at", "2012-01-01")
    assert told.returncode == 3
    assert told.stdout == ""


def test_the_curve_is_drawn_and_marked_as_simulated(call: Run, lake: Path, tmp_path: Path) -> None:
    from hashcanary.economics.supply.study import study_supply
    from hashcanary.report.charts.supply import supply_spec
    from hashcanary.store.lake import Lake
    from hashcanary.store.recording import record_of

    path = tmp_path / "curve.png"
    assert call("--home", lake, "study", "supply", "--png", path).returncode == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    spec = supply_spec(study_supply(record_of(Lake.open(lake)), draws=200), simulated=True)
    assert spec["title"]["text"].startswith("SIMULATED")
    named = {layer["data"]["name"] for layer in spec["layer"] if "name" in layer["data"]}
    assert named == set(spec["datasets"])
    for layer in spec["layer"]:
        if "name" in layer["data"]:
            used = {one["field"] for one in layer["encoding"].values() if "field" in one}
            assert used <= set(spec["datasets"][layer["data"]["name"]][0])
