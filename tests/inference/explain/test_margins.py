"""Hashprice and power at a drop: which days count, on series made by hand."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from support.records import record

from hashcanary.economics.machines.fleet import History
from hashcanary.inference.explain import margins
from hashcanary.inference.explain.causes import read_pool_regions
from hashcanary.inference.explain.margins import (
    LOAD,
    PRICE,
    Margin,
    Missing,
    machines,
    margin_at,
    power_at,
)
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hashcanary.store.record import Record

START = day_start(date(2024, 6, 1))
FIRST = day_start(date(2016, 1, 1))
DAYS = (START - FIRST) // DAY + 60
AT = (START - FIRST) // DAY
# what a hash earns and a coin costs on most days
USUAL, COIN = 60.0, 50_000.0

Given = "Callable[..., Margin | Missing]"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Margin | Missing]:
    """The margin of a drop on 1 June 2024.

    hashprice, coin: by days after it, what differs from usual, None where it is not known; down,
    until: days after its beginning.
    """

    def at(
        hashprice: Mapping[int, float | None],
        coin: Mapping[int, float] | None = None,
        *,
        down: float = 4.0,
        until: float = 8.0,
        last: int = 59,
    ) -> Margin | Missing:
        time = FIRST + DAY * np.arange(AT + last + 1, dtype=np.int64)
        earned, price = np.full(time.size, USUAL), np.full(DAYS, COIN)
        for off, value in hashprice.items():
            earned[AT + off] = math.nan if value is None else value
        for off, dollars in (coin or {}).items():
            price[AT + off] = dollars
        history = History(time, 1e6 * 1.5 ** (np.arange(time.size) / 365.25), earned)

        def prices(_: Record, days: np.ndarray) -> pl.DataFrame:
            return pl.DataFrame({"price": price[days - FIRST // DAY]})

        monkeypatch.setattr(margins, "history_of", lambda _: (history, {}, ()))
        monkeypatch.setattr(margins, "prices_on", prices)
        span = (START + 100.0, START + down * DAY + 100.0, START + until * DAY + 100.0)
        return margin_at(record(), span, machines())

    return at


def margin(found: Margin | Missing) -> Margin:
    assert isinstance(found, Margin)
    return found


def test_a_hash_earns_what_the_days_say_on_which_it_was_down(
    given: Callable[..., Margin | Missing],
) -> None:
    # day 4 it was down, with the two days before it; until day 8
    days = {off: 10.0 * off for off in range(-1, 12)}
    found = margin(given(days))
    assert found.hashprice_usd_per_phs_day == pytest.approx(np.mean([20, 30, 40, 50, 60, 70, 80]))
    assert found.day == START + 8 * DAY
    assert found.log_change == pytest.approx(math.log(50 / found.usual_usd_per_phs_day))
    # the 60 days before the first of June, of which the last earned less than nothing
    assert found.usual_usd_per_phs_day == pytest.approx((59 * USUAL - 10) / 60)


def test_at_most_fourteen_days_of_a_long_low_count(
    given: Callable[..., Margin | Missing],
) -> None:
    found = margin(given({off: float(off) for off in range(59)}, down=5.0, until=50.0))
    # from two days before day 5 to fourteen after it
    assert found.hashprice_usd_per_phs_day == pytest.approx(np.mean(range(3, 20)))
    assert found.day == START + 19 * DAY


def test_where_nothing_later_is_known_the_last_three_days_count(
    given: Callable[..., Margin | Missing],
) -> None:
    found = margin(given({-1: 30.0, 0: 40.0, 1: 50.0, 2: 57.0}, down=30.0, until=40.0, last=2))
    assert found.hashprice_usd_per_phs_day == pytest.approx((40 + 50 + 57) / 3)
    assert found.day == START + 2 * DAY


def test_sixty_days_before_a_drop_say_what_is_usual_thirty_of_them_known(
    given: Callable[..., Margin | Missing],
) -> None:
    far = margin(given({-61: 1e6, **dict.fromkeys(range(5), 30.0)}))
    assert far.usual_usd_per_phs_day == USUAL
    near = margin(given({-60: 660.0}))
    assert near.usual_usd_per_phs_day == pytest.approx(USUAL + 600 / 60)
    known = margin(given(dict.fromkeys(range(-60, -30))))
    assert known.usual_usd_per_phs_day == USUAL
    few = given(dict.fromkeys(range(-60, -29)))
    assert few == Missing("hashprice", "no hashprice")
    # without a day at the drop, or just before it, nothing is said
    assert given(dict.fromkeys(range(-1, 60))) == Missing("hashprice", "no hashprice")


def test_a_year_of_hashprice_ranks_it(given: Callable[..., Margin | Missing]) -> None:
    lower = {-off: 20.0 for off in range(100, 110)}
    at_drop = dict.fromkeys(range(-1, 60), 30.0)
    found = margin(given({**lower, **at_drop}))
    # of the 365 days before it and the nine up to day 8, ten are lower
    assert found.percentile == pytest.approx(10 / (365 + 9))


def test_the_price_is_below_its_highest_of_ninety_days(
    given: Callable[..., Margin | Missing],
) -> None:
    falling = {8: 30_000.0}
    found = margin(given({}, {**falling, -91: 900_000.0, -90: 60_000.0}))
    assert found.price_drawdown == pytest.approx(0.5)
    older = margin(given({}, {**falling, -91: 900_000.0}))
    assert older.price_drawdown == pytest.approx(1 - 30 / 50)
    # what came after the days that count is not looked at
    later = margin(given({}, {2: 25_000.0, 3: 900_000.0}, down=30.0, until=40.0, last=2))
    assert later.price_drawdown == pytest.approx(0.5)


def test_a_margin_is_over_what_the_mean_machine_costs(
    given: Callable[..., Margin | Missing],
) -> None:
    found = margin(given(dict.fromkeys(range(60), 30.0)))
    cost = found.squeeze.break_even_usd_per_phs_day.value
    assert found.log_margin == pytest.approx(math.log(30.0 / cost))
    twice = margin(given(dict.fromkeys(range(60), 60.0)))
    assert twice.log_margin - found.log_margin == pytest.approx(math.log(2))


def power(rows: Mapping[int, float], load: Mapping[int, float] | None = None) -> Record:
    """ERCOT's daily prices, and loads, by days after the drop."""
    day = START // DAY
    series = [(day + off, PRICE, value) for off, value in rows.items()]
    series += [(day + off, LOAD, value) for off, value in (load or {}).items()]
    frame = pl.DataFrame(
        {
            "day": pl.Series([at for at, _, _ in series], dtype=pl.Int32).cast(pl.Date),
            "vendor": "ercot",
            "series": [name for _, name, _ in series],
            "value": [value for _, _, value in series],
            "known_at": [(at + 1) * DAY for at, _, _ in series],
        }
    )
    return record(daily=frame)


