"""``hashcanary rigs`` and ``hashcanary shutdown`` end to end."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hashcanary.economics.machines.rigs import read_rigs

Run = Callable[..., subprocess.CompletedProcess[str]]
BARE = ("--pool-fee", 0, "--pue", 1)
VIABTC = ("--difficulty", "17.62T", "--subsidy", 6.25, "--price", 10_000)


def test_rigs_as_people_json_and_csv_see_them(call: Run) -> None:
    people, plain = call("rigs"), call("rigs", "--json")
    rows = json.loads(plain.stdout)["rows"]
    assert len(rows) == len(read_rigs().rigs)
    assert all(row["sources"] for row in rows)
    assert "Antminer S19 XP" in people.stdout
    listed = list(csv.DictReader(io.StringIO(call("rigs", "--csv").stdout)))
    xp = next(row for row in listed if row["rig"] == "Antminer S19 XP")
    assert (xp["hashrate_ths"], xp["power_w"], xp["efficiency_j_per_th"]) == (
        "140.0",
        "3010.0",
        "21.5",
    )


def test_rigs_at_a_date_and_before_the_first(call: Run) -> None:
    rows = json.loads(call("rigs", "--at", "2017-12-31", "--json").stdout)["rows"]
    assert {"Antminer S7", "Antminer S9"} <= {row["rig"] for row in rows}
    assert max(row["released"] for row in rows) <= "2017-12-31"
    early = call("rigs", "--at", "2009-01-09")
    assert early.returncode == 3
    assert "Antminer S1, the first of the catalogue" in early.stderr


def test_a_users_catalogue_that_cannot_be_is_refused_by_name(call: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'nameplate_spread = 0.05\n[sources]\nown = "me"\n[[rig]]\nname = "X"\nmaker = "Y"\n'
        'hashrate_ths = 100\npower_w = 10\nreleased = "2024-01"\nrelease = "listed"\n'
        'sources = ["own"]\n'
    )
    refused = call("shutdown", "--hashprice", 40, "--rigs", mine)
    assert refused.returncode == 2
    assert "rig 1.power_w" in refused.stderr
    assert not refused.stdout


def test_viabtcs_table_from_its_stated_inputs(call: Run) -> None:
    found = call(
        *("shutdown", "--rig", "S19", "--power-price", "0.077 USD/kWh", "--json"),
        *(*VIABTC, "--fees-to-subsidy", 0.013, *BARE),
    )
    (row,) = json.loads(found.stdout)["rows"]
    price = row["shutdown_usd_per_btc"]
    assert price == pytest.approx(8_744.27, rel=0.01)
    assert row["shutdown_usd_per_btc_low"] < price < row["shutdown_usd_per_btc_high"]
    assert any("payback" in one for one in row["missing"])
    share = call(
        *("shutdown", "--rig", "S19", "--power-price", 0.077, "--json"),
        *(*VIABTC, "--fee-share", 0.013 / 1.013, *BARE),
    )
    assert json.loads(share.stdout)["rows"][0]["shutdown_usd_per_btc"] == pytest.approx(price)


def test_vanecks_break_even_without_a_lake(call: Run) -> None:
    for hashprice, printed in ((62, 0.12), (39.5, 0.077)):
        found = call("shutdown", "--rig", "S19 XP", "--hashprice", hashprice, "--csv", *BARE)
        (row,) = csv.DictReader(io.StringIO(found.stdout))
        assert float(row["break_even_usd_per_kwh"]) == pytest.approx(printed, rel=0.01)
        assert row["shutdown_usd_per_btc"] == ""


def test_from_a_lake_with_page_and_picture(call: Run, lake: Path, tmp_path: Path) -> None:
    page, png = tmp_path / "out" / "page.html", tmp_path / "out" / "chart.png"
    found = call(
        *("--home", lake, "shutdown", "--power-price", 0.04, "--power-price", 0.06),
        *("--rig", "S19", "--rig-price", 16, "--html", page, "--png", png, "--json"),
    )
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["simulated"] is True
    assert [row["power_price_usd_per_kwh"] for row in document["rows"]] == [0.04, 0.06]
    cheap, dear = document["rows"]
    assert cheap["profit_usd_per_day"] > dear["profit_usd_per_day"]
    off, at, on = (cheap[f"{name}_usd_per_btc"] for name in ("off_below", "shutdown", "on_above"))
    assert off < at < on
    low, earned, high = (cheap[f"earned_3_years_usd_per_ths{end}"] for end in ("_low", "", "_high"))
    assert low <= earned <= high
    assert 0 <= cheap["paid_back_fraction"] <= 1
    # the day's own hashprice metric
    shown = call("--home", lake, "metric", "show", "hashprice", "--json")
    metric = {row["time"][:10]: row["value"] for row in json.loads(shown.stdout)["rows"]}
    assert document["hashprice_usd_per_phs_day"] == pytest.approx(metric[document["day"]])
    assert png.read_bytes().startswith(b"\x89PNG")
    text = page.read_text()
    HTMLParser().feed(text)
    assert "SIMULATED" in text
    assert "Antminer S19" in text
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/", "")


def test_power_costs_what_the_supply_curve_says_with_its_band(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "shutdown", "--rig", "S9", "--json").stdout)
    at = ("--at", document["day"], "--json")
    (row,) = json.loads(call("--home", lake, "shutdown", "--rig", "S9", *at).stdout)["rows"]
    supply = json.loads(call("--home", lake, "study", "supply", *at).stdout)
    for end in ("", "_low", "_high"):
        paid = supply[f"network_power_price_usd_per_kwh{end}"]
        assert row[f"power_price_usd_per_kwh{end}"] == pytest.approx(paid, rel=1e-6)
    price = row["power_price_usd_per_kwh"]
    own = call("--home", lake, "shutdown", "--rig", "S9", "--power-price", price, *at)
    (stated,) = json.loads(own.stdout)["rows"]
    # stated it is exact: the middle stays, the band gets narrower
    assert stated["shutdown_usd_per_btc"] == pytest.approx(row["shutdown_usd_per_btc"], rel=1e-6)
    assert stated["power_price_usd_per_kwh_low"] == stated["power_price_usd_per_kwh_high"]
    assert row["shutdown_usd_per_btc_low"] < stated["shutdown_usd_per_btc_low"]
    assert stated["shutdown_usd_per_btc_high"] < row["shutdown_usd_per_btc_high"]


def test_a_machine_of_later_is_not_known_then(call: Run, lake: Path) -> None:
    # the simulated blocks end years before the machine was announced
    later = read_rigs().rig("SealMiner A4 Pro")
    rows = json.loads(call("--home", lake, "shutdown", "--json").stdout)["rows"]
    assert later.name not in {row["rig"] for row in rows}
    found = call("--home", lake, "shutdown", "--at", "2022-12-31", "--rig", later.name)
    assert found.returncode == 3
    assert "2026-05-01 on" in found.stderr


def test_people_see_bands_and_assumptions(call: Run, lake: Path) -> None:
    found = call("--home", lake, "shutdown", "--rig", "S19")
    assert "SIMULATED" in found.stdout
    assert " to " in found.stdout
    assert "1.10 (1.01 to 1.20)" in found.stdout
    assert "--rig-price" in found.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--power-price", "-0.05"), "0 to 10 USD/kWh"),
        (("--power-price", "cheap"), "0 to 10 USD/kWh"),
        (("--power-price", "0.45 CNY"), "only currency"),
        (("--price", "70000 EUR"), "only currency"),
        (("--power-prices", "/nowhere.toml"), "/nowhere.toml"),
        (("--rig", "S99"), "name of a rig"),
        (("--pue", "0.5"), "PUE"),
        (("--pool-fee", "2"), "pool fee"),
        (("--fee-share", "1.5"), "--fee-share"),
        (("--fee-share", "0.1", "--fees-to-subsidy", "0.1"), "--fees-to-subsidy"),
        (("--drift", "0.1"), "--volatility"),
        (("--seed", "1.5"), "--seed"),
        (("--volatility", "nan"), "--volatility"),
    ],
)
def test_what_cannot_be_used_is_named(call: Run, options: tuple[str, ...], said: str) -> None:
    found = call("shutdown", "--hashprice", 40, *options)
    assert found.returncode == 2
    assert said in found.stderr
    assert not found.stdout
