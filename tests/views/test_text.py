"""The one formatter: how cells, headings and sentences read."""

from __future__ import annotations

import pytest

from hashcanary.interval import Interval
from hashcanary.units import (
    BTC,
    COUNT,
    DATE,
    DAYS,
    DIFFICULTY,
    FRACTION,
    HASHRATE,
    HOURS,
    INDEX_100,
    PROBABILITY,
    RATIO,
    UNIX_TIME,
    USD_PER_BTC,
    USD_PER_KWH,
    USD_PER_PHS_DAY,
    YEARS,
    Unit,
)
from hashcanary.views.table import Cell, Column
from hashcanary.views.text import (
    NOTHING,
    banded,
    bounds,
    cell,
    chance,
    count,
    day,
    harmless,
    heading,
    how_often,
    in_points,
    minute,
    moved,
    ordinal,
    percent,
    period,
    probability,
    quantity,
    wait,
)

INSTANT = 1_770_093_682


@pytest.mark.parametrize(
    ("value", "unit", "digits", "expected"),
    [
        (38.704, USD_PER_PHS_DAY, None, "38.70"),
        (74_771.3, USD_PER_BTC, 1, "74,771"),
        (0.1412, FRACTION, None, "14.1%"),
        (0.1412, FRACTION, 0, "14%"),
        (-0.1412, FRACTION, None, "\u221214.1%"),
        (9.877e20, HASHRATE, None, "987.7 EH/s"),
        (0.999, PROBABILITY, None, ">99%"),
        (1234, COUNT, None, "1,234"),
        (62.0, DAYS, None, "62"),
        (1.2345, RATIO, None, "1.23"),
        (INSTANT, DATE, None, "3 Feb 2026"),
        (INSTANT, UNIX_TIME, None, "3 Feb 2026, 04:41 UTC"),
        (True, None, None, "yes"),
        (None, BTC, None, NOTHING),
        (float("nan"), BTC, None, NOTHING),
        ((), None, None, NOTHING),
        (("a", "b"), None, None, "a; b"),
    ],
)
def test_a_cell(value: Cell, unit: Unit | None, digits: int | None, expected: str) -> None:
    assert cell(value, Column("x", "x", unit, digits=digits)) == expected


@pytest.mark.parametrize(
    ("figure", "unit", "expected"),
    [
        (Interval(35.0, 30.0, 40.0), USD_PER_PHS_DAY, "35.00 (30.00 to 40.00)"),
        (Interval(9e20, 8e20, 1e21), HASHRATE, "900.0 EH/s (800.0 to 1,000 EH/s)"),
        (Interval.exact(35.0), USD_PER_PHS_DAY, "35.00"),
        (Interval(-0.1, -0.2, 0.05), FRACTION, "\u221210.0% (\u221220.0% to 5.0%)"),
    ],
)
def test_a_cell_with_limits(figure: Interval, unit: Unit, expected: str) -> None:
    assert cell(figure, Column("x", "x", unit, limits="y")) == expected


def test_a_difference_of_shares_is_in_points_with_its_sign() -> None:
    column = Column("x", "change", FRACTION, points=True)
    assert cell(0.018, column) == "+1.8"
    assert heading(column) == ("change", "percentage points")


def test_a_unit_stands_in_the_heading_unless_the_cells_need_it() -> None:
    assert heading(Column("x", "off at", USD_PER_BTC)) == ("off at", "USD/BTC")
    assert heading(Column("x", "hashrate", HASHRATE)) == ("hashrate", "")
    assert heading(Column("x", "share", FRACTION)) == ("share", "")
    assert heading(Column("x", "rig")) == ("rig", "")


@pytest.mark.parametrize(
    ("figure", "unit", "digits", "expected"),
    [
        (Interval(24.0, 15.0, 38.0), USD_PER_PHS_DAY, 2, "24 USD/PH/s/day (15 to 38)"),
        (Interval(0.034, 0.0, 0.235), FRACTION, None, "3.4% (0.0% to 23.5%)"),
        (Interval(9e20, 8e20, 1e21), HASHRATE, 3, "900 EH/s (800 to 1,000)"),
        (Interval.exact(2.0), BTC, 2, "2.0 BTC"),
    ],
)
def test_a_figure_in_a_sentence_names_its_unit_once(
    figure: Interval, unit: Unit, digits: int | None, expected: str
) -> None:
    assert banded(figure, unit, digits) == expected


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\u202e", "\u2066", "\r"])
def test_what_could_move_a_terminal_is_written_out(char: str) -> None:
    shown = harmless(f"a{char}b")
    assert char not in shown
    assert shown.startswith("a\\")
    assert char not in cell(f"a{char}b", Column("x", "x"))


