"""Doctored lakes: rows put past the checks of loading, for ``verify`` to find."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from support.mining import REGTEST_GENESIS, grow

from hashcanary.chain.networks import MAIN, REGTEST, Network
from hashcanary.sources.facts import BLOCKS
from hashcanary.store import manifest
from hashcanary.store.errors import NoLake
from hashcanary.store.lake import Lake
from hashcanary.store.loading import load
from hashcanary.store.verify import VerifyReport, verify

Doctor = Callable[[pl.DataFrame], pl.DataFrame]


def doctored(lake: Lake, table: str, doctor: Doctor) -> VerifyReport:
    with lake.writing() as transaction:
        transaction.replace(table, doctor(lake.frame(table)))
        transaction.publish((), time=0)
    return verify(lake.home)


def found(report: VerifyReport) -> dict[str, list[str]]:
    """The places found, by check."""
    return {
        check.name: [finding.place for finding in check.findings]
        for check in report.checks
        if check.findings
    }


def at_height(height: int, **values: pl.Expr) -> Doctor:
    chosen = pl.col("height") == height
    return lambda rows: rows.with_columns(
        pl.when(chosen).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    (tmp_path / "chain.bin").write_bytes(b"".join([REGTEST_GENESIS, *grow(40)]))
    return load(Lake.create(tmp_path / "lake", REGTEST), [tmp_path / "chain.bin"]).lake


def with_blocks(home: Path, network: Network, *rows: dict[str, object]) -> VerifyReport:
    lake = Lake.create(home, network)
    base = dict.fromkeys(BLOCKS.schema) | {"source": "s"}
    frame = pl.DataFrame([base | row for row in rows], schema=BLOCKS.schema)
    with lake.writing() as transaction:
        transaction.append("blocks", frame)
        transaction.publish((), time=0)
    return verify(home)


def test_a_sound_lake_has_nothing_to_find(lake: Lake) -> None:
    report = verify(lake.home)
    assert report.sound
    covered = {check.name: check.covered for check in report.checks}
    assert covered["work"] == 41
    assert covered["links"] == 40
    assert covered["rules"] == 41


def test_a_changed_field_no_longer_gives_the_hash(lake: Lake) -> None:
    report = doctored(lake, "headers", at_height(7, nonce=pl.col("nonce") ^ 1))
    assert found(report) == {"work": ["height 7"]}


def test_a_hash_above_the_target_is_found(lake: Lake) -> None:
    report = doctored(lake, "headers", at_height(7, bits=pl.lit(0x1D00FFFF)))
    assert found(report)["work"].count("height 7") == 2
    assert "height 7" in found(report)["rules"]


def test_bits_of_no_target_are_found(lake: Lake) -> None:
    report = doctored(lake, "headers", at_height(7, bits=pl.lit(0x01003456)))
    assert "height 7" in found(report)["work"]


def test_a_missing_header_leaves_a_broken_link(lake: Lake) -> None:
    chain = [REGTEST_GENESIS, *grow(40)]
    stale = grow(1, chain[6], branch=1)
    (lake.home.parent / "stale.bin").write_bytes(stale[0])
    lake = load(lake, [lake.home.parent / "stale.bin"]).lake
    true_seventh = chain[8][4:36][::-1]
    report = doctored(lake, "headers", lambda rows: rows.filter(pl.col("hash") != true_seventh))
    assert found(report) == {"links": ["height 8"]}


def test_headers_at_other_heights_are_found(lake: Lake) -> None:
    report = doctored(lake, "headers", lambda rows: rows.with_columns(pl.col("height") + 1))
    assert found(report)["links"] == ["height 1"]


def test_a_time_before_the_median_is_found(lake: Lake) -> None:
    report = doctored(lake, "headers", at_height(30, time=pl.lit(1296688602 + 600 * 20)))
    assert found(report)["rules"] == ["height 30"]


def test_a_fact_stored_twice_is_found(lake: Lake) -> None:
    report = doctored(lake, "headers", lambda rows: pl.concat([rows, rows.tail(1)]))
    assert len(found(report)["keys"]) == 1


def test_a_field_that_fits_no_header_is_found(lake: Lake) -> None:
    report = doctored(lake, "headers", at_height(7, nonce=pl.lit(-1)))
    assert found(report) == {"work": ["whole table"]}


def rewritten(home: Path, version: int, **fields: object) -> None:
    """A version file altered by somebody who knows how its checksum is made."""
    path = manifest.path_of(home, version)
    path.write_bytes(manifest.signed({**manifest.read_signed(path), **fields}))


def test_a_version_that_counts_other_rows_is_found(lake: Lake) -> None:
    path = manifest.path_of(lake.home, 1)
    tables = json.loads(json.dumps(manifest.read_signed(path)["tables"]))
    tables["headers"]["rows"] = 40
    rewritten(lake.home, 1, tables=tables)
    assert found(verify(lake.home)) == {"keys": ["whole table"]}


def test_a_version_that_does_not_follow_the_one_before_is_found(lake: Lake) -> None:
    rewritten(lake.home, 0, time=5)
    assert found(verify(lake.home)) == {"versions": [str(manifest.path_of(lake.home, 1))]}


def test_a_wrong_subsidy_is_found(tmp_path: Path) -> None:
    report = with_blocks(
        tmp_path / "m",
        MAIN,
        {"height": 630_000, "subsidy": 625_000_000, "total_fee": 5},
        {"height": 839_999, "subsidy": 312_500_000, "total_fee": -1},
    )
    assert found(report) == {"subsidy": ["height 839999, s", "height 839999, s"]}


def test_bits_that_do_not_follow_from_the_times_of_the_epoch_are_found(tmp_path: Path) -> None:
    """The epoch of 933,408 of mainnet: science gives 17023c7e for these times."""
    for home, bits, places in (("a", 0x17023C7E, {}), ("b", 0x17023C7F, ["height 935424"])):
        report = with_blocks(
            tmp_path / home,
            MAIN,
            {"height": 933_408, "time": 1769110282, "bits": 0x1701FCA1},
            {"height": 935_423, "time": 1770471767, "bits": 0x1701FCA1},
            {"height": 935_424, "time": 1770471800, "bits": bits},
        )
        assert found(report) == ({"retargets": places} if places else {})


def test_two_targets_in_one_epoch_are_found(tmp_path: Path) -> None:
    report = with_blocks(
        tmp_path / "m",
        MAIN,
        {"height": 933_408, "time": 1769110282, "bits": 0x1701FCA1},
        {"height": 933_409, "time": 1769110900, "bits": 0x17023C7E},
    )
    assert found(report) == {"retargets": ["epoch 463"]}


def test_many_findings_of_one_kind_are_counted_not_listed(tmp_path: Path) -> None:
    rows = [{"height": height, "subsidy": 1} for height in range(300)]
    report = with_blocks(tmp_path / "m", MAIN, *rows)
    assert len(report.findings) == 101
    assert report.findings[-1].found == "200 more of this kind"


def test_a_log_that_names_other_files_is_found(lake: Lake) -> None:
    from deltalake import DeltaTable

    table = lake.home / "tables" / "headers"
    log = table / "_delta_log" / "00000000000000000000.json"
    log.write_text(log.read_text().replace("part-00000", "part-00001"))
    assert DeltaTable(table).version() == 0
    assert set(found(verify(lake.home))) == {"checksums", "delta"}


def test_a_damaged_newest_version_is_a_finding_not_a_failure(lake: Lake) -> None:
    (lake.home / "versions" / "00000001.json").write_text("{")
    report = verify(lake.home)
    assert report.version is None
    assert set(found(report)) == {"versions", "open"}


def test_a_version_taken_out_of_the_middle_is_found(lake: Lake) -> None:
    (lake.home.parent / "more.bin").write_bytes(b"".join(grow(50)))
    load(lake, [lake.home.parent / "more.bin"])
    (lake.home / "versions" / "00000001.json").unlink()
    assert "versions" in found(verify(lake.home))


def test_where_no_lake_is_there_is_nothing_to_verify(tmp_path: Path) -> None:
    with pytest.raises(NoLake):
        verify(tmp_path / "nowhere")


def test_the_real_lake_is_sound_and_its_retargets_are_covered(real_lake: Lake) -> None:
    report = verify(real_lake.home)
    assert report.findings == ()
    covered = {check.name: check.covered for check in report.checks}
    assert covered["work"] >= 220_237
    assert covered["retargets"] >= 160 + 90
