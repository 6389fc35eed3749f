"""The study of pools on chains made by hand: windows, verdicts, gaps, edges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from hashcanary.chain.header_times import median_time_past
from hashcanary.chain.networks import MAIN
from hashcanary.store.record import Record
from hashcanary.studies.errors import NoPoolLabels
from hashcanary.studies.pools import study_pools

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
START = 1_231_027_200
WORK_OF_EASY = 0x100010001


def record(*days: Sequence[str | None]) -> Record:
    """A day of equally spaced blocks for each list of labels, and one more so that all end."""
    pools: list[str | None] = []
    times: list[int] = []
    for number, day in enumerate([*days, ["x"] * 144]):
        pools += day
        times += [START + number * DAY + at * DAY // len(day) for at in range(len(day))]
    heights = np.arange(len(pools), dtype=np.int64)
    median, known = median_time_past(np.array(times), heights)
    blocks = pl.DataFrame({"height": heights, "time": times}).with_columns(
        bits=pl.lit(0x1D00FFFF, pl.Int64),
        median_time_past=pl.when(pl.Series(known)).then(pl.Series(median)),
        total_fee=pl.lit(0, pl.Int64),
        known_at=pl.col("time"),
    )
    labels = pl.DataFrame(
        {"height": heights, "pool": pools}, schema={"height": pl.Int64, "pool": pl.String}
    ).drop_nulls()
    none = pl.DataFrame()
    return Record(
        at=None,
        at_text="latest",
        network=MAIN,
        simulated=True,
        blocks=blocks,
        daily=none,
        candles=none,
        pool_labels=labels,
        pool_list="test@0",
    )


EVEN = ["a"] * 72 + ["b"] * 62 + ["unknown"] * 10


def test_a_window_and_the_one_before_it() -> None:
    study = study_pools(record(EVEN, EVEN, EVEN, EVEN), days=2)
    assert (study.start, study.end) == (START + 2 * DAY, START + 4 * DAY)
    assert (study.blocks, study.before, study.compared) == (288, 288, 2)
    assert (study.list, study.simulated) == ("test@0", True)
    names = [(row.pool, row.blocks, row.before, row.beyond_luck) for row in study.rows]
    assert names == [("a", 144, 144, False), ("b", 124, 124, False), ("unknown", 20, 20, None)]
    first = study.rows[0]
    assert first.share.value == 0.5
    assert first.share_change is not None
    assert first.share_change.value == 0
    assert first.share_change.low == -first.share_change.high
    assert first.p_value == first.p_corrected == 1.0


def test_a_pools_hashrate_is_its_own_work_with_its_own_limits() -> None:
    first = study_pools(record(EVEN), days=1).rows[0]
    per_block = WORK_OF_EASY / DAY
    assert first.hashrate.value == pytest.approx(72 * per_block)
    assert first.hashrate.low == pytest.approx(chi2.ppf(0.025, 144) / 2 * per_block)
    assert first.hashrate.high == pytest.approx(chi2.ppf(0.975, 146) / 2 * per_block)


def test_without_a_window_before_nothing_is_compared() -> None:
    study = study_pools(record(EVEN), days=1)
    assert (study.before, study.compared) == (None, 0)
    assert {row.beyond_luck for row in study.rows} == {None}
    assert {row.hashrate_change for row in study.rows} == {None}


def test_a_pool_that_switched_off_is_beyond_luck() -> None:
    gone = ["b"] * 134 + ["unknown"] * 10
    study = study_pools(record(EVEN, gone), days=1)
    assert [row.pool for row in study.rows] == ["b", "a", "unknown"]
    assert [row.beyond_luck for row in study.rows] == [True, True, None]
    gone_row = study.rows[1]
    assert gone_row.hashrate_change is not None
    assert gone_row.hashrate_change.value == gone_row.hashrate_change.low == -1
    # no block where 72 were: at most 1 - 0.025^(1/72) of all blocks are, a ratio of 5%
    share = 1 - 0.025 ** (1 / 72)
    assert gone_row.hashrate_change.high == pytest.approx(share / (1 - share) - 1)
    assert gone_row.hashrate.low == 0
    assert gone_row.hashrate.high > 0


def test_a_new_pool_has_no_relative_change() -> None:
    new = ["a"] * 72 + ["b"] * 52 + ["c"] * 20
    study = study_pools(record(EVEN, new), days=1)
    row = next(row for row in study.rows if row.pool == "c")
    assert (row.blocks, row.before) == (20, 0)
    assert row.hashrate_change is not None
    assert np.isnan(row.hashrate_change.value)
    assert row.beyond_luck


def test_a_day_without_all_labels_ends_the_run_of_days() -> None:
    holed = [*EVEN[:-1], None]
    found = record(EVEN, holed, EVEN, EVEN)
    assert study_pools(found, days=1).before == 144
    assert study_pools(found, days=2).before is None
    with pytest.raises(NoPoolLabels, match="2 up to the last such day"):
        study_pools(found, days=3)


def test_what_was_not_known_is_not_used() -> None:
    whole = record(EVEN, ["a"] * 144)
    at = START + DAY + 3600
    cut = replace(whole, at=at, blocks=whole.blocks.filter(pl.col("known_at") <= at))
    study = study_pools(cut, days=1)
    assert study.end == START + DAY
    assert study.rows == study_pools(record(EVEN), days=1).rows


def test_without_labels_there_is_nothing_to_study() -> None:
    whole = record(EVEN)
    bare = replace(whole, pool_labels=whole.pool_labels.clear(), pool_list=None)
    with pytest.raises(NoPoolLabels):
        study_pools(bare)
    with pytest.raises(NoPoolLabels):
        study_pools(replace(whole, blocks=whole.blocks.clear()))


def test_limits_of_a_difference_hold_at_least_as_often_as_they_say() -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        one, two = (
            ["a"] * (n := int(rng.binomial(144, share))) + ["b"] * (144 - n) for share in (0.3, 0.2)
        )
        rows = study_pools(record(one, two), days=1).rows
        change = next(row.share_change for row in rows if row.pool == "a")
        assert change is not None
        held += change.low <= -0.1 <= change.high
    # of 300 at 95%, 3 standard deviations below is 273
    assert held >= 273
