"""The stated numbers of inference: causes (``causes.toml``), pools' regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashcanary.inference.errors import BadStatement
from hashcanary.stated import Place, read_document

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Place", "read_stated"]


def read_stated(name: str, path: Path | None) -> Place:
    """The document of ``path``, of the built-in file ``name`` without. Raises BadStatement."""
    return read_document("hashcanary.inference.explain", name, path, BadStatement)
