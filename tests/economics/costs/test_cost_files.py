"""Stated figures and published costs: what is wrong with a file is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hashcanary.economics.costs.model import SIGMAS
from hashcanary.economics.costs.stated import (
    assume,
    newest_known,
    read_assumptions,
    read_published_costs,
    stated_days,
    with_power_price,
)
from hashcanary.economics.errors import BadFigures
from hashcanary.errors import UsageError
from hashcanary.moments import DAY, parse_moment
from hashcanary.units import USD_PER_KWH

GOOD = """
[pool_fee]
title = "pool fee"
unit = "fraction"
median = 0.04
spread = 0.0
stated = 2025-01-01
source = "mine"
"""
PUBLISHED = """
[mine]
title = "Mine"
definition = "all of it"
why = "secret"
values = [
  { day = 2026-01-01, known = 2026-02-13, usd_per_btc = 90_000, source = "a" },
  { day = 2026-01-15, known = 2026-01-15, usd_per_btc = 80_000, source = "b" },
]
"""


def written(folder: Path, text: str) -> Path:
    place = folder / "mine.toml"
    place.write_text(text)
    return place


def test_a_users_file_replaces_the_entries_it_has(tmp_path: Path) -> None:
    built_in = read_assumptions()
    mine = read_assumptions(written(tmp_path, GOOD))
    assert mine["pool_fee"].median == 0.04
    assert {name: one for name, one in mine.items() if name != "pool_fee"} == {
        name: one for name, one in built_in.items() if name != "pool_fee"
    }


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("median = 0.04", 'median = "cheap"', "a number from 0 to 5, found 'cheap'"),
        ("median = 0.04", "median = -0.04", "found -0.04"),
        ("median = 0.04", "median = nan", "found nan"),
        ("spread = 0.0", "spread = -1", "found -1"),
        ('unit = "fraction"', 'unit = "EUR"', "one of usd_per_kwh, fraction, ratio, found 'EUR'"),
        ("[pool_fee]", "[pol_fee]", "found 'pol_fee'"),
        ('source = "mine"', "", "source: expected a text"),
        ("title", "titel", "found 'titel'"),
        ("[pool_fee]", "pool_fee", "a TOML document"),
    ],
)
def test_a_wrong_figure_is_named(tmp_path: Path, old: str, new: str, found: str) -> None:
    with pytest.raises(BadFigures, match=r"mine\.toml") as caught:
        read_assumptions(written(tmp_path, GOOD.replace(old, new)))
    assert found in str(caught.value)


def test_a_contract_takes_the_place_of_every_price_of_power() -> None:
    mine = with_power_price(read_assumptions(), 0.06)
    prices = [one for one in mine.values() if one.unit is USD_PER_KWH]
    assert len(prices) == 2
    assert all(one.band == (0.06, 0.06) for one in prices)
    assert mine["pool_fee"] == read_assumptions()["pool_fee"]


@pytest.mark.parametrize("price", [-0.05, 0.0, 50.0, float("nan")])
def test_no_such_price_of_power(price: float) -> None:
    with pytest.raises(UsageError, match="USD per kWh"):
        assume(usd_per_kwh=price)


@pytest.mark.parametrize("efficiency", [-20.0, 0.0, 1.0, 1e6, float("inf")])
def test_no_machine_has_such_an_efficiency(efficiency: float) -> None:
    with pytest.raises(UsageError, match="J/TH"):
        assume(efficiency_j_per_th=efficiency)


def test_bands_are_ninety_percent_of_a_log_normal() -> None:
    share = read_assumptions()["electricity_share"]
    low, high = share.band
    assert np.log(high / share.median) == pytest.approx(SIGMAS * share.spread)
    assert low * high == pytest.approx(share.median**2)


def test_what_is_given_is_exact_on_every_day() -> None:
    time = np.arange(17_000, 20_000) * float(DAY)
    names = ("network_efficiency", "network_power_price")
    found = stated_days(assume(efficiency_j_per_th=17.5, usd_per_kwh=0.06), names, {"time": time})
    assert found["network_efficiency"].on(0).value.three == (17.5, 17.5, 17.5)
    assert found["network_power_price"].on(-1).value.three == pytest.approx((0.06, 0.06, 0.06))


def test_the_price_of_power_changes_only_on_days_on_which_something_became_known() -> None:
    assumed = assume()
    time = np.arange(17_500, 20_400) * float(DAY)
    found = stated_days(assumed, ("network_power_price",), {"time": time})
    values = found["network_power_price"].values
    changed = {int(time[at + 1]) for at in np.flatnonzero(np.diff(values))}
    known = {one.known for one in assumed.power.regions} | {
        one.known for one in assumed.power.shares
    }
    # what becomes known at the start of a day is known at the end of the day before
    assert changed <= {moment - DAY for moment in known} | known
    assert (values > 0.03).all()
    assert (values < 0.08).all()


def test_published_figures_are_shown_from_the_day_they_were_public() -> None:
    costs = read_published_costs()

    def shown(moment: str) -> dict[str, float]:
        at = parse_moment(moment).time
        return {one.title: one.usd_per_btc for one in newest_known(costs, at)}

    assert shown("2026-02-05")["Checkonchain"] == 87_000
    assert shown("2025-12-03")["Checkonchain"] == 92_300
    assert "JPMorgan" not in shown("2026-02-12")
    assert shown("2026-02-13")["JPMorgan"] == 77_000
    assert shown("2020-01-01") == {}


def test_of_a_series_the_latest_day_known_is_shown(tmp_path: Path) -> None:
    costs = read_published_costs(written(tmp_path, PUBLISHED))
    before, after = (parse_moment(day).time for day in ("2026-02-01", "2026-02-13"))
    assert [one.usd_per_btc for one in newest_known(costs, before)] == [80_000]
    # the figure of 1 January became public later, but speaks of an earlier day
    assert [one.usd_per_btc for one in newest_known(costs, after)] == [80_000]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("known = 2026-01-15", "known = 2026-01-14", "a day not before `day`"),
        ("known = 2026-01-15, ", "", "known: expected a date"),
        ("day = 2026-01-15", 'day = "soon"', "a date such as"),
        ("usd_per_btc = 80_000", 'usd_per_btc = "80k"', "found '80k'"),
        ("usd_per_btc = 80_000", "eur_per_btc = 80_000", "found 'eur_per_btc'"),
        ('why = "secret"', "", "why: expected a text"),
    ],
)
def test_a_wrong_published_figure_is_named(tmp_path: Path, old: str, new: str, found: str) -> None:
    with pytest.raises(BadFigures) as caught:
        read_published_costs(written(tmp_path, PUBLISHED.replace(old, new)))
    assert found in str(caught.value)
