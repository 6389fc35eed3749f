"""What speaks for a cause on a day: margins after a begin, the price of power, the month."""

from __future__ import annotations

import math
from datetime import date, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal, norm

from hashcanary.economics.machines.fleet import History
from hashcanary.inference.explain.causes import read_causes, read_pool_regions
from hashcanary.inference.explain.margins import PRICE, Missing, Squeeze, machines
from hashcanary.inference.gap import evidence
from hashcanary.inference.gap.evidence import (
    Circumstances,
    days_before,
    margin_factors,
    power_factors,
    season_factors,
    summed,
)
from hashcanary.inference.gap.seen import DAYS
from hashcanary.interval import Interval
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from hashcanary.arrays import Floats
    from hashcanary.store.record import Record

CAUSES = read_causes()
# an instant within a day, and that day
TODAY = 20_000
NOW = TODAY * DAY + 40_000.0
COST = 40.0


def _circumstances(
    monkeypatch: pytest.MonkeyPatch, hashprice: Floats, power: Floats | None = None
) -> Circumstances:
    """hashprice, power: of days up to 100 after today, NaN where not known."""
    days = TODAY + 101 - hashprice.size + np.arange(hashprice.size)
    history = History(days * DAY, np.ones(hashprice.size), hashprice)
    monkeypatch.setattr(evidence, "history_of", lambda _: (history, None))
    told = Interval(COST, COST, COST, "")
    known = Squeeze(told, 0.1, told, told, told, told)
    monkeypatch.setattr(Circumstances, "_squeeze", lambda *_: known)
    price = np.empty(0) if power is None else power
    first = date(1970, 1, 1) + timedelta(TODAY + 101 - price.size)
    daily = pl.DataFrame(
        {
            "day": [first + timedelta(at) for at in range(price.size)],
            "vendor": ["ercot"] * price.size,
            "series": [PRICE] * price.size,
            "value": price,
        },
        schema={"day": pl.Date, "vendor": pl.String, "series": pl.String, "value": pl.Float64},
    )
    record = cast("Record", SimpleNamespace(daily=daily))
    return Circumstances(record, read_pool_regions(), machines())


def _prices(fall: int, after: float = 50.0) -> Floats:
    """100 until ``fall`` days before today, then ``after``; of 700 days."""
    values = np.full(700, 100.0)
    values[700 - 101 - fall :] = after
    return values


def _margins(given: Circumstances) -> tuple[Floats, Floats]:
    found = given.margins(NOW)
    assert not isinstance(found, Missing)
    return found[0], found[1]


def test_the_lowest_hashprice_of_the_two_weeks_after_a_begin_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    margin, change = _margins(_circumstances(monkeypatch, _prices(fall=100)))
    fall = DAYS - 100
    assert change[: fall - 16] == pytest.approx(0.0)
    # sixteen days after a begin a mean of three days has not fallen whole
    assert change[fall - 14 : fall + 1] == pytest.approx(
        [math.log(2 / 3), *[math.log(0.5)] * 14], abs=1e-12
    )
    assert margin[fall] == pytest.approx(math.log(50 / COST))
    # thirty of the sixty days before
    assert change[fall + 30] == pytest.approx(math.log(50 / 75))


def test_nothing_later_than_now_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _margins(_circumstances(monkeypatch, _prices(fall=0)))
    after = _margins(_circumstances(monkeypatch, _prices(fall=0, after=1.0)))
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other)
    assert before[1][-1] == pytest.approx(0.0)


def test_a_hashprice_that_is_not_known_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _circumstances(monkeypatch, np.full(700, np.nan)).margins(NOW)
    assert isinstance(found, Missing)
    assert found.reason == "no hashprice"


def test_the_dearest_power_of_five_days_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    power = np.full(700, 30.0)
    storm = 700 - 101 - 50
    power[storm] = 300.0
    (ratio,) = _circumstances(monkeypatch, _prices(0), power).power(NOW).values()
    at = DAYS - 50
    assert ratio[at - 4 : at + 1] == pytest.approx(math.log(10))
    assert ratio[[at - 5, at + 1]] == pytest.approx(0.0)


def test_what_is_known_of_a_day_has_its_factors(monkeypatch: pytest.MonkeyPatch) -> None:
    with_power = _circumstances(monkeypatch, _prices(0), np.full(700, 30.0))
    assert set(with_power.factors(NOW, CAUSES)) == {"season", "hashprice", "power"}
    without = _circumstances(monkeypatch, np.full(700, np.nan))
    assert set(without.factors(NOW, CAUSES)) == {"season"}


def test_a_month_counts_as_its_share_says() -> None:
    found = season_factors(CAUSES, NOW)
    silent = CAUSES.silent
    for day in (0, 200, DAYS - 1):
        for at, cause in enumerate(CAUSES.real):
            times = cause.season_at(float(days_before(NOW)[day]) * DAY)
            assert found[at, day] == pytest.approx(math.log((1 - silent) * times + silent))


def test_margins_count_as_the_densities_say() -> None:
    at = (0.1, -0.4)
    found = margin_factors(CAUSES, np.array([at[0], np.nan]), np.array([at[1], 0.0]), 0.15)
    assert found[:, 1].tolist() == [0.0, 0.0, 0.0]

    def density(mean: tuple[float, float], sd: tuple[float, float], together: float) -> float:
        both = sd[0] * sd[1] * together
        spread = [[sd[0] ** 2 + 0.15**2, both], [both, sd[1] ** 2]]
        return float(multivariate_normal(mean, spread).pdf(at))

    usual, silent = CAUSES.luck.margin, CAUSES.silent
    vague = density(usual.mean, (2 * usual.sd[0], 2 * usual.sd[1]), usual.correlation)
    plain = (1 - silent) * density(usual.mean, usual.sd, usual.correlation) + silent * vague
    for row, cause in enumerate(CAUSES.real):
        look = cause.looks.margin
        own = (1 - silent) * density(look.mean, look.sd, look.correlation) + silent * vague
        assert found[row, 0] == pytest.approx(math.log(own / plain), abs=1e-9)


def test_dear_power_in_one_region_counts_as_far_as_a_fall_is_there() -> None:
    ratio = math.log(10)
    found = power_factors(CAUSES, "north-america", np.array([ratio, np.nan]))
    assert found[:, 1].tolist() == [0.0, 0.0, 0.0]
    (mean, sd), silent = CAUSES.luck.power, CAUSES.silent
    usual, vague = norm(mean, sd).pdf(ratio), norm(mean, 2 * sd).pdf(ratio)
    plain = (1 - silent) * usual + silent * vague
    storm = CAUSES.real[0]
    there = storm.regional * storm.regions["north-america"]
    own = there * norm(*storm.looks.power).pdf(ratio) + (1 - there) * usual
    assert found[0, 0] == pytest.approx(
        math.log(((1 - silent) * own + silent * vague) / plain), abs=1e-9
    )
    elsewhere = power_factors(CAUSES, "central-asia", np.array([ratio]))
    assert elsewhere[0, 0] < found[0, 0]


def test_all_kinds_add_up_and_none_is_nothing() -> None:
    one = np.arange(3.0 * DAYS).reshape(3, DAYS)
    assert np.array_equal(summed({"a": one, "b": 2 * one}), 3 * one)
    assert np.array_equal(summed({}), np.zeros((3, DAYS)))
