"""Answers for machines: JSON with one line a key, and CSV with the keys of JSON as its header.

JSON holds no NaN and is the same bytes for the same data. A CSV cell cannot start a spreadsheet
formula, and text that came from outside is made harmless.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from hashcanary.views.text import harmless

if TYPE_CHECKING:
    from hashcanary.views.table import Table

# what a spreadsheet takes for the start of a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ENCODER = json.JSONEncoder(allow_nan=False)


def json_text(document: Mapping[str, object]) -> str:
    """One JSON object: a line a key, and a line an item of a list of objects."""
    parts = [f"{json.dumps(key)}: {_json_value(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(f"  {part}" for part in parts) + "\n}\n"


def _json_value(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        lines = ",\n".join("    " + _encoded(item) for item in value)
        return f"[\n{lines}\n  ]"
    return _encoded(value)


def _encoded(value: object) -> str:
    # most values are such that JSON can hold them: only the others are walked through
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError):
        return _ENCODER.encode(jsonable(value))


def jsonable(value: object) -> object:
    """A value JSON can hold: NaN and infinities become null, days and paths text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [jsonable(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def csv_text(table: Table) -> str:
    """Every row of a table as CSV, its header the keys of JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.keys)
    for record in table.records():
        writer.writerow([csv_cell(value) for value in record.values()])
    return text.getvalue()


def csv_cell(value: object) -> str:
    """A cell of CSV: empty for null, text such that no spreadsheet takes it for a formula."""
    plain = jsonable(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, (int, float)):
        # numpy's numbers are floats too, and write their type beside them
        return repr(plain) if isinstance(plain, int) else repr(float(plain))
    text = plain if isinstance(plain, str) else json.dumps(plain)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return harmless(text)
