"""What pools' blocks say of a fall, against closed forms."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import dirichlet_multinomial

from hashcanary.inference.explain.causes import read_causes, read_pool_regions
from hashcanary.inference.explain.pool_loss import (
    LOSSES,
    PoolCounts,
    PoolTables,
    _mean_density,
    by_loss,
    log_sum,
    pool_losses,
    pool_tables,
    region_losses,
)

if TYPE_CHECKING:
    from pathlib import Path

REGIONS, CAUSES = read_pool_regions(), read_causes()
TIME = 1_769_000_000.0


def _counts(before: list[int], after: list[int]) -> PoolCounts:
    names = ("unknown", "foundryusa", "marapool", "viabtc", "f2pool")
    return PoolCounts(names, np.array(before), np.array(after), 28.0, 3.0, 1.0, "list")


USUAL = [400, 1230, 220, 430, 430]


def test_densities_of_all_counts_sum_to_one() -> None:
    left = np.array([[[0.5, 0.3, 0.2]], [[0.2, 0.2, 0.1]]])
    total = 0.0
    for first, second in product(range(7), range(7)):
        if first + second <= 6:
            after = np.array([first, second, 6 - first - second])
            total += float(np.exp(_mean_density(after, left, 30.0)[0]))
    assert total == pytest.approx(1.0)


def test_without_a_loss_every_hypothesis_says_what_luck_says() -> None:
    counts = _counts(USUAL, [40, 110, 20, 45, 40])
    tables = pool_tables(counts, REGIONS, CAUSES, TIME)
    assert LOSSES[0] == 0.0
    for table in (tables.alike, *tables.regions.values()):
        assert table[0] == pytest.approx(tables.luck)
    share = (counts.before + 0.5) / (counts.before + 0.5).sum()
    drift = 1 / ((1 + 3 / 20) / 900 + 1 / counts.before.sum())
    law = dirichlet_multinomial(drift * share, counts.after.sum())
    assert tables.luck == pytest.approx(law.logpmf(counts.after))


def test_american_pools_that_lose_speak_for_america() -> None:
    counts = _counts(USUAL, [50, 75, 8, 55, 55])
    tables = pool_tables(counts, REGIONS, CAUSES, TIME)
    at = int(np.searchsorted(LOSSES, 0.25))
    assert tables.regions["north-america"][at] > tables.luck + 2
    assert tables.regions["china"][at] < tables.luck
    assert tables.regions["north-america"][at] > tables.alike[at] + 2


def test_a_region_of_one_small_pool_can_lose_it_all_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    entry = '[[pool]]\nslug = "{}"\nexposure = {{ a = {} }}\nsure = 1e6\nsource = "s"\n'
    path.write_text(
        'regions = ["a"]\n[names]\na = "A"\n[power]\n'
        + entry.format("small", 1.0)
        + entry.format("large", 0.0)
        + entry.format("unknown", 0.0),
        "utf-8",
    )
    regions = read_pool_regions(path)
    names, before = ("unknown", "large", "small"), np.array([100, 2000, 60])
    deep = int(np.searchsorted(LOSSES, 0.25))
    for after, gone in ((np.array([10, 200, 0]), True), (np.array([10, 200, 6]), False)):
        counts = PoolCounts(names, before, after, 28.0, 3.0, 1.0, "list")
        table = pool_tables(counts, regions, CAUSES, TIME).regions["a"]
        # a loss of more than all it has leaves next to nothing of it
        assert np.isfinite(table).all()
        assert table[-1] == pytest.approx(table[deep])
        assert (table[deep] > table[0]) == gone


def test_equal_losses_speak_against_the_region_of_few_pools() -> None:
    tables = pool_tables(_counts(USUAL, [32, 96, 17, 34, 34]), REGIONS, CAUSES, TIME)
    at = int(np.searchsorted(LOSSES, 0.25))
    assert tables.alike[at] > tables.regions["north-america"][at]


def test_a_pools_change_is_that_of_its_blocks_a_day_weighed_by_their_work() -> None:
    counts = PoolCounts(
        ("unknown", "foundryusa"), np.array([280, 560]), np.array([30, 30]), 28.0, 3.0, 1.1, "list"
    )
    rows = {row.pool: row for row in pool_losses(counts)}
    assert rows["foundryusa"].change.value == pytest.approx(10 * 1.1 / 20 - 1)
    assert rows["unknown"].change.value == pytest.approx(0.1)
    for row in rows.values():
        assert row.change.low < row.change.value < row.change.high
    assert rows["foundryusa"].change.high < 0
    assert next(iter(pool_losses(counts))).pool == "foundryusa"


def test_the_loss_of_american_pools_is_americas_more_than_its_share() -> None:
    found = {
        row.region: row for row in region_losses(_counts(USUAL, [42, 60, 7, 46, 45]), REGIONS, TIME)
    }
    america = found["north-america"]
    assert america.loss.low > america.share.value
    for row in found.values():
        assert row.loss.low <= row.loss.value <= row.loss.high


def test_where_no_loss_is_sure_no_region_is_named() -> None:
    assert region_losses(_counts(USUAL, [43, 132, 24, 46, 46]), REGIONS, TIME) == ()


def test_a_cause_loses_in_one_of_its_regions_or_alike() -> None:
    rng = np.random.default_rng(4)
    (storm, *_) = read_causes().real
    tables = PoolTables(
        luck=-3.0,
        silent=-5.0,
        alike=rng.normal(-4, 2, LOSSES.size),
        regions={region: rng.normal(-4, 2, LOSSES.size) for region in storm.regions},
    )
    found = by_loss(storm, tables)
    total = sum(storm.regions.values())
    for at in range(LOSSES.size):
        expected = (1 - storm.regional) * np.exp(tables.alike[at]) + sum(
            storm.regional * share / total * np.exp(tables.regions[region][at])
            for region, share in storm.regions.items()
        )
        assert found[at] == pytest.approx(np.log(expected))


def test_a_sum_of_logs_is_that_of_their_exponentials() -> None:
    values = np.log(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert log_sum(values, (0,)) == pytest.approx(np.log([4.0, 6.0]))
    assert log_sum(np.array([-np.inf, -np.inf]), (0,)) == -np.inf
    # no overflow where exponentials have one
    assert log_sum(np.array([1000.0, 1000.0]), (0,)) == pytest.approx(1000 + np.log(2))
