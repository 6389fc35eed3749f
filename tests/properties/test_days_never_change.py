"""Whatever a chain's header times, gaps and vendor, a day once given never changes.

Chains are drawn under the rules of consensus only: each header time above the median of the
eleven before, at most two hours ahead of the clock. Blocks are hours apart so that few of them
make many days, midnights and gaps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.records import EASY, record, vendor_rows

from hashcanary.chain.header_times import median_time_past
from hashcanary.metrics.engine import metrics_of
from hashcanary.metrics.inputs import BASE_INPUTS
from hashcanary.store.record import Record

DAY, HOUR = 86_400, 3600


@st.composite
def chains(draw: st.DrawFn, slow: int = 12 * HOUR) -> tuple[pl.DataFrame, np.ndarray]:
    """A chain of 40 to 160 blocks with gaps, its first height 0 or not; the times of all of them.

    slow: by how much, at most, a miner's clock is behind.
    """
    first = draw(st.sampled_from([0, 777]))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    clock, times = 100 * DAY + int(rng.integers(DAY)), list[int]()
    for _ in range(draw(st.integers(40, 160))):
        clock += int(rng.exponential(HOUR * 2))
        recent = sorted(times[-11:])
        least = recent[len(recent) // 2] + 1 if recent else 0
        latest = clock + 2 * HOUR
        times.append(int(rng.integers(max(least, clock - slow), max(least, latest) + 1)))
    heights = np.arange(first, first + len(times))
    kept = np.ones(len(times), dtype=bool)
    for _ in range(draw(st.integers(0, 2))):
        start = int(rng.integers(len(times)))
        kept[start : start + int(rng.integers(1, 30))] = False
    kept[-1] |= not kept.any()
    stamps = np.array(times)
    median, _ = median_time_past(stamps, np.arange(len(times)))
    median_known = median_time_past(stamps[kept], heights[kept])[1] | (rng.random(kept.sum()) < 0.1)
    frame = pl.DataFrame({"height": heights[kept], "time": stamps[kept]}).with_columns(
        bits=pl.lit(EASY, dtype=pl.Int64),
        median_time_past=pl.when(pl.Series(median_known)).then(pl.Series(median[kept])),
        total_fee=pl.Series(rng.integers(0, 9, kept.sum())).replace(0, None),
        known_at=pl.col("time").cum_max(),
    )
    return frame, stamps


@st.composite
def vendors(draw: st.DrawFn) -> pl.DataFrame:
    """Daily rows with holes, some known late."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def late(day: int) -> int:
        return (day + 1) * DAY + int(rng.choice([0, 0, 0, HOUR, 3 * DAY]))

    return vendor_rows(
        (day, series, float(rng.integers(0, 20)), late(day))
        for day in range(98, 125)
        for series in ("BlkCnt", "DiffMean", "FeeTotNtv", "IssTotNtv", "SplyCur", "PriceUSD")
        if rng.random() < 0.8
    )


def cut(whole: Record, at: int) -> Record:
    known = pl.col("known_at") <= at
    return replace(whole, at=at, blocks=whole.blocks.filter(known), daily=whole.daily.filter(known))


@settings(max_examples=60, deadline=None)
@given(chains(), vendors(), st.integers(101 * DAY, 118 * DAY))
def test_every_input_known_at_a_moment_stays_as_it_was(
    chain: tuple[pl.DataFrame, np.ndarray], daily: pl.DataFrame, at: int
) -> None:
    whole = record(chain[0], daily)
    full, then = metrics_of(whole), metrics_of(cut(whole, at))
    for grain, inputs in BASE_INPUTS.items():
        for name in inputs:
            now, was = (one.frame(grain, [name]).drop_nulls(name) for one in (full, then))
            assert_frame_equal(was, now.filter(pl.col(f"{name}.known_at") <= at), check_exact=True)


@settings(max_examples=100, deadline=None)
@given(chains(slow=2 * HOUR))
def test_final_days_hold_all_blocks_that_fall_into_them_also_those_in_gaps(
    chain: tuple[pl.DataFrame, np.ndarray],
) -> None:
    blocks, every_time = chain
    frame = metrics_of(record(blocks)).frame("day", ["blocks.count"])
    counted = frame.select(day=pl.col("time") // DAY, count="blocks.count").drop_nulls()
    by_hand = pl.DataFrame({"day": every_time // DAY}).group_by("day").len()
    both = counted.join(by_hand, on="day", how="left").fill_null(0)
    assert (both["count"] == both["len"]).all()
