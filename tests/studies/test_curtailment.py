"""Deficits by the hour and by the price of power: of known size, and on the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from support.records import chain, record, vendor_rows

from hashcanary.moments import DAY
from hashcanary.studies.curtailment import CLOCK, SHIFTS, curtailment_study
from hashcanary.studies.errors import NoWholeDays

if TYPE_CHECKING:
    from hashcanary.store.record import Record

START = int(datetime(2023, 5, 20, tzinfo=UTC).timestamp())
DAYS = 140


def _blocks(
    seed: int, deficit: float, days: int = DAYS, hours: tuple[int, int] = (15, 19)
) -> Record:
    """Poisson blocks, fewer by ``deficit`` on weekday afternoons of summer by Texas' clock."""
    rng, zone, times = np.random.default_rng(seed), ZoneInfo(CLOCK), []
    for hour in range(days * 24):
        begin = START + hour * 3600
        local = datetime.fromtimestamp(begin, zone)
        off = local.weekday() < 5 and 6 <= local.month <= 9 and hours[0] <= local.hour < hours[1]
        count = rng.poisson(6 * (1 - deficit * off))
        times += sorted((begin + rng.uniform(0, 3600, count)).astype(int).tolist())
    return record(chain(times, 700_000))


@pytest.mark.parametrize("deficit", [0.0, 0.2])
def test_a_deficit_is_found_as_large_as_it_is(deficit: float) -> None:
    found = [curtailment_study(_blocks(seed, deficit)).years[0] for seed in range(12)]
    values = [one.afternoons.value for one in found if one.afternoons is not None]
    assert len(values) == 12
    # one summer is off by some 3.5 points
    assert np.mean(values) == pytest.approx(-deficit, abs=0.03)
    held = [
        one.afternoons.low <= -deficit <= one.afternoons.high
        for one in found
        if one.afternoons is not None
    ]
    # of twelve 95% intervals
    assert sum(held) >= 9
    others = [one.weekends.value for one in found if one.weekends is not None]
    assert np.mean(others) == pytest.approx(0.0, abs=0.04)


def test_wrong_clocks_do_not_show_it() -> None:
    study = curtailment_study(_blocks(3, 0.25))
    (year,) = study.years
    assert year.p_placebo == pytest.approx(1 / (1 + len(SHIFTS)))
    assert study.since == 2023
    assert study.placebos[0] < min(study.placebos[shift] for shift in SHIFTS) - 0.05
    shifted = curtailment_study(_blocks(3, 0.25, hours=(9, 13)))
    assert shifted.years[0].afternoons is not None
    assert abs(shifted.years[0].afternoons.value) < 0.12


def test_the_clock_follows_daylight_saving() -> None:
    # a deficit from 15 to 19 h in a zone that never changes its clock is an hour off in summer
    fixed = _blocks(5, 0.3, hours=(14, 18))
    right = _blocks(5, 0.3)
    values = [curtailment_study(one).years[0].afternoons for one in (right, fixed)]
    assert values[0] is not None
    assert values[1] is not None
    assert values[0].value < values[1].value


def test_days_with_gaps_are_left_out() -> None:
    whole = _blocks(7, 0.1)
    hole = whole.blocks.filter(~pl.col("time").is_between(START + 40 * DAY, START + 70 * DAY))
    found = curtailment_study(record(hole)).years[0]
    assert found.days < curtailment_study(whole).years[0].days - 15
    # heights are missing: a day that a gap touches is not whole
    odd = whole.blocks.filter(pl.col("height") % 100 != 0)
    with pytest.raises(NoWholeDays, match="30 days"):
        curtailment_study(record(odd))


def test_too_few_days_are_a_named_error() -> None:
    with pytest.raises(NoWholeDays, match="found 19"):
        curtailment_study(_blocks(1, 0.0, days=20))


def _priced(lost: float, dear: float = 150.0, seed: int = 9) -> Record:
    """Every tenth day is dear, and its hashrate lower by ``lost``."""
    rng, times = np.random.default_rng(seed), []
    for day in range(DAYS):
        part = 1 - lost * (day % 10 == 5)
        count = rng.poisson(144 * part)
        times += sorted((START + day * DAY + rng.uniform(0, DAY, count)).astype(int).tolist())
    first = date(2023, 5, 20)
    rows = [
        (day, "power_price_usd_per_mwh", dear if day % 10 == 5 else 25.0, START + (day + 1) * DAY)
        for day in range(DAYS)
    ]
    daily = vendor_rows(rows).with_columns(
        day=pl.Series([first + timedelta(day) for day, *_ in rows]), vendor=pl.lit("ercot")
    )
    return replace(record(chain(times, 700_000)), daily=daily)


@pytest.mark.parametrize("lost", [0.0, 0.15])
def test_dear_days_are_compared_with_quiet_ones_around(lost: float) -> None:
    studies = [curtailment_study(_priced(lost, seed=seed)) for seed in range(8)]
    changes = []
    for study in studies:
        (band,) = study.prices
        assert (band.low, band.high, band.days) == (100.0, 250.0, 14)
        changes.append(band.change)
        assert study.exposed is not None
        assert study.share is not None
        assert study.exposed.value == pytest.approx(-band.change.value / study.share)
        assert study.vendor == "ercot"
    # fourteen days are off by some 2.3 points
    assert np.mean([one.value for one in changes]) == pytest.approx(-lost, abs=0.025)
    # of eight 95% intervals
    assert sum(one.low <= -lost <= one.high for one in changes) >= 6


def test_usual_days_expose_nothing() -> None:
    study = curtailment_study(_priced(0.0, dear=45.0))
    assert [(one.low, one.days) for one in study.prices] == [(40.0, 14)]
    assert study.exposed is None


def test_the_record_has_deficits_since_2022(real_record: Record) -> None:
    years = {one.year: one for one in curtailment_study(real_record).years}
    # counted by plain arithmetic: 2020 1.027, 2021 0.990, 2022 0.924, 2023 0.885
    for year, ratio in ((2020, 1.027), (2021, 0.990), (2022, 0.924), (2023, 0.885)):
        found = years[year].afternoons
        assert found is not None
        assert found.value == pytest.approx(ratio - 1, abs=0.002)
    for year in (2022, 2023):
        found, others = years[year].afternoons, years[year].others
        assert found is not None
        assert others is not None
        assert found.high < 0 < others.high
