"""Spells of a low price over cost, and what followed them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from hashcanary.moments import DAY
from hashcanary.studies.errors import NoCostDays
from hashcanary.studies.price_to_cost import BELOW, TENTH, after_costs, lowest_tenth, spells


def costs(
    price: np.ndarray, cost: np.ndarray, hindsight: int = 0, spread: float = 1.0
) -> SimpleNamespace:
    """A model's days; the first ``hindsight`` of them with constants of later."""
    size = price.size
    time = np.arange(size, dtype=np.int64) * DAY
    days = pl.DataFrame(
        {
            "time": time,
            "price_usd": price,
            "price_to_cost": price / cost,
            "price_to_cost_low": price / cost / spread,
            "price_to_cost_high": price / cost * spread,
            "hindsight": np.arange(size) < hindsight,
            "known_at": time + DAY + 3600,
            "missing": pl.Series([None] * size, dtype=pl.String),
        }
    ).with_columns(pl.col("price_to_cost").fill_nan(None))
    model = SimpleNamespace(name="m")
    return SimpleNamespace(model=model, days=days, assumptions=lambda row: (f"power on {row}",))


def test_a_spell_begins_after_thirty_days_without() -> None:
    day = np.arange(200, dtype=np.int64)
    state = np.isin(day, [5, 50, 51, 70, 81, 112, 143])
    # 5: what stood before is not known; 70: 19 days after 51; 81: 11 after 70; 112: 31 after 81
    assert spells(day, state) == [50, 112, 143]


def test_the_lowest_tenth_is_of_the_days_before() -> None:
    rng = np.random.default_rng(2)
    ratio = rng.lognormal(0, 0.4, 1500)
    found = lowest_tenth(ratio)
    assert not found[:730].any()
    for row in range(730, 1500, 37):
        assert found[row] == ((ratio[:row] < ratio[row]).mean() < 0.1)
    later = ratio.copy()
    later[1000:] *= 9
    assert (lowest_tenth(later)[:1000] == found[:1000]).all()


def test_returns_start_on_the_day_on_which_it_was_known() -> None:
    price, cost = np.full(400, 100.0), np.full(400, 90.0)
    cost[200:210] = 110.0
    # it was known on day 201: what the price did between 200 and 201 is not earned
    price[201:] = 50.0
    cost[210:] = 40.0
    below = next(one for one in after_costs([costs(price, cost)]) if one.rule == BELOW)
    assert below.began == (201,)
    assert below.in_state == 10
    assert not below.now
    month = below.after[0]
    assert (month.horizon_days, month.median, month.independent) == (30, 0.0, 1)


def test_days_below_cost_are_counted_at_the_ends_of_its_band_too() -> None:
    price, cost = np.full(100, 100.0), np.full(100, 90.0)
    cost[50:60], cost[60:65] = 101.0, 120.0
    below = next(one for one in after_costs([costs(price, cost, spread=1.1)]) if one.rule == BELOW)
    # 100/90/1.1 is above 1, 100/101/1.1 below; 100/101*1.1 above, 100/120*1.1 below
    assert (below.in_state, below.in_state_band) == (15, (5, 15))
    assert below.assumptions == ("power on 99",)


def test_hindsight_is_left_out() -> None:
    price, cost = np.full(1000, 100.0), np.full(1000, 90.0)
    cost[100:120] = cost[600:620] = 120.0
    below, tenth = after_costs([costs(price, cost, hindsight=500)])
    assert (below.rule, tenth.rule) == (BELOW, TENTH)
    assert below.known_days == 500
    assert below.began == (601,)


def test_no_day_with_price_and_cost_is_a_named_error() -> None:
    none = costs(np.full(10, np.nan), np.full(10, 1.0))
    none.days = none.days.with_columns(missing=pl.lit("no fees"))
    with pytest.raises(NoCostDays, match="no fees"):
        after_costs([none])
