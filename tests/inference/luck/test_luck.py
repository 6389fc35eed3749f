"""The luck of windows: closed forms, published values, simulated chains, and bad input."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from scipy.stats import binom, f, gamma, nbinom, norm, poisson

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.inference.errors import HeightNotKnown, NoRetargets, WindowNotKnown
from hashcanary.inference.filter.observations import Blocks, blocks_of
from hashcanary.inference.luck.luck import drawdown_luck, window_luck
from hashcanary.inference.luck.windows import (
    Stretch,
    between_blocks,
    between_times,
    blocks_before,
    clumps,
    settled_until,
    some_drawdown,
    some_window,
)

if TYPE_CHECKING:
    from hashcanary.store.record import Record

HOUR, DAY = 3600, 86_400
NONE = Blocks(*(np.empty(0, dtype=np.int64),) * 2, np.empty(0), np.empty(0))


def stretch(law: str, blocks: int, exposure: float) -> Stretch:
    """A stretch without clock errors, ``exposure`` in blocks at 1 H/s."""
    seconds = exposure * 1e22
    return Stretch(law, 0, blocks, 0.0, seconds, blocks, exposure, 0.0, False, ())  # type: ignore[arg-type]


def test_a_known_rate_has_the_poisson_and_the_gamma_law() -> None:
    day = window_luck(NONE, MAIN, stretch("time", 98, 8.64e-18), rate=144 / 8.64e-18)
    assert day.p_value == pytest.approx(poisson.cdf(98, 144), rel=1e-9)
    assert day.expected == pytest.approx(144)
    ten = window_luck(NONE, MAIN, stretch("blocks", 10, 1e-18), rate=18e18)
    assert ten.p_value == pytest.approx(gamma.sf(18, 10), rel=1e-9)


@pytest.mark.parametrize("reference", [30, 144, 2016])
@pytest.mark.parametrize("found", [3, 98, 700])
def test_a_measured_rate_has_the_negative_binomial_and_the_f_law(
    reference: int, found: int
) -> None:
    before = stretch("blocks", reference, 3e-18)
    timed = window_luck(NONE, MAIN, stretch("time", found, 9e-18), reference=before)
    assert timed.p_value == pytest.approx(nbinom.cdf(found, reference, 3 / 12), rel=1e-6, abs=1e-14)
    counted = window_luck(NONE, MAIN, stretch("blocks", found, 9e-18), reference=before)
    ratio = (9e-18 / found) / (3e-18 / reference)
    assert counted.p_value == pytest.approx(
        f.sf(ratio, 2 * found, 2 * reference), rel=1e-6, abs=1e-14
    )


def test_limits_of_the_change_are_clopper_and_pearsons() -> None:
    luck = window_luck(
        NONE, MAIN, stretch("time", 98, 1e-18), reference=stretch("blocks", 144, 1e-18)
    )
    # given their sum, the count is binomial; at its low end the window ends with a block too
    assert luck.change == pytest.approx(98 / 143 - 1)
    low, high = ((1 + end) / (1 + (1 + end)) for end in (luck.low, luck.high))
    assert binom.cdf(98, 98 + 144, high) == pytest.approx(0.025, abs=1e-6)
    assert binom.sf(97, 98 + 143, low) == pytest.approx(0.025, abs=1e-6)


# at this rate a block comes every 600 s
RATE = 1e18


def timed(law: str, blocks: int, seconds: float, clock: float, at_tip: bool = False) -> Stretch:
    """A stretch of so many seconds whose ends have clocks that err by ``clock``."""
    exposure = seconds / 600 / RATE
    return Stretch(law, 0, blocks, 0.0, seconds, blocks, exposure, clock, at_tip, ())  # type: ignore[arg-type]


# a normal variate at 2,000 evenly likely places
NORMAL = norm.ppf((np.arange(2000) + 0.5) / 2000)


def longer_than(blocks: int, seconds: float, late: np.ndarray) -> float:
    """How often so many blocks take longer than a time that is told too long by ``late`` s."""
    return float(gamma.sf((seconds - late) / 600, blocks).mean())


@pytest.mark.parametrize("clock", [30.0, 600.0, 1500.0])
@pytest.mark.parametrize("law", ["blocks", "time"])
def test_clocks_that_err_are_integrated_over(law: str, clock: float) -> None:
    luck = window_luck(NONE, MAIN, timed(law, 10, 12_000.0, clock), rate=RATE)
    # 10 blocks took longer; or 10 came in the time, so that the eleventh took longer
    blocks = 10 if law == "blocks" else 11
    expected = longer_than(blocks, 12_000.0, clock * NORMAL)
    assert luck.p_value == pytest.approx(expected, rel=2e-3)
    assert luck.expected == pytest.approx(20.0)


def test_a_reference_adds_its_own_clocks_over_its_length() -> None:
    window, before = timed("blocks", 10, 12_000.0, 300.0), timed("blocks", 100, 60_000.0, 900.0)
    luck = window_luck(NONE, MAIN, window, reference=before)
    # 900 s of 60,000 are 180 s of 12,000
    rates = gamma.ppf((np.arange(500) + 0.5) / 500, 100)[:, None] / 60_000
    times = 12_000 - (300.0 + 180.0) * NORMAL
    assert luck.p_value == pytest.approx(gamma.sf(times * rates, 10).mean(), rel=2e-3)
    assert luck.rate == pytest.approx(99 / 100 * RATE)
    assert luck.change == pytest.approx((9 / 20) / (99 / 100) - 1)


def test_a_header_that_nobody_vouches_for_is_plainly_wrong_once_in_a_hundred() -> None:
    # an hour early to two hours late, all alike: more than luck alone does
    seconds = 13_000.0
    wrong = np.linspace(-3600.0, 7200.0, 20_001)
    expected = 0.99 * longer_than(8, seconds, 60 * NORMAL) + 0.01 * longer_than(8, seconds, wrong)
    luck = window_luck(NONE, MAIN, timed("blocks", 8, seconds, 60.0, True), rate=RATE)
    assert expected > 2 * longer_than(8, seconds, 60 * NORMAL)
    # the grid of wrong clocks is coarse: a tenth too often at this depth
    assert luck.p_value == pytest.approx(expected, rel=0.12)
    # others have been vouched for; and whoever counts in a time does not rest on one header
    for law, at_tip in (("blocks", False), ("time", True)):
        luck = window_luck(NONE, MAIN, timed(law, 8, seconds, 60.0, at_tip), rate=RATE)
        blocks = 8 if law == "blocks" else 9
        assert luck.p_value == pytest.approx(longer_than(blocks, seconds, 60 * NORMAL), rel=2e-3)


@pytest.mark.parametrize(("seconds", "lengths"), [(DAY / 2, 730.5), (DAY, 365.25), (400 * DAY, 1)])
def test_windows_of_a_span_are_as_many_as_fit(seconds: float, lengths: float) -> None:
    mean = seconds / 600
    count = int(poisson.ppf(1e-4, mean))
    luck = window_luck(NONE, MAIN, timed("time", count, seconds, 0.0), rate=RATE)
    assert luck.p_span == pytest.approx(float(some_window(count, np.array(mean), lengths)))
    years = seconds / DAY / 365.25 / float(clumps(count, np.array(mean)))
    assert luck.once_in_years == pytest.approx(years)
    assert luck.span_days == 365.25


def test_what_no_network_lived_to_see_is_a_million_years() -> None:
    never = window_luck(NONE, MAIN, timed("time", 0, 10 * DAY, 0.0), rate=RATE)
    assert never.once_in_years == 1e6
    assert never.p_value == pytest.approx(np.exp(-1440.0), abs=1e-300)


def test_a_rate_and_a_reference_at_once_are_refused() -> None:
    window = timed("time", 100, DAY, 0.0)
    with pytest.raises(ValueError, match="found both"):
        window_luck(NONE, MAIN, window, rate=RATE, reference=window)


def test_no_block_at_all_is_an_answer() -> None:
    luck = window_luck(
        NONE, MAIN, stretch("time", 0, 1e-18), reference=stretch("blocks", 144, 1e-17)
    )
    assert (luck.change, luck.low) == (-1.0, -1.0)
    assert luck.p_value == pytest.approx((10 / 11) ** 144, rel=1e-6)
    assert luck.high < 0


def test_the_worst_window_of_a_year_is_judged_as_the_worst() -> None:
    day = stretch("time", 98, 8.64e-18)
    luck = window_luck(NONE, MAIN, day, rate=144 / 8.64e-18)
    assert luck.p_span > 300 * luck.p_value
    assert 4 < luck.once_in_years < 8
    assert luck.p_span == pytest.approx(1 - np.exp(-1 / luck.once_in_years), rel=0.02)
    alone = window_luck(NONE, MAIN, day, rate=144 / 8.64e-18, span_days=1.0)
    assert alone.p_span == pytest.approx(alone.p_value)


@pytest.fixture(scope="module")
def chain(chains: ModuleType) -> Blocks:
    """A steady simulated chain of 200 days, with clocks that err."""
    blocks: Blocks = chains.blocks_from(chains.mined("steady", 200, 3))
    return blocks


def test_p_values_are_as_often_small_as_they_say(chains: ModuleType) -> None:
    values: dict[str, list[float]] = {"blocks": [], "time": [], "few": []}
    for seed in range(4):
        blocks = chains.blocks_from(chains.mined("steady", 160, seed))
        for at in range(3000, blocks.height.size - 200, 160):
            first = int(blocks.height[at])
            windows = {
                "blocks": between_blocks(blocks, MAIN, first, first + 144),
                "few": between_blocks(blocks, MAIN, first, first + 8),
                "time": between_times(blocks, MAIN, blocks.time[at] + 7.0, blocks.time[at] + DAY),
            }
            for name, window in windows.items():
                values[name].append(window_luck(blocks, MAIN, window).p_value)
    for found in values.values():
        size = len(found)
        assert size > 400
        for level in (0.01, 0.05, 0.25, 0.5, 0.9):
            share = float((np.array(found) <= level).mean())
            assert share == pytest.approx(level, abs=3.5 * (level * (1 - level) / size) ** 0.5)


def test_a_gap_inside_a_window_is_counted_by_its_heights(chain: Blocks) -> None:
    start, end = float(chain.time[5000]), float(chain.time[5600])
    whole = between_times(chain, MAIN, start, end)
    keep = np.ones(chain.height.size, dtype=bool)
    keep[5200:5300] = False
    holed = Blocks(*(getattr(chain, one)[keep] for one in ("height", "time", "work", "change")))
    assert between_times(holed, MAIN, start, end).blocks == whole.blocks


def test_a_gap_at_an_end_of_a_window_is_an_error(chain: Blocks) -> None:
    keep = np.ones(chain.height.size, dtype=bool)
    keep[5200:5300] = False
    holed = Blocks(*(getattr(chain, one)[keep] for one in ("height", "time", "work", "change")))
    with pytest.raises(WindowNotKnown, match=f"none after block {int(chain.height[5199])}"):
        between_times(holed, MAIN, float(chain.time[5250]), float(chain.time[5600]))
    with pytest.raises(HeightNotKnown):
        between_blocks(holed, MAIN, int(chain.height[5250]), int(chain.height[5600]))


def test_a_retarget_inside_a_gap_is_an_error(chain: Blocks) -> None:
    turn = int(np.flatnonzero(chain.height % 2016 == 2015)[2])
    keep = np.ones(chain.height.size, dtype=bool)
    keep[turn - 3 : turn + 3] = False
    holed = Blocks(*(getattr(chain, one)[keep] for one in ("height", "time", "work", "change")))
    with pytest.raises(WindowNotKnown, match=f"block {int(chain.height[turn])}, the last before"):
        between_blocks(holed, MAIN, int(holed.height[turn - 50]), int(holed.height[turn + 50]))


def test_a_window_across_a_retarget_weighs_each_target(chain: Blocks) -> None:
    turn = int(np.flatnonzero(chain.height % 2016 == 2015)[2])
    first, last = int(chain.height[turn - 400]), int(chain.height[turn + 600])
    both = between_blocks(chain, MAIN, first, last)
    parts = [
        between_blocks(chain, MAIN, first, int(chain.height[turn])),
        between_blocks(chain, MAIN, int(chain.height[turn]), last),
    ]
    assert both.exposure == pytest.approx(sum(part.exposure for part in parts), rel=1e-12)
    assert both.blocks == 1000


def test_a_window_that_the_record_does_not_reach_is_an_error(chain: Blocks) -> None:
    end = float(chain.time.max())
    with pytest.raises(WindowNotKnown, match="blocks before and after it"):
        between_times(chain, MAIN, end - DAY, end + HOUR)
    with pytest.raises(WindowNotKnown, match="an end after the start"):
        between_times(chain, MAIN, end, end)
    assert "to come" in between_times(chain, MAIN, end - DAY, end).lacks[0]


def lone(heights: list[int], times: list[int]) -> Blocks:
    """Blocks of one epoch and one work, by height and time."""
    size = len(heights)
    return Blocks(np.array(heights), np.array(times), np.full(size, 1e20), np.full(size, np.nan))


def test_a_window_reaches_from_the_first_time_to_the_last() -> None:
    blocks = lone(list(range(4032, 4052)), [600 * at for at in range(20)])
    whole = between_times(blocks, MAIN, 0.0, 19 * 600.0)
    # what says the start is inside, what says the end is not
    assert (whole.blocks, whole.seconds) == (19, 11_400.0)
    assert whole.exposure == pytest.approx(11_400 / 1e20)
    assert between_times(blocks, MAIN, 600.0, 1200.0).blocks == 1
    assert between_times(blocks, MAIN, 601.0, 1201.0).blocks == 1
    for start, end in ((-1.0, 11_400.0), (0.0, 11_401.0)):
        with pytest.raises(WindowNotKnown, match="blocks before and after it"):
            between_times(blocks, MAIN, start, end)


@pytest.mark.parametrize(
    ("start", "end", "counted"),
    [
        # the gap between 100,000 s and 140,000 s lies two hours and more inside
        (92_800, 147_201, 2 + 18),
        (92_801, 147_201, None),
        (92_800, 147_200, None),
        # or two hours and more outside, after the window or before it
        (80_000, 92_800, 0),
        (80_000, 92_801, None),
        (147_201, 150_000, 0),
        (147_200, 150_000, None),
    ],
)
def test_a_gap_is_clear_of_a_window_by_two_hours(start: int, end: int, counted: int | None) -> None:
    before, after = [*range(4032, 4048)], [*range(4066, 4082)]
    times = [*range(70_000, 78_000, 500), *range(160_000, 168_000, 500)]
    times[15], times[16] = 100_000, 140_000
    blocks = lone(before + after, times)
    if counted is None:
        with pytest.raises(WindowNotKnown, match="none after block 4047 up to 4066"):
            between_times(blocks, MAIN, float(start), float(end))
    else:
        assert between_times(blocks, MAIN, float(start), float(end)).blocks == counted


@pytest.mark.parametrize(("count", "said"), [(5, 1), (6, 0)])
def test_fewer_than_six_blocks_say_next_to_nothing(count: int, said: int) -> None:
    blocks = lone(list(range(4032, 4072)), [600 * at for at in range(40)])
    window = between_blocks(blocks, MAIN, 4045, 4045 + count)
    assert len(window.lacks) == said
    assert (window.blocks, window.seconds) == (count, 600.0 * count)
    assert window.rate == pytest.approx((count - 1) / count * 1e20 / 600)


@pytest.mark.parametrize(("first", "last"), [(4050, 4050), (4051, 4050)])
def test_a_window_ends_after_it_begins(first: int, last: int) -> None:
    blocks = lone(list(range(4032, 4072)), [600 * at for at in range(40)])
    with pytest.raises(WindowNotKnown, match=f"found block {last}"):
        between_blocks(blocks, MAIN, first, last)


@pytest.mark.parametrize(("after", "at_tip"), [(10, True), (11, False)])
def test_eleven_blocks_vouch_for_the_end_of_a_window(after: int, at_tip: bool) -> None:
    blocks = lone(list(range(4032, 4072)), [600 * at for at in range(40)])
    assert between_blocks(blocks, MAIN, 4040, 4071 - after).at_tip is at_tip


def test_the_height_that_is_not_known_is_named_with_those_that_are() -> None:
    blocks = lone([4032, 4033, 4040, 4041, 4050], [0, 600, 5000, 5600, 11_000])
    with pytest.raises(HeightNotKnown) as caught:
        between_blocks(blocks, MAIN, 4032, 4049)
    assert caught.value.fields == {"lowest": 4032, "highest": 4050, "gaps": 2, "height": 4049}
    with pytest.raises(HeightNotKnown) as caught:
        between_blocks(NONE, MAIN, 1, 2)
    assert caught.value.fields == {"lowest": 0, "highest": 0, "gaps": 0, "height": 1}


def test_a_window_up_to_the_median_time_past_is_final(chain: Blocks) -> None:
    known = chain.part(0, 9000)
    end = settled_until(known)
    assert end == float(np.median(known.time[-11:]))
    window = between_times(known, MAIN, end - DAY, end)
    assert window.lacks == ()
    assert window.blocks == between_times(chain, MAIN, end - DAY, end).blocks
    # a last block two hours ahead of its time moves it by no more than a block or two
    late = known.time.copy()
    late[-1] += 2 * HOUR
    moved = settled_until(replace(known, time=late))
    assert moved <= np.sort(known.time[-11:])[6]


def test_the_first_blocks_have_nothing_to_be_compared_with(chain: Blocks) -> None:
    window = between_blocks(chain, MAIN, int(chain.height[3]), int(chain.height[200]))
    with pytest.raises(WindowNotKnown, match="6 known blocks or more"):
        window_luck(chain, MAIN, window)


def test_a_short_reference_widens_the_answer_and_is_named(chain: Blocks) -> None:
    window = between_blocks(chain, MAIN, int(chain.height[5000]), int(chain.height[5144]))
    long = window_luck(chain, MAIN, window)
    short = window_luck(chain.part(4950), MAIN, window)
    assert short.lacks == ("1966 of the 2016 blocks before it that it is compared with",)
    assert long.lacks == ()
    assert short.high - short.low > 1.4 * (long.high - long.low)


def test_a_clock_two_hours_off_at_the_tip_is_no_shortfall(chain: Blocks) -> None:
    last = int(chain.height[-1])
    late = chain.time.copy()
    late[-1] += 2 * HOUR
    window = between_blocks(replace(chain, time=late), MAIN, last - 18, last)
    assert window.at_tip
    assert window_luck(chain, MAIN, window).p_value > 1e-3
    # where blocks came after it, they say what the time was
    middle = chain.time.copy()
    middle[5018] += 2 * HOUR
    heights = int(chain.height[5000]), int(chain.height[5018])
    assert (
        between_blocks(replace(chain, time=middle), MAIN, *heights).seconds
        <= between_blocks(chain, MAIN, *heights).seconds + 2 * HOUR / 2
    )


def test_times_that_cannot_be_are_named(chain: Blocks) -> None:
    same = replace(chain, time=np.full(chain.time.size, chain.time[0]))
    window = between_blocks(same, MAIN, int(chain.height[4100]), int(chain.height[4200]))
    assert "times that can be" in window.lacks[0]
    assert np.isfinite(window.rate)


def test_networks_without_retargets_are_an_error(chain: Blocks) -> None:
    with pytest.raises(NoRetargets):
        between_blocks(chain, REGTEST, int(chain.height[0]), int(chain.height[9]))


def test_the_blocks_before_a_window_end_where_it_begins(chain: Blocks) -> None:
    window = between_blocks(chain, MAIN, int(chain.height[5000]), int(chain.height[5100]))
    before = blocks_before(chain, MAIN, window, 2016)
    assert (before.last, before.blocks) == (window.first, 2016)


def test_falls_are_as_deep_as_in_fully_mined_chains(chains: ModuleType) -> None:
    deepest = []
    for seed in range(40):
        chain = chains.mined("steady", 396, seed)
        blocks = chains.blocks_from(chain)
        day = (blocks.time - chains.START) // DAY
        rate = np.bincount(np.clip(day, 0, 395), weights=blocks.work, minlength=396)[:395]
        mean = np.convolve(rate, np.ones(30) / 30, mode="valid")
        deepest.append(float((1 - mean / np.maximum.accumulate(mean)).max()))
    for level in (0.2, 0.5):
        depth = float(np.quantile(deepest, 1 - level))
        stated = drawdown_luck([depth], [4320.0], [30.0], [100.0])[0].per_year
        assert stated == pytest.approx(level, abs=3 * (level * (1 - level) / 40) ** 0.5)


@pytest.mark.parametrize(("since", "rows"), [(100.0, 365.25), (335.25, 365.25), (1500.0, 1530.0)])
@pytest.mark.parametrize("law", ["time", "blocks"])
def test_a_fall_is_sought_over_a_year_or_since_its_peak(
    since: float, rows: float, law: Literal["time", "blocks"]
) -> None:
    (fall,) = drawdown_luck([0.08], [4320.0], [30.0], [since], law=law)
    chance = some_drawdown(*(np.array([one]) for one in (0.08, 4320.0, rows, 30.0)), law)
    # as often within a time as an exponential wait ends in it
    assert fall.once_in_years == pytest.approx(float(rows / 365.25 / -np.log(1 - chance[0])))
    assert fall.per_year == pytest.approx(1 - np.exp(-1 / fall.once_in_years))
    (weeks,) = drawdown_luck([0.08], [4320.0], [30.0], [since], law=law, rows_per_year=52.0)
    assert weeks.per_year < fall.per_year or since > 52


def test_falls_that_luck_never_makes_and_always_makes() -> None:
    never, always = drawdown_luck([0.9, 1e-4], [4320.0] * 2, [30.0] * 2, [100.0] * 2)
    assert never.once_in_years == 1e6
    assert never.per_year == pytest.approx(1e-6)
    assert always.per_year == pytest.approx(1.0)
    assert 0 < always.once_in_years < 0.2


def test_an_older_peak_leaves_luck_more_time() -> None:
    young, old = drawdown_luck([0.09, 0.09], [4320.0] * 2, [30.0] * 2, [100.0, 1500.0])
    assert old.once_in_years < young.once_in_years
    assert drawdown_luck([], [], [], []) == []


def test_the_storm_of_january_2026(real_record: Record) -> None:
    start = 1_769_212_800  # 24 Jan 2026
    blocks = blocks_of(real_record)
    day = window_luck(blocks, MAIN, between_times(blocks, MAIN, start, start + DAY))
    assert day.window.blocks == 98
    # the day alone: 3.1e-5 against 144 expected; as the worst of its year it is no rarity
    assert day.p_value == pytest.approx(3.1e-5, rel=0.3)
    assert day.p_span > 0.05
    # the week of the storm is
    around = between_times(blocks, MAIN, start - DAY, start + 6 * DAY)
    week = window_luck(blocks, MAIN, around)
    assert week.once_in_years > 1000
    assert -0.25 < week.low < week.change < week.high < -0.1
