"""``hashcanary forecast hashprice`` on a simulated lake."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

_ASK = ("forecast", "hashprice")
_ENDS = (("", "_low"), ("_80", "_low"), ("_50", "_low"), ("", ""))
_LEVELS = (*_ENDS, ("_50", "_high"), ("_80", "_high"), ("", "_high"))


def _values(row: dict[str, Any], name: str, unit: str) -> list[float]:
    """A distribution's levels, the lowest first."""
    return [row[f"{name}{level}_{unit}{end}"] for level, end in _LEVELS]


def test_people_see_now_and_both_answers_with_their_limits(call: Run, lake: Path) -> None:
    told = call("--home", lake, *_ASK)
    assert told.returncode == 0, told.stderr
    document = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    for row in document["rows"]:
        (line,) = [line for line in told.stdout.splitlines() if line.startswith(f"{row['when']}  ")]
        numbers = [float(text) for text in re.findall(r"[\d.]+", line)][:3]
        values = [row[f"hashprice_usd_per_phs_day{end}"] for end in ("", "_low", "_high")]
        assert numbers == pytest.approx(values, rel=1e-3)
    assert "SIMULATED" in told.stdout
    assert "nan" not in told.stdout


def test_json_has_every_level_of_every_figure(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    assert document["simulated"] is True
    now, held, moving = document["rows"]
    for row in (held, moving):
        for name, unit in (
            ("hashprice", "usd_per_phs_day"),
            ("underwater", "fraction"),
            ("underwater_hashrate", "ehs"),
            ("revenue", "usd_per_mwh"),
            ("profitable_change", "fraction"),
            ("returning_hashrate", "ehs"),
        ):
            values = _values(row, name, unit)
            assert values == sorted(values)
        assert 0 <= row["underwater_fraction_low"] <= row["underwater_fraction_high"] <= 1
        assert 0 <= row["more_profitable_probability"] + row["less_profitable_probability"] <= 1
    assert now["hashprice_usd_per_phs_day_low"] <= now["hashprice_usd_per_phs_day"]
    assert now["interval"] != held["interval"]
    assert document["missing"] == []
    assert document["network_power_price_usd_per_kwh_low"] < 0.05


def test_the_answer_is_difficulty_times_price(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--json").stdout)
    # the price that offsets a change of difficulty is as many percent away
    change = _values(document, "difficulty_change", "fraction")
    offset = _values(document, "offset_price", "usd_per_btc")
    price = document["price_usd_per_btc"]
    assert offset == pytest.approx([price * (1 + each) for each in change])
    stated = json.loads(call("--home", lake, *_ASK, "--price", price / 2, "--json").stdout)
    assert stated["price_is_stated"] is True
    for name, unit in (("hashprice", "usd_per_phs_day"), ("revenue", "usd_per_mwh")):
        halved, whole = (each["rows"][1][f"{name}_{unit}"] for each in (stated, document))
        assert halved == pytest.approx(whole / 2)
    underwater = [each["rows"][0]["underwater_mean_fraction"] for each in (stated, document)]
    assert underwater[0] >= underwater[1]
    assert _values(stated, "difficulty_change", "fraction") == change


def test_the_study_of_calibration_judges_both_prices(call: Run, reported: Path) -> None:
    asked = ("--home", reported, "study", "calibration", "--of", "hashprice")
    document = json.loads(call(*asked, "--json").stdout)
    prices = [(row["price"], row["block"]) for row in document["rows"]]
    assert prices == [("held", 288), ("held", 1008), ("as it came", 288), ("as it came", 1008)]
    for row in document["rows"]:
        assert row["epochs"] > 20
        assert 0 < row["crps_fraction"] < row["error_fraction"] < 1
        for level in ("50", "80", "95"):
            low, share, high = (row[f"held_{level}_fraction{end}"] for end in ("_low", "", "_high"))
            assert 0 <= low <= share <= high <= 1
        # only where the price moves is there a distribution of the price alone
        assert (row["crps_less_price_alone_fraction"] is None) == (row["price"] == "held")
    none = call(*asked, "--start", "2090-01-01")
    assert none.returncode == 3


@pytest.mark.parametrize("shown", ["hashprice", "rigs", "variance"])
def test_csv_has_the_rows_that_are_shown(
    call: Run, answers_kept: None, lake: Path, shown: str
) -> None:
    asked = ("--home", lake, *_ASK, "--show", shown)
    rows = list(csv.DictReader(io.StringIO(call(*asked, "--csv").stdout)))
    document = json.loads(call(*asked, "--json").stdout)
    assert document["shown"] == shown
    assert len(rows) == len(document["rows"]) >= 3
    assert call(*asked).returncode == 0


def test_rigs_that_cross_are_likelier_than_not_to_pay_on_one_side(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, *_ASK, "--show", "rigs", "--json").stdout)
    for row in document["rows"]:
        before, after = (
            row[f"profitable_{when}_probability"] for when in ("now", "after_price_held")
        )
        assert row["crosses"] == ((before > 0.5) != (after > 0.5))
        assert row["off_at_after_usd_per_btc_low"] <= row["off_at_after_usd_per_btc_high"]


def test_parts_of_the_variance_add_up_to_one(call: Run, lake: Path) -> None:
    asked = ("--home", lake, *_ASK, "--show", "variance", "--json")
    rows = json.loads(call(*asked).stdout)["rows"]
    for key in ("hashprice_variance_fraction", "underwater_variance_fraction"):
        assert sum(row[key] for row in rows) == pytest.approx(1.0)


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
