"""Lists of pools: by which tag and which payout address each is known, and which belong together.

Two formats are read: the project's own TOML (``pool_list.toml``, beside this module) and the JSON
of the ``mining-pools`` dictionary (``pools-v2.json``: a list of ``name``, ``tags``,
``addresses``), whose slugs are its names' letters and digits in lower case, as its readers make
them. That format calls a tag a regular expression; those in it are plain text, and are taken so.

A list is known by its name and the digest of its bytes, so that a label tells what gave it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from hashcanary.chain.address import script_of
from hashcanary.chain.errors import InvalidAddress
from hashcanary.sources.errors import BadPoolList
from hashcanary.sources.files.reading import fetch
from hashcanary.stated import Place

UNKNOWN = "unknown"
MAX_BYTES = 1 << 22
_SHORTEST_TAG = 3  # a shorter one meets random bytes of an extra nonce too often
_LONGEST_TAG = 100  # no scriptSig of a coinbase is longer
_FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. addresses: scriptPubKey to the address as the list writes it."""

    slug: str
    name: str
    tags: tuple[str, ...] = ()
    addresses: Mapping[bytes, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Pools that belong together, from ``since`` to before ``until`` (Unix seconds)."""

    slug: str
    name: str
    members: tuple[str, ...]
    relation: str
    source: str
    since: int = 0
    until: int = _FOREVER


@dataclass(frozen=True, slots=True)
class PoolList:
    """A list of pools. label: what blocks labelled by it carry: ``NAME@DIGEST``."""

    name: str
    digest: str
    pools: tuple[Pool, ...]
    groups: tuple[Group, ...] = ()

    @property
    def label(self) -> str:
        """Name and the first 12 hex digits of the SHA-256 of the list's bytes."""
        return f"{self.name}@{self.digest[:12]}"

    def names(self) -> dict[str, str]:
        """Names by slug, by alias and by a group's slug."""
        found = {alias: pool.name for pool in self.pools for alias in pool.aliases}
        found |= {pool.slug: pool.name for pool in self.pools}
        return found | {group.slug: group.name for group in self.groups} | {UNKNOWN: "unknown"}

    def canonical(self) -> dict[str, str]:
        """The slug that stands for each slug and alias."""
        found = {alias: pool.slug for pool in self.pools for alias in pool.aliases}
        return found | {pool.slug: pool.slug for pool in self.pools}


@cache
def built_in() -> PoolList:
    """The list that comes with hashcanary."""
    place = files("hashcanary.sources.pools") / "pool_list.toml"
    return parse_pool_list("pool_list.toml", place.read_bytes())


def read_pool_list(path: Path) -> PoolList:
    """A list from a file, TOML or JSON by its name's ending, perhaps compressed by zstd.

    Raises BadPoolList, which names the place, and the errors of reaching files.
    """
    content = fetch(path, MAX_BYTES)
    return parse_pool_list(content.name, content.data)


def parse_pool_list(file: str, data: bytes) -> PoolList:
    """A list from its bytes; ``file`` is the name in messages, and names a JSON list.

    Raises BadPoolList.
    """
    digest = sha256(data).hexdigest()
    try:
        text = data.decode("utf-8")
        document: object = json.loads(text) if file.endswith(".json") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _bad(file, "its text", "JSON (a name ending in .json) or TOML", str(error)) from error
    if isinstance(document, list):
        return PoolList(file.removesuffix(".json"), digest, _vendor_pools(file, document))
    place = Place(file, "", document if isinstance(document, dict) else {}, BadPoolList)
    pools = tuple(
        _pool(file, one, one.text("slug"), one.text("name")) for one in place.parts("pool")
    )
    _each_once(file, pools)
    groups = tuple(_group(one) for one in place.parts("group"))
    known = {pool.slug for pool in pools}
    for group in groups:
        for member in group.members:
            if member not in known:
                raise _bad(file, f"group {group.slug}", "members that are pools", repr(member))
    return PoolList(f"{place.text('name')}-{place.text('edition')}", digest, pools, groups)


def _vendor_pools(file: str, entries: list[object]) -> tuple[Pool, ...]:
    """Pools of the JSON format; two names of one slug are one pool, as its readers take them."""
    found: dict[str, Pool] = {}
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise _bad(file, f"entry {number}", "an object", type(entry).__name__)
        place = Place(file, f"entry {number}", entry, BadPoolList)
        name = place.text("name")
        slug = re.sub(r"[^a-z0-9]", "", name.lower()) or f"pool{number}"
        pool = _pool(file, place, slug, name)
        before = found.get(slug)
        if before is not None:
            tags, addresses = before.tags + pool.tags, {**pool.addresses, **before.addresses}
            pool = Pool(slug, before.name, tags, addresses)
        found[slug] = pool
    return tuple(found.values())


def _pool(file: str, place: Place, slug: str, name: str) -> Pool:
    place = replace(place, where=f"pool {name}")
    tags, addresses = place.texts("tags", ()), {}
    for tag in tags:
        if not _SHORTEST_TAG <= len(tag.encode()) <= _LONGEST_TAG:
            raise place.bad("tags", f"tags of {_SHORTEST_TAG} to {_LONGEST_TAG} bytes", tag)
    for address in place.texts("addresses", ()):
        try:
            addresses[script_of(address)] = address
        except InvalidAddress as error:
            expected = "addresses that can be paid to"
            raise _bad(file, place.where, expected, str(error)) from error
    return Pool(slug, name, tags, addresses, place.texts("aliases", ()))


def _each_once(file: str, pools: tuple[Pool, ...]) -> None:
    """Refuse a slug, a tag or an address that two pools claim."""
    owners: dict[object, str] = {}
    for pool in pools:
        claims: list[object] = [("slug", slug) for slug in (pool.slug, *pool.aliases)]
        claims += [("tag", tag) for tag in {tag.lower() for tag in pool.tags}]
        claims += [("address", address) for address in pool.addresses.values()]
        for claim in claims:
            if claim in owners:
                raise _bad(file, f"pool {pool.slug}", "what no other pool claims", f"{claim}")
            owners[claim] = pool.slug


def _group(place: Place) -> Group:
    return Group(
        place.text("slug"),
        place.text("name"),
        place.texts("members", ()),
        place.text("relation"),
        place.text("source"),
        place.day("since", 0),
        place.day("until", _FOREVER),
    )


def _bad(file: str, place: str, expected: str, found: str) -> BadPoolList:
    return BadPoolList(file=file, place=place, expected=expected, found=found)
