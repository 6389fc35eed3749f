"""Any table, CSV or Parquet, by a mapping file that says what its columns mean.

The mapping is TOML with the table its rows belong to, the time column with its format and zone, and
for every other column its name in the lake and what to multiply it with. ``docs/mapping.md`` shows
it by example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from hashcanary.sources.catalogue.blocks import FIELDS as BLOCK_FIELDS
from hashcanary.sources.catalogue.candles import FIELDS as CANDLE_FIELDS
from hashcanary.sources.catalogue.candles import candles_of
from hashcanary.sources.errors import BadMapping, BadValue, MissingColumns, MissingOption
from hashcanary.sources.facts import BLOCKS, Parsed
from hashcanary.sources.files.blocks_table import blocks_of
from hashcanary.sources.files.columns import EARLIEST, LATEST, Table
from hashcanary.sources.files.daily import (
    Spans,
    check_power,
    day_means,
    from_hours,
    in_zone,
    parse_daily,
)
from hashcanary.sources.files.reading import fetch
from hashcanary.sources.files.tables import read_matching
from hashcanary.sources.source import Content, Options, Probe, Source
from hashcanary.stated import Place, parse_document

TABLES = ("daily_reference", "candles", "blocks")
_KEYS = ("table", "vendor", "market", "separator", "average", "time", "columns")
_TIME_KEYS = ("column", "format", "zone", "hour")
_AVERAGES = ("none", "day")
_COLUMN_KEYS = ("name", "multiply")
_MOST = 1e300


@dataclass(frozen=True, slots=True)
class Mapped:
    """A column's name in the lake, and the factor that brings it to the lake's unit."""

    name: str
    multiply: float = 1.0


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file, checked.

    table: one of ``TABLES``. name: vendor of daily series or market of candles. time_format:
    ``iso``, ``unix``, ``unix_ms``, or a strftime pattern. zone: IANA name of the zone of times
    that carry none. hour: the column that tells which hour of the day in ``time_column``, by its
    end; empty where that column tells it. averaged: rows are shorter than a day, and their means
    are wanted. columns: by the file's name.
    """

    table: str
    name: str
    separator: str
    time_column: str
    time_format: str
    zone: str
    hour: str
    averaged: bool
    columns: dict[str, Mapped]


def read_mapping(path: Path, data: bytes) -> Mapping:
    """Read a mapping file. Raises BadMapping, which names the key."""
    document = parse_document(str(path), data, BadMapping)
    document.only(*_KEYS)
    table = document.one_of("table", TABLES)
    separator = document.table.get("separator", ",")
    if not isinstance(separator, str) or len(separator) != 1 or not separator.isascii():
        raise document.bad("separator", "one ASCII character", separator)
    if separator in '"\r\n':
        raise document.bad("separator", "a character that is no quote and no line's end", separator)
    time = document.part("time")
    time.only(*_TIME_KEYS)
    averaged = document.one_of("average", _AVERAGES, "none") == "day"
    if averaged and table != "daily_reference":
        raise document.bad("average", "a table daily_reference", table)
    if "hour" in time.table and not averaged:
        raise time.bad("hour", 'average = "day" beside it', "no such line")
    name_key = {"daily_reference": "vendor", "candles": "market"}.get(table)
    return Mapping(
        table=table,
        name=document.text(name_key) if name_key else "",
        separator=separator,
        time_column=time.text("column"),
        time_format=time.text("format", "iso"),
        zone=_zone(time),
        hour=time.text("hour", ""),
        averaged=averaged,
        columns=_columns(document),
    )


