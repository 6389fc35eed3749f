"""``hashcanary cost`` and ``hashcanary study costs`` end to end, on two simulated years."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hashcanary.economics.costs.answers import cost_answers
from hashcanary.economics.costs.history import cost_history
from hashcanary.economics.costs.model import Cost, CostModel
from hashcanary.economics.costs.registry import all_cost_models, find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.errors import BadCostModel, NoCost
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.store.lake import Lake
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def record(lake: Path) -> Record:
    return record_of(Lake.open(lake))


def test_definitions_stand_side_by_side_with_band_ratio_and_assumptions(
    call: Run, lake: Path
) -> None:
    done = call("--home", lake, "--json", "cost")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["simulated"] is True
    assert found["units"]["cost"] == "usd_per_btc"
    models = {row["model"]: row for row in found["rows"] if row["kind"] == "model"}
    assert set(models) == set(all_cost_models())
    for name in ("electricity", "all-in", "hayes"):
        row = models[name]
        assert row["low"] < row["cost"] < row["high"], name
        assert row["price_to_cost"] == pytest.approx(found["price_usd"] / row["cost"])
        assert row["price_to_cost_low"] == pytest.approx(found["price_usd"] / row["high"])
        assert "USD/kWh" in row["rests_on"]
        assert "J/TH" in row["rests_on"]
    costs = [row["cost"] for row in models.values() if row["cost"] is not None]
    assert costs == sorted(costs)


def test_people_are_told_that_it_is_simulated_and_what_moves_it(call: Run, lake: Path) -> None:
    text = call("--home", lake, "cost").stdout
    assert "SIMULATED" in text
    assert re.search(r"electricity: (fleet|power) moves it most, -\d+% to \+\d+%", text)
    assert "The definition itself moves the answer" in text


def test_csv_has_units_in_its_header(call: Run, lake: Path) -> None:
    done = call("--home", lake, "--csv", "cost", "--history", "--model", "electricity")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) > 700
    assert {"price_usd", "cost_usd_per_btc", "low_usd_per_btc", "price_to_cost_ratio"} <= set(
        rows[0]
    )
    for row in rows:
        assert (row["cost_usd_per_btc"] == "") == (row["missing"] != "")


def test_history_is_cut_at_its_bounds(call: Run, lake: Path, record: Record) -> None:
    whole = cost_history(record, find_cost_models(["hayes"]), assume())[0].days
    day = pl.from_epoch(whole["time"])[400].date().isoformat()  # type: ignore[union-attr]
    words = ("cost", "--history", "--model", "hayes", "--start", day, "--end", day)
    found = json.loads(call("--home", lake, "--json", *words).stdout)
    assert [row["time"] for row in found["rows"]] == [day]
    assert found["rows"][0]["cost"] == whole["cost_usd_per_btc"][400]


def test_sensitivity_has_every_assumption_and_the_definition(call: Run, lake: Path) -> None:
    found = json.loads(call("--home", lake, "--json", "cost", "--sensitivity").stdout)
    rows = {(row["model"], row["assumption"]): row for row in found["rows"]}
    model = all_cost_models()["all-in"]
    assert {name for of, name in rows if of == "all-in"} == set(model.assumptions)
    assert ("any", "definition") in rows
    fleet = rows["electricity", "network_efficiency"]
    # a product: the cost moves as the assumption does
    assert fleet["cost_at_high"] / fleet["cost_at_low"] == pytest.approx(
        fleet["high"] / fleet["low"]
    )
    swings = [row["swing"] for row in found["rows"][1:]]
    assert swings == sorted(swings, reverse=True)


def test_own_machines_and_contract_scale_the_cost(call: Run, lake: Path) -> None:
    def cost(*options: object) -> float:
        words = ("cost", "--model", "electricity", "--efficiency", 20, *options)
        row = json.loads(call("--home", lake, "--json", *words).stdout)["rows"][0]
        assert "taken as exact" in row["rests_on"]
        return float(row["cost"])

    assert cost("--power-price", 0.08) == pytest.approx(2 * cost("--power-price", 0.04))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--power-price", "cheap"), "--power-price"),
        (("--power-price", "-0.05"), "--power-price"),
        (("--power-price", "0.05 EUR"), "only currency"),
        (("--efficiency", "0"), "--efficiency"),
        (("--efficiency", "nan"), "--efficiency"),
        (("--model", "mine"), "the name of a cost model"),
        (("--start", "2024-01-01"), "--history"),
        (("--assumptions", "/nowhere.toml"), "/nowhere.toml"),
        (("--rigs", "/nowhere.toml"), "/nowhere.toml"),
        (("--power-prices", "/nowhere.toml"), "/nowhere.toml"),
        (("--published", "/nowhere.toml"), "/nowhere.toml"),
    ],
)
def test_what_cannot_be_used_is_named(
    call: Run, lake: Path, options: tuple[str, str], said: str
) -> None:
    done = call("--home", lake, "cost", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_unknown_fees_leave_what_needs_none(record: Record) -> None:
    blocks = record.blocks.with_columns(
        pl.lit(None, dtype=record.blocks.schema[name]).alias(name)
        for name in record.blocks.columns
        if "fee" in name or name in ("coinbase_value", "coinbase_value_sats")
    )
    without = replace(record, blocks=blocks, daily=record.daily.clear())
    found = {
        one.model.name: one for one in cost_answers(without, find_cost_models(), assume()).answers
    }
    assert found["hayes"].usd_per_btc is not None
    for name in ("electricity", "all-in", "cambridge"):
        assert found[name].usd_per_btc is None
        assert "fees" in str(found[name].missing)


def test_without_a_price_costs_stand_and_have_no_ratio(record: Record) -> None:
    without = replace(record, candles=record.candles.clear(), daily=record.daily.clear())
    found = {
        one.model.name: one for one in cost_answers(without, find_cost_models(), assume()).answers
    }
    assert found["electricity"].usd_per_btc is not None
    assert found["electricity"].ratio is None
    assert "price" in str(found["cambridge"].missing)


def test_nothing_known_is_a_named_error(record: Record) -> None:
    empty = replace(
        record,
        blocks=record.blocks.clear(),
        daily=record.daily.clear(),
        candles=record.candles.clear(),
    )
    with pytest.raises(NothingToMeasure):
        cost_answers(empty, find_cost_models(), assume())
    prices = replace(record, blocks=record.blocks.clear(), daily=record.daily.clear())
    if not prices.candles.is_empty():
        with pytest.raises(NoCost, match="found none"):
            cost_answers(prices, find_cost_models(["electricity"]), assume())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"assumptions": ("luck",)}, "found luck"),
        ({"inputs": ("hashvalue", "luck")}, "found luck"),
        ({"compute": lambda given: Cost(given.days["hashvalue"][:5])}, r"found \(5,\)"),
    ],
)
def test_a_wrong_model_is_named(record: Record, changed: dict[str, object], said: str) -> None:
    model: CostModel = replace(
        all_cost_models()["electricity"],
        **changed,  # type: ignore[arg-type]
    )
    with pytest.raises(BadCostModel, match=said):
        cost_history(record, (model,), assume())


def test_what_followed_is_told_for_every_model_and_rule(call: Run, lake: Path) -> None:
    found = json.loads(call("--home", lake, "--json", "study", "costs").stdout)
    assert found["simulated"] is True
    rows = found["rows"]
    assert {row["horizon"] for row in rows} == {30, 90, 180, 365}
    assert {row["rule"] for row in rows} == set(found["rules"])
    for row in rows:
        assert row["independent"] <= row["measured"] <= row["spells"] == len(row["began"])


def test_what_followed_a_users_own_costs(call: Run, lake: Path) -> None:
    def shares(*options: object) -> tuple[float, str]:
        words = ("--json", "study", "costs", "--model", "electricity", *options)
        rows = json.loads(call("--home", lake, *words).stdout)["rows"]
        row = next(row for row in rows if row["rule"] == "below cost")
        assert row["in_state_low"] <= row["in_state"] <= row["in_state_high"]
        return row["in_state"], row["rests_on"]

    usual, _ = shares()
    dear, said = shares("--power-price", 0.5)
    assert "power 0.500 USD/kWh (taken as exact)" in said
    # at ten times the price every day was below cost
    assert usual < dear == 1.0


@pytest.mark.parametrize("options", [("--power-price", "cheap"), ("--assumptions", "/no.toml")])
def test_costs_to_study_that_cannot_be_used_are_named(
    call: Run, lake: Path, options: tuple[str, str]
) -> None:
    done = call("--home", lake, "study", "costs", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert options[1] in done.stderr


_THEIRS = """
from hashcanary.economics.costs.model import Cost, CostModel

