"""Shutdown prices of stated inputs, by hand; what people are shown of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hashcanary.economics.machines.rigs import read_rigs
from hashcanary.errors import UsageError
from hashcanary.interval import Interval
from hashcanary.units import DAYS, USD_PER_BTC, USD_PER_PHS_DAY
from hashcanary.views.answer import Answer
from hashcanary.views.shutdown import VIEW, by_power_price, shutdown, stated
from hashcanary.views.table import Column
from hashcanary.views.text import cell

_PRICED: dict[str, Any] = {
    "difficulty": 1e14,
    "price": 70_000.0,
    "subsidy": 3.125,
    "fees_to_subsidy": 0.02,
}


def _answer(**options: float) -> Answer:
    return shutdown(
        None,
        **(_PRICED | options),
        pool_fee=0.02,
        pue=1.1,
        power_price=[0.05],
        rig=["S21"],
    )


def test_figures_of_a_machine_by_hand() -> None:
    (row,) = _answer().tables[0].records()
    # 17.5 J/TH: kWh a TH/s takes a day, at 0.05 USD
    power = 17.5 * 24 / 1000 * 1.1 * 0.05
    hashprice = 3.125 * 1.02 * 70_000 * 86_400e15 / (1e14 * 2**32)
    stop = 1000 * power / 0.98
    assert row["shutdown_usd_per_phs_day"] == pytest.approx(stop)
    assert row["shutdown_usd_per_btc"] == pytest.approx(70_000 * stop / hashprice)
    assert row["break_even_usd_per_kwh"] == pytest.approx(
        hashprice * 0.98 / (17.5 * 24 * 1.1), rel=1e-9
    )
    assert row["revenue_usd_per_mwh"] == pytest.approx(1000 * float(row["break_even_usd_per_kwh"]))
    assert row["profit_usd_per_day"] == pytest.approx(200 * (hashprice * 0.98 / 1000 - power))
    # nameplates are 5% off either way, all else is exact
    assert row["shutdown_usd_per_phs_day_low"] == pytest.approx(stop * 0.95)
    assert row["shutdown_usd_per_phs_day_high"] == pytest.approx(stop * 1.05)


def test_facts_are_the_inputs_and_limits_have_no_probability() -> None:
    document = _answer().to_dict()
    assert document["stated"] == ["difficulty", "price", "subsidy", "fees_to_subsidy"]
    assert document["price_usd_per_btc"] == 70_000
    assert document["fees_to_subsidy_fraction"] == 0.02
    assert document["pue_ratio_low"] == document["pue_ratio_high"] == 1.1
    assert document["restart_cost_usd_low"] < document["restart_cost_usd_high"]
    assert "volatility_per_year" not in document
    assert "at" not in document
    levels = {column["key"]: column["level"] for column in document["columns"]}
    assert levels["profit_usd_per_day"] is None
    assert levels["payback_days"] == 0.9


def test_a_stated_volatility_gives_thresholds_and_paths() -> None:
    options = {"volatility": 0.5, "rig_price": 16.0, "discount": 0.1}
    answer = _answer(**options)
    document = answer.to_dict()
    (row,) = document["rows"]
    assert document["volatility_per_year"] == 0.5
    assert document["volatility_days"] == document["paths_days"] == 0
    assert document["paths"] == 1000
    # a geometric Brownian motion without drift: its logarithm falls by half the variance
    assert document["paths_drift_per_year"] == pytest.approx(-0.125)
    assert row["off_below_usd_per_btc"] < row["shutdown_usd_per_btc"] < row["on_above_usd_per_btc"]
    assert row["paid_back_fraction_low"] <= row["paid_back_fraction"]
    assert row["missing"] == []
    assert answer.to_dict() == _answer(**options).to_dict()


def test_a_payback_that_never_comes_is_null_for_machines_and_a_word_for_people() -> None:
    answer = _answer(volatility=0.1, rig_price=1e5)
    (row,) = answer.to_dict()["rows"]
    assert row["payback_days"] is None
    assert row["paid_back_fraction"] == 0
    assert not any(text.startswith("payback") for text in row["missing"])
    (column,) = [each for each in VIEW.tables["rigs"] if each.name == "payback"]
    assert cell(Interval(math.inf, math.inf, math.inf), column) == "never"
    assert cell(Interval(400.0, 300.0, math.inf), column) == "400 (300 to never)"
    # where a column has no words for it, it is not shown as a number
    assert cell(Interval(400.0, 300.0, math.inf), Column("x", "x", DAYS, limits="any")) == "400"


def test_without_a_price_people_see_hashprices_and_what_is_missing_is_said() -> None:
    answer = shutdown(None, hashprice=40.0, rig=["S9", "S21"], power_price=[0.04, 0.06])
    seen = {column.unit for column in answer.tables[0].columns if not column.hidden}
    assert USD_PER_PHS_DAY in seen
    assert USD_PER_BTC not in seen
    row = answer.to_dict()["rows"][0]
    assert row["shutdown_usd_per_btc"] is None
    assert len(row["missing"]) == 3
    hidden = {column.name for column in answer.tables[0].columns if column.hidden}
    assert "power_price" not in hidden
    single = shutdown(None, hashprice=40.0, rig=["S9"], power_price=[0.04])
    assert "power_price" in {c.name for c in single.tables[0].columns if c.hidden}


def test_fees_as_a_share_of_the_reward_and_as_a_share_of_the_subsidy() -> None:
    market = {name: value for name, value in _PRICED.items() if name != "fees_to_subsidy"}
    assert not stated(**market).enough
    share = stated(**market, fee_share=0.2)
    assert share.enough
    assert share.fees_to_subsidy == pytest.approx(0.25)
    with pytest.raises(UsageError, match="fee-share"):
        stated(fee_share=0.2, fees_to_subsidy=0.1)
    with pytest.raises(UsageError, match="volatility"):
        shutdown(None, hashprice=40.0, drift=0.1)


def test_a_row_a_machine_and_a_column_a_power_price() -> None:
    lines = shutdown(None, **_PRICED, rig=["S9", "S21"], power_price=[0.04, 0.06]).result
    table = by_power_price(lines)
    assert [row["rig"] for row in table.records()] == ["Antminer S9", "Antminer S21"]
    for row, line in zip(table.records(), lines[::2], strict=True):
        assert row["at_0_04_usd_per_btc"] == line.shutdown_price_usd_per_btc.value
        assert float(str(row["at_0_06_usd_per_btc"])) == pytest.approx(
            1.5 * line.shutdown_price_usd_per_btc.value
        )
        assert row["break_even_usd_per_kwh_low"] == line.break_even_usd_per_kwh.low


def test_all_machines_are_there_the_most_efficient_first() -> None:
    rows = shutdown(None, hashprice=40.0).tables[0].records()
    assert len(rows) == len(read_rigs().rigs)
    efficiency = [float(str(row["efficiency_j_per_th"])) for row in rows]
    assert efficiency == sorted(efficiency)
