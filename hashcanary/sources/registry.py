"""Finds declared sources through the ``hashcanary.sources`` entry points."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.plugins import declared
from hashcanary.sources.errors import DuplicateKind, UnknownKind
from hashcanary.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashcanary.sources"


@cache
def all_sources() -> Mapping[str, Source]:
    """Every registered source by kind, sorted. Raises DuplicateKind on a kind used twice."""
    found: dict[str, Source] = {}
    for module, source in declared(GROUP, Source):
        if found.setdefault(source.kind, source) is not source:
            raise DuplicateKind(kind=source.kind, module=module)
    return dict(sorted(found.items()))


def find_source(kind: str) -> Source:
    """The source of a kind. Raises UnknownKind, naming those there are."""
    sources = all_sources()
    if kind not in sources:
        raise UnknownKind(kind=kind, known=", ".join(sources))
    return sources[kind]
