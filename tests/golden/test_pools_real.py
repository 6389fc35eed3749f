"""Who mined real blocks, and what the labels of real years say, against facts and other code."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
import zstandard
from scipy.stats import binomtest, chi2, fisher_exact

from hashcanary.chain.coinbase import parse_coinbase
from hashcanary.moments import parse_moment
from hashcanary.sources.pools.attribution import attribute
from hashcanary.sources.pools.pool_lists import built_in, read_pool_list
from hashcanary.store.recording import record_of
from hashcanary.studies.pools import study_pools

if TYPE_CHECKING:
    from hashcanary.metrics.engine import Metrics
    from hashcanary.store.lake import Lake
    from hashcanary.studies.pools import PoolRow, PoolStudy

DAY = 86_400
# file: who mined it, as block explorers say of these heights
MINED = {
    "block169482.dat": "unknown",
    "block227835.dat": "unknown",
    "block227836.dat": "braiinspool",
    "block363703.dat": "antpool",
    "block370661.dat": "braiinspool",
    "block383616.dat": "ghashio",
    "block481815.dat": "bitclub",
    "block481829.dat": "bixin",
    "electrs_000000000000000002d249a3d89f63ef3fee203adcca7c24008c13fd854513f2.raw": "viabtc",
    "electrs_00000000000000001203c1ea455e38612bdf36e9967fdead11935c8e22283ecc.raw": "f2pool",
    "floresta_block_367891.raw.zst": "f2pool",
    "floresta_block_866342.raw.zst": "marapool",
}


def coinbases(folder: Path) -> pl.DataFrame:
    """Coinbases of the real blocks, found by hand behind header and transaction count."""
    rows = []
    for name in MINED:
        data = (folder / name).read_bytes()
        if name.endswith(".zst"):
            data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
        found = parse_coinbase(data, 81 if data[80] < 0xFD else 83)
        rows.append((name, found.script, found.outputs))
    return pl.DataFrame(rows, schema=["name", "script", "outputs"], orient="row")


@pytest.mark.parametrize("which", ["built-in", "pools-v2.json"])
def test_real_blocks_have_their_miners_by_either_list(which: str, real_data: Path) -> None:
    pools = built_in() if which == "built-in" else read_pool_list(real_data / "pools" / which)
    blocks = coinbases(real_data / "raw_blocks")
    found = attribute(blocks["script"], blocks["outputs"], pools)
    assert dict(zip(blocks["name"], found["pool"], strict=True)) == MINED
    slush = found.row(list(MINED).index("block227836.dat"))
    assert slush == ("braiinspool", "tag /slush/")


def test_the_two_labelings_differ_on_as_many_blocks_as_published(real_lake: Lake) -> None:
    one, two = (record_of(real_lake, None, name).pool_labels for name in ("v1", "v2"))
    both = one.join(two, on="height", suffix="_two")
    assert (one.height, both.height) == (324_118, 270_738)
    assert (both["pool"] != both["pool_two"]).mean() == pytest.approx(0.038, abs=0.0005)


@pytest.fixture(scope="module")
def labelled(real_data: Path) -> pl.DataFrame:
    """The table as it stands: height, time, pool by the first labelling, work by the target."""
    table = pl.read_parquet(real_data / "blocks" / "blocks_610683_934800.parquet")
    bits = pl.col("nbits").cast(pl.Int64)
    target = (bits % 2**24).cast(pl.Float64) * 256.0 ** (bits // 2**24 - 3)
    return table.select("height", "time", pool="pool_slug_v1", work=2.0**256 / target)


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def between(blocks: pl.DataFrame, first: str, days: int) -> pl.DataFrame:
    start = seconds(first)
    return blocks.filter(pl.col("time").is_between(start, start + days * DAY, closed="left"))


def storm(lake: Lake, day: str, days: int) -> tuple[PoolStudy, PoolRow]:
    """The window that ends with ``day``, as known at noon after it; Foundry's row."""
    at = datetime.fromtimestamp(seconds(day) + DAY + DAY // 2, UTC).isoformat()
    study = study_pools(record_of(lake, parse_moment(at)), days)
    assert study.end == seconds(day) + DAY
    return study, next(row for row in study.rows if row.pool == "foundryusa")


@pytest.mark.parametrize("day", [f"2026-01-{day}" for day in range(20, 31)])
def test_foundrys_share_by_day_through_the_storm(
    day: str, real_lake: Lake, labelled: pl.DataFrame
) -> None:
    study, row = storm(real_lake, day, 1)
    blocks = between(labelled, day, 1)
    own = blocks.filter(pool="foundryusa").height
    limits = binomtest(own, blocks.height).proportion_ci(0.95, "exact")
    assert (study.blocks, row.blocks) == (blocks.height, own)
    assert (row.share.value, row.share.low, row.share.high) == pytest.approx(
        (own / blocks.height, limits.low, limits.high)
    )


def test_reports_of_the_storm_that_conflict_are_told_apart(
    real_lake: Lake, labelled: pl.DataFrame
) -> None:
    # reports: Foundry from 328 to 198 EH/s (-40%), or from about 340 to 140 (-60%)
    study, row = storm(real_lake, "2026-01-26", 3)
    own = [
        between(labelled, day, 3).filter(pool="foundryusa") for day in ("2026-01-24", "2026-01-21")
    ]
    now, before = (part.height for part in own)
    assert (row.blocks, row.before) == (now, before) == (77, 125)
    change = row.hashrate_change
    assert change is not None
    works = [float(part["work"].sum()) for part in own]
    assert change.value == pytest.approx(works[0] / works[1] - 1, abs=1e-6)
    # the ratio of two Poisson counts: limits of a binomial share, turned into a ratio; the
    # difficulty fell by 3% within the window before, so that its blocks weigh not quite alike
    limits = binomtest(now, now + before).proportion_ci(0.95, "exact")
    harder = works[0] / now / (works[1] / before)
    assert change.low == pytest.approx(harder * limits.low / (1 - limits.low) - 1, abs=1e-3)
    assert change.high == pytest.approx(harder * limits.high / (1 - limits.high) - 1, abs=1e-3)
    assert change.low < -0.40 < change.high
    assert change.low > -0.60
    # Garwood's limits of the pool's own blocks hold 198 EH/s, and not 140
    work = row.hashrate.value / now
    assert row.hashrate.low == pytest.approx(work * chi2.ppf(0.025, 2 * now) / 2)
    assert row.hashrate.high == pytest.approx(work * chi2.ppf(0.975, 2 * now + 2) / 2)
    assert row.hashrate.low < 198e18 < row.hashrate.high
    assert row.hashrate.low > 140e18
    # 140 EH/s was a day's: its worst
    _, worst = storm(real_lake, "2026-01-25", 1)
    assert worst.blocks == 16
    assert worst.hashrate.low < 140e18 < worst.hashrate.high
    assert study.days == 3


def test_a_weeks_share_shows_that_foundry_fell_by_more_than_luck(
    real_lake: Lake, labelled: pl.DataFrame
) -> None:
    study, row = storm(real_lake, "2026-01-29", 7)
    now, before = (between(labelled, day, 7) for day in ("2026-01-23", "2026-01-16"))
    tests = {}
    for pool in set(now["pool"]) | set(before["pool"]) - {"unknown"}:
        first, second = (part.filter(pool=pool).height for part in (now, before))
        tests[pool] = fisher_exact(
            [[first, second], [now.height - first, before.height - second]]
        ).pvalue
    tests.pop("unknown", None)
    assert study.compared == len(tests)
    assert row.p_value == pytest.approx(tests["foundryusa"], rel=1e-6)
    assert min(tests, key=tests.__getitem__) == "foundryusa"
    # Holm: the least of m p-values times m
    assert row.p_corrected == pytest.approx(len(tests) * tests["foundryusa"], rel=1e-6)
    assert [one.pool for one in study.rows if one.beyond_luck] == ["foundryusa"]
    assert row.share_change is not None
    assert row.share_change.high < 0


def test_shares_add_up_and_every_block_has_a_row(real_lake: Lake) -> None:
    study, _ = storm(real_lake, "2026-01-26", 7)
    assert sum(row.blocks for row in study.rows) == study.blocks
    assert math.fsum(row.share.value for row in study.rows) == pytest.approx(1)
    assert study.rows[-1].pool == "unknown"


@pytest.mark.parametrize("day", ["2020-03-20", "2022-12-31", "2026-02-02"])
def test_the_index_of_thirty_days_by_other_code(
    day: str, real_results: Metrics, labelled: pl.DataFrame
) -> None:
    first = datetime.fromtimestamp(seconds(day) - 29 * DAY, UTC).date().isoformat()
    blocks = between(labelled, first, 30)["pool"].to_numpy()
    aliases = {"slushpool": "braiinspool"}
    blocks = np.array([aliases.get(one, one) for one in blocks])
    names, counts = np.unique(blocks, return_counts=True)
    known = np.sort(counts[names != "unknown"])[::-1]
    pairs = sum(int(n) * (int(n) - 1) for n in known)
    found = real_results["pools.hhi30"].present().filter(time=seconds(day))["value"].item()
    assert found == pytest.approx(pairs / (blocks.size * (blocks.size - 1)), rel=1e-12)
    fewest = int(np.argmax(2 * np.cumsum(known) > blocks.size)) + 1
    shown = real_results["pools.nakamoto30"].present().filter(time=seconds(day))["value"].item()
    assert shown == fewest


def test_antpool_and_friends_rival_foundry_as_published(real_results: Metrics) -> None:
    # 0xB10C, April 2025: 'AntPool & friends' about as large as Foundry, each near 30%; and about
    # 40% of the hashrate in May 2024 (mainnet.observer)
    groups = real_results["pools.group_largest_share30"].present()
    may = groups.filter(time=seconds("2024-05-31"))["value"].item()
    assert may == pytest.approx(0.40, abs=0.04)
    alone = real_results["pools.largest_share30"].present()
    assert alone.filter(time=seconds("2025-04-30"))["value"].item() == pytest.approx(0.3, abs=0.04)
