"""How a drop is described: medians over weighted shapes made by hand, and the last days' change."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import f as fisher

from hashcanary.chain.networks import MAIN
from hashcanary.inference.explain.causes import read_causes
from hashcanary.inference.explain.profile import (
    DropProfile,
    Fitted,
    log_sum,
    profile_of,
    recent_change,
    weighted_quantiles,
)
from hashcanary.inference.explain.shapes import DEPTHS, Shapes, Windows, observed
from hashcanary.inference.filter.observations import Blocks
from hashcanary.moments import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

CAUSES = read_causes().real
NOW = 1_700_000_000.0
NEVER = -1e9


def test_weighted_quantiles_lie_at_the_middle_of_each_weight() -> None:
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([2.0, 1.0, 1.0])
    # in order: 1 at 0.125, 2 at 0.375, 3 at 0.75 of the weight
    found = weighted_quantiles(values, weight, np.array([0.125, 0.25, 0.375, 0.75, 0.99]))
    assert found == pytest.approx([1.0, 1.5, 2.0, 3.0, 3.0])


def test_sums_of_logs_hold_where_one_or_all_are_impossible() -> None:
    values = np.array([[1.0, -np.inf, 700.0], [2.0, 3.0, 701.0]])
    assert log_sum(values, (0,)) == pytest.approx(logsumexp(values, axis=0))
    assert log_sum(values, (0, 1)) == pytest.approx(logsumexp(values))
    assert log_sum(np.full((2, 1), -np.inf), (0,)) == pytest.approx(-np.inf)


def by_day(days: int) -> Windows:
    """Windows of a day each, the last one up to now; of 144 blocks."""
    end = np.arange(1 - days, 1, dtype=np.float64)
    first = 900_000 + 144 * np.arange(days, dtype=np.int64)
    return Windows(
        NOW, end - 1, end, first, first + 144, np.zeros(days), np.ones(days), np.full(days, 144)
    )


def fitted(
    rows: Sequence[tuple[float, float, float, float, float]],
    weight: np.ndarray,
    seen: Windows,
    place: int = 0,
) -> Fitted:
    """A cause's draws of (age, fall, hold, back, returned) with their weights by depth."""
    shapes = Shapes(*np.array(rows).T, log_weight=np.zeros(len(rows)))
    return Fitted(CAUSES[place], 1.0, 0.0, 0.0, weight, shapes, shapes.over(seen.start, seen.end))


def test_the_middle_of_a_window_is_halfway() -> None:
    assert by_day(3).middle.tolist() == [-2.5, -1.5, -0.5]


def at_depth(place: int, draws: int = 1) -> np.ndarray:
    """Weights of draws that are all of one depth."""
    weight = np.full((draws, DEPTHS.size), NEVER)
    weight[:, place] = 0.0
    return weight


def one(age: float, fall: float, hold: float, back: float, returned: float) -> DropProfile:
    seen = by_day(40)
    return profile_of(
        seen, (fitted([(age, fall, hold, back, returned)], at_depth(20), seen),), np.ones(1)
    )


def test_one_certain_shape_is_described_as_it_is() -> None:
    drop = one(20.0, 4.0, 8.0, 2.0, 0.75)
    assert drop.start == drop.start_low == drop.start_high == NOW - 20 * DAY
    assert drop.down == NOW - 16 * DAY
    assert drop.decline_days.three == pytest.approx((4.0, 4.0, 4.0))
    lost = 1 - np.exp(-DEPTHS)
    assert drop.depth.value == pytest.approx(lost[20])
    # limits lie between the depths beside it
    assert lost[19] < drop.depth.low < lost[20] < drop.depth.high < lost[21]
    assert drop.returned.three == pytest.approx((0.75, 0.75, 0.75))
    # more than half of it was missing from the third day of the fall to the first of the return
    assert drop.low_from == NOW - 18 * DAY
    assert drop.low_to == NOW - 7 * DAY
    # the last block of the window that had ended when it began
    assert drop.height == 900_000 + 144 * 20
    assert (drop.now, drop.last) == (NOW, 900_000 + 144 * 40)


def test_a_drop_that_goes_on_has_fallen_for_its_age() -> None:
    drop = one(3.0, 12.0, 8.0, 2.0, 0.75)
    assert drop.decline_days.value == pytest.approx(3.0)
    # not down before now
    assert drop.down == NOW
    # on the last day it was on average at 2.5 of 3 days of its path
    assert drop.returned.value == pytest.approx(1 - 2.5 / 3)
    assert drop.low_to == NOW


def test_a_drop_older_than_the_windows_begins_at_their_first_block() -> None:
    assert one(45.0, 2.0, 60.0, 2.0, 0.5).height == 900_000


