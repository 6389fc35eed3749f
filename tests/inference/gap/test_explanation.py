"""Explaining falls: what is known is used, what is missing is named, bad input too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from support.stress_worlds import CAUSES, StressWorld, stress_world

from hashcanary.inference.errors import BadStatement, NoBlocksToObserve, TooFewToExplain
from hashcanary.inference.explain.assumptions import assume
from hashcanary.inference.explain.causes import NAMES, read_causes
from hashcanary.inference.explain.margins import Missing, machines, margin_at
from hashcanary.inference.gap.explanation import (
    KINDS,
    Explained,
    Explanation,
    choose,
    explain_drop,
    matters,
)
from hashcanary.inference.gap.gap import Drop
from hashcanary.interval import Interval
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.moments import DAY
from hashcanary.store.record import Record


@pytest.fixture(scope="module")
def storm() -> StressWorld:
    """A deep storm in North America of which everything is known."""
    for seed in range(200):
        world = stress_world("curtailment", seed, missing=0.0)
        long = world.down - world.start > DAY / 2
        if long and world.depth > 0.25 and world.region == "north-america":
            return world
    raise AssertionError("no deep storm in 200 worlds")


def _after(world: StressWorld, days: float) -> Record:
    return world.known_at(int(world.start + days * DAY))


def _told(found: Explanation) -> Explained:
    assert found.explained is not None
    return found.explained


def _drop(
    begin: float, probability: float = 0.9, returned: float = 0.0, share: float = 0.05
) -> Drop:
    def given(value: float) -> Interval:
        return Interval(value, value, value, "")

    return Drop(
        probability=probability,
        causes={"curtailment": 1.0, "economics": 0.0, "exit": 0.0},
        cause="curtailment",
        begin=given(begin * DAY),
        days=given(1.0),
        depth=given(0.1),
        returned=given(returned),
        share=given(share),
    )


@pytest.mark.parametrize(
    ("drops", "since", "chosen"),
    [
        ([_drop(10), _drop(50), _drop(90)], None, 2),
        # one that has come back is history, as is one that never counted, or may be none
        ([_drop(10), _drop(50), _drop(90, returned=0.95)], None, 1),
        ([_drop(10), _drop(50), _drop(90, share=0.001)], None, 1),
        ([_drop(10), _drop(50), _drop(90, probability=0.4)], None, 1),
        # of late the likeliest, where none matters
        ([_drop(95, probability=0.3), _drop(97, probability=0.4)], None, 1),
        ([_drop(-300, returned=1.0), _drop(-200, returned=1.0)], None, None),
        ([_drop(-300, probability=0.3)], None, None),
        ([], None, None),
        ([_drop(10), _drop(50), _drop(90)], 40, 1),
        ([_drop(10), _drop(50, probability=0.3), _drop(90)], 40, 2),
        ([_drop(10), _drop(50, probability=0.3)], 40, 1),
        ([_drop(10)], 40, None),
    ],
)
def test_the_newest_real_drop_that_is_not_history_is_explained(
    drops: list[Drop], since: float | None, chosen: int | None
) -> None:
    begun = None if since is None else since * DAY
    assert choose(drops, 100.0 * DAY, begun, 0.1) == chosen


def test_a_drop_matters_while_it_is_real_and_out() -> None:
    assert matters(_drop(0), 0.1)
    assert not matters(_drop(0, probability=0.49), 0.1)
    assert not matters(_drop(0, returned=0.9), 0.1)
    assert not matters(_drop(0, share=0.0149), 0.1)
    # machines are gone, and others stand in their place
    assert not matters(_drop(0), 0.0149)


def test_probabilities_follow_from_prior_and_evidence_by_bayes(storm: StressWorld) -> None:
    found = explain_drop(_after(storm, 7))
    logs = {
        name: np.log(found.prior[name])
        + sum(one.factors[name] for one in found.evidence if one.factors)
        for name in NAMES
    }
    raw = {name: np.exp(one - max(logs.values())) for name, one in logs.items()}
    for name in NAMES:
        assert found.probabilities[name] == pytest.approx(raw[name] / sum(raw.values()), rel=1e-6)
    assert tuple(one.kind for one in found.evidence) == KINDS
    assert found.missing == ()


def test_an_answer_is_named_from_six_tenths_on(storm: StressWorld) -> None:
    for days in (1, 2, 3, 12):
        found = explain_drop(_after(storm, days))
        leading = max(found.probabilities, key=lambda name: found.probabilities[name])
        sure = found.probabilities[leading] >= 0.6
        assert found.answer == (leading if sure else "cannot tell")


def test_a_deep_storm_is_curtailment_and_its_place_and_depth_are_held(storm: StressWorld) -> None:
    found = explain_drop(_after(storm, 12))
    assert found.answer == "curtailment"
    assert found.region_probabilities["north-america"] > 0.5
    assert abs(_told(found).drop.begin.value - storm.start) < 2 * DAY
    assert _told(found).drop.depth.low < storm.depth < _told(found).drop.depth.high


def test_the_same_record_gives_the_same_answer(storm: StressWorld) -> None:
    once, again = explain_drop(_after(storm, 5)), explain_drop(_after(storm, 5))
    assert once.probabilities == again.probabilities
    assert once.explained == again.explained


def test_nothing_that_came_later_is_used(storm: StressWorld) -> None:
    time = storm.start + 4 * DAY
    cut = storm.known_at(time)
    # labels of blocks that are not known yet must not matter
    leaky = replace(cut, pool_labels=storm.record.pool_labels)
    assert explain_drop(leaky).probabilities == explain_drop(cut).probabilities


@pytest.mark.parametrize("gone", ["pools", "price", "power"])
def test_missing_evidence_changes_nothing_else_and_is_named(storm: StressWorld, gone: str) -> None:
    record = _after(storm, 7)
    kind = {"pools": "pools", "price": "hashprice", "power": "power"}[gone]
    without = {
        "pools": replace(record, pool_labels=record.pool_labels.head(0), pool_list=None),
        "price": replace(record, candles=record.candles.head(0)),
        "power": replace(record, daily=record.daily.head(0)),
    }[gone]
    whole, found = explain_drop(record), explain_drop(without)
    before, after = ({one.kind: one.factors for one in each.evidence} for each in (whole, found))
    assert before[kind] is not None
    assert after[kind] is None
    for other in {"pools", "hashprice", "power", "season"} - {kind}:
        assert after[other] is not None
    assert found.answer == "curtailment"
    assert [each.kind for each in found.missing] == [kind]


def test_labels_of_a_part_of_the_blocks_are_no_evidence(storm: StressWorld) -> None:
    record = _after(storm, 7)
    some = record.pool_labels.filter(pl.col("height") % 3 == 0)
    found = explain_drop(replace(record, pool_labels=some))
    (missing,) = found.missing
    assert (missing.kind, missing.reason) == ("pools", "few labels")
    assert missing.labelled == pytest.approx(missing.blocks / 3, abs=1)
    assert found.pools == ()


def test_a_few_blocks_of_each_epoch_are_too_few(storm: StressWorld) -> None:
    record = _after(storm, 7)
    first = int(record.blocks["height"][0])
    kept = record.blocks.filter((pl.col("height") - first) % 2016 < 20)
    with pytest.raises(TooFewToExplain):
        explain_drop(replace(record, blocks=kept))


def test_a_gap_over_the_fall_itself_is_no_reason_to_fail(storm: StressWorld) -> None:
    record = _after(storm, 7)
    time = pl.col("time")
    hole = (time > storm.start - 2 * DAY) & (time < storm.start + 3 * DAY)
    found = explain_drop(replace(record, blocks=record.blocks.filter(~hole)))
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert {each.reason for each in found.missing} <= {"gaps", "few labels"}
    # when it began is known less well
    spans = [_told(each).drop.begin for each in (found, explain_drop(record))]
    assert spans[0].high - spans[0].low > spans[1].high - spans[1].low


def test_before_the_data_there_is_a_named_error(storm: StressWorld) -> None:
    with pytest.raises((NothingToMeasure, TooFewToExplain)):
        explain_drop(storm.known_at(0))


@pytest.mark.parametrize("count", [1, 2, 5, 40, 2000])
def test_too_few_blocks_are_a_named_error(storm: StressWorld, count: int) -> None:
    with pytest.raises((NoBlocksToObserve, TooFewToExplain)):
        explain_drop(replace(storm.record, blocks=storm.record.blocks.head(count)))


def test_times_out_of_order_or_equal_and_a_wrong_clock_change_little(storm: StressWorld) -> None:
    record = _after(storm, 7)
    time = record.blocks["time"].to_numpy().copy()
    time[5::97] = time[4:-1:97][: time[5::97].size]
    time[-400] += 7000
    time[-300] -= 2800
    wrong = replace(record, blocks=record.blocks.with_columns(time=pl.Series(time)))
    whole, found = explain_drop(record), explain_drop(wrong)
    for name in NAMES:
        assert found.probabilities[name] == pytest.approx(whole.probabilities[name], abs=0.1)


def test_other_prices_of_power_can_be_put_in(storm: StressWorld) -> None:
    record, usual = _after(storm, 7), assume()
    regions = tuple(
        replace(one, usd_per_kwh=3 * one.usd_per_kwh) for one in usual.machines.power.regions
    )
    dear = replace(usual.machines, power=replace(usual.machines.power, regions=regions))
    one, other = explain_drop(record, replace(usual, machines=dear)), explain_drop(record)
    assert one.margin is not None
    assert other.margin is not None
    # the fleet is the same, but for what is scrapped at usual prices
    costs = [each.margin.squeeze.break_even_usd_per_phs_day for each in (one, other)]
    assert costs[0].value == pytest.approx(3 * costs[1].value, rel=0.02)
    assert one.margin.log_margin == pytest.approx(other.margin.log_margin - np.log(3), abs=0.1)


def test_before_the_first_rig_what_machines_cost_is_missing_and_nothing_else(
    storm: StressWorld,
) -> None:
    record, usual = _after(storm, 7), assume()
    later = tuple(
        rig for rig in usual.machines.rigs.rigs if rig.released > record.blocks["time"][-1]
    )
    none = replace(usual.machines, rigs=replace(usual.machines.rigs, rigs=later))
    one, other = explain_drop(record, replace(usual, machines=none)), explain_drop(record)
    assert one.margin is None
    assert one.missing == (Missing("hashprice", "no rig"),)
    kinds = {each.kind: each.factors for each in one.evidence}
    assert kinds["hashprice"] is None
    assert other.margin is not None
    assert kinds["season"] is not None


def earned_by_hand(record: Record, day: int) -> float:
    """A day's close times the subsidy that 1 PH/s expects of it, from blocks and candles alone."""
    bits = record.blocks.filter(pl.col("time") // DAY == day)["bits"].to_list()
    heights = record.blocks.filter(pl.col("time") // DAY == day)["height"].to_list()
    # the target of difficulty one over the block's, and 2^32 hashes a block at difficulty one
    targets = [(one & 0xFFFFFF) << 8 * ((one >> 24) - 3) for one in bits]
    difficulty = sum((0xFFFF << 208) / target for target in targets) / len(bits)
    coins = sum(50 / 2 ** (height // 210_000) for height in heights) / len(heights)
    (close,) = record.candles.filter(pl.col("open_time") == day * DAY)["close"]
    return close * coins * 1e15 * 86_400 / (difficulty * 2**32)


def test_what_a_hash_earned_by_hand(storm: StressWorld) -> None:
    day = storm.start // DAY
    margin = margin_at(storm.record, (storm.start, storm.start, storm.start), machines())
    assert not isinstance(margin, Missing)
    # of a drop that was down when it began the day before it counts, and the day itself
    at = [earned_by_hand(storm.record, one) for one in (day - 1, day)]
    before = [earned_by_hand(storm.record, one) for one in range(day - 60, day)]
    assert margin.day == day * DAY
    assert margin.hashprice_usd_per_phs_day == pytest.approx(sum(at) / 2, rel=1e-12)
    assert margin.usual_usd_per_phs_day == pytest.approx(sum(before) / 60, rel=1e-12)
    assert margin.log_change == pytest.approx(np.log(sum(at) / 2 / (sum(before) / 60)))


def test_what_a_hash_earns_while_the_fall_is_down_counts(storm: StressWorld) -> None:
    record = storm.record
    until = storm.start + 8 * DAY
    found = margin_at(record, (storm.start, storm.start, until), machines())
    assert not isinstance(found, Missing)
    rows = metrics_of(record)["hashprice.subsidy"].rows
    times = rows["time"].to_numpy()
    first = storm.start // DAY * DAY
    near = (times >= first - 2 * DAY) & (times <= until // DAY * DAY)
    assert found.hashprice_usd_per_phs_day == pytest.approx(
        rows["value"].to_numpy()[near].mean(), rel=0.05
    )
    assert found.day == until // DAY * DAY


def test_a_cause_that_never_begins_explains_nothing(storm: StressWorld) -> None:
    causes = read_causes()
    never = replace(causes, real=(replace(causes.real[0], a_year=0.0), *causes.real[1:]))
    found = explain_drop(_after(storm, 7), assume(never))
    # less than one draw
    assert found.probabilities[causes.real[0].name] < 0.002
    assert sum(found.probabilities.values()) == pytest.approx(1.0)


def test_a_cause_in_a_region_that_is_none_is_refused(storm: StressWorld) -> None:
    causes = read_causes()
    odd = replace(causes.real[0], regions={"moon": 1.0})
    with pytest.raises(BadStatement, match="moon"):
        explain_drop(storm.record, assume(replace(causes, real=(odd, *causes.real[1:]))))


def test_worlds_are_marked_and_hold_what_they_say() -> None:
    for cause in CAUSES:
        world = stress_world(cause, 4, missing=0.0)
        assert world.record.simulated
        assert (world.depth > 0) == (cause != "luck")
        labels = world.record.pool_labels
        assert labels.height == world.record.blocks.height
        cut = world.known_at(world.start)
        assert cut.blocks["known_at"].max() <= world.start
        assert cut.candles["known_at"].max() <= world.start
    assert stress_world("exit", 4).record.blocks.equals(stress_world("exit", 4).record.blocks)
    with pytest.raises(ValueError, match="luck"):
        stress_world("ghosts", 1)
