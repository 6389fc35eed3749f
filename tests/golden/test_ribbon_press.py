"""Hash ribbons against the crossings and signals that their author and the press reported.

Sources: C. Edwards (Capriole Investments), as quoted by Cointelegraph, U.Today, NewsBTC and
CryptoPotato on the days given; a list of signals read off the author's TradingView script in 2021
(tradingview.com, BTCUSD, sBm1OLiE). They use other vendors' hashrate, so a day or two is theirs.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from hashcanary.moments import day_start

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics

BUY_SIGNALS = {
    "2020-04-25, named in the report of the next one": date(2020, 4, 25),
    "2020-07-13, confirmed by the day's close": date(2020, 7, 13),
    "2020-12-03, 'a blue dot'": date(2020, 12, 3),
    "2022-08-20, 'officially ended today'": date(2022, 8, 20),
    "2025-03-24, Cointelegraph": date(2025, 3, 24),
    "2026-01-06, NewsBTC": date(2026, 1, 6),
}


def day_of(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()


def days_when(results: Metrics, name: str) -> list[date]:
    return [day_of(time) for time in results[name].present().filter("value")["time"]]


def state_on(results: Metrics, day: date) -> str:
    rows = results["ribbon.state"].rows.filter(time=day_start(day))
    return str(rows["value"].item())


def nearest(days: list[date], day: date) -> timedelta:
    return min(abs(one - day) for one in days)


@pytest.mark.parametrize("published", BUY_SIGNALS.values(), ids=BUY_SIGNALS)
def test_published_buy_signals_are_found_within_two_days(
    published: date, real_results: Metrics
) -> None:
    signals = days_when(real_results, "ribbon.buy_state")
    assert nearest(signals, published) <= timedelta(days=2)


def test_a_fresh_cross_of_the_price_would_have_missed_half_of_them(real_results: Metrics) -> None:
    signals = days_when(real_results, "ribbon.buy_cross")
    missed = [day for day in BUY_SIGNALS.values() if nearest(signals, day) > timedelta(days=7)]
    assert len(missed) >= 3


def test_the_inversion_of_april_2021_begins_and_ends_on_the_published_days(
    real_results: Metrics,
) -> None:
    assert state_on(real_results, date(2021, 4, 23)) == "normal"
    assert state_on(real_results, date(2021, 4, 24)) == "inverted"
    assert date(2021, 5, 17) in days_when(real_results, "ribbon.recovery")


def test_the_capitulation_of_2022_lasted_71_days_and_ended_in_august(
    real_results: Metrics,
) -> None:
    inverted = [
        day_of(time)
        for time in real_results["ribbon.state"].present().filter(value="inverted")["time"]
    ]
    begin = min(day for day in inverted if day > date(2022, 5, 1))
    end = next(day for day in days_when(real_results, "ribbon.recovery") if day > date(2022, 8, 1))
    assert (end - begin).days == 71
    assert abs(end - date(2022, 8, 18)) <= timedelta(days=2)


@pytest.mark.parametrize(
    "day",
    [
        date(2018, 12, 15),  # bottom of the bear market of 2018
        date(2020, 3, 24),  # after the crash of March 2020
        date(2020, 6, 1),  # after the third halving
        date(2021, 7, 1),  # China's ban
        date(2022, 6, 20),  # after Terra and Celsius
        date(2022, 12, 20),  # after FTX
        date(2024, 7, 5),  # after the fourth halving
        date(2025, 12, 15),  # CoinDesk: miners capitulating since late November
        date(2026, 1, 26),  # CoinDesk, on the winter storm
    ],
)
def test_the_ribbon_is_inverted_in_the_known_capitulations(
    day: date, real_results: Metrics
) -> None:
    assert state_on(real_results, day) == "inverted"


@pytest.mark.parametrize(
    "day", [date(2017, 12, 17), date(2021, 2, 1), date(2021, 11, 10), date(2023, 12, 1)]
)
def test_the_ribbon_is_normal_when_mining_boomed(day: date, real_results: Metrics) -> None:
    assert state_on(real_results, day) == "normal"


def test_the_capitulations_of_2022_and_2025_began_in_late_november(real_results: Metrics) -> None:
    state = real_results["ribbon.state"].present()
    began = state.filter((pl.col("value") == "inverted") & (pl.col("value").shift(1) == "normal"))
    days = [day_of(time) for time in began["time"]]
    assert any(date(2022, 11, 21) <= day <= date(2022, 11, 30) for day in days)
    assert any(date(2025, 11, 21) <= day <= date(2025, 11, 30) for day in days)


def test_yesterdays_variant_is_the_day_befores_state_and_known_a_day_sooner(
    real_results: Metrics,
) -> None:
    today = real_results["ribbon.state"].present().select("time", "value", "known_at")
    lagged = real_results["ribbon.state_yesterday"].present().select("time", "value", "known_at")
    shifted = today.with_columns(pl.col("time") + 86_400)
    assert lagged.join(shifted, on=["time", "value", "known_at"]).height == lagged.height
