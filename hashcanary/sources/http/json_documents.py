"""JSON from servers: strict, bounded in depth, and read by path, so that a change of its form is
told with the place where it shows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from hashcanary.sources.errors import WrongSchema

_MAX_DEPTH = 32
_SHOWN = 120
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


def printable(data: bytes | str, limit: int = _SHOWN) -> str:
    """The beginning of what a server said, on one line, without what could move a terminal."""
    text = data[: 4 * limit].decode("utf-8", "replace") if isinstance(data, bytes) else data
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())
    return (line if len(line) <= limit else f"{line[:limit]}...") or "nothing"


def decode_json(body: bytes, url: str, content_type: str) -> object:
    """A body as JSON values. Raises WrongSchema; see ``client.Answer.json``."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{body[error.start]:02x}"
        raise WrongSchema(url, f"byte {error.start:,}", "UTF-8", found) from error
    try:
        value: object = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        found = f"{content_type or 'a body of no declared type'}: {printable(body)}"
        raise WrongSchema(url=url, path="the body", expected="JSON", found=found) from error
    if _deeper(value, _MAX_DEPTH):
        raise WrongSchema(url, "the body", f"at most {_MAX_DEPTH} levels", "more")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _deeper(value: object, levels: int) -> bool:
    """Whether lists and objects are nested more than ``levels`` deep."""
    layer = [value]
    for _ in range(levels):
        inner: list[object] = []
        for one in layer:
            if isinstance(one, dict):
                inner.extend(v for v in one.values() if isinstance(v, (dict, list)))
            elif isinstance(one, list):
                inner.extend(v for v in one if isinstance(v, (dict, list)))
        if not inner:
            return False
        layer = inner
    return True


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside an answer, with its path, for reading what must be there.

    Each reader raises WrongSchema with the path, what was expected and what was found.
    """

    value: object
    url: str
    path: str = "$"

    def fail(self, expected: str) -> NoReturn:
        """Raise WrongSchema at this place."""
        found = "nothing" if self.value is None else printable(repr(self.value), 60)
        raise WrongSchema(url=self.url, path=self.path, expected=expected, found=found)

    def has(self, name: str) -> bool:
        """Whether this object has a value other than null under ``name``."""
        return self.at(name).value is not None

    def at(self, name: str) -> Node:
        """The value under ``name`` of an object, null where there is none."""
        if not isinstance(self.value, dict):
            self.fail("an object")
        return Node(self.value.get(name), self.url, f"{self.path}.{name}")

    def items(self, most: int) -> Iterator[Node]:
        """The values of a list of at most ``most``."""
        if not isinstance(self.value, list):
            self.fail("a list")
        if len(self.value) > most:
            length = f"a list of {len(self.value):,}"
            raise WrongSchema(self.url, self.path, f"at most {most:,} entries", length)
        return (
            Node(one, self.url, f"{self.path}[{index}]") for index, one in enumerate(self.value)
        )

    def integer(self, low: int, high: int, what: str = "a whole number") -> int:
        """A whole number within bounds; true and false are none."""
        value = self.value
        if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(f"{what} from {low} to {high}")
        return value

    def real(self, what: str = "a number") -> float:
        """A finite number."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(what)
        try:
            number = float(value)
        except OverflowError:
            self.fail(what)
        if not math.isfinite(number):
            self.fail(what)
        return number

    def text(self, what: str = "text", most: int = 10_000) -> str:
        """Text of at most ``most`` characters."""
        if not isinstance(self.value, str) or len(self.value) > most:
            self.fail(what)
        return self.value

    def hash(self) -> bytes:
        """A hash: 64 hex digits in the printed order, as 32 bytes."""
        return self.hex(32, 32, "a hash of 64 hex digits")

    def hex(self, least: int, most: int, what: str = "hex digits") -> bytes:
        """Hex digits that stand for ``least`` to ``most`` bytes."""
        text = self.value
        sized = isinstance(text, str) and 2 * least <= len(text) <= 2 * most
        if not isinstance(text, str) or not sized or not set(text) <= _HEX_DIGITS:
            self.fail(what)
        return bytes.fromhex(text) if len(text) % 2 == 0 else self.fail(what)
