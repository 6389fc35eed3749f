"""What the next retarget does, as tables, facts and sentences: which numbers stand where."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.retarget.after import AfterRetarget, Quantiles, RigAfter, Stopped, Then
from hashcanary.inference.retarget.forecast import RetargetForecast, Span
from hashcanary.inference.retarget.hashprice_ahead import Basis
from hashcanary.interval import Interval
from hashcanary.views.forecast import AFTER as VIEW
from hashcanary.views.forecast import TABLES, facts, report_table
from hashcanary.views.forecast import after_sentences as sentences
from hashcanary.views.forecast import after_table as table

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


def _study() -> SimpleNamespace:
    """What the view reads of a supply study: what its fleets cost, three draws each."""
    return SimpleNamespace(
        supply=SimpleNamespace(
            parameters={
                "pue": np.full(3, 1.07),
                "pool_fee": np.full(3, 0.021),
                "overhead": np.full(3, 0.082),
            }
        ),
        power_usd_per_kwh=Interval(0.047, 0.037, 0.06),
        network_j_per_th=Interval(18.0, 15.0, 22.0),
        market=SimpleNamespace(day=_DAY),
    )


def _after(change: float = -0.1) -> AfterRetarget:
    basis = Basis(
        _DAY, 80_000.0, False, 1.4e14, 3.125, 3.125, 0.02, _DAY, np.array([0.01, 0.02]),
        np.empty(0), np.zeros(1000), (),
    )  # fmt: skip
    band = Interval(90_000.0, 70_000.0, 120_000.0)
    rig = RigAfter("Antminer S19j Pro", Interval(30, 25, 35), band, band, 0.3, 0.6, 0.58)
    changes = _spread(change, 0.01)
    return AfterRetarget(
        forecast=_forecast(changes),
        study=_study(),
        basis=basis,
        change=changes,
        hashprice_now_usd_per_phs_day=Interval(36.0, 35.5, 36.5),
        running_ehs=1000.0,
        under_water_now=_spread(0.25, 0.01),
        under_water_now_ehs=_spread(250.0, 10.0),
        revenue_now_usd_per_mwh=_spread(75.0, 1.0),
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
        lacks=(),
        draws=10_000,
    )


def _numbers(text: str) -> list[float]:
    """The numbers of a sentence, in its order, a true minus read as one."""
    plain = text.replace("−", "-").replace(",", "")
    return [float(number) for number in re.findall(r"[+-]?\d+(?:\.\d+)?", plain)]


def _line(after: AfterRetarget, word: str) -> str:
    """The one sentence that has a word."""
    (line,) = [line for line in sentences(after) if word in line]
    return line


def test_a_distribution_has_its_median_three_intervals_and_its_mean() -> None:
    figures = table(_after())
    row = figures.records()[1]
    # middle 40, steps of 0.5: 95% are three steps away, 80% two, 50% one
    for key, low, high in (("", 38.5, 41.5), ("_80", 39.0, 41.0), ("_50", 39.5, 40.5)):
        assert row[f"hashprice{key}_usd_per_phs_day"] == 40.0
        assert row[f"hashprice{key}_usd_per_phs_day_low"] == low
        assert row[f"hashprice{key}_usd_per_phs_day_high"] == high
    assert row["hashprice_mean_usd_per_phs_day"] == 40.0
    levels = {column.name: column.level for column in figures.columns if column.limits}
    assert levels["hashprice"] == 0.95
    assert levels["hashprice_80"] == 0.80
    assert levels["hashprice_50"] == 0.50


def test_a_row_is_a_case_and_now_knows_no_change() -> None:
    figures = table(_after())
    now, held, moving = figures.records()
    assert [row["when"] for row in (now, held, moving)] == [
        "now",
        "after, price held",
        "after, price moving",
    ]
    assert now["hashprice_usd_per_phs_day_low"] == 35.5
    assert now["hashprice_80_usd_per_phs_day"] is None
    assert now["interval"] != held["interval"]
    assert now["underwater_fraction"] == 0.25
    assert held["underwater_fraction_high"] == pytest.approx(0.23)
    assert held["underwater_hashrate_ehs_low"] == 170.0
    assert held["revenue_usd_per_mwh"] == 80.0
    assert held["underwater_change_fraction"] == -0.05
    assert held["profitable_hashrate_change_ehs"] == 50.0
    assert held["returning_hashrate_ehs"] == 10.0
    assert (held["more_profitable_probability"], held["less_profitable_probability"]) == (0.97, 0)
    for key in ("profitable_change_fraction", "more_profitable_probability"):
        assert now[key] is None


def test_the_facts_are_those_of_the_basis_and_of_the_forecast() -> None:
    after = _after()
    cells = facts(after)
    assert set(cells) == {column.name for column in VIEW.facts}
    assert cells["fees"] == Interval(0.02, 0.01, 0.02)
    assert cells["offset_price_mean"] == pytest.approx(72_000)
    half = cells["difficulty_change_50"]
    assert isinstance(half, Interval)
    assert half.three == pytest.approx((-0.1, -0.11, -0.09))
    assert half.level == 0.5
    assert cells["stopped_delay_mean"] == 1.5
    assert facts(replace(after, stopped=None))["stopped_delay"] is None


def test_hashprice_goes_from_now_to_then_with_its_limits_and_its_day() -> None:
    line = _line(_after(), "hashprice goes")
    assert _numbers(line)[:2] == [80_000, 2]
    assert _numbers(line)[3:7] == [36.0, 40.0, 38.5, 41.5]
    assert "2 Feb 2026" in line
    assert "8 Feb 2026 (95%: 8 to 9 Feb 2026)" in line
    assert _numbers(_line(_after(), "Difficulty: expected"))[:4] == [-10.0, 95, -13.0, -7.0]


def test_the_share_underwater_has_its_mean_and_both_dependences() -> None:
    assert _numbers(_line(_after(), "Underwater then")) == [20, 17, 23, 20, 25, 22, 28, 25]
    # the upper limits where ranks of difficulty and of today's share go together, or against
    assert _numbers(_line(_after(), "dependence")) == [33.0, 13.0]


def test_the_assumptions_are_the_values_that_were_drawn() -> None:
    assert {1.07, 2.1, 8.2} <= set(_numbers(_line(_after(), "PUE")))
    assert 10_000 in _numbers(_line(_after(), "draws. How"))


@pytest.mark.parametrize(("change", "price"), [(-0.1, 72_000), (0.1, 88_000)])
def test_the_price_that_offsets_the_retarget_is_below_or_above(change: float, price: float) -> None:
    line = _line(_after(change), "for hashprice to stay")
    assert _numbers(line) == [10.0, price, price - 2400, price + 2400]
    assert ("could drop" in line) == (change < 0)


def test_rigs_that_cross_are_named_up_to_four() -> None:
    after = _after()
    assert _numbers(_line(after, "Antminer S19j Pro"))[1:3] == [30, 60]
    stays = replace(after.rigs[0], pays_after=0.4)
    assert not any("S19j" in line for line in sentences(replace(after, rigs=(stays,))))
    assert "2 more" in _line(replace(after, rigs=after.rigs * 6), "cross break-even")
    rows = table(after, "rigs").records()
    assert rows[0]["off_at_after_usd_per_btc_high"] == 120_000
    assert rows[0]["profitable_after_price_held_probability"] == 0.6
    assert rows[0]["crosses"] is True


@pytest.mark.parametrize(
    ("rises", "falls", "words"),
    [
        (0.97, 0.0, "up in 97% of draws, down in 0%"),
        (0.1, 0.9, "down in 90% of draws, up in 10%"),
        (0.0, 0.0, "neither way"),
    ],
)
def test_the_push_on_the_adjustment_after_has_its_share_of_draws(
    rises: float, falls: float, words: str
) -> None:
    after = _after()
    after = replace(after, held=replace(after.held, rises=rises, falls=falls))
    assert words in _line(after, "adjustment after the next")


def test_parts_of_the_variance_are_ordered_by_that_of_the_share_underwater() -> None:
    variance = table(_after(), "variance")
    assert [row["input"] for row in variance.records()] == ["curve", "price", "difficulty", "fees"]
    # hashprice does not depend on the curve
    assert variance.records()[0]["hashprice_variance_fraction"] == 0.0
    assert _numbers(_line(_after(), "Variance of hashprice")) == [85, 10, 5]
    still = dict.fromkeys(("difficulty", "price", "fees", "curve"), 0.0)
    same = replace(_after(), under_water_parts=still)
    assert _numbers(_line(same, "Variance of the share")) == []


def test_what_cannot_be_said_has_no_row_and_no_sentence() -> None:
    after = replace(
        _after(), moving=None, stopped=None, under_water_parts={}, lacks=("fees of 3 days",)
    )
    assert sentences(after)[-1] == "Missing: fees of 3 days."
    assert len(sentences(after)) == len(sentences(_after())) - 3
    assert len(table(after).rows) == 2
    variance = table(after, "variance")
    assert not variance.rows
    assert variance.empty


def test_a_halving_before_it_and_a_stated_price_are_said() -> None:
    after = _after()
    after = replace(after, basis=replace(after.basis, subsidy_after_btc=1.5625, stated=True))
    assert _numbers(_line(after, "halves")) == [1.5625]
    assert "stated" in _line(after, "hashprice goes")
    assert facts(after)["subsidy_after"] == 1.5625


def test_a_report_sees_the_outer_intervals_alone_and_keeps_the_others() -> None:
    shown = report_table(_after())
    assert not any(column.ends and not column.hidden for column in shown.columns)
    assert shown.records() == table(_after()).records()
    assert 72_000 in _numbers(shown.note)


@pytest.mark.parametrize("key", TABLES)
def test_a_record_has_the_keys_of_its_table_once(key: str) -> None:
    keys = table(_after(), key).keys
    assert len(keys) == len(set(keys))
    for record in table(_after(), key).records():
        assert list(record) == keys
