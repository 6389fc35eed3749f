"""The believed record as tables for other tools: blocks, days and epochs, as Parquet or CSV.

A table's columns, with units and meaning, are declared once: the docs page, the files' header and
``Lake.table`` follow from them. A folder is written beside its place and renamed: it is there
whole, or not at all.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hashcanary.moments import iso_time
from hashcanary.units import BYTES, COUNT, DIFFICULTY, SATOSHIS, UNIX_TIME, WEIGHT_UNITS
from hashcanary.views.answer import Answer, View, one_of
from hashcanary.views.data import csv_cell, json_text
from hashcanary.views.errors import FolderTaken, OutputNotWritten
from hashcanary.views.table import Column, Table

if TYPE_CHECKING:
    import polars as pl

    from hashcanary.store.lake import Lake
    from hashcanary.store.record import Record

Kind = Literal["parquet", "csv"]
KINDS: tuple[Kind, ...] = ("parquet", "csv")

BLOCKS = (
    Column("height", "height", COUNT, definition="height of the block on the active chain"),
    Column("time", "time", UNIX_TIME, definition="of its header"),
    Column(
        "median_time_past", "median time past", UNIX_TIME, definition="of the 11 blocks up to it"
    ),
    Column("bits", "bits", COUNT, definition="compact target of its header"),
    Column("difficulty", "difficulty", DIFFICULTY, definition="target of difficulty one / target"),
    Column("subsidy", "subsidy", SATOSHIS, definition="new coins that the schedule allows"),
    Column("total_fee", "fees", SATOSHIS, definition="fees of its transactions; null: unknown"),
    Column("tx_count", "transactions", COUNT, definition="the coinbase included; null: unknown"),
    Column("size", "size", BYTES, definition="null: unknown"),
    Column("weight", "weight", WEIGHT_UNITS, definition="null: unknown"),
    Column("pool", "pool", definition="who mined it by the list of pools; null: not labelled"),
    Column("source", "source", definition="of the row in force by source precedence"),
    Column("known_at", "known at", UNIX_TIME, definition="first moment at which it was known"),
)
TABLES = ("blocks", "days", "epochs")
VIEW = View(
    "export",
    "export",
    "Which files hold the record?",
    tables={
        "files": (
            Column("file", "file"),
            Column("rows", "rows", COUNT),
            Column("columns", "columns", COUNT),
            Column("first", "first", definition="height, day or instant of the first row"),
            Column("last", "last", definition="of the last row"),
        )
    },
    more={"folder": "where the files are", "format": "parquet or csv"},
)


def columns_of(name: str) -> tuple[Column, ...]:
    """The columns of a table of a record. Raises UsageError where there is none of that name."""
    from hashcanary.metrics.declaration import all_metrics
    from hashcanary.views.metrics import wide_columns

    if name == "blocks":
        return BLOCKS
    one_of("table", name, TABLES, "docs/tables.md lists them all.")
    grain = "day" if name == "days" else "epoch"
    return wide_columns([each for each in all_metrics().values() if each.grain == grain])


def believed(record: Record, name: str) -> pl.DataFrame:
    """A table of a record: ``blocks``, ``days`` or ``epochs``, its columns the keys of
    ``columns_of``; days as Date, instants as Datetime in UTC. Raises UsageError.
    """
    import polars as pl

    if name == "blocks":
        return _blocks(record)
    columns = columns_of(name)
    from hashcanary.views.metrics import side_by_side_frame

    rows = side_by_side_frame(record, "day" if name == "days" else "epoch")
    keys = [key for column in columns for key in column.keys]
    return rows.rename(dict(zip(rows.columns, keys, strict=True))).select(pl.all())


def _blocks(record: Record) -> pl.DataFrame:
    import polars as pl

    from hashcanary.chain.subsidy import subsidy_column
    from hashcanary.chain.targets import difficulty_float64_column

    blocks = record.blocks
    derived = blocks.with_columns(
        pl.Series("difficulty", difficulty_float64_column(blocks["bits"].to_numpy())),
        pl.Series("subsidy", subsidy_column(blocks["height"].to_numpy(), record.network)),
    ).join(record.pool_labels, on="height", how="left", maintain_order="left")
    instants = [column.name for column in BLOCKS if column.unit is UNIX_TIME]
    return derived.with_columns(pl.from_epoch(pl.col(instants)).dt.replace_time_zone("UTC")).select(
        pl.col(column.name).alias(column.key) for column in BLOCKS
    )


def export(record: Record, folder: str | Path, kind: str = "parquet") -> Answer:
    """Write the believed record into a folder: ``blocks``, ``days``, ``epochs``, ``export.json``.

    kind: ``parquet`` or ``csv``. Raises UsageError, FolderTaken, OutputNotWritten,
    NothingToMeasure.
    """
    one_of("--format", kind, KINDS, "Omit it for Parquet.")
    folder = Path(folder).expanduser()
    _check_free(folder)
    draft = folder.parent / f".{folder.name}.draft"
    rows = _written(record, folder, draft, kind)
    table = Table("files", "", VIEW.tables["files"], rows)
    return Answer(
        VIEW,
        record,
        f"Exported to {folder}, as known at {record.at_text}",
        (table,),
        more={"folder": str(folder), "format": kind},
        notes=["export.json describes the columns. docs/tables.md lists them with their units."],
    )


def _check_free(folder: Path) -> None:
    if folder.is_file():
        raise FolderTaken(folder=folder, found="a file")
    if folder.is_dir() and (inside := sorted(path.name for path in folder.iterdir())):
        more = f" and {len(inside) - 3} more" if len(inside) > 3 else ""
        raise FolderTaken(folder=folder, found=f"{', '.join(inside[:3])}{more}")


def _written(record: Record, folder: Path, draft: Path, kind: str) -> list[tuple[Any, ...]]:
    from polars.exceptions import PolarsError

    rows = []
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        for name in TABLES:
            frame = believed(record, name)
            _write(frame, draft / f"{name}.{kind}", kind)
            rows.append(_row(f"{name}.{kind}", frame))
        (draft / "export.json").write_text(json_text(_described(record, kind)), encoding="utf-8")
        draft.replace(folder)
    except (OSError, PolarsError) as error:
        found = getattr(error, "strerror", None) or str(error)
        raise OutputNotWritten(path=folder, what="tables", found=found) from error
    finally:
        # what was renamed is no longer there
        shutil.rmtree(draft, ignore_errors=True)
    return rows


def _write(frame: pl.DataFrame, path: Path, kind: str) -> None:
    if kind == "parquet":
        frame.write_parquet(path)
        return
    import polars as pl

    words = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    frame.with_columns(
        pl.col(name).map_elements(csv_cell, return_dtype=pl.String) for name in words
    ).write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ", date_format="%Y-%m-%d")


def _row(file: str, frame: pl.DataFrame) -> tuple[Any, ...]:
    first, last = (None, None)
    if frame.height:
        first, last = (_written_end(frame[frame.columns[0]][place]) for place in (0, -1))
    return (file, frame.height, frame.width, first, last)


def _written_end(value: object) -> str:
    """A height, a day or an instant as text."""
    return iso_time(int(value.timestamp())) if isinstance(value, datetime) else str(value)


def _described(record: Record, kind: str) -> dict[str, object]:
    """What ``export.json`` says: as of when, from which versions, and every column."""
    return {
        "at": record.at_text,
        "network": record.network.name,
        "simulated": record.simulated,
        "format": kind,
        "tables": {name: [each.described() for each in columns_of(name)] for name in TABLES},
        "provenance": record.provenance,
    }


def stored(lake: Lake, name: str) -> pl.DataFrame:
    """A table of the lake as it is stored, superseded rows and stale branches included.

    Raises UsageError where there is none of that name, LakeDamaged.
    """
    from hashcanary.sources.facts import TABLES as STORED

    one_of("table", name, STORED, "docs/tables.md lists them all.")
    return lake.frame(name)
