"""The next two retargets as a table, facts and sentences."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.inference.filter.bank import LEVELS
from hashcanary.inference.retarget.forecast import RetargetForecast, Span, Waiting
from hashcanary.interval import Interval
from hashcanary.units import FRACTION
from hashcanary.views.forecast import central, decrease, fan, fan_cells, outer, sentences, table
from hashcanary.views.table import Column
from hashcanary.views.terminal import table_parts
from hashcanary.views.text import cell

# 3 February 2026, 04:41:22 UTC
_NOW = 1_770_093_682
_TIMESPAN = 1_209_600
_STEPS = np.array([-3.0, -2, -1, 0, 1, 2, 3])


def _forecast(change: float = -0.12, *, known: bool = False) -> RetargetForecast:
    """A forecast whose levels are a step apart; its law is one Gamma, or nothing is left open."""
    waiting = None if known else Waiting(np.ones(1), np.full(1, 600.0), np.full(1, 400_000.0))
    passed = _TIMESPAN / (1 + change) - (0 if known else 400_000)
    return RetargetForecast(
        height=934_800,
        time=_NOW + 0.4,
        first_height=933_408,
        first_time=_NOW - 1_000_000,
        intervals=1392,
        needed=2015,
        retarget_height=935_424,
        change=change + 0.01 * _STEPS,
        date=_NOW + 400_000.6 + 36_000 * _STEPS,
        second_height=937_440,
        second_change=0.09 + 0.03 * _STEPS,
        second_date=_NOW + 1_600_000 + 86_400 * _STEPS,
        hashrate=9.4e20 + 3e19 * _STEPS,
        lacks=(),
        span=Span(passed, _TIMESPAN, 0.0, waiting),
    )


def test_the_central_intervals_are_those_of_the_levels() -> None:
    # the k-th percent lies at the k-th place of ``LEVELS`` scaled to percent
    values = LEVELS * 100
    for level, low, high in ((95, 2.5, 97.5), (80, 10.0, 90.0), (50, 25.0, 75.0)):
        found = central(values, level)
        assert found.three == pytest.approx((50.0, low, high))
        assert found.level == level / 100


def test_a_fan_has_a_cell_for_each_of_its_columns() -> None:
    columns = fan(Column("change", "change", FRACTION, limits="central"), inner=2)
    assert {column.name for column in columns} == set(fan_cells("change", LEVELS))
    assert [column.level for column in columns[:3]] == [0.95, 0.8, 0.5]
    assert [column.hidden for column in columns] == [False, False, False, True]
    assert all(column.hidden for column in fan(columns[0])[1:])
    assert set(fan_cells("change", None).values()) == {None}


def test_each_retarget_is_a_row_with_its_change_and_its_date() -> None:
    first, second = table(_forecast()).records()
    assert (first["retarget"], first["height"]) == ("next", 935_424)
    assert (second["retarget"], second["height"]) == ("second", 937_440)
    assert first["change_fraction"] == pytest.approx(-0.12)
    assert first["change_fraction_low"] == pytest.approx(-0.15)
    assert first["change_80_fraction_high"] == pytest.approx(-0.10)
    assert second["change_50_fraction_low"] == pytest.approx(0.06)
    # to the nearest second, not the one before
    assert first["date"] == "2026-02-07T19:48:03Z"
    assert first["date_low"] == "2026-02-06T13:48:03Z"


def test_people_see_days_and_a_page_the_outer_intervals_alone() -> None:
    retargets = table(_forecast())
    date = next(column for column in retargets.columns if column.name == "date")
    row = retargets.rows[0]
    assert cell(row["date"], date) == "7 Feb 2026 (6 to 9 Feb 2026)"
    inner = next(column for column in retargets.columns if column.name == "date_50")
    assert cell(row["date_50"], inner) == "7 to 8 Feb 2026"
    seen = [column.name for column in outer(retargets).columns if not column.hidden]
    assert seen == ["retarget", "height", "change", "date"]
    assert outer(retargets).records() == retargets.records()


def test_without_a_forecast_the_table_says_why() -> None:
    nothing = table(None, "the first block of the epoch is not known")
    assert nothing.records() == []
    assert len(table_parts(nothing)) == 1


def test_the_probability_of_a_decrease_is_that_of_the_wait() -> None:
    from scipy.stats import gamma

    # difficulty falls when the rest of the span takes longer than what the timespan leaves
    left = _TIMESPAN - (_TIMESPAN / 0.99 - 400_000)
    expected = gamma(600, scale=400_000 / 600).sf(left)
    assert decrease(_forecast(-0.01)) == pytest.approx(expected)
    assert decrease(_forecast(-0.01, known=True)) == 1.0
    assert decrease(_forecast(0.01, known=True)) == 0.0


@pytest.mark.parametrize(
    ("change", "size", "word"),
    [
        (-0.12, "−12.0% (95%: −15.0% to −9.0%)", "a decrease"),
        (0.05, "+5.0% (95%: +2.0% to +8.0%)", "an increase"),
    ],
)
def test_the_expected_change_has_its_sign_and_its_direction(
    change: float, size: str, word: str
) -> None:
    first, second = sentences(_forecast(change))
    assert size in first
    assert word in first
    assert "624 blocks" in first
    assert "+9.0% (95%: 0.0% to +18.0%)" in second


def test_limits_that_are_seen_alone_are_without_their_value() -> None:
    column = Column("x", "x", FRACTION, limits="central", ends=True)
    assert cell(Interval(0.5, 0.25, 0.75), column) == "25.0% to 75.0%"
