"""What the next retarget does, in words: which words for which numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hashcanary.report.after_retarget import sentences, told
from hashcanary.report.after_rows import document, figure_rows, lines_of

from hashcanary.inference.filter.mixture import LEVELS
from hashcanary.inference.retarget.after import (
    AfterRetarget,
    Quantiles,
    RigAfter,
    Stopped,
    Then,
)
from hashcanary.inference.retarget.forecast import RetargetForecast, Span
from hashcanary.inference.retarget.hashprice_basis import Basis
from hashcanary.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

# 2 February 2026
_DAY = 1_769_990_400


def _spread(middle: float, by: float) -> Quantiles:
    return Quantiles(middle + by * np.array([-3.0, -2, -1, 0, 1, 2, 3]), middle)


def _then(hashprice: float) -> Then:
    return Then(
        hashprice_usd_per_phs_day=_spread(hashprice, 0.5),
        under_water=_spread(0.2, 0.01),
        under_water_ehs=_spread(200.0, 10.0),
        gain=_spread(-0.05, 0.01),
        revenue_usd_per_mwh=_spread(80.0, 1.0),
        response=_spread(0.05, 0.01),
        response_ehs=_spread(50.0, 10.0),
        back_ehs=_spread(10.0, 1.0),
        rises=0.97,
        falls=0.0,
        by_elasticity=_spread(0.06, 0.01),
    )


def _forecast(change: Quantiles) -> RetargetForecast:
    still = np.zeros(LEVELS.size)
    return RetargetForecast(
        height=934_800,
        time=float(_DAY + 100_000),
        first_height=933_408,
        first_time=_DAY - 800_000,
        intervals=1392,
        needed=2015,
        retarget_height=935_424,
        change=change.values,
        date=still,
        second_height=937_440,
        second_change=still,
        second_date=still,
        hashrate=still,
        lacks=(),
        span=Span(0.0, 1, 0.0, None),
    )


def _found(change: float = -0.1) -> AfterRetarget:
    basis = Basis(
        _DAY, 80_000.0, False, 1.4e14, 3.125, 3.125, 0.02, _DAY, np.array([0.01, 0.02]),
        np.empty(0), np.zeros(1000), (),
    )  # fmt: skip
    band = Interval(90_000.0, 70_000.0, 120_000.0)
    rig = RigAfter("Antminer S19j Pro", Interval(30, 25, 35), band, band, 0.3, 0.6, 0.58)
    changes = _spread(change, 0.01)
    return AfterRetarget(
        forecast=_forecast(changes),
        basis=basis,
        change=changes,
        hashprice_now_usd_per_phs_day=Interval(36.0, 35.5, 36.5),
        running_ehs=1000.0,
        under_water_now=_spread(0.25, 0.01),
        under_water_now_ehs=_spread(250.0, 10.0),
        revenue_now_usd_per_mwh=_spread(75.0, 1.0),
        network_j_per_th=Interval(18.0, 15.0, 22.0),
        days=Quantiles(np.array([6.0, 6, 6, 6, 6, 7, 7]), 6.2),
        offset_usd_per_btc=Quantiles(80_000 * (1 + changes.values), 80_000 * (1 + change)),
        held=_then(40.0),
        moving=_then(40.2),
        worst=_spread(0.3, 0.01),
        best=_spread(0.1, 0.01),
        rigs=(rig,),
        stopped=Stopped(_spread(-0.2, 0.01), _spread(1.5, 0.1)),
        hashprice_parts={"difficulty": 0.1, "price": 0.85, "fees": 0.05},
        under_water_parts={"difficulty": 0.05, "price": 0.3, "fees": 0.0, "curve": 0.65},
        rests_on="power 0.047 USD/kWh",
        lacks=(),
        draws=10_000,
    )


def test_each_line_has_its_numbers_its_bands_and_its_price() -> None:
    lines = told(_found())
    assert "If bitcoin stays at 80,000 USD (its price at the end of 2026-02-02)" in lines["held"]
    assert "36.00 USD/PH/s/day (35.50 to 36.50" in lines["held"]
    assert "40.00 (38.50 to 41.50) on 2026-02-08 (95%: 2026-02-08 to 2026-02-09)" in lines["held"]
    assert "-10.0% (95%: -13.0% to -7.0%)" in lines["held"]
    assert "20.0% (17.0% to 23.0%), mean 20.0% of what runs" in lines["under_water"]
    assert "200 (170 to 230) EH/s of 1,000" in lines["under_water"]
    assert "up to 33.0%, with the least 13.0%" in lines["under_water"]
    assert "without drift: hashprice 40.20 (38.70 to 41.70)" in lines["moving"]
    assert "price 85%, difficulty 10%, fees 5%" in lines["variance"]
    assert "curve 65%, price 30%" in lines["variance"]
    assert "power 0.047 USD/kWh" in lines["rests_on"]
    assert "10,000 draws" in lines["rests_on"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (-0.1, "The price could fall to 72,000 (69,600 to 74,400) USD, -10.0%"),
        (0.1, "The price would have to rise to 88,000 (85,600 to 90,400) USD, +10.0%"),
    ],
)
def test_a_fall_is_an_allowance_and_a_rise_a_demand(change: float, words: str) -> None:
    assert words in told(_found(change))["offset"]


def test_rigs_that_cross_are_named_and_none_is_said_to_be_none() -> None:
    found = _found()
    assert "Antminer S19j Pro (pays with 30% now, 60% after" in told(found)["rigs"]
    stays = replace(found.rigs[0], pays_after=0.4)
    assert told(replace(found, rigs=(stays,)))["rigs"].startswith("No rig of the fleet crosses")
    many = replace(found, rigs=found.rigs * 6)
    assert "; and 2 more." in told(many)["rigs"]


def test_the_sign_of_the_adjustment_after_is_said_with_how_many_draws() -> None:
    found = _found()
    assert "no forecast of that adjustment" in told(found)["feedback"]
    assert "up in 97% of draws, down in 0%" in told(found)["feedback"]
    down = replace(found, held=replace(found.held, rises=0.1, falls=0.9))
    assert "down in 90% of draws, up in 10%" in told(down)["feedback"]
    none = replace(found, held=replace(found.held, rises=0.0, falls=0.0))
    assert "neither way" in told(none)["feedback"]


def test_what_cannot_be_said_has_no_line_and_what_lacks_has_one() -> None:
    found = replace(
        _found(), moving=None, stopped=None, under_water_parts={}, lacks=("fees of 3 days",)
    )
    assert {"moving", "stopped", "variance"}.isdisjoint(told(found))
    assert sentences(found)[-1] == "Lacks fees of 3 days."
    assert document(found)["price_moving"] is None
    assert all("moving" not in str(row["when"]) for row in figure_rows(found))


def test_a_share_that_is_the_same_in_every_draw_comes_from_nothing() -> None:
    still = dict.fromkeys(("difficulty", "price", "fees", "curve"), 0.0)
    line = told(replace(_found(), under_water_parts=still))["variance"]
    assert "of the share under water nothing, as it is the same in every draw" in line


def test_a_halving_before_it_and_a_stated_price_are_said() -> None:
    found = _found()
    halved = replace(found, basis=replace(found.basis, subsidy_after_btc=1.5625, stated=True))
    line = told(halved)["held"]
    assert "80,000 USD (stated)" in line
    assert "The subsidy halves before it, to 1.5625 BTC a block." in line


def test_every_number_of_the_document_has_its_unit_in_a_key() -> None:
    units = (
        "usd_per_phs_day", "usd_per_btc", "usd_per_mwh", "fraction", "ehs", "days", "probability",
        "btc_per_block", "ratio_to_difficulty_one", "j_per_th", "count",
    )  # fmt: skip
    plain = {"height", "retarget_height", "draws"}

    def check(node: object, named: bool, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                check(value, named or key.endswith(units), f"{path}.{key}")
        elif isinstance(node, (list, tuple)):
            for value in node:
                check(value, named, path)
        elif isinstance(node, (int, float)) and not isinstance(node, bool):
            assert named or path.rsplit(".", 1)[-1] in plain, path

    found: Mapping[str, object] = document(_found())
    check(dict(found), False, "")
    assert {line.unit.suffix for line in lines_of(_found())} <= set(units)
