"""Lists of pools: by which tag and which payout address each is known, and which belong together.

Two formats are read: the project's own TOML (``pool_list.toml``, beside this module) and the JSON
of the ``mining-pools`` dictionary: its present form (``pools-v2.json``: a list of ``name``,
``tags``, ``addresses``) and its first one (``coinbase_tags``, ``payout_addresses``). Slugs are the
names' letters and digits in lower case, as its readers make them. That dictionary calls a tag a
regular expression. Those that can be nothing else, by an escape, a class, a count or a choice, are
taken as one; ``BTC.COM`` and the like are plain text.

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

import polars as pl

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
# what makes a tag of the dictionary a regular expression
_EXPRESSION = re.compile(r"\\|\[[^\]]+\]|\{\d+,?\d*\}|\.[*+?]|\|")
_LONGEST_EXPRESSION = 500
# how labels say that nobody knows
_NOBODY = {"unknown", "unknownpool", "unknownminer", "na", "none", "null", "other", ""}


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. addresses: scriptPubKey to the address as the list writes it; expressions: tags
    that are regular expressions.
    """

    slug: str
    name: str
    tags: tuple[str, ...] = ()
    addresses: Mapping[bytes, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()


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
    if isinstance(document, dict) and _FIRST_FORM & document.keys():
        document = _first_form(file, document)
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


_FIRST_FORM = {"coinbase_tags", "payout_addresses"}


def _first_form(file: str, document: dict[str, object]) -> list[object]:
    """Entries as of the present form: one a tag or address, which belong together by their name."""
    place, entries = Place(file, "", document, BadPoolList), list[object]()
    for key, given in (("coinbase_tags", "tags"), ("payout_addresses", "addresses")):
        if key not in document:
            continue
        part = place.part(key)
        entries += [{"name": part.part(one).text("name"), given: [one]} for one in part.table]
    return entries


def slug_of(name: str) -> str:
    """A pool's name as its letters and digits in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def slug_of_label(label: str) -> str:
    """What a label that somebody else wrote stands for.

    A slug is one; of a printed name the slug of the pool of that name in the built-in list, or the
    name itself where it has none; ``unknown`` where it says that nobody knows.
    """
    plain = slug_of(label)
    if plain in _NOBODY:
        return UNKNOWN
    return label if label == label.lower() and " " not in label else _printed().get(plain, label)


@cache
def _printed() -> dict[str, str]:
    """Slugs by names' letters and digits, of the built-in list."""
    pools = built_in().pools
    found = {slug_of(alias): pool.slug for pool in pools for alias in pool.aliases}
    return found | {slug_of(text): pool.slug for pool in pools for text in (pool.name, pool.slug)}


def _vendor_pools(file: str, entries: list[object]) -> tuple[Pool, ...]:
    """Pools of the JSON format; two names of one slug are one pool, as its readers take them."""
    found: dict[str, Pool] = {}
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            raise _bad(file, f"entry {number}", "an object", type(entry).__name__)
        place = Place(file, f"entry {number}", entry, BadPoolList)
        name = place.text("name")
        slug = slug_of(name) or f"pool{number}"
        pool = _pool(file, place, slug, name)
        before = found.get(slug)
        if before is not None:
            tags, addresses = before.tags + pool.tags, {**pool.addresses, **before.addresses}
            expressions = before.expressions + pool.expressions
            pool = Pool(slug, before.name, tags, addresses, (), expressions)
        found[slug] = pool
    return tuple(found.values())


def _pool(file: str, place: Place, slug: str, name: str) -> Pool:
    place = replace(place, where=f"pool {name}")
    given, addresses = place.texts("tags", ()), {}
    expressions = tuple(tag for tag in given if file.endswith(".json") and _EXPRESSION.search(tag))
    tags = tuple(tag for tag in given if tag not in expressions)
    for expression in expressions:
        _check_expression(place, expression)
    for tag in tags:
        if not _SHORTEST_TAG <= len(tag.encode()) <= _LONGEST_TAG:
            raise place.bad("tags", f"tags of {_SHORTEST_TAG} to {_LONGEST_TAG} bytes", tag)
    for address in place.texts("addresses", ()):
        try:
            addresses[script_of(address)] = address
        except InvalidAddress as error:
            expected = "addresses that can be paid to"
            raise _bad(file, place.where, expected, str(error)) from error
    return Pool(slug, name, tags, addresses, place.texts("aliases", ()), expressions)


def _check_expression(place: Place, expression: str) -> None:
    """Refuse what is no regular expression of the engine that looks for it (Rust's, which is
    linear in what it reads), or fits anything.
    """
    what = f"text, or a regular expression of at most {_LONGEST_EXPRESSION} characters"
    if len(expression) > _LONGEST_EXPRESSION:
        raise place.bad("tags", what, expression[:_LONGEST_EXPRESSION])
    try:
        fits_nothing = pl.Series([""]).str.contains(expression)[0]
    except pl.exceptions.ComputeError as error:
        raise place.bad("tags", what, f"{expression}: {error}") from error
    if fits_nothing:
        raise place.bad("tags", "a regular expression that does not fit empty text", expression)


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
