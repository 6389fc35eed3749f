"""``hashcanary export``: what other tools read, written whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import polars as pl
import pytest

import hashcanary as hc

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def exported(simulated_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "tables"
    hc.open(simulated_lake).now().export(folder)
    return folder


def test_duckdb_reads_what_the_record_has(exported: Path, simulated_lake: Path) -> None:
    record = hc.open(simulated_lake).now().record
    blocks, least, most = duckdb.sql(
        f"select count(*), min(height), max(height) from '{exported}/blocks.parquet'"
    ).fetchall()[0]
    assert (blocks, least, most) == (
        record.blocks.height,
        record.blocks["height"].min(),
        record.blocks["height"].max(),
    )
    ((same,),) = duckdb.sql(
        f"select count(*) from '{exported}/blocks.parquet' where subsidy_satoshis in "
        "(1250000000, 625000000)"
    ).fetchall()
    assert same == blocks


def test_pandas_reads_days_with_dates_and_the_values_of_metrics(
    exported: Path, simulated_lake: Path
) -> None:
    days = pd.read_parquet(exported / "days.parquet")
    metric = hc.open(simulated_lake).now().metric("hashrate.sma30")
    column = days["hashrate_sma30_hashes_per_second"]
    assert column.dropna().to_list() == metric["value"].drop_nulls().to_list()
    low = days["hashrate_sma30_hashes_per_second_low"].dropna()
    assert low.to_list() == metric["low"].drop_nulls().to_list()
    assert str(days["time"].iloc[0]) == str(metric["time"][0])


def test_every_column_is_described(exported: Path) -> None:
    described = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    assert described["simulated"] is True
    for name, columns in described["tables"].items():
        keys = [
            key
            for column in columns
            for key in (
                [column["key"], f"{column['key']}_low", f"{column['key']}_high"]
                if column["interval"]
                else [column["key"]]
            )
        ]
        assert pl.read_parquet_schema(exported / f"{name}.parquet").names() == keys


def test_csv_has_the_same_keys_and_iso_dates(call: Run, lake: Path, tmp_path: Path) -> None:
    done = call("--home", lake, "export", tmp_path / "csv", "--format", "csv", "--json")
    assert done.returncode == 0, done.stderr
    files = {row["file"]: row for row in json.loads(done.stdout)["rows"]}
    assert set(files) == {"blocks.csv", "days.csv", "epochs.csv"}
    days = pd.read_csv(tmp_path / "csv" / "days.csv")
    assert len(days) == files["days.csv"]["rows"]
    assert len(str(days["time"].iloc[0])) == len("2026-02-03")
    blocks = pd.read_csv(tmp_path / "csv" / "blocks.csv", nrows=3)
    assert all(text.endswith("Z") for text in blocks["time"])


def test_at_exports_what_was_known_then(call: Run, lake: Path, tmp_path: Path) -> None:
    done = call("--home", lake, "export", tmp_path / "then", "--at", "2021-03-01")
    assert done.returncode == 0, done.stderr
    known = pl.read_parquet(tmp_path / "then" / "blocks.parquet")["known_at"]
    assert str(known.max()) < "2021-03-02"


def test_a_folder_that_is_not_empty_and_a_file_are_refused(
    call: Run, lake: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for place in ("taken", "file"):
        done = call("--home", lake, "export", tmp_path / place)
        assert done.returncode == 2
        assert f"{tmp_path / place}: expected " in done.stderr
    assert (tmp_path / "taken" / "mine.txt").read_text() == "keep"


_FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from hashcanary.views.errors import OutputNotWritten
import hashcanary as hc
known = hc.open(sys.argv[1]).now()
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    known.export(sys.argv[2])
except OutputNotWritten as error:
    print("not written:", error)
"""


def test_a_disk_that_fills_up_leaves_nothing(lake: Path, tmp_path: Path) -> None:
    place = tmp_path / "tables"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, lake, place],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout.startswith("not written:"), done.stderr
    assert list(tmp_path.iterdir()) == []
