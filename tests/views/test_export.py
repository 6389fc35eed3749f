"""The believed record as files: columns, instants, what is refused, and what export.json says."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from support.records import POOL_LABEL_COLUMNS, blocks_at, chain, record

from hashcanary.chain.networks import MAIN
from hashcanary.errors import UsageError
from hashcanary.moments import DAY
from hashcanary.store.lake import Lake
from hashcanary.store.record import Record
from hashcanary.views.errors import FolderTaken, OutputNotWritten
from hashcanary.views.export import BLOCKS, TABLES, believed, columns_of, export, stored

FIRST = 100
# compact targets of difficulties 1 and 2
EASY, HARD = 0x1D00FFFF, 0x1C7FFF80


def made(source: str = "a node") -> Record:
    """24 blocks a day on four days; the second halving's height among them; one label."""
    times = range(FIRST * DAY, (FIRST + 4) * DAY, 3600)
    first = 420_000 - 50
    blocks = chain(times, first, [EASY] * 48 + [HARD] * 48, fee=2_500)
    blocks = blocks.with_columns(source=pl.lit(source))
    labels = pl.DataFrame({"height": [first + 1], "pool": ["mine"]}, schema=POOL_LABEL_COLUMNS)
    return record(
        blocks, pool_labels=labels, pool_list="test@0", at_text="then", provenance={"version": 7}
    )


def test_blocks_have_difficulty_subsidy_and_pool() -> None:
    blocks = believed(made(), "blocks")
    assert blocks.columns == [column.key for column in BLOCKS]
    assert blocks.height == 96
    assert blocks["difficulty_ratio_to_difficulty_one"][0] == 1.0
    assert blocks["difficulty_ratio_to_difficulty_one"][95] == pytest.approx(2.0, rel=1e-4)
    # 12.5 BTC from height 420,000 on, 25 before
    subsidies = dict(zip(blocks["height"], blocks["subsidy_satoshis"], strict=True))
    assert (subsidies[419_999], subsidies[420_000]) == (2_500_000_000, 1_250_000_000)
    assert blocks["pool"].to_list()[:3] == [None, "mine", None]
    assert set(blocks["total_fee_satoshis"]) == {2_500}


def test_instants_of_blocks_are_in_utc() -> None:
    blocks = believed(made(), "blocks")
    for name in ("time", "median_time_past", "known_at"):
        assert blocks.schema[name] == pl.Datetime("us", "UTC")
    assert blocks["time"][1] == datetime(1970, 4, 11, 1, tzinfo=UTC)
    # of eleven headers the sixth
    assert blocks["median_time_past"][10] == datetime(1970, 4, 11, 5, tzinfo=UTC)


def test_days_and_epochs_have_every_metric_of_their_grain() -> None:
    for name in ("days", "epochs"):
        keys = [key for column in columns_of(name) for key in column.keys]
        assert believed(made(), name).columns == keys
        assert len(keys) == len(set(keys))
    days = believed(made(), "days")
    assert days["time"].to_list()[:2] == [date(1970, 4, 11), date(1970, 4, 12)]
    # before the first known block the day may have had others, and the last day is not final
    assert days["blocks_per_day_blocks"].to_list() == [None, 24, 24, None]
    limits = days.row(1, named=True)
    names = [f"blocks_mean_interval_seconds{end}" for end in ("_low", "", "_high")]
    assert limits[names[0]] < limits[names[1]] == 3600 < limits[names[2]]


@pytest.mark.parametrize("ask", [columns_of, lambda name: believed(made(), name)])
def test_a_table_that_does_not_exist_is_refused(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UsageError, match="blocks, days, epochs"):
        ask("months")


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_the_answer_lists_each_file_with_its_ends(tmp_path: Path, kind: str) -> None:
    answer = export(made(), tmp_path / "out", kind)
    document = answer.to_dict()
    rows = {row["file"]: row for row in document["rows"]}
    assert list(rows) == [f"{name}.{kind}" for name in TABLES]
    blocks = rows[f"blocks.{kind}"]
    assert (blocks["rows"], blocks["columns"]) == (96, len(BLOCKS))
    assert (blocks["first"], blocks["last"]) == ("419950", "420045")
    days = rows[f"days.{kind}"]
    assert (days["rows"], days["first"], days["last"]) == (4, "1970-04-11", "1970-04-14")
    assert (document["folder"], document["format"]) == (str(tmp_path / "out"), kind)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == sorted([*rows, "export.json"])
    # no draft stays beside it
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_epochs_of_a_file_are_named_by_their_instants(tmp_path: Path) -> None:
    given = record(chain(range(0, 2 * 2016 * 600, 600)))
    rows = {row["file"]: row for row in export(given, tmp_path / "o").to_dict()["rows"]}
    epochs = rows["epochs.parquet"]
    assert (epochs["first"], epochs["last"]) == ("1970-01-01T00:00:00Z", "1970-01-15T00:00:00Z")


