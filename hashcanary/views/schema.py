"""Every view there is, and the JSON Schema that its document keeps."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from hashcanary import views
from hashcanary.units import DATE, UNIX_TIME
from hashcanary.views.answer import View
from hashcanary.views.table import Column

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NULL = ["null"]
_COLUMN = {
    "type": "object",
    "properties": {
        "key": {"type": "string"},
        "title": {"type": "string"},
        "unit": {"type": ["string", "null"]},
        "definition": {"type": ["string", "null"]},
        "interval": {"type": ["string", "null"]},
        "level": {"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    },
    "required": ["key", "title", "unit", "definition", "interval", "level"],
    "additionalProperties": False,
}


def all_views() -> dict[str, View]:
    """The views of every module of ``hashcanary.views``, by command."""
    modules = [
        import_module(f"{views.__name__}.{each.name}") for each in iter_modules(views.__path__)
    ]
    declared = [each for module in modules for each in vars(module).values()]
    return {view.command: view for view in declared if isinstance(view, View)}


def schema_of(view: View) -> dict[str, Any]:
    """The JSON Schema of a view's document: every key that it may hold, and no other."""
    properties: dict[str, Any] = {
        "at": {
            "type": "string",
            "description": "as known at this moment; latest: all that is known",
        },
        "network": {"type": "string"},
        "simulated": {"type": "boolean", "description": "whether it is about simulated history"},
    }
    for column in view.facts:
        properties |= _properties(column)
    properties |= {key: {"description": meaning} for key, meaning in view.more.items()}
    properties |= {
        "sentences": {"type": "array", "items": {"type": "string"}},
        "fields": {"type": "array", "items": _COLUMN},
        "provenance": {"type": "object"},
    }
    required = ["columns", "rows"] if view.tables else []
    if view.tables:
        properties["columns"] = {"type": "array", "items": _COLUMN}
        rows = [_row(columns, more=view.open_rows) for columns in view.tables.values()]
        items = rows[0] if len(rows) == 1 else {"anyOf": rows}
        properties["rows"] = {"type": "array", "items": items}
    if len(view.tables) > 1:
        properties["shown"] = {"enum": list(view.tables)}
    return {
        "$schema": DRAFT,
        "title": f"hashcanary {view.command} --json",
        "description": view.question,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _row(columns: Iterable[Column], *, more: bool) -> dict[str, Any]:
    properties = {key: value for column in columns for key, value in _properties(column).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": [] if more else list(properties),
        "additionalProperties": more,
    }


def _properties(column: Column) -> dict[str, Any]:
    """The keys of a column with the type and the meaning of their values."""
    described: dict[str, Any] = {"description": column.definition or column.title}
    if column.unit is DATE:
        described |= {"type": ["string", *_NULL], "format": "date"}
    elif column.unit is UNIX_TIME:
        described |= {"type": ["string", *_NULL], "format": "date-time"}
    elif column.numeric:
        described |= {"type": ["number", *_NULL]}
    return dict.fromkeys(column.keys, described)