# 1 and 31 January, 2 February and 31 December 2026, by `date -u -d DAY +%s`
JAN_1, JAN_31, FEB_2, DEC_31 = 1_767_225_600, 1_769_817_600, 1_769_990_400, 1_798_675_200
DAY = 86_400


def test_days_and_minutes_are_those_of_utc() -> None:
    assert (day(JAN_1), day(JAN_1 - 1), day(JAN_1 + DAY - 1)) == (
        "1 Jan 2026",
        "31 Dec 2025",
        "1 Jan 2026",
    )
    assert minute(INSTANT) == "3 Feb 2026, 04:41 UTC"
    assert minute(JAN_1) == "1 Jan 2026, 00:00 UTC"


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        (None, None, ""),
        (JAN_1, None, "1 Jan 2026"),
        (JAN_1, JAN_1 + DAY, "1 Jan 2026"),
        (JAN_1, JAN_31, "1 to 30 Jan 2026"),
        (JAN_31, FEB_2 + DAY, "31 Jan to 2 Feb 2026"),
        (JAN_1 - DAY, JAN_1 + DAY, "31 Dec 2025 to 1 Jan 2026"),
        (JAN_1, DEC_31 + DAY, "1 Jan to 31 Dec 2026"),
    ],
)
def test_a_period_says_once_what_both_its_ends_share(
    since: int | None, until: int | None, text: str
) -> None:
    assert period(since, until) == text


@pytest.mark.parametrize(
    ("value", "decimals", "signed", "text"),
    [
        (0.1412, 1, False, "14.1%"),
        (-0.1412, 1, False, "−14.1%"),
        (0.1412, 0, True, "+14%"),
        (-0.0004, 1, True, "0.0%"),
        (0.0004, 1, True, "0.0%"),
        (0.0, 2, True, "0.00%"),
        (1.5, 0, False, "150%"),
    ],
)
def test_a_percentage_has_a_true_minus_and_nothing_has_no_sign(
    value: float, decimals: int, signed: bool, text: str
) -> None:
    assert percent(value, decimals, signed=signed) == text


def test_counts_have_one_and_many() -> None:
    assert count(1, "day") == "1 day"
    assert count(0, "day") == "0 days"
    assert count(62_000, "block") == "62,000 blocks"
    assert count(1, "entry", "entries") == "1 entry"
    assert count(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("value", "unit", "digits", "text"),
    [
        ("inverted", None, 4, "inverted"),
        (12.0, None, 4, "12"),
        (12_345.678, COUNT, 4, "12,345.68"),
        (0.1412, FRACTION, 4, "14.1%"),
        (1.0, DAYS, 4, "1 day"),
        (61.6, DAYS, 4, "62 days"),
        (INSTANT, UNIX_TIME, 4, "3 Feb 2026"),
        (9.87654e20, HASHRATE, 4, "987.7 EH/s"),
        (1.2345e21, HASHRATE, 4, "1,234 EH/s"),
        (9.87654e20, HASHRATE, 3, "988 EH/s"),
        (5e18, HASHRATE, 4, "5.000 EH/s"),
        (0.0, HASHRATE, 4, "0 EH/s"),
        (2.5e17, HASHRATE, 4, "250.0 PH/s"),
        (1.4647e14, DIFFICULTY, 4, "146.5 T"),
        (999.0, DIFFICULTY, 4, "999.0"),
        (1.23456, RATIO, 4, "1.23"),
        (71.26, INDEX_100, 4, "71.3"),
        (0.0494, USD_PER_KWH, 3, "0.0494 USD/kWh"),
        (38.704, USD_PER_PHS_DAY, 4, "38.70 USD/PH/s/day"),
        (-38.704, USD_PER_PHS_DAY, 4, "−38.70 USD/PH/s/day"),
        (74_771.3, USD_PER_BTC, 4, "74,771 USD/BTC"),
        (0.0, USD_PER_BTC, 4, "0 USD/BTC"),
        (1e-9, BTC, 4, "1e-09 BTC"),
        (2.25, HOURS, 2, "2.2 h"),
    ],
)
def test_a_quantity_has_its_digits_and_its_unit(
    value: float | str, unit: Unit | None, digits: int, text: str
) -> None:
    assert quantity(value, unit, digits) == text


