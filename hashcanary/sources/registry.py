"""Finds declared sources and feeds through the ``hashcanary.sources`` entry points."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from hashcanary.plugins import declared_once
from hashcanary.sources.errors import DuplicateFeed, DuplicateKind, UnknownFeed, UnknownKind
from hashcanary.sources.feed import Feed
from hashcanary.sources.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashcanary.sources"


@cache
def all_sources() -> Mapping[str, Source]:
    """Every registered source by kind, sorted. Raises DuplicateKind on a kind used twice."""
    return declared_once(
        GROUP,
        Source,
        lambda source: source.kind,
        lambda name, module: DuplicateKind(kind=name, module=module),
    )


def find_source(kind: str) -> Source:
    """The source of a kind. Raises UnknownKind, naming those there are."""
    sources = all_sources()
    if kind not in sources:
        raise UnknownKind(kind=kind, known=", ".join(sources))
    return sources[kind]


@cache
def all_feeds() -> Mapping[str, Feed]:
    """Every registered feed by name, sorted. Raises DuplicateFeed on a name used twice."""
    return declared_once(
        GROUP,
        Feed,
        lambda feed: feed.name,
        lambda name, module: DuplicateFeed(name=name, module=module),
    )


def find_feed(name: str, place: str = "--source") -> Feed:
    """The feed of a name. Raises UnknownFeed, naming those there are; place: who named it."""
    feeds = all_feeds()
    if name not in feeds:
        raise UnknownFeed(place=place, name=name, known=", ".join(feeds) or "(none)")
    return feeds[name]
