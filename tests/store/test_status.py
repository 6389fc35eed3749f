from __future__ import annotations

from pathlib import Path

import pytest
from support.mining import grow

from hashcanary.chain.networks import MAIN, REGTEST
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.status import LakeStatus, SeriesStatus, status


def series(told: LakeStatus, table: str) -> tuple[SeriesStatus, ...]:
    return next(one.series for one in told.tables if one.name == table)


def test_an_empty_lake_has_nothing(tmp_path: Path) -> None:
    told = status(Lake.create(tmp_path / "lake", REGTEST))
    assert told.chain is None
    assert told.time is None
    assert {one.name: one.rows for one in told.tables} == {
        "headers": 0,
        "blocks": 0,
        "candles": 0,
        "daily_reference": 0,
        "events": 0,
        "pool_labels": 0,
        "companies": 0,
    }


def test_gaps_and_ranges_of_blocks_are_told(tmp_path: Path) -> None:
    chain = grow(40)
    (tmp_path / "a.bin").write_bytes(b"".join(chain[:10]))
    (tmp_path / "b.bin").write_bytes(b"".join(chain[29:]))
    lake = load(Lake.create(tmp_path / "lake", REGTEST), [tmp_path / "a.bin"]).lake
    told = status(load(lake, [tmp_path / "b.bin"], height=30, now=99).lake)
    (blocks,) = series(told, "headers")
    assert blocks.ranges == (("1", "10"), ("30", "40"))
    assert (blocks.rows, blocks.missing) == (21, 19)
    assert told.chain is not None
    assert told.chain.ranges == blocks.ranges
    assert (told.version, told.time, told.stale) == (2, 99, 0)


def test_stale_headers_are_counted(tmp_path: Path) -> None:
    chain = grow(5)
    (tmp_path / "a.bin").write_bytes(b"".join(chain))
    (tmp_path / "b.bin").write_bytes(b"".join(grow(2, chain[1], branch=1)))
    lake = Lake.create(tmp_path / "lake", REGTEST)
    assert status(load(lake, [tmp_path / "a.bin", tmp_path / "b.bin"]).lake).stale == 2


def test_sources_and_the_newest_fact_are_told(tmp_path: Path) -> None:
    chain = grow(5)
    (tmp_path / "a.bin").write_bytes(b"".join(chain))
    lake = load(Lake.create(tmp_path / "lake", REGTEST), [tmp_path / "a.bin"]).lake
    headers = status(lake).tables[0]
    ((name, rows),) = headers.sources.items()
    assert name.startswith("a.bin@")
    assert rows == 5
    assert headers.last_known_at == int.from_bytes(chain[-1][68:72], "little")


def test_missing_days_of_a_series_are_told(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        "time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,1,1,\n2024-01-02,1,1,2\n2024-01-05,1,1,3\n"
    )
    told = status(load(Lake.create(tmp_path / "lake", MAIN), [tmp_path / "d.csv"]).lake)
    price = next(one for one in series(told, "daily_reference") if "PriceUSD" in one.name)
    assert price.ranges == (("2024-01-02", "2024-01-02"), ("2024-01-05", "2024-01-05"))
    assert price.missing == 2


def test_vendors_files_that_differ_are_listed_with_both_values(tmp_path: Path) -> None:
    for name, price in (("a.csv", "40"), ("b.csv", "41")):
        (tmp_path / name).write_text(f"time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,1,1,{price}\n")
    lake = Lake.create(tmp_path / "lake", MAIN)
    told = status(load(lake, [tmp_path / "a.csv", tmp_path / "b.csv"]).lake)
    (found,) = told.disagreements
    assert (found.table, found.fact) == ("daily_reference", "value")
    assert "2024-01-01" in found.where
    assert "PriceUSD" in found.where
    assert (float(found.taken), float(found.other)) == (40.0, 41.0)
    assert (found.taken_source[:5], found.other_source[:5]) == ("a.csv", "b.csv")
    assert {one.name: one.disagreements for one in told.tables}["daily_reference"] == 1


def test_the_real_gaps_are_those_the_data_are_known_for(real_lake: Lake) -> None:
    told = status(real_lake)
    assert told.chain is not None
    held = [(one, two) for one, two in told.chain.ranges if one != two]
    assert ("150,001", "340,000") in held
    assert ("499,999", "509,998") in held or ("499,968", "509,998") in held
    assert held[-1][1] == "934,800"


def test_a_median_time_that_contradicts_the_times_taken_is_listed(real_lake: Lake) -> None:
    """A node's median time at 931,524 is the other source's time of 931,519."""
    told = [d for d in status(real_lake).disagreements if d.fact == "median_time_past"]
    times = [d for d in status(real_lake).disagreements if d.fact == "time"]
    assert [d.where for d in told] == ["931524"]
    assert told[0].taken == times[0].other


def test_home_and_network_are_named(tmp_path: Path) -> None:
    home = tmp_path / "lake"
    told = status(Lake.create(home, REGTEST, simulated=True))
    assert (Path(told.home), told.network, told.simulated) == (home, "regtest", True)


def test_a_table_has_the_version_of_its_last_commit_and_none_before_the_first(
    tmp_path: Path,
) -> None:
    chain = grow(4)
    lake = Lake.create(tmp_path / "lake", REGTEST)
    assert {table.version for table in status(lake).tables} == {-1}
    for name, part in (("a.bin", chain[:2]), ("b.bin", chain[2:])):
        (tmp_path / name).write_bytes(b"".join(part))
        lake = load(lake, [tmp_path / name], height=1 if name == "a.bin" else None).lake
    held = {table.name: table.version for table in status(lake).tables}
    assert held.pop("headers") == 1
    assert set(held.values()) == {-1}


def test_gaps_between_candles_are_counted_in_candles(tmp_path: Path) -> None:
    hours = (0, 1, 3, 7)
    (tmp_path / "btcusd.csv").write_text(
        "timestamp,open,high,low,close,volume\n"
        + "".join(f"2024-01-01T{hour:02}:00:00Z,1,2,1,2,5\n" for hour in hours)
    )
    lake = load(Lake.create(tmp_path / "lake", MAIN), [tmp_path / "btcusd.csv"]).lake
    (candles,) = series(status(lake), "candles")
    assert candles.name.endswith("3600 s")
    assert (candles.rows, candles.missing) == (len(candles.ranges) + 1, 1 + 3)
    assert candles.ranges[0] == ("2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z")


@pytest.mark.parametrize(("apart", "listed"), [(1e-13, 0), (1e-11, 1), (-1e-13, 0), (-1e-11, 1)])
@pytest.mark.parametrize("size", [1e-6, 1.0, 1e14])
def test_decimals_lost_on_the_way_are_no_disagreement(
    tmp_path: Path, size: float, apart: float, listed: int
) -> None:
    for name, difficulty in (("a.csv", size), ("b.csv", size * (1 + apart))):
        (tmp_path / name).write_text(
            f"time,BlkCnt,DiffMean,PriceUSD\n2024-01-01,1,{difficulty!r},2\n"
        )
    lake = Lake.create(tmp_path / "lake", MAIN)
    differing = status(load(lake, [tmp_path / "a.csv", tmp_path / "b.csv"]).lake).disagreements
    assert len(differing) == listed
