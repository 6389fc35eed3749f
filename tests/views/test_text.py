"""The one formatter: how cells, headings and sentences read."""

from __future__ import annotations

import pytest

from hashcanary.interval import Interval
from hashcanary.units import (
    BTC,
    COUNT,
    DATE,
    DAYS,
    FRACTION,
    HASHRATE,
    PROBABILITY,
    RATIO,
    UNIX_TIME,
    USD_PER_BTC,
    USD_PER_PHS_DAY,
    Unit,
)
from hashcanary.views.table import Cell, Column
from hashcanary.views.text import NOTHING, banded, cell, harmless, heading

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
