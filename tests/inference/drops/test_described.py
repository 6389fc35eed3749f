"""How a drop is described, on blocks at even intervals whose rate is known to the block."""

from __future__ import annotations

import numpy as np
import pytest

from hashcanary.chain.networks import MAIN
from hashcanary.inference.drops.drops import Drop, DropList, drops_of
from hashcanary.inference.drops.watch import BLOCKS_A_YEAR
from hashcanary.inference.filter.observations import Blocks

WORK, USUAL, FIRST = 6e22, 600.0, 2016 * 400
BEFORE = 90 * 144


def slowed(*parts: tuple[int, float]) -> Blocks:
    """Blocks ten minutes apart for 90 days, then so many at so many times the interval."""
    apart = np.concatenate(
        [np.full(BEFORE, USUAL), *(np.full(count, USUAL * times) for count, times in parts)]
    )
    heights = FIRST + np.arange(apart.size + 1, dtype=np.int64)
    times = 1_600_000_000 + np.concatenate(([0.0], np.cumsum(apart)))
    same = np.full(heights.size, WORK)
    return Blocks(heights, times.astype(np.int64), same, np.full(heights.size, np.nan))


def the_drop(blocks: Blocks) -> Drop:
    (drop,) = drops_of(blocks, MAIN).drops
    return drop


def test_a_third_less_for_four_days_and_back() -> None:
    blocks = slowed((400, 1.5), (1000, 1.0))
    drop = the_drop(blocks)
    begun, ended = FIRST + BEFORE, FIRST + BEFORE + 400
    # of edges between bins, 18 blocks apart
    assert abs(drop.start - begun) <= 18
    assert drop.start_low <= begun + 18
    assert drop.start_high >= begun - 18
    assert drop.end is not None
    assert abs(drop.end - ended) <= 18
    assert drop.depth_low < 1 / 3 < drop.depth_high
    assert drop.depth == pytest.approx(1 / 3, abs=0.05)
    assert drop.level == pytest.approx(WORK / USUAL, rel=0.01)
    assert drop.returned is True
    assert begun < drop.alarm < ended
    assert drop.delay == drop.alarm - drop.start
    for height, time in (
        (drop.start, drop.start_time),
        (drop.start_low, drop.start_low_time),
        (drop.start_high, drop.start_high_time),
        (drop.alarm, drop.alarm_time),
        (drop.end, drop.end_time),
    ):
        assert time == blocks.time[height - FIRST]


@pytest.mark.parametrize("after", [1.0, 1 / (2 / 3 + 4 / 15)])
def test_it_returned_where_most_of_it_came_back(after: float) -> None:
    # all of what was lost, or four fifths
    found = drops_of(slowed((400, 1.5), (432, after), (600, 1.0)), MAIN).drops
    assert found[0].returned is True


def test_what_stays_low_for_a_month_has_not_returned() -> None:
    drop = drops_of(slowed((6000, 1.5)), MAIN).drops[0]
    # looked at for 30 days from its alarm
    assert drop.end == drop.alarm + 30 * 144
    assert drop.returned is False


@pytest.mark.parametrize(("after", "known"), [(130, False), (200, True)])
def test_a_day_after_it_tells_of_an_end_and_of_a_return(after: int, known: bool) -> None:
    drop = the_drop(slowed((400, 1.5), (after, 1.0)))
    assert (drop.end is not None) == known
    assert (drop.end_time is not None) == known
    assert (drop.returned is not None) == known


def test_a_drop_that_goes_on_has_no_end() -> None:
    drop = the_drop(slowed((400, 1.5)))
    assert drop.end is drop.end_time is drop.returned is None
    assert drop.depth == pytest.approx(1 / 3, abs=0.05)


def test_the_deeper_and_longer_the_rarer_by_luck() -> None:
    shallow, deep = (the_drop(slowed((400, times), (600, 1.0))) for times in (1.25, 1.5))
    assert shallow.depth < deep.depth
    assert shallow.luck_years < deep.luck_years
    longer = the_drop(slowed((600, 1.5), (600, 1.0)))
    assert longer.luck_years > deep.luck_years


def test_blocks_that_come_evenly_raise_no_alarm() -> None:
    found = drops_of(slowed((1000, 1.0)), MAIN)
    assert found.drops == ()
    assert found.runs == ((FIRST, FIRST + BEFORE + 1000),)
    assert found.watched == BEFORE + 1001
    assert found.luck_years_now < 0.1


def test_false_alarms_are_those_of_the_blocks_watched() -> None:
    runs = ((0, BLOCKS_A_YEAR - 1), (900_000, 900_000 + BLOCKS_A_YEAR - 1))
    found = DropList((), 4.0, runs, 0.0)
    assert found.watched == 2 * BLOCKS_A_YEAR
    assert found.false_alarms == 0.5


def test_runs_too_short_for_a_start_and_an_alarm_are_not_watched() -> None:
    blocks = slowed((100, 1.0))
    kept = np.ones(blocks.height.size, dtype=bool)
    # 29 and 30 blocks between gaps: a bin of 18 with 11 vouchers after it needs 30
    kept[1000:1010] = kept[1039:1050] = kept[1080:1090] = False
    part = Blocks(
        *(each[kept] for each in (blocks.height, blocks.time, blocks.work, blocks.change))
    )
    assert drops_of(part, MAIN).runs == (
        (FIRST, FIRST + 999),
        (FIRST + 1050, FIRST + 1079),
        (FIRST + 1090, FIRST + BEFORE + 100),
    )
