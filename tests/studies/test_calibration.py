"""How forecasts of the retarget are judged: scores, shares, and nothing known too early."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtr
from scipy.stats import binomtest

from hashcanary.inference.filter.bank import BANDS
from hashcanary.studies.calibration import (
    POINTS,
    RetargetOutcome,
    crps,
    retarget_outcomes,
    scores,
    share_of,
)
from hashcanary.studies.errors import NoWholeEpochs

if TYPE_CHECKING:
    from hashcanary.store.record import Record

_ALL_OF_2020 = 1_577_836_800


@pytest.fixture(scope="module")
def since_2020(real_record: Record) -> list[RetargetOutcome]:
    return retarget_outcomes(real_record, start=_ALL_OF_2020)


@pytest.mark.parametrize(
    ("came", "score"),
    # of a standard normal: its README in properscoring, and Gneiting and Raftery 2007, eq. 21
    [(0.0, 0.2336949772551), (1.5, 1.5 * (2 * ndtr(1.5) - 1) + 2 * 0.1295175957 - np.pi**-0.5)],
)
def test_the_score_of_a_normal_law_is_the_closed_form(came: float, score: float) -> None:
    assert crps(ndtr, came, -9.0, 9.0) == pytest.approx(score, rel=2e-3)


@pytest.mark.parametrize(("held", "count"), [(0, 12), (12, 12), (90, 159)])
def test_a_share_has_its_exact_binomial_interval(held: int, count: int) -> None:
    share = share_of(np.arange(count) < held)
    exact = binomtest(held, count).proportion_ci(0.95, "exact")
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high))
    assert share.value == held / count


def test_the_rules_of_others_err_as_was_published(since_2020: list[RetargetOutcome]) -> None:
    """Measured elsewhere on 165 epochs of 2020 to 2026, percentage points."""
    naive = (13.13, 10.24, 7.61, 4.92, 3.87, 2.31, 1.18)
    mempool = (5.13, 4.94, 4.96, 4.29, 3.84, 2.31, 1.18)
    found = scores(since_2020)
    assert [score.point for score in found] == list(POINTS)
    for score, one, other in zip(found, naive, mempool, strict=True):
        assert 100 * score.naive_error == pytest.approx(one, rel=0.02)
        assert 100 * score.mempool_error == pytest.approx(other, rel=0.02)


def test_the_forecast_beats_them_by_what_it_promises(since_2020: list[RetargetOutcome]) -> None:
    most = {36: 0.80, 72: 0.80, 144: 0.80, 288: 0.80, 504: 0.85, 1008: 0.93, 1512: 0.95}
    for score in scores(since_2020):
        assert score.ratio <= most[score.point]
        assert score.score_ratio < (0.85 if score.point <= 504 else 1.0)


def test_the_bands_hold_what_they_should_but_for_luck(since_2020: list[RetargetOutcome]) -> None:
    """Their exact intervals miss one time in twenty; the points of an epoch share its luck."""
    within = [
        share.low <= band <= share.high
        for score in scores(since_2020)
        for band, share in zip(BANDS, score.held, strict=True)
    ]
    assert within.count(False) <= 2


def test_no_forecast_knows_what_came_after_its_epoch(real_record: Record) -> None:
    height = 2016 * 457
    last = real_record.blocks.filter(pl.col("height") <= height)
    cut = replace(real_record, blocks=last)
    start = int(last.filter(pl.col("height") == height - 2016)["time"][0])
    found = retarget_outcomes(cut, start=start, points=(144, 1008))
    whole = retarget_outcomes(real_record, start=start, end=start + 1, points=(144, 1008))
    assert [one.first_height for one in found] == [height - 2016] * 2
    for one, other in zip(found, whole, strict=True):
        assert one.second_came is None
        assert other.second_came is not None
        same = replace(other, second_came=None, second=one.second)
        assert one == same
        assert (one.second == other.second).all()


def test_a_record_without_a_whole_epoch_is_a_named_error(real_record: Record) -> None:
    few = replace(real_record, blocks=real_record.blocks.tail(4032))
    with pytest.raises(NoWholeEpochs, match=r"4,033 consecutive blocks"):
        retarget_outcomes(few)
    with pytest.raises(NoWholeEpochs):
        retarget_outcomes(real_record, start=2_000_000_000)
