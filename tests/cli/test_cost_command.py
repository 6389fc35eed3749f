"""``hashcanary cost`` and ``hashcanary study costs`` end to end, on two simulated years."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from hashcanary.economics.costs.history import cost_answers, cost_history
from hashcanary.economics.costs.model import Cost, CostModel, all_cost_models, find_cost_models
from hashcanary.economics.costs.stated import assume
from hashcanary.economics.errors import BadCostModel, NoCost
from hashcanary.errors import UsageError
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.moments import DAY
from hashcanary.store.lake import Lake
from hashcanary.store.record import Record
from hashcanary.store.recording import record_of
from hashcanary.views.costs import cost_study, costs

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def record(lake: Path) -> Record:
    return record_of(Lake.open(lake))


def test_definitions_stand_side_by_side_with_band_ratio_and_assumptions(
    call: Run, lake: Path
) -> None:
    done = call("--home", lake, "--json", "cost")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["simulated"] is True
    models = {row["model"]: row for row in document["rows"] if row["kind"] == "model"}
    assert set(models) == set(all_cost_models())
    price = document["price_usd_per_btc"]
    for name in ("electricity", "all-in", "hayes"):
        row = models[name]
        cost, low, high = (row[f"cost_usd_per_btc{end}"] for end in ("", "_low", "_high"))
        assert low < cost < high, name
        assert row["price_to_cost_ratio"] == pytest.approx(price / cost)
        assert row["price_to_cost_ratio_low"] == pytest.approx(price / high)
        assert "USD/kWh" in row["inputs"]
        assert "J/TH" in row["inputs"]
    costs = [row["cost_usd_per_btc"] for row in models.values()]
    known = [cost for cost in costs if cost is not None]
    assert known == sorted(known)


def test_each_assumption_is_there_once_with_its_band_and_source(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "--json", "cost").stdout)
    figures = document["assumptions"]
    keys = [(figure["name"], figure["value"]) for figure in figures]
    assert len(set(keys)) == len(keys)
    names = {name for model in all_cost_models().values() for name in model.assumptions}
    assert {figure["name"] for figure in figures} == names
    for figure in figures:
        # 90% of a log-normal: both ends are as far from its median, as ratios
        middle = figure["low"] * figure["high"]
        assert middle == pytest.approx(figure["value"] ** 2)
        assert figure["source"]


def test_people_are_told_that_it_is_simulated_and_what_moves_it(call: Run, lake: Path) -> None:
    text = call("--home", lake, "cost").stdout
    assert "SIMULATED" in text
    assert re.search(r"electricity cost .* (fleet|power): −\d+% to \+\d+%", text)


def test_csv_has_units_in_its_header(call: Run, lake: Path) -> None:
    done = call("--home", lake, "--csv", "cost", "--history", "--model", "electricity")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) > 700
    assert {"price_usd_per_btc", "cost_usd_per_btc_low", "price_to_cost_ratio"} <= set(rows[0])
    for row in rows:
        assert (row["cost_usd_per_btc"] == "") == (row["missing"] != "")


def test_history_is_cut_at_its_bounds(call: Run, lake: Path, record: Record) -> None:
    (electricity,) = cost_history(record, find_cost_models(["electricity"]), assume())
    whole = electricity.days
    day = pl.from_epoch(whole["time"])[400].date().isoformat()  # type: ignore[union-attr]
    words = ("cost", "--history", "--model", "electricity", "--start", day, "--end", day)
    document = json.loads(call("--home", lake, "--json", *words).stdout)
    (row,) = document["rows"]
    assert row["day"] == day
    assert row["cost_usd_per_btc"] == whole["cost_usd_per_btc"][400]
    # what is assumed of that day, as numbers
    power = electricity.stated["network_power_price"].values[400]
    assert row["network_power_price_usd_per_kwh"] == power
    assert row["network_efficiency_j_per_th_low"] < row["network_efficiency_j_per_th"]


def test_sensitivity_has_every_assumption_and_the_definition(call: Run, lake: Path) -> None:
    document = json.loads(call("--home", lake, "--json", "cost", "--sensitivity").stdout)
    rows = {(row["model"], row["assumption"]): row for row in document["rows"]}
    model = all_cost_models()["all-in"]
    assert {name for of, name in rows if of == "all-in"} == set(model.assumptions)
    assert ("any", "definition") in rows
    fleet = rows["electricity", "network_efficiency"]
    assert fleet["unit"] == "j_per_th"
    assert fleet["low"] < fleet["value"] < fleet["high"]
    # a product: the cost moves as the assumption does
    assert fleet["cost_at_high_usd_per_btc"] / fleet["cost_at_low_usd_per_btc"] == pytest.approx(
        fleet["high"] / fleet["low"]
    )
    swings = [row["swing_ratio"] for row in document["rows"][1:]]
    assert swings == sorted(swings, reverse=True)


def test_own_machines_and_contract_scale_the_cost(call: Run, lake: Path) -> None:
    def cost(*options: object) -> float:
        words = ("cost", "--model", "electricity", "--efficiency", 20, *options)
        document = json.loads(call("--home", lake, "--json", *words).stdout)
        stated = {figure["name"]: figure for figure in document["assumptions"]}
        own = stated["network_efficiency"]
        assert own["low"] == own["value"] == own["high"] == 20
        return float(document["rows"][0]["cost_usd_per_btc"])

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
    assert found["hayes"].cost is not None
    for name in ("electricity", "all-in", "cambridge"):
        assert found[name].cost is None
        assert "fees" in str(found[name].missing)


def test_without_a_price_costs_stand_and_have_no_ratio(record: Record) -> None:
    without = replace(record, candles=record.candles.clear(), daily=record.daily.clear())
    found = {
        one.model.name: one for one in cost_answers(without, find_cost_models(), assume()).answers
    }
    assert found["electricity"].cost is not None
    assert found["electricity"].price_to_cost is None
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
    assert {row["horizon_days"] for row in rows} == {30, 90, 180, 365}
    assert {row["rule"] for row in rows} == set(found["rules"])
    for row in rows:
        assert row["independent"] <= row["measured"] <= row["spells"] == len(row["began"])


def test_what_followed_a_users_own_costs(call: Run, lake: Path) -> None:
    def shares(*options: object) -> tuple[float, float]:
        words = ("--json", "study", "costs", "--model", "electricity", *options)
        document = json.loads(call("--home", lake, *words).stdout)
        row = next(row for row in document["rows"] if row["rule"] == "below cost")
        share, low, high = (row[f"in_state_fraction{end}"] for end in ("", "_low", "_high"))
        assert low <= share <= high
        stated = {figure["name"]: figure["value"] for figure in document["assumptions"]}
        return share, stated["network_power_price"]

    usual, _ = shares()
    dear, power = shares("--power-price", 0.5)
    assert power == 0.5
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
    mine = rows["mine"]
    assert 0 < mine["cost_usd_per_btc_low"] < mine["cost_usd_per_btc"]
    assert mine["cost_usd_per_btc"] < mine["cost_usd_per_btc_high"]
    assert "power" in mine["inputs"]


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
    assert (row["kind"], row["cost_usd_per_btc"], row["day"]) == ("published", 7000.0, "2021-06-01")
    assert row["cost_usd_per_btc_low"] is None
    assert row["differs"] == "secret"
    early = call("--home", lake, "--json", "cost", "--published", mine, "--at", "2021-06-01")
    assert all(one["kind"] == "model" for one in json.loads(early.stdout)["rows"])


def test_people_see_the_ends_of_months_of_a_long_history(call: Run, lake: Path) -> None:
    lines = call("--home", lake, "cost", "--history", "--model", "hayes").stdout.splitlines()
    rows = [line for line in lines if line.startswith("hayes")]
    assert len(rows) == 13


def test_stated_days_are_log_normal_with_90_percent(record: Record) -> None:
    assumed = assume()
    answer = costs(record, models=["all-in"], show="sensitivity")
    (power,) = [each for each in answer.more["assumptions"] if each["name"] == "pool_fee"]
    figure = assumed.figures["pool_fee"]
    assert power["value"] == figure.median
    # 5% of a normal lies beyond 1.6449 standard deviations
    assert power["high"] == pytest.approx(figure.median * math.exp(1.6449 * figure.spread), 1e-4)


def test_tables_that_do_not_exist_and_bounds_without_history(record: Record) -> None:
    with pytest.raises(UsageError, match="definitions, sensitivity, history"):
        costs(record, show="years")
    with pytest.raises(UsageError, match="--history"):
        costs(record, start=0)
    answer = costs(record, models=["hayes"], show="history", start=20_487 * DAY)
    assert answer.tables[0].key == "history"
    assert {table.key for table in answer.tables} == {"definitions", "sensitivity", "history"}
    assert not answer.table().height


def test_days_below_cost_count_by_the_ends_of_its_band(record: Record) -> None:
    (table,) = cost_study(record, models=["electricity"]).tables
    (days,) = [
        each
        for each in costs(record, models=["electricity"], show="history").tables
        if each.key == "history"
    ]
    ratios = [row for row in days.records() if row["price_to_cost_ratio"] is not None]

    def below(key: str) -> float:
        return sum(float(str(row[key])) < 1 for row in ratios) / len(ratios)

    row = next(row for row in table.records() if row["rule"] == "below cost")
    assert row["in_state_fraction"] == below("price_to_cost_ratio")
    assert row["in_state_fraction_low"] == below("price_to_cost_ratio_high")
    assert row["in_state_fraction_high"] == below("price_to_cost_ratio_low")
    assert table.shown is not None
    assert {each.after.horizon_days for each in table.shown} == {180}
