"""Figures with limits in one cell."""

from __future__ import annotations

import pytest

from hashcanary.cli.banded import band_columns, with_bands
from hashcanary.cli.numbers import seed_of
from hashcanary.errors import UsageError

_FORMS = {("share", "fraction"): ".0%", ("sold", "usd_per_day"): ",.1f"}


def _row(value: float, low: float, high: float) -> dict[str, object]:
    return {
        "class": "all",
        "share_fraction": value,
        "share_low_fraction": low,
        "share_high_fraction": high,
    }


def test_people_read_limits_beside_the_figure_and_equal_ones_once() -> None:
    rows = with_bands([_row(0.58, 0.441, 0.73), _row(0.104, 0.1, 0.1), _row(1.0, 1.0, 1.0)], _FORMS)
    assert [row["share_fraction"] for row in rows] == ["58% (44% to 73%)", "10%", "100%"]
    assert rows[0]["class"] == "all"


def test_a_figure_that_is_not_known_stays_as_it_is() -> None:
    nothing = float("nan")
    (row,) = with_bands([_row(nothing, nothing, nothing)], _FORMS)
    assert str(row["share_fraction"]) == "nan"
    (bare,) = with_bands([{"share_fraction": 0.5}], _FORMS)
    assert bare["share_fraction"] == 0.5


def test_dollars_are_read_in_millions() -> None:
    rows = [
        {f"sold{end}_usd_per_day": 2.5e6 for end in ("", "_low")} | {"sold_high_usd_per_day": 4e6}
    ]
    (row,) = with_bands(rows, _FORMS, {"usd_per_day": 1e6})
    assert row["sold_usd_per_day"] == "2.5 (2.5 to 4.0)"


def test_only_the_figure_is_seen_and_all_three_are_data() -> None:
    columns = band_columns("share", "fraction", "hashrate", spare=2)
    assert [one.key for one in columns] == [
        "share_fraction",
        "share_low_fraction",
        "share_high_fraction",
    ]
    assert [one.data_only for one in columns] == [False, True, True]


@pytest.mark.parametrize("text", ["-1", "1.5", "", "9223372036854775808", "٣"])
def test_a_seed_is_a_whole_number_of_63_bits(text: str) -> None:
    assert seed_of("9223372036854775807") == 2**63 - 1
    with pytest.raises(UsageError, match="seed"):
        seed_of(text)
