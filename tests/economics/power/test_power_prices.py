"""What miners pay for power."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from hashcanary.economics.errors import BadFigures
from hashcanary.economics.power.prices import draw_power, power_mix, read_power_prices
from hashcanary.moments import DAY, day_start

if TYPE_CHECKING:
    from pathlib import Path

_FILE = """
level_spread = 0.1
[[region]]
name = "north"
title = "North"
known = 2020-01-01
price = 0.04
spread = 0.2
judged = true
source = "a report"
[[region]]
name = "elsewhere"
title = "elsewhere"
known = 2020-01-01
price = 0.06
spread = 0.3
judged = true
source = "a report"
[[shares]]
known = 2020-01-01
sure = 20
judged = true
source = "a report"
of = { north = 0.7 }
"""


def _moment(year: int, month: int, day: int) -> int:
    return day_start(date(year, month, day))


def _grid(first: int, prices: list[float], known_at: int | None = None) -> pl.DataFrame:
    days = [first // DAY + at for at in range(len(prices))]
    return pl.DataFrame(
        {
            "day": pl.Series(days, dtype=pl.Int32).cast(pl.Date),
            "vendor": ["ercot"] * len(prices),
            "series": ["power_price_usd_per_mwh"] * len(prices),
            "value": prices,
            "known_at": [known_at or (day + 1) * DAY for day in days],
        }
    )


def test_every_built_in_entry_has_a_source_and_shares_sum_to_one() -> None:
    prices = read_power_prices()
    assert all(one.source for one in (*prices.regions, *prices.shares, *prices.grids))
    for shares in prices.shares:
        assert sum(shares.of.values()) == pytest.approx(1.0)


def test_the_median_of_cambridges_survey_of_2025_lies_within_what_is_drawn_then() -> None:
    # Cambridge Centre for Alternative Finance, Digital Mining Industry Report: 45 USD/MWh
    mix = power_mix(read_power_prices(), _moment(2025, 6, 1))
    drawn = draw_power(mix, 4000, 1)
    grid = np.log(np.linspace(0.01, 0.15, 281))
    below = drawn.below(grid)
    medians = np.exp(grid[(below < 0.5).sum(axis=1)])
    low, high = np.quantile(medians, (0.025, 0.975))
    assert low < 0.045 < high


def test_what_was_published_later_is_not_used() -> None:
    prices = read_power_prices()
    before = power_mix(prices, _moment(2025, 4, 27))
    after = power_mix(prices, _moment(2025, 4, 29))
    (old,) = [one for one in before.parts if one.title == "North America"]
    (new,) = [one for one in after.parts if one.title == "North America"]
    assert "Luxor" in old.source
    assert "Cambridge" in new.source


def test_an_entry_that_stands_in_for_what_nobody_knew_yet_is_said_to_be_hindsight() -> None:
    assert not power_mix(read_power_prices(), _moment(2018, 1, 1)).notes
    (note,) = power_mix(read_power_prices(), _moment(2016, 1, 1)).notes
    assert "known only later" in note
    assert "2017-01-01" in note


def test_a_grids_price_takes_the_place_of_the_exposed_part_of_its_region() -> None:
    prices, moment = read_power_prices(), _moment(2026, 2, 1)
    daily = _grid(moment - 40 * DAY, [900.0] * 10 + [30.0] * 20 + [500.0] * 10)
    plain, with_grid = power_mix(prices, moment), power_mix(prices, moment, daily)
    assert sum(one.share for one in with_grid.parts) == pytest.approx(1.0)
    (grid,) = prices.grids
    (part,) = [one for one in with_grid.parts if "ercot" in one.title]
    # of the last 30 days 20 cost 30 USD/MWh: their median
    assert part.usd_per_kwh == pytest.approx(0.030 + grid.adder)
    (region,) = [one for one in plain.parts if one.title == "North America"]
    assert part.share == pytest.approx(region.share * grid.exposed)


def test_a_grids_price_known_later_or_for_too_few_days_is_not_used() -> None:
    prices, moment = read_power_prices(), _moment(2026, 2, 1)
    later = _grid(moment - 30 * DAY, [30.0] * 30, known_at=moment + 1)
    few = _grid(moment - 10 * DAY, [30.0] * 10)
    for daily in (later, few):
        assert power_mix(prices, moment, daily) == power_mix(prices, moment)


def test_draws_are_the_same_bytes_and_the_distribution_rises_from_0_to_1() -> None:
    mix = power_mix(read_power_prices(), _moment(2026, 2, 1))
    one, two = draw_power(mix, 500, 3), draw_power(mix, 500, 3)
    assert one.log_median.tobytes() == two.log_median.tobytes()
    assert one.shares.sum(axis=1) == pytest.approx(1.0)
    below = one.below(np.log(np.geomspace(0.001, 2.0, 200)))
    assert (np.diff(below, axis=1) >= 0).all()
    assert below[:, 0].max() < 1e-6
    assert below[:, -1].min() > 1 - 1e-6


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("price = 0.04", "price = -0.04", "region 1.price"),
        ("price = 0.04", 'price = "cheap"', "region 1.price"),
        ("price = 0.04", "price = 40", "region 1.price"),
        ("known = 2020-01-01\nprice = 0.04", 'known = "2020"\nprice = 0.04', "region 1.known"),
        ("{ north = 0.7 }", "{ south = 0.7 }", "shares 1.of"),
        ("{ north = 0.7 }", "{ north = 1.7 }", "shares 1.of.north"),
        ("judged = true", 'judged = "yes"', "region 1.judged"),
        ("spread = 0.2", "spred = 0.2", "region 1"),
    ],
)
def test_a_file_that_cannot_be_used_says_where(
    tmp_path: Path, old: str, new: str, place: str
) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(_FILE)
    assert len(read_power_prices(path).regions) == 2
    path.write_text(_FILE.replace(old, new, 1))
    with pytest.raises(BadFigures) as error:
        read_power_prices(path)
    assert place in str(error.value)


def test_a_tariff_counts_from_the_day_it_is_in_force() -> None:
    def of(region: str, when: int) -> float:
        mix = power_mix(read_power_prices(), when)
        (part,) = [one for one in mix.parts if one.region == region]
        return part.usd_per_kwh

    # known in July 2022, the levy that falls with the price of power is of 2023
    assert of("central-asia", _moment(2022, 12, 31)) == 0.044
    assert of("central-asia", _moment(2023, 1, 2)) == 0.050
    # Ethiopia's steps were published in October 2025
    assert of("gulf-africa-south-america", _moment(2025, 11, 30)) == 0.043
    assert of("gulf-africa-south-america", _moment(2025, 12, 2)) == 0.045
