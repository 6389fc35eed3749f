"""What luck does to the ribbons: by hand, against fully mined chains, and on the real record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from scipy.optimize import isotonic_regression

from hashcanary.chain.targets import encode_compact, work_float64_column
from hashcanary.metrics.declaration import Metric, find_metric
from hashcanary.metrics.engine import MetricResult
from hashcanary.moments import DAY
from hashcanary.simulation.mining import mine
from hashcanary.simulation.paths import HashratePath
from hashcanary.studies.episodes import EpisodeStudy, find_episodes, with_luck
from hashcanary.studies.luck import (
    Drawdown,
    inversions,
    luck_of_drawdowns,
    never_falling,
    ribbon_luck,
    simulate,
)

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.studies.episodes import Episode

GROWTH = np.log(1.3) / 365


def test_an_inversion_is_read_as_the_rule_says() -> None:
    rate = np.ones((2, 160))
    rate[0, 100:110] = 0.4
    rate[1] = np.exp(0.001 * np.arange(160))
    row, start, days, lowest = inversions(rate)
    # from the first low day on; after day 129 the low days leave the short window one by one, and
    # it is the lower one while it holds more than 5 of the 10 that the long one holds
    assert (row.tolist(), start.tolist(), days.tolist()) == ([0], [100 - 59], [134 - 100])
    short, long = 1 - 10 * 0.6 / 30, 1 - 10 * 0.6 / 60
    assert lowest[0] == pytest.approx(short / long - 1)


def test_an_inversion_under_way_on_the_first_day_is_left_out() -> None:
    rate = np.ones((1, 100))
    rate[0, 40:60] = 0.5
    assert inversions(rate)[1].size == 0


def test_the_path_that_never_falls_is_scipys_isotonic_regression() -> None:
    rng = np.random.default_rng(4)
    values = np.cumsum(rng.normal(0.1, 1, 400))
    assert never_falling(values) == pytest.approx(isotonic_regression(values).x)
    holed = values.copy()
    holed[100:130] = np.nan
    bridged = never_falling(holed)
    assert np.all(np.diff(bridged) >= -1e-12)
    assert np.isfinite(bridged).all()


def test_the_same_seed_gives_the_same_worlds_and_a_world_stands_alone() -> None:
    path = GROWTH * np.arange(700)
    few, more = simulate(path, 1, 5), simulate(path, 1, 30)
    for one, other in zip(few, more, strict=True):
        assert np.array_equal(one, other[more[0] < 5])
    assert not np.array_equal(few[2], simulate(path, 2, 5)[2])


def test_counts_of_a_day_do_what_fully_mined_chains_do() -> None:
    days, chains = 1500, 16
    seconds = np.arange(days + 1) * float(DAY)
    path = HashratePath(seconds, 1e20 * np.exp(GROWTH * np.arange(days + 1)))
    bits = encode_compact(int(2**256 / (1e20 * 600)))
    rates = []
    for seed in range(chains):
        chain = mine(path, first_height=2016 * 300, first_bits=bits, start_time=0, seed=seed)
        day = chain.times // DAY
        inside = day < days
        work = work_float64_column(chain.bits[inside])
        rates.append(np.bincount(day[inside], weights=work, minlength=days))
    # the first epochs still find their target
    _, _, mined, mined_lowest = inversions(np.array(rates)[:, 60:])
    _, _, drawn, drawn_lowest = simulate(GROWTH * np.arange(days - 60), 1, 200)
    share = 200 / chains
    for least in (1, 7, 14):
        expected = (drawn >= least).sum() / share
        # inversions of one chain come in groups: their count varies more than a Poisson one
        assert (mined >= least).sum() == pytest.approx(expected, abs=4 * expected**0.5)
    assert np.median(mined_lowest) == pytest.approx(np.median(drawn_lowest), rel=0.15)


def test_at_steady_growth_luck_inverts_the_ribbons_eleven_times_a_year() -> None:
    # an independent count: plain Poisson days, drawn another way
    rng = np.random.default_rng(8)
    growth = np.exp(GROWTH * np.arange(1000))
    own = inversions(rng.poisson(144, (400, 1000)) * growth)[2]
    ours = simulate(GROWTH * np.arange(1000), 3, 400)[2]
    years = 400 * 941 / 365.25
    assert own.size / years == pytest.approx(ours.size / years, abs=0.5)
    assert (own >= 7).sum() / years == pytest.approx((ours >= 7).sum() / years, abs=0.25)


def metric(name: str, values: list[float | None], **columns: list[float]) -> MetricResult:
    declared: Metric = find_metric(name)
    time = [day * DAY for day in range(len(values))]
    rows = pl.DataFrame(
        {
            "time": time,
            "value": pl.Series(values, dtype=pl.Float64),
            "known_at": [one + DAY for one in time],
            "basis": ["blocks"] * len(values),
            **columns,
        }
    )
    return MetricResult(declared, rows)


def growing(days: int) -> dict[str, MetricResult]:
    """The ribbons of a network that grows by 30% a year, without any luck."""
    rate = [1e20 * float(np.exp(GROWTH * day)) for day in range(days)]
    oscillator = [None if day < 59 else 0.01 for day in range(days)]
    return {
        "hashrate.sma30": metric(
            "hashrate.sma30",
            [None if day < 29 else one for day, one in enumerate(rate)],
            effective_blocks=[4320.0] * days,
        ),
        "ribbon.oscillator": metric("ribbon.oscillator", oscillator),
    }


def test_longer_and_deeper_inversions_are_rarer() -> None:
    luck = ribbon_luck(growing(2000), worlds=60)  # type: ignore[arg-type]
    assert luck is not None
    assert luck.years == pytest.approx(60 * (2000 - 59) / 365.25)
    assert luck.low < luck.per_year < luck.high
    middle = luck.first + 900 * DAY
    long = [luck.of(middle, days, None).as_long.per_year for days in (1, 7, 30)]
    assert long == sorted(long, reverse=True)
    never = luck.of(middle, 300, -0.5)
    assert never.as_deep is not None
    for one in (never.as_long, never.as_deep):
        # nothing in 120 years: at most 3.7 times in them, at 97.5%
        assert (one.per_year, one.per_record) == (0, 0)
        assert one.at_most == pytest.approx(3.7 / 120, rel=0.05)


def test_growth_makes_them_rarer_and_falls_do_not_count_as_falls() -> None:
    fast = growing(1200)
    slow = dict(fast)
    rows = fast["hashrate.sma30"].rows
    flat = rows.with_columns(value=pl.lit(1e20))
    slow["hashrate.sma30"] = MetricResult(fast["hashrate.sma30"].metric, flat)
    sinking = dict(fast)
    down = rows.with_columns(value=1e20 * (-0.001 * pl.int_range(pl.len())).exp())
    sinking["hashrate.sma30"] = MetricResult(fast["hashrate.sma30"].metric, down)
    counts = [
        ribbon_luck(one, worlds=40).per_year  # type: ignore[arg-type, union-attr]
        for one in (fast, slow, sinking)
    ]
    assert counts[0] < 0.8 * counts[1]
    assert counts[2] == pytest.approx(counts[1], rel=0.01)


def test_a_record_without_ribbons_has_no_luck() -> None:
    given = growing(50)
    assert ribbon_luck(given) is None  # type: ignore[arg-type]


def test_falls_are_judged_by_what_they_rest_on() -> None:
    given = growing(800)
    falls = [Drawdown(-0.09, 700 * DAY, 600 * DAY), None, Drawdown(-0.01, 700 * DAY, 600 * DAY)]
    deep, none, shallow = luck_of_drawdowns(given, "sma30", [*falls])  # type: ignore[arg-type]
    assert none is None
    assert deep is not None
    assert shallow is not None
    assert deep.once_in_years > 40 * shallow.once_in_years
    unknown = luck_of_drawdowns(given, "sma30", [Drawdown(-0.1, 9999 * DAY, 0)])  # type: ignore[arg-type]
    assert unknown == [None]


@pytest.fixture(scope="module")
def real_studies(real_results: Metrics) -> tuple[EpisodeStudy, ...]:
    return with_luck(real_results, find_episodes(real_results, simulated=False))


def of(studies: tuple[EpisodeStudy, ...], start: str) -> Episode:
    return next(
        one for one in studies[0].episodes if str(np.datetime64(one.start, "s"))[:10] == start
    )


def test_the_inversions_of_the_real_record(real_studies: tuple[EpisodeStudy, ...]) -> None:
    storm = of(real_studies, "2026-01-06").luck
    assert storm is not None
    assert storm.inversion is not None
    assert storm.fall is not None
    # four weeks are nothing special where the year before hardly grew; its depth is
    assert storm.inversion.as_long.per_year > 0.2
    assert storm.inversion.as_deep is not None
    assert storm.inversion.as_deep.per_year == 0
    assert storm.fall.once_in_years > 1000
    china = of(real_studies, "2021-06-03").luck
    assert china is not None
    assert china.inversion is not None
    assert china.inversion.as_long.per_year < 0.05
    # a day or two in a calm year: luck does that every year
    short = of(real_studies, "2025-05-22").luck
    assert short is not None
    assert short.inversion is not None
    assert short.inversion.as_long.per_year > 0.9


@pytest.mark.parametrize("days", [60, 61, 75, 200])
def test_a_record_of_weeks_has_little_to_say_and_says_so(days: int) -> None:
    luck = ribbon_luck(growing(days), worlds=20)  # type: ignore[arg-type]
    assert luck is not None
    assert luck.years == pytest.approx(20 * (days - 59) / 365.25)
    found = luck.of(luck.first, 5, -0.01)
    assert 0 <= found.as_long.per_year <= found.as_long.at_most <= 1
    # few simulated years leave a wide limit
    assert found.as_long.at_most > 0.15


def test_days_without_ribbons_count_in_no_world() -> None:
    given = growing(1500)
    rows = given["ribbon.oscillator"].rows
    gap = pl.int_range(pl.len()).is_between(500, 899)
    holed = rows.with_columns(value=pl.when(~gap).then("value"))
    given["ribbon.oscillator"] = MetricResult(given["ribbon.oscillator"].metric, holed)
    luck = ribbon_luck(given, worlds=20)  # type: ignore[arg-type]
    assert luck is not None
    assert luck.years == pytest.approx(20 * (1500 - 59 - 400) / 365.25)
    assert not np.isin(luck.start + 59, np.arange(500, 900)).any()
