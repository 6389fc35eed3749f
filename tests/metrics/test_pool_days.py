"""Days by pool from records made by hand: labels missing, groups in time, gaps in windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from support.records import labelled

from hashcanary.metrics.declaration import all_metrics
from hashcanary.metrics.engine import metrics_of
from hashcanary.moments import day_start
from hashcanary.sources.pools.pool_lists import built_in
from hashcanary.store.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
A_DAY = 144
POOL_METRICS = [name for name in all_metrics() if name.startswith("pools.")]


def record(pools: Sequence[str | None], start: int = 1_231_027_200) -> Record:
    """A chain from height 0 with a block every ten minutes; ``pools`` are their labels."""
    return labelled(range(start, start + 600 * len(pools), 600), pools, simulated=False)


def days(*pools: Sequence[str | None]) -> list[str | None]:
    """144 labels a day: each day's are repeated to fill it; and a day more, so that all end."""
    blocks = [one[at % len(one)] for one in pools for at in range(A_DAY)]
    return [*blocks, *["x"] * A_DAY]


def test_counts_of_a_week_give_every_figure() -> None:
    week = days(*[("a", "a", "b", "unknown")] * 7)
    results = metrics_of(record(week))
    total, half, quarter = 1008, 504, 252
    expected = {
        "pools.unknown_share7": quarter / total,
        "pools.largest_share7": half / total,
        "pools.hhi7": (half * (half - 1) + quarter * (quarter - 1)) / (total * (total - 1)),
        "pools.nakamoto7": 2,
    }
    for name, value in expected.items():
        (row,) = results[name].present().rows(named=True)
        assert row["value"] == pytest.approx(value), name
        assert row["low"] <= row["value"] <= row["high"]
        assert row["blocks"] == total
        # the day is final when the median of eleven times has passed midnight: five blocks on
        assert row["known_at"] == row["time"] + DAY + 5 * 600


def test_a_block_without_a_label_leaves_its_day_and_windows_missing() -> None:
    whole = [("a", "b")] * 9
    labels = days(*whole)
    labels[A_DAY // 2] = None
    shown = metrics_of(record(labels))["pools.hhi7"]
    # day 1 is missing: windows that end on days 8 and 9 are whole
    assert shown.rows["value"].is_not_null().to_list() == [False] * 7 + [True] * 2 + [False]
    assert "pool label" in shown.rows["missing"][0]
    assert shown.rows["missing"][6] == "warm-up, or a gap within the last 7 days"


def test_a_record_without_labels_has_no_figures_and_says_why() -> None:
    bare = record(days(*[("a",)] * 8))
    bare = replace(bare, pool_labels=bare.pool_labels.clear(), pool_list=None)
    for name in POOL_METRICS:
        rows = metrics_of(bare)[name].rows
        assert rows["value"].is_null().all()
        assert rows["missing"].str.contains("pool label").all()


def test_figures_do_not_depend_on_what_pools_are_called() -> None:
    one = days(*[("a", "a", "b", "c", "unknown")] * 7)
    other = [{"a": "z", "b": "m", "c": "q"}.get(str(name), name) for name in one]
    first, second = (metrics_of(record(labels)) for labels in (one, other))
    for name in POOL_METRICS:
        assert first[name].rows.equals(second[name].rows), name


def test_two_spellings_of_one_pool_are_one() -> None:
    labels = days(*[("slushpool", "braiinspool", "unknown", "x")] * 7)
    (row,) = metrics_of(record(labels))["pools.largest_share7"].present().rows(named=True)
    assert row["value"] == 0.5


def test_pools_of_a_group_are_one_from_its_day_on() -> None:
    friends = next(one for one in built_in().groups if one.slug == "antpool-and-friends")
    assert friends.since == day_start(date(2022, 7, 1))
    start = friends.since - 7 * DAY
    labels = days(*[("poolin", "luxor", "f2pool", "viabtc")] * 14)
    results = metrics_of(record(labels, start))
    together = results["pools.group_largest_share7"].present()
    apart = results["pools.largest_share7"].present()
    assert together["value"][0] == apart["value"][0] == 0.25
    assert together["value"][-1] == 0.5
    assert apart["value"][-1] == 0.25
    assert together["value"].is_sorted()
