"""``hashcanary forecast hashprice`` on a simulated lake."""

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

_ASK = ("forecast", "hashprice")
_LEVELS = ("low_95", "low_80", "low_50", "median", "high_50", "high_80", "high_95")


def test_people_are_told_both_answers_with_bands_and_what_they_rest_on(
    call: Run, lake: Path
) -> None:
    told = call("--home", lake, *_ASK)
    assert told.returncode == 0, told.stderr
    for word in ("SIMULATED", "price held", "price moving", "under water", "EH/s", "USD/MWh"):
        assert word in told.stdout
    for word in ("If bitcoin stays at", "without drift", "Rests on", "USD/kWh", "95%", "draws"):
        assert word in told.stdout
    assert "nan" not in told.stdout
    assert "power price" in told.stdout


def test_json_has_every_figure_with_its_unit(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    assert document["simulated"] is True
    units = {row["unit"] for row in document["rows"]}
    assert units == {"fraction", "usd_per_phs_day", "ehs", "usd_per_mwh", "usd_per_btc"}
    for row in document["rows"]:
        values = [row[name] for name in _LEVELS if name in row]
        assert values == sorted(values)
        assert len(values) == (3 if (row["what"], row["when"]) == ("hashprice", "now") else 7)
        assert row["interval"]
        assert row["rests_on"]
    for then in (document["price_held"], document["price_moving"]):
        assert then["under_water_fraction"]["low_95"] >= 0
        assert then["under_water_fraction"]["high_95"] <= 1
        assert 0 <= then["paying_rises_probability"] + then["paying_falls_probability"] <= 1
    for name in ("hashprice_variance_fraction", "under_water_variance_fraction"):
        assert sum(document[name].values()) == pytest.approx(1.0)
    assert document["lacks"] == []
    assert "provenance" in document


def test_the_answer_is_difficulty_times_price(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    # the price that offsets a change of difficulty is as many percent away
    change, offset = document["difficulty_change_fraction"], document["offset_price_usd_per_btc"]
    for level in _LEVELS:
        assert offset[level] == pytest.approx(document["price_usd_per_btc"] * (1 + change[level]))
    half = document["price_usd_per_btc"] / 2
    stated = json.loads(call("--home", lake, *_ASK, "--price", half, "--json").stdout)
    assert stated["price_is_stated"] is True
    for key in ("hashprice_usd_per_phs_day", "revenue_usd_per_mwh"):
        assert stated["price_held"][key]["median"] == pytest.approx(
            document["price_held"][key]["median"] / 2
        )
    assert (
        stated["under_water_now_fraction"]["mean"] >= document["under_water_now_fraction"]["mean"]
    )
    assert stated["difficulty_change_fraction"] == change


def test_the_study_of_calibration_says_how_good_the_answers_were(call: Run, lake: Path) -> None:
    asked = ("--home", lake, "study", "calibration", "--of", "hashprice")
    told = call(*asked)
    assert told.returncode == 0, told.stderr
    for word in ("SIMULATED", "50% held", "as it came", "CRPS"):
        assert word in told.stdout
    document = json.loads(call(*asked, "--json").stdout)
    prices = [(row["price"], row["point"]) for row in document["rows"]]
    assert prices == [("held", 288), ("held", 1008), ("as it came", 288), ("as it came", 1008)]
    for row in document["rows"]:
        assert row["epochs"] > 20
        assert 0 < row["crps_fraction"] < row["median_error_fraction"] < 1
        for band in ("50", "80", "95"):
            low, share, high = (row[f"held_{band}{part}"] for part in ("_low", "", "_high"))
            assert 0 <= low <= share <= high <= 1
        # only where the price moves is there a band of the price alone
        assert (row["score_less_price_alone_fraction"] is None) == (row["price"] == "held")
    none = call(*asked, "--start", "2090-01-01")
    assert none.returncode == 3


@pytest.mark.parametrize("shown", ["hashprice", "rigs", "variance"])
def test_csv_has_the_rows_that_are_shown(call: Run, lake: Path, shown: str) -> None:
    asked = ("--home", lake, *_ASK, "--show", shown)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert document["shown"] == shown
    assert len(rows) == len(document["rows"]) >= 4
    assert call(*asked).returncode == 0


def test_rigs_that_cross_are_likelier_than_not_to_pay_on_one_side(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--show", "rigs", "--json").stdout)
    for row in document["rows"]:
        before, after = (row[f"pays_{when}_probability"] for when in ("now", "after_price_held"))
        assert row["crosses"] == ((before > 0.5) != (after > 0.5))
        assert row["off_at_after_low_usd_per_btc"] <= row["off_at_after_high_usd_per_btc"]


def test_an_earlier_moment_knows_nothing_later(call: Run, lake: Path) -> None:
    whole = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    height = whole["height"] - 6000
    cut = json.loads(call("--home", lake, *_ASK, "--at", height, "--json").stdout)
    assert cut["height"] == height
    assert cut["price_day"] < whole["price_day"]
    assert cut["retarget_height"] == height // 2016 * 2016 + 2016


def test_the_same_seed_prints_the_same_bytes(call: Run, lake: Path) -> None:
    one, same, other = (
        call("--home", lake, *_ASK, "--seed", seed, "--json").stdout for seed in (7, 7, 8)
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    "words",
    [
        ("--price", "0"),
        ("--price", "-5"),
        ("--price", "cheap"),
        ("--price", "nan"),
        ("--price", "70000EUR"),
        ("--seed", "-1"),
        ("--seed", "many"),
        ("--show", "everything"),
        ("--at", "someday"),
    ],
)
def test_what_cannot_be_used_is_wrong_usage(run: Run, lake: Path, words: tuple[str, str]) -> None:
    told = run("--home", lake, *_ASK, f"{words[0]}={words[1]}")
    assert told.returncode == 2
    assert told.stderr
    assert told.stdout == ""


def test_before_there_is_anything_to_say_it_says_what_is_missing(run: Run, lake: Path) -> None:
    told = run("--home", lake, *_ASK, "--at", "2012-01-01")
    assert told.returncode == 3
    assert told.stdout == ""
    assert "expected" in told.stderr
