"""Company reports: what mining companies publish of production, sales, treasury, debt and AI.

Wide: a row a company and period, a column a figure with its unit in its name. Checked at this door:
columns that are known, digits that are plain, periods that end before they are published, parts
that are not larger than the whole, rows that do not contradict each other. What is empty was not
reported.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from hashcanary.sources.errors import BadReportColumns, ConflictingRows, TooLarge
from hashcanary.sources.facts import COMPANIES, Coverage, Parsed
from hashcanary.sources.files.columns import Table
from hashcanary.sources.files.company_figures import BY_HEAD, BY_NAME, FIGURES, Figure
from hashcanary.sources.files.tables import Field, has, normal, read_matching
from hashcanary.sources.source import Content, Options, Probe, Source

ROW = "__row"
COMPANY, PERIOD, START, END = "company", "period", "period_start", "period_end"
PUBLISHED, URL, SIMULATED, REVISION, NOTE = (
    *("published", "source_url", "simulated", "revision", "note"),
)
_ABOUT = (COMPANY, PERIOD, START, END, PUBLISHED, URL, SIMULATED, REVISION, NOTE)
_MOST_TEXT = {COMPANY: 80, URL: 500}
_MOST_REVISION = 1000
_TRUE, _FALSE = ("yes", "true", "1"), ("no", "false", "0", "")
# USD a coin: outside, proceeds or coins are of another unit than their heads say; since 2019 a coin
# has cost more than 3,000
_CHEAPEST_COIN, _SINCE_2019, _DEAREST_COIN = 1, 3_000, 10_000_000
_FIRST_DAY, _LAST_YEAR = date(2009, 1, 1), 2105
_EMPTY = "Write digits and a point alone; leave the cell empty where nothing was reported."


def choose_columns(file: Path, columns: Sequence[str]) -> dict[str, str]:
    """The file's columns under their own names, normalised. Raises BadReportColumns."""
    wanted: dict[str, str] = {}
    for column in columns:
        head = normal(column)
        if head not in BY_HEAD and head not in _ABOUT:
            raise _unknown(file, column, head)
        if head in wanted.values():
            raise _bad(file, f"column {column!r}", "each column once", "it twice", "Rename one.")
        if head != NOTE:
            wanted[column] = head
    _check_needed(file, set(wanted.values()))
    return wanted


def _check_needed(file: Path, heads: set[str]) -> None:
    found = ", ".join(sorted(heads)) or "none of them"
    for head in (COMPANY, PUBLISHED, URL):
        if head not in heads:
            raise _bad(file, "line 1", f"a column {head}", found, "Add it.")
    if (PERIOD in heads) == bool(heads & {START, END}) or ((START in heads) != (END in heads)):
        either = f"a column {PERIOD}, or {START} and {END}"
        raise _bad(file, "line 1", either, found, "Give the one or the other.")
    if not heads & set(BY_HEAD):
        some = f"a column of figures such as {FIGURES[0].head}"
        raise _bad(file, "line 1", some, found, "Add what was reported.")


def _unknown(file: Path, column: str, head: str) -> BadReportColumns:
    named = [one for one in FIGURES if head == one.name or head.startswith(f"{one.name}_")]
    if named:
        figure = max(named, key=lambda one: len(one.name))
        return _bad(
            file,
            f"column {column!r}",
            f"{figure.head}, the unit in its name",
            "no unit" if head == figure.name else "another unit",
            f"Convert its values and name it {figure.head}.",
        )
    near = get_close_matches(head, [*BY_HEAD, *_ABOUT], 1)
    known = f"{near[0]}, or another known column" if near else "a known column"
    return _bad(file, f"column {column!r}", known, "none", "Rename it, or remove it.")


def _bad(file: Path, place: str, expected: str, found: str, remedy: str) -> BadReportColumns:
    return BadReportColumns(file=file, place=place, expected=expected, found=found, remedy=remedy)


def read_reports(table: Table) -> pl.DataFrame:
    """Long: ``__row``, the columns of ``COMPANIES`` but source; a row a figure that has a value.

    In the order of the file's rows. Raises BadValue.
    """
    start, end = _periods(table)
    published = _days(table, PUBLISHED)
    table.refuse(published < end, PUBLISHED, "a day that is not before its period's end")
    wide = pl.DataFrame(
        {
            COMPANY: _texts(table, COMPANY, "the company's name"),
            START: start,
            END: end,
            REVISION: _revisions(table),
            SIMULATED: _flags(table),
            URL: _texts(table, URL, "where it was published: an address, or in words"),
            "known_at": (published + timedelta(days=1)).cast(pl.Datetime("us")).dt.epoch("s"),
        }
    ).with_row_index(ROW)
    _check_spelling(table, wide[COMPANY])
    values = {figure: _values(table, figure) for figure in FIGURES if table.has(figure.head)}
    _check_parts(table, {figure.name: column for figure, column in values.items()}, start)
    given = pl.DataFrame([column.is_not_null() for column in values.values()])
    table.refuse(~given.max_horizontal().cast(pl.Boolean), COMPANY, "a figure or more in its row")
    return pl.concat(
        [
            wide.with_columns(
                column.alias("value"), figure=pl.lit(figure.name), unit=pl.lit(figure.unit)
            ).drop_nulls("value")
            for figure, column in values.items()
        ]
    )


