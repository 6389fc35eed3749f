"""The mapping file: how any table becomes facts. ``docs/mapping.md`` shows it by example.

TOML with the table its rows belong to, the time column with its format and zone, and for every
other column its name in the lake and what to multiply it with.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hashcanary.sources.errors import BadMapping

if TYPE_CHECKING:
    from pathlib import Path

TABLES = ("daily_reference", "candles", "blocks")
_KEYS = ("table", "vendor", "market", "separator", "average", "time", "columns")
_TIME_KEYS = ("column", "format", "zone", "hour")
_AVERAGES = ("none", "day")
_COLUMN_KEYS = ("name", "multiply")


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
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _bad(path, "its text", "a TOML document", str(error)) from error
    _known_keys(path, "", document, _KEYS)
    table = _text(path, document, "table")
    if table not in TABLES:
        raise _bad(path, "table", f"one of {', '.join(TABLES)}", repr(table))
    name_key = {"daily_reference": "vendor", "candles": "market"}.get(table)
    separator = _text(path, document, "separator", ",")
    if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
        raise _bad(path, "separator", "one ASCII character that is no quote", repr(separator))
    time = document.get("time")
    if not isinstance(time, dict):
        raise _bad(path, "[time]", "a section with the key column", repr(time))
    _known_keys(path, "time.", time, _TIME_KEYS)
    averaged = _averaged(path, document, table)
    if "hour" in time and not averaged:
        raise _bad(path, "time.hour", 'average = "day" beside it', "no such line")
    return Mapping(
        table=table,
        name=_text(path, document, name_key) if name_key else "",
        separator=separator,
        time_column=_text(path, time, "column", where="time."),
        time_format=_text(path, time, "format", "iso", where="time."),
        zone=_zone(path, _text(path, time, "zone", "UTC", where="time.")),
        hour=_text(path, time, "hour", where="time.") if "hour" in time else "",
        averaged=averaged,
        columns=_columns(path, document.get("columns")),
    )


def _averaged(path: Path, document: dict[str, object], table: str) -> bool:
    average = _text(path, document, "average", "none")
    if average not in _AVERAGES:
        raise _bad(path, "average", f"one of {', '.join(_AVERAGES)}", repr(average))
    if average == "day" and table != "daily_reference":
        raise _bad(path, "average", "a table daily_reference", table)
    return average == "day"


def _columns(path: Path, section: object) -> dict[str, Mapped]:
    if not isinstance(section, dict) or not section:
        raise _bad(
            path, "[columns]", 'a section with lines such as "Close" = "close"', repr(section)
        )
    columns = {column: _column(path, column, value) for column, value in section.items()}
    names = [mapped.name for mapped in columns.values()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _bad(path, "[columns]", "each name of the lake once", f"{twice[0]!r} twice")
    return columns


def _column(path: Path, column: str, value: object) -> Mapped:
    place = f"columns.{column}"
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        raise _bad(path, place, "a name, or a table with name and multiply", repr(value))
    _known_keys(path, f"{place}.", value, _COLUMN_KEYS)
    factor = value.get("multiply", 1.0)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not isfinite(factor):
        raise _bad(path, f"{place}.multiply", "a finite number", repr(factor))
    if factor == 0:
        raise _bad(path, f"{place}.multiply", "a number other than zero", "0")
    return Mapped(_text(path, value, "name", where=f"{place}."), float(factor))


def _zone(path: Path, zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise _bad(
            path, "time.zone", "an IANA time zone such as Europe/Berlin", repr(zone)
        ) from error
    return zone


def _text(
    path: Path,
    section: dict[str, object],
    key: str,
    default: str | None = None,
    where: str = "",
) -> str:
    value = section.get(key, default)
    if not isinstance(value, str) or not value:
        raise _bad(path, where + key, "a text", "nothing" if value is None else repr(value))
    return value


def _known_keys(path: Path, where: str, section: dict[str, object], known: tuple[str, ...]) -> None:
    strange = sorted(set(section) - set(known))
    if strange:
        raise _bad(path, where + strange[0], f"one of the keys {', '.join(known)}", "this key")


def _bad(path: Path, place: str, expected: str, found: str) -> BadMapping:
    return BadMapping(
        file=path,
        place=place,
        expected=expected,
        found=found,
        remedy="Correct the mapping file; docs/mapping.md shows one.",
    )
