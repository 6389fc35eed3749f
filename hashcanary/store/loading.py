"""Loads files into the lake: all of them, or nothing.

1. Every file is read and checked by its source; nothing is written yet.
2. Headers are placed: their heights may come from any other file of the load, in any order.
3. What is new is committed to each table, and made visible at once.

The report says of every file what it gave, or why it was passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.errors import UsageError
from hashcanary.sources.facts import COMPANIES, HEADERS, TABLES, FactTable, Parsed
from hashcanary.sources.files.reading import read, survey
from hashcanary.sources.source import Options
from hashcanary.store import active_chain
from hashcanary.store.errors import NothingToLoad
from hashcanary.store.manifest import LoadedFile
from hashcanary.store.merging import add_rows
from hashcanary.store.placing import check_new, placed_by

if TYPE_CHECKING:
    from hashcanary.store.lake import Lake, Transaction


@dataclass(frozen=True, slots=True)
class FileReport(LoadedFile):
    """What one file gave to a load; ``kind`` is None when it was passed over for a reason."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load gave. lake: as it is afterwards; the same version when nothing was new."""

    files: tuple[FileReport, ...]
    rows: int
    new: int
    lake: Lake


@dataclass(slots=True)
class _Gathered:
    """Facts of all files, by table, until they are committed."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    reports: list[FileReport] = field(default_factory=list)
    sources: dict[str, list[str]] = field(default_factory=dict)

    def add(self, path: Path, parsed: Parsed) -> None:
        coverage = parsed.coverage
        sources: set[str] = set()
        for facts in parsed.facts:
            self.frames.setdefault(facts.table.name, []).append(facts.frame)
            sources.update(facts.frame["source"].unique().to_list())
        self.sources[str(path)] = sorted(sources)
        self.reports.append(
            FileReport(
                path=str(path),
                kind=parsed.kind,
                sha256=str(parsed.provenance.get("sha256", "")),
                rows=coverage.rows,
                first=coverage.first,
                last=coverage.last,
                gaps=coverage.gaps,
                notes=coverage.notes,
            )
        )

    def take(self, table: FactTable) -> pl.DataFrame | None:
        """The rows for one table, which are released here."""
        frames = self.frames.pop(table.name, None)
        return None if frames is None else pl.concat(frames)


def load(
    lake: Lake,
    paths: Iterable[Path | str],
    kind: str | None = None,
    options: Options | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    height: int | None = None,
    now: int | None = None,
) -> LoadReport:
    """Load files and folders in one transaction.

    kind: take every file for one of this kind. height: of the first header of the one file of
    headers among them. progress: called with what is done, how far, of how many. now: Unix seconds
    written beside the version, the clock's when None.

    Raises errors of sources, LakeBusy, LakeFull, ConflictingFacts, Unanchored, Misplaced,
    BrokenRule, NothingToLoad; the lake is then as it was.
    """
    tell = progress or _silent
    asked = [str(path) for path in paths]
    chosen = replace(options or Options(), network=lake.network)
    with lake.writing() as transaction:
        gathered = _gather(asked, kind, chosen, tell)
        _spell_companies(transaction.base, gathered)
        headers = gathered.take(HEADERS)
        if headers is not None:
            headers = _placed(transaction.base, headers, gathered.frames.get("blocks", []), height)
        new = _commit(transaction, gathered, headers, tell)
        files = _counted(gathered, new)
        loaded = [
            LoadedFile(*(getattr(file, one.name) for one in fields(LoadedFile)))
            for file in files
            if file.kind
        ]
        after = transaction.publish(loaded, int(time.time()) if now is None else now)
    return LoadReport(
        tuple(files), sum(file.rows for file in files), sum(file.new for file in files), after
    )


def _silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def _gather(
    asked: list[str], kind: str | None, options: Options, tell: Callable[[str, int, int], None]
) -> _Gathered:
    found = survey(asked, kind, options)
    gathered = _Gathered()
    for done, file in enumerate(found):
        tell(file.path.name, done, len(found))
        if file.kind is None:
            gathered.reports.append(FileReport(str(file.path), reason=file.reason))
        else:
            gathered.add(file.path, read(file.path, file.kind, options))
    if not gathered.frames:
        reasons = "; ".join(f"{file.path.name}: {file.reason}" for file in found[:5])
        raise NothingToLoad(paths=", ".join(asked), found=reasons)
    return gathered


def _spell_companies(lake: Lake, gathered: _Gathered) -> None:
    """Companies under the spelling that the lake, or an earlier file, has; each change is noted.

    Letters in another case would make two companies of one, whose treasuries are added up.
    """
    frames = gathered.frames.get(COMPANIES.name, [])
    if not frames:
        return
    stored = lake.frame(COMPANIES.name, ["company", "known_at"]).sort("known_at")["company"]
    names = pl.concat([stored, *(frame["company"] for frame in frames)])
    first: dict[str, str] = {}
    spelt = {
        name: first.setdefault(" ".join(name.casefold().split()), name)
        for name in names.unique(maintain_order=True).to_list()
    }
    for at, frame in enumerate(frames):
        given = frame["company"].unique(maintain_order=True).to_list()
        changed = [f"{name} is {spelt[name]}" for name in given if spelt[name] != name]
        if not changed:
            continue
        named = frame["company"].replace_strict(list(spelt), list(spelt.values()))
        frames[at] = frame.with_columns(named)
        source = frame["source"][0]
        told = f"spelt as before: {', '.join(changed)}"
        gathered.reports = [
            replace(report, notes=(*report.notes, told))
            if source in gathered.sources.get(report.path, ())
            else report
            for report in gathered.reports
        ]


def _placed(
    lake: Lake, headers: pl.DataFrame, blocks: list[pl.DataFrame], height: int | None
) -> pl.DataFrame:
    """Headers with their heights, checked beside those of the lake."""
    if height is not None:
        headers = _with_height(headers, height)
    stored = lake.frame("headers", ["hash", "height"])
    placed = placed_by(
        headers, [stored, lake.frame("blocks", ["hash", "height"]), *blocks], lake.network
    )
    columns = [*active_chain.COLUMNS, "source"]
    check_new(
        placed.join(stored, on="hash", how="anti"),
        lambda least: lake.frame("headers", columns, pl.col("height") >= least),
        lake.network,
    )
    return placed


def _with_height(headers: pl.DataFrame, height: int) -> pl.DataFrame:
    """The height that the user gives, at the first header."""
    files = headers["source"].unique().to_list()
    if len(files) > 1:
        raise UsageError(
            argument="--height",
            expected="one file of headers, whose first header has this height",
            found=f"{len(files)} files",
            remedy="Load them one by one.",
        )
    given = pl.Series("given", [height] + [None] * (headers.height - 1), dtype=pl.Int64)
    return headers.with_columns(pl.coalesce(given, "height").alias("height"))


def _commit(
    transaction: Transaction,
    gathered: _Gathered,
    headers: pl.DataFrame | None,
    tell: Callable[[str, int, int], None],
) -> dict[str, int]:
    """Merge each table's rows into the stored ones; gives the number of new rows by source."""
    new: dict[str, int] = {}
    for done, table in enumerate(TABLES.values()):
        tell(f"table {table.name}", done, len(TABLES))
        rows = headers if table is HEADERS else gathered.take(table)
        if rows is None:
            continue
        added = add_rows(transaction, table, rows).group_by("source").len()
        for source, count in added.iter_rows():
            new[source] = new.get(source, 0) + count
    return new


def _counted(gathered: _Gathered, new: dict[str, int]) -> list[FileReport]:
    return [
        replace(report, new=sum(new.pop(name, 0) for name in gathered.sources[report.path]))
        if report.kind
        else report
        for report in gathered.reports
    ]