def test_a_table_without_rows_has_no_ends(tmp_path: Path) -> None:
    # four days inside one epoch whose first block is not known
    given = record(blocks_at(range(10, 106), range(FIRST * DAY, (FIRST + 4) * DAY, 3600)))
    rows = {row["file"]: row for row in export(given, tmp_path / "o").to_dict()["rows"]}
    epochs = rows["epochs.parquet"]
    frame = pl.read_parquet(tmp_path / "o" / "epochs.parquet")
    assert epochs["rows"] == frame.height
    assert (epochs["first"] is None) == (frame.height == 0)


def test_export_json_describes_every_column_and_where_it_comes_from(tmp_path: Path) -> None:
    export(made(), tmp_path / "out")
    described = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert (described["at"], described["network"], described["format"]) == (
        *("then", "main"),
        "parquet",
    )
    assert described["simulated"] is False
    assert described["provenance"] == {"version": 7}
    assert set(described["tables"]) == set(TABLES)
    for name, columns in described["tables"].items():
        assert columns == [column.described() for column in columns_of(name)]


def test_parquet_holds_what_is_believed(tmp_path: Path) -> None:
    given = made()
    export(given, tmp_path / "out")
    for name in TABLES:
        assert pl.read_parquet(tmp_path / "out" / f"{name}.parquet").equals(believed(given, name))


def test_csv_has_iso_days_and_instants_and_no_formula(tmp_path: Path) -> None:
    export(made(source="=1+1"), tmp_path / "out", "csv")
    with (tmp_path / "out" / "blocks.csv").open(newline="") as file:
        blocks = list(csv.DictReader(file))
    assert blocks[1]["time"] == "1970-04-11T01:00:00Z"
    assert {row["source"] for row in blocks} == {"'=1+1"}
    assert (blocks[0]["pool"], blocks[1]["pool"]) == ("", "mine")
    with (tmp_path / "out" / "days.csv").open(newline="") as file:
        days = list(csv.DictReader(file))
    assert [row["time"] for row in days] == [f"1970-04-{day}" for day in (11, 12, 13, 14)]
    assert days[-1]["blocks_per_day_blocks"] == ""


def test_a_folder_with_something_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("d", "b", "a", "c"):
        (tmp_path / name).write_text("keep")
    with pytest.raises(FolderTaken, match="a, b, c and 1 more"):
        export(made(), tmp_path)
    with pytest.raises(FolderTaken, match="a file"):
        export(made(), tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "d"]
    (tmp_path / "empty").mkdir()
    export(made(), tmp_path / "empty")
    assert (tmp_path / "empty" / "blocks.parquet").exists()


def test_a_format_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="parquet, csv"):
        export(made(), tmp_path / "out", "xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_and_nothing_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputNotWritten, match="Not a directory") as raised:
        export(made(), tmp_path / "file" / "out")
    assert str(tmp_path / "file" / "out") in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_simulated_history_is_marked_in_its_files(tmp_path: Path) -> None:
    answer = export(replace(made(), simulated=True), tmp_path / "out")
    described = json.loads((tmp_path / "out" / "export.json").read_text(encoding="utf-8"))
    assert described["simulated"] is True
    assert answer.simulated
    assert "SIMULATED" in answer.text()


def test_stored_tables_are_those_of_the_lake(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake", MAIN)
    assert "hash" in stored(lake, "headers").columns
    with pytest.raises(UsageError, match="headers"):
        stored(lake, "days")
