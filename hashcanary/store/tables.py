"""One Delta table of the lake: written through deltalake, so that any engine reads it.

Our own readers take the data files from the lake's manifest; the Delta log says the same to
everybody else, and ``verify`` holds the two together.
"""

from __future__ import annotations

import json
import shutil
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import polars as pl

from hashcanary.store.durable import made_durable, mark_of, sync
from hashcanary.store.errors import LakeDamaged
from hashcanary.store.manifest import TableState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hashcanary.sources.facts import FactTable

# every old version stays readable: nothing in the log ever expires
_CONFIGURATION = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
# An append is one small file; beyond this many the newest are put together as one, up to a file
# this many times larger than all after it: a row is rewritten few times, however many come.
MOST_FILES = 32
_FAR_LARGER = 4
_LOG = "_delta_log"
_LAST_CHECKPOINT = "_last_checkpoint"


def folder_of(home: Path, name: str) -> Path:
    """Where a table lies."""
    return home / "tables" / name


def order_of(table: FactTable) -> list[str]:
    """The canonical order of a table's rows: by key, headers by height first."""
    by_height = "height" in table.schema and "height" not in table.key
    return ["height", *table.key] if by_height else list(table.key)


def check_present(folder: Path, state: TableState) -> None:
    """Raise LakeDamaged when a data file is not there or has another size."""
    for name, mark in state.active.items():
        path = folder / name
        try:
            size = path.stat().st_size
        except OSError as error:
            raise LakeDamaged(
                place=path, expected=f"a file of {mark.size} bytes", found=error.strerror
            ) from None
        if size != mark.size:
            raise LakeDamaged(
                place=path, expected=f"{mark.size} bytes", found=f"a file of {size} bytes"
            )


def check_content(folder: Path, state: TableState) -> None:
    """Raise LakeDamaged when a data file is not as it was written.

    Done before every read: Parquet has no checksum of its own here, and a flipped bit mostly
    reads as another value. It costs about a millisecond for 1.5 MB.
    """
    for name, mark in sorted(state.active.items()):
        path = folder / name
        try:
            found = mark_of(path)
        except OSError as error:
            raise LakeDamaged(
                place=path, expected="a readable file", found=error.strerror
            ) from None
        if found != mark:
            raise LakeDamaged(
                place=path,
                expected=f"{mark.size} bytes with sha256 {mark.sha256}",
                found=f"{found.size} bytes with sha256 {found.sha256}",
            )


