"""Episodes on small invented records: starts, ends, depth, what is open, what is unknown."""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl
import pytest
from support.episode_records import FIRST, Given, day, epoch, results, ribbon

from hashcanary.metrics.engine import MetricResult
from hashcanary.studies.episodes import EPOCH_THRESHOLD, find_episodes, spans


def test_an_inversion_runs_from_its_first_day_to_the_recovery() -> None:
    (episode,) = ribbon(find_episodes(results("nniiinn"), simulated=False)).episodes
    assert (episode.start, episode.end, episode.days) == (day(2), day(5), 3)
    assert not episode.open
    assert episode.rank == 1


def test_an_inversion_that_has_not_ended_is_open() -> None:
    study = ribbon(find_episodes(results("nniii"), simulated=False))
    (episode,) = study.episodes
    assert episode.open
    assert (episode.end, episode.end_known, episode.price_end) == (None, None, None)
    assert episode.days == 3
    assert episode.after_end == ()
    assert study.current is episode


def test_trailing_unknown_days_do_not_lengthen_an_open_inversion() -> None:
    (episode,) = ribbon(find_episodes(results("nnii??"), simulated=False)).episodes
    assert (episode.open, episode.days, episode.unknown_rows) == (True, 2, 0)


def test_unknown_days_inside_are_counted_and_do_not_end_it() -> None:
    study = ribbon(find_episodes(results("ni??inn"), simulated=False))
    (episode,) = study.episodes
    assert (episode.days, episode.unknown_rows, episode.censored) == (4, 2, False)
    assert study.gaps == ((day(2), day(4)),)


@pytest.mark.parametrize("states", ["iinn", "??iinn", "nn?iinn", "niii?n"])
def test_a_start_or_an_end_next_to_the_unknown_may_lie_earlier(states: str) -> None:
    (episode,) = ribbon(find_episodes(results(states), simulated=False)).episodes
    assert episode.censored


def test_depth_is_the_deepest_day_inside_with_its_peak() -> None:
    falls = [0.0, -0.05, -0.2, -0.1, -0.3]
    (episode,) = ribbon(find_episodes(results("niiin", falls), simulated=False)).episodes
    depth = episode.depth
    assert depth is not None
    assert (depth.value, depth.time) == (-0.2, day(2))
    assert (depth.low, depth.high) == (pytest.approx(-0.22), pytest.approx(-0.18))
    assert (depth.peak, depth.peak_time) == (1e21, FIRST)


def test_an_episode_of_unknown_depth_has_no_rank() -> None:
    given = results("nin")
    fall = given["drawdown.sma30"]
    unknown = fall.rows.with_columns(value=pl.lit(None, dtype=pl.Float64))
    cast("Given", given)["drawdown.sma30"] = MetricResult(fall.metric, unknown)
    (episode,) = ribbon(find_episodes(given, simulated=False)).episodes
    assert (episode.depth, episode.rank) == (None, None)


def test_ranks_go_by_depth_and_pauses_are_told() -> None:
    falls = [0.0, -0.1, 0.0, -0.3, 0.0, 0.0, -0.2]
    episodes = ribbon(find_episodes(results("nininni", falls), simulated=False)).episodes
    assert [episode.rank for episode in episodes] == [3, 1, 2]
    assert [episode.days_since_previous for episode in episodes] == [None, 1, 2]


def test_short_inversions_are_episodes_and_are_counted() -> None:
    study = ribbon(find_episodes(results("n" + "i" * 6 + "n" + "i" * 7 + "n"), simulated=False))
    assert len(study.episodes) == 2
    assert study.short == 1


def test_price_at_start_is_that_of_the_day_when_known_at_its_end() -> None:
    prices: list[float | None] = [1.0, 2.0, 3.0, 4.0, 5.0]
    (episode,) = ribbon(find_episodes(results("niinn", None, prices), simulated=False)).episodes
    assert (episode.price_start, episode.price_end) == (2.0, 4.0)