def test_causes_count_by_their_share_and_draws_by_their_weight() -> None:
    seen = by_day(40)
    rows = [(10.0, 1.0, 30.0, 1.0, 0.0), (20.0, 2.0, 30.0, 1.0, 0.0)]
    weight = at_depth(10, draws=2)
    weight[1] += math.log(3)
    first = fitted(rows, weight, seen)
    second = fitted([(30.0, 5.0, 30.0, 1.0, 0.0)], at_depth(40), seen, place=1)
    # of the first 1 : 3, together four tenths: shares of 0.1, 0.3, 0.6 by age
    drop = profile_of(seen, (first, second), np.array([0.4, 0.6]))
    levels = np.array([0.025, 0.5, 0.975])
    starts = weighted_quantiles(np.array([-10.0, -20, -30]), np.array([0.1, 0.3, 0.6]), levels)
    assert (drop.start - NOW) / DAY == pytest.approx(starts[1])
    assert (drop.start_low - NOW) / DAY == pytest.approx(starts[0])
    assert (drop.start_high - NOW) / DAY == pytest.approx(starts[2])
    falls = weighted_quantiles(np.array([1.0, 2, 5]), np.array([0.1, 0.3, 0.6]), levels)
    assert drop.decline_days.three == pytest.approx((falls[1], falls[0], falls[2]))
    depths = np.zeros(DEPTHS.size)
    depths[10], depths[40] = 0.4, 0.6
    lost = 1 - np.exp(-weighted_quantiles(DEPTHS, depths, levels))
    assert drop.depth.three == pytest.approx((lost[1], lost[0], lost[2]))
    # a cause of no share has no part in it
    alone = profile_of(seen, (first, second), np.array([0.0, 1.0]))
    assert alone.start == pytest.approx(NOW - 30 * DAY)
    assert alone.decline_days.value == pytest.approx(5.0)


def steady(seconds: float = 600.0, days: int = 60, fast_from: int | None = None) -> Blocks:
    """Blocks at even intervals, from a height on twice as fast."""
    count = days * 144
    apart = np.full(count, seconds)
    if fast_from is not None:
        apart[fast_from:] = seconds / 2
    heights = 2016 * 400 + np.arange(count, dtype=np.int64)
    times = (NOW + np.cumsum(apart)).astype(np.int64)
    return Blocks(heights, times, np.full(count, 6e22), np.full(count, np.nan))


def drop_at(blocks: Blocks, begun: int) -> DropProfile:
    made = SimpleNamespace(
        start=float(blocks.time[begun]),
        height=int(blocks.height[begun]),
        now=float(blocks.time[-1]),
    )
    return cast("DropProfile", made)


def test_the_last_three_days_stand_against_those_before_the_drop() -> None:
    blocks = steady(fast_from=50 * 144)
    drop = drop_at(blocks, 50 * 144)
    found = recent_change(blocks, MAIN, observed(blocks, MAIN), drop)
    assert found.days == pytest.approx(3.0)
    assert found.blocks == pytest.approx(3 * 288, abs=1)
    assert found.change.value == pytest.approx(1.0, abs=0.01)
    assert found.change.low < 1.0 < found.change.high


def test_a_young_drop_is_judged_by_its_own_days_and_half_a_day_at_least() -> None:
    blocks = steady()
    count = blocks.height.size
    for back, days in ((144, 1.0), (288, 2.0), (20, 0.5), (1000, 3.0)):
        drop = drop_at(blocks, count - 1 - back)
        found = recent_change(blocks, MAIN, observed(blocks, MAIN), drop)
        assert found.days == pytest.approx(days, abs=1e-6)
        assert found.blocks == pytest.approx(days * 144, abs=1)
        assert math.isfinite(found.once_in_years)


def test_across_a_gap_the_change_is_a_ratio_of_gamma_variates() -> None:
    whole = steady(fast_from=50 * 144)
    kept = np.ones(whole.height.size, dtype=bool)
    # nothing is known of where the drop began
    kept[49 * 144 : 52 * 144] = False
    columns = (whole.height, whole.time, whole.work, whole.change)
    blocks = Blocks(*(column[kept] for column in columns))
    seen = observed(blocks, MAIN)
    drop = drop_at(whole, 50 * 144)
    found = recent_change(blocks, MAIN, seen, drop)
    now = float(seen.time[-1])
    last = seen.where(seen.start_time >= now - 3 * DAY)
    before = seen.where((seen.time <= drop.start) & (seen.time > drop.start - 14 * DAY))
    count, usual = int(last.count.sum()), int(before.count.sum())
    rates = [part.work.sum() / part.seconds.sum() for part in (last, before)]
    ratio = rates[0] / rates[1]
    assert ratio == pytest.approx(2.0, rel=1e-2)
    expected = [
        ratio * fisher.ppf(level, 2 * count, 2 * usual) - 1 for level in (0.5, 0.025, 0.975)
    ]
    assert found.change.three == pytest.approx(expected)
    assert found.blocks == count
    assert found.days == pytest.approx(float(last.seconds.sum()) / DAY)
    assert math.isnan(found.once_in_years)


def test_with_nothing_known_before_it_no_change_is_said() -> None:
    whole = steady(days=50)
    kept = np.ones(whole.height.size, dtype=bool)
    kept[1 : 25 * 144] = False
    columns = (whole.height, whole.time, whole.work, whole.change)
    blocks = Blocks(*(column[kept] for column in columns))
    seen = observed(blocks, MAIN)
    seen = seen.where(seen.count <= 18)
    found = recent_change(blocks, MAIN, seen, drop_at(whole, 24 * 144))
    assert math.isnan(found.change.value)
    assert found.days == pytest.approx(3.0, abs=0.2)
    assert math.isnan(found.once_in_years)