def read(
    folder: Path,
    table: FactTable,
    state: TableState | None,
    columns: Sequence[str] | None = None,
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """Rows of a table in canonical order; empty where the lake has none of them yet.

    Every file is in that order, so files are put one after another, and sorted only where they
    overlap. Raises LakeDamaged when a file is not as it was written.
    """
    schema = {name: table.schema[name] for name in columns or table.schema}
    if state is None or not state.active:
        return pl.DataFrame(schema=schema)
    paths = [folder / name for name in sorted(state.active)]
    check_content(folder, state)
    if len(paths) == 1:
        return _scanned(paths, where).select(list(schema)).collect()
    lead = order_of(table)[0]
    parts = [part for part in _parts(paths, where, [lead, *schema]) if len(part)]
    if _one_after_another(parts, lead):
        # a copy of each file's rows: what is read often should lie in one piece
        parts = [part.select(list(schema)) for part in parts]
        return pl.concat(parts, rechunk=True) if parts else pl.DataFrame(schema=schema)
    return _scanned(paths, where).sort(order_of(table)).select(list(schema)).collect()


def _scanned(paths: Sequence[Path], where: pl.Expr | None) -> pl.LazyFrame:
    rows = pl.scan_parquet(list(paths), glob=False)
    return rows if where is None else rows.filter(where)


def _parts(
    paths: Sequence[Path], where: pl.Expr | None, columns: Sequence[str]
) -> list[pl.DataFrame]:
    """The rows of each file."""
    wanted = list(dict.fromkeys(columns))
    return pl.collect_all([_scanned([path], where).select(wanted) for path in paths])


def _one_after_another(parts: list[pl.DataFrame], lead: str) -> bool:
    """Whether each file's rows come after another's; ``parts`` is brought into that order."""
    if any(part[lead].has_nulls() for part in parts):
        return False
    parts.sort(key=lambda part: part[lead][0])
    return all(a[lead][-1] < b[lead][0] for a, b in pairwise(parts))


def append(
    folder: Path, table: FactTable, state: TableState | None, rows: pl.DataFrame
) -> TableState:
    """Commit further rows. Raises what deltalake raises, LakeDamaged."""
    total = rows.height + (0 if state is None else state.rows)
    if state is None or len(state.active) < MOST_FILES:
        return _commit(folder, table, state, rows, "append", total)
    lead = order_of(table)[0]
    least = _merged_from(folder, lead, state, rows[lead])
    where = None if least is None else pl.col(lead) >= least
    together = pl.concat([read(folder, table, state, None, where), rows])
    predicate = None if least is None else f"{lead} >= {least}"
    return _commit(folder, table, state, together, "overwrite", total, predicate)


def _merged_from(folder: Path, lead: str, state: TableState, new: pl.Series) -> int | None:
    """The least height from which on files are put together; None: all of them are.

    No file left alone holds a row at or above it. lead: the column that orders the rows first;
    only whole numbers part a table so.
    """
    if new.dtype != pl.Int64 or new.has_nulls():
        return None
    ends = pl.collect_all(
        pl.scan_parquet(folder / name, glob=False).select(
            least=pl.col(lead).min(),
            most=pl.col(lead).max(),
            nulls=pl.col(lead).null_count(),
            rows=pl.len(),
        )
        for name in state.active
    )
    if any(end["nulls"].item() for end in ends):
        return None
    files = sorted(end.select("least", "most", "rows").row(0) for end in ends)
    least, taken = int(str(new.min())), len(new)
    for first, last, rows in reversed(files):
        if last < least and rows > _FAR_LARGER * taken:
            break
        least, taken = min(least, first), taken + rows
    else:
        return None
    return None if any(first < least <= last for first, last, _ in files) else least


def replace(
    folder: Path, table: FactTable, state: TableState | None, rows: pl.DataFrame
) -> TableState:
    """Commit other content of the whole table. Raises what deltalake raises."""
    return _commit(folder, table, state, rows, "overwrite", rows.height)


def _commit(
    folder: Path,
    table: FactTable,
    state: TableState | None,
    rows: pl.DataFrame,
    mode: Literal["append", "overwrite"],
    total: int,
    predicate: str | None = None,
) -> TableState:
    """Commit rows; predicate: of the files that they take the place of, None: of all."""
    from deltalake import WriterProperties, write_deltalake

    folder.mkdir(parents=True, exist_ok=True)
    write = partial(
        write_deltalake,
        folder,
        rows.select(list(table.schema)).sort(order_of(table)),
        name=table.name,
        description=table.title,
        configuration=_CONFIGURATION if state is None else None,
        target_file_size=2**30,
        writer_properties=WriterProperties(compression="ZSTD", compression_level=1),
    )
    if mode == "append":
        write(mode="append")
    else:
        write(mode="overwrite", predicate=predicate)
    return _state_now(folder, state, total)


def _state_now(folder: Path, before: TableState | None, rows: int) -> TableState:
    """What stands on the disk after a commit, flushed to it; files known before are not reread."""
    from deltalake import DeltaTable

    version, names = delta_files(DeltaTable(folder))
    known = {} if before is None else before.active
    active = {name: known.get(name) or made_durable(folder / name) for name in names}
    oldest = -1 if before is None else before.version
    log = {
        f"{_LOG}/{path.name}": made_durable(path)
        for path in sorted((folder / _LOG).iterdir())
        if _log_version(path) > oldest
    }
    for place in (folder / _LOG, folder, folder.parent):
        sync(place)
    return TableState(version, rows, active, log)


def delta_files(delta: object) -> tuple[int, list[str]]:
    """The version of an open Delta table and its data files, relative to it."""
    from deltalake import DeltaTable

    assert isinstance(delta, DeltaTable)
    return delta.version(), sorted(uri.rsplit("/", 1)[-1] for uri in delta.file_uris())


def _log_version(path: Path) -> int:
    """The version a file of the log belongs to; -1 for what belongs to none."""
    head = path.name.split(".", 1)[0]
    return int(head) if head.isdigit() else -1


def roll_back(home: Path, tables: Mapping[str, TableState], known: Iterable[str]) -> None:
    """Remove what an unfinished writer left: all that no version of the lake names.

    known: the files of all versions, relative to HOME/tables. What readers see is not touched.
    """
    root = home / "tables"
    if not root.is_dir():
        return
    keep = set(known)
    for folder in sorted(root.iterdir()):
        if folder.name not in tables:
            shutil.rmtree(folder)
            continue
        _drop_late_hint(folder, tables[folder.name].version)
        for path in sorted(folder.rglob("*")):
            named = path.relative_to(root).as_posix() in keep
            if path.is_file() and not named and path.name != _LAST_CHECKPOINT:
                path.unlink()


def _drop_late_hint(folder: Path, version: int) -> None:
    """Remove Delta's hint at its newest checkpoint when that is one being removed."""
    hint = folder / _LOG / _LAST_CHECKPOINT
    if not hint.exists():
        return
    try:
        late = int(json.loads(hint.read_bytes())["version"]) > version
    except (ValueError, KeyError, TypeError):
        late = True
    if late:
        hint.unlink()
