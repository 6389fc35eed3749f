"""How good the distributions of hashprice after the retarget were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hashcanary.economics.errors import NoHashprice
from hashcanary.moments import DAY
from hashcanary.studies.after_retarget import (
    HashpriceOutcome,
    Judged,
    hashprice_outcomes,
    hashprice_scores,
    judged,
)
from hashcanary.studies.errors import NoWholeEpochs

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.record import Record


def test_a_normal_is_judged_as_its_closed_form_says() -> None:
    from scipy.stats import norm

    draws = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    for came in (-1.5, 0.0, 0.7):
        # Gneiting and Raftery 2007, equation 21
        exact = came * (2 * norm.cdf(came) - 1) + 2 * norm.pdf(came) - 1 / np.sqrt(np.pi)
        found = judged(draws, came)
        assert found.crps == pytest.approx(exact, abs=1e-4)
        assert found.pit == pytest.approx(norm.cdf(came), abs=1e-4)
        assert found.median == pytest.approx(0.0, abs=1e-4)


def test_a_score_is_the_double_sum_over_draws() -> None:
    draws = np.random.default_rng(2).gamma(3.0, 1.0, 90)
    apart = np.abs(draws[:, None] - draws[None, :]).mean()
    expected = np.abs(draws - 2.5).mean() - apart / 2
    assert judged(draws, 2.5).crps == pytest.approx(expected)
    # a point's score is how far it is off
    assert judged(np.full(50, 2.0), 2.5).crps == pytest.approx(0.5)
    assert judged(np.array([1.0, 2.0, 2.0, 3.0]), 2.0).pit == pytest.approx(0.5)


def _outcome(pit: float, crps: float, came: float) -> HashpriceOutcome:
    one = Judged(came, 1.0, pit, 0.5, crps)
    other = Judged(came, 1.0, 0.5, 0.5, 2 * crps)
    return HashpriceOutcome(0, 0, 288, 50.0, one, one, other, 1.0, 1.1)


def test_scores_count_what_bands_held_and_weigh_rivals_epoch_by_epoch() -> None:
    told = [_outcome(pit, 0.02, 1.04) for pit in (0.5, 0.3, 0.05, 0.99)]
    (score,) = hashprice_scores(told, moving=True)
    assert [share.value for share in score.held] == [0.5, 0.5, 0.75]
    assert score.crps == pytest.approx(0.02)
    assert (score.error, score.stays_error) == (pytest.approx(0.04), pytest.approx(0.04))
    assert score.mempool_error == pytest.approx(0.06)
    assert score.to_stays.ratio == pytest.approx(0.5)
    assert score.to_mempool.ratio == pytest.approx(1 / 3)
    assert score.to_unchanged is not None
    assert score.to_unchanged.difference == pytest.approx(-0.02)
    assert score.to_unchanged.error == pytest.approx(0.0)
    (held,) = hashprice_scores(told, moving=False)
    assert held.to_unchanged is None


# the retargets of 29 October and 12 November 2025
_START, _END = 1_759_000_000, 1_762_000_000


@pytest.fixture(scope="module")
def outcomes(real_record: Record) -> list[HashpriceOutcome]:
    """Asked 1,008 blocks into each epoch of autumn 2025."""
    return hashprice_outcomes(real_record, points=(1008,), start=_START, end=_END, draws=400)


def test_what_came_is_the_metric_of_the_first_whole_day_after_it(
    outcomes: list[HashpriceOutcome], real_results: Metrics, real_record: Record
) -> None:
    rows = real_results["hashprice"].present()
    by_day = dict(zip(rows["time"].to_list(), rows["value"].to_list(), strict=True))
    times = dict(
        zip(
            real_record.blocks["height"].to_list(),
            real_record.blocks["time"].to_list(),
            strict=True,
        )
    )
    assert len(outcomes) >= 2
    for one in outcomes:
        day = -(-times[one.first_height + 2016] // DAY) * DAY
        assert one.moving.came * one.now_usd_per_phs_day == pytest.approx(by_day[day], rel=1e-6)
    # 921,312 of 29 October 2025: +6.3095%, as published
    (october,) = [one for one in outcomes if one.first_height == 919_296]
    assert october.held.came == pytest.approx(1 / 1.063095, rel=0.01)
    assert october.stays == 1.0


def test_an_answer_rests_on_nothing_later(
    outcomes: list[HashpriceOutcome], real_record: Record, cut: Any
) -> None:
    one = outcomes[0]
    after = real_record.blocks.filter(real_record.blocks["height"] == one.first_height + 2016)
    # all that judging it takes, and nothing of the next epoch's
    early = cut(real_record, int(after["time"][0]) + 3 * DAY)
    (again,) = hashprice_outcomes(
        early, points=(1008,), start=one.time, end=one.time + 1, draws=400
    )
    assert again == one


def test_the_subsidys_halving_is_known_to_all(real_record: Record) -> None:
    # block 840,000 halves the subsidy in the epoch of 838,656
    (one,) = hashprice_outcomes(
        real_record, points=(288,), start=1_712_000_000, end=1_713_200_000, draws=400
    )
    assert one.first_height == 838_656
    assert one.stays < 0.6
    assert abs(one.held.median - one.held.came) < 0.2


def test_without_prices_or_epochs_there_is_nothing_to_judge(real_record: Record) -> None:
    bare = replace(
        real_record, daily=real_record.daily.clear(), candles=real_record.candles.clear()
    )
    with pytest.raises(NoHashprice):
        hashprice_outcomes(bare, points=(288,), start=_START, end=_END, draws=50)
    with pytest.raises(NoWholeEpochs):
        hashprice_outcomes(real_record, points=(288,), start=2_000_000_000, draws=50)
