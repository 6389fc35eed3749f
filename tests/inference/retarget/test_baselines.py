"""The rules others use, against what they publish."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from hashcanary.inference.retarget.forecast import (
    BetaLaw,
    discount_change,
    mempool_change,
    naive_change,
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_mempool_space_rule_gives_its_unit_tests_value() -> None:
    # mempool/mempool, backend/src/__tests__/api/difficulty-adjustment.test.ts
    change = mempool_change(
        height=750134,
        epoch_time=at("2022-08-18T11:07:00"),
        now=at("2022-08-19T14:03:53"),
        quarter_time=at("2022-08-16T03:16:54"),
        previous_change=0.6280047707459726 / 100,
    )
    assert 100 * change == pytest.approx(1.0420538959004633, abs=1e-9)


def test_mempool_space_rule_late_in_an_epoch_and_at_its_last_block() -> None:
    given = {"epoch_time": 0.0, "quarter_time": None, "previous_change": 0.0}
    late = mempool_change(height=2016 * 10 + 999, now=1000 * 500.0, **given)
    assert late == pytest.approx(600 / 500 - 1)
    last = mempool_change(height=2016 * 10 + 2015, now=9e9, latest_time=2016 * 660.0, **given)
    assert last == pytest.approx(600 / 660 - 1)
    assert mempool_change(height=2016 * 10 + 600, now=1.0, **given) == 3.0
    assert mempool_change(height=2016 * 10 + 600, now=9e9, **given) == -0.75


def test_the_worked_example_of_epoch_933408() -> None:
    law = BetaLaw(887, 634_562.0)
    assert 100 * naive_change(887, 634_562.0) == pytest.approx(-16.13, abs=0.005)
    assert 100 * law.mean() == pytest.approx(-16.09, abs=0.005)
    low, high = law.quantiles(np.array([0.025, 0.975]))
    assert 100 * low == pytest.approx(-20.2, abs=0.05)
    assert 100 * high == pytest.approx(-11.9, abs=0.05)
    assert 1 - law.below(np.array([-0.111553]))[0] == pytest.approx(0.0098, abs=0.0002)


def test_the_beta_law_is_that_of_simulated_epochs_of_unknown_rate() -> None:
    rng = np.random.default_rng(8)
    draws = rng.exponential(1.0, (20_000, 2015))
    share = draws[:, :300].sum(axis=1) / draws.sum(axis=1)
    law = BetaLaw(300, 180_000.0)
    drawn = 1_209_600 / 180_000 * np.quantile(share, [0.1, 0.5, 0.9]) - 1
    assert law.quantiles(np.array([0.1, 0.5, 0.9])) == pytest.approx(drawn, abs=4e-3)


@pytest.mark.parametrize(("intervals", "elapsed"), [(0, 1.0), (2015, 1.0), (5, 0.0)])
def test_the_beta_law_needs_intervals_and_time(intervals: int, elapsed: float) -> None:
    with pytest.raises(ValueError, match="expected 1 to 2014 intervals"):
        BetaLaw(intervals, elapsed)


def test_a_discount_filter_holds_its_rate_to_the_epochs_end() -> None:
    change = discount_change(50.0, 50.0 * 660 / 4e9, 4e9, 1000, 660_000.0)
    assert change == pytest.approx(1_209_600 / (2015 * 660) - 1)
