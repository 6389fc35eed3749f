"""Windows of what was seen: their hashrate, what is cut off, and gaps."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from support.records import blocks_at, chain, record, vendor_rows

from hashcanary.chain.networks import REGTEST
from hashcanary.inference.errors import NoRetargets, TooFewToExplain
from hashcanary.inference.gap.seen import DAYS, Sightings
from hashcanary.metrics.errors import NothingToMeasure
from hashcanary.moments import DAY

START = 1_577_836_800
# hashes of a block of difficulty 1
WORK = 2**32 * 65_536 / 65_535


def _even(days: int, start: int = START, spacing: int = 600, first: int = 500_000) -> pl.DataFrame:
    """A block every ten minutes, which starts and ends in the middle of one."""
    times = range(start + spacing // 2, start + days * DAY, spacing)
    return chain(times, first)


def test_an_even_chain_has_the_rate_of_its_spacing_in_every_window() -> None:
    seen = Sightings(record(_even(60))).until()
    days = (seen.end - seen.start) / DAY
    assert days.max() == 1.0
    expected = 144 * days
    # the mean of the log of a Gamma variate lies below the log of its mean by 1 / 2n
    assert np.exp(seen.log_rate) == pytest.approx(WORK / 600 * np.exp(-0.5 / expected), rel=0.04)
    assert seen.variance == pytest.approx(1 / expected, rel=0.05)
    assert not seen.vendor.any()


def test_windows_follow_each_other_up_to_the_last_block_and_are_finer_at_the_end() -> None:
    blocks = _even(60)
    seen = Sightings(record(blocks)).until()
    assert seen.end[-1] == blocks["time"].max()
    assert (seen.start[1:] == seen.end[:-1]).all()
    late = seen.start >= seen.end[-1] - 13 * DAY
    assert ((seen.end - seen.start)[late] <= DAY / 4).all()
    assert ((seen.end - seen.start)[~late][:-4] == DAY).all()


@pytest.mark.parametrize("days", [40.0, 45.3])
def test_what_comes_after_a_moment_changes_nothing(days: float) -> None:
    moment = START + int(days * DAY)
    blocks = _even(60)
    cut = record(blocks.filter(blocks["known_at"] <= moment), at=moment)
    whole, then = Sightings(record(blocks)).until(moment), Sightings(cut).until(moment)
    for name in ("start", "end", "log_rate", "variance"):
        assert getattr(whole, name) == pytest.approx(getattr(then, name))


def test_no_more_than_a_year_and_a_quarter_is_looked_at() -> None:
    seen = Sightings(record(_even(600))).until()
    assert seen.end[-1] - seen.start[0] <= DAYS * DAY
    assert seen.end[-1] - seen.start[0] > (DAYS - 2) * DAY


def test_a_vendors_days_stand_in_for_blocks_that_are_not_known() -> None:
    rows = [
        (START // DAY + day, series, value, START + (day + 1) * DAY)
        for day in range(90)
        for series, value in (("BlkCnt", 144.0), ("DiffMean", 1.0))
    ]
    seen = Sightings(record(_even(30, START + 60 * DAY), vendor_rows(rows))).until()
    assert seen.vendor[:50].all()
    assert not seen.vendor[-20:].any()
    assert np.exp(seen.log_rate) == pytest.approx(WORK / 600, rel=0.08)


def test_a_gap_stays_one() -> None:
    blocks = _even(60)
    gap = (blocks["height"] > 502_000) & (blocks["height"] < 503_500)
    seen = Sightings(record(blocks.filter(~gap))).until()
    empty = (seen.start[1:] - seen.end[:-1]) / DAY
    # days of which a block is not known are left out
    assert 1_500 / 144 <= empty.max() <= 1_500 / 144 + 2
    assert np.exp(seen.log_rate) == pytest.approx(WORK / 600, rel=0.06)


def test_a_quarter_with_hardly_a_block_goes_with_the_one_before() -> None:
    times = [*range(START + 300, START + 50 * DAY, 600), START + 50 * DAY + 9_000]
    times += range(START + 50 * DAY + 20_000, START + 51 * DAY, 600)
    seen = Sightings(record(chain(times, 500_000))).until()
    assert np.isfinite(seen.log_rate).all()
    assert (seen.start[1:] == seen.end[:-1]).all()
    assert (seen.variance < 1 / 5).all()


def test_too_little_is_refused_with_what_was_found() -> None:
    with pytest.raises(TooFewToExplain, match=r"found 19\.0 days up to 2020-01-20"):
        Sightings(record(_even(20))).until()
    with pytest.raises(TooFewToExplain, match="last 3"):
        Sightings(record(_even(60))).until(START + 70 * DAY)
    with pytest.raises(NothingToMeasure):
        Sightings(record(blocks_at([], []))).until()
    with pytest.raises(NoRetargets):
        Sightings(record(_even(60), network=REGTEST))
