"""Reads files of stated numbers, TOML, and says which of them is wrong.

What hashcanary assumes about the world, such as where machines stand and what they take, is data
with its sources; another file may be given in place of each built-in one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import TypeVar

from hashcanary.errors import HashcanaryError
from hashcanary.moments import day_start

Table = Mapping[str, object]


Word = TypeVar("Word", bound=str)


@dataclass(frozen=True, slots=True)
class Place:
    """A table of a file of stated numbers; each method reads one key or raises ``error``.

    file: as people know it; where: of the table in it, empty for the document; error: a class
    whose template has the fields file, place, expected, found.
    """

    file: str
    where: str
    table: Table
    error: type[HashcanaryError]

    def bad(self, key: str, expected: str, found: object) -> HashcanaryError:
        """The error that says what is wrong with ``key``."""
        place = f"{self.where}.{key}" if self.where else key
        return self.error(file=self.file, place=place, expected=expected, found=repr(found)[:80])

    def part(self, key: str) -> Place:
        """A table inside this one."""
        value = self.table.get(key)
        if not isinstance(value, dict):
            raise self.bad(key, "a table", value)
        where = f"{self.where}.{key}" if self.where else key
        return Place(self.file, where, value, self.error)

    def parts(self, key: str) -> tuple[Place, ...]:
        """A list of tables; none where the key is not there."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.bad(key, f"tables [[{key}]]", value)
        above = f"{self.where}, " if self.where else ""
        return tuple(
            Place(self.file, f"{above}{key} {at + 1}", one, self.error)
            for at, one in enumerate(value)
        )

    def only(self, *keys: str) -> None:
        """Refuse a key that is none of ``keys``: a misspelt one would go unread."""
        for key in self.table:
            if key not in keys:
                raise self.bad(key, f"one of {', '.join(keys)}", key)

    def text(self, key: str, absent: str | None = None) -> str:
        """A text that is not empty; ``absent`` where the key is not there."""
        if absent is not None and key not in self.table:
            return absent
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.bad(key, "a text", value)
        return value

    def texts(self, key: str, absent: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; ``absent`` where the key is not there."""
        if absent is not None and key not in self.table:
            return absent
        value = self.table.get(key)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.bad(key, "a list of texts", value)
        return tuple(value)

    def one_of(self, key: str, known: Collection[Word], absent: Word | None = None) -> Word:
        """A word among ``known``; ``absent`` where the key is not there."""
        value = self.table.get(key, absent)
        for one in known:
            if one == value:
                return one
        raise self.bad(key, f"one of {', '.join(known)}", value)

    def flag(self, key: str, absent: bool | None = None) -> bool:
        """True or false; ``absent`` where the key is not there."""
        value = self.table.get(key, absent)
        if not isinstance(value, bool):
            raise self.bad(key, "true or false", value)
        return value

    def number(self, key: str, low: float, high: float, absent: float | None = None) -> float:
        """A number from ``low`` to ``high``; ``absent`` where the key is not there."""
        if absent is not None and key not in self.table:
            return absent
        return self._number(key, self.table.get(key), low, high)

    def numbers(self, key: str, size: int, low: float, high: float) -> tuple[float, ...]:
        """A list of ``size`` numbers from ``low`` to ``high``."""
        value = self.table.get(key)
        if not isinstance(value, list) or len(value) != size:
            raise self.bad(key, f"{size} numbers", value)
        return tuple(self._number(key, one, low, high) for one in value)

    def pair(self, key: str, low: float, high: float) -> tuple[float, float]:
        """Two numbers from ``low`` to ``high``, the second no less than the first."""
        least, most = self.numbers(key, 2, low, high)
        if least > most:
            raise self.bad(key, "the lowest, then the highest", [least, most])
        return least, most

    def shares(self, key: str, known: tuple[str, ...]) -> dict[str, float]:
        """Fractions by name, each of ``known``, at most 1 in all."""
        inside = self.part(key)
        for name in inside.table:
            if name not in known:
                raise self.bad(key, f"names among {', '.join(known)}", name)
        found = {name: inside.number(name, 0.0, 1.0) for name in inside.table}
        if sum(found.values()) > 1 + 1e-9:
            raise self.bad(key, "fractions that sum to 1 or less", sum(found.values()))
        return found

    def day(self, key: str, absent: int | None = None) -> int:
        """Unix seconds at which a day begins; ``absent`` where the key is not there."""
        value = self.table.get(key)
        if value is None and absent is not None:
            return absent
        if type(value) is not date:
            raise self.bad(key, "a date such as 2021-07-01", value)
        return day_start(value)

    def month(self, key: str) -> int:
        """Unix seconds at which a month, written as the text ``"2021-07"``, begins."""
        value = self.table.get(key)
        if not isinstance(value, str) or not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", value):
            raise self.bad(key, 'a month such as "2021-07"', value)
        return day_start(date(int(value[:4]), int(value[5:]), 1))

    def _number(self, key: str, value: object, low: float, high: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise self.bad(key, f"a number from {low:g} to {high:g}", value)
        if not low <= value <= high:
            raise self.bad(key, f"a number from {low:g} to {high:g}", value)
        return float(value)


def read_document(
    package: str, name: str, path: Path | None, error: type[HashcanaryError]
) -> Place:
    """The document of ``path``, of the file ``name`` of ``package`` without. Raises ``error``."""
    shown = name if path is None else str(path)
    try:
        data = (files(package) / name).read_bytes() if path is None else path.read_bytes()
    except OSError as failure:
        raise _no_document(shown, failure, error) from failure
    return parse_document(shown, data, error)


def parse_document(file: str, data: bytes, error: type[HashcanaryError]) -> Place:
    """The document that bytes hold. file: as people know it. Raises ``error``."""
    try:
        return Place(file, "", tomllib.loads(data.decode("utf-8")), error)
    except (ValueError, RecursionError) as failure:
        raise _no_document(file, failure, error) from failure


def _no_document(
    file: str, failure: BaseException, error: type[HashcanaryError]
) -> HashcanaryError:
    found = str(failure)[:120]
    return error(file=file, place="its text", expected="a TOML document", found=found)