def _cells(table: Table, head: str) -> pl.Series:
    """A column as text without blanks around it, null where there is nothing."""
    raw = table.cells(head)
    if raw.dtype == pl.Boolean or raw.dtype.is_numeric() or raw.dtype == pl.Date:
        raw = raw.cast(pl.String)
    text = table.texts(head, "text or plain numbers") if raw.dtype != pl.String else raw
    stripped = text.str.strip_chars()
    return stripped.set(stripped == "", None)


def _texts(table: Table, head: str, what: str) -> pl.Series:
    text = _cells(table, head)
    table.refuse(text.is_null(), head, what, "Fill the cell.")
    too_long = text.str.len_chars() > _MOST_TEXT[head]
    table.refuse(too_long, head, f"{_MOST_TEXT[head]} characters at most")
    # control characters, line breaks among them
    table.refuse(text.str.contains(r"\p{C}"), head, f"{what}, in printable characters")
    return text


def _check_spelling(table: Table, companies: pl.Series) -> None:
    """One company under two spellings would be two companies."""
    spelt: dict[str, str] = {}
    once = companies.unique(maintain_order=True).to_list()
    for name in once:
        other = spelt.setdefault(" ".join(name.casefold().split()), name)
        if other != name:
            table.refuse(companies == name, COMPANY, f"one spelling of a company: {other!r}")


def _days(table: Table, head: str) -> pl.Series:
    text = _cells(table, head)
    what = "a day such as 2025-09-30"
    table.refuse(text.is_null(), head, what, "Fill the cell.")
    days = text.str.to_date("%Y-%m-%d", strict=False)
    # the format alone would take 2025-9-3
    days = days.set(~text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), None)
    table.refuse(days.is_null(), head, what, "Write year, month and day in digits.")
    outside = (days < _FIRST_DAY) | (days.dt.year() > _LAST_YEAR)
    table.refuse(outside, head, f"{what}, from {_FIRST_DAY} to {_LAST_YEAR}")
    return days


def _periods(table: Table) -> tuple[pl.Series, pl.Series]:
    if table.has(START):
        start, end = _days(table, START), _days(table, END)
        table.refuse(end < start, END, f"a day that is not before {START}")
        return start, end
    text = _cells(table, PERIOD)
    what = "a month 2025-09, a calendar quarter 2025-Q3, a year 2025 or a day 2025-09-30"
    table.refuse(text.is_null(), PERIOD, what, "Fill the cell.")
    spans = [_span(one) for one in text.to_list()]
    unread = pl.Series([one is None for one in spans], dtype=pl.Boolean)
    remedy = f"For any other period give {START} and {END} in place of {PERIOD}."
    table.refuse(unread, PERIOD, what, remedy)
    known = [one for one in spans if one is not None]
    start, end = (pl.Series([one[side] for one in known], dtype=pl.Date) for side in (0, 1))
    return start, end


