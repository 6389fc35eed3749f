"""The gauge against capitulations, chance, other weights and itself; histories made by hand."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from support.stress_histories import history, of, silent_index, with_words

from hashcanary.moments import DAY
from hashcanary.studies.errors import BadStressFile, NoStress
from hashcanary.studies.stress.against import Proportion, after_words, against, read_capitulations
from hashcanary.studies.stress.answer import stress_now
from hashcanary.studies.stress.component import all_components
from hashcanary.studies.stress.gauge import lower_before, reweighted
from hashcanary.studies.stress.luck import stress_luck
from hashcanary.studies.stress.robustness import correlations, left_out, random_weights, spearman
from hashcanary.studies.stress.settings import read_settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("hits", "trials"), [(8, 11), (0, 7), (5, 5), (1, 40)])
def test_wilson_solves_its_equation(hits: int, trials: int) -> None:
    found = Proportion(hits, trials).share
    share = hits / trials
    for end in (found.low, found.high):
        # its ends are where the normal test of that share is just at its level
        assert abs(share - end) == pytest.approx(
            1.959963984540054 * sqrt(end * (1 - end) / trials), abs=1e-8
        )
    assert 0 <= found.low <= share <= found.high <= 1


def test_no_trials_give_no_share() -> None:
    assert np.isnan(Proportion(0, 0).share.value)


def test_hits_leads_and_false_alarms_by_hand() -> None:
    word = np.zeros(600, dtype=np.int64)
    word[:20] = -1
    word[95:105] = 2  # before and into the first: 5 days early
    word[210] = 3  # ten days late, inside the second
    word[400:403] = 2  # near nothing
    word[420] = 2  # the same spell: 17 days later
    found = against(with_words(word), [of(100, 20), of(200, 20), of(520, 10)])
    first, second, third = found.readings
    assert (first.lead_days, second.lead_days, third.lead_days) == (5, -10, None)
    assert [one.hit for one in found.readings] == [True, True, False]
    assert (first.word, first.worst, second.word, second.worst) == (2, 2, 0, 3)
    assert (second.before, second.at_start, second.highest.value) == (0.0, 0.0, 75.0)
    assert second.highest_day == 210 * DAY
    assert second.after == 0.0
    assert (found.hits.hits, found.hits.trials) == (2, 3)
    assert [(one.first // DAY, one.last // DAY, one.days) for one in found.spells] == [
        (95, 104, 10),
        (210, 210, 1),
        (400, 420, 4),
    ]
    assert [one.false_alarm for one in found.spells] == [False, False, True]
    assert found.days == pytest.approx(15 / 580)
    assert found.years == pytest.approx(580 / 365.25)


def test_a_lead_is_not_looked_for_in_the_capitulation_before() -> None:
    word = np.zeros(300, dtype=np.int64)
    word[100:110] = 2
    word[135:140] = 2
    found = against(with_words(word), [of(100, 30), of(138, 10)])
    assert [one.lead_days for one in found.readings] == [0, 3]


def test_what_the_gauge_did_not_see_is_not_judged() -> None:
    word = np.full(300, -1)
    word[110:] = 0
    found = against(with_words(word), [of(100, 20), of(290, 40)])
    # ten of twenty days have no word; of the second, ten days are there and all have one
    assert [one.covered for one in found.readings] == [False, True]
    assert found.hits.trials == 1


def test_chance_is_the_same_words_at_every_other_shift() -> None:
    rng = np.random.default_rng(1)
    word = np.where(rng.random(900) < 0.02, 2, 0)
    episodes = [of(100, 20), of(450, 60), of(700, 5)]
    found = against(with_words(word), episodes)
    state = word >= 2
    hits = np.array(
        [
            sum(
                bool(np.roll(state, -shift)[one.start // DAY : one.end // DAY].any())
                for one in episodes
            )
            for shift in range(900)
        ]
    )
    other = hits[180 : 900 - 180 + 1]
    assert found.by_shift == pytest.approx(other.mean())
    assert found.as_many == pytest.approx((other >= hits[0]).mean())
    assert found.hits.hits == hits[0]


def test_lower_before_counts() -> None:
    rng = np.random.default_rng(2)
    values = np.round(rng.normal(size=(5, 200)), 1)
    found = lower_before(values)
    for row in range(5):
        for day in range(200):
            assert found[row, day] == (values[row, :day] < values[row, day]).sum()


def test_spearman_is_scipys() -> None:
    from scipy.stats import spearmanr

    rng = np.random.default_rng(3)
    one = np.round(rng.normal(size=200), 1)
    other = one + rng.normal(size=200)
    assert spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)


def noise(many: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 100, (many, size))


def test_leaving_out_by_hand() -> None:
    percentiles = noise(3, 400, 4)
    percentiles[0, :200] = np.nan
    made = history(percentiles)
    found = {one.what: one for one in left_out(made, [of(300, 30)])}
    assert set(found) == {"a", "b", "c"}
    # the mean of b and c against the mean of all, where a is known
    mean = percentiles[:, 200:].mean(axis=0)
    apart = np.abs(mean - percentiles[1:, 200:].mean(axis=0))
    assert found["a"].days == 200
    assert found["a"].mean == pytest.approx(apart.mean())
    assert found["a"].largest == pytest.approx(apart.max())
    other = reweighted(made, {"b": 0.5, "c": 0.5})
    changed = (other.word != made.word)[200:]
    assert found["a"].changed == changed.sum()
    assert found["a"].words == 200


def test_what_is_left_out_may_have_made_the_hit() -> None:
    percentiles = noise(2, 400, 5) * 0.5
    percentiles[0, 300:310] = 100.0
    percentiles[1, 300:310] = 5.0
    made = history(percentiles, [0.8, 0.2])
    found = {one.what: one for one in left_out(made, [of(300, 10)])}
    assert found["a"].missed == ("300",)
    assert found["b"].missed == ()


def test_correlations_are_over_days_on_which_all_are_known() -> None:
    percentiles = noise(2, 300, 6)
    percentiles[1] = 100 - percentiles[0]
    percentiles[1, :100] = np.nan
    np.testing.assert_allclose(correlations(history(percentiles)), [[1, -1], [-1, 1]])


def test_random_weights_of_equal_components_change_nothing() -> None:
    row = noise(1, 400, 7)
    made = history(np.repeat(row, 3, axis=0))
    found = random_weights(made, [of(300, 30)], draws=50)
    np.testing.assert_allclose(found.low, made.gauge)
    np.testing.assert_allclose(found.high, made.gauge)
    assert found.holds > 0.99
    assert found.width == pytest.approx(0.0, abs=1e-9)


def test_random_weights_lie_between_the_components() -> None:
    percentiles = np.stack([np.full(300, 20.0), np.full(300, 80.0)])
    percentiles += noise(2, 300, 8) / 1e6
    found = random_weights(history(percentiles), [], draws=2000)
    # a weight of two is even from 0 to 1: 5% and 95% of 20 to 80
    assert found.low[200] == pytest.approx(23.0, abs=1.5)
    assert found.high[200] == pytest.approx(77.0, abs=1.5)
    again = random_weights(history(percentiles), [], draws=2000)
    assert again.low.tobytes() == found.low.tobytes()


def test_hits_of_random_weights_are_those_of_their_own_words() -> None:
    percentiles = noise(3, 500, 9)
    made, episodes = history(percentiles), [of(200, 10), of(400, 10)]
    found = random_weights(made, episodes, draws=40)
    from hashcanary.random import Purpose, generator

    drawn = generator(1, Purpose.STRESS_WEIGHTS).dirichlet(np.ones(3), 40)
    for row, weights in enumerate(drawn):
        other = reweighted(made, dict(zip("abc", weights.tolist(), strict=True)))
        hits = sum(one.hit for one in against(other, episodes).readings)
        assert found.hits[row] == hits


def test_returns_are_counted_from_the_day_it_was_known() -> None:
    word = np.zeros(400, dtype=np.int64)
    word[100:110] = 2
    word[300:303] = 3
    made = with_words(word)
    # known a minute after midnight: on the next day
    price = np.full(400, 100.0)
    price[102:] = 150.0
    rows = pl.DataFrame({"time": made.time, "value": price})
    stressed, worst = after_words(made, rows, horizons=(30,))
    assert stressed.began == (101, 301)
    assert worst.began == (301,)
    assert stressed.days == 13
    assert stressed.after[0].positive == 1
    assert stressed.after[0].independent == 2


def test_published_capitulations_are_read_in_order_and_sourced() -> None:
    found = read_capitulations()
    assert len(found) >= 8
    assert [one.start for one in found] == sorted(one.start for one in found)
    assert all(one.source and one.end > one.start for one in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "capitulation"),
        ("[[capitulation]]\nname = 'x'\nstart = 2020-01-01\nsource = 's'\n", "capitulation 1.end"),
        (
            "[[capitulation]]\nname = 'x'\nstart = 2020-01-02\nend = 2020-01-01\nsource = 's'\n",
            "a day not before its start",
        ),
        (
            "[[capitulation]]\nname = 'x'\nstart = '2020'\nend = 2020-01-01\nsource = 's'\n",
            "a date such as",
        ),
        ("[[capitulation]]\nname = 'x'\nstart = 2020-01-01\nend = 2020-02-01\n", "source"),
        ("[[capitulations]]\n", "one of capitulation"),
    ],
)
def test_a_capitulation_that_cannot_be_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "seen.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadStressFile) as failure:
        read_capitulations(path)
    assert said in str(failure.value)


def test_the_newest_day_answers_and_says_what_is_missing() -> None:
    percentiles = noise(3, 200, 10)
    percentiles[0, 190:] = np.nan
    percentiles[:, 198:] = np.nan
    made = history(percentiles, [0.4, 0.35, 0.25])
    now = stress_now(made, silent_index(200), "then")
    assert now.day == 197 * DAY
    first, second, third = now.components
    assert (first.missing, first.contributes, first.weight) == ("gone", None, 0.0)
    assert first.stated_weight == 0.4
    assert second.weight == pytest.approx(0.35 / 0.6)
    assert (second.contributes or 0) + (third.contributes or 0) == pytest.approx(now.gauge.value)
    assert now.index is None


def test_days_in_a_word_or_a_worse_one() -> None:
    word = np.zeros(100, dtype=np.int64)
    word[90:], word[95] = 2, 3
    made = with_words(word)
    now = stress_now(made, silent_index(100), "then")
    assert (now.word, now.days_in_word) == ("stressed", 10)
    word[96:] = 0
    now = stress_now(with_words(word), silent_index(100), "then")
    assert (now.word, now.days_in_word) == ("calm", 4)
    word[99] = 3
    now = stress_now(with_words(word), silent_index(100), "then")
    assert (now.word, now.days_in_word) == ("capitulation", 1)


def test_a_gauge_that_never_speaks_says_why() -> None:
    made: Any = history(np.full((2, 30), np.nan))
    with pytest.raises(NoStress, match="a: gone; b: gone"):
        stress_now(made, silent_index(30), "2020-01-01")
    with pytest.raises(NoStress, match="has a word"):
        stress_luck(made, {}, worlds=1)


def test_worlds_without_stress_seldom_reach_what_the_record_calls_stress() -> None:
    known = all_components()
    settings = read_settings(known)
    made = history(noise(1, 400, 11))
    points = np.array([50.0, 70.0, 84.0])[:, None]
    stated = replace(made, settings=settings, cuts=np.repeat(points, 400, axis=1))
    told: list[tuple[int, int]] = []
    found = stress_luck(stated, known, worlds=1, progress=lambda *how: told.append(how))
    assert told == [(1, 2), (2, 2)]
    by = {(one.world, one.after_halving, one.word): one for one in found.words}
    calm = by["steady", False, "stressed"]
    assert calm.points == 70.0
    assert calm.years > 2
    assert calm.share.value < 0.02
    # half of the income gone is stress, and the gauge says so
    assert by["steady", True, "stressed"].share.value > 0.3
    assert by["steady", False, "strained"].share.value >= calm.share.value
    again = stress_luck(stated, known, worlds=1)
    assert again.words == found.words