def test_the_highest_of_five_days_stands_against_the_median_of_sixty() -> None:
    before = {-off: 30.0 if off <= 31 else 20.0 for off in range(1, 61)}
    since = {0: 25.0, 3: 90.0, 4: 80.0, 5: 1_000.0}
    load = {3: 71_000.0, 4: 1.0, -1: 50_000.0, -2: 60_000.0, -3: 40_000.0, -61: 9e9}
    (found,) = power_at(power({**before, **since, -61: 1e9}, load), read_pool_regions(), START + 5)
    assert (found.vendor, found.region) == ("ercot", "north-america")
    assert (found.highest, found.usual) == (90.0, 30.0)
    assert found.day == START + 3 * DAY
    assert found.log_ratio == pytest.approx(math.log(3))
    assert (found.load, found.usual_load) == (71_000.0, 50_000.0)


def test_prices_below_a_dollar_are_as_good_as_free() -> None:
    before = {-off: -5.0 for off in range(1, 61)}
    (found,) = power_at(power({**before, 0: -20.0, 1: 0.5}), read_pool_regions(), START)
    assert (found.usual, found.highest) == (1.0, 0.5)
    assert found.log_ratio == 0.0
    assert math.isnan(found.load)
    assert math.isnan(found.usual_load)
    (dear,) = power_at(power({**before, 0: 20.0}), read_pool_regions(), START)
    assert dear.log_ratio == pytest.approx(math.log(20))


@pytest.mark.parametrize(("known", "count"), [(30, 1), (29, 0)])
def test_thirty_days_before_it_are_needed(known: int, count: int) -> None:
    before = {-off: 30.0 for off in range(1, known + 1)}
    assert len(power_at(power({**before, 0: 40.0}), read_pool_regions(), START)) == count
    # and one from it on
    assert power_at(power({**before, 5: 40.0}), read_pool_regions(), START) == ()