def test_bounds_name_a_unit_once_and_points_none() -> None:
    assert bounds(9.23e20, 9.79e20, HASHRATE) == "923.0 to 979.0 EH/s"
    assert bounds(1.5e17, 1.2e18, HASHRATE) == "150.0 PH/s to 1.200 EH/s"
    assert bounds(0.1, 0.2, FRACTION) == "10.0% to 20.0%"
    assert bounds(None, 0.2, FRACTION) == bounds(0.1, None, FRACTION) == ""
    assert in_points(0.0) == "0.0"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "<1%"),
        (0.0049, "<1%"),
        (0.0051, "1%"),
        (0.5, "50%"),
        (0.9949, "99%"),
        (0.9951, ">99%"),
        (1.0, ">99%"),
    ],
)
def test_a_probability_is_never_certain(share: float, text: str) -> None:
    assert probability(share) == text


def test_a_change_is_down_up_or_between() -> None:
    assert moved(-0.31, -0.08) == "down 8 to 31%"
    assert moved(0.08, 0.31) == "up 8 to 31%"
    assert moved(-0.05, 0.12) == "between 5% down and 12% up"
    assert moved(-0.05, 0.0) == "between 5% down and 0% up"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (20, "20th"),
        (21, "21st"),
        (101, "101st"),
        (111, "111th"),
        (1_002, "1,002nd"),
    ],
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text
    assert ordinal(number, best="deepest") == ("deepest" if number == 1 else f"{text} deepest")


@pytest.mark.parametrize(
    ("years", "often", "waited"),
    [
        (1 / 365.25, "365 times a year", "1 day"),
        (1e-9, "1000 times a year", "1 day"),
        (0.1, "10 times a year", "37 days"),
        (0.25, "4 times a year", "3 months"),
        (0.9, "about once a year", "11 months"),
        (1.49, "about once a year", "18 months"),
        (1.5, "once in 1.5 years", "1.5 years"),
        (9.49, "once in 9.5 years", "9.5 years"),
        (9.5, "once in 10 years", "10 years"),
        (123.4, "once in 120 years", "120 years"),
        (1_234.0, "once in 1,200 years", "1,200 years"),
        (10_000.0, "once in 10,000 years", "10,000 years"),
        (10_001.0, "once in over 10,000 years", "> 10,000 years"),
    ],
)
def test_how_often_and_how_long_one_waits(years: float, often: str, waited: str) -> None:
    assert how_often(years) == often
    assert wait(years) == waited


@pytest.mark.parametrize(
    ("value", "at_most", "text"),
    [
        (0.0, 0.0071, "under 0.7%"),
        (0.0949, 1.0, "9.5%"),
        (0.095, 1.0, "10%"),
        (0.47, 1.0, "47%"),
        (0.99, 1.0, "99%"),
        (0.991, 1.0, "over 99%"),
    ],
)
def test_a_chance_from_counted_worlds(value: float, at_most: float, text: str) -> None:
    assert chance(value, at_most) == text


def test_a_cell_of_years_is_a_wait_and_needs_no_unit_in_its_heading() -> None:
    column = Column("x", "return period", YEARS)
    assert cell(120.0, column) == "120 years"
    assert heading(column) == ("return period", "")


def test_days_of_a_cell_are_whole_from_ten_on() -> None:
    column = Column("x", "x", DAYS)
    assert [cell(each, column) for each in (9.96, 61.6, 62.0)] == ["10", "62", "62"]


@pytest.mark.parametrize(
    ("low", "value", "high", "text"),
    [
        (JAN_1, JAN_31, FEB_2, "31 Jan 2026 (1 Jan to 2 Feb 2026)"),
        (JAN_31, JAN_31, JAN_31 + 60, "31 Jan 2026 (31 Jan 2026)"),
    ],
)
def test_an_uncertain_instant_is_read_by_its_days(
    low: int, value: int, high: int, text: str
) -> None:
    assert cell(Interval(value, low, high), Column("x", "x", UNIX_TIME, limits="x")) == text


def test_limits_that_read_like_the_value_are_left_out() -> None:
    column = Column("x", "x", FRACTION, limits="x", digits=0)
    assert cell(Interval(0.5, 0.499, 0.501), column) == "50%"
    assert cell(Interval(0.5, 0.49, 0.501), column) == "50% (49% to 50%)"
    nothing = float("nan")
    assert cell(Interval(0.5, nothing, nothing), column) == "50%"
    assert cell(Interval(nothing, nothing, nothing), column) == NOTHING


def test_a_figure_in_a_sentence_without_known_limits_stands_alone() -> None:
    assert banded(Interval(0.034, 0.0, float("inf")), FRACTION) == "3.4%"
    assert banded(Interval(0.05, -0.02, 0.1), FRACTION, signed=True) == "+5.0% (−2.0% to +10.0%)"
    mixed = Interval(9e17, 8e17, 1.2e18)
    assert banded(mixed, HASHRATE, 3) == "900 PH/s (800 PH/s to 1.20 EH/s)"
