"""The stress gauge on the real record: no look-ahead, and what other parts of the house say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hashcanary.moments import DAY, parse_moment
from hashcanary.store.recording import record_of
from hashcanary.studies.stress.answer import stress_now
from hashcanary.studies.stress.component import Sources, all_components
from hashcanary.studies.stress.gauge import StressHistory, stress_history
from hashcanary.studies.stress.settings import read_settings
from hashcanary.studies.stress.sustainability import (
    SustainabilityHistory,
    stress_sources,
    sustainability_history,
)

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record


def start_of(day: str) -> int:
    time = parse_moment(day).time
    assert time is not None
    return time - DAY


def histories(sources: Sources) -> tuple[StressHistory, SustainabilityHistory]:
    known = all_components()
    settings = read_settings(known)
    return stress_history(sources, settings, known), sustainability_history(sources, settings)


@pytest.fixture(scope="module")
def sources(real_record: Record) -> Sources:
    return stress_sources(real_record)


@pytest.fixture(scope="module")
def whole(sources: Sources) -> tuple[StressHistory, SustainabilityHistory]:
    return histories(sources)


@pytest.mark.parametrize("cut", ["2019-02-10", "2021-07-03T11:00:00Z", "2025-12-31"])
def test_nothing_known_later_is_used(
    real_lake: Lake, whole: tuple[StressHistory, SustainabilityHistory], cut: str
) -> None:
    record = record_of(real_lake, parse_moment(cut))
    assert record.at is not None
    gauge, index = histories(stress_sources(record))
    full, full_index = whole
    days = int((full.known_at <= record.at).sum())
    known = full.known_at <= record.at
    assert days > 1500
    times = full.time[known]
    mine = np.isin(gauge.time, times)
    assert mine.sum() == days
    for name in ("gauge", "low", "high", "known_at", "weight_known", "word"):
        np.testing.assert_allclose(
            getattr(gauge, name)[mine], getattr(full, name)[known], rtol=1e-9, err_msg=name
        )
    np.testing.assert_allclose(gauge.cuts[:, mine], full.cuts[:, known], rtol=1e-9)
    for name in ("index", "low", "high", "percentile"):
        np.testing.assert_allclose(
            getattr(index, name)[mine], getattr(full_index, name)[known], rtol=1e-9, err_msg=name
        )
    # and what it says now is of a day that had been known
    now = stress_now(gauge, index, record.at_text)
    assert now.known_at <= record.at
    assert record.at - now.day <= 3 * DAY


def test_the_answer_of_a_day_is_that_of_the_history(
    whole: tuple[StressHistory, SustainabilityHistory],
) -> None:
    gauge, index = whole
    now = stress_now(gauge, index, "latest")
    parts = [one.contributes or 0.0 for one in now.components]
    assert sum(parts) == pytest.approx(now.gauge.value)
    assert sum(one.weight for one in now.components) == pytest.approx(1.0)
    assert now.index is not None
    assert sum(one.contributes or 0.0 for one in now.index.parts) == pytest.approx(
        now.index.index.value
    )
    assert now.gauge.low <= now.gauge.value <= now.gauge.high
    assert now.index.index.low <= now.index.index.value <= now.index.index.high


def test_components_are_what_the_house_says_elsewhere(
    sources: Sources, whole: tuple[StressHistory, SustainabilityHistory]
) -> None:
    values = {one.component.name: one.value for one in whole[0].components}
    at = int(np.searchsorted(whole[0].time, start_of("2025-12-31")))
    frame = sources.metrics.frame("day", ["ribbon.oscillator", "puell", "hashprice"])
    assert values["ribbon"][at] == frame["ribbon.oscillator"][at]
    assert values["puell"][at] == frame["puell"][at]
    year = frame["hashprice"][at - 364 : at + 1]
    assert year.len() == 365
    assert values["hashprice"][at] == pytest.approx(frame["hashprice"][at] / year.mean())
    fleet = sources.fleet
    assert fleet is not None
    assert values["underwater"][at] == fleet.under_water[fleet.time == whole[0].time[at]][0]


def test_all_in_has_the_percentiles_of_electricity(sources: Sources) -> None:
    # the declaration says so: overheads are one factor of all years
    power, all_in = (
        sources.costs[name].days.drop_nulls("price_to_cost")["price_to_cost"].to_numpy()
        for name in ("electricity", "all-in")
    )
    np.testing.assert_allclose(power / all_in, power[0] / all_in[0], rtol=1e-9)


@pytest.mark.parametrize(
    "day",
    # published capitulations: the trough of 2018, March 2020, after the halving of 2020, 2022, 2024
    ["2018-12-05", "2020-03-20", "2020-05-25", "2022-11-25", "2024-07-05"],
)
def test_published_capitulations_read_as_stress(
    whole: tuple[StressHistory, SustainabilityHistory], day: str
) -> None:
    gauge, index = whole
    at = int(np.searchsorted(gauge.time, start_of(day)))
    assert gauge.word[at] >= 2
    assert index.percentile[at] < 15


def test_bull_markets_read_as_calm(whole: tuple[StressHistory, SustainabilityHistory]) -> None:
    gauge, index = whole
    for day in ("2019-07-15", "2021-03-15"):
        at = int(np.searchsorted(gauge.time, start_of(day)))
        assert gauge.word[at] == 0
        assert index.index[at] > 85


def test_the_index_is_three_shares(
    sources: Sources, whole: tuple[StressHistory, SustainabilityHistory]
) -> None:
    index = whole[1]
    at = int(np.searchsorted(index.time, start_of("2026-02-02")))
    fleet = sources.fleet
    assert fleet is not None
    under = float(fleet.under_water[fleet.time == index.time[at]][0])
    power, all_in = (
        float(sources.costs[name].days["price_to_cost"][at]) for name in ("electricity", "all-in")
    )
    # price was above the cost of power and below the all-in cost on that day
    assert all_in < 1 < power
    assert index.index[at] == pytest.approx(100 * (1 - under + 1 - 1 / power + all_in) / 3)
    # in 2021 a coin paid for all: the share is cut at the whole
    high = int(np.searchsorted(index.time, start_of("2021-03-15")))
    assert index.parts[2].value[high] == 1.0
    known = np.isfinite(index.index)
    assert (index.low[known] <= index.index[known] + 1e-9).all()
    assert (index.index[known] <= index.high[known] + 1e-9).all()
    assert index.low[known].min() >= 0
    assert index.high[known].max() <= 100


def test_a_peak_of_the_hashrate_may_be_luck(
    sources: Sources, whole: tuple[StressHistory, SustainabilityHistory]
) -> None:
    fall = next(one for one in whole[0].components if one.component.name == "drawdown")
    peaks = np.flatnonzero(fall.value == 0)
    blocks = sources.metrics["hashrate.sma30"].rows["effective_blocks"]
    at = int(peaks[peaks > 4000][0])
    # two counts of some 4,320: their log ratio has a standard error of sqrt(2 / 4320)
    rough = np.exp(-1.96 * (2 / blocks[at]) ** 0.5) - 1
    assert fall.low[at] == pytest.approx(rough, rel=0.02)
    assert fall.high[at] == 0.0
