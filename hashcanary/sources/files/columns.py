"""Columns as checked at the door: each value is what its column promises, or the file is refused.

Every check is vectorised; the first value that fails is named by its line or row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from hashcanary.moments import DAY
from hashcanary.sources.errors import BadValue, ConflictingRows

EARLIEST = 1_230_768_000  # 2009-01-01: nothing about Bitcoin is older
LATEST = (1 << 32) - 1  # 2106: a header's time is 32 bits
MAX_HEIGHT = (1 << 31) - 1
_EXACT_FLOAT = 1 << 53
_TICKS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_SHOWN = 60
_ROW = "__row"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it stands in a file, in the file's order.

    path: of the file, or the URL of the answer that it came in. word and first: how a row is named
    in messages: line 2 of a CSV file is its first row.
    """

    path: Path | str
    frame: pl.DataFrame
    word: Literal["row", "line"]
    first: int
    notes: tuple[str, ...] = ()

    def has(self, column: str) -> bool:
        """Whether the file has this column."""
        return column in self.frame.columns

    def cells(self, column: str) -> pl.Series:
        """A column as it stands, null where the file has none."""
        absent = [None] * self.frame.height
        return self.frame[column] if self.has(column) else pl.Series(column, absent)

    def place(self, index: int) -> str:
        """Where a row is, as people find it."""
        return f"{self.word} {index + self.first:,}"

    def refuse(
        self, bad: pl.Series, column: str, expected: str, remedy: str = "Correct the file."
    ) -> None:
        """Raise BadValue for the first row where ``bad`` is true; null is not bad."""
        count = int(bad.sum() or 0)
        if not count:
            return
        index = bad.arg_true()[0]
        raise BadValue(
            file=self.path,
            place=f"{self.place(index)}, column {column}",
            expected=expected,
            found=_shown(self.frame[column][index]),
            more=f" (and {count - 1:,} more such)" if count > 1 else "",
            remedy=remedy,
        )

    def integers(
        self, column: str, low: int, high: int, *, what: str = "a whole number", null: bool = False
    ) -> pl.Series:
        """A column of integers within ``low`` and ``high``, as Int64."""
        raw = self._given(column, what, null=null)
        values = _to_integers(raw)
        expected = f"{what} from {low} to {high}"
        self.refuse(values.is_null() & raw.is_not_null(), column, expected)
        self.refuse((values < low) | (values > high), column, expected)
        return values

    def reals(self, column: str, *, what: str = "a number", null: bool = False) -> pl.Series:
        """A column of finite numbers, as Float64."""
        raw = self._given(column, what, null=null)
        values = _to_reals(raw)
        self.refuse(values.is_null() & raw.is_not_null(), column, what)
        self.refuse(~values.is_finite(), column, f"{what} that is finite")
        return values

    def prices(self, column: str) -> pl.Series:
        """A column of finite numbers above zero, as Float64."""
        values = self.reals(column, what="a price")
        self.refuse(values <= 0, column, "a price above zero")
        return values

    def texts(self, column: str, what: str) -> pl.Series:
        """A column of text, null where the file has none."""
        raw = self.cells(column)
        if raw.dtype == pl.String:
            return raw
        self.refuse(raw.is_not_null(), column, what)
        return pl.Series(column, [None] * len(raw), dtype=pl.String)

    def hashes(self, column: str, *, null: bool = False) -> pl.Series:
        """A column of block hashes, 64 hex digits in the printed order, as 32 bytes."""
        what = "a block hash: 64 hex digits, in the order they are printed"
        raw = self._given(column, what, null=null)
        if raw.dtype == pl.Binary:
            self.refuse(raw.bin.size() != 32, column, "a block hash of 32 bytes")
            return raw
        text = self.texts(column, what)
        self.refuse(~text.str.contains(r"^[0-9a-fA-F]{64}$"), column, what)
        return text.str.decode("hex")

    def bits(self, column: str) -> tuple[pl.Series, tuple[str, ...]]:
        """A column of compact targets, as Int64: integers, or 8 hex digits with or without 0x.

        No ambiguity: in decimal any target of a network in use has nine digits. So whole numbers
        of eight, in every row, are hex digits that a tool took for numbers; a note says so.
        """
        what = "a compact target such as 486604799, 1d00ffff or 0x1d00ffff"
        raw = self._given(column, what, null=False)
        if raw.dtype == pl.String:
            text = raw.str.strip_chars().str.to_lowercase()
            is_hex = text.str.contains(r"^(0x)?[0-9a-f]{8}$")
            digits = text.str.strip_prefix("0x")
            as_hex = digits.set(~is_hex.fill_null(value=False), None).str.to_integer(base=16)
            values = pl.select(
                pl.when(is_hex).then(as_hex).otherwise(_to_integers(text))
            ).to_series()
        else:
            values = _to_integers(raw)
        self.refuse(values.is_null() & raw.is_not_null(), column, what)
        self.refuse((values <= 0) | (values > LATEST), column, what)
        if len(values) and bool(values.is_between(10_000_000, 99_999_999).all()):
            digits = values.cast(pl.String).str.to_integer(base=16)
            return digits.rename(column), (
                f"{column} were hex digits read as numbers: read as hex",
            )
        return values.rename(column), ()

    def header_times(self, column: str) -> tuple[pl.Series, tuple[str, ...]]:
        """A column of header times as Unix seconds: integers, or dates with times as ``times``."""
        raw = self.frame[column]
        words = raw.dtype == pl.String and raw.str.contains(r"^\s*\d{4}-\d{2}-\d{2}").any()
        if words or isinstance(raw.dtype, pl.Datetime):
            return self.times(column)
        what = "a header time in Unix seconds, whole,"
        return self.integers(column, EARLIEST, LATEST, what=what), ()

    def times(self, column: str) -> tuple[pl.Series, tuple[str, ...]]:
        """A column of moments as Unix seconds, with notes on how it was read.

        Integers are Unix seconds, milli-, micro- or nanoseconds: the span 2009 to 2106 tells
        which, without overlap. Text is ISO 8601. What carries no zone is read as UTC, and said.
        """
        what = "a time: ISO 8601 or a Unix time, from 2009 to 2106"
        raw = self._given(column, what, null=False)
        values, notes = _to_times(raw)
        self.refuse(values.is_null(), column, what)
        self.refuse((values < EARLIEST) | (values > LATEST), column, what)
        return values, notes

    def days(self, column: str) -> pl.Series:
        """A column of UTC days, as Date. A time of day other than midnight is refused."""
        seconds, _ = self.times(column)
        self.refuse(seconds % DAY != 0, column, "a UTC day, without a time of day")
        return pl.from_epoch(seconds, "s").dt.date()

    def _given(self, column: str, what: str, *, null: bool) -> pl.Series:
        raw = self.cells(column)
        if not null:
            self.refuse(raw.is_null(), column, what, "Fill the cell or remove the row.")
        return raw


