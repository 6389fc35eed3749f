"""``hashcanary study selling`` on a simulated lake."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

_SHOWN = ("classes", "drops", "history", "published", "assumptions")


def test_people_read_the_share_of_production_and_its_band(call: Run, lake: Path) -> None:
    printed = call("--home", lake, "study", "selling")
    assert printed.returncode == 0, printed.stderr
    document = json.loads(call("--home", lake, "study", "selling", "--json").stdout)
    value, low, high = (
        f"{document[key]:.0%}"
        for key in (
            "forced_selling_fraction",
            "forced_selling_fraction_low",
            "forced_selling_fraction_high",
        )
    )
    assert f"{value} ({low} to {high}) of production" in " ".join(printed.stdout.split())
    assert "SIMULATED" in printed.stdout


def test_json_adds_up_and_has_units_in_its_keys(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "study", "selling", "--json").stdout)
    assert document["simulated"] is True
    assert document["shown"] == "classes"
    *classes, whole = document["rows"]
    assert [row["class"] for row in (*classes, whole)][::5] == ["underwater", "all"]
    for name in ("mined", "pool", "forced_selling", "with_overheads", "free", "shortfall"):
        key = f"{name}_btc_per_day"
        assert sum(row[key] for row in classes) == pytest.approx(whole[key], abs=1e-9)
        assert whole[f"{key}_low"] <= whole[f"{key}_high"]
    kept = whole["mined_btc_per_day"] - whole["pool_btc_per_day"]
    forced = whole["forced_selling_btc_per_day"]
    assert forced + whole["free_btc_per_day"] == pytest.approx(kept)
    share = document["forced_selling_fraction"]
    assert forced == pytest.approx(share * document["mined_btc_per_day"])
    dollars = forced * document["price_usd_per_btc"]
    assert whole["forced_selling_usd_per_day"] == pytest.approx(dollars)
    assert document["forced_selling_fraction_low"] <= share
    assert share <= document["forced_selling_fraction_high"]
    banded = [column for column in document["columns"] if column["unit"] is not None]
    assert all("95% of draws" in column["interval"] for column in banded)
    assert "provenance" in document


@pytest.mark.parametrize("shown", _SHOWN)
def test_csv_has_the_rows_that_are_shown(
    call: Run, answers_kept: None, lake: Path, shown: str
) -> None:
    asked = ("--home", lake, "study", "selling", "--show", shown)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert document["shown"] == shown
    assert len(rows) == len(document["rows"])
    assert len(rows) > (0 if shown == "published" else 3)


def test_the_history_has_every_day_and_people_see_quarters(call: Run, lake: Path) -> None:
    asked = ("--home", lake, "study", "selling", "--show", "history")
    rows = json.loads(call(*asked, "--json").stdout)["rows"]
    days = [row["day"] for row in rows]
    assert days == sorted(set(days))
    assert len(days) > 300
    for row in rows:
        assert row["forced_selling_fraction_low"] <= row["forced_selling_fraction"]
        assert row["forced_selling_fraction"] <= row["forced_selling_fraction_high"] <= 1
        sold = row["forced_selling_fraction"] * row["mined_btc_per_day"]
        assert row["forced_selling_btc_per_day"] == pytest.approx(sold)
    dates = (line.split("   ")[0] for line in call(*asked).stdout.splitlines())
    seen = [text for text in dates if re.fullmatch(r"\d{1,2} [A-Z][a-z]{2} 20\d\d", text)]
    assert 4 < len(seen) < 15
    # the first day of each quarter, and the last of all
    assert {text.split()[1] for text in seen[1:-1]} <= {"Jan", "Apr", "Jul", "Oct"}
    last = date.fromisoformat(days[-1])
    assert seen[-1] == f"{last.day} {last:%b %Y}"


def test_a_drop_in_price_takes_more_coins(call: Run, lake: Path) -> None:
    told = call("--home", lake, "study", "selling", "--show", "drops", "--json")
    rows = json.loads(told.stdout)["rows"]
    assert [row["drop_fraction"] for row in rows] == [0.0, 0.1, 0.2, 0.3]
    coins = [row["forced_selling_btc_per_day"] for row in rows]
    assert coins == sorted(coins)
    for row in rows:
        left = 1 - row["drop_fraction"]
        assert row["price_usd_per_btc"] == pytest.approx(left * rows[0]["price_usd_per_btc"])


def test_dearer_power_asks_for_more_coins(call: Run, lake: Path, tmp_path: Path) -> None:
    prices = """
level_spread = 0.1
[[region]]
name = "here"
title = "Here"
known = 2010-01-01
price = PRICE
spread = 0.2
judged = true
source = "a test"
[[shares]]
known = 2010-01-01
sure = 10
judged = true
source = "a test"
of = { here = 1.0 }
"""
    found = []
    for price in (0.02, 0.03):
        file = tmp_path / f"{price}.toml"
        file.write_text(prices.replace("PRICE", str(price)))
        told = call("--home", lake, "study", "selling", "--prices", file, "--json")
        found.append(json.loads(told.stdout)["forced_selling_fraction"])
    # most machines pay at both, so that coins go with the price of power
    assert 1.2 < found[1] / found[0] <= 1.5 * 1.01


def test_overheads_of_a_file_are_used(call: Run, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "overheads.toml"
    part = (
        'title = "{0}"\nunit = "fraction"\nmedian = 0.0\nspread = 0.0\nstated = 2020-01-01\n'
        'source = "a test"\n'
    )
    text = "".join(f"[{one}]\n{part.format(one)}" for one in ("running", "administration"))
    file.write_text(text)
    told = call("--home", lake, "study", "selling", "--assumptions", file, "--json")
    document = json.loads(told.stdout)
    assert document["overheads_fraction"] == 0
    assert document["with_overheads_fraction"] == pytest.approx(document["forced_selling_fraction"])


@pytest.mark.parametrize(
    "words",
    [("--seed", "-1"), ("--seed", "many"), ("--prices", "/no/such/file.toml")],
)
def test_bad_input_is_named_and_nothing_is_printed(call: Run, lake: Path, words: str) -> None:
    told = call("--home", lake, "study", "selling", *words)
    assert told.returncode == 2
    assert told.stdout == ""
    assert words[1] in told.stderr


def test_a_moment_before_the_record_is_missing(call: Run, lake: Path) -> None:
    told = call("--home", lake, "study", "selling", "--at", "2012-01-01")
    assert told.returncode == 3
    assert told.stdout == ""
    assert "expected" in told.stderr