def _span(text: str) -> tuple[date, date] | None:
    """First and last day of a day, month, quarter or year; None where it is none."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        with suppress(ValueError):
            day = date.fromisoformat(text)
            return (day, day) if _FIRST_DAY.year <= day.year <= _LAST_YEAR else None
        return None
    match = re.fullmatch(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", text, re.ASCII)
    if match is None or not _FIRST_DAY.year <= (year := int(match[1])) <= _LAST_YEAR:
        return None
    first, last = 1, 12
    if match[2]:
        first, last = 3 * int(match[2]) - 2, 3 * int(match[2])
    elif match[3]:
        first = last = int(match[3])
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def _revisions(table: Table) -> pl.Series:
    text = _cells(table, REVISION).fill_null("0")
    what = f"a whole number from 0 to {_MOST_REVISION}, or nothing"
    numbers = text.set(~text.str.contains(r"^[0-9]{1,4}$"), None).cast(pl.Int64, strict=False)
    table.refuse(numbers.is_null() | (numbers > _MOST_REVISION), REVISION, what)
    return numbers


def _flags(table: Table) -> pl.Series:
    text = _cells(table, SIMULATED).fill_null("").str.to_lowercase()
    table.refuse(~text.is_in([*_TRUE, *_FALSE]), SIMULATED, "yes, no or nothing")
    return text.is_in(_TRUE)


def _values(table: Table, figure: Figure) -> pl.Series:
    """A column of figures as integers of the lake's unit, null where nothing was reported."""
    text, head = _cells(table, figure.head), figure.head
    what = f"{figure.head} in plain digits, not below zero, or nothing"
    parts = text.str.extract_groups(r"^([0-9]{1,13})(?:\.([0-9]*))?$").struct.unnest()
    whole, rest = parts["1"], parts["2"].fill_null("").str.strip_chars_end("0")
    table.refuse(text.is_not_null() & whole.is_null(), head, what, _EMPTY)
    exact = f"{figure.head} with {figure.decimals} decimals at most"
    table.refuse(rest.str.len_chars() > figure.decimals, head, exact)
    fraction = rest.str.pad_end(figure.decimals, "0").cast(pl.Int64, strict=False)
    scale = 10**figure.decimals
    over = whole.cast(pl.Int64) > int(float(figure.most))
    limits = f"{figure.head} from {figure.least} to {figure.most}, or nothing"
    wrong = "It may be of another unit than its head says."
    # before it is scaled, or it might not fit
    table.refuse(over, head, limits, wrong)
    values: pl.Series = whole.cast(pl.Int64) * scale + fraction
    low, high = (round(float(end) * scale) for end in (figure.least, figure.most))
    table.refuse((values < low) | (values > high), head, limits, wrong)
    return values.rename(figure.name)


def _check_parts(table: Table, values: dict[str, pl.Series], start: pl.Series) -> None:
    """A part is not larger than the whole; what coins brought is a price that coins can have."""
    for part, whole in (("restricted", "held"), ("convertible", "debt")):
        if part in values and whole in values:
            head = next(one.head for one in FIGURES if one.name == part)
            beside = next(one.head for one in FIGURES if one.name == whole)
            table.refuse(values[part] > values[whole], head, f"no more than {beside}")
    if "sold" in values and "sale_proceeds" in values:
        sold, cents = (values[name].cast(pl.Float64) for name in ("sold", "sale_proceeds"))
        price = (cents / 100) / (sold / 1e8)
        least = (start >= date(2019, 1, 1)).cast(pl.Int64) * (_SINCE_2019 - _CHEAPEST_COIN)
        too_little = price < least + _CHEAPEST_COIN
        odd = ((cents > 0) | (sold > 0)) & (too_little | (price > _DEAREST_COIN))
        what = f"USD for the coins sold, {_SINCE_2019:,} to {_DEAREST_COIN:,} a coin"
        table.refuse(odd, "sale_proceeds_usd", what, "Write all of it, not thousands or millions.")


def missing_days(start: pl.Series, end: pl.Series) -> list[tuple[date, date]]:
    """Stretches between periods that none of them covers, first and last day."""
    holes: list[tuple[date, date]] = []
    reached: date | None = None
    for first, last in sorted(zip(start.to_list(), end.to_list(), strict=True)):
        if reached is not None and first > reached + timedelta(days=1):
            holes.append((reached + timedelta(days=1), first - timedelta(days=1)))
        reached = last if reached is None else max(reached, last)
    return holes


KIND = "company-reports"
MAX_ROWS = 100_000
_RECOGNISED = tuple(Field(name) for name in (PERIOD, START, END, PUBLISHED, URL))
_HEADS = tuple(Field(figure.head) for figure in FIGURES)
# two rows are about one fact where these agree
_FACT = (COMPANY, "figure", START, END, "known_at", "revision", "simulated")


def recognise(probe: Probe) -> bool:
    """Whether a table has companies, and two or more of the other columns of reports."""
    return (
        has(probe.columns, Field(COMPANY)) == 1 and has(probe.columns, *_RECOGNISED, *_HEADS) >= 2
    )


def parse(content: Content, options: Options) -> Parsed:
    """Rows of ``companies``: one a figure, known at the end of the day of its publication.

    Raises BadReportColumns, BadValue, ConflictingRows, TooLarge, what tables raise.
    """
    table = read_matching(content, KIND, lambda columns: choose_columns(content.path, columns))
    if table.frame.height > MAX_ROWS:
        found = f"{table.frame.height:,}"
        raise TooLarge(file=content.path, limit=MAX_ROWS, what="rows", found=found)
    noted = tuple(note for note in table.notes if note != f"columns not kept: {NOTE}")
    table = replace(table, notes=noted)
    once, notes = _settled(table, read_reports(table))
    facts = COMPANIES.facts(once, content.source)
    return Parsed(KIND, (facts,), _coverage(facts.frame, (*table.notes, *notes)))


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