def settle(
    table: Table, frame: pl.DataFrame, key: Sequence[str]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """One row a fact, ordered by key: exact duplicates go, with a note.

    ``frame`` is row for row as ``table``. Raises ConflictingRows where one key has two values.
    """
    notes = []
    if frame[key[0]].n_unique() < frame.height:
        numbered = frame.with_row_index(_ROW)
        once = numbered.unique(frame.columns, keep="first", maintain_order=True)
        if once.height < frame.height:
            count = frame.height - once.height
            notes.append(f"rows that repeat another word for word, left out: {count:,}")
        conflict = once.select(pl.struct(key).is_duplicated()).to_series()
        if conflict.any():
            raise _conflict(table, once.filter(conflict), key)
        frame = once.drop(_ROW)
    if not frame[key[0]].is_sorted():
        notes.append("rows were out of order: sorted")
    return frame.sort(key), tuple(notes)


def _conflict(table: Table, rows: pl.DataFrame, key: Sequence[str]) -> ConflictingRows:
    first = rows.row(0, named=True)
    same = rows.filter(*(pl.col(column).eq_missing(first[column]) for column in key))
    second = same.row(1, named=True)
    differ = [
        column for column in rows.columns if column != _ROW and first[column] != second[column]
    ]
    more = rows.select(pl.struct(key).n_unique()).item() - 1
    return ConflictingRows(
        file=table.path,
        place=f"{table.place(first[_ROW])} and {table.place(second[_ROW])}",
        key=", ".join(f"{column} {_shown(first[column])}" for column in key),
        found="; ".join(
            f"{column} {_shown(first[column])} and {_shown(second[column])}" for column in differ
        ),
        more=f" (and so for {more:,} more)" if more else "",
    )


def missing_ranges(values: pl.Series, step: int) -> list[tuple[int, int]]:
    """First and last of each stretch missing from ascending integers spaced by ``step``."""
    following = values.shift(-1)
    ends = pl.DataFrame({"last": values, "next": following}).filter(
        pl.col("next") - pl.col("last") > step
    )
    return [(last + step, coming - step) for last, coming in ends.iter_rows()]


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    text = repr(value) if isinstance(value, str) else str(value)
    text = "nothing" if value is None else text
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _to_integers(raw: pl.Series) -> pl.Series:
    """Int64, null where a value is no whole number. Floats count where they are exact."""
    if raw.dtype.is_integer():
        return raw.cast(pl.Int64, strict=False)
    if raw.dtype.is_float() or raw.dtype.is_decimal():
        real = raw.cast(pl.Float64, strict=False)
        whole = (real == real.floor()) & (real.abs() <= _EXACT_FLOAT)
        return real.set(~whole.fill_null(value=False), None).cast(pl.Int64, strict=False)
    if raw.dtype == pl.String:
        text = raw.str.strip_chars()
        direct = text.cast(pl.Int64, strict=False)
        if direct.null_count() == raw.null_count():
            return direct
        # Tools that hold a gap in a column write its integers as 123.0.
        return direct.fill_null(_to_integers(text.cast(pl.Float64, strict=False)))
    return pl.Series(raw.name, [None] * len(raw), dtype=pl.Int64)


def _to_reals(raw: pl.Series) -> pl.Series:
    if raw.dtype.is_numeric():
        return raw.cast(pl.Float64, strict=False)
    if raw.dtype == pl.String:
        return raw.str.strip_chars().cast(pl.Float64, strict=False)
    return pl.Series(raw.name, [None] * len(raw), dtype=pl.Float64)


def _to_times(raw: pl.Series) -> tuple[pl.Series, tuple[str, ...]]:
    nothing = pl.Series(raw.name, [None] * len(raw), dtype=pl.Int64)
    if isinstance(raw.dtype, pl.Datetime):
        notes = () if raw.dtype.time_zone else ("times carry no zone: read as UTC",)
        return raw.dt.convert_time_zone("UTC").dt.epoch("s"), notes
    if raw.dtype == pl.Date:
        return raw.cast(pl.Datetime("us")).dt.epoch("s"), ()
    if raw.dtype.is_numeric():
        return _from_ticks(_to_integers(raw))
    if raw.dtype != pl.String:
        return nothing, ()
    numbers = _to_integers(raw)
    if numbers.null_count() < len(raw):
        return _from_ticks(numbers)
    return _from_text(raw.str.strip_chars())


def _from_ticks(numbers: pl.Series) -> tuple[pl.Series, tuple[str, ...]]:
    """Each number by the unit whose span it lies in: vendors change theirs inside of a file."""
    seconds = numbers
    units = []
    for unit, ticks in _TICKS.items():
        fits = numbers.is_between(EARLIEST * ticks, LATEST * ticks)
        if fits.any():
            units.append(unit)
            seconds = pl.select(
                pl.when(fits.fill_null(value=False)).then(numbers // ticks).otherwise(seconds)
            ).to_series()
    plain = not units or units == ["seconds"]
    notes = () if plain else (f"times were Unix {' and '.join(units)}: read as such",)
    return seconds, notes


def _from_text(text: pl.Series) -> tuple[pl.Series, tuple[str, ...]]:
    day = text.str.to_date("%Y-%m-%d", strict=False)
    if day.null_count() == 0:
        return day.cast(pl.Datetime("us")).dt.epoch("s"), ()
    iso = text.str.replace(" UTC$", "Z").str.replace(" ", "T", literal=True)
    zoned = iso.str.contains(r"(Z|[+-]\d{2}:?\d{2})$")
    with_zone = iso.set(~zoned, None).str.to_datetime("%+", strict=False, time_zone="UTC")
    plain = iso.set(zoned, None).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False)
    seconds = with_zone.dt.epoch("s").fill_null(plain.dt.epoch("s"))
    seconds = seconds.fill_null(day.cast(pl.Datetime("us")).dt.epoch("s"))
    return seconds, () if bool(zoned.all()) else ("times carry no zone: read as UTC",)
