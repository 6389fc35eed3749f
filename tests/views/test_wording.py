"""How numbers, days and intervals read."""

from __future__ import annotations

import pytest

from hashcanary.report.document import Figure
from hashcanary.report.render.words import figure_bounds, figure_value
from hashcanary.units import DIFFICULTY, FRACTION, HASHRATE, RATIO, USD, Unit
from hashcanary.views.text import (
    bounds,
    chance,
    count,
    harmless,
    how_often,
    ordinal,
    percent,
    period,
    quantity,
    wait,
)

# 2025-12-05, 2026-01-04, 2026-01-08, 2026-02-02, all 00:00 UTC
DEC_5, JAN_4, JAN_8, FEB_2 = 1_764_892_800, 1_767_484_800, 1_767_830_400, 1_769_990_400
DAY = 86_400


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (-0.149, False, "−14.9%"),
        (0.149, False, "14.9%"),
        (0.149, True, "+14.9%"),
        (-0.0001, True, "0.0%"),
        (0.0, True, "0.0%"),
    ],
)
def test_percent_has_a_true_minus_and_no_signed_zero(value: float, signed: bool, text: str) -> None:
    assert percent(value, signed=signed) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (958.8e18, HASHRATE, "958.8 EH/s"),
        (1.0116e21, HASHRATE, "1,012 EH/s"),
        (5.2e6, HASHRATE, "5.200 MH/s"),
        (141_668_107_417_558.25, DIFFICULTY, "141.7 T"),
        (75_684.77, USD, "75,685 USD"),
        (0.6376, RATIO, "0.638"),
    ],
)
def test_quantities_carry_unit_and_prefix(value: float, unit: Unit, text: str) -> None:
    assert quantity(value, unit) == text


def test_an_interval_says_its_unit_once() -> None:
    assert bounds(929.3e18, 989.0e18, HASHRATE) == "929.3 to 989.0 EH/s"
    assert bounds(None, 1.0, HASHRATE) == ""


def test_a_figure_with_interval_says_the_unit_beside_the_value() -> None:
    figure = Figure("k", "l", 958.8e18, HASHRATE, low=929.3e18, high=989.0e18)
    assert (figure_value(figure), figure_bounds(figure)) == ("958.8 EH/s", "95%: 929.3 to 989.0")


def test_what_is_counted_and_not_estimated_has_two_decimals() -> None:
    assert figure_value(Figure("k", "l", -0.0328, FRACTION)) == "−3.28%"
    assert figure_value(Figure("k", "l", -0.0522, FRACTION, low=-0.074, high=-0.031)) == "−5.2%"


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (FEB_2, FEB_2 + DAY, "2 Feb 2026"),
        (JAN_4, FEB_2 + DAY, "4 Jan to 2 Feb 2026"),
        (JAN_4, JAN_8 + DAY, "4 to 8 Jan 2026"),
        (DEC_5, FEB_2 + DAY, "5 Dec 2025 to 2 Feb 2026"),
        (None, None, ""),
    ],
)
def test_a_period_says_shared_month_and_year_once(
    since: int | None, until: int | None, text: str
) -> None:
    assert period(since, until) == text


def test_ordinals_and_counts() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th",
    ]  # fmt: skip
    assert ordinal(1, best="deepest") == "deepest"
    assert ordinal(5, best="deepest") == "5th deepest"
    assert (count(1, "day"), count(1200, "day")) == ("1 day", "1,200 days")


def test_control_and_direction_characters_are_written_out() -> None:
    assert harmless("a\x1b[31mb\u202ec") == "a\\x1b[31mb\\u202ec"
    assert harmless("Börse <b>") == "Börse <b>"


def test_how_often_luck_does_something_is_said_in_two_figures() -> None:
    said = {0.005: "200 times a year", 0.34: "3 times a year", 1.2: "about once a year"}
    said |= {2.04: "once in 2.0 years", 13.4: "once in 13 years", 412.0: "once in 410 years"}
    said |= {1e6: "once in over 10,000 years"}
    assert {years: how_often(years) for years in said} == said
    waits = {0.01: "4 days", 0.25: "3 months", 1.0: "12 months", 7.04: "7.0 years"}
    waits |= {1234.0: "1,200 years", 1e5: "> 10,000 years"}
    assert {years: wait(years) for years in waits} == waits


def test_a_chance_that_was_never_seen_is_a_limit() -> None:
    assert chance(0.0, 0.0061) == "under 0.6%"
    assert chance(0.0123, 0.03) == "1.2%"
    assert chance(0.475, 0.5) == "48%"
    assert chance(0.999, 1.0) == "over 99%"
