"""The span of an epoch read off the next target, against the times of its own blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from support.records import record

from hashcanary.chain.networks import MAIN, REGTEST, TESTNET4
from hashcanary.metrics.engine import metrics_of
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from hashcanary.chain.networks import Network


def record_of(heights: list[int], times: list[int], bits: list[int], network: Network) -> Record:
    columns = {"height": heights, "time": times, "bits": bits, "known_at": times}
    return record(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64)), network=network)


def spans_of(record: Record) -> pl.DataFrame:
    return metrics_of(record).frame("epoch", ["epoch.span", "epoch.last_height"])


def test_a_published_retarget_gives_its_span_back() -> None:
    # real headers of 2026: bits 1701fca1, first block 933408 at 1769110282, last one 935423 at
    # 1770471767, next bits 17023c7e at 935424 (2026-02-07 13:56:45 UTC)
    first_and_next = record_of(
        [933_408, 935_424], [1_769_110_282, 1_770_472_605], [0x1701FCA1, 0x17023C7E], MAIN
    )
    row = spans_of(first_and_next).row(0, named=True)
    assert row["epoch.span"] == pytest.approx(1_770_471_767 - 1_769_110_282, rel=3.1e-5)
    assert row["epoch.last_height"] is None
    assert row["epoch.span.known_at"] == 1_770_472_605


def test_its_own_last_block_is_preferred() -> None:
    whole = record_of(
        [933_408, 935_423, 935_424],
        [1_769_110_282, 1_770_471_767, 1_770_472_605],
        [0x1701FCA1, 0x1701FCA1, 0x17023C7E],
        MAIN,
    )
    row = spans_of(whole).row(0, named=True)
    assert row["epoch.span"] == 1_770_471_767 - 1_769_110_282
    assert row["epoch.span.known_at"] == 1_770_471_767


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0x1C05A3F4, 0x1C0168FD),  # Core's vector of the lower limit, height 68,544
        (0x1D00FFFF, 0x1D00FFFF),  # the easiest target stays: the span was two weeks or more
        (0x1C387F6F, 0x1D00E1FD),  # Core's vector of the upper limit
    ],
)
def test_a_limited_target_tells_no_span(before: int, after: int) -> None:
    record = record_of([66_528, 68_544], [1_279_008_237, 1_279_297_671], [before, after], MAIN)
    assert spans_of(record)["epoch.span"].to_list() == [None, None]
    assert spans_of(record)["epoch.span.known_at"].to_list() == [None, None]


@pytest.mark.parametrize("network", [REGTEST, TESTNET4], ids=lambda network: network.name)
def test_other_rules_tell_no_span(network: Network) -> None:
    size = network.retarget_interval
    record = record_of([size, 2 * size], [1_000, 2_000], [0x1C0FFFFF, 0x1C0EFFFF], network)
    assert spans_of(record)["epoch.span"].to_list() == [None, None]


def test_every_known_span_of_the_record_is_told_by_its_next_target(real_record: Record) -> None:
    known = spans_of(real_record).drop_nulls("epoch.last_height")
    ends = pl.col("height") % 2016 != 2015
    told = spans_of(replace(real_record, blocks=real_record.blocks.filter(ends)))
    both = known.join(told, on="time", suffix="_told").drop_nulls("epoch.span_told")
    assert both.height > 260
    error = both["epoch.span_told"].to_numpy() / both["epoch.span"].to_numpy() - 1
    assert np.abs(error).max() < 3.1e-5
