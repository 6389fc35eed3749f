"""A table as data: what its columns mean, and its rows before anybody formats them.

Terminal, CSV, JSON, page, notebook and API render this table, and none of them knows a column.
A key is ``name_unit``; a cell with limits has two more, ``name_unit_low`` and ``name_unit_high``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from hashcanary.interval import Interval
from hashcanary.moments import iso_day, iso_time
from hashcanary.units import DATE, UNIX_TIME, Unit

if TYPE_CHECKING:
    import polars as pl


# what limits are where nothing more is known of them
INTERVAL = "central 95%"

Plain = str | int | float | bool | None
Cell = Interval | Plain | Sequence[Plain]
Row = Any
"""A tuple of cells in the columns' order, a mapping by column name, or any object that the columns
read by their ``get`` or by an attribute of their name."""


def limited(value: float | None, low: float | None, high: float | None) -> Cell:
    """A cell with limits; the value alone where they are not known."""
    if value is None or low is None or high is None:
        return value
    return Interval(value, low, high)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: what it is called by machines and by people, and how its cells are read.

    name: without unit, ``hashprice``. unit: None for words. get: a row's cell, or the path of
    attributes to it, ``rig.name``, where there is no cell when it ends early; None takes the
    attribute called like its key, else like ``name``. limits: what kind of interval its cells
    have, empty where they have none; level: its probability, None where they are of none.
    definition: in words, for ``columns`` of JSON and the docs. digits: significant ones for people;
    decimals for a percentage. text: how people read a value, an infinite one too, in place of the
    formatter. signed: a change, with its sign; points: a difference of two fractions, in percentage
    points. bare: its key has no unit, which stands beside the rows. ends: people see the limits
    alone.

    wide: words that may break over lines. optional: people see it where some row has a value, and
    an answer has it among its facts where it is known; hidden: people never do. spare: left out
    where there is no room, the greatest first; 0: never.
    """

    name: str
    title: str
    unit: Unit | None = None
    get: Callable[[Row], Cell] | str | None = None
    limits: str = ""
    level: float | None = 0.95
    definition: str = ""
    digits: int | None = None
    text: Callable[[Any], str] | None = None
    signed: bool = False
    points: bool = False
    bare: bool = False
    ends: bool = False
    wide: bool = False
    optional: bool = False
    hidden: bool = False
    spare: int = 0

    @property
    def key(self) -> str:
        """Its key in JSON and CSV: ``hashprice_usd_per_phs_day``."""
        if self.unit is None or self.bare or not self.unit.keyed:
            return self.name
        # blocks of unit blocks are named once
        named = f"_{self.name}".endswith(f"_{self.unit.suffix}")
        return self.name if named else f"{self.name}_{self.unit.suffix}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its value and, where its cells have limits, of their ends."""
        return (self.key, f"{self.key}_low", f"{self.key}_high") if self.limits else (self.key,)

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers, for people too."""
        return self.unit is not None and self.unit.numeric

    def described(self) -> dict[str, object]:
        """What JSON says of it: key, title, unit, definition, kind and level of the interval."""
        return {
            "key": self.key,
            "title": self.title,
            "unit": self.unit.suffix if self.unit else None,
            "definition": self.definition or None,
            "interval": self.limits or None,
            "level": self.level if self.limits else None,
        }

    def cell(self, row: Row, place: int) -> Cell:
        """A row's cell. place: the column's in its table, for rows that are tuples."""
        cell: Cell
        if isinstance(self.get, str):
            cell = row
            for attribute in self.get.split("."):
                cell = None if cell is None else getattr(cell, attribute)
        elif self.get is not None:
            cell = self.get(row)
        elif type(row) is tuple:
            cell = row[place]
        elif isinstance(row, (dict, Mapping)):
            cell = row[self.name]
        else:
            cell = getattr(row, self.key if hasattr(row, self.key) else self.name)
        return float(cell) if type(cell) is Fraction else cell

    def data(self, cell: Cell) -> dict[str, object]:
        """A cell by the column's keys, as JSON holds it: no NaN, days and instants in ISO 8601."""
        return {key: values[0] for key, values in self.lists([cell]).items()}

    def lists(self, cells: Sequence[Cell]) -> dict[str, list[object]]:
        """Cells by the column's keys, as JSON holds them."""
        plain = self._plain
        values = [plain(cell.value if isinstance(cell, Interval) else cell) for cell in cells]
        if not self.limits:
            return {self.key: values}
        lows = [plain(cell.low) if isinstance(cell, Interval) else None for cell in cells]
        highs = [plain(cell.high) if isinstance(cell, Interval) else None for cell in cells]
        return dict(zip(self.keys, (values, lows, highs), strict=True))

    def _plain(self, value: object) -> object:
        if value is None or type(value) is str:
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not isfinite(value):
                return None
            if self.unit is DATE:
                return iso_day(int(value))
            if self.unit is UNIX_TIME:
                return iso_time(int(value))
            # numpy's numbers are Python's from here on
            return float(value) if isinstance(value, float) else int(value)
        return list(value) if isinstance(value, tuple) else value


def defined(definitions: Mapping[str, str], *columns: Column) -> tuple[Column, ...]:
    """The columns of a table, with definitions by their keys. Raises KeyError for no column's."""
    by_key = {column.key: column for column in columns}
    told = {key: replace(by_key[key], definition=text) for key, text in definitions.items()}
    return tuple(told.get(column.key, column) for column in columns)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their columns; ``note`` is read under it, ``empty`` in place of no rows.

    shown: the rows people see, None for all. drawn: a page also draws the first interval of each
    row, against zero on one scale. reference: to be looked up, not read.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""
    empty: str = ""
    shown: Sequence[Row] | None = None
    drawn: bool = False
    reference: bool = False

    @property
    def keys(self) -> list[str]:
        """The keys of a record, in order: the header of its CSV."""
        return [key for column in self.columns for key in column.keys]

    def cells(self, row: Row) -> list[Cell]:
        """A row's cells in the columns' order."""
        return [column.cell(row, place) for place, column in enumerate(self.columns)]

    def lists(self) -> dict[str, list[object]]:
        """Every row by the columns' keys, as JSON holds it."""
        data: dict[str, list[object]] = {}
        for place, column in enumerate(self.columns):
            data |= column.lists([column.cell(row, place) for row in self.rows])
        return data

    def records(self) -> list[dict[str, object]]:
        """Every row as JSON holds it."""
        data = self.lists()
        return [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]

    def described(self) -> list[dict[str, object]]:
        """Its columns as JSON describes them."""
        return [column.described() for column in self.columns]

    def frame(self) -> pl.DataFrame:
        """A Polars frame of every row: days as ``Date``, instants as ``Datetime`` in UTC."""
        import polars as pl

        frame = pl.DataFrame(self.lists(), strict=False)
        days = [column.key for column in self.columns if column.unit is DATE]
        times = [column.key for column in self.columns if column.unit is UNIX_TIME]
        numbers = [
            key
            for column in self.columns
            if column.numeric
            for key in column.keys
            if frame.schema[key] == pl.Null
        ]
        return frame.with_columns(
            pl.col(days).cast(pl.String).str.to_date("%Y-%m-%d"),
            pl.col(times).cast(pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC"),
            pl.col(numbers).cast(pl.Float64),
        )