def _columns(document: Place) -> dict[str, Mapped]:
    given = document.part("columns")
    if not given.table:
        raise document.bad("columns", 'lines such as "Close" = "close"', None)
    columns = {column: _column(given, column) for column in given.table}
    names = [mapped.name for mapped in columns.values()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise document.bad("[columns]", "each name of the lake once", f"{twice[0]} twice")
    return columns


def _column(given: Place, column: str) -> Mapped:
    if isinstance(given.table[column], str):
        return Mapped(given.text(column))
    inside = given.part(column)
    inside.only(*_COLUMN_KEYS)
    factor = inside.number("multiply", -_MOST, _MOST, 1.0)
    if factor == 0:
        raise inside.bad("multiply", "a number other than zero", 0)
    return Mapped(inside.text("name"), factor)


def _zone(time: Place) -> str:
    zone = time.text("zone", "UTC")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise time.bad("zone", "an IANA time zone such as Europe/Berlin", zone) from error
    return zone


KIND = "mapped-csv"
_TIME, _HOUR = "time", "hour_ending"
_FORMAT_REMEDY = "Correct the file or the mapping's time.format."
_NEEDED = {
    "daily_reference": (),
    "candles": tuple(field.name for field in CANDLE_FIELDS if field.required),
    "blocks": tuple(field.name for field in BLOCK_FIELDS if field.required),
}
_KNOWN = {
    "candles": tuple(field.name for field in CANDLE_FIELDS),
    "blocks": tuple(field.name for field in BLOCK_FIELDS),
}


def recognise(probe: Probe) -> bool:
    """Never: only its mapping says what such a table is."""
    return False


def parse(content: Content, options: Options) -> Parsed:
    """Rows of the table that the mapping names, checked like those of any other source.

    The mapping is part of the source's identity: the same file read another way is another source.
    """
    if options.mapping is None:
        raise MissingOption(
            file=content.path,
            kind=KIND,
            option="a mapping file",
            remedy="Write one (docs/mapping.md shows how) and give it with --mapping FILE.",
        )
    fetched = fetch(options.mapping)
    mapping = read_mapping(options.mapping, fetched.data)
    _check_names(options.mapping, mapping)
    both = sha256(f"{content.sha256} {fetched.sha256}".encode()).hexdigest()
    content = replace(content, sha256=both)
    table = _table(content, mapping)
    parsed = _parse_as(content, options, mapping, table)
    mapped = {"mapping": fetched.path.name, "mapping_sha256": fetched.sha256}
    return replace(parsed, provenance={**mapped, "source": content.source})


def _parse_as(content: Content, options: Options, mapping: Mapping, table: Table) -> Parsed:
    if mapping.table == "candles":
        return candles_of(content, options, KIND, table, options.market or mapping.name)
    if mapping.table == "blocks":
        return blocks_of(content, options, KIND, table)
    names = [mapped.name for mapped in mapping.columns.values()]
    series = [check_power(table, name, table.reals(name, null=True)) for name in names]
    if mapping.averaged:
        spans, wide = _spans(table, mapping), pl.DataFrame(series)
        return day_means(KIND, table, spans, wide, mapping.name, content.source, table.notes)
    wide = pl.DataFrame([table.days(_TIME).alias("day"), *series])
    return parse_daily(KIND, table, wide, mapping.name, content.source, table.notes)


def _spans(table: Table, mapping: Mapping) -> Spans:
    """When the span of each row begins, by the mapping's format, zone and column of hours."""
    if mapping.hour:
        days = _local(table, mapping)
        what = "a day without a time, beside the hours in another column"
        table.refuse(days.dt.truncate("1d") != days, _TIME, what)
        local = from_hours(table, days.dt.date(), _HOUR)
    elif mapping.time_format in ("unix", "unix_ms") or mapping.zone == "UTC":
        begin = _seconds(table, mapping)
        return Spans(begin, begin.is_null())
    else:
        local = _local(table, mapping)
        if local.dtype.time_zone is not None:  # type: ignore[attr-defined]
            begin = local.dt.epoch("s")
            return Spans(begin, begin.is_null())
    return in_zone(table, _TIME, local, mapping.zone)


def _local(table: Table, mapping: Mapping) -> pl.Series:
    """The time column as it stands, Datetime, mostly without a zone. Raises BadValue."""
    raw = table.frame[_TIME]
    what = f"a time as {mapping.time_format}"
    if isinstance(raw.dtype, pl.Datetime | pl.Date):
        table.refuse(raw.is_null(), _TIME, what)
        return raw if isinstance(raw.dtype, pl.Datetime) else raw.cast(pl.Datetime("us"))
    return _read_times(table, mapping, what)


def _check_names(path: Path, mapping: Mapping) -> None:
    names = {_TIME, *(mapped.name for mapped in mapping.columns.values())}
    known = _KNOWN.get(mapping.table)
    strange = sorted(names - set(known)) if known else []
    missing = [name for name in _NEEDED[mapping.table] if name not in names]
    if strange or missing or len(names) == len(mapping.columns):
        columns = ", ".join(known or ("time once, beside the series",))
        needed = ", ".join(_NEEDED[mapping.table]) or "names"
        raise BadMapping(
            file=path,
            place="[columns]",
            expected=f"the columns {columns}; a table {mapping.table} needs {needed}",
            found=", ".join(sorted(names)),
        )


def _table(content: Content, mapping: Mapping) -> Table:
    """The mapped columns under the lake's names, times as Unix seconds."""
    table = read_matching(
        content, KIND, lambda columns: _wanted(content, mapping, columns), mapping.separator
    )
    frame = table.frame
    if not mapping.averaged:
        frame = frame.with_columns(_seconds(table, mapping).alias(_TIME))
    for mapped in mapping.columns.values():
        if mapped.multiply != 1.0:
            values = table.reals(mapped.name, null=True) * mapped.multiply
            whole = mapping.table == "blocks" and BLOCKS.schema.get(mapped.name) == pl.Int64
            frame = frame.with_columns((values.round() if whole else values).alias(mapped.name))
    return replace(table, frame=frame)


def _wanted(content: Content, mapping: Mapping, columns: Sequence[str]) -> dict[str, str]:
    wanted = {mapping.time_column: _TIME}
    wanted |= {mapping.hour: _HOUR} if mapping.hour else {}
    wanted |= {column: mapped.name for column, mapped in mapping.columns.items()}
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise MissingColumns(content.path, KIND, "; ".join(missing), ", ".join(columns))
    return wanted


def _seconds(table: Table, mapping: Mapping) -> pl.Series:
    """The time column as Unix seconds, read by the mapping's format and zone."""
    if mapping.time_format in ("unix", "unix_ms"):
        ticks = 1000 if mapping.time_format == "unix_ms" else 1
        what = f"a time as {mapping.time_format}"
        values = table.integers(_TIME, 0, (1 << 62), what=what)
        # another unit than the mapping says, or one that changes inside of the file
        odd = ~values.is_between(EARLIEST * ticks, LATEST * ticks)
        table.refuse(odd, _TIME, f"{what}, from 2009 to 2106", _FORMAT_REMEDY)
        return values // ticks
    if mapping.time_format == "iso" and mapping.zone == "UTC":
        return table.times(_TIME)[0]
    what = f"a time as {mapping.time_format} of the zone {mapping.zone}"
    when = _read_times(table, mapping, what)
    if when.dtype.time_zone is None:  # type: ignore[attr-defined]
        when = when.dt.replace_time_zone(mapping.zone, ambiguous="earliest", non_existent="null")
        table.refuse(when.is_null(), _TIME, what, _FORMAT_REMEDY)
    return when.dt.epoch("s")


def _read_times(table: Table, mapping: Mapping, what: str) -> pl.Series:
    """Text as Datetime by the mapping's format, with a zone where the text has one."""
    text = table.frame[_TIME].cast(pl.String).str.strip_chars()
    pattern = None if mapping.time_format == "iso" else mapping.time_format
    try:
        when = text.str.to_datetime(pattern, strict=False, ambiguous="earliest")
    except pl.exceptions.PolarsError as error:
        raise BadValue(
            file=table.path,
            place=f"column {mapping.time_column}",
            expected=what,
            found=repr(text[0]),
            more="",
            remedy="Correct time.format in the mapping file.",
        ) from error
    table.refuse(when.is_null(), _TIME, what, _FORMAT_REMEDY)
    return when


MAPPED_CSV = Source(
    kind=KIND,
    title="Any table through a mapping file",
    reads="CSV or Parquet of any layout, with a TOML mapping file given by --mapping",
    recognise=recognise,
    parse=parse,
)
