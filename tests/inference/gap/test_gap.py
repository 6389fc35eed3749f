"""The gap and its parts: they add up, hold the truth as often as they say, and stay the same."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from support.gap_worlds import NOW, World, drawn_world, least_held

from hashcanary.inference.explain.causes import REAL, read_causes
from hashcanary.inference.gap.gap import UNKNOWN, Gap, gap_of
from hashcanary.inference.gap.sampling import (
    FRESH,
    Effort,
    Evidence,
    Sampler,
    read_background,
)
from hashcanary.moments import DAY

WORLDS = 24
FEW = Effort(settling=600, steps=800, kept=8)


@cache
def _told(seed: int) -> tuple[World, Gap]:
    world = drawn_world(seed)
    sampler = Sampler(world.seen, read_causes(), read_background())
    return world, gap_of(sampler.draw(Evidence.none(), FRESH))


@pytest.mark.parametrize("seed", range(4))
def test_parts_add_up_to_the_gap(seed: int) -> None:
    _, gap = _told(seed)
    drops = sum(drop.share.value for drop in gap.drops)
    assert drops + gap.scattered.value + gap.growth.value == pytest.approx(
        gap.below.value, abs=1e-12
    )
    causes = sum(one.value for one in gap.causes.values())
    assert causes + gap.growth.value == pytest.approx(gap.below.value, abs=1e-12)
    for drop in gap.drops:
        assert sum(drop.causes.values()) == pytest.approx(1.0)
        assert drop.cause == UNKNOWN or drop.causes[drop.cause] == max(drop.causes.values())


@pytest.mark.parametrize("part", ["below", *REAL, "rest"])
def test_the_bands_hold_the_truth(part: str) -> None:
    held = 0
    for seed in range(WORLDS):
        world, gap = _told(seed)
        truth = {"below": world.below, "rest": world.rest, **world.shares}[part]
        band = {"below": gap.below, "rest": gap.growth, **gap.causes}[part]
        held += band.low - 1e-6 <= truth <= band.high + 1e-6
    assert held >= least_held(WORLDS, 0.95, 1e-4)


def test_the_same_windows_give_the_same_draws() -> None:
    world = drawn_world(1)
    first, second = (
        Sampler(world.seen, read_causes(), read_background()).draw(Evidence.none(), FEW)
        for _ in range(2)
    )
    assert np.array_equal(first.falls, second.falls)
    assert np.array_equal(first.level, second.level)


def test_chains_of_the_day_before_find_what_new_chains_find() -> None:
    world, fresh = _told(5)
    before = world.seen.where(world.seen.end <= NOW - DAY)
    sampler = Sampler(before, read_causes(), read_background())
    sampler.draw(Evidence.none(), FRESH)
    followed = gap_of(sampler.after(world.seen).draw(Evidence.none(), FRESH))
    assert followed.below.value == pytest.approx(fresh.below.value, abs=0.01)
    for name in REAL:
        band = fresh.causes[name]
        apart = followed.causes[name].value - band.value
        assert abs(apart) < 0.25 * max(band.high - band.low, 0.02)


def test_evidence_on_the_days_of_a_drop_moves_its_cause() -> None:
    causes, given = read_causes(), read_background()
    world, gap = next(
        (world, gap)
        for world, gap in map(_told, range(WORLDS))
        if any(drop.probability > 0.9 for drop in gap.drops)
    )
    drop = max(gap.drops, key=lambda one: one.probability)
    none = Evidence.none()
    day = int((drop.begin.value - NOW) // DAY) + none.place.size
    for at, name in enumerate(REAL):
        factor = none.log_factor.copy()
        factor[at, max(day - 10, 0) : day + 11] = 4.0
        evidence = Evidence(factor, none.place, none.log_likelihood)
        found = gap_of(Sampler(world.seen, causes, given).draw(evidence, FEW))
        nearest = min(found.drops, key=lambda one: abs(one.begin.value - drop.begin.value))
        assert nearest.causes[name] > drop.causes[name] or drop.causes[name] > 0.95