def test_price_at_start_is_the_next_days_when_known_after_midnight() -> None:
    prices: list[float | None] = [1.0, 2.0, 3.0, 4.0, 5.0]
    (episode,) = ribbon(
        find_episodes(results("niinn", None, prices, delay=3600), simulated=False)
    ).episodes
    assert (episode.price_start, episode.price_end) == (3.0, 5.0)


def test_returns_count_from_the_price_at_start_and_at_end() -> None:
    prices: list[float | None] = [100.0] * 3 + [200.0] * 30 + [300.0] * 30
    states = "ni" + "n" * 61
    (episode,) = ribbon(find_episodes(results(states, None, prices), simulated=False)).episodes
    # known at the end of day 1 (100); 30 days on the price is 200
    assert episode.after_start[0].value == pytest.approx(1.0)
    # recovery known at the end of day 2 (100); 30 days on, day 32, it is 200
    assert episode.after_end[0].value == pytest.approx(1.0)
    assert episode.after_end[1].value is None
    assert episode.after_end[1].missing == "ends on 2024-04-02, after the last price (2024-03-03)"


def test_a_price_that_comes_after_the_record_is_missing_with_a_reason() -> None:
    found = find_episodes(results("nni", delay=3600), simulated=False)
    (episode,) = ribbon(found).episodes
    assert episode.price_start is None
    assert episode.after_start[0].missing == "no price on 2024-01-04"


def test_basis_names_everything_the_episode_rests_on() -> None:
    mixed = ["vendor", "vendor", "blocks", "blocks"]
    (episode,) = ribbon(find_episodes(results("niin", basis=mixed), simulated=False)).episodes
    assert episode.basis == "blocks and vendor"


def test_epoch_rule_opens_at_its_threshold_and_is_known_when_the_epoch_ends() -> None:
    falls: list[float | None] = [0.0, -EPOCH_THRESHOLD, -0.2, -EPOCH_THRESHOLD + 1e-9, 0.0]
    (episode,) = epoch(find_episodes(results("n", epochs=falls), simulated=False)).episodes
    assert (episode.start, episode.start_known) == (day(14), day(28))
    assert (episode.end, episode.end_known) == (day(42), day(56))
    assert (episode.days, episode.depth and episode.depth.value) == (28, -0.2)
    assert episode.depth is not None
    assert episode.depth.peak == 2e21


def test_an_epoch_that_has_not_ended_changes_nothing() -> None:
    falls: list[float | None] = [0.0, -0.1, None]
    (episode,) = epoch(find_episodes(results("n", epochs=falls), simulated=False)).episodes
    assert (episode.open, episode.days) == (True, 14)


def test_luck_alone_opens_about_one_epoch_episode_in_ten_years() -> None:
    # the claim of the rule, by an independent route: epochs of a network that grows by 30% a
    # year, each measured over 2,015 exponential intervals
    years, a_year = 2000, 26
    luck = np.random.default_rng(20260203).gamma(2015, 1 / 2015, years * a_year)
    level = np.arange(luck.size) * np.log(1.3) / a_year - np.log(luck)
    fall = np.exp(level - np.maximum.accumulate(level)) - 1
    rate = {
        threshold: len(list(spans((fall <= -threshold).tolist()))) / years
        for threshold in (EPOCH_THRESHOLD, 0.05)
    }
    assert rate[EPOCH_THRESHOLD] == pytest.approx(0.1, abs=0.03)
    assert rate[0.05] == pytest.approx(0.9, abs=0.1)


def test_a_record_in_which_nothing_is_known_has_no_episodes() -> None:
    found = find_episodes(results("???", epochs=[None]), simulated=True)
    for study in found:
        assert study.episodes == ()
        assert (study.covered_from, study.covered_to, study.gaps) == (None, None, ())
        assert study.simulated
        assert study.after_start[0].events == 0
