"""Alarms that the hashrate fell: their rate, their time, what is said of a fall, and bad input."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.worlds import START, world_chain, world_path

from hashcanary.chain.networks import MAIN, TESTNET4
from hashcanary.inference.drops.drops import drops_of, find_drops
from hashcanary.inference.drops.watch import BLOCKS_A_YEAR, Watch, advance, new_watch, years_between
from hashcanary.inference.errors import NoBlocksToObserve, NoRetargets, NothingObserved
from hashcanary.inference.filter.bank import BANK
from hashcanary.inference.filter.observations import Blocks
from hashcanary.simulation.paths import HashratePath

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from hashcanary.store.record import Record

FALL_DAY, BACK_DAY = 120.0, 125.0


def fallen(chains: ModuleType, part: float, seed: int, days: int = 150) -> tuple[Blocks, int, int]:
    """A steady chain that loses a part for five days; the first heights after the two changes."""
    path = world_path("steady", days, seed)
    edges = [FALL_DAY, FALL_DAY + 1e-4, BACK_DAY, BACK_DAY + 1e-4]
    times = np.union1d(path.times, np.array(edges) * 86_400)
    low = (times > FALL_DAY * 86_400) & (times <= BACK_DAY * 86_400)
    rates = np.interp(times, path.times, path.rates) * np.where(low, 1 - part, 1.0)
    chain = world_chain(HashratePath(times, rates), seed)
    found = np.searchsorted(chain.arrivals, START + np.array([FALL_DAY, BACK_DAY]) * 86_400)
    return chains.blocks_from(chain), *(chain.first_height + int(one) for one in found)


@pytest.fixture(scope="module")
def storm(chains: ModuleType) -> tuple[Blocks, int, int]:
    return fallen(chains, 0.3, 3)


def alarms(watch: Watch) -> list[tuple[int, int, int, int]]:
    return [(one.height, one.start_low, one.start, one.start_high) for one in watch.alarms]


def test_a_fall_is_noticed_and_told_with_its_start_depth_and_end(
    storm: tuple[Blocks, int, int],
) -> None:
    blocks, first, back = storm
    (drop,) = drops_of(blocks, MAIN).drops
    # a fall by 30% is noticed after some 100 blocks at best
    assert first < drop.alarm < first + 300
    assert drop.start_low - 18 <= first - 1 <= drop.start_high + 18
    assert drop.depth_low <= 0.3 <= drop.depth_high
    assert 0.2 < drop.depth < 0.4
    assert drop.end is not None
    assert abs(drop.end - back) < 144
    assert drop.returned is True
    assert drop.delay == drop.alarm - drop.start
    assert drop.luck_years > 1


def test_a_fall_that_goes_on_has_no_end_yet(storm: tuple[Blocks, int, int]) -> None:
    blocks, _, back = storm
    (drop,) = drops_of(blocks.part(0, blocks.find(back - 30)), MAIN).drops
    assert drop.end is None
    assert drop.end_time is None
    assert drop.returned is None


def test_no_block_after_an_alarm_had_a_part_in_it(storm: tuple[Blocks, int, int]) -> None:
    blocks, _, _ = storm
    whole = advance(new_watch(MAIN, 3000.0), blocks)
    assert len(whole.alarms) > 3
    for alarm in whole.alarms:
        until = advance(new_watch(MAIN, 3000.0), blocks.part(0, blocks.find(alarm.height) + 1))
        assert alarms(until)[-1] == alarms(whole)[len(until.alarms) - 1]
        before = advance(new_watch(MAIN, 3000.0), blocks.part(0, blocks.find(alarm.height)))
        assert len(before.alarms) == len(until.alarms) - 1


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_block_by_block_is_the_whole_record_at_once(
    storm: tuple[Blocks, int, int], size: int
) -> None:
    # so many alarms that the level is learned anew many times
    part = storm[0].part(0, 2500 if size < 100 else None)
    whole, online = advance(new_watch(MAIN, 600.0), part), new_watch(MAIN, 600.0)
    for at in range(0, part.height.size, size):
        online = advance(online, part.part(at, at + size))
    assert len(whole.alarms) > 1
    assert alarms(online) == alarms(whole)
    assert online.statistic == pytest.approx(whole.statistic, rel=1e-9)


def test_a_record_with_gaps_is_the_same_block_by_block(storm: tuple[Blocks, int, int]) -> None:
    blocks, _, _ = storm
    height = blocks.height - blocks.height[0]
    kept = ~(((height > 700) & (height < 705)) | ((height > 1500) & (height < 1900)))
    part = Blocks(*(column[kept] for column in columns(blocks))).part(0, 2600)
    whole, online = advance(new_watch(MAIN, 600.0), part), new_watch(MAIN, 600.0)
    for at in range(part.height.size):
        online = advance(online, part.part(at, at + 1))
    assert alarms(online) == alarms(whole)
    for alarm in whole.alarms:
        # no start and alarm on two sides of a gap
        assert not any(alarm.start_low <= part.height[0] + g < alarm.height for g in (701, 1501))


def columns(blocks: Blocks) -> tuple[np.ndarray, ...]:
    return blocks.height, blocks.time, blocks.work, blocks.change


@pytest.mark.parametrize("world", ["steady", "growing"])
def test_false_alarms_are_not_more_than_is_said(chains: ModuleType, world: str) -> None:
    # one false alarm in a tenth of a year, on 6 years without the first 100 days
    stated, counted, watched = BLOCKS_A_YEAR / 10, 0, 0
    for seed in range(40, 43):
        blocks = chains.blocks_from(chains.mined(world, 830, seed))
        found = advance(new_watch(MAIN, stated), blocks).alarms
        counted += sum(one.height > blocks.height[0] + 14_400 for one in found)
        watched += blocks.height.size - 14_400
    expected = watched / stated
    assert counted <= expected + 3 * expected**0.5
    # and the threshold is not so high that nothing is ever noticed
    assert counted >= expected / 5


def test_the_statistic_has_the_mean_of_the_count_of_blocks_at_most(chains: ModuleType) -> None:
    # where nothing falls its mean is at most the blocks that could be a start: 30 days of them
    found = []
    for seed in range(30):
        blocks = chains.blocks_from(chains.mined("steady", 80, seed))
        found.append(np.exp(advance(new_watch(MAIN, 1e12), blocks).statistic))
    assert np.mean(found) < 30 * 144 + 4 * np.std(found) / len(found) ** 0.5


def test_a_clock_two_hours_ahead_raises_no_alarm(chains: ModuleType) -> None:
    blocks = chains.blocks_from(chains.mined("steady", 60, 8))
    quiet = advance(new_watch(MAIN, 5000.0), blocks)
    time = blocks.time.copy()
    # every 40th block as wrong as a node would take it
    time[::40] += 7200
    wrong = advance(new_watch(MAIN, 5000.0), replace(blocks, time=time))
    assert len(wrong.alarms) <= len(quiet.alarms) + 1
    last = blocks.time.copy()
    last[-1] += 7200
    tip = advance(new_watch(MAIN, 5000.0), replace(blocks, time=last))
    assert alarms(tip) == alarms(quiet)


def test_equal_and_disordered_times_are_taken(storm: tuple[Blocks, int, int]) -> None:
    blocks, first, _ = storm
    time = blocks.time.copy()
    rng = np.random.default_rng(2)
    at = rng.integers(20, time.size - 20, 2000)
    time[at] = time[at - 1]
    swap = rng.integers(20, time.size - 20, 500)
    time[swap], time[swap + 1] = time[swap + 1].copy(), time[swap].copy()
    found = drops_of(replace(blocks, time=time), MAIN).drops
    assert any(first < one.alarm < first + 400 for one in found)


def test_one_clock_stuck_for_all_blocks_is_no_infinite_statistic(chains: ModuleType) -> None:
    blocks = chains.blocks_from(chains.mined("steady", 30, 1))
    stuck = replace(blocks, time=np.full(blocks.time.size, int(blocks.time[0])))
    watch = advance(new_watch(MAIN), stuck)
    assert watch.alarms == ()


def test_a_fall_across_a_gap_is_not_told_and_the_gap_is(chains: ModuleType) -> None:
    blocks, first, back = fallen(chains, 0.3, 4)
    kept = (blocks.height < first - 20) | (blocks.height > back)
    gapped = Blocks(*(column[kept] for column in columns(blocks)))
    found = drops_of(gapped, MAIN)
    assert found.drops == ()
    assert found.runs == (
        (int(blocks.height[0]), first - 21),
        (back + 1, int(blocks.height[-1])),
    )
    assert found.watched == gapped.height.size


def test_few_blocks_are_a_named_error_or_no_alarm(chains: ModuleType) -> None:
    blocks = chains.blocks_from(chains.mined("steady", 30, 1))
    with pytest.raises(NothingObserved, match="consecutive blocks"):
        drops_of(blocks.part(0, 5), MAIN)
    assert drops_of(blocks.part(0, 200), MAIN).drops == ()


def test_a_record_of_one_block_is_a_named_error(chains: ModuleType) -> None:
    record = chains.record_from(chains.mined("steady", 3, 1))
    with pytest.raises(NoBlocksToObserve):
        find_drops(replace(record, blocks=record.blocks[:1]))


def test_a_network_whose_targets_tell_nothing_is_refused() -> None:
    with pytest.raises(NoRetargets):
        new_watch(TESTNET4)


def test_blocks_that_do_not_stand_above_are_refused(storm: tuple[Blocks, int, int]) -> None:
    watch = advance(new_watch(MAIN), storm[0].part(0, 100))
    with pytest.raises(ValueError, match="ascending"):
        advance(watch, storm[0].part(50, 60))


def test_models_with_transients_or_no_blocks_between_alarms_are_refused() -> None:
    with pytest.raises(ValueError, match="transient"):
        new_watch(MAIN, bank=BANK)
    with pytest.raises(ValueError, match="at least"):
        new_watch(MAIN, 3.0)


@pytest.mark.parametrize("years", [0.05, 1.0, 5.0, 1000.0])
def test_a_threshold_reached_is_as_rare_as_was_asked_for(years: float) -> None:
    watch = new_watch(MAIN, years * BLOCKS_A_YEAR)
    assert years_between(math.log(watch.threshold)) == pytest.approx(years)


def test_a_record_cut_at_a_moment_has_the_alarms_of_before(
    chains: ModuleType, cut: Callable[[Record, int], Record]
) -> None:
    record = chains.record_from(chains.mined("stormy", 200, 7))
    whole = find_drops(record)
    assert whole.drops
    at = whole.drops[0].alarm_time + 7200
    part = find_drops(cut(record, at))
    assert [one.alarm for one in part.drops] == [
        one.alarm for one in whole.drops if one.alarm <= part.runs[-1][1]
    ]


def test_known_falls_of_the_real_record_are_found(real_record: Record) -> None:
    # press: storm Fern from 23 Jan 2026; Xinjiang's power cuts of 16 April 2021; the chain split of
    # 11 March 2013; Elliott, 23 December 2022; the orders of Xinjiang and Sichuan of June 2021
    from hashcanary.moments import iso_day

    found = find_drops(real_record)
    starts = {iso_day(one.start_time) for one in found.drops}
    assert starts >= {"2026-01-23", "2021-04-16", "2013-03-11", "2022-12-23", "2021-06-18"}
    storm = next(one for one in found.drops if iso_day(one.start_time) == "2026-01-23")
    # 98 blocks on 24 January where 138 to 144 were due
    assert storm.depth_low < 1 - 98 / 138 < storm.depth_high + 0.05
    assert storm.returned is True
    assert storm.luck_years > 100


@pytest.mark.parametrize("seed", range(12))
def test_damaged_records_are_answered_and_the_same_however_they_are_cut(
    chains: ModuleType, seed: int
) -> None:
    blocks = chains.blocks_from(chains.mined("stormy", 40, 1))
    rng = np.random.default_rng(seed)
    kept = np.ones(blocks.height.size, dtype=bool)
    for _ in range(rng.integers(0, 6)):
        at = rng.integers(0, kept.size)
        kept[at : at + int(rng.choice([1, 3, 20, 200, 2000]))] = False
    part = Blocks(*(column[kept].copy() for column in columns(blocks)))
    time, at = part.time, int(rng.integers(1, part.time.size))
    if seed % 4 == 0:
        time[:] += rng.integers(-7200, 7200, time.size)
    elif seed % 4 == 1:
        time[at:] = time[at]
    elif seed % 4 == 2:
        time[:] = rng.permutation(time)
    else:
        time[at:] += 86_400 * int(rng.integers(-40, 40))
    for drop in drops_of(part, MAIN, 0.02).drops:
        assert drop.start_low <= drop.start <= drop.start_high < drop.alarm
        assert 0 < drop.depth_low <= drop.depth <= drop.depth_high < 1
        assert np.isfinite([drop.luck_years, drop.level]).all()
    whole, online = advance(new_watch(MAIN, 1000.0), part), new_watch(MAIN, 1000.0)
    cuts = [0, *sorted(rng.integers(0, time.size, 15)), time.size]
    for first, last in pairwise(cuts):
        online = advance(online, part.part(first, last))
    assert alarms(online) == alarms(whole)
