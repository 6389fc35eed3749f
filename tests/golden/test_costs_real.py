"""Costs of a coin on the real record: published constants, points and figures; no look-ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.costs.history import cost_answers, cost_history
from hashcanary.economics.costs.model import all_cost_models, find_cost_models
from hashcanary.economics.costs.models.difficulty_refit import fitted_before
from hashcanary.economics.costs.stated import assume
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import DAY, parse_moment
from hashcanary.store.recording import record_of

if TYPE_CHECKING:
    from hashcanary.economics.costs.history import ModelCosts
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record


def start_of(day: str) -> int:
    time = parse_moment(day).time
    assert time is not None
    return time - DAY


@pytest.fixture(scope="module")
def history(real_record: Record) -> dict[str, ModelCosts]:
    found = cost_history(real_record, find_cost_models(), assume())
    return {one.model.name: one for one in found}


def on(costs: ModelCosts, day: str, column: str = "cost_usd_per_btc") -> float:
    value = costs.days.filter(time=start_of(day))[column][0]
    assert isinstance(value, float)
    return value


def test_our_fit_to_14_september_2022_is_glassnodes(real_record: Record) -> None:
    # Glassnode: A = 10.2560, B = 0.5250, R2 = 0.944, "fitted to 14 September 2022"
    names = ("price.usd", "blocks.supply_btc", "blocks.difficulty_mean")
    days = metrics_of(real_record).frame("day", names)
    value = days["price.usd"] * days["blocks.supply_btc"]
    x = days["blocks.difficulty_mean"].log().to_numpy()
    y = value.log().to_numpy()
    level, slope, spread = fitted_before(x, y, None)
    row = int(np.flatnonzero(days["time"].to_numpy() == start_of("2022-09-14"))[0])
    known = np.isfinite(x[:row]) & np.isfinite(y[:row])
    assert level[row] == pytest.approx(10.2560, abs=5e-4)
    assert slope[row] == pytest.approx(0.5250, abs=1e-4)
    share = 1 - spread[row] ** 2 * (known.sum() - 2) / known.sum() / np.var(y[:row][known])
    assert share == pytest.approx(0.944, abs=5e-4)


def test_the_regression_of_early_february_2026_is_38_thousand(
    history: dict[str, ModelCosts],
) -> None:
    found = on(history["difficulty-regression"], "2026-02-02")
    assert found == pytest.approx(38_278, rel=0.001)


@pytest.mark.parametrize(
    ("day", "j_per_th"), [("2018-07-15", 89.0), ("2023-05-15", 33.0), ("2024-06-30", 28.2)]
)
def test_the_networks_efficiency_holds_the_published_points(
    history: dict[str, ModelCosts], day: str, j_per_th: float
) -> None:
    # Coin Metrics, MINE-MATCH; Cambridge, Digital Mining Industry Report, 2025
    costs = history["electricity"]
    row = int(np.flatnonzero(costs.days["time"].to_numpy() == start_of(day))[0])
    low, high = costs.stated["network_efficiency"].on(row).value.ends
    assert low < j_per_th < high


@pytest.mark.parametrize(
    ("model", "day", "published"),
    [
        # Capriole: electrical and production cost of early February 2026
        ("electricity", "2026-02-02", 59_450),
        ("capriole", "2026-02-02", 74_300),
        # JPMorgan at the start of 2026; MacroMicro on 19 January 2026
        ("all-in", "2026-01-01", 90_000),
        ("all-in", "2026-01-19", 101_000),
    ],
)
def test_bands_hold_what_others_published(
    history: dict[str, ModelCosts], model: str, day: str, published: float
) -> None:
    low, high = (on(history[model], day, f"{end}_usd_per_btc") for end in ("low", "high"))
    assert low < published < high
    assert high / low < 3


def test_with_20_joules_and_5_cents_electricity_is_caprioles(real_record: Record) -> None:
    given = assume(efficiency_j_per_th=20.0, usd_per_kwh=0.05)
    found = cost_answers(real_record, find_cost_models(["electricity"]), given).answers[0]
    # theirs is over new coins; fees, 0.9% of the subsidy on that day, count as coins here
    assert found.cost is not None
    assert found.cost.value == pytest.approx(59_450, rel=0.015)


@pytest.mark.parametrize("cut", ["2021-05-01", "2024-06-01T09:30:00Z", "2025-12-31"])
def test_no_model_looks_ahead(real_lake: Lake, history: dict[str, ModelCosts], cut: str) -> None:
    record = record_of(real_lake, parse_moment(cut))
    assert record.at is not None
    for early in cost_history(record, find_cost_models(), assume()):
        if record.at < start_of("2022-12-31") and early.model.known_from:
            assert early.days["cost_usd_per_btc"].null_count() == early.days.height
            assert "fitted to data up to" in str(early.days["missing"][-1])
            continue
        known = pl.col("known_at") <= record.at
        expected = history[early.model.name].days.filter(known)
        found = early.days.filter(pl.col("cost_usd_per_btc").is_not_null())
        assert found.height == expected.height > 1000
        for column in expected.columns:
            mine, full = found[column], expected[column]
            if mine.dtype == pl.Float64:
                both = (mine.to_numpy(), full.to_numpy())
                np.testing.assert_allclose(*both, rtol=1e-9, err_msg=early.model.name)
            else:
                assert mine.equals(full), (early.model.name, column)


def test_constants_fitted_later_are_hindsight(history: dict[str, ModelCosts]) -> None:
    days = history["difficulty-regression"].days.drop_nulls("cost_usd_per_btc")
    late = days.filter(~pl.col("hindsight"))
    assert late["time"].min() == start_of("2022-09-14")
    assert not history["electricity"].days["hindsight"].any()


def test_a_cost_is_there_or_it_is_said_why_not(history: dict[str, ModelCosts]) -> None:
    assert set(history) == set(all_cost_models())
    for name, costs in history.items():
        unknown = costs.days["cost_usd_per_btc"].is_null()
        assert (costs.days["missing"].is_not_null() == unknown).all(), name
        assert (costs.days["known_at"].is_null() == unknown).all(), name
        whole = costs.days.filter(~unknown).drop_nulls("high_usd_per_btc")
        assert (whole["low_usd_per_btc"] <= whole["cost_usd_per_btc"]).all(), name
        assert (whole["cost_usd_per_btc"] <= whole["high_usd_per_btc"]).all(), name