MINE = CostModel(
    name="mine",
    title="Mine",
    definition="what is paid for power by a machine that takes 1000/24 J/TH",
    source="a test",
    differs="nothing",
    band="90% of the price of power",
    rests_on="difficulty",
    inputs=("hashvalue",),
    assumptions=("network_power_price",),
    compute=lambda given: Cost(
        1000 * given.stated["network_power_price"] / given.days["hashvalue"]
    ),
)
"""


def test_a_package_that_names_itself_adds_a_model(run: Run, lake: Path, tmp_path: Path) -> None:
    package, about = tmp_path / "theirs", tmp_path / "theirs-1.dist-info"
    package.mkdir()
    about.mkdir()
    (package / "__init__.py").write_text(_THEIRS)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[hashcanary.cost_models]\ntheirs = theirs\n")
    done = run("--home", lake, "--json", "cost", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = {row["model"]: row for row in json.loads(done.stdout)["rows"]}
    assert set(rows) >= {"mine", *all_cost_models()}
    # the same power and fees as electricity's, at other machines and without cooling
    assert 0 < rows["mine"]["low"] < rows["mine"]["cost"] < rows["mine"]["high"]
    assert "power" in rows["mine"]["rests_on"]


def test_published_figures_stand_beside_marked_and_without_a_band(
    call: Run, lake: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "published.toml"
    mine.write_text(
        '[me]\ntitle = "Me"\ndefinition = "all"\nwhy = "secret"\n'
        'values = [{ day = 2021-06-01, known = 2021-06-02, usd_per_btc = 7_000, source = "a" }]\n'
    )
    found = json.loads(call("--home", lake, "--json", "cost", "--published", mine).stdout)
    row = found["rows"][-1]
    assert (row["kind"], row["cost"], row["day"]) == ("published", 7000.0, "2021-06-01")
    assert row["rests_on"].startswith("PUBLISHED, no band")
    assert row.get("low") is None
    assert row["differs"] == "secret"
    early = call("--home", lake, "--json", "cost", "--published", mine, "--at", "2021-06-01")
    assert all(one["kind"] == "model" for one in json.loads(early.stdout)["rows"])
    text = call("--home", lake, "cost", "--published", mine).stdout
    assert "PUBLISHED: external inputs" in text


def test_people_see_the_ends_of_months_of_a_long_history(call: Run, lake: Path) -> None:
    lines = call("--home", lake, "cost", "--history", "--model", "hayes").stdout.splitlines()
    rows = [line for line in lines if line.startswith("hayes")]
    assert len(rows) == 13
    assert any("last day of each of the last months" in line for line in lines)
    text = call("--home", lake, "cost", "--sensitivity", "--model", "all-in").stdout
    assert "J/TH" in text
    assert "90% band" in text
