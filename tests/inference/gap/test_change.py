"""The change between two times: windows cut at their ends, truth held, and what is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from support.gap_worlds import least_held
from support.records import chain, record
from support.worlds import START, world_chain, world_path

from hashcanary.chain.networks import REGTEST
from hashcanary.inference.errors import NoRetargets, WindowNotKnown
from hashcanary.inference.filter.observations import FEWEST, Blocks, blocks_of
from hashcanary.inference.gap.change import (
    Change,
    change_between,
    change_of,
    windows_around,
)
from hashcanary.inference.gap.past_year import PastYears
from hashcanary.inference.gap.seen import windows_of
from hashcanary.moments import DAY
from hashcanary.store.record import Record

FIRST = 500_000


def _even(count: int, spacing: int = 600, gap_at: int | None = None) -> Blocks:
    """Blocks of one work, ``spacing`` apart, half of it after START; a hundred are left out."""
    heights = FIRST + np.arange(count, dtype=np.int64)
    times = START + spacing // 2 + spacing * np.arange(count, dtype=np.int64)
    blocks = Blocks(heights, times, np.full(count, 4e9), np.full(count, np.nan))
    if gap_at is None:
        return blocks
    return blocks.where((heights < FIRST + gap_at) | (heights >= FIRST + gap_at + 100))


def test_windows_hold_the_blocks_between_their_edges() -> None:
    edges = START + np.array([0.5, 1.0, 1.25, 2.0]) * DAY
    seen = windows_of(_even(500), edges)
    assert (seen.start.tolist(), seen.end.tolist()) == (edges[:-1].tolist(), edges[1:].tolist())
    blocks = np.array([72, 36, 108])
    # the variance of so many blocks, by its series
    assert seen.variance == pytest.approx(1 / blocks + 1 / (2 * blocks**2), rel=1e-3)
    mean = 4e9 / 600 * (1 - 1 / (2 * blocks))
    assert np.exp(seen.log_rate) == pytest.approx(mean, rel=1e-3)


def test_what_is_too_short_goes_with_what_comes_before_unless_its_end_is_asked_for() -> None:
    short = START + DAY + 600.0 * (FEWEST - 2)
    edges = np.array([START + 0.5 * DAY, START + DAY, short, START + 2 * DAY])
    joined = windows_of(_even(500), edges)
    assert joined.start.tolist() == [START + 0.5 * DAY, short]
    assert joined.end.tolist() == [short, START + 2 * DAY]
    kept = windows_of(_even(500), edges, (START + DAY, short))
    assert kept.end.tolist() == edges[1:].tolist()


def test_windows_that_a_gap_touches_are_not_seen() -> None:
    edges = START + DAY * np.arange(1.0, 8.0)
    # from the 400th block, late on the third day, to the 500th, on the fourth
    seen = windows_of(_even(1200, gap_at=400), edges)
    assert ((seen.start - START) / DAY).tolist() == [1.0, 4.0, 5.0, 6.0]
    whole = windows_of(_even(1200), edges)
    assert whole.start.size == 6


def _record(blocks: Blocks) -> Record:
    return record(chain(blocks.time.tolist(), int(blocks.height[0])), simulated=True)


@cache
def _mined(world: str, seed: int) -> tuple[Record, Blocks, PastYears]:
    mined = world_chain(world_path(world, 300, seed), seed)
    made = record(
        chain(mined.times.tolist(), mined.first_height, mined.bits.tolist()), simulated=True
    )
    return made, blocks_of(made), PastYears(made)


@pytest.mark.parametrize("world", ["stormy", "stepped"])
def test_bands_hold_the_change_of_simulated_worlds(world: str) -> None:
    held = np.zeros(2)
    looks = 0
    for seed in range(3):
        path = world_path(world, 300, seed)
        _, blocks, years = _mined(world, seed)
        log_rate = np.log(path.rates)
        for end in range(120 * 144, blocks.height.size - 1, 4000):
            known = blocks.part(0, end)
            last = float(known.time.max())
            then, now = (last - 33 * DAY, last - 30 * DAY), (last - 3 * DAY, last)
            found = change_of(years.around(windows_around(known, then, now)), then, now)
            late, early = (
                float(np.interp(np.linspace(*span, 60) - START, path.times, log_rate).mean())
                for span in (now, then)
            )
            ends = np.log1p(found.quantiles(np.array([0.1, 0.9, 0.025, 0.975])))
            held += (ends[0] <= late - early <= ends[1], ends[2] <= late - early <= ends[3])
            looks += 1
    assert looks >= 15
    assert held[0] >= least_held(looks, 0.80, 1e-3)
    assert held[1] >= least_held(looks, 0.95, 1e-3)


def test_a_storm_of_two_days_is_not_spread_over_the_days_around_it() -> None:
    random = np.random.default_rng(5)
    hours = np.arange(200 * 24)
    rate = np.where((hours >= 150 * 24) & (hours < 152 * 24), 0.65, 1.0)
    counts = random.poisson(6 * rate)
    within = random.uniform(0, 3600, int(counts.sum()))
    times = START + np.sort(np.repeat(hours, counts) * 3600 + within).astype(np.int64)
    made = record(chain(times.tolist(), FIRST), simulated=True)
    window = (START + 150.0 * DAY, START + 152.0 * DAY)
    before = (window[0] - 14 * DAY, window[0])
    found = change_between(made, before, window)
    lost = float(rate[150 * 24 : 152 * 24].mean() - 1)
    luck = counts[150 * 24 : 152 * 24].sum() / counts[136 * 24 : 150 * 24].sum() * 7 - 1
    low, middle, high = found.quantiles(np.array([0.025, 0.5, 0.975]))
    assert lost == pytest.approx(-0.35)
    assert low < luck < high
    # a smoother that knows no drops spreads it over a week and finds a tenth of it
    assert abs(middle - lost) < 0.15
    assert found.fallen(0.1) > 0.9
    after = (START + 153.0 * DAY, START + 156.0 * DAY)
    assert abs(change_between(made, before, after).quantiles(np.array([0.5]))[0]) < 0.06


def test_blocks_more_than_a_month_later_change_nothing() -> None:
    made, blocks, _ = _mined("stormy", 1)
    window = (START + 150.0 * DAY, START + 152.0 * DAY)
    before = (START + 136.0 * DAY, START + 150.0 * DAY)
    cut = int(np.searchsorted(blocks.time, START + 190 * DAY))
    early = record(made.blocks.head(cut), simulated=True, at=int(blocks.time[cut - 1]))
    whole, then = (change_between(one, before, window) for one in (made, early))
    assert then.log_ratio == pytest.approx(whole.log_ratio)


def test_chances_fall_with_the_depth_and_are_never_certain() -> None:
    found = Change((0, 1), (1, 2), np.log([0.7, 0.85, 0.95, 1.05]), 0.3, ())
    chances = [found.fallen(depth) for depth in (-0.2, 0.0, 0.1, 0.2, 0.5)]
    assert chances == [0.9, 0.7, 0.5, 0.3, 0.1]
    assert found.least == 0.25
    assert found.quantiles(np.array([0.0, 1.0])) == pytest.approx([-0.3, 0.05])
    with pytest.raises(ValueError, match="below 1"):
        found.fallen(1.0)


DAYS = tuple[float, float]


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((80, 94), (94, 101), "a time within the blocks"),
        ((-5, 9), (9, 12), "a time within the blocks"),
        ((20, 30), (25, 40), "a time within the blocks"),
        ((10, 24), (24.0, 24.003), "blocks in it, found none"),
        ((1, 2), (2, 4), "30 days of blocks around it"),
    ],
)
def test_times_that_blocks_do_not_tell_of_are_refused(then: DAYS, now: DAYS, expected: str) -> None:
    size = 5 * 144 if expected.startswith("30") else 100 * 144
    made = _record(_even(size))
    spans = [(START + a * DAY, START + b * DAY) for a, b in (then, now)]
    with pytest.raises(WindowNotKnown, match=expected):
        change_between(made, *spans)


def test_times_more_than_a_year_apart_are_refused() -> None:
    made = _record(_even(520 * 144))
    then, now = (START + DAY, START + 14.0 * DAY), (START + 500.0 * DAY, START + 510.0 * DAY)
    with pytest.raises(WindowNotKnown, match="at most 455 days"):
        change_between(made, then, now)


def test_a_network_without_retargets_is_refused() -> None:
    made = record(chain([START, START + 600, START + 1200], FIRST), network=REGTEST)
    with pytest.raises(NoRetargets):
        change_between(made, (START, START + 600.0), (START + 600.0, START + 1200.0))


def test_days_that_are_missing_from_a_time_are_named() -> None:
    blocks = _even(100 * 144, gap_at=70 * 144)
    heights = blocks.height
    made = record(chain(blocks.time.tolist(), FIRST).with_columns(height=heights), simulated=True)
    then, now = (START + 60.0 * DAY, START + 74.0 * DAY), (START + 74.0 * DAY, START + 80.0 * DAY)
    (missing,) = change_between(made, then, now).lacks
    assert missing == "14% of the days of the earlier time"
