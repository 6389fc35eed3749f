"""Company reports: what mining companies publish of production, sales, treasury, debt and AI."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from hashcanary.sources.errors import ConflictingRows, TooManyRows
from hashcanary.sources.facts import COMPANIES, Coverage, Facts, Parsed
from hashcanary.sources.files.company_figures import BY_NAME, FIGURES
from hashcanary.sources.files.company_table import (
    COMPANY,
    END,
    NOTE,
    PERIOD,
    PUBLISHED,
    ROW,
    START,
    URL,
    choose_columns,
    missing_days,
    read_reports,
)
from hashcanary.sources.files.tables import Field, has, read_matching
from hashcanary.sources.source import Content, Options, Probe, Source

if TYPE_CHECKING:
    from hashcanary.sources.files.columns import Table

KIND = "company-reports"
MAX_ROWS = 100_000
_ABOUT = tuple(Field(name) for name in (PERIOD, START, END, PUBLISHED, URL))
_HEADS = tuple(Field(figure.head) for figure in FIGURES)
# two rows are about one fact where these agree
_FACT = (COMPANY, "figure", START, END, "known_at", "revision", "simulated")


def recognise(probe: Probe) -> bool:
    """Whether a table has companies, and two or more of the other columns of reports."""
    return has(probe.columns, Field(COMPANY)) == 1 and has(probe.columns, *_ABOUT, *_HEADS) >= 2


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``companies``: one a figure, known at the end of the day of its publication.

    Raises BadReportColumns, BadValue, ConflictingRows, TooManyRows, what tables raise.
    """
    table = read_matching(content, KIND, lambda columns: choose_columns(content.path, columns))
    if table.frame.height > MAX_ROWS:
        raise TooManyRows(file=content.path, limit=MAX_ROWS, found=table.frame.height)
    noted = tuple(note for note in table.notes if note != f"columns not kept: {NOTE}")
    table = replace(table, notes=noted)
    once, notes = _settled(table, read_reports(table))
    rows = once.with_columns(source=pl.lit(content.source)).select(list(COMPANIES.schema))
    return Parsed(KIND, (Facts(COMPANIES, rows),), _coverage(rows, (*table.notes, *notes)))


def _settled(table: Table, rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """One row a fact: what repeats another goes, with a note. Raises ConflictingRows."""
    # of two addresses for one figure, the lesser
    ordered = rows.sort(ROW).sort(*_FACT, URL, maintain_order=True)
    apart = ordered.group_by(_FACT, maintain_order=True).agg(
        pl.col("value").n_unique().alias("values"), ROW, pl.col("value").alias("told")
    )
    against = apart.filter(pl.col("values") > 1)
    if against.height:
        raise _conflict(table, against)
    once = ordered.unique(_FACT, keep="first", maintain_order=True)
    again = ordered.height - once.height
    return once, (f"figures that repeat another, left out: {again:,}",) if again else ()


def _conflict(table: Table, against: pl.DataFrame) -> ConflictingRows:
    first = against.row(0, named=True)
    figure = BY_NAME[first["figure"]]
    told = sorted(zip(first[ROW], first["told"], strict=True))
    (row, value), (other, different) = told[0], next(one for one in told if one[1] != told[0][1])
    more = against.height - 1
    return ConflictingRows(
        file=table.path,
        place=f"{table.place(row)} and {table.place(other)}",
        key=f"{figure.head} of {first[COMPANY]!r}, {first[START]} to {first[END]}, as published "
        "on one day",
        found=f"{figure.shown(value)} and {figure.shown(different)}",
        more=f" (and so for {more:,} more)" if more else "",
    )


def _coverage(rows: pl.DataFrame, notes: tuple[str, ...]) -> Coverage:
    gaps = [
        f"{company}: {first} to {last}"
        for (company,), part in sorted(rows.partition_by(COMPANY, as_dict=True).items())
        for first, last in missing_days(part[START], part[END])
    ]
    count = rows[COMPANY].n_unique()
    told = [f"{count:,} companies" if count > 1 else "1 company"]
    simulated = rows.filter("simulated")[COMPANY].unique().sort().to_list()
    if simulated:
        told.append(f"SIMULATED, as the file says: {', '.join(simulated)}")
    return Coverage(
        rows=rows.height,
        first=str(rows[START].min()),
        last=str(rows[END].max()),
        gaps=tuple(gaps),
        notes=(*told, *notes),
    )


COMPANY_REPORTS = Source(
    kind=KIND,
    title="Company reports",
    reads=(
        "CSV, Parquet or JSON lines with company, period (or period_start and period_end), "
        "published, source_url and figures such as produced_btc, held_btc, debt_usd: see "
        "docs/companies.md"
    ),
    recognise=recognise,
    parse=parse,
)
