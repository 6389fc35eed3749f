"""``hashcanary study hosting`` on a simulated lake."""

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

# the simulated lake is of 2020 and 2021: contracts of then
_CONTRACTS = """
[[contract]]
host = "A"
tenant = "B"
what = "ours"
published = 2020-06-01
kind = "colocation"
capacity = 100
capacity_unit = "MW"
capacity_of = "critical IT"
revenue = 1.7532
revenue_unit = "billion USD"
revenue_over = "term"
years = 10
power = "tenant"
pays = "reserved"
capex_by = "host"
source = "ours"
"""


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    path = tmp_path / "contracts.toml"
    path.write_text(_CONTRACTS)
    return path


def test_people_read_the_rent_and_its_share(call: Run, lake: Path, contracts: Path) -> None:
    printed = call("--home", lake, "study", "hosting", "--contracts", contracts)
    assert printed.returncode == 0, printed.stderr
    for part in ("SIMULATED", "200 USD/MWh of critical IT", "146 USD/kW-month", "95% of draws"):
        assert part in printed.stdout


def test_json_has_offers_contracts_and_assumptions_with_units_and_sources(
    call: Run, lake: Path, contracts: Path
) -> None:
    words = ("study", "hosting", "--contracts", contracts, "--offer", "150", "--json")
    document = json.loads(call("--home", lake, *words).stdout)
    assert document["simulated"] is True
    # 1.7532 billion USD / (100 MW x 10 x 8766 h)
    assert document["typical_rent_usd_per_mwh"] == pytest.approx(200.0)
    assert document["reference_rent_usd_per_mwh"] == 150.0
    shares = [row["leaves_mean_fraction"] for row in document["rows"]]
    assert shares == sorted(shares)
    assert {150.0, 200.0} <= {row["rent_usd_per_mwh"] for row in document["rows"]}
    for row in document["rows"]:
        assert row["leaves_fraction_low"] <= row["leaves_fraction"] <= row["leaves_fraction_high"]
    assert all(row["source"] for row in document["assumptions"])
    assert document["drift_first"] < document["drift_last"]
    assert "provenance" in document
    printed = call("--home", lake, *words, "--show", "contracts")
    (contract,) = json.loads(printed.stdout)["rows"]
    assert contract["rent_usd_per_kw_month"] == pytest.approx(146.1)
    assert (contract["published"], contract["counted"]) == ("2020-06-01", True)


@pytest.mark.parametrize(
    ("shown", "fewest"), [("offers", 20), ("contracts", 1), ("assumptions", 15), ("left", 5)]
)
def test_csv_has_the_rows_that_are_shown(
    call: Run, answers_kept: None, lake: Path, contracts: Path, shown: str, fewest: int
) -> None:
    asked = ("--home", lake, "study", "hosting", "--contracts", contracts, "--show", shown)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert document["shown"] == shown
    assert len(rows) == len(document["rows"]) >= fewest


def test_what_follows_where_a_part_leaves_is_told(call: Run, lake: Path) -> None:
    told = call("--home", lake, "study", "hosting", "--left-for-good", "8%")
    # 1 / 0.92
    assert "−8.00%" in told.stdout
    assert "+8.70%" in told.stdout
    words = ("study", "hosting", "--left-for-good", "0.08", "--who", "cheapest", "--json")
    document = json.loads(call("--home", lake, *words).stdout)
    (row,) = [one for one in document["rows"] if one["left_fraction"] == 0.08]
    assert row["hashprice_change_alone_fraction"] == pytest.approx(1 / 0.92 - 1)
    assert row["selection"] == "cheapest"
    assert row["hashprice_change_fraction_high"] <= 1 / 0.92 - 1 + 1e-9
    assert document["shown"] == "left"


def test_the_rent_that_equals_mining_at_ones_own_power_price(call: Run, lake: Path) -> None:
    found = {}
    for price in ("0.02", "0.06"):
        words = ("study", "hosting", "--power-price", price, "--json")
        document = json.loads(call("--home", lake, *words).stdout)
        assert document["own_power_price_usd_per_kwh"] == float(price)
        found[price] = document["break_even_own_usd_per_mwh"]
    assert found["0.02"] > found["0.06"]


@pytest.mark.parametrize(
    "words",
    [
        ("--offer", "-5"),
        ("--offer", "much"),
        ("--left-for-good", "120%"),
        ("--left-for-good", "-5%"),
        ("--left-for-good", "97%"),
        ("--left-for-good", "some"),
        ("--power-price", "cheap"),
        ("--power-price", "50"),
        ("--power-price", "0.05 EUR"),
        ("--seed", "-1"),
        ("--contracts", "nowhere.toml"),
        ("--prices", "nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_wrong_usage(run: Run, lake: Path, words: tuple[str, str]) -> None:
    told = run("--home", lake, "study", "hosting", f"{words[0]}={words[1]}")
    assert told.returncode == 2
    assert "expected" in told.stderr
    assert told.stdout == ""


def test_a_contract_of_an_unknown_currency_is_named(run: Run, lake: Path, contracts: Path) -> None:
    contracts.write_text(_CONTRACTS.replace("billion USD", "billion BTC"))
    told = run("--home", lake, "study", "hosting", "--contracts", contracts)
    assert told.returncode == 2
    assert "contract 1.revenue_unit" in told.stderr
    assert "billion BTC" in told.stderr


def test_before_the_first_rig_there_is_nothing_to_say(run: Run, lake: Path) -> None:
    told = run("--home", lake, "study", "hosting", "--at", "2012-01-01")
    assert told.returncode == 3
    assert told.stdout == ""


def test_the_curve_is_drawn_and_marked_as_simulated(
    call: Run, lake: Path, contracts: Path, tmp_path: Path
) -> None:
    from hashcanary.economics.hosting.contracts import read_hosting
    from hashcanary.economics.hosting.study import study_hosting
    from hashcanary.report.charts.supply import hosting_picture, hosting_spec
    from hashcanary.store.lake import Lake
    from hashcanary.store.recording import record_of

    path = tmp_path / "curve.png"
    words = ("study", "hosting", "--contracts", contracts, "--png", path)
    assert call("--home", lake, *words).returncode == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    study = study_hosting(record_of(Lake.open(lake)), read_hosting(contracts), draws=100)
    assert hosting_picture(study, simulated=True, look="dark") != path.read_bytes()
    spec = hosting_spec(study, simulated=True)
    assert spec["title"]["text"].startswith("SIMULATED")
    named = {layer["data"]["name"] for layer in spec["layer"] if "name" in layer["data"]}
    assert named == set(spec["datasets"])
    for layer in spec["layer"]:
        if "name" in layer["data"]:
            used = {one["field"] for one in layer["encoding"].values() if "field" in one}
            assert used <= set(spec["datasets"][layer["data"]["name"]][0])
